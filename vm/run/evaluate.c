/* evaluate.c - functions that change nothing: setup, plan, required, checks, done_when, defaults */
#include "vm/run/session.h"

#define FUEL 1000000

static enum outcome answer(struct run *r, struct machine *vm, planned_fn planned, void *context,
			   struct error *err)
{
	const struct machine_request *q = machine_request(vm);
	enum outcome o;

	if ((q->op == OP_PLAN || q->op == OP_PARALLEL || q->op == OP_PARALLEL_END) && planned) {
		o = planned(context, q, err);
		if (o == OUTCOME_OK)
			machine_answer(vm, value_null(), STR(""));
		return o;
	}
	/* The verifier lets effects only into functions that are not called here. */
	if (q->op == OP_PLAN || q->op == OP_EXEC || q->op == OP_COPY || q->op == OP_HTTP)
		BUG("%s in a function that only reads", opcode_table[q->op].name);
	return request_answer(r, vm, -1, NULL, err);
}

enum outcome evaluate(struct run *r, uint32_t function, const struct value *args,
		      struct value *result, planned_fn planned, void *context, struct error *err)
{
	struct machine *vm = machine_new(&r->module);
	enum machine_state state = MACHINE_PAUSED;
	enum outcome o = OUTCOME_OK;

	buf_reset(&r->failed_sql);
	if (r->params)
		machine_set_params(vm, r->params);
	if (r->frozens)
		machine_set_frozens(vm, r->frozens);
	machine_start(vm, function, args);
	while (o == OUTCOME_OK && state != MACHINE_RETURNED) {
		state = machine_run(vm, FUEL);
		if (state == MACHINE_FAILED)
			o = request_machine_failure(r, vm, err);
		else if (state == MACHINE_ASKS)
			o = answer(r, vm, planned, context, err);
		if (o == OUTCOME_OK && state != MACHINE_RETURNED && stop_wanted(r))
			o = error_set(err, OUTCOME_STOPPED, "stopped on request");
	}
	if (o == OUTCOME_OK && result)
		*result = value_copy(&r->heap, machine_result(vm));
	machine_free(vm);
	return o;
}

enum outcome evaluate_checks(struct run *r, enum check_kind kind, const char *word,
			     struct error *err)
{
	for (uint32_t i = 0; i < r->module.check_count; i++) {
		const struct check *check = &r->module.checks[i];
		enum outcome o;

		if (check->kind != kind)
			continue;
		session_tell(r, EVENT_CHECKING, check->label, str_c(word));
		o = evaluate(r, check->function, NULL, NULL, NULL, NULL, err);
		if (o != OUTCOME_OK) {
			if (o != OUTCOME_STOPPED)
				error_prefix(err, "%s \"%.*s\" failed: ", word,
					     STR_ARG(check->label));
			return o;
		}
	}
	return OUTCOME_OK;
}
