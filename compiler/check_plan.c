/* check_plan.c - plans: operations, and the statements that they are listed by */
#include "compiler/checker.h"
#include "compiler/mend.h"

static const char *label_words(struct checker *c, const struct operation_syntax *o)
{
	struct str label = expression_label(&c->unit->arena, o->label);

	return phrase(c, "\"%.*s\"", STR_ARG(label));
}

/* ---- clauses of an operation ---- */

/* A clause's value, which must be within bounds where the compiler can know it. */
static void check_clause(struct checker *c, struct expression *e, uint32_t type, int64_t least,
			 const char *name)
{
	struct folded known;

	if (!e)
		return;
	check_wanted(c, e, type, name);
	if (e->type == type && expression_fold(e, &known) && known.number < least)
		wrong(c, e->span, DIAG_CLAUSE_RANGE, name, type == TYPE_DURATION ? "longer than 0ms"
			: least ? "at least 1" : "at least 0");
}

static void check_backoff(struct checker *c, const struct operation_syntax *o)
{
	struct folded least, most;

	check_clause(c, o->backoff_min, TYPE_DURATION, 1, "`backoff`");
	check_clause(c, o->backoff_max, TYPE_DURATION, 1, "`backoff`");
	if (expression_fold(o->backoff_min, &least) && expression_fold(o->backoff_max, &most) &&
	    least.kind == most.kind && least.number > most.number)
		wrong(c, o->backoff_max->span, DIAG_REVERSED, "backoff");
}

static void check_settings(struct checker *c, const struct operation_syntax *o)
{
	struct map seen = { 0 };

	for (struct argument *a = o->settings; a; a = a->next) {
		uint32_t type = check_value(c, a->value);

		if (map_add(&seen, a->name.text, a))
			wrong(c, a->name.span, DIAG_FIELD_TWICE, kept(c->unit, a->name.text));
		if (type == TYPE_NEVER || type == TYPE_BOOL || type == TYPE_INT ||
		    type == TYPE_FLOAT || type == TYPE_STRING)
			continue;
		if (!unfinished(c, a->value))
			wrong(c, a->value->span, DIAG_SETTING_TYPE, kept(c->unit, a->name.text),
			      type_text(c->unit, type));
	}
	map_clear(&seen);
}

static void check_on(struct checker *c, struct operation_syntax *o)
{
	struct symbol *symbol;
	VEC(struct str) candidates = { 0 };
	size_t number;

	c->on = NULL;
	if (!o->on)
		return;
	if (o->on->kind != EXPRESSION_NAME) {
		wrong(c, o->on->span, DIAG_NOT_A_NEED, "this");
		return;
	}
	symbol = scope_find(c->scope, NAMES_VALUE, o->on->name.text);
	if (symbol && symbol->kind == SYMBOL_ERROR) {
		c->on = symbol;
		return;
	}
	symbol = name_connection(c, o->on);
	if (symbol) {
		o->on->symbol = symbol;
		o->on->type = symbol->type;
		c->on = symbol;
		return;
	}
	c->on = unit_symbol(c->unit, SYMBOL_ERROR, o->on->name);
	if (is_in_broken_line(c->unit, o->on->name))
		return;
	number = wrong(c, o->on->span, DIAG_NOT_A_NEED,
		       phrase(c, "`%.*s`", STR_ARG(o->on->name.text)));
	for (uint32_t i = 0; c->migration && i < c->migration->need_count; i++)
		vec_push(&candidates, c->migration->needs[i]->name);
	suggest(c, number, diag_nearest(o->on->name.text, candidates.at, candidates.count));
	vec_clear(&candidates);
}

static void check_per(struct checker *c, const struct operation_syntax *o)
{
	const struct type *type = c->on ? types_get(&c->unit->types, c->on->type) : NULL;

	if (o->per != PER_NONE && type && type->kind == TYPE_CONNECTION &&
	    !str_eq(type->connection, STR("clickhouse")))
		wrong(c, o->head, DIAG_PER_KIND, label_words(c, o),
		      kept(c->unit, type->connection));
}

/* A label whose closing quote is missing has swallowed the `on` that follows it. */
static bool is_cut_off(const struct checker *c, const struct expression *label)
{
	struct str text = c->unit->sources.all.at[label->span.source].text;

	return text.ptr[label->span.end - 1] != '"';
}

