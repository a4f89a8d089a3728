/* lower_plan.c - the plan: operations with their functions, and what is included in its place */
#include "compiler/lower.h"

static void lower_steps(struct body *b, const struct statement *first);

/* ---- the functions of an operation ---- */

struct binding { uint32_t mark, slot; };

static void begin_part(struct body *part, struct body *plan, const struct operation_syntax *o,
		       struct str label, const char *which, uint32_t result)
{
	struct lower *l = plan->lower;

	body_begin(part, l, emit_function(&l->emit),
		   arena_format(&l->emit.arena, "%.*s/%s", STR_ARG(label), which), result,
		   o->span.source);
	for (uint32_t i = 0; i < o->capture_count; i++)
		body_parameter(part, o->captures[i]);
}

static uint32_t lower_action(struct body *plan, const struct operation_syntax *o,
			     const struct action *action, struct str label, const char *which)
{
	struct body part;
	uint32_t number;

	begin_part(&part, plan, o, label, which, TYPE_NOTHING);
	part.code.flags = FUNCTION_EFFECT;
	number = part.code.number;
	body_place(&part, action->span);
	if (action->block) {
		lower_block(&part, action->block);
	} else {
		emit_CONNECTION(&part.code, lower_need(&part, operation_connection(o)));
		lower_expression(&part, action->sql);
		emit_EXEC(&part.code);
		emit_POP(&part.code);
	}
	body_end(&part);
	return number;
}

static uint32_t lower_done_when(struct body *plan, const struct operation_syntax *o,
				struct str label)
{
	struct body part;
	uint32_t number;

	begin_part(&part, plan, o, label, "done when", TYPE_BOOL);
	number = part.code.number;
	lower_expression(&part, o->done_when);
	emit_RETURN(&part.code);
	body_end(&part);
	return number;
}

static uint32_t flags_of(const struct operation_syntax *o)
{
	return (o->idempotent ? (uint32_t)OPERATION_IDEMPOTENT : 0) |
	       (o->in_doubt_undo ? (uint32_t)OPERATION_IN_DOUBT_UNDO : 0) |
	       (o->no_transaction ? (uint32_t)OPERATION_NO_TRANSACTION : 0) |
	       (o->continue_on_error ? (uint32_t)OPERATION_CONTINUE_ON_ERROR : 0) |
	       (o->per == PER_SHARD ? (uint32_t)OPERATION_PER_SHARD : 0) |
	       (o->per == PER_REPLICA ? (uint32_t)OPERATION_PER_REPLICA : 0);
}

/* The captured symbols are locals of the plan; in the operation's functions they are parameters,
 * and then as before. */
static void lower_parts(struct body *plan, const struct operation_syntax *o, struct operation *out)
{
	struct binding *before =
		arena_array(&plan->lower->emit.arena, struct binding, o->capture_count);

	for (uint32_t i = 0; i < o->capture_count; i++)
		before[i] = (struct binding){ o->captures[i]->mark, o->captures[i]->slot };
	out->forward = lower_action(plan, o, o->forward, out->label, "forward");
	out->rollback = NO_INDEX;
	switch (o->rollback_kind) {
	case ROLLBACK_ACTION:
		out->rollback_kind = ROLLBACK_CODE;
		out->rollback = lower_action(plan, o, o->rollback, out->label, "rollback");
		break;
	case ROLLBACK_IS_NOTHING:
		out->rollback_kind = ROLLBACK_NOTHING;
		break;
	case ROLLBACK_IS_IRREVERSIBLE:
		out->rollback_kind = ROLLBACK_IRREVERSIBLE;
		if (!expression_text(o->irreversible, &out->rollback_why))
			BUG("the reason of `irreversible` has holes");
		break;
	case ROLLBACK_MISSING:
		BUG("an operation says nothing about its rollback");
	}
	out->done_when = o->done_when ? lower_done_when(plan, o, out->label) : NO_INDEX;
	for (uint32_t i = 0; i < o->capture_count; i++) {
		o->captures[i]->mark = before[i].mark;
		o->captures[i]->slot = before[i].slot;
	}
}

/* ---- options ---- */

#define OPTIONS_MAX 6

struct options {
	struct type_field fields[OPTIONS_MAX];
	uint32_t count;
};

