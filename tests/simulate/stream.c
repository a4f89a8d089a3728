/* stream.c - rows for `copy`: out of a table that has a row for each key that a query names, and
 * into a ledger by one statement, of which half can be there */
#include "tests/simulate/simulate.h"
#include "vm/connection/stream.h"

#include <stdlib.h>

struct flow {
	struct buf sql; /* of the target, as it grows */
	struct statement statement;
	uint64_t keys; /* of the source */
};

static struct flow *flow_of(const struct stream *s)
{
	return s->state;
}

/* Whoever is asked says what his columns are. */
static enum outcome describe(struct connection *c, const struct statement *s,
			     const struct watch *watch, struct stream *out, struct error *err)
{
	static const char *const names[] = { "key", "value" };
	struct result ignored = { 0 };
	enum outcome o = c->kind->query(c, s, watch, &ignored, err);

	result_clear(&ignored);
	if (o != OUTCOME_OK) {
		err->class = ERROR_TRANSIENT;
		return o;
	}
	*out = (struct stream){ .kind = c->kind, .c = c, .column_count = ARRAY_SIZE(names) };
	out->columns = arena_array(&out->arena, struct stream_column, ARRAY_SIZE(names));
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		out->columns[i] = (struct stream_column){
			str_c(names[i]),
			{ .family = FAMILY_INT, .name = STR("int8"), .is_signed = true, .bits = 64 }
		};
	out->state = must_alloc(sizeof(struct flow));
	*flow_of(out) = (struct flow){ 0 };
	return OUTCOME_OK;
}

/* ---- out ---- */

static enum outcome open_source(struct connection *c, const struct statement *s,
				const struct watch *watch, struct stream *out, struct error *err)
{
	enum outcome o = describe(c, s, watch, out, err);

	out->is_source = true;
	if (o == OUTCOME_OK)
		flow_of(out)->keys = str_find(s->sql, STR("numbers")) >= 0 ? table_keys(s->sql)
									   : keys_named(s->sql);
	return o;
}

static enum outcome start(struct stream *s, const struct watch *watch, struct error *err)
{
	(void)s, (void)watch, (void)err;
	return OUTCOME_OK;
}

static enum outcome read(struct stream *s, struct buf *out, bool *end, const struct watch *watch,
			 struct error *err)
{
	(void)watch, (void)err;
	for (int key = 0; key < KEYS; key++)
		if (flow_of(s)->keys & bit(key))
			buf_format(out, "%d\t1\n", key);
	*end = true;
	return OUTCOME_OK;
}

/* ---- in ---- */

static void print_target(struct buf *out, const struct stream_target *t)
{
	(void)t;
	buf_text(out, "INSERT INTO ledger (key, value) VALUES ");
}

static enum outcome open_target(struct connection *c, const struct stream_target *t,
				const struct statement *s, const struct watch *watch,
				struct stream *out, struct error *err)
{
	const struct statement look = { .sql = STR("SELECT reading FROM ledger"),
					.query_id = s->query_id };

	(void)t;
	return describe(c, &look, watch, out, err);
}

static enum outcome begin(struct stream *t, const struct statement *s, const struct watch *watch,
			  struct error *err)
{
	(void)watch, (void)err;
	flow_of(t)->statement = *s;
	t->is_partial = false;
	buf_reset(&flow_of(t)->sql);
	print_target(&flow_of(t)->sql, NULL);
	return OUTCOME_OK;
}

static enum outcome write(struct stream *t, struct str rows, int64_t count,
			  const struct watch *watch, struct error *err)
{
	(void)count, (void)watch, (void)err;
	buf_str(&flow_of(t)->sql, rows);
	return OUTCOME_OK;
}

static enum outcome finish(struct stream *t, const struct watch *watch, struct error *err)
{
	struct statement s = flow_of(t)->statement;
	int64_t ignored;
	enum outcome o;

	s.sql = buf_view(&flow_of(t)->sql);
	o = t->kind->exec(t->c, &s, watch, &ignored, err);
	t->is_partial = o != OUTCOME_OK && strcmp(err->code, PARTIAL_CODE) == 0;
	return o;
}

/* What is there of a window, row by row. */
static enum outcome read_back(struct stream *t, const struct statement *s, stream_ear_fn hear,
			      void *context, const struct watch *watch, struct error *err)
{
	struct result ignored = { 0 };
	enum outcome o = t->kind->query(t->c, s, watch, &ignored, err);
	uint64_t keys = table_keys(s->sql);
	struct buf rows = { 0 };

	for (int key = 0; key < KEYS; key++)
		for (int i = 0; keys & bit(key) && i < target_count(t->c, key); i++)
			buf_format(&rows, "%d\t1\n", key);
	if (o == OUTCOME_OK)
		hear(context, t, buf_view(&rows));
	buf_clear(&rows);
	result_clear(&ignored);
	return o;
}

static void close_stream(struct stream *s, struct error *err)
{
	(void)err;
	if (s->state)
		buf_clear(&flow_of(s)->sql);
	free(s->state);
}

const struct stream_kind simulated_stream = {
	.open_source = open_source,
	.start = start,
	.read = read,
	.open_target = open_target,
	.begin = begin,
	.write = write,
	.finish = finish,
	.read_back = read_back,
	.close = close_stream,
	.print_target = print_target,
};
