/* target.c - the kinds of connections: what a migration's statement is on its way to a target, and
 * what comes back */
#include "tests/simulate/simulate.h"
#include "vm/connection/literal.h"

#include <stdio.h>
#include <stdlib.h>

/* Longer than this after the look at the lease nothing is sent that nothing can refuse, if the
 * process was not paused just there: the one known limit. */
#define PROMPT_US (2 * SECOND)

struct target {
	enum target_id id;
	void *session; /* the store's, if it is shared */
	struct sent *open; /* a transaction */
};

static struct target *target_of(const struct connection *c)
{
	return c->state;
}

static enum outcome fail(struct error *err, enum outcome o, enum error_class class,
			 const char *code, const char *words)
{
	error_set(err, o, "%s", words);
	err->class = class;
	snprintf(err->code, sizeof(err->code), "%s", code);
	return o;
}

static enum outcome lost(struct error *err, bool sent)
{
	return fail(err, OUTCOME_UNREACHABLE, sent ? ERROR_UNKNOWN : ERROR_TRANSIENT, "08006",
		    "the connection was lost");
}

static bool is_cut(void)
{
	return me()->target_cut_until > world.now;
}

/* A request and its answer, of which nothing has to be remembered. */
static bool round_trip(int64_t most_us)
{
	if (!point("before a request to a target") || !give_way(between_us(MS, most_us)))
		return false;
	if (is_cut()) {
		give_way(between_us(SECOND, 10 * SECOND));
		return false;
	}
	return true;
}

/* ---- opening ---- */

static enum outcome open_target(struct connection *c, const char *url,
				const struct watch *watch UNUSED, struct error *err)
{
	static const char *const urls[] = { "sim:store", "sim:far", "sim:plain" };
	struct target *t;

	if (!round_trip(50 * MS))
		return lost(err, false);
	t = must_alloc(sizeof(*t));
	*t = (struct target){ 0 };
	for (size_t i = 0; i < TARGETS; i++)
		if (strcmp(url, urls[i]) == 0)
			t->id = (enum target_id)i;
	c->state = t;
	c->version_text = must_strdup("15.1");
	return OUTCOME_OK;
}

static void abandon(struct connection *c);

static void close_target(struct connection *c)
{
	abandon(c);
	free(c->state);
	c->state = NULL;
}

static bool share_session(struct connection *c, void *session)
{
	struct target *t = target_of(c);

	c->shared = t->id == TARGET_STORE;
	t->session = c->shared ? session : NULL;
	return c->shared;
}

int target_count(const struct connection *c, int key)
{
	return world.ledgers[target_of(c)->id].count[key];
}

/* ---- reading ---- */

static void answer(struct result *out, const char *column, enum cell_type type, struct str text)
{
	struct str *row = arena_array(&out->arena, struct str, 1);

	out->columns = arena_array(&out->arena, struct column, 1);
	out->column_count = 1;
	out->columns[0] = (struct column){ str_c(column), type, STR("int8") };
	*row = arena_str(&out->arena, text);
	if (text.ptr)
		vec_push(&out->rows, row);
}

static struct str quoted(struct str sql)
{
	const char *first = memchr(sql.ptr, '\'', sql.len);
	const char *second = first ? strchr(first + 1, '\'') : NULL;

	return second ? (struct str){ first + 1, (size_t)(second - first - 1) } : STR("");
}

static int64_t number_after(struct str sql, struct str word)
{
	int64_t at = str_find(sql, word);

	return at < 0 ? 0 : strtoll(sql.ptr + at + word.len, NULL, 10);
}

static enum outcome read_amig(struct str sql, struct result *out, struct error *err)
{
	struct str key = quoted(sql);
	const struct kept *kept;

	if (!world.has_tables)
		return fail(err, OUTCOME_FAILED, ERROR_PERMANENT, "42P01", "no such table");
	if (str_find(sql, STR("SELECT state")) >= 0) {
		kept = server_kept(key, number_after(sql, STR("effect = ")));
		answer(out, "state", CELL_BYTES, kept ? buf_view(&kept->state) : (struct str){ 0 });
		return OUTCOME_OK;
	}
	answer(out, "effect", CELL_STRING, server_has_marker(key) ? key : (struct str){ 0 });
	return OUTCOME_OK;
}

