/* server.c - what happens to a statement after it was sent: it arrives, runs, is committed or not,
 * whether anybody still waits for it or not */
#include "tests/simulate/simulate.h"

#include <stdio.h>
#include <stdlib.h>

static bool is_transactional(const struct sent *s)
{
	return s->target != TARGET_PLAIN;
}

/* ---- the ledger ---- */

static const char *number_behind(const char *at, const char *end, int64_t *out)
{
	while (at < end && (*at < '0' || *at > '9'))
		at++;
	if (at >= end)
		return NULL;
	for (*out = 0; at < end && *at >= '0' && *at <= '9'; at++)
		*out = *out * 10 + (*at - '0');
	return at;
}

/* … key IN (k, …) */
uint64_t keys_named(struct str sql)
{
	int64_t from = str_find(sql, STR(" IN ")), key;
	const char *at = sql.ptr + from, *end = sql.ptr + sql.len;
	uint64_t keys = 0;

	while (from >= 0 && (at = number_behind(at, end, &key)))
		keys |= bit((int)key);
	return keys;
}

/* INSERT INTO ledger (key, value) VALUES (k, v), … [ON CONFLICT DO NOTHING], or the same of a copy,
 * or DELETE FROM ledger WHERE key IN (k, …), or ALTER TABLE … DELETE of a window. Anything else
 * changes nothing. */
void change_parse(struct str sql, struct change *out)
{
	const char *at = sql.ptr, *end = sql.ptr + sql.len;
	int64_t key;

	*out = (struct change){ 0 };
	if (str_starts(sql, STR("INSERT INTO ledger"))) {
		bool once = str_find(sql, STR("ON CONFLICT")) >= 0;

		if (str_find(sql, STR("numbers")) >= 0) {
			out->keys = table_keys(sql);
			out->value = 1;
			at = NULL;
		}
		while (at && (at = number_behind(at, end, &key))) {
			out->keys |= bit((int)key);
			at = number_behind(at, end, &out->value);
		}
		out->kind = once ? CHANGE_ONCE : CHANGE_INSERT;
	} else if (str_starts(sql, STR("DELETE FROM ledger"))) {
		out->kind = CHANGE_DELETE;
		out->keys = keys_named(sql);
	} else if (str_starts(sql, STR("ALTER TABLE"))) {
		out->kind = CHANGE_DELETE;
		out->keys = table_keys(sql);
	}
}

void ledger_apply(enum target_id target, const struct change *c)
{
	struct ledger *l = &world.ledgers[target];

	for (int i = 0; i < KEYS; i++) {
		if (!(c->keys & bit(i)))
			continue;
		if (c->kind == CHANGE_DELETE)
			l->count[i] = 0;
		else if (c->kind == CHANGE_INSERT || l->count[i] == 0)
			l->count[i]++;
		l->value[i] = c->value;
	}
	invariant_change(target, c);
}

/* ---- markers and fences, of the one transactional target that is not the store's ---- */

bool server_has_marker(struct str key)
{
	for (int i = 0; i < world.marker_count; i++)
		if (str_eq(key, str_c(world.markers[i])))
			return true;
	return false;
}

static void add_marker(const char *key)
{
	if (world.marker_count == MARKERS_MAX)
		violated("more than %d markers", MARKERS_MAX);
	else
		snprintf(world.markers[world.marker_count++], sizeof(world.markers[0]), "%s", key);
}

static int64_t *fence_of(struct str run)
{
	for (int i = 0; i < world.fenced_count; i++)
		if (str_eq(run, str_c(world.fenced[i])))
			return &world.fence_epochs[i];
	return NULL;
}

void server_raise(struct str run, int64_t epoch)
{
	int64_t *at = fence_of(run);

	trace("the fence of %.*s is raised to %lld", STR_ARG(run), (long long)epoch);
	if (!at && world.fenced_count < (int)ARRAY_SIZE(world.fence_epochs)) {
		snprintf(world.fenced[world.fenced_count], sizeof(world.fenced[0]), "%.*s",
			 STR_ARG(run));
		at = &world.fence_epochs[world.fenced_count++];
		*at = 0;
	}
	if (at && *at < epoch)
		*at = epoch;
}

/* The run that a marker's key begins with: amig:STORE.RUN: */
static struct str run_of(const char *marker)
{
	const char *last = strrchr(marker, ':');

	return (struct str){ marker, last ? (size_t)(last - marker) + 1 : 0 };
}

/* ---- a statement ---- */

