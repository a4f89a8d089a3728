/*
 * start.c - from a claimed migration to a stored plan
 *
 * In order: the application's version, the servers' versions, dependencies, parameters, the
 * migration's lets, whether it is required, prechecks, healthchecks, the plan. Nothing is changed
 * on the way; what refuses leaves 'Failed at startup'.
 */
#include "vm/base/fault.h"
#include "vm/base/mutant.h"
#include "vm/run/session.h"

static enum outcome check_dependencies(struct run *r, struct error *err)
{
	const struct migration *m = &r->module.migration;

	for (uint32_t i = 0; i < m->depends_count && !mutant(MUTANT_EARLY); i++) {
		struct migration_row row = { 0 };
		bool found;
		enum outcome o =
			store_migration(r->store, m->depends[i], &r->arena, &row, &found, err);

		if (o != OUTCOME_OK)
			return o;
		if (found && row.status == STATUS_COMPLETED)
			continue;
		error_set(err, OUTCOME_NOT_NOW,
			  "Could not start because it depends on %.*s, which is: %s",
			  STR_ARG(m->depends[i]),
			  found ? status_label(row.status) : status_label(STATUS_NOT_STARTED));
		error_hint(err, "first `amigrun run %.*s`", STR_ARG(m->depends[i]));
		return OUTCOME_NOT_NOW;
	}
	return OUTCOME_OK;
}

/* *required false: everything is well and there is nothing to do. */
static enum outcome prepare(struct run *r, bool *required, struct error *err)
{
	struct value answer = value_bool(true);
	enum outcome o = version_check_app(r, err);

	if (o == OUTCOME_OK)
		o = version_check_services(r, err);
	if (o == OUTCOME_OK)
		o = check_dependencies(r, err);
	if (o == OUTCOME_OK)
		o = params_collect(r, err);
	if (o == OUTCOME_OK)
		o = plan_setup(r, err);
	if (o == OUTCOME_OK && r->module.migration.required != NO_INDEX) {
		o = evaluate(r, r->module.migration.required, NULL, &answer, NULL, NULL, err);
		if (o != OUTCOME_OK)
			error_prefix(err, "cannot tell whether the migration is required: ");
	}
	*required = answer.flag;
	if (o != OUTCOME_OK || !*required)
		return o;
	o = evaluate_checks(r, CHECK_PRE, "Precheck", err);
	if (o == OUTCOME_OK)
		o = evaluate_checks(r, CHECK_HEALTH, "Healthcheck", err);
	return o == OUTCOME_OK ? plan_make(r, err) : o;
}

static enum outcome settle(struct run *r, enum migration_status status, int progress,
			   const struct error_row *error, const struct event_row *event,
			   struct error *err)
{
	enum outcome o;

	fault_pass(FAULT_BEFORE_COMMIT);
	o = store_settle(r->store, r->name, r->epoch, status, progress, error, event, err);
	fault_pass(FAULT_AFTER_COMMIT);
	return o;
}

static enum outcome refuse(struct run *r, struct error *err)
{
	struct error lost = { 0 };
	struct error_row error = { .operation_index = -1,
				   .description = str_c(err->message),
				   .code = str_c(err->code),
				   .sql = buf_view(&r->failed_sql),
				   .query_id = str_c(r->failed_sql.len ? r->failed_query_id : "") };
	struct event_row event = { .kind = str_c(run_event_word(EVENT_FAILED_AT_STARTUP)),
				   .who = STR("amigrun"),
				   .detail = str_c(err->message) };
	bool stopped = err->outcome == OUTCOME_STOPPED || r->stop.cancelled;
	/* A worker that is told to end leaves it to the others, as if it had died. */
	bool left = stopped && r->options->release_on_signal && !r->stop.wish.requested &&
		    !mutant(MUTANT_STOPS);
	enum outcome o = settle(r,
				left	? STATUS_STARTING :
				stopped ? STATUS_NOT_STARTED :
					  STATUS_FAILED_AT_STARTUP,
				0, stopped ? NULL : &error, stopped ? NULL : &event, &lost);