/* What was out of reach a moment ago often is not well. */
static bool is_unwell(void)
{
	int64_t cut_until = me()->target_cut_until;

	return world.now < world.quiet_at &&
	       one_in(cut_until && world.now - cut_until < 30 * SECOND ? 2 : 15);
}

/* Some questions take long. */
static enum watch_wish ponder(const struct watch *watch)
{
	int64_t until = one_in(16) ? world.now + between_us(SECOND, 30 * SECOND) : 0;
	enum watch_wish wish = watch_ask(watch);

	while (wish == WATCH_GO_ON && world.now < until && give_way(500 * MS))
		wish = watch_ask(watch);
	return wish;
}

static enum outcome run_query(struct connection *c, const struct statement *s,
			      const struct watch *watch, struct result *out, struct error *err)
{
	struct target *t = target_of(c);
	char text[24];
	int64_t key;
	enum outcome o = OUTCOME_OK;

	out->affected = -1;
	if (!round_trip(100 * MS))
		return lost(err, true);
	if (t->session && !state_send_owed(t->session))
		return lost(err, true);
	if (ponder(watch) != WATCH_GO_ON)
		return fail(err, OUTCOME_FAILED, ERROR_TRANSIENT, "57014", "cancelled");
	if (str_find(s->sql, STR("amig_")) >= 0) {
		o = read_amig(s->sql, out, err);
	} else if (str_find(s->sql, STR("health")) >= 0) {
		answer(out, "health", CELL_INT, is_unwell() ? STR("0") : STR("1"));
	} else if (str_find(s->sql, STR("reading")) >= 0) {
		snprintf(text, sizeof(text), "%d", (int)chance(1000000));
		answer(out, "reading", CELL_INT, str_c(text));
	} else if (str_find(s->sql, STR("LIMIT 1")) >= 0 &&
		   str_find(s->sql, STR("ledger")) >= 0) {
		bool any = false;

		for (int i = 0; i < KEYS; i++)
			any |= table_keys(s->sql) & bit(i) && target_count(c, i);
		answer(out, "any", CELL_INT, any ? STR("1") : (struct str){ 0 });
	} else if (str_find(s->sql, STR("numbers")) >= 0) {
		bool is_there = table_answer(s->sql, &key);

		snprintf(text, sizeof(text), "%lld", (long long)key);
		answer(out, "id", CELL_INT, is_there ? str_c(text) : (struct str){ 0 });
	} else {
		key = number_after(s->sql, STR("key = "));
		snprintf(text, sizeof(text), "%d", world.ledgers[t->id].count[key]);
		answer(out, "count", CELL_INT, str_c(text));
	}
	trace("reads %.*s", STR_ARG(s->sql));
	if (!give_way(between_us(MS, 50 * MS)) || !point("after an answer of a target") || is_cut())
		return lost(err, true);
	return o;
}

/* ---- changing ---- */

/* Whoever waited for its answer does not any more; it goes on. */
static void let_go(struct sent *s)
{
	s->client = NULL;
	if (s->state == SENT_OVER)
		s->used = false;
}

static enum outcome hear_answer(struct sent *s, int64_t *affected, struct error *err)
{
	enum outcome o = s->outcome;

	*affected = 1;
	if (s->state != SENT_OVER)
		return OUTCOME_OK;
	if (o != OUTCOME_OK)
		fail(err, o, s->class, s->code, s->words);
	let_go(s);
	return o;
}

static bool is_answered(const struct sent *s)
{
	return s->state == SENT_OVER || (s->is_open && s->is_begun);
}

/* Until the answer is there, or nobody will bring it. */
static enum outcome await_answer(struct sent *s, const struct watch *watch, int64_t *affected,
				 struct error *err)
{
	struct fiber *f = world.running;
	bool asked = false;

	for (;;) {
		bool lives = point("while a statement runs");

		f->awaits = s;
		lives = lives && (is_answered(s) || give_way(between_us(100 * MS, SECOND)));
		f->awaits = NULL;
		if (!lives || (is_cut() && one_in(2)) || fault_now()) {
			trace("never hears of %s", s->query_id);
			let_go(s);
			return lost(err, true);
		}
		if (is_answered(s) && !is_cut())
			return hear_answer(s, affected, err);
		switch (watch_ask(watch)) {
		case WATCH_GO_ON:
			break;
		case WATCH_CANCEL:
			if (!asked && !is_cut() && s->state != SENT_OVER) {
				trace("cancels %s", s->query_id);
				asked = server_end(s->target, str_c(s->query_id));
			}
			break;
		case WATCH_ABANDON:
			let_go(s);
			return lost(err, true);
		}
	}
}