/* `rollback none`, `rollback null` */
static bool is_nothing(const struct checker *c, const struct expression *e)
{
	static const char *const words[] = { "none", "noop", "empty", "nil", "no" };

	for (size_t i = 0; e->kind == EXPRESSION_NAME && i < ARRAY_SIZE(words); i++)
		if (str_eq(e->name.text, str_c(words[i])))
			return !scope_find(c->scope, NAMES_VALUE, e->name.text);
	return e->kind == EXPRESSION_NULL;
}

/* `rollback irreversible` */
static bool is_never(const struct checker *c, const struct expression *e)
{
	return e->kind == EXPRESSION_NAME && !scope_find(c->scope, NAMES_VALUE, e->name.text) &&
	       (str_eq(e->name.text, STR("irreversible")) ||
		str_eq(e->name.text, STR("impossible")));
}

static void check_action(struct checker *c, const struct operation_syntax *o, struct action *action,
			 const char *place)
{
	const char *outer = c->place;

	if (!action)
		return;
	c->place = place;
	c->allowed = ALLOW_CALL | ALLOW_READ | ALLOW_EFFECT;
	if (action->sql && is_nothing(c, action->sql) && action == o->rollback) {
		size_t number = wrong(c, action->sql->span, DIAG_SQL_EXPECTED, "a rollback",
				      "none");

		diag_help(&c->unit->diags, number,
			  "if nothing has to be undone: `rollback nothing`");
		diag_fix(&c->unit->diags, number, action->sql->span, "nothing");
	} else if (action->sql && is_never(c, action->sql)) {
		diag_help(&c->unit->diags,
			  wrong(c, action->sql->span, DIAG_SQL_EXPECTED, "a rollback", "none"),
			  "if it can't be undone, say so in its place: `irreversible \"why\"`");
	} else if (action->sql) {
		if (!c->on && !is_cut_off(c, o->label))
			mend_on(c, wrong(c, o->head, DIAG_ON_MISSING, label_words(c, o)), o);
		check_wanted(c, action->sql, TYPE_SQL,
			     phrase(c, "what `%s` sends", place + 2));
	}
	check_block(c, action->block);
	c->allowed = ALLOW_CALL | ALLOW_READ;
	c->place = outer;
}

static void check_rollback(struct checker *c, const struct operation_syntax *o)
{
	switch (o->rollback_kind) {
	case ROLLBACK_MISSING:
		return;		/* the parser said so */
	case ROLLBACK_ACTION:
		check_action(c, o, o->rollback, "a rollback");
		return;
	case ROLLBACK_IS_IRREVERSIBLE:
		check_plain(c, o->irreversible, "the reason of `irreversible`");
		break;
	case ROLLBACK_IS_NOTHING:
		break;
	}
	if (o->in_doubt_undo)
		wrong(c, o->head, DIAG_UNDO_NOTHING, label_words(c, o));
}

static void check_label(struct checker *c, const struct operation_syntax *o)
{
	struct str text;
	const struct expression *before;

	if (!o->label)
		return;
	check_wanted(c, o->label, TYPE_STRING, "a label");
	if (!expression_text(o->label, &text))
		return;
	if (str_trim(text).len == 0) {
		wrong(c, o->label->span, DIAG_LABEL_EMPTY);
		return;
	}
	before = map_add(&c->labels, text, o->label);
	if (before)
		diag_note(&c->unit->diags,
			  wrong(c, o->label->span, DIAG_LABEL_TWICE, kept(c->unit, text)),
			  before->span, "the first one");
}

void check_operation(struct checker *c, struct operation_syntax *o)
{
	struct captures captures = { 0 };
	const char *place = c->place;
	bool planning = c->planning;

	o->number = c->operation_count++;
	check_label(c, o);
	check_on(c, o);
	check_per(c, o);
	check_clause(c, o->timeout, TYPE_DURATION, 1, "`timeout`");
	check_clause(c, o->retry, TYPE_INT, 0, "`retry`");
	check_clause(c, o->weight, TYPE_INT, 1, "`weight`");
	check_backoff(c, o);
	check_settings(c, o);

	c->planning = false;
	c->captures = &captures;
	check_action(c, o, o->forward, "a forward");
	check_rollback(c, o);
	if (o->done_when) {
		c->place = "`done when`";
		check_wanted(c, o->done_when, TYPE_BOOL, "`done when`");
		c->place = place;
	}
	c->captures = NULL;
	c->planning = planning;
	c->on = NULL;

	o->capture_count = (uint32_t)captures.all.count;
	o->captures = arena_array(&c->unit->arena, struct symbol *, captures.all.count + 1);
	for (size_t i = 0; i < captures.all.count; i++)
		o->captures[i] = captures.all.at[i];
	vec_clear(&captures.all);
}

