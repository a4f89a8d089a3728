/* session.c - making a run ready and putting it away; what it tells; who owns it */
#include "vm/run/session.h"

#include "vm/base/fault.h"
#include "vm/base/mutant.h"
#include "vm/base/os.h"
#include "vm/run/ahead.h"
#include "vm/run/block.h"
#include "vm/run/host.h"
#include "vm/run/lane.h"
#include "vm/run/setting.h"
#include "vm/run/strand.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define STORE_ID_BYTES 4

static const char *const event_words[EVENT_COUNT] = {
#define EVENT(name, word, kept, sentence) word,
#include "vm/run/event.def"
#undef EVENT
};

const char *run_event_word(enum run_event e)
{
	return event_words[e];
}

static void print_hex(const uint8_t *bytes, size_t count, char *out)
{
	for (size_t i = 0; i < count; i++)
		snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

void session_open(struct run *r, struct store *store, const struct instance *instance,
		  struct str name, const struct run_options *options)
{
	uint8_t random[4];

	*r = (struct run){ .store = store, .instance = instance, .options = options };
	r->name = arena_str(&r->arena, name);
	r->journal.blobs = blobs_new(0);
	r->watch = (struct watch){ stop_watch, r };
	r->stop.wish.requested = options->stop_at_once;
	r->lease.length_ms = instance->lease_ms;
	store_set_lease(store, instance->lease_ms);
	os_random(random, sizeof(random));
	print_hex(random, sizeof(random), r->token);
	snprintf(r->prefix, sizeof(r->prefix), "amig:%s:", r->token);
}

void session_close(struct run *r)
{
	struct error ignored = { 0 };

	if (r->journal.in_transaction)
		store_abort(r->store);
	if (journal_settled(r, &ignored) != OUTCOME_OK)
		error_clear(&ignored);
	health_end(r);
	strands_free(r);
	ahead_free(r);
	for (uint32_t i = 0; r->connections && i < host_places(r); i++)
		if (r->connections[i].kind)
			connection_close(&r->connections[i]);
	connection_close(&r->http);
	lanes_free(r);
	machine_free(r->vm);
	blobs_free(r->journal.blobs);
	module_clear(&r->module);
	arena_clear(&r->heap.arena);
	buf_clear(&r->journal.checkpoint);
	buf_clear(&r->journal.after);
	buf_clear(&r->journal.owed.sql);
	buf_clear(&r->journal.outcome_text);
	buf_clear(&r->journal.error_text);
	buf_clear(&r->journal.instruction);
	buf_clear(&r->journal.setting);
	buf_clear(&r->journal.setting_value);
	buf_clear(&r->halt);
	for (size_t i = 0; i < JOURNAL_NOTES_MAX; i++)
		buf_clear(&r->journal.notes[i].text);
	buf_clear(&r->sql);
	buf_clear(&r->window.given.before);
	buf_clear(&r->failed_sql);
	transaction_clear(&r->transaction);
	store_close(r->second);
	arena_clear(&r->arena);
	*r = (struct run){ 0 };
}

enum outcome session_load_module(struct run *r, struct str image, struct error *err)
{
	enum outcome o = module_open(&r->module, image, err);

	if (o == OUTCOME_OK)
		o = module_verify(&r->module, err);
	if (o == OUTCOME_OK && !str_eq(r->module.migration.name, r->name))
		o = error_set(err, OUTCOME_DAMAGED, "the module is of migration \"%.*s\"",
			      STR_ARG(r->module.migration.name));
	if (o != OUTCOME_OK) {
		error_prefix(err, "cannot use the module of \"%.*s\": ", STR_ARG(r->name));
		return o;
	}
	ending_init(r);
	set_init(r);
	r->vm = machine_new(&r->module);
	machine_keep_blobs(r->vm, r->journal.blobs);
	r->markings = arena_array(&r->arena, enum marking, r->module.need_count + 1);
	r->fences = arena_array(&r->arena, enum fencing, r->module.need_count + 1);
	r->connections = arena_array(&r->arena, struct connection, r->module.need_count + 1);
	return OUTCOME_OK;
}

void session_set_values(struct run *r)
{
	machine_set_params(r->vm, r->params);
	machine_set_frozens(r->vm, r->frozens);
}

/* The store's own short name, so that runs of two stores on one server are told apart; made by the
 * first run. */
static enum outcome find_store_id(struct run *r, struct str *out, struct error *err)
{
	uint8_t random[STORE_ID_BYTES];
	char text[2 * STORE_ID_BYTES + 1];
	bool found;
	enum outcome o = session_settings(r, SETTING_STORE_ID, out, &found, err);

	if (o != OUTCOME_OK || found)
		return o;
	os_random(random, sizeof(random));
	print_hex(random, sizeof(random), text);
	/* Of two that do this at once the first one's stays. */
	o = (mutant(MUTANT_TWO_IDS) ? store_set_setting : store_add_setting)(
		r->store, STR(SETTING_STORE_ID), str_c(text), err);
	if (o != OUTCOME_OK)
		return o;
	return session_settings(r, SETTING_STORE_ID, out, &found, err);
}

enum outcome session_begin(struct run *r, struct error *err)
{
	int64_t *weights = must_alloc(arena_bytes(sizeof(*weights), (size_t)r->count + 1));
	struct str store_id;
	enum outcome o = find_store_id(r, &store_id, err);

	host_prepare(r);

	for (int64_t i = 0; i < r->count && o == OUTCOME_OK; i++) {
		struct act a;

		o = plan_act(r, i, false, &a, err);
		weights[i] = o == OUTCOME_OK ? a.policy.weight : 1;
		if (r->plan[i].completion > r->completions)
			r->completions = r->plan[i].completion;
	}
	if (o == OUTCOME_OK) {
		progress_init(&r->progress, arena_array(&r->arena, int64_t, (size_t)r->count + 1),
			      weights, r->count);
		snprintf(r->prefix, sizeof(r->prefix),
			 "amig:%.*s.%lld:", (int)(store_id.len < 8 ? store_id.len : 8),
			 store_id.ptr, (long long)r->id);
	}
	free(weights);
	return o;
}

static enum outcome open_connection(struct run *r, const struct need *need,
				    const struct run_host *host, bool shares,
				    struct connection *c, struct error *err)
{
	struct str name = host ? host->connection : need->name;
	const struct connection_kind *kind = connection_kind_find(need->kind);
	const char *url;
	enum outcome o;

	if (!kind)
		return error_set(err, OUTCOME_UNREACHABLE,
				 "amigrun knows no connection of kind %.*s", STR_ARG(need->kind));
	url = instance_url(need->name, need->kind, err);
	if (!url)
		return OUTCOME_UNREACHABLE;
	/* ClickHouse without a server. */
	if (kind == &clickhouse_kind && strncmp(url, "chdb:", 5) == 0)
		kind = &chdb_kind;
	if (host)
		o = connection_open_host(c, arena_c(&r->arena, name), kind, url, host->host,
					 &r->watch, err);
	else
		o = connection_open(c, arena_c(&r->arena, name), kind, url, &r->watch, err);
	if (o != OUTCOME_OK) {
		error_prefix(err, "cannot open connection %.*s: ", STR_ARG(name));
		*c = (struct connection){ 0 };
		return o;
	}
	if (shares && kind->share && !r->asks_for && strcmp(store_kind(r->store), kind->name) == 0)
		c->shared = kind->share(c, store_session(r->store));
	return OUTCOME_OK;
}

struct connection *session_at(struct run *r, uint32_t place)
{
	return r->strands ? strand_connection(r, place) : &r->connections[place];
}

enum outcome session_connection(struct run *r, uint32_t need, struct connection **out,
				struct error *err)
{
	uint32_t place = host_place(r, need);
	const struct run_host *host = host_at(r, place);
	struct connection *c = session_at(r, place);
	enum outcome o;

	*out = c;
	if (c->kind)
		return OUTCOME_OK;
	o = open_connection(r, &r->module.needs[host ? host->need : need], host,
			    c == &r->connections[place], c, err);
	if (o == OUTCOME_OK)
		*out = session_at(r, place);
	return o;
}

enum outcome session_open_connection(struct run *r, uint32_t place, struct connection *c,
				     struct error *err)
{
	const struct run_host *host = host_at(r, place);

	return open_connection(r, &r->module.needs[host ? host->need : place], host, false, c, err);
}

/* In a shared connection of kind postgres only what belongs to the open transaction goes through
 * the store's session. */
void session_busy(struct run *r, const struct connection *c)
{
	r->store_busy = c->shared && (r->journal.in_transaction || c->kind == &sqlite_kind);
	r->busy_since_ms = !r->store_busy	? 0
			   : r->transaction.open ? r->transaction.since_ms
						 : os_monotonic_ms();
}

void session_idle(struct run *r)
{
	r->store_reads = false;
	r->store_busy = r->store_busy && r->transaction.open;
	if (r->health.state == HEALTH_CANCELS)
		r->health.state = HEALTH_BAD;
}

void session_tell(struct run *r, enum run_event event, struct str label, struct str text)
{
	struct run_news news;

	if (!r->options->listener)
		return;
	news = (struct run_news){
		.event = event,
		.migration = r->name,
		.index = strands_index(r),
		.count = r->count,
		.backward = r->phase == PHASE_BACKWARD,
		.label = label,
		.text = text,
		.progress = block_progress(r),
	};
	r->options->listener->hear(r->options->listener->context, &news);
}

enum outcome session_settings(struct run *r, const char *name, struct str *value, bool *found,
			      struct error *err)
{
	return store_setting(r->store, str_c(name), &r->arena, value, found, err);
}

/* When a process started, in clock ticks since boot: with its number, who it is. 0: there is no
 * such process, or it is dead and nobody has waited for it. */
static long long process_start(long pid)
{
	char path[40], text[1024];
	struct buf stat = { 0 };
	struct error ignored = { 0 };
	long long start = 0;
	const char *at;

	snprintf(path, sizeof(path), "/proc/%ld/stat", pid);
	if (os_read_file(path, sizeof(text), &stat, &ignored) == OUTCOME_OK && stat.ptr) {
		at = strrchr(stat.ptr, ')');
		if (at && (at[2] == 'Z' || at[2] == 'X'))
			at = NULL;
		for (int field = 2; at && field < 22; field++)
			at = strchr(at + 1, ' ');
		start = at ? strtoll(at, NULL, 10) : 0;
	}
	error_clear(&ignored);
	buf_clear(&stat);
	return start;
}

/* host:pid:start */
const char *session_owner(char *out, size_t size)
{
	char host[200] = "";
	long pid = (long)getpid();

	gethostname(host, sizeof(host) - 1);
	snprintf(out, size, "%s:%ld:%lld", host, pid, process_start(pid));
	return out;
}

bool session_owner_lives(struct str owner, bool *known)
{
	char host[200] = "", text[300];
	char *start, *pid;
	bool lives;

	*known = true;
	if (owner.len == 0 || owner.len >= sizeof(text))
		return false;
	memcpy(text, owner.ptr, owner.len);
	text[owner.len] = 0;
	start = strrchr(text, ':');
	if (start)
		*start++ = 0;
	pid = start ? strrchr(text, ':') : NULL;
	if (!pid)
		return false;
	*pid++ = 0;
	gethostname(host, sizeof(host) - 1);
	*known = strcmp(host, text) == 0;
	lives = *known && strtol(pid, NULL, 10) != (long)getpid() &&
		process_start(strtol(pid, NULL, 10)) == strtoll(start, NULL, 10) &&
		strtoll(start, NULL, 10) != 0;
	return lives;
}

bool session_owner_died(const struct migration_row *row)
{
	bool known;

	if (mutant(MUTANT_WORKER_CLOCK) && row->lease_expires_at < os_wall_us())
		return status_is_active(row->status);
	if (mutant(MUTANT_NO_LEASE))
		return status_is_active(row->status);
	return status_is_active(row->status) && !session_owner_lives(row->lease_owner, &known) &&
	       known;
}

enum outcome session_claim(struct run *r, const struct migration_row *row,
			   enum migration_status to, struct error *err)
{
	char owner[300];
	int64_t sent_at_ms = os_monotonic_ms(), max_running;
	bool dead = session_owner_died(row);
	/* A worker that takes over does what its predecessor was asked to. A person who does so
	 * says what is wanted now. */
	bool keeps = r->options->found && status_is_active(row->status) &&
		     !mutant(MUTANT_LOST_STOP);
	enum outcome o = setting_read(r->store, SETTING_max_running, &max_running, err);

	if (o != OUTCOME_OK)
		return o;
	fault_pass(FAULT_BEFORE_COMMIT);
	o = store_claim_read(r->store, row, to, (int)max_running,
			     session_owner(owner, sizeof(owner)),
			     (dead ? CLAIM_FROM_DEAD : 0u) | (keeps ? CLAIM_KEEPS_STOP : 0u),
			     &r->epoch, err);
	fault_pass(FAULT_AFTER_COMMIT);
	if (o != OUTCOME_OK) {
		r->epoch = 0;
		return o;
	}
	lease_lasts(r, sent_at_ms);
	return store_listen(r->store, err);
}

struct store *session_second_store(struct run *r)
{
	struct error ignored = { 0 };

	if (!r->second && store_open(&r->second, r->instance->state, &ignored) != OUTCOME_OK)
		r->second = NULL;
	else
		store_set_lease(r->second, r->lease.length_ms);
	error_clear(&ignored);
	return r->second;
}

void encode_values(const struct value *values, size_t count, struct buf *out)
{
	buf_varint(out, count);
	for (size_t i = 0; i < count; i++)
		value_encode(values[i], out);
}

enum outcome decode_values(struct run *r, struct str bytes, size_t count, struct value **out,
			   const char *what, struct error *err)
{
	struct reader reader = reader_of(bytes);
	struct value *values = arena_array(&r->arena, struct value, count + 1);

	*out = values;
	if (reader_varint(&reader) != count || reader.failed)
		return error_set(err, OUTCOME_DAMAGED,
				 "the stored %s of \"%.*s\" are not as many as its module has",
				 what, STR_ARG(r->name));
	for (size_t i = 0; i < count; i++)
		if (!value_decode(&reader, &r->heap, &values[i]))
			return error_set(err, OUTCOME_DAMAGED,
					 "the stored %s of \"%.*s\" are damaged", what,
					 STR_ARG(r->name));
	if (reader_left(&reader))
		return error_set(err, OUTCOME_DAMAGED, "the stored %s of \"%.*s\" are damaged",
				 what, STR_ARG(r->name));
	return OUTCOME_OK;
}
