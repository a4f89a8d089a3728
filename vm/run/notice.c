/*
 * notice.c - `on complete` and `on error`: requests and log lines that tell of how a run stands
 *
 * They are no effects of the run's own: nothing of them is in the journal, and what runs or is in
 * doubt there stays as it is. A request's key has the row of the plan, the notice's number (the
 * run's errors so far) and the request's within it, so that one that is given again after a death
 * is known where it arrives.
 */
#include "vm/run/session.h"

#include <stdio.h>

#define FUEL 1000000

struct giving {
	struct run *r;
	struct machine *vm;
	int64_t at, number, requests;
};

static enum outcome answer(struct giving *g, struct error *err)
{
	const struct machine_request *q = machine_request(g->vm);
	char key[QUERY_ID_SIZE];
	enum outcome o;

	if (q->op != OP_HTTP) {
		if (opcode_table[q->op].world != WORLD_READ || q->op == OP_PLAN)
			return error_set(err, OUTCOME_FAILED, "%s cannot be in a notice",
					 opcode_table[q->op].name);
		return request_answer(g->r, g->vm, -1, NULL, err);
	}
	snprintf(key, sizeof(key), "%s%lld:%lld.%lld", g->r->prefix, (long long)g->at,
		 (long long)g->number, (long long)++g->requests);
	o = http_notify(g->r, q, key, err);
	if (o == OUTCOME_OK)
		machine_answer(g->vm, value_null(), STR(""));
	return o;
}

/* Whether the code goes on from it. */
static bool outlives(struct giving *g, struct error *err)
{
	if (g->r->stop.cancelled || machine_run(g->vm, FUEL) != MACHINE_ASKS ||
	    !machine_outlives(g->vm))
		return false;
	machine_answer_failure(g->vm, str_c(error_class_word(err->class)), str_c(err->code),
			       str_c(err->message));
	error_clear(err);
	return true;
}

static enum outcome walk(struct giving *g, struct error *err)
{
	enum outcome o = OUTCOME_OK;

	while (o == OUTCOME_OK) {
		switch (machine_run(g->vm, FUEL)) {
		case MACHINE_RETURNED:
		case MACHINE_IDLE:
			return OUTCOME_OK;
		case MACHINE_FAILED:
			return request_machine_failure(g->r, g->vm, err);
		case MACHINE_PAUSED:
			if (stop_watch(g->r) != WATCH_GO_ON)
				o = error_set(err, OUTCOME_STOPPED, "stopped on request");
			continue;
		case MACHINE_ASKS:
			o = answer(g, err);
			if (o != OUTCOME_OK && outlives(g, err))
				o = OUTCOME_OK;
			continue;
		}
	}
	return o;
}

static enum outcome give(struct run *r, enum ending e, int64_t number, struct error *err)
{
	struct giving g = { .r = r, .at = ending_at(r, e), .number = number };
	bool held = r->health.held;
	enum outcome o;

	r->health.held = true;
	g.vm = machine_new(&r->module);
	machine_set_params(g.vm, r->params);
	machine_set_frozens(g.vm, r->frozens);
	machine_start(g.vm, r->endings.operations[e].forward, NULL);
	o = walk(&g, err);
	machine_free(g.vm);
	r->health.held = held;
	return o;
}

/* What could not be told does not change what there was to tell. */
static enum outcome give_and_keep(struct run *r, struct act *a, enum ending e, struct error *err)
{
	struct error failed = { 0 };
	enum outcome o = give(r, e, a->attempts, &failed);

	if (o != OUTCOME_OK)
		journal_event(r, EVENT_NOTICE_FAILED, "%.*s: %s", STR_ARG(r->plan[a->index].label),
			      failed.message);
	error_clear(&failed);
	return journal_operation(
		r, a, o == OUTCOME_OK ? OPERATION_STATUS_DONE : OPERATION_STATUS_FAILED, true, err);
}

enum step_end notice_complete(struct run *r, struct act *a, struct error *err)
{
	int64_t at = ending_at(r, ENDING_COMPLETE);
	enum outcome o = OUTCOME_OK;

	if (at < 0)
		return STEP_DONE;
	/* What is told of has happened. */
	if (r->journal.pending || r->journal.owed.is) {
		journal_migration(r, r->status);
		o = journal_commit(r, err);
	}
	if (o == OUTCOME_OK)
		o = plan_act(r, at, false, a, err);
	if (o != OUTCOME_OK)
		return STEP_LOST;
	if (stop_wanted(r))
		return STEP_STOPPED;
	a->attempts = 1;
	o = give_and_keep(r, a, ENDING_COMPLETE, err);
	if (o != OUTCOME_OK)
		return STEP_LOST;
	return r->stop.cancelled ? STEP_STOPPED : STEP_DONE;
}

enum outcome notice_error(struct run *r, struct error *err)
{
	int64_t at = ending_at(r, ENDING_ERROR);
	struct act a;
	enum outcome o;

	if (at < 0)
		return OUTCOME_OK;
	o = plan_act(r, at, false, &a, err);
	if (o != OUTCOME_OK)
		return o;
	a.attempts++;
	o = journal_operation(r, &a, OPERATION_STATUS_RUNNING, false, err);
	if (o != OUTCOME_OK)
		return o;
	journal_migration(r, r->status);
	o = journal_commit(r, err);
	a.begun = true;
	return o == OUTCOME_OK ? give_and_keep(r, &a, ENDING_ERROR, err) : o;
}

bool notice_is_owed(const struct run *r)
{
	int64_t at = ending_at(r, ENDING_ERROR);

	return at >= 0 && r->plan[at].status == OPERATION_STATUS_RUNNING;
}

enum outcome notice_give_owed(struct run *r, struct error *err)
{
	struct act a;
	enum outcome o = plan_act(r, ending_at(r, ENDING_ERROR), false, &a, err);

	a.begun = true;
	return o == OUTCOME_OK ? give_and_keep(r, &a, ENDING_ERROR, err) : o;
}