/* What nothing can refuse follows the look at the lease at once; what carries a marker may come
 * whenever it wants. */
static bool hold_back(bool marked, int64_t *delay_us)
{
	if (marked || mutant(MUTANT_KNOWN_LIMIT)) {
		*delay_us = between_us(MS, one_in(8) ? 40 * SECOND : 200 * MS);
		return point("before a statement is sent");
	}
	*delay_us = one_in(3) ? MS + (int64_t)chance(PROMPT_US) : between_us(MS, 200 * MS);
	if (me()->number != OPERATOR && fault_now() && one_in(2)) {
		trace("killed before a statement is sent");
		kill_process(me());
	}
	return !me()->dead;
}

/* The tables of marker.c. */
static enum outcome exec_amig(const struct statement *s, int64_t *affected, struct error *err)
{
	if (!round_trip(100 * MS))
		return lost(err, true);
	*affected = 1;
	if (str_starts(s->sql, STR("CREATE TABLE"))) {
		world.has_tables = true;
	} else {
		struct str run = quoted(s->sql);

		server_raise(run, strtoll(run.ptr + run.len + 2, NULL, 10));
	}
	return give_way(between_us(MS, 50 * MS)) ? OUTCOME_OK : lost(err, true);
}

/* In the store's open transaction. */
static enum outcome exec_inside(struct target *t, const struct statement *s,
				const struct watch *watch, int64_t *affected, struct error *err)
{
	int64_t until = world.now + between_us(MS, one_in(8) ? 30 * SECOND : 500 * MS);
	struct change change;

	change_parse(s->sql, &change);
	if (!state_send_owed(t->session))
		return lost(err, true);
	while (world.now < until) {
		int64_t left = until - world.now;

		if (!point("in the store's transaction") ||
		    !give_way(left < 500 * MS ? left : 500 * MS))
			return lost(err, true);
		if (watch_ask(watch) != WATCH_GO_ON)
			return fail(err, OUTCOME_FAILED, ERROR_TRANSIENT, "57014", "cancelled");
	}
	if (me()->store_cut_until > world.now)
		return lost(err, true);
	if (world.now < world.quiet_at && one_in(40))
		return fail(err, OUTCOME_FAILED, ERROR_TRANSIENT, "40001", "could not serialize");
	trace("in the store's transaction: %.*s", STR_ARG(s->sql));
	*affected = 1;
	return state_add_change(t->session, &change) ? OUTCOME_OK : lost(err, true);
}

/* ---- a transaction of several statements ---- */

static enum outcome begin(struct connection *c, const struct statement *s,
			  const struct watch *watch, struct error *err)
{
	struct target *t = target_of(c);
	int64_t delay_us, affected;
	enum outcome o;

	if (!hold_back(true, &delay_us))
		return lost(err, false);
	t->open = server_begin(t->id, s, delay_us);
	o = await_answer(t->open, watch, &affected, err);
	if (o != OUTCOME_OK && !t->open->client && t->open->used)
		server_drop(t->open, between_us(MS, 60 * SECOND));
	if (o != OUTCOME_OK)
		t->open = NULL;
	return o;
}

static enum outcome exec_in_transaction(struct target *t, const struct statement *s,
					const struct watch *watch, struct error *err)
{
	struct change change;

	change_parse(s->sql, &change);
	if (!round_trip(one_in(8) ? 20 * SECOND : 500 * MS))
		return lost(err, false);
	if (t->open->state == SENT_OVER)
		return fail(err, t->open->outcome, t->open->class, t->open->code, t->open->words);
	if (watch_ask(watch) != WATCH_GO_ON)
		return fail(err, OUTCOME_FAILED, ERROR_TRANSIENT, "57014", "cancelled");
	if (str_find(s->sql, STR("nowhere")) >= 0)
		return fail(err, OUTCOME_FAILED, ERROR_PERMANENT, "42P01", "no such table");
	if (world.now < world.quiet_at && one_in(40))
		return fail(err, OUTCOME_FAILED, ERROR_TRANSIENT, "40001", "could not serialize");
	trace("in the transaction %s: %.*s", t->open->query_id, STR_ARG(s->sql));
	t->open->change.kind = change.kind;
	t->open->change.keys |= change.keys;
	t->open->change.value = change.value;
	return OUTCOME_OK;
}