static void add_option(struct body *b, struct options *options, const char *name,
		       const struct expression *e, uint32_t type)
{
	if (!e)
		return;
	lower_value(b, e, type);
	options->fields[options->count++] = (struct type_field){ str_c(name), type };
}

/* As text: what a database takes as a setting's value. Yes and no are 1 and 0 in each of them. */
static void lower_setting(struct body *b, const struct argument *a, struct operand_type record)
{
	struct label no = {0}, end = {0};

	lower_string(b, a->name.text);
	lower_expression(b, a->value);
	if (a->value->type == TYPE_BOOL) {
		emit_JUMP_IF_FALSE(&b->code, &no);
		lower_string(b, STR("1"));
		emit_JUMP(&b->code, &end);
		label_place(&b->code, &no);
		lower_string(b, STR("0"));
		label_place(&b->code, &end);
	} else if (a->value->type != TYPE_STRING) {
		emit_TO_STRING(&b->code);
	}
	emit_RECORD(&b->code, record);
}

static void add_settings(struct body *b, struct options *options, const struct argument *settings)
{
	struct types *types = &b->lower->unit->types;
	const struct type_field pair[] = { { STR("name"), TYPE_STRING },
					   { STR("value"), TYPE_STRING } };
	uint32_t record, list, count = 0;
	struct operand_type own;

	if (!settings)
		return;
	record = types_record(types, pair, 2);
	list = types_list(types, record);
	own = emit_type(&b->lower->emit, record);
	for (const struct argument *a = settings; a; a = a->next, count++)
		lower_setting(b, a, own);
	emit_LIST(&b->code, own, (struct operand_count){ count });
	options->fields[options->count++] = (struct type_field){ STR("settings"), list };
}

/* Leaves the record of those that are used, or null; gives its type. */
static uint32_t lower_options(struct body *b, const struct operation_syntax *o)
{
	struct options options = {0};
	uint32_t type;

	add_option(b, &options, "timeout", o->timeout, TYPE_DURATION);
	add_option(b, &options, "retry", o->retry, TYPE_INT);
	add_option(b, &options, "backoff_min", o->backoff_min, TYPE_DURATION);
	add_option(b, &options, "backoff_max", o->backoff_max, TYPE_DURATION);
	add_option(b, &options, "weight", o->weight, TYPE_INT);
	add_settings(b, &options, o->settings);
	body_place(b, o->head);
	if (!options.count) {
		emit_NULL(&b->code);
		return TYPE_NULL;
	}
	type = types_record(&b->lower->unit->types, options.fields, options.count);
	emit_RECORD(&b->code, emit_type(&b->lower->emit, type));
	return emit_type(&b->lower->emit, type).n;
}

static void lower_operation(struct body *b, const struct operation_syntax *o)
{
	struct emit *e = &b->lower->emit;
	struct symbol *on = operation_connection(o);
	uint32_t *types = arena_array(&e->arena, uint32_t, o->capture_count);
	struct operation out = {
		.label = expression_label(&e->arena, o->label),
		.need = on ? lower_need(b, on).n : NO_INDEX,
		.flags = flags_of(o),
		.capture_count = o->capture_count,
		.capture_types = types,
	};

	for (uint32_t i = 0; i < o->capture_count; i++)
		types[i] = emit_type(e, o->captures[i]->type).n;
	lower_expression(b, o->label);
	out.options = lower_options(b, o);
	for (uint32_t i = 0; i < o->capture_count; i++)
		lower_symbol(b, o->captures[i]);
	body_place(b, o->head);
	out.line = b->code.line;
	emit_PLAN(&b->code, (struct operand_operation){ (uint32_t)e->operations.count });
	lower_parts(b, o, &out);
	vec_push(&e->operations, out);
}

/* ---- steps ---- */

static void bind_parameter(struct body *b, struct symbol *parameter, const struct expression *value)
{
	bool connects = types_get(&b->lower->unit->types, parameter->type)->kind == TYPE_CONNECTION;

	if (connects) {
		uint32_t need = lower_need(b, value->symbol).n;

		parameter->mark = b->lower->stamp;
		parameter->slot = need;
		return;
	}
	lower_value(b, value ? value : parameter->parameter->value, parameter->type);
	emit_STORE(&b->code, body_bind(b, parameter));
}

