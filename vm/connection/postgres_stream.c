/* postgres_stream.c - rows out of PostgreSQL and into it, by COPY */
#include "vm/connection/postgres_aside.h"
#include "vm/connection/postgres_binary.h"
#include "vm/connection/postgres_kind.h"
#include "vm/connection/postgres_text.h"
#include "vm/driver/postgres_copy.h"
#include <stdlib.h>

/* That a transaction may not write, as we have said of it: no standby is meant. */
#define READ_ONLY "25006"

/* Of a source: what is sent at each start. Of a target: the session that it writes in. */
struct state {
	struct postgres *session;
	struct statement statement;
	struct buf sql;
	struct postgres_frame frame;
	struct postgres_ear ear;
	bool is_open;		/* a COPY is under way */
	bool is_inside;		/* of the store's transaction */
	bool is_begun;		/* a transaction of ours is open around it */
	bool is_settled;	/* what was to be copied is */
	struct postgres_aside aside;	/* where rows may be set aside */
};

static struct postgres_state *connection_of(const struct stream *s)
{
	return s->c->state;
}

/* Nothing is changed by it, or not yet. */
static enum outcome did_not_happen(struct error *err, enum outcome o)
{
	if (o != OUTCOME_OK && err->class == ERROR_UNKNOWN)
		err->class = ERROR_TRANSIENT;
	return o;
}

static struct state *new_state(struct stream *out, struct connection *c)
{
	struct state *state = must_alloc(sizeof(*state));

	*state = (struct state){ 0 };
	*out = (struct stream){ .kind = &postgres_kind, .c = c, .state = state };
	return state;
}

/* Whatever is set for the role: floats in all of their digits, bytes as hex. */
static void print_exactly(struct buf *out)
{
	buf_text(out, "SET LOCAL extra_float_digits=1;SET LOCAL bytea_output=hex;");
}

/* ---- a source ---- */

static enum outcome wake_reader(struct connection *c, const struct watch *watch, struct error *err)
{
	struct postgres_state *s = c->state;

	if (postgres_is_alive(&s->reader) && !postgres_in_transaction(&s->reader))
		return OUTCOME_OK;
	if (s->reader.conninfo)
		return postgres_reopen(&s->reader, watch, err);
	return postgres_open(&s->reader, s->own.conninfo, "amig", watch, err);
}

static enum outcome open_source(struct connection *c, const struct statement *s,
				const struct watch *watch, struct stream *out, struct error *err)
{
	struct state *state = new_state(out, c);
	enum outcome o = postgres_text_check(s, true, err);

	state->session = &connection_of(out)->reader;
	state->statement = *s;
	buf_format(&state->sql, "COPY (%.*s\n) TO STDOUT", STR_ARG(s->sql));
	if (o == OUTCOME_OK)
		o = wake_reader(c, watch, err);
	if (o == OUTCOME_OK)
		o = postgres_look_begin(connection_of(out), state->session, watch, err);
	if (o == OUTCOME_OK) {
		o = postgres_describe_query(state->session, s->sql, watch, out, err);
		postgres_look_end(connection_of(out), state->session);
	}
	return connection_give_id(s, err, did_not_happen(err, o));
}

static enum outcome give_source_id(const struct state *state, struct error *err, enum outcome o)
{
	if (o != OUTCOME_OK && strcmp(err->code, READ_ONLY) == 0) {
		err->class = ERROR_PERMANENT;
		err->outcome = o = OUTCOME_FAILED;
	}
	return connection_give_id(&state->statement, err, did_not_happen(err, o));
}

/* In front of tuples, which do not say of what types they are. What is looked at here stays as it
 * is until they are read: the transaction has locked it. */
static void print_types(const struct state *state, struct buf *out)
{
	buf_format(out, "SELECT * FROM (%.*s\n) AS amig LIMIT 0;", STR_ARG(state->statement.sql));
}

static enum outcome check_types(const struct stream *s, const PGresult *types, struct error *err)
{
	bool same = types && (size_t)PQnfields(types) == s->column_count;

	for (size_t i = 0; same && i < s->column_count; i++)
		same = PQftype(types, (int)i) == s->columns[i].type.oid;
	if (!same) {
		error_set(err, OUTCOME_FAILED, "the types of its columns were changed meanwhile");
		err->class = ERROR_TRANSIENT;
	}
	return same ? OUTCOME_OK : err->outcome;
}

static enum outcome start(struct stream *s, const struct watch *watch, struct error *err)
{
	struct state *state = s->state;
	struct buf prefix = { 0 };
	PGresult *types = NULL;
	enum outcome o = wake_reader(s->c, watch, err);