static void abandon(struct connection *c)
{
	struct target *t = target_of(c);

	if (!t->open)
		return;
	if (t->open->state != SENT_OVER)
		server_drop(t->open, between_us(MS, is_cut() ? 60 * SECOND : 100 * MS));
	let_go(t->open);
	t->open = NULL;
}

/* … VALUES ('amig:x.1:0', 7, '0a1b…') … */
static enum outcome commit(struct connection *c, const struct statement *s,
			   const struct watch *watch, struct error *err)
{
	struct target *t = target_of(c);
	struct sent *open = t->open;
	struct str operation = quoted(s->sql), hex;
	struct buf state = { 0 };
	int64_t affected;

	if (!point("before a commit at a target"))
		return lost(err, false);
	if (open->state == SENT_OVER)
		return fail(err, open->outcome, open->class, open->code, open->words);
	hex = quoted((struct str){ operation.ptr + operation.len + 1,
				   (size_t)(s->sql.ptr + s->sql.len - operation.ptr) -
					   operation.len - 1 });
	for (size_t i = 0; i + 1 < hex.len; i += 2) {
		unsigned byte = 0;

		sscanf(hex.ptr + i, "%2x", &byte);
		buf_byte(&state, (char)byte);
	}
	server_commit(open, operation, strtoll(operation.ptr + operation.len + 2, NULL, 10),
		      buf_view(&state), between_us(MS, one_in(8) ? 40 * SECOND : 200 * MS));
	buf_clear(&state);
	t->open = NULL;
	return await_answer(open, watch, &affected, err);
}

/* ---- one statement ---- */

static enum outcome run_exec(struct connection *c, const struct statement *s,
			     const struct watch *watch, int64_t *affected, struct error *err)
{
	struct target *t = target_of(c);
	int64_t delay_us;

	*affected = -1;
	if (str_find(s->sql, STR("amig_")) >= 0)
		return exec_amig(s, affected, err);
	*affected = 1;
	if (t->open)
		return exec_in_transaction(t, s, watch, err);
	if (c->shared && state_is_begun(t->session))
		return exec_inside(t, s, watch, affected, err);
	if (!hold_back(s->marker.len > 0, &delay_us))
		return lost(err, true);
	if (is_cut() && one_in(2)) {
		give_way(between_us(MS, 5 * SECOND));
		return lost(err, false);
	}
	return await_answer(server_send(t->id, s, delay_us), watch, affected, err);
}

static enum outcome fence(struct connection *c, const char *prefix,
			  const struct watch *watch UNUSED, struct error *err)
{
	if (!round_trip(100 * MS) || !server_end(target_of(c)->id, str_c(prefix)))
		return lost(err, false);
	trace("nothing of %s runs any more", prefix);
	return OUTCOME_OK;
}

/* ---- writing values ---- */

static void quote_name(struct buf *out, struct str part)
{
	literal_doubled(out, '"', part);
}

static void quote_value(struct buf *out, enum cell_type type, struct str text)
{
	if (type == CELL_STRING) {
		literal_doubled(out, '\'', text);
	} else if (type == CELL_BYTES) {
		buf_byte(out, '\'');
		for (size_t i = 0; i < text.len; i++)
			buf_format(out, "%02x", (unsigned char)text.ptr[i]);
		buf_byte(out, '\'');
	} else {
		buf_str(out, text);
	}
}

static bool is_transactional(struct str sql)
{
	(void)sql;
	return true;
}

#define FUNCTIONS                                                                              \
	.open = open_target, .close = close_target, .query = run_query, .exec = run_exec,      \
	.fence = fence, .quote_ident = quote_name, .quote_literal = quote_value, \
	.stream = &simulated_stream

const struct connection_kind postgres_kind = {
	.name = "postgres",
	.capabilities = CAN_TRANSACTION | CAN_SHARE | CAN_AT_ONCE,
	.transactional = is_transactional,
	.share = share_session,
	.begin = begin,
	.commit = commit,
	.abandon = abandon,
	FUNCTIONS,
};
const struct connection_kind clickhouse_kind = {
	.name = "clickhouse",
	.capabilities = CAN_AT_ONCE,
	FUNCTIONS,
};
const struct connection_kind sqlite_kind = {
	.name = "sqlite",
	.capabilities = CAN_TRANSACTION,
	.transactional = is_transactional,
	FUNCTIONS,
};
