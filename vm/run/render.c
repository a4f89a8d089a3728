/* render.c - SQL text from a template's pieces and values */
#include "vm/run/render.h"

#include "vm/base/units.h"

#include <math.h>
#include <stdlib.h>

static enum outcome render_list(struct value list, const struct connection_kind *dialect,
				struct buf *out, struct error *err);

static void literal(const struct connection_kind *dialect, struct buf *out, enum cell_type type,
		    struct buf *text)
{
	dialect->quote_literal(out, type, buf_view(text));
	buf_clear(text);
}

static void render_float(double real, const struct connection_kind *dialect, struct buf *out)
{
	struct buf text = { 0 };

	if (isnan(real))
		buf_text(&text, "nan");
	else if (isinf(real))
		buf_text(&text, real > 0 ? "inf" : "-inf");
	else
		buf_format(&text, "%.17g", real);
	literal(dialect, out, CELL_FLOAT, &text);
}

/* Seconds, as servers count them: a whole number, or with the milliseconds behind a point. */
static void render_duration(int64_t ms, const struct connection_kind *dialect, struct buf *out)
{
	struct buf text = { 0 };
	bool whole = ms % 1000 == 0;

	if (whole)
		buf_format(&text, "%lld", (long long)(ms / 1000));
	else
		buf_format(&text, "%s%lld.%03lld", ms < 0 ? "-" : "", llabs((long long)(ms / 1000)),
			   llabs((long long)(ms % 1000)));
	literal(dialect, out, whole ? CELL_INT : CELL_FLOAT, &text);
}

static void render_ident(const struct list *parts, const struct connection_kind *dialect,
			 struct buf *out)
{
	for (size_t i = 0; i < parts->count; i++) {
		if (i)
			buf_byte(out, '.');
		dialect->quote_ident(out, value_text(parts->store->at[i]));
	}
}

static enum outcome render_hole(struct value v, const struct connection_kind *dialect,
				struct buf *out, struct error *err)
{
	struct buf text = { 0 };

	switch (v.kind) {
	case VALUE_NULL:
		dialect->quote_literal(out, CELL_STRING, (struct str){ NULL, 0 });
		return OUTCOME_OK;
	case VALUE_BOOL:
		dialect->quote_literal(out, CELL_BOOL, v.flag ? STR("true") : STR("false"));
		return OUTCOME_OK;
	case VALUE_INT:
		buf_format(&text, "%lld", (long long)v.number);
		literal(dialect, out, CELL_INT, &text);
		return OUTCOME_OK;
	case VALUE_FLOAT:
		render_float(v.real, dialect, out);
		return OUTCOME_OK;
	case VALUE_STRING:
	case VALUE_VERSION:
		dialect->quote_literal(out, CELL_STRING, value_text(v));
		return OUTCOME_OK;
	case VALUE_BYTES:
		dialect->quote_literal(out, CELL_BYTES, value_text(v));
		return OUTCOME_OK;
	case VALUE_DURATION:
		render_duration(v.number, dialect, out);
		return OUTCOME_OK;
	case VALUE_TIMESTAMP:
		timestamp_print(&text, v.number);
		literal(dialect, out, CELL_TIMESTAMP, &text);
		return OUTCOME_OK;
	case VALUE_IDENT:
		render_ident(v.list, dialect, out);
		return OUTCOME_OK;
	case VALUE_SQL:
		return render_sql(v, dialect, out, err);
	case VALUE_LIST:
		return render_list(v, dialect, out, err);
	case VALUE_RECORD:
		return error_set(err, OUTCOME_FAILED,
				 "a record cannot be written in SQL: name the field that is meant");
	case VALUE_CONNECTION:
		return error_set(err, OUTCOME_FAILED, "a connection cannot be written in SQL");
	case VALUE_KIND_COUNT:
		break;
	}
	BUG("value of kind %d", (int)v.kind);
}

static enum outcome render_list(struct value v, const struct connection_kind *dialect,
				struct buf *out, struct error *err)
{
	const struct list *list = v.list;

	if (list->count == 0) {
		error_set(err, OUTCOME_FAILED, "an empty list cannot be written in SQL");
		error_hint(err, "ask for len(list) > 0 before the list is used");
		return OUTCOME_FAILED;
	}
	buf_byte(out, '(');
	for (size_t i = 0; i < list->count; i++) {
		enum outcome o;

		if (i)
			buf_text(out, ", ");
		o = render_hole(list->store->at[i], dialect, out, err);
		if (o != OUTCOME_OK)
			return o;
	}
	buf_byte(out, ')');
	return OUTCOME_OK;
}

enum outcome render_sql(struct value sql, const struct connection_kind *dialect, struct buf *out,
			struct error *err)
{
	const struct list *pieces = sql.list;

	if (!out->cap_bytes)
		out->cap_bytes = RENDER_CAP_BYTES;
	for (size_t i = 0; i < pieces->count; i++) {
		enum outcome o = OUTCOME_OK;

		if (i % 2 == 0)
			buf_str(out, value_text(pieces->store->at[i]));
		else
			o = render_hole(pieces->store->at[i], dialect, out, err);
		if (o != OUTCOME_OK)
			return o;
	}
	if (out->failed)
		return error_set(err, OUTCOME_FAILED, "the SQL text would be longer than %zu MiB",
				 RENDER_CAP_BYTES >> 20);
	return OUTCOME_OK;
}
