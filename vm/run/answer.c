/* answer.c - cells to values, rows to records, shapes to answers */
#include "vm/run/answer.h"

#include "vm/base/units.h"

#include <stdlib.h>

#define ORIGIN_SQL_BYTES 120

static struct str row_word(size_t rows)
{
	return rows == 0 ? STR("no row") : STR("several rows");
}

/* A cell whose text is not of its column's type is our kinds' mistake or a server's surprise: told,
 * never guessed. */
static enum outcome cell(const struct column *column, struct str text, struct heap *h,
			 struct value *out, struct error *err)
{
	int64_t number;
	char *end, *copy;
	double real;

	if (!text.ptr) {
		*out = value_null();
		return OUTCOME_OK;
	}
	switch (column->type) {
	case CELL_STRING:
		*out = value_string(h, text);
		return OUTCOME_OK;
	case CELL_BYTES:
		*out = value_bytes(h, text);
		return OUTCOME_OK;
	case CELL_BOOL:
		*out = value_bool(str_eq(text, STR("true")));
		return OUTCOME_OK;
	case CELL_INT:
		if (!str_to_int(text, &number))
			break;
		*out = value_int(number);
		return OUTCOME_OK;
	case CELL_FLOAT:
		copy = arena_c(&h->arena, text);
		real = strtod(copy, &end);
		if (end == copy || *end)
			break;
		*out = value_float(real);
		return OUTCOME_OK;
	case CELL_TIMESTAMP:
		if (!timestamp_parse(text, &number))
			break;
		*out = value_timestamp(number);
		return OUTCOME_OK;
	}
	return error_set(err, OUTCOME_FAILED,
			 "column %.*s (%.*s) holds \"%.*s\", which cannot be read as that type",
			 STR_ARG(column->name), STR_ARG(column->type_name),
			 (int)(text.len < 80 ? text.len : 80), text.ptr);
}

static enum outcome row(const struct result *r, size_t at, const struct str *names, struct heap *h,
			struct value *out, struct error *err)
{
	struct value *cells = arena_array(&h->arena, struct value, r->column_count + 1);

	for (size_t i = 0; i < r->column_count; i++) {
		enum outcome o = cell(&r->columns[i], r->rows.at[at][i], h, &cells[i], err);

		if (o != OUTCOME_OK)
			return o;
	}
	*out = value_record(h, names, cells, (uint32_t)r->column_count);
	return OUTCOME_OK;
}

static const struct str *column_names(const struct result *r, struct heap *h)
{
	struct str *names = arena_array(&h->arena, struct str, r->column_count + 1);

	for (size_t i = 0; i < r->column_count; i++)
		names[i] = arena_str(&h->arena, r->columns[i].name);
	return names;
}

static enum outcome list(const struct result *r, enum query_shape shape, struct heap *h,
			 struct value *out, struct error *err)
{
	const struct str *names = column_names(r, h);
	struct value *items = must_alloc(arena_bytes(sizeof(*items), r->rows.count + 1));
	enum outcome o = OUTCOME_OK;

	for (size_t i = 0; i < r->rows.count && o == OUTCOME_OK; i++)
		o = shape == SHAPE_ROWS ? row(r, i, names, h, &items[i], err)
					: cell(&r->columns[0], r->rows.at[i][0], h, &items[i], err);
	if (o == OUTCOME_OK)
		*out = value_list(h, items, r->rows.count);
	free(items);
	return o;
}

static void describe(const struct result *r, enum query_shape shape, struct str sql,
		     struct buf *origin)
{
	sql = str_trim(sql);
	if ((shape == SHAPE_VALUE || shape == SHAPE_COLUMN) && r->column_count)
		buf_format(origin, "column %.*s (%.*s) of ", STR_ARG(r->columns[0].name),
			   STR_ARG(r->columns[0].type_name));
	buf_text(origin, "the query ");
	if (sql.len > ORIGIN_SQL_BYTES) {
		buf_add(origin, sql.ptr, ORIGIN_SQL_BYTES);
		buf_text(origin, "…");
	} else {
		buf_str(origin, sql);
	}
}

enum outcome answer_value(const struct result *result, enum query_shape shape, struct str sql,
			  struct heap *h, struct value *out, struct buf *origin, struct error *err)
{
	const struct result *r = result;
	size_t rows = r->rows.count;

	describe(r, shape, sql, origin);
	if (shape == SHAPE_EXISTS) {
		*out = value_bool(rows > 0);
		return OUTCOME_OK;
	}
	if ((shape == SHAPE_VALUE || shape == SHAPE_ROW) && rows != 1)
		return error_set(err, OUTCOME_FAILED, "%s wants exactly one row, but there is %.*s",
				 shape == SHAPE_VALUE ? "value()" : "row()",
				 STR_ARG(row_word(rows)));
	if (shape == SHAPE_VALUE && r->column_count != 1)
		return error_set(err, OUTCOME_FAILED,
				 "value() wants exactly one column, but there are %zu",
				 r->column_count);
	if (shape == SHAPE_COLUMN && r->column_count == 0)
		return error_set(err, OUTCOME_FAILED,
				 "column() wants a column, but the statement gives none");
	if (shape == SHAPE_VALUE)
		return cell(&r->columns[0], r->rows.at[0][0], h, out, err);
	if (shape == SHAPE_ROW)
		return row(r, 0, column_names(r, h), h, out, err);
	return list(r, shape, h, out, err);
}