	if (o != OUTCOME_OK)
		error_take(err, &lost);
	else if (r->lease.lost)
		return lease_fail(r, err);
	else if (left)
		error_set(err, OUTCOME_STOPPED,
			  "left before the first operation: another worker starts it");
	else if (stopped)
		error_set(err, OUTCOME_STOPPED,
			  "stopped on request before the first operation: nothing was changed");
	else
		session_tell(r, EVENT_FAILED_AT_STARTUP, STR(""), str_c(err->message));
	return err->outcome;
}

static enum outcome not_required(struct run *r, struct error *err)
{
	struct event_row event = { .kind = str_c(run_event_word(EVENT_NOT_REQUIRED)),
				   .who = STR("amigrun"),
				   .detail = STR("`required when` is false") };

	session_tell(r, EVENT_NOT_REQUIRED, STR(""), STR(""));
	return settle(r, STATUS_COMPLETED, 100, NULL, &event, err);
}

static enum outcome store_plan(struct run *r, struct str image, struct error *err)
{
	struct buf params = { 0 }, frozens = { 0 };
	struct run_row row = { .migration = r->name,
			       .app_version = str_c(
				       r->instance->app_version ? r->instance->app_version : ""),
			       .module_hash = r->module.identity,
			       .operation_count = r->count + r->endings.count,
			       .phase = PHASE_FORWARD,
			       .next_effect = 1 };
	enum outcome o;

	encode_values(r->params, r->module.param_count, &params);
	encode_values(r->frozens, r->module.frozen_count, &frozens);
	row.params = buf_view(&params);
	row.frozens = buf_view(&frozens);
	fault_pass(FAULT_BEFORE_COMMIT);
	o = store_start(r->store, &row, image, r->plan, r->epoch, err);
	fault_pass(FAULT_AFTER_COMMIT);
	buf_clear(&params);
	buf_clear(&frozens);
	r->id = row.id;
	return o;
}

enum outcome start_give_up(struct run *r, const struct migration_row *row, struct error *err)
{
	enum outcome o = session_claim(r, row, STATUS_STARTING, err);

	if (o != OUTCOME_OK)
		return o;
	error_set(err, OUTCOME_STOPPED, "stopped on request");
	return refuse(r, err);
}

enum outcome start_without_definition(struct run *r, const struct migration_row *row,
				    struct error *err)
{
	enum outcome o = session_claim(r, row, STATUS_STARTING, err);

	if (o != OUTCOME_OK)
		return o;
	error_set(err, OUTCOME_NOT_NOW,
		  "Migration definition not available: the bundle does not have \"%.*s\"",
		  STR_ARG(r->name));
	error_hint(err, "give the bundle that has it with --bundle");
	return refuse(r, err);
}

enum outcome start_run(struct run *r, const struct migration_row *row, struct str image,
		       struct error *err)
{
	bool required;
	enum outcome o = session_load_module(r, image, err);

	if (o == OUTCOME_OK)
		o = session_claim(r, row, STATUS_STARTING, err);
	if (o != OUTCOME_OK)
		return o;
	o = prepare(r, &required, err);
	if (o != OUTCOME_OK)
		return refuse(r, err);
	if (!required)
		return not_required(r, err);
	session_set_values(r);
	o = store_plan(r, image, err);
	if (o == OUTCOME_OK)
		o = session_begin(r, err);
	if (o != OUTCOME_OK)
		return o;
	r->phase = PHASE_FORWARD;
	r->status = STATUS_RUNNING;
	r->next_effect = 1;
	journal_event(r, EVENT_STARTED, "%lld operations", (long long)r->count);
	o = journal_commit(r, err);
	health_begin(r, false);
	return o == OUTCOME_OK ? forward_go(r, err) : o;
}
