/* ending.c - see ending.h: the rows, and `finally` */
#include "vm/run/session.h"

static const char *const labels[ENDING_COUNT] = {
	[ENDING_FINALLY] = "finally", [ENDING_COMPLETE] = "on complete", [ENDING_ERROR] = "on error"
};

void ending_init(struct run *r)
{
	const struct migration *m = &r->module.migration;
	const uint32_t functions[ENDING_COUNT] = { [ENDING_FINALLY] = m->finally,
						   [ENDING_COMPLETE] = m->on_complete,
						   [ENDING_ERROR] = m->on_error };

	r->endings.count = 0;
	for (int e = 0; e < ENDING_COUNT; e++) {
		r->endings.operations[e] = (struct operation){ .label = str_c(labels[e]),
							       .need = NO_INDEX,
							       .options = TYPE_NULL,
							       .forward = functions[e],
							       .rollback_kind = ROLLBACK_NOTHING,
							       .rollback = NO_INDEX,
							       .done_when = NO_INDEX };
		r->endings.count += functions[e] != NO_INDEX;
	}
}

int64_t ending_at(const struct run *r, enum ending e)
{
	int64_t at = r->count;

	if (r->endings.operations[e].forward == NO_INDEX)
		return -1;
	for (int before = 0; before < (int)e; before++)
		at += r->endings.operations[before].forward != NO_INDEX;
	return at;
}

struct operation_row ending_row(struct run *r, enum ending e)
{
	struct operation_row row = { .label = str_c(labels[e]),
				     .operation = r->module.operation_count + (uint32_t)e,
				     .rows = -1 };
	struct buf bytes = { 0 };

	value_encode(value_null(), &bytes);
	row.options = arena_str(&r->arena, buf_view(&bytes));
	buf_reset(&bytes);
	encode_values(NULL, 0, &bytes);
	row.captures = arena_str(&r->arena, buf_view(&bytes));
	buf_clear(&bytes);
	return row;
}

const struct operation *ending_operation(const struct run *r, uint32_t number)
{
	const struct operation *op;

	if (number < r->module.operation_count)
		return &r->module.operations[number];
	if (number - r->module.operation_count >= ENDING_COUNT)
		return NULL;
	op = &r->endings.operations[number - r->module.operation_count];
	return op->forward == NO_INDEX ? NULL : op;
}

bool finally_is_begun(const struct run *r)
{
	int64_t at = ending_at(r, ENDING_FINALLY);

	return at >= 0 && r->index == at && r->plan[at].status != OPERATION_STATUS_PENDING;
}

/* That the run has come to it is durable first. */
static enum outcome begin(struct run *r, struct act *a, struct error *err)
{
	enum operation_status before = r->plan[a->index].status;
	enum outcome o;

	a->attempts = 0;
	o = journal_operation(r, a, OPERATION_STATUS_RUNNING, false, err);
	if (o != OUTCOME_OK)
		return o;
	r->index = a->index;
	r->share = 0;
	r->checkpoint = (struct str){ 0 };
	journal_migration(r, r->status);
	o = journal_commit(r, err);
	if (o != OUTCOME_OK)
		r->plan[a->index].status = before;
	a->begun = true;
	return o;
}

enum step_end finally_go(struct run *r, struct act *a, bool fresh, struct error *err)
{
	int64_t at = ending_at(r, ENDING_FINALLY);
	enum step_end end;

	if (at < 0 || (!fresh && r->plan[at].status == OPERATION_STATUS_DONE))
		return STEP_DONE;
	if (plan_act(r, at, false, a, err) != OUTCOME_OK)
		return STEP_LOST;
	if (fresh && begin(r, a, err) != OUTCOME_OK)
		return STEP_LOST;
	a->begun = true;
	r->health.state = HEALTH_OFF;
	end = step_operation(r, a, err);
	if (end != STEP_DONE)
		return end;
	if (journal_operation(r, a, OPERATION_STATUS_DONE, true, err) != OUTCOME_OK)
		return STEP_LOST;
	journal_checkpoint_empty(r);
	session_tell(r, EVENT_OPERATION_DONE, r->plan[at].label, STR(""));
	return STEP_DONE;
}
