/*
 * preview.c - what a run would do, without doing it
 *
 * The setup and plan functions are evaluated as at a start; then each operation's code runs with
 * its effects noted down instead of sent. What depends on a read that only earlier operations make
 * possible is told as not known yet.
 */
#include "vm/run/copy.h"
#include "vm/run/host.h"

#define STATEMENTS_MAX 1000
#define FUEL 1000000

struct noting {
	struct run *r;
	struct run_preview *out;
	VEC(struct run_statement) at;
};

static void note(struct noting *n, struct str connection, struct str sql,
		 enum run_statement_kind what)
{
	struct arena *a = &n->out->arena;

	vec_push(&n->at,
		 (struct run_statement){ arena_str(a, connection), arena_str(a, sql), what });
}

static void note_failure(struct noting *n, struct error *err)
{
	note(n, STR(""), str_c(err->message), STATEMENT_UNKNOWN);
	error_clear(err);
}

static enum outcome note_effect(struct noting *n, struct machine *vm, struct error *err)
{
	const struct machine_request *q = machine_request(vm);
	struct connection *c;
	struct buf sql = { 0 };
	enum outcome o = session_connection(n->r, copy_need(q), &c, err);

	if (o == OUTCOME_OK && q->op == OP_COPY)
		o = copy_render(n->r, q, NULL, c, &sql, err);
	else if (o == OUTCOME_OK)
		o = request_render(n->r, q, c->kind, &sql, err);
	if (o == OUTCOME_OK) {
		note(n, str_c(c->name), buf_view(&sql), STATEMENT_KNOWN);
		machine_answer(vm, value_null(), STR(""));
	}
	buf_clear(&sql);
	return o;
}

static enum outcome note_request(struct noting *n, struct machine *vm, struct error *err)
{
	struct buf target = { 0 }, text = { 0 };
	enum outcome o = http_preview(n->r, machine_request(vm), &target, &text, err);

	if (o == OUTCOME_OK) {
		note(n, buf_view(&target), buf_view(&text), STATEMENT_KNOWN);
		machine_answer(vm, value_null(), STR(""));
	}
	buf_clear(&target);
	buf_clear(&text);
	return o;
}

/* One window stands for all of them. */
static void note_windows(struct noting *n, struct machine *vm)
{
	note(n, STR(""), STR("and so in each window of the table"), STATEMENT_REMARK);
	machine_answer(vm, value_null(), STR(""));
}

/* Something that only an operator ends. */
static void note_operator(struct noting *n, struct machine *vm)
{
	const struct machine_request *q = machine_request(vm);
	struct buf text = { 0 };

	buf_format(&text, "%s: %.*s",
		   q->op == OP_HALT ? "it stops here, until it is resumed"
				    : "it waits here, until it is approved",
		   STR_ARG(value_text(q->value)));
	note(n, STR(""), buf_view(&text), STATEMENT_REMARK);
	machine_answer(vm, value_null(), STR(""));
	buf_clear(&text);
}

static void note_setting(struct noting *n, struct machine *vm)
{
	const struct value *operands = machine_request(vm)->operands;
	struct buf text = { 0 };

	buf_format(&text, "set setting %.*s = %.*s", STR_ARG(value_text(operands[0])),
		   STR_ARG(value_text(operands[1])));
	note(n, STR("the state store"), buf_view(&text), STATEMENT_KNOWN);
	machine_answer(vm, value_null(), STR(""));
	buf_clear(&text);
}