static struct sent *find_room(void)
{
	for (size_t i = 0; i < STATEMENTS_MAX; i++)
		if (!world.sent[i].used)
			return &world.sent[i];
	BUG("more than %d statements are under way", STATEMENTS_MAX);
}

/* … THEN 'amig:x.1:7' END and … epoch > 3) … */
static void read_marker(struct sent *s, struct str marker)
{
	static const char epoch_word[] = "epoch > ", key_word[] = "THEN '";
	const char *key = marker.len ? strstr(marker.ptr, key_word) : NULL;
	const char *epoch = marker.len ? strstr(marker.ptr, epoch_word) : NULL;

	if (!key || !epoch)
		return;
	key += strlen(key_word);
	s->epoch = strtoll(epoch + strlen(epoch_word), NULL, 10);
	snprintf(s->marker, sizeof(s->marker), "%.*s", (int)strcspn(key, "'"), key);
}

struct sent *server_send(enum target_id target, const struct statement *statement, int64_t delay_us)
{
	struct sent *s = find_room();

	*s = (struct sent){ .used = true, .target = target, .client = world.running };
	s->incarnation = me()->incarnation;
	s->next_at = world.now + delay_us;
	s->runs_us = between_us(MS, one_in(8) ? 40 * SECOND : SECOND);
	s->refused = str_find(statement->sql, STR("nowhere")) >= 0;
	snprintf(s->query_id, sizeof(s->query_id), "%s", statement->query_id);
	change_parse(statement->sql, &s->change);
	read_marker(s, statement->marker);
	if (target == TARGET_FAR && !s->marker[0])
		violated("%s goes without its marker", s->query_id);
	trace("sends %s: %.*s", s->query_id, STR_ARG(statement->sql));
	return s;
}

/* ---- a transaction of several statements ---- */

struct sent *server_begin(enum target_id target, const struct statement *statement,
			  int64_t delay_us)
{
	struct sent *s = server_send(target, statement, delay_us);

	s->is_open = true;
	s->runs_us = MS;
	return s;
}

static struct kept *find_kept(struct str operation, bool committed)
{
	for (int i = 0; i < KEPT_MAX; i++) {
		struct kept *k = &world.kept[i];

		if (str_eq(operation, str_c(k->operation)) && k->committed == committed)
			return k;
	}
	return NULL;
}

const struct kept *server_kept(struct str operation, int64_t effect)
{
	const struct kept *k = find_kept(operation, true);

	return k && k->effect == effect ? k : NULL;
}

static void forget(struct kept *k)
{
	if (!k)
		return;
	buf_clear(&k->state);
	*k = (struct kept){ 0 };
}

void server_clear(void)
{
	for (int i = 0; i < KEPT_MAX; i++)
		forget(&world.kept[i]);
}

void server_commit(struct sent *s, struct str operation, int64_t effect, struct str state,
		   int64_t delay_us)
{
	struct kept *k = find_kept(STR(""), false);

	if (!k)
		BUG("more than %d transactions are under way", KEPT_MAX);
	snprintf(k->operation, sizeof(k->operation), "%.*s", STR_ARG(operation));
	k->effect = effect;
	buf_str(&k->state, state);
	s->kept = k;
	s->is_open = false;
	s->next_at = world.now + delay_us;
	trace("sends the commit of %s", s->query_id);
}

void server_drop(struct sent *s, int64_t delay_us)
{
	s->is_dropped = true;
	s->next_at = world.now + delay_us;
}

static void keep(struct sent *s)
{
	if (!s->kept)
		return;
	forget(find_kept(str_c(s->kept->operation), true));
	s->kept->committed = true;
	s->kept = NULL;
}

int64_t server_next(struct sent **which)
{
	int64_t at = INT64_MAX;

	*which = NULL;
	for (size_t i = 0; i < STATEMENTS_MAX; i++) {
		struct sent *s = &world.sent[i];

		if (s->used && s->state != SENT_OVER && s->next_at < at) {
			at = s->next_at;
			*which = s;
		}
	}
	return at;
}

bool server_is_idle(void)
{
	struct sent *s;

	return server_next(&s) == INT64_MAX;
}

static void end(struct sent *s, enum outcome o, enum error_class class, const char *code,
		const char *words)
{
	trace("%s has ended: %s", s->query_id, words);
	s->state = SENT_OVER;
	forget(s->kept);
	s->kept = NULL;
	s->outcome = o;
	s->class = class;
	snprintf(s->code, sizeof(s->code), "%s", code);
	s->words = words;
	if (!s->client)
		s->used = false;
	else if (s->client->awaits == s)
		wake(s->client, between_us(MS, 100 * MS));
}

