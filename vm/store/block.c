/* block.c - operations of the plan that go at once, as they were read: believed when what is said
 * of them can be */
#include "vm/store/backend.h"
#include <stdio.h>
#include <stdlib.h>

static enum outcome wrong(struct store *s, const struct run_state *state,
			  const struct operation_row *o, const char *column, const char *why,
			  struct error *err)
{
	char name[80];
	snprintf(name, sizeof(name), "run = %lld, operation_index = %lld",
		 (long long)state->run.id, (long long)o->index);
	return damaged(s, err, "operation", name, "column %s: %s", column, why);
}

/* Of what has not begun there is no end, and of what is done there is one. */
static bool has_its_end(const struct operation_row *o)
{
	switch (o->status) {
	case OPERATION_STATUS_PENDING:
	case OPERATION_STATUS_RUNNING:
		return !o->completion;
	case OPERATION_STATUS_DONE:
		return o->completion;
	case OPERATION_STATUS_FAILED:
	case OPERATION_STATUS_ROLLING_BACK:
	case OPERATION_STATUS_ROLLED_BACK:
	case OPERATION_STATUS_COUNT:
		break;
	}
	return true;
}

static enum outcome check_ends(struct store *s, const struct run_state *state, bool *seen,
			       struct error *err)
{
	for (int64_t i = 0; i < state->run.operation_count; i++) {
		const struct operation_row *o = &state->plan[i];
		if (!o->block && (o->completion || o->at_once))
			return wrong(s, state, o, o->completion ? "completion" : "at_once",
				     "only an operation of a block has one; write 0", err);
		if (!o->block)
			continue;
		if (o->at_once < 2)
			return wrong(s, state, o, "at_once", "a block has 2 to 64 at once", err);
		if (!has_its_end(o))
			return wrong(s, state, o, "completion",
				     "it does not go with the status: in a block what is pending "
				     "or running has 0, and what is done the place among the "
				     "run's in which it came to its end",
				     err);
		if (o->completion && seen[o->completion])
			return wrong(s, state, o, "completion", "another operation has the same",
				     err);
		seen[o->completion] = true;
	}
	return OUTCOME_OK;
}

/* The index is that of the first one that has not come to its end. */
static enum outcome check_index(struct store *s, const struct migration_row *row,
				const struct run_state *state, struct error *err)
{
	int64_t index = row->current_operation_index, begin = index, first;
	const struct operation_row *plan = state->plan;
	char name[160];
	if (state->run.phase != PHASE_FORWARD || index >= state->run.operation_count ||
	    !plan[index].block)
		return OUTCOME_OK;
	while (begin > 0 && plan[begin - 1].block == plan[index].block)
		begin--;
	for (first = begin; first < state->run.operation_count &&
			    plan[first].block == plan[index].block && plan[first].completion;)
		first++;
	if (first == index)
		return OUTCOME_OK;
	snprintf(name, sizeof(name), "name = '%.*s'", STR_ARG(row->name));
	return damaged(s, err, "migration", name,
		       "column current_operation_index: %lld, but of the operations that go at "
		       "once from %lld on the first one without an end is %lld; write that, or "
		       "set completion = 0 and status = 'pending' of those that are to be done "
		       "again",
		       (long long)index, (long long)begin, (long long)first);
}

enum outcome blocks_check(struct store *s, const struct migration_row *row,
			  const struct run_state *state, struct error *err)
{
	size_t size = arena_bytes(sizeof(bool), (size_t)state->run.operation_count + 1);
	bool *seen = must_alloc(size);
	memset(seen, 0, size);
	enum outcome o = check_ends(s, state, seen, err);
	free(seen);
	return o == OUTCOME_OK ? check_index(s, row, state, err) : o;
}