/* ---- the statements around them ---- */

static void check_plan_block(struct checker *c, struct block *block)
{
	struct scope *outer;

	if (!block)
		return;
	if (is_too_deep(c, block->span))
		return;
	c->depth++;
	outer = scope_open(c);
	check_plan(c, block->first);
	c->scope = outer;
	c->depth--;
}

static void check_plan_for(struct checker *c, struct statement *s)
{
	uint32_t element = check_loop_list(c, s->loop.list);
	struct scope *outer = scope_open(c);

	s->symbol = declare(c, SYMBOL_PLAN_LOOP, s->loop.name, element);
	check_plan_block(c, s->loop.body);
	c->scope = outer;
}

static void check_plan_if(struct checker *c, struct statement *s)
{
	struct scope *outer = scope_open(c);

	check_condition(c, s->branch.condition);
	check_plan_block(c, s->branch.then);
	c->scope = outer;
	check_plan_block(c, s->branch.otherwise);
}

static void check_approval(struct checker *c, struct statement *s)
{
	struct operation_syntax like = { .label = s->approval.label };

	c->operation_count++;
	check_label(c, &like);
	check_wanted(c, s->approval.text, TYPE_STRING, "what happens next");
}

static void check_parallel(struct checker *c, struct statement *s)
{
	struct folded known;

	if (c->in_parallel)
		wrong(c, s->span, DIAG_NOT_INSIDE, "`parallel`", "`parallel`");
	check_wanted(c, s->parallel.count, TYPE_INT, "`parallel`");
	if (s->parallel.count->type == TYPE_INT && expression_fold(s->parallel.count, &known) &&
	    (known.number < 1 || known.number > 64)) /* amigrun's AT_ONCE_MAX */
		wrong(c, s->parallel.count->span, DIAG_CLAUSE_RANGE, "`parallel`",
		      known.number < 1 ? "at least 1" : "at most 64");
	c->in_parallel = true;
	check_plan_block(c, s->parallel.body);
	c->in_parallel = false;
}

static void check_include(struct checker *c, struct statement *s)
{
	struct expression *call = s->expression;

	if (!call || call->kind == EXPRESSION_ERROR)
		return;
	if (call->kind != EXPRESSION_CALL) {
		size_t number = wrong(c, call->span, DIAG_INCLUDE_WHAT, "this");

		if (call->kind == EXPRESSION_NAME &&
		    scope_find(c->scope, NAMES_CALLABLE, call->name.text))
			diag_help(&c->unit->diags, number, "it is called: `include %.*s(…)`",
				  STR_ARG(call->name.text));
		else if (call->kind == EXPRESSION_STRING)
			diag_help(&c->unit->diags, number,
				  "a file is a module: `use shop` before the migration, then "
				  "`include shop.name(…)`");
		return;
	}
	c->including = true;
	check_expression(c, call);
	c->including = false;
	if (call->symbol && call->symbol->kind != SYMBOL_OPERATIONS)
		wrong(c, call->span, DIAG_INCLUDE_WHAT,
		      phrase(c, "`%.*s`", STR_ARG(call->symbol->name)));
}

void check_plan(struct checker *c, struct statement *first)
{
	for (struct statement *s = first; s; s = s->next) {
		switch (s->kind) {
		case STATEMENT_LET:
			check_let(c, s, SYMBOL_PLAN_LET);
			break;
		case STATEMENT_OPERATION:
			check_operation(c, s->operation);
			break;
		case STATEMENT_FOR:
			check_plan_for(c, s);
			break;
		case STATEMENT_IF:
			check_plan_if(c, s);
			break;
		case STATEMENT_INCLUDE:
			check_include(c, s);
			break;
		case STATEMENT_APPROVAL:
			check_approval(c, s);
			break;
		case STATEMENT_PARALLEL:
			check_parallel(c, s);
			break;
		case STATEMENT_ERROR:
			break;
		case STATEMENT_VAR:
		case STATEMENT_ASSIGN:
		case STATEMENT_EXPRESSION:
		case STATEMENT_EXEC:
		case STATEMENT_WHILE:
		case STATEMENT_RETURN:
		case STATEMENT_REQUIRE:
		case STATEMENT_FAIL:
		case STATEMENT_LOG:
		case STATEMENT_PROGRESS:
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
		case STATEMENT_GIVEN:
		case STATEMENT_RUN:
		case STATEMENT_EXPECT:
			wrong(c, s->span, DIAG_NOT_IN_PLAN, "this statement");
			break;
		}
	}
}