/* The first attempt that is there holds the key until it has ended. */
static struct sent *who_holds(const struct sent *s)
{
	for (size_t i = 0; i < STATEMENTS_MAX; i++) {
		struct sent *other = &world.sent[i];

		if (other != s && other->used && other->state == SENT_RUNS && other->marker[0] &&
		    strcmp(other->marker, s->marker) == 0 && other->order < s->order)
			return other;
	}
	return NULL;
}

/* True: it may go on to its work. */
static bool pass_marker(struct sent *s)
{
	struct sent *holder;
	int64_t *fence;

	if (!s->marker[0])
		return true;
	if (!s->fence_asked) {
		fence = fence_of(run_of(s->marker));
		s->fence_asked = true;
		s->is_fenced = fence && *fence > s->epoch;
	}
	if (s->is_fenced) {
		end(s, OUTCOME_FAILED, ERROR_PERMANENT, "23502",
		    "null value in column \"effect\" of relation \"amig_marker\"");
		return false;
	}
	holder = who_holds(s);
	if (holder) {
		s->next_at = holder->is_open ? world.now + 100 * MS : holder->next_at + 1;
		return false;
	}
	if (server_has_marker(str_c(s->marker))) {
		end(s, OUTCOME_FAILED, ERROR_PERMANENT, "23505",
		    "duplicate key value violates unique constraint \"amig_marker_pkey\"");
		return false;
	}
	return true;
}

/* What knows no transactions: all of it, or one row of several. */
static void apply_part(const struct sent *s)
{
	struct change part = s->change;

	if (one_in(2))
		part.keys &= ~part.keys + 1;
	ledger_apply(s->target, &part);
}

static bool has_several(const struct sent *s)
{
	return !is_transactional(s) && s->change.kind == CHANGE_INSERT &&
	       s->change.keys & (s->change.keys - 1);
}

static void finish(struct sent *s)
{
	if (s->refused) {
		end(s, OUTCOME_FAILED, ERROR_PERMANENT, "42P01", "there is no such table");
		return;
	}
	if (world.now < world.quiet_at && one_in(40)) {
		end(s, OUTCOME_FAILED, ERROR_TRANSIENT, "40001", "could not serialize access");
		return;
	}
	if (has_several(s) && world.now < world.quiet_at && one_in(3)) {
		apply_part(s);
		end(s, OUTCOME_FAILED, ERROR_UNKNOWN, PARTIAL_CODE, "the memory was over");
		return;
	}
	ledger_apply(s->target, &s->change);
	if (s->marker[0])
		add_marker(s->marker);
	keep(s);
	end(s, OUTCOME_OK, ERROR_PERMANENT, "", "it is done");
}

void server_happen(struct sent *s)
{
	bool arrives = s->state == SENT_ON_ITS_WAY;

	if (s->is_dropped) {
		end(s, OUTCOME_FAILED, ERROR_TRANSIENT, "25P02", "it was abandoned");
		return;
	}
	if (arrives) {
		trace("%s arrives", s->query_id);
		s->state = SENT_RUNS;
		s->order = ++world.arrivals;
		s->next_at = world.now + s->runs_us;
	}
	if ((arrives || s->marker[0]) && !pass_marker(s))
		return;
	if (s->is_open) {
		s->is_begun = true;
		s->next_at = INT64_MAX;
		if (s->client && s->client->awaits == s)
			wake(s->client, between_us(MS, 100 * MS));
	} else if (!arrives) {
		finish(s);
	}
}

/* Ended before its end. What knows no transactions may be done for all that. */
static void cut_short(struct sent *s, enum error_class class)
{
	if (!is_transactional(s) && one_in(3))
		apply_part(s);
	end(s, OUTCOME_FAILED, is_transactional(s) ? class : ERROR_UNKNOWN, "57014",
	    "it was ended before its end");
}

bool server_end(enum target_id target, struct str prefix)
{
	for (size_t i = 0; i < STATEMENTS_MAX; i++) {
		struct sent *s = &world.sent[i];
		bool waits = one_in(2);

		if (!s->used || s->state != SENT_RUNS || s->target != target ||
		    !str_starts(str_c(s->query_id), prefix))
			continue;
		if (s->cancelled || !waits) {
			cut_short(s, ERROR_TRANSIENT);
			continue;
		}
		s->cancelled = true;
		i--;
		if (!give_way(between_us(MS, SECOND)))
			return false;
	}
	return true;
}
