/* check_statement.c - the statements of bodies and blocks */
#include "compiler/checker.h"
#include "compiler/mend.h"

void check_let(struct checker *c, struct statement *s, enum symbol_kind kind)
{
	const char *what = phrase(c, "`%.*s`", STR_ARG(s->let.name.text));
	uint32_t type;

	if (s->let.type) {
		type = type_resolve(c->unit, c->module->scope, s->let.type);
		if (type_kind_of(c->unit, type) == TYPE_CONNECTION) {
			wrong(c, s->let.type->span, DIAG_CONNECTION_KEPT);
			type = TYPE_NEVER;
		}
		check_wanted(c, s->let.value, type, what);
	} else {
		type = check_value(c, s->let.value);
		if (!check_kept_type(c, s->let.name, s->let.value->span, type))
			type = TYPE_NEVER;
	}
	if (kind != SYMBOL_LET && kind != SYMBOL_VAR && type_has(&c->unit->types, type, TYPE_ANY)) {
		wrong(c, s->let.value->span, DIAG_ANY_USED);
		type = TYPE_NEVER;
	}
	s->symbol = declare(c, kind, s->let.name, type);
	s->symbol->value = s->let.value;
}

/* Windows at once have a copy each of what is around them: what one writes there is lost. */
static void check_own(struct checker *c, const struct symbol *symbol, struct name name)
{
	size_t number;

	for (const struct scope *s = c->scope; c->lane && s; s = s->parent) {
		if (scope_find_here(s, NAMES_VALUE, name.text) == symbol)
			return;
		if (s != c->lane)
			continue;
		number = wrong(c, name.span, DIAG_NOT_INSIDE,
			       phrase(c, "an assignment to `%.*s`, which is outside of it,",
				      STR_ARG(name.text)),
			       c->inside);
		diag_note(&c->unit->diags, number, symbol->span, "declared here");
		return;
	}
}

static void check_assign(struct checker *c, struct statement *s)
{
	struct name name = s->assign.name;
	struct symbol *symbol = scope_find(c->scope, NAMES_VALUE, name.text);
	size_t number;

	if (!symbol) {
		check_value(c, s->assign.value);
		number = wrong(c, name.span, DIAG_UNKNOWN_NAME, kept(c->unit, name.text));
		diag_help(&c->unit->diags, number, "a new variable is made by `var %.*s = …`",
			  STR_ARG(name.text));
		suggest(c, number, scope_nearest(c->scope, NAMES_VALUE, name.text));
		/* What comes next is not told of it again. */
		s->symbol = unit_symbol(c->unit, SYMBOL_ERROR, name);
		scope_add(c->scope, s->symbol);
		return;
	}
	s->symbol = symbol;
	if (symbol->kind == SYMBOL_VAR) {
		check_own(c, symbol, name);
		check_wanted(c, s->assign.value, symbol->type,
			     phrase(c, "`%.*s`", STR_ARG(name.text)));
		return;
	}
	check_value(c, s->assign.value);
	if (symbol->kind == SYMBOL_ERROR)
		return;
	number = wrong(c, name.span, DIAG_NOT_ASSIGNABLE, kept(c->unit, name.text),
		       symbol_words(symbol));
	if (symbol->kind == SYMBOL_LET) {
		diag_help(&c->unit->diags, number, "declare it with `var` instead of `let`");
		mend_let(c, number, symbol);
	}
	diag_note(&c->unit->diags, number, symbol->span, "declared here");
}

uint32_t check_loop_list(struct checker *c, struct expression *e)
{
	uint32_t type = check_value(c, e);
	const struct type *list = types_get(&c->unit->types, type);

	if (list->kind == TYPE_LIST) {
		if (list->element == TYPE_NEVER)
			wrong(c, e->span, DIAG_LIST_EMPTY);
		return list->element;
	}
	if (type != TYPE_NEVER && !unfinished(c, e))
		mend_list(c, wrong(c, e->span, DIAG_NOT_A_LIST, type_text(c->unit, type)), e);
	return TYPE_NEVER;
}

static void check_for(struct checker *c, struct statement *s)
{
	uint32_t element = check_loop_list(c, s->loop.list);
	struct scope *outer = scope_open(c);

	s->symbol = declare(c, SYMBOL_LOOP, s->loop.name, element);
	check_block(c, s->loop.body);
	c->scope = outer;
}

static void check_branch(struct checker *c, struct statement *s)
{
	struct scope *outer = scope_open(c);

	check_condition(c, s->branch.condition);
	check_block(c, s->branch.then);
	c->scope = outer;
	check_block(c, s->branch.otherwise);
}

/* `progress 50` is no float that is too large: said once, without the point that would hide it. */
static void check_progress(struct checker *c, struct expression *e)
{
	const char *what = "the progress";
	bool is_large = (e->kind == EXPRESSION_INT && e->number > 1) ||
			(e->kind == EXPRESSION_FLOAT && e->real > 1);

	if (!is_large) {
		check_wanted(c, e, TYPE_FLOAT, "the progress, from 0.0 to 1.0,");
		return;
	}
	diag_help(&c->unit->diags,
		  wrong(c, e->span, DIAG_CLAUSE_RANGE, what, "from 0.0 to 1.0"),
		  "a half is 0.5; a part of a whole `float(done) / float(all)`");
}

static void check_while(struct checker *c, struct statement *s)
{
	struct scope *outer = scope_open(c);

	check_condition(c, s->repeat.condition);
	check_block(c, s->repeat.body);
	c->scope = outer;
}

