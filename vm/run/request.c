/* request.c - answers to what the machine asks of the world, as long as it changes nothing */
#include "vm/run/session.h"

#include "vm/base/fault.h"
#include "vm/base/os.h"
#include "vm/run/answer.h"
#include "vm/run/render.h"
#include "vm/run/strand.h"

#include <stdio.h>

#define APART_TIMEOUT_MS 60000

bool request_is_quick(const struct machine_request *q)
{
	switch (q->op) {
	case OP_NOW:
	case OP_UUID:
	case OP_ENV:
	case OP_APP_VERSION:
	case OP_LOG:
	case OP_PROGRESS:
		return true;
	default:
		return false;
	}
}

void request_remember_sql(struct run *r, struct str sql, const char *query_id)
{
	buf_reset(&r->failed_sql);
	buf_str(&r->failed_sql, sql);
	snprintf(r->failed_query_id, sizeof(r->failed_query_id), "%s", query_id);
}

enum outcome request_render(struct run *r, const struct machine_request *q,
			    const struct connection_kind *kind, struct buf *out, struct error *err)
{
	enum outcome o;

	buf_reset(out);
	o = render_sql(q->value, kind, out, err);
	if (o != OUTCOME_OK) {
		struct buf place = { 0 };

		module_place(&r->module, q->function, q->pc, &place);
		error_prefix(err, "%.*s: ", STR_ARG(buf_view(&place)));
		buf_clear(&place);
	}
	return o;
}

enum outcome request_machine_failure(struct run *r, const struct machine *vm, struct error *err)
{
	struct buf place = { 0 };
	uint32_t function, pc;
	bool thrown;
	struct str message = machine_failure(vm, &function, &pc, &thrown);

	module_place(&r->module, function, pc, &place);
	if (thrown)
		error_set(err, OUTCOME_FAILED, "%.*s", STR_ARG(message));
	else
		error_set(err, OUTCOME_FAILED, "%.*s (at %.*s)", STR_ARG(message),
			  STR_ARG(buf_view(&place)));
	buf_clear(&place);
	return OUTCOME_FAILED;
}

/* Waits before the next attempt. false: there is none. */
static bool wait_to_retry(struct run *r, const struct retry *retry, int64_t attempt,
			  struct error *err)
{
	uint32_t random;

	if (r->stop.cancelled || r->health.state == HEALTH_CANCELS ||
	    !retry_wanted(retry, attempt, err))
		return false;
	os_random(&random, sizeof(random));
	session_tell(r, EVENT_RETRIED, STR(""), str_c(err->message));
	if (!stop_sleep(r, retry_wait_ms(retry, attempt, random)))
		return false;
	error_clear(err);
	return true;
}

enum outcome request_connection(struct run *r, uint32_t need, const struct policy *policy,
				struct connection **out, struct error *err)
{
	for (int64_t attempt = 1;; attempt++) {
		enum outcome o = session_connection(r, need, out, err);

		if (o == OUTCOME_OK || !policy)
			return o;
		if (err->class == ERROR_UNKNOWN)
			err->class = ERROR_TRANSIENT;
		if (!wait_to_retry(r, &policy->retry, attempt, err))
			return o;
	}
}

/* A read that failed for a passing reason is made again: nothing was changed by it. */
static enum outcome ask(struct run *r, struct connection *c, struct statement *s,
			const struct retry *retry, int64_t index, char query_id[QUERY_ID_SIZE],
			struct result *result, struct error *err)
{
	for (int64_t attempt = 1;; attempt++) {
		const struct watch *watch;
		struct strand *strand;
		enum outcome o;

		if (index < 0)
			snprintf(query_id, QUERY_ID_SIZE, "%s%s:%s.%llu", r->prefix,
				 r->asks_for ? "health" : "start", r->token,
				 (unsigned long long)++r->reads);
		else
			snprintf(query_id, QUERY_ID_SIZE, "%s%lld:%s.%llu", r->prefix,
				 (long long)index, r->token, (unsigned long long)++r->reads);
		s->query_id = query_id;
		fault_pass(FAULT_BEFORE_READ);
		strand = strand_away(r, c, NULL, &watch);
		o = c->kind->query(c, s, watch, result, err);
		strand_back(strand);
		fault_pass(FAULT_AFTER_READ);
		if (o == OUTCOME_OK)
			return o;
		result_clear(result);
		request_remember_sql(r, s->sql, query_id);
		/* A read changes nothing: that its outcome is unknown does no harm. */
		if (err->class == ERROR_UNKNOWN)
			err->class = ERROR_TRANSIENT;
		if (!wait_to_retry(r, retry, attempt, err))
			return o;
	}
}

