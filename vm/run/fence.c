/*
 * fence.c - the fence of a target without transactions (struct target_fence),
 * as a run uses it
 *
 * Each process raises it on a connection before its first effect there, and who
 * takes a run over before it looks what became of the effect that is in doubt.
 * Query ids of effects that carry its condition end with "f".
 */
#include "vm/run/session.h"

struct target_fence fence_of(const struct run *r)
{
	return (struct target_fence){ .run = r->prefix, .epoch = r->epoch };
}

/* A role that may not make the table goes without it: that is said, and only
 * the lease's margin guards. */
static void go_without(struct run *r, const struct connection *c, struct error *err)
{
	journal_event(r, EVENT_NOT_FENCED,
		      "%s cannot be fenced, statements go there without the "
		      "condition that refuses "
		      "late ones: %s",
		      c->name, err->message);
	error_clear(err);
}

enum outcome fence_raise(struct run *r, uint32_t need, struct connection *c, struct error *err)
{
	const struct target_fence f = fence_of(r);
	enum outcome o;
	bool refused;

	if (!c->kind->raise_fence || r->fences[need] != FENCE_UNKNOWN)
		return OUTCOME_OK;
	o = c->kind->raise_fence(c, &f, &r->watch, &refused, err);
	if (o == OUTCOME_OK) {
		r->fences[need] = FENCE_RAISED;
	} else if (refused) {
		r->fences[need] = FENCE_REFUSED;
		go_without(r, c, err);
		o = OUTCOME_OK;
	}
	return o;
}

bool fence_guards(struct run *r, uint32_t need, struct connection *c, struct str sql)
{
	return c->kind->can_guard && r->fences[need] == FENCE_RAISED &&
	       c->kind->can_guard(c, sql, &r->watch);
}

bool query_id_is_guarded(struct str query_id)
{
	return str_ends(query_id, STR("f"));
}