/* The parameters become locals of the plan, the steps follow as if they stood there. */
static void lower_include(struct body *b, const struct statement *s)
{
	const struct expression *call = s->expression;
	const struct symbol *operations = call->symbol;

	for (uint32_t i = 0; i < operations->parameter_count; i++)
		bind_parameter(b, operations->parameters[i],
			       i < call->call.value_count ? call->call.values[i] : NULL);
	lower_steps(b, operations->declaration->fn.body->first);
}

static void lower_plan_for(struct body *b, const struct statement *s)
{
	struct loop loop;

	if (!loop_begin(b, &loop, s->loop.list, s->symbol, s->span))
		return;
	lower_steps(b, s->loop.body->first);
	loop_end(b, &loop, s->span);
}

static void lower_plan_if(struct body *b, const struct statement *s)
{
	struct label otherwise = {0}, end = {0};

	lower_condition(b, s->branch.condition, &otherwise);
	lower_steps(b, s->branch.then->first);
	if (s->branch.otherwise)
		emit_JUMP(&b->code, &end);
	label_place(&b->code, &otherwise);
	if (s->branch.otherwise)
		lower_steps(b, s->branch.otherwise->first);
	label_place(&b->code, &end);
}

/* An operation on no connection, whose forward waits for the operator. The text is made with the
 * plan. */
static void lower_approval(struct body *b, const struct statement *s)
{
	struct emit *e = &b->lower->emit;
	uint32_t *types = arena_array(&e->arena, uint32_t, 1);
	struct operation out = {
		.label = expression_label(&e->arena, s->approval.label),
		.need = NO_INDEX,
		.options = TYPE_NULL,
		.capture_count = 1,
		.capture_types = types,
		.rollback_kind = ROLLBACK_NOTHING,
		.rollback = NO_INDEX,
		.done_when = NO_INDEX,
	};
	struct body part;

	types[0] = emit_type(e, TYPE_STRING).n;
	lower_expression(b, s->approval.label);
	emit_NULL(&b->code);
	lower_expression(b, s->approval.text);
	body_place(b, s->span);
	out.line = b->code.line;
	emit_PLAN(&b->code, (struct operand_operation){ (uint32_t)e->operations.count });
	body_begin(&part, b->lower, emit_function(e),
		   arena_format(&e->arena, "%.*s/approval", STR_ARG(out.label)), TYPE_NOTHING,
		   s->span.source);
	part.code.flags = FUNCTION_EFFECT;
	part.code.param_count = 1;
	out.forward = part.code.number;
	body_place(&part, s->span);
	emit_LOAD(&part.code, code_local(&part.code, TYPE_STRING));
	emit_APPROVAL(&part.code);
	body_end(&part);
	vec_push(&e->operations, out);
}

static void lower_parallel(struct body *b, const struct statement *s)
{
	lower_expression(b, s->parallel.count);
	body_place(b, s->span);
	emit_PARALLEL(&b->code);
	lower_steps(b, s->parallel.body->first);
	emit_PARALLEL_END(&b->code);
}

static void lower_step(struct body *b, const struct statement *s)
{
	body_place(b, s->span);
	switch (s->kind) {
	case STATEMENT_LET:
		if (s->symbol->kind != SYMBOL_FROZEN)
			lower_let(b, s);
		break;
	case STATEMENT_IF:
		lower_plan_if(b, s);
		break;
	case STATEMENT_FOR:
		lower_plan_for(b, s);
		break;
	case STATEMENT_OPERATION:
		lower_operation(b, s->operation);
		break;
	case STATEMENT_INCLUDE:
		lower_include(b, s);
		break;
	case STATEMENT_APPROVAL:
		lower_approval(b, s);
		break;
	case STATEMENT_PARALLEL:
		lower_parallel(b, s);
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
	case STATEMENT_ERROR:
		BUG("a statement of kind %d in a plan", (int)s->kind);
	}
}

static void lower_steps(struct body *b, const struct statement *first)
{
	for (const struct statement *s = first; s; s = s->next)
		lower_step(b, s);
}

struct operand_function lower_plan(struct lower *l)
{
	const struct unit_migration *m = l->migration;
	struct operand_function function = emit_function(&l->emit);
	struct body b;

	body_begin(&b, l, function, STR("plan"), TYPE_NOTHING, m->module->source);
	lower_steps(&b, m->declaration->migration->plan);
	body_end(&b);
	return function;
}