enum outcome request_query(struct run *r, struct connection *c, struct str sql, int64_t index,
			   const struct policy *policy, char query_id[QUERY_ID_SIZE],
			   struct result *result, struct error *err)
{
	struct retry retry = policy ? policy->retry : retry_default();
	struct statement s = { .sql = sql };
	enum outcome o;

	if (policy) {
		s.timeout_ms = policy->timeout_ms;
		s.settings = policy->settings;
		s.setting_count = policy->setting_count;
	}
	/* Whoever asks for another, who waits meanwhile, asks briefly and once. */
	if (r->asks_for) {
		s.timeout_ms = APART_TIMEOUT_MS;
		retry.times = 0;
	}
	session_busy(r, c);
	r->store_reads = r->store_busy;
	o = ask(r, c, &s, &retry, index, query_id, result, err);
	session_idle(r);
	return o;
}

static enum outcome answer_query(struct run *r, struct machine *vm, const struct machine_request *q,
				 int64_t index, const struct policy *policy, struct error *err)
{
	struct result result = { 0 };
	struct connection *c;
	struct buf origin = { 0 }, sql = { 0 };
	struct value v;
	char query_id[QUERY_ID_SIZE];
	enum outcome o = request_connection(r, q->need, policy, &c, err);

	if (o == OUTCOME_OK)
		o = request_render(r, q, c->kind, &sql, err);
	if (o == OUTCOME_OK)
		o = request_query(r, c, buf_view(&sql), index, policy, query_id, &result, err);
	if (o == OUTCOME_OK) {
		o = answer_value(&result, q->shape, buf_view(&sql), machine_heap(vm), &v, &origin,
				 err);
		if (o == OUTCOME_OK)
			machine_answer(vm, v, buf_view(&origin));
		else
			request_remember_sql(r, buf_view(&sql), query_id);
	}
	buf_clear(&origin);
	buf_clear(&sql);
	result_clear(&result);
	return o;
}

static enum outcome answer_setting(struct run *r, struct machine *vm,
				   const struct machine_request *q, struct error *err)
{
	struct str value;
	bool found;
	struct store *store = r->asks_for ? session_second_store(r->asks_for) : r->store;
	enum outcome o;

	if (!store)
		return error_set(err, OUTCOME_UNREACHABLE, "the state store cannot be reached");
	o = store_setting(store, value_text(q->value), &r->arena, &value, &found, err);
	if (o == OUTCOME_OK)
		machine_answer(vm, found ? value_string(machine_heap(vm), value) : value_null(),
			       STR(""));
	return o;
}

static enum outcome answer_env(struct run *r, struct machine *vm, const struct machine_request *q,
			       struct error *err)
{
	struct str name = value_text(q->value);
	bool allowed;
	const char *value = instance_env(r->instance, name, &allowed);

	if (!allowed) {
		error_set(err, OUTCOME_FAILED,
			  "this instance does not allow migrations to read the variable %.*s",
			  STR_ARG(name));
		error_hint(err, "add it to AMIG_ALLOW_ENV if it may be read");
		return OUTCOME_FAILED;
	}
	machine_answer(vm, value ? value_string(machine_heap(vm), str_c(value)) : value_null(),
		       STR(""));
	return OUTCOME_OK;
}

