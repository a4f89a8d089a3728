/* graph.c - see graph.h */
#include "compiler/graph.h"
#include "compiler/checker.h"
#include "compiler/mend.h"

#include <stdlib.h>

enum { UNSEEN, SEEING, SEEN };

/* ---- migrations ---- */

static int by_name(const void *a, const void *b)
{
	const struct unit_migration *x = *(struct unit_migration *const *)a,
				    *y = *(struct unit_migration *const *)b;
	int order = str_compare(x->name, y->name);

	if (order)
		return order;
	return (x->module->source > y->module->source) - (x->module->source < y->module->source);
}

static struct unit_migration *find(const struct unit *u, struct str name)
{
	for (size_t low = 0, high = u->migrations.count; low < high;) {
		size_t middle = low + (high - low) / 2;
		int order = str_compare(name, u->migrations.at[middle]->name);

		if (order == 0)
			return u->migrations.at[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

static void drop_doubles(struct unit *u)
{
	size_t kept_count = 0;

	for (size_t i = 0; i < u->migrations.count; i++) {
		struct unit_migration *m = u->migrations.at[i];
		const struct unit_migration *before =
			kept_count ? u->migrations.at[kept_count - 1] : NULL;
		size_t number;

		if (!before || !str_eq(before->name, m->name)) {
			u->migrations.at[kept_count++] = m;
			continue;
		}
		number = diag_add(&u->diags, m->declaration->migration->head,
				  DIAG_MIGRATION_NAME_TAKEN, kept(u, m->name));
		diag_note(&u->diags, number, before->declaration->migration->head, "the first one");
	}
	u->migrations.count = kept_count;
}

static void unknown_dependency(struct unit *u, const struct unit_migration *m, struct name name)
{
	VEC(struct str) names = { 0 };
	size_t number = diag_add(&u->diags, name.span, DIAG_DEPENDS_UNKNOWN, kept(u, name.text));
	struct nearest near;

	for (size_t i = 0; i < u->migrations.count; i++)
		if (u->migrations.at[i] != m)
			vec_push(&names, u->migrations.at[i]->name);
	near = diag_nearest(name.text, names.at, names.count);
	if (near.name.len)
		diag_help(&u->diags, number, "did you mean \"%.*s\"?", STR_ARG(near.name));
	else
		diag_help(&u->diags, number,
			  "it is looked for in the files that were given, by the name behind "
			  "`migration`, and beside this one");
	if (near.is_only)
		diag_fix(&u->diags, number, name.span, "\"%.*s\"", STR_ARG(near.name));
	vec_clear(&names);
}

static void link_one(struct unit *u, struct unit_migration *m)
{
	struct map seen = { 0 };
	uint32_t count = 0;

	for (const struct name_list *d = m->declaration->migration->depends; d; d = d->next)
		count++;
	m->depends = arena_array(&u->arena, struct unit_migration *, count + 1);
	for (const struct name_list *d = m->declaration->migration->depends; d; d = d->next) {
		struct unit_migration *found = find(u, d->name.text);

		if (map_add(&seen, d->name.text, m))
			mend_element(u,
				     diag_add(&u->diags, d->name.span, DIAG_DEPENDS_TWICE,
					      kept(u, d->name.text)),
				     d->name.span);
		else if (found)
			m->depends[m->depends_count++] = found;
		else if (!u->has_migration ||
			 !u->has_migration(u->context, u->sources.all.at[m->module->source].path,
					   d->name.text))
			unknown_dependency(u, m, d->name);
	}
	map_clear(&seen);
}

/* Told at the dependency, which can go if it is the only one of its clause. */
static void depends_on_itself(struct unit *u, const struct unit_migration *m)
{
	const struct name_list *d = m->declaration->migration->depends;
	size_t number;

	while (d && !str_eq(d->name.text, m->name))
		d = d->next;
	number = diag_add(&u->diags, d ? d->name.span : m->declaration->migration->head,
			  DIAG_DEPENDS_CYCLE,
			  arena_format(&u->arena, "\"%.*s\" depends on itself",
				       STR_ARG(m->name)).ptr);
	diag_help(&u->diags, number, "remove it, or name the migration that is meant");
}

struct step { struct unit_migration *m; uint32_t next; };

/* A way that comes back to one that it is still on is a circle: told once, where it closes. An own
 * stack, for a chain of migrations may be long. */
static void find_circles(struct unit *u, struct unit_migration *start)
{
	VEC(struct step) way = { 0 };

	start->state = SEEING;
	vec_push(&way, (struct step){ start, 0 });
	while (way.count) {
		struct unit_migration *m = way.at[way.count - 1].m, *to;
		uint32_t next = way.at[way.count - 1].next++;

		if (next == m->depends_count) {
			m->state = SEEN;
			way.count--;
			continue;
		}
		to = m->depends[next];
		if (to->state == UNSEEN) {
			to->state = SEEING;
			vec_push(&way, (struct step){ to, 0 });
		} else if (to->state == SEEING) {
			struct buf words = { 0 };
			size_t from = way.count;

			while (way.at[--from].m != to)
				;
			if (to == m) {
				depends_on_itself(u, m);
				continue;
			}
			for (; from < way.count; from++)
				buf_format(&words, "\"%.*s\" → ", STR_ARG(way.at[from].m->name));
			buf_format(&words, "\"%.*s\"", STR_ARG(to->name));
			diag_add(&u->diags, m->declaration->migration->head, DIAG_DEPENDS_CYCLE,
				 kept(u, buf_view(&words)));
			buf_clear(&words);
		}
	}
	vec_clear(&way);
}

void graph_link(struct unit *u)
{
	if (u->migrations.count == 0)
		return;
	qsort(u->migrations.at, u->migrations.count, sizeof(*u->migrations.at), by_name);
	drop_doubles(u);
	for (size_t i = 0; i < u->migrations.count; i++)
		link_one(u, u->migrations.at[i]);
	for (size_t i = 0; i < u->migrations.count; i++)
		if (u->migrations.at[i]->state == UNSEEN)
			find_circles(u, u->migrations.at[i]);
}

/* ---- includes ---- */

static uint32_t measure_list(struct unit *u, const struct statement *first, unsigned depth);

static uint32_t add_capped(uint32_t a, uint32_t b)
{
	return a + b > PLAN_OPERATIONS_MAX ? PLAN_OPERATIONS_MAX + 1 : a + b;	/* both are small */
}

/* How many operations and includes an `operations` stands for, counted once. */
static uint32_t measure(struct unit *u, struct symbol *operations, const struct statement *at,
			unsigned depth)
{
	if (operations->state == SEEING || depth > CHECK_DEPTH_MAX) {
		diag_add(&u->diags, at->span,
			 operations->state == SEEING ? DIAG_INCLUDE_CYCLE : DIAG_TOO_DEEP,
			 kept(u, operations->name));
		return 0;
	}
	if (operations->state == UNSEEN) {
		operations->state = SEEING;
		operations->number = operations->declaration->fn.body
			? measure_list(u, operations->declaration->fn.body->first, depth + 1) : 0;
		operations->state = SEEN;
	}
	return operations->number;
}

static uint32_t measure_list(struct unit *u, const struct statement *first, unsigned depth)
{
	uint32_t total = 0;

	if (depth > 2 * CHECK_DEPTH_MAX)
		return 0;
	for (const struct statement *s = first; s && total <= PLAN_OPERATIONS_MAX; s = s->next) {
		uint32_t one = 0;

		if (s->kind == STATEMENT_OPERATION || s->kind == STATEMENT_APPROVAL)
			one = 1;
		else if (s->kind == STATEMENT_PARALLEL && s->parallel.body)
			one = measure_list(u, s->parallel.body->first, depth + 1);
		else if (s->kind == STATEMENT_FOR && s->loop.body)
			one = measure_list(u, s->loop.body->first, depth + 1);
		else if (s->kind == STATEMENT_IF)
			one = add_capped(
				s->branch.then ? measure_list(u, s->branch.then->first, depth + 1)
					       : 0,
				s->branch.otherwise
					? measure_list(u, s->branch.otherwise->first, depth + 1)
					: 0);
		else if (s->kind == STATEMENT_INCLUDE && s->expression &&
			 s->expression->kind == EXPRESSION_CALL && s->expression->symbol &&
			 s->expression->symbol->kind == SYMBOL_OPERATIONS)
			one = add_capped(measure(u, s->expression->symbol, s, depth + 1), 1);
		total = add_capped(total, one);
	}
	return total;
}

void graph_check_includes(struct unit *u)
{
	for (size_t i = 0; i < u->modules.count; i++)
		for (struct declaration *d = u->modules.at[i]->tree->first; d; d = d->next)
			if (d->kind == DECLARATION_OPERATIONS && d->symbol && d->fn.body &&
			    d->fn.body->first)
				measure(u, d->symbol, d->fn.body->first, 0);
	for (size_t i = 0; i < u->migrations.count; i++) {
		const struct migration_syntax *m = u->migrations.at[i]->declaration->migration;

		if (measure_list(u, m->plan, 0) > PLAN_OPERATIONS_MAX)
			diag_add(&u->diags, m->head, DIAG_TOO_MANY_OF, "operations",
				 PLAN_OPERATIONS_MAX);
	}
}
