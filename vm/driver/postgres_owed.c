/* postgres_owed.c - a pipeline that goes out with the next statement, so that both are one round
 * trip, and statements that run behind it while its answer is on its way */
#include "vm/base/buf.h"
#include "vm/base/os.h"
#include "vm/driver/postgres.h"

#define NULLS_MAX 2 /* in a row: the end of a pipeline that has no sync */
#define BEGIN_NAME "amig_begin"
#define QUICK_US 20000 /* a lost session costs a run that long nothing */

void postgres_owe(struct postgres *s, postgres_owner_fn owner, void *context)
{
	if (!s->in_pipeline || s->owner)
		BUG("there is no pipeline that could be owed");
	s->owner = owner;
	s->owner_context = context;
}

static bool ask_owner(struct postgres *s, const struct watch *watch, bool synced)
{
	postgres_owner_fn owner = s->owner;
	s->owner = NULL;
	return owner(s->owner_context, watch, synced);
}

bool postgres_settle(struct postgres *s)
{
	return !s->owner || ask_owner(s, NULL, false);
}

void postgres_follow(struct postgres *s, postgres_follower_fn follower, postgres_owner_fn owner,
		     void *context)
{
	s->follower = follower;
	s->follower_owner = owner;
	if (follower)
		s->follower_context = context;
}

/* Prepared, for it goes out in front of every effect: a text that is parsed each time costs a tenth
 * of a small operation. Returns how many statements that were, -1: failed. */
static int send_begin(struct postgres *s)
{
	bool prepare = !s->begin_prepared;
	if (prepare && !PQsendPrepare(s->pg, BEGIN_NAME, "BEGIN", 0, NULL))
		return -1;
	return PQsendQueryPrepared(s->pg, BEGIN_NAME, 0, NULL, NULL, NULL, 0) ? 1 + prepare : -1;
}

/* Without a sync, which ends what a failure passes over: what follows must not run without sql. */
static bool send_follower(struct postgres *s)
{
	postgres_follower_fn follower = s->follower;
	s->follower = NULL;
	s->followed = true;
	return PQsendFlushRequest(s->pg) && follower(s->follower_context);
}

/* Returns how many statements went out in front of sql, -1: failed. */
static int send(struct postgres *s, const char *sql)
{
	if (!postgres_is_alive(s))
		return -1;
	int before = s->begin_due ? send_begin(s) : 0;
	s->joined_at_us = os_monotonic_us();
	if (before < 0 || (!s->is_quick && !PQsendFlushRequest(s->pg)) ||
	    !PQsendQueryParams(s->pg, sql, 0, NULL, NULL, NULL, NULL, 0))
		return -1;
	return (s->follower ? send_follower(s) : PQpipelineSync(s->pg)) ? before : -1;
}

/* The answer to a statement whose result nobody wants. */
static enum outcome pass(struct postgres *s, const struct watch *watch, struct error *err)
{
	PGresult *result;
	enum outcome o = postgres_result(s, watch, &result, err), failed = OUTCOME_OK;
	while (o == OUTCOME_OK && result) {
		if (failed == OUTCOME_OK && postgres_result_failed(result))
			failed = postgres_fail(s, result, err);
		PQclear(result);
		struct error late = { 0 };
		o = postgres_result(s, watch, &result, failed == OUTCOME_OK ? err : &late);
		error_clear(&late);
	}
	return failed == OUTCOME_OK ? o : failed;
}

enum outcome postgres_join(struct postgres *s, const char *prefix, struct str sql,
			   const struct watch *watch, struct error *err)
{
	struct buf text = { 0 };
	if (!s->owner)
		BUG("there is nothing to join");
	buf_text(&text, prefix);
	long shift = (long)text.len;
	buf_str(&text, sql);
	if (text.failed || memchr(text.ptr, 0, text.len))
		BUG("a statement that can't be joined");
	int before = send(s, text.ptr);
	buf_clear(&text);
	if (before < 0)
		postgres_abandon(s);
	s->begin_due = false;
	s->sent = true;
	s->asked_at = os_monotonic_ms();
	bool kept = ask_owner(s, watch, true);
	s->shift = shift;
	if (!postgres_is_alive(s))
		return postgres_fail(s, NULL, err);
	if (!kept)
		return error_set(err, OUTCOME_FAILED, "not run: what was sent before it failed");
	enum outcome o = OUTCOME_OK;
	if (before > 1)
		s->begin_prepared = (o = pass(s, watch, err)) == OUTCOME_OK;
	if (before > 0 && o == OUTCOME_OK)
		o = pass(s, watch, err);
	if (o == OUTCOME_OK)
		PQsetSingleRowMode(s->pg);
	return o;
}

/* What follows was sent, and has run or is about to. */
static enum outcome owe_follower(struct postgres *s, struct error *err)
{
	s->owner = s->follower_owner;
	s->owner_context = s->follower_context;
	postgres_join_canceller(s);
	if (s->cancelled_at == 0)
		return OUTCOME_OK;
	/* A cancel that came too late for the statement has perhaps met what follows. */
	s->cancelled_at = 0;
	if (postgres_settle(s))
		return OUTCOME_OK;
	error_set(err, OUTCOME_FAILED, "canceled when the statement had just ended");
	err->class = ERROR_TRANSIENT;
	return OUTCOME_FAILED;
}

enum outcome postgres_join_end(struct postgres *s, enum outcome o, struct error *err)
{
	bool ended = false, followed = s->followed;
	s->followed = false;
	s->is_quick = o == OUTCOME_OK && os_monotonic_us() - s->joined_at_us < QUICK_US;
	if (followed && o == OUTCOME_OK && postgres_is_alive(s))
		return owe_follower(s, err);
	if (followed && postgres_is_alive(s) && !PQpipelineSync(s->pg))
		postgres_abandon(s);
	for (int nulls = 0; !ended && nulls < NULLS_MAX && postgres_is_alive(s);) {
		struct error ignored = { 0 };
		PGresult *result;
		if (postgres_result(s, NULL, &result, &ignored) != OUTCOME_OK)
			postgres_abandon(s);
		error_clear(&ignored);
		ended = result && PQresultStatus(result) == PGRES_PIPELINE_SYNC;
		nulls = result ? 0 : nulls + 1;
		PQclear(result);
	}
	if (s->pg && (!ended || !PQexitPipelineMode(s->pg)))
		postgres_abandon(s);
	s->in_pipeline = false;
	postgres_join_canceller(s);
	s->cancelled_at = 0;
	if (postgres_is_alive(s))
		s->sent = false;
	return o;
}