static void check_exec(struct checker *c, struct statement *s)
{
	place_allows(c, s->span, ALLOW_EFFECT, "exec");
	check_wanted(c, s->expression, TYPE_SQL, "what `exec` sends");
	if (!(c->allowed & ALLOW_EFFECT))
		return;
	s->symbol = c->on;
	if (!c->on)
		wrong(c, s->span, DIAG_WHICH_CONNECTION, "exec");
	check_exec_inside(c, s->span, c->on);
}

static void check_return(struct checker *c, struct statement *s)
{
	check_return_inside(c, s->span);
	if (!s->expression) {
		if (c->result != TYPE_NOTHING && c->result != TYPE_NEVER)
			wrong(c, s->span, DIAG_RETURN_EMPTY, type_text(c->unit, c->result));
		return;
	}
	if (c->result != TYPE_NOTHING) {
		check_wanted(c, s->expression, c->result, "what is returned");
		return;
	}
	check_expression(c, s->expression);
	wrong(c, s->expression->span, DIAG_RETURN_VALUE, c->place);
}

/* A value that nobody takes is a mistake, unless a call did something on the way. */
static void check_alone(struct checker *c, struct expression *e)
{
	uint32_t type = check_expression(c, e);
	size_t number;

	if (type == TYPE_NEVER)
		return;
	if (e->kind == EXPRESSION_CALL && e->symbol &&
	    (e->symbol->kind == SYMBOL_FN ||
	     (e->symbol->kind == SYMBOL_SPECIAL && e->symbol->number == SPECIAL_EXEC)))
		return;
	number = wrong(c, e->span, DIAG_UNUSED_VALUE);
	if (e->kind != EXPRESSION_SQL || !(c->allowed & ALLOW_EFFECT))
		return;
	diag_help(&c->unit->diags, number, "`exec` sends it");
	diag_fix(&c->unit->diags, number,
		 (struct span){ e->span.source, e->span.start, e->span.start }, "exec ");
}

static void check_statement(struct checker *c, struct statement *s)
{
	switch (s->kind) {
	case STATEMENT_LET:
		check_let(c, s, SYMBOL_LET);
		break;
	case STATEMENT_VAR:
		check_let(c, s, SYMBOL_VAR);
		break;
	case STATEMENT_ASSIGN:
		check_assign(c, s);
		break;
	case STATEMENT_EXPRESSION:
		check_alone(c, s->expression);
		break;
	case STATEMENT_EXEC:
		check_exec(c, s);
		break;
	case STATEMENT_IF:
		check_branch(c, s);
		break;
	case STATEMENT_FOR:
		check_for(c, s);
		break;
	case STATEMENT_WHILE:
		check_while(c, s);
		break;
	case STATEMENT_RETURN:
		check_return(c, s);
		break;
	case STATEMENT_REQUIRE:
		check_wanted(c, s->require.condition, TYPE_BOOL, "what is required");
		if (s->require.message)
			check_wanted(c, s->require.message, TYPE_STRING, "the message");
		break;
	case STATEMENT_FAIL:
	case STATEMENT_LOG:
		check_wanted(c, s->expression, TYPE_STRING, "the message");
		break;
	case STATEMENT_PROGRESS:
		if (!(c->allowed & ALLOW_EFFECT))
			wrong(c, s->span, DIAG_PROGRESS_HERE);
		check_progress(c, s->expression);
		break;
	case STATEMENT_SLEEP:
	case STATEMENT_WAIT:
	case STATEMENT_HALT:
	case STATEMENT_TRY:
	case STATEMENT_TRANSACTION:
	case STATEMENT_LOCK:
	case STATEMENT_BATCHES:
	case STATEMENT_COPY:
	case STATEMENT_HTTP:
	case STATEMENT_SET:
		check_effect(c, s);
		break;
	case STATEMENT_OPERATION:
	case STATEMENT_INCLUDE:
	case STATEMENT_APPROVAL:
	case STATEMENT_PARALLEL:
	case STATEMENT_GIVEN:
	case STATEMENT_RUN:
	case STATEMENT_EXPECT:
		wrong(c, s->span, DIAG_NOT_IN_BLOCK, "this");
		break;
	case STATEMENT_ERROR:
		break;
	}
}

void check_statements(struct checker *c, struct block *block)
{
	for (struct statement *s = block ? block->first : NULL; s; s = s->next)
		check_statement(c, s);
}

/* `else if` is a block in a block: counted with the nesting of expressions, for both use the same
 * stack. */
void check_block(struct checker *c, struct block *block)
{
	struct scope *outer;

	if (!block)
		return;
	if (is_too_deep(c, block->span))
		return;
	c->depth++;
	outer = scope_open(c);
	check_statements(c, block);
	c->scope = outer;
	c->depth--;
}

static bool ends(const struct block *block, unsigned depth);

static bool statement_ends(const struct statement *s, unsigned depth)
{
	if (s->kind == STATEMENT_RETURN || s->kind == STATEMENT_FAIL || s->kind == STATEMENT_ERROR)
		return true;
	if (s->kind == STATEMENT_TRY)
		return ends(s->attempt.body, depth) && ends(s->attempt.handler, depth);
	if (s->kind == STATEMENT_LOCK)
		return ends(s->lock.body, depth);
	if (s->kind == STATEMENT_TRANSACTION)
		return ends(s->block, depth);
	return s->kind == STATEMENT_IF && s->branch.otherwise && ends(s->branch.then, depth) &&
	       ends(s->branch.otherwise, depth);
}

/* What is nested too deeply was told already. */
static bool ends(const struct block *block, unsigned depth)
{
	if (depth > CHECK_DEPTH_MAX)
		return true;
	for (const struct statement *s = block ? block->first : NULL; s; s = s->next)
		if (statement_ends(s, depth + 1))
			return true;
	return false;
}

bool block_ends(const struct block *block)
{
	return ends(block, 0);
}