	state->frame = (struct postgres_frame){ 0 };
	if (o == OUTCOME_OK) {
		postgres_text_prefix(&prefix, state->session->pg, &state->statement, TEXT_READ);
		postgres_print_pooled(connection_of(s), &prefix);
		print_exactly(&prefix);
		if (s->is_binary)
			print_types(state, &prefix);
		o = postgres_send(state->session, prefix.ptr, buf_view(&state->sql),
				  s->is_binary ? " (FORMAT binary)" : "", false, err);
		state->is_open = true;
	}
	if (o == OUTCOME_OK)
		o = postgres_copy_begin(state->session, true, &types, watch, err);
	if (o == OUTCOME_OK && s->is_binary)
		o = check_types(s, types, err);
	PQclear(types);
	buf_clear(&prefix);
	return give_source_id(state, err, o);
}

static enum outcome read_rows(struct stream *s, struct buf *out, bool *end,
			      const struct watch *watch, struct error *err)
{
	struct state *state = s->state;
	const struct postgres_rows rows = { .want_bytes = STREAM_CHUNK_BYTES,
					    .cap_bytes = STREAM_ROW_CAP_BYTES,
					    .take = s->is_binary ? postgres_frame_take : NULL,
					    .context = &state->frame };
	enum outcome o = postgres_copy_read(state->session, &rows, out, end, watch, err);

	if (*end)
		state->is_open = false;
	return give_source_id(state, err, o);
}

/* ---- a target ---- */

static void print_copy(struct buf *out, const struct stream_target *t)
{
	buf_text(out, "COPY ");
	stream_print_columns(out, t, postgres_text_ident);
	buf_text(out, ") FROM STDIN");
}

static enum outcome open_target(struct connection *c, const struct stream_target *t,
				const struct statement *s, const struct watch *watch,
				struct stream *out, struct error *err)
{
	struct state *state = new_state(out, c);
	struct postgres_state *of = connection_of(out);
	enum outcome o = postgres_text_check(s, false, err);

	print_copy(&state->sql, t);
	if (o == OUTCOME_OK)
		o = postgres_wake(c, watch, err);
	if (o == OUTCOME_OK && !of->is_held)
		o = postgres_look_begin(of, &of->own, watch, err);
	if (o == OUTCOME_OK) {
		o = postgres_describe_table(&of->own, t, watch, out, err);
		if (!of->is_held)
			postgres_look_end(of, &of->own);
	}
	return connection_give_id(s, err, did_not_happen(err, o));
}

/* What goes in front of the rows: settings, the marker, the transaction that is not over with the
 * COPY. */
static void print_front(const struct stream *t, const struct statement *s, struct buf *out)
{
	struct state *state = t->state;

	postgres_text_prefix(out, state->session->pg, s,
			     state->is_inside ? TEXT_INSIDE : TEXT_CHANGE);
	if (!state->is_inside)
		postgres_print_beginning(connection_of(t), s, out);
	if (state->is_begun)
		buf_text(out, "BEGIN;");
}

static enum outcome begin_aside(struct stream *t, const char *front, const struct watch *watch,
				struct error *err)
{
	struct state *state = t->state;
	struct buf sql = { 0 };
	enum outcome o;

	state->aside = (struct postgres_aside){ .session = state->session,
						.copy = buf_view(&state->sql),
						.target = t };
	buf_format(&sql, "%s" POSTGRES_ASIDE_SAVEPOINT, front);
	o = postgres_query(state->session, sql.ptr, watch, NULL, err);
	buf_clear(&sql);
	return o;
}

/* As one simple query: what stands in front, the marker and all the rows are one transaction. */
static enum outcome begin(struct stream *t, const struct statement *s, const struct watch *watch,
			  struct error *err)
{
	struct postgres_state *of = connection_of(t);
	struct state *state = t->state;
	struct buf prefix = { 0 };
	const char *front;
	enum outcome o = OUTCOME_OK;

	if (state->session)
		postgres_copy_unlisten(state->session, &state->ear);
	state->statement = *s;
	state->is_inside = of->store && postgres_in_transaction(of->store);
	state->session = state->is_inside ? of->store : &of->own;
	state->is_settled = false;
	state->is_begun = (t->is_kept || t->set_aside) && !state->is_inside;
	if (!state->is_inside)
		o = postgres_wake(t->c, watch, err);
	else if (!postgres_settle(of->store))
		o = error_set(err, OUTCOME_FAILED, "not run: the commit before it failed");
	if (o != OUTCOME_OK)
		return connection_give_id(s, err, did_not_happen(err, o));
	of->is_held |= state->is_begun;
	print_front(t, s, &prefix);
	front = prefix.ptr ? prefix.ptr : "";
	if (t->set_aside) {
		o = begin_aside(t, front, watch, err);
	} else {
		o = postgres_send(state->session, front, buf_view(&state->sql), "", false, err);
		state->is_open = true;
		if (o == OUTCOME_OK)
			o = postgres_copy_begin(state->session, false, NULL, watch, err);
		if (o == OUTCOME_OK)
			postgres_copy_listen(state->session, &state->ear);
	}
	buf_clear(&prefix);
	return connection_give_id(s, err, did_not_happen(err, o));
}