/* As semantic version x.y.z, whatever the server's own form. */
static enum outcome answer_service_version(struct run *r, struct machine *vm,
					   const struct machine_request *q, struct error *err)
{
	struct connection *c;
	struct semver v;
	struct buf text = { 0 };
	enum outcome o = session_connection(r, q->need, &c, err);

	if (o != OUTCOME_OK)
		return o;
	if (!semver_of_server(str_c(c->version_text), &v))
		return error_set(err, OUTCOME_FAILED,
				 "%s calls its version \"%s\", which cannot be understood", c->name,
				 c->version_text);
	semver_print(&text, v);
	machine_answer(vm, value_version(machine_heap(vm), buf_view(&text)), STR(""));
	buf_clear(&text);
	return OUTCOME_OK;
}

static enum outcome answer_app_version(struct run *r, struct machine *vm, struct error *err)
{
	if (!r->instance->app_version) {
		error_set(err, OUTCOME_FAILED, "the application's version is not known");
		error_hint(err, "set AMIG_APP_VERSION");
		return OUTCOME_FAILED;
	}
	machine_answer(vm, value_version(machine_heap(vm), str_c(r->instance->app_version)),
		       STR(""));
	return OUTCOME_OK;
}

static enum outcome answer_cluster(struct run *r, struct machine *vm,
				   const struct machine_request *q, struct error *err)
{
	struct connection *c;
	enum outcome o = session_connection(r, q->need, &c, err);

	if (o == OUTCOME_OK)
		machine_answer(vm,
			       c->cluster ? value_string(machine_heap(vm), str_c(c->cluster))
					  : value_null(),
			       STR(""));
	return o;
}

static enum outcome answer_now(struct run *r, struct machine *vm, struct error *err)
{
	int64_t now;
	enum outcome o = clock_now(r, &now, err);

	if (o == OUTCOME_OK)
		machine_answer(vm, value_timestamp(now), STR(""));
	return o;
}

/* Until a time of the calendar: a wait goes on where it was after any pause. */
static enum outcome answer_sleep(struct run *r, struct machine *vm,
				 const struct machine_request *q, struct error *err)
{
	int64_t now, left;
	enum outcome o = clock_now(r, &now, err);

	if (o != OUTCOME_OK)
		return o;
	left = q->value.number - now;
	if (left > 0 && !stop_sleep(r, left / 1000 + 1))
		return error_set(err, OUTCOME_STOPPED, "stopped on request");
	machine_answer(vm, value_null(), STR(""));
	return OUTCOME_OK;
}

enum outcome request_answer(struct run *r, struct machine *vm, int64_t index,
			    const struct policy *policy, struct error *err)
{
	const struct machine_request *q = machine_request(vm);
	char uuid[37];

	switch (q->op) {
	case OP_QUERY:
		return answer_query(r, vm, q, index, policy, err);
	case OP_SETTING:
		return answer_setting(r, vm, q, err);
	case OP_ENV:
		return answer_env(r, vm, q, err);
	case OP_APP_VERSION:
		return answer_app_version(r, vm, err);
	case OP_SERVICE_VERSION:
		return answer_service_version(r, vm, q, err);
	case OP_CLUSTER:
		return answer_cluster(r, vm, q, err);
	case OP_NOW:
		return answer_now(r, vm, err);
	case OP_UUID:
		os_uuid(uuid);
		machine_answer(vm, value_string(machine_heap(vm), str_c(uuid)), STR(""));
		return OUTCOME_OK;
	case OP_LOG:
		session_tell(r, EVENT_LOGGED, STR(""), value_text(q->value));
		machine_answer(vm, value_null(), STR(""));
		return OUTCOME_OK;
	case OP_PROGRESS:
		r->share = q->value.real;
		session_tell(r, EVENT_TICK, STR(""), STR(""));
		machine_answer(vm, value_null(), STR(""));
		return OUTCOME_OK;
	case OP_SLEEP:
		return answer_sleep(r, vm, q, err);
	case OP_WINDOW:
		return window_answer(r, vm, index, policy, err);
	default:
		break;
	}
	return error_set(err, OUTCOME_FAILED, "the code asks for %s where it cannot be",
			 opcode_table[q->op].name);
}
