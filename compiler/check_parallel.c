/* check_parallel.c - `parallel` in `parallel`, where an `include` stands between the two */
#include "compiler/checker.h"
#include "compiler/graph.h"

enum { NOT_LOOKED_AT, WITHOUT, WITH };

static const struct statement *parallel_in(const struct statement *first, unsigned depth);

static struct symbol *included(const struct statement *s)
{
	const struct expression *call = s->kind == STATEMENT_INCLUDE ? s->expression : NULL;

	return call && call->kind == EXPRESSION_CALL && call->symbol &&
			       call->symbol->kind == SYMBOL_OPERATIONS
		       ? call->symbol
		       : NULL;
}

/* Whether a list of operations has a `parallel`, or includes one that has. A circle of includes is
 * told elsewhere. */
static bool has_parallel(struct symbol *operations, unsigned depth)
{
	const struct block *body = operations->declaration->fn.body;

	if (operations->parallel == NOT_LOOKED_AT) {
		operations->parallel = WITHOUT;
		if (body && parallel_in(body->first, depth + 1))
			operations->parallel = WITH;
	}
	return operations->parallel == WITH;
}

/* The first statement of a list by which there is a `parallel`; NULL: there is none. */
static const struct statement *parallel_in(const struct statement *first, unsigned depth)
{
	const struct statement *found = NULL;

	if (depth > CHECK_DEPTH_MAX)
		return NULL;
	for (const struct statement *s = first; s && !found; s = s->next) {
		struct symbol *operations = included(s);

		if (s->kind == STATEMENT_PARALLEL ||
		    (operations && has_parallel(operations, depth)))
			found = s;
		else if (s->kind == STATEMENT_FOR && s->loop.body)
			found = parallel_in(s->loop.body->first, depth + 1);
		else if (s->kind == STATEMENT_IF && s->branch.then)
			found = parallel_in(s->branch.then->first, depth + 1);
		if (!found && s->kind == STATEMENT_IF && s->branch.otherwise)
			found = parallel_in(s->branch.otherwise->first, depth + 1);
	}
	return found;
}

static void refuse(struct unit *u, const struct statement *include, struct symbol *operations)
{
	const struct statement *found = parallel_in(operations->declaration->fn.body->first, 0);
	size_t number = diag_add(&u->diags, include->span, DIAG_NOT_INSIDE, "`parallel`",
				 "`parallel`, and this includes one");

	if (found)
		diag_note(&u->diags, number, found->span, "it is here");
	diag_help(&u->diags, number, "place the `include` behind the outer `parallel`");
}

static void look(struct unit *u, const struct statement *first, bool inside, unsigned depth)
{
	if (depth > CHECK_DEPTH_MAX)
		return;
	for (const struct statement *s = first; s; s = s->next) {
		struct symbol *operations = inside ? included(s) : NULL;

		if (operations && has_parallel(operations, 0))
			refuse(u, s, operations);
		else if (s->kind == STATEMENT_PARALLEL && s->parallel.body)
			look(u, s->parallel.body->first, true, depth + 1);
		else if (s->kind == STATEMENT_FOR && s->loop.body)
			look(u, s->loop.body->first, inside, depth + 1);
		else if (s->kind == STATEMENT_IF && s->branch.then)
			look(u, s->branch.then->first, inside, depth + 1);
		if (s->kind == STATEMENT_IF && s->branch.otherwise)
			look(u, s->branch.otherwise->first, inside, depth + 1);
	}
}

void graph_check_parallel(struct unit *u)
{
	for (size_t i = 0; i < u->modules.count; i++)
		for (struct declaration *d = u->modules.at[i]->tree->first; d; d = d->next)
			if (d->kind == DECLARATION_OPERATIONS && d->symbol && d->fn.body)
				look(u, d->fn.body->first, false, 0);
	for (size_t i = 0; i < u->migrations.count; i++)
		look(u, u->migrations.at[i]->declaration->migration->plan, false, 0);
}