static enum outcome read_answers(struct state *state, const struct watch *watch, struct error *err)
{
	state->is_open = false;
	return postgres_copy_answers(state->session, watch, err);
}

static enum outcome write_rows(struct stream *t, struct str rows, int64_t count UNUSED,
			       const struct watch *watch, struct error *err)
{
	struct state *state = t->state;
	enum outcome o;

	if (t->set_aside) {
		state->aside.watch = watch;
		o = postgres_aside_write(&state->aside, rows, err);
		state->is_open = state->aside.is_open;
	} else if (!postgres_copy_is_refused(state->session, &state->ear)) {
		o = postgres_copy_write(state->session, rows, watch, err);
	} else {
		postgres_copy_refuse(state->session);
		o = read_answers(state, watch, err);
		if (o == OUTCOME_OK)
			BUG("a copy that was ended with an error has none");
	}
	return connection_give_id(&state->statement, err, did_not_happen(err, o));
}

static enum outcome end_copy(struct stream *t, const struct watch *watch, struct error *err)
{
	struct state *state = t->state;
	enum outcome o = OUTCOME_OK;

	state->is_settled = true;
	if (t->set_aside)
		return OUTCOME_OK;
	o = postgres_copy_end(state->session, watch, err);
	if (o == OUTCOME_OK)	/* else half of it may be on its way */
		o = read_answers(state, watch, err);
	if (state->is_inside || state->is_begun)	/* no COMMIT was sent */
		did_not_happen(err, o);
	return connection_give_id(&state->statement, err, o);
}

static enum outcome finish(struct stream *t, const struct watch *watch, struct error *err)
{
	struct state *state = t->state;
	PGresult *answer = NULL;
	enum outcome o = state->is_settled ? OUTCOME_OK : end_copy(t, watch, err);

	if (o != OUTCOME_OK || !state->is_begun)
		return o;
	o = postgres_query(state->session, "COMMIT", watch, &answer, err);
	PQclear(answer);
	connection_of(t)->is_held = state->is_begun = false;
	return connection_give_id(&state->statement, err, o);
}

/* In the session of the target, so that it sees what is not committed. */
static enum outcome read_back(struct stream *t, const struct statement *s, stream_ear_fn hear,
			      void *context, const struct watch *watch, struct error *err)
{
	struct postgres_state *of = connection_of(t);
	bool inside = of->store && postgres_in_transaction(of->store);
	struct postgres *session = inside ? of->store : &of->own;
	struct state *state = t->state;
	const struct postgres_rows form = { .want_bytes = STREAM_CHUNK_BYTES,
					    .cap_bytes = STREAM_ROW_CAP_BYTES };
	struct buf prefix = { 0 }, sql = { 0 }, rows = { 0 };
	enum outcome o = inside || state->is_begun ? OUTCOME_OK : postgres_wake(t->c, watch, err);
	bool end = false;

	if (inside && !postgres_settle(of->store))
		o = error_set(err, OUTCOME_FAILED, "not run: the commit before it failed");
	if (state->is_begun)
		postgres_text_comment(&prefix, s->query_id);
	else
		postgres_text_prefix(&prefix, session->pg, s, inside ? TEXT_INSIDE : TEXT_READ);
	if (!inside && !state->is_begun)
		postgres_print_pooled(of, &prefix);
	print_exactly(&prefix);
	buf_format(&sql, "COPY (%.*s) TO STDOUT", STR_ARG(s->sql));
	if (o == OUTCOME_OK)
		o = postgres_send(session, prefix.ptr, buf_view(&sql), "", false, err);
	state->session = session;
	state->is_open = o == OUTCOME_OK;
	if (o == OUTCOME_OK)
		o = postgres_copy_begin(session, true, NULL, watch, err);
	while (o == OUTCOME_OK && !end) {
		buf_reset(&rows);
		o = postgres_copy_read(session, &form, &rows, &end, watch, err);
		if (o == OUTCOME_OK && rows.len)
			hear(context, t, buf_view(&rows));
	}
	state->is_open = state->is_open && !end;
	buf_clear(&prefix);
	buf_clear(&sql);
	buf_clear(&rows);
	return connection_give_id(s, err, did_not_happen(err, o));
}

static void close_stream(struct stream *s, struct error *err UNUSED)
{
	struct state *state = s->state;

	if (!state)
		return;
	if (state->session)
		postgres_copy_unlisten(state->session, &state->ear);
	if (state->is_open)
		postgres_copy_give_up(state->session);
	if (state->is_begun) {
		postgres_rollback(state->session);
		connection_of(s)->is_held = false;
	}
	buf_clear(&state->sql);
	free(state);
}

const struct stream_kind postgres_stream = {
	.open_source = open_source,
	.start = start,
	.read = read_rows,
	.open_target = open_target,
	.begin = begin,
	.write = write_rows,
	.finish = finish,
	.settle = end_copy,
	.read_back = read_back,
	.close = close_stream,
	.print_target = print_copy,
};