static void walk(struct noting *n, uint32_t function, const struct value *captures)
{
	struct machine *vm = machine_new(&n->r->module);
	struct error err = { 0 };
	enum outcome o = OUTCOME_OK;

	machine_set_params(vm, n->r->params);
	machine_set_frozens(vm, n->r->frozens);
	machine_start(vm, function, captures);
	while (o == OUTCOME_OK && n->at.count < STATEMENTS_MAX) {
		enum machine_state state = machine_run(vm, FUEL);

		if (state == MACHINE_RETURNED)
			break;
		if (state == MACHINE_FAILED)
			o = request_machine_failure(n->r, vm, &err);
		else if (state == MACHINE_ASKS && (machine_request(vm)->op == OP_EXEC ||
						   machine_request(vm)->op == OP_COPY))
			o = note_effect(n, vm, &err);
		else if (state == MACHINE_ASKS && machine_request(vm)->op == OP_HTTP)
			o = note_request(n, vm, &err);
		else if (state == MACHINE_ASKS && machine_request(vm)->op == OP_SLEEP)
			o = error_set(&err, OUTCOME_FAILED,
				      "it waits here; what follows is known when it runs");
		else if (state == MACHINE_ASKS && machine_request(vm)->op == OP_SET_SETTING)
			note_setting(n, vm);
		else if (state == MACHINE_ASKS && (machine_request(vm)->op == OP_HALT ||
						   machine_request(vm)->op == OP_APPROVAL))
			note_operator(n, vm);
		else if (state == MACHINE_ASKS && (machine_request(vm)->op == OP_LOCK ||
						   machine_request(vm)->op == OP_UNLOCK ||
						   transaction_is(machine_request(vm)->op)))
			machine_answer(vm, value_null(), STR(""));
		else if (state == MACHINE_ASKS && machine_request(vm)->op == OP_WINDOW &&
			 machine_request(vm)->operands[4].kind != VALUE_NULL)
			note_windows(n, vm);
		else if (state == MACHINE_ASKS)
			o = request_answer(n->r, vm, -1, NULL, &err);
		else
			o = error_set(&err, OUTCOME_FAILED,
				      "it computes longer than a preview waits");
	}
	if (o != OUTCOME_OK)
		note_failure(n, &err);
	machine_free(vm);
}

static void take(struct noting *n, struct run_statement **at, size_t *count)
{
	*count = n->at.count;
	*at = arena_array(&n->out->arena, struct run_statement, n->at.count + 1);
	if (n->at.count)
		memcpy(*at, n->at.at, n->at.count * sizeof(**at));
	vec_clear(&n->at);
}

static enum outcome preview_operation(struct run *r, const struct operation_row *row,
				      struct run_preview *out, struct run_preview_operation *p,
				      struct error *err)
{
	const struct operation *op = ending_operation(r, row->operation);
	struct noting n = { .r = r, .out = out };
	const struct value *captures;
	const struct run_host *before;
	enum outcome o = plan_captures(r, row, &captures, err);

	if (o != OUTCOME_OK)
		return o;
	before = host_enter(r, row->index);
	p->label = arena_str(&out->arena, row->label);
	p->connection = arena_str(&out->arena, row->connection);
	p->block = row->block;
	p->at_once = row->at_once;
	p->rollback_kind = op->rollback_kind;
	p->rollback_why = arena_str(&out->arena, op->rollback_why);
	walk(&n, op->forward, captures);
	take(&n, &p->forward, &p->forward_count);
	if (op->rollback_kind == ROLLBACK_CODE)
		walk(&n, op->rollback, captures);
	take(&n, &p->backward, &p->backward_count);
	r->here = before;
	return OUTCOME_OK;
}

static enum outcome preview(struct run *r, struct str image, struct run_preview *out,
			    struct error *err)
{
	struct value required = value_bool(true);
	enum outcome o = session_load_module(r, image, err);

	if (o == OUTCOME_OK)
		o = params_collect(r, err);
	if (o == OUTCOME_OK)
		o = plan_setup(r, err);
	if (o == OUTCOME_OK && r->module.migration.required != NO_INDEX)
		o = evaluate(r, r->module.migration.required, NULL, &required, NULL, NULL, err);
	if (o == OUTCOME_OK)
		o = plan_make(r, err);
	if (o != OUTCOME_OK)
		return o;
	host_prepare(r);
	out->required = required.flag;
	out->operation_count = (size_t)(r->count + r->endings.count);
	out->operations = arena_array(&out->arena, struct run_preview_operation,
				      out->operation_count + 1);
	for (int64_t i = 0; i < r->count + r->endings.count && o == OUTCOME_OK; i++)
		o = preview_operation(r, &r->plan[i], out, &out->operations[i], err);
	return o;
}

enum outcome run_preview(struct store *store, const struct instance *instance,
			 const struct bundle *bundle, struct str name,
			 const struct run_options *options, struct run_preview *out,
			 struct error *err)
{
	const struct bundle_entry *entry = bundle_find(bundle, name);
	struct run r;
	enum outcome o;

	*out = (struct run_preview){ 0 };
	if (!entry)
		return error_set(err, OUTCOME_USAGE, "there is no migration \"%.*s\" in the bundle",
				 STR_ARG(name));
	session_open(&r, store, instance, name, options);
	o = preview(&r, entry->image, out, err);
	session_close(&r);
	return o;
}

void run_preview_clear(struct run_preview *p)
{
	arena_clear(&p->arena);
	*p = (struct run_preview){ 0 };
}
