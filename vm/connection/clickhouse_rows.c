/* clickhouse_rows.c - TabSeparatedWithNamesAndTypes, alike in every version, as a result */
#include "vm/connection/clickhouse_answer.h"
#include "vm/base/units.h"
#include <ctype.h>
#include <stdio.h>

enum reading_of { AS_TEXT, AS_INT, AS_WIDE, AS_FLOAT, AS_BOOL, AS_TIME };

/* ---- types ---- */

static bool unwrap(struct str *type, const char *wrapper)
{
	size_t n = strlen(wrapper);
	if (!str_starts(*type, str_c(wrapper)) || type->len < n + 2 || type->ptr[n] != '(' ||
	    type->ptr[type->len - 1] != ')')
		return false;
	*type = (struct str){ type->ptr + n + 1, type->len - n - 2 };
	return true;
}

static bool is_one_of(struct str type, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (str_eq(type, str_c(names[i])))
			return true;
	return false;
}

static bool is_utc(struct str zone)
{
	static const char *const names[] = { "UTC",	 "Etc/UTC", "Etc/UCT", "UCT",	   "Zulu",
					     "Etc/Zulu", "GMT",	    "Etc/GMT", "Universal" };
	return is_one_of(zone, names, ARRAY_SIZE(names));
}

/* DateTime, DateTime('Zone'), DateTime64(3), DateTime64(3, 'Zone'): the zone that the text is in,
 * the server's by default. */
static struct str zone_of(struct str type, const char *server_zone)
{
	const char *quote = memchr(type.ptr, '\'', type.len);
	if (!quote)
		return str_c(server_zone ? server_zone : "");
	const char *end = memchr(quote + 1, '\'', type.len - (size_t)(quote + 1 - type.ptr));
	return (struct str){ quote + 1, end ? (size_t)(end - quote) - 1 : 0 };
}

static enum reading_of read_type(struct str type)
{
	static const char *const small[] = { "UInt8", "UInt16", "UInt32", "Int8",
					     "Int16", "Int32",	"Int64" };
	static const char *const wide[] = { "UInt64", "Int128", "Int256", "UInt128", "UInt256" };
	static const char *const floats[] = { "Float32", "Float64", "BFloat16" };
	while (unwrap(&type, "LowCardinality") || unwrap(&type, "Nullable"))
		;
	if (is_one_of(type, small, ARRAY_SIZE(small)))
		return AS_INT;
	if (is_one_of(type, wide, ARRAY_SIZE(wide)))
		return AS_WIDE;
	if (is_one_of(type, floats, ARRAY_SIZE(floats)))
		return AS_FLOAT;
	if (str_eq(type, STR("Bool")))
		return AS_BOOL;
	if (str_eq(type, STR("DateTime")) || str_starts(type, STR("DateTime(")) ||
	    str_starts(type, STR("DateTime64(")))
		return AS_TIME;
	return AS_TEXT;
}

/* ---- times ---- */

/* 2026-11-22 08:00:00[.123] in UTC, or 2026-11-22T08:00:00Z as date_time_output_format=iso writes
 * it. */
static bool read_time(struct str text, bool utc, int64_t *us)
{
	char canonical[40];
	bool iso = text.len > 0 && text.ptr[text.len - 1] == 'Z';
	if (iso)
		text.len--;
	if (text.len < 19 || text.len > 29 || (!iso && !utc))
		return false;
	if (str_starts(text, STR("0000-00-00"))) /* 18.16's way to write the zero of its clock */
		text = STR("1970-01-01 00:00:00");
	snprintf(canonical, sizeof(canonical), "%.10sT%.*sZ", text.ptr, (int)text.len - 11,
		 text.ptr + 11);
	return timestamp_parse(str_c(canonical), us);
}

static enum cell_type settle_times(struct result *out, size_t column, bool utc)
{
	struct buf text = {0};
	int64_t us;
	for (size_t i = 0; i < out->rows.count; i++)
		if (out->rows.at[i][column].ptr && !read_time(out->rows.at[i][column], utc, &us))
			return CELL_STRING;
	for (size_t i = 0; i < out->rows.count; i++) {
		struct str *cell = &out->rows.at[i][column];
		if (!cell->ptr || !read_time(*cell, utc, &us))
			continue;
		buf_reset(&text);
		timestamp_print(&text, us);
		*cell = arena_str(&out->arena, buf_view(&text));
	}
	buf_clear(&text);
	return CELL_TIMESTAMP;
}

/* ---- what a column is, after all of its cells are there ---- */

static enum cell_type settle_wide(const struct result *out, size_t column)
{
	int64_t value;
	for (size_t i = 0; i < out->rows.count; i++)
		if (out->rows.at[i][column].ptr && !str_to_int(out->rows.at[i][column], &value))
			return CELL_STRING;
	return CELL_INT;
}

static enum cell_type settle_text(const struct result *out, size_t column)
{
	for (size_t i = 0; i < out->rows.count; i++)
		if (out->rows.at[i][column].ptr && !str_is_utf8(out->rows.at[i][column]))
			return CELL_BYTES;
	return CELL_STRING;
}

static void settle(struct result *out, const char *server_zone)
{
	for (size_t i = 0; i < out->column_count; i++) {
		struct column *column = &out->columns[i];
		bool utc;
		switch (read_type(column->type_name)) {
		case AS_TEXT: column->type = settle_text(out, i); break;
		case AS_INT: column->type = CELL_INT; break;
		case AS_WIDE: column->type = settle_wide(out, i); break;
		case AS_FLOAT: column->type = CELL_FLOAT; break;
		case AS_BOOL: column->type = CELL_BOOL; break;
		case AS_TIME:
			utc = is_utc(zone_of(column->type_name, server_zone));
			column->type = settle_times(out, i, utc);
			break;
		}
	}
}

/* ---- the text ---- */

static struct str unescape(struct arena *a, struct str cell)
{
	static const char from[] = "bfrnt0av", to[] = "\b\f\r\n\t\0\a\v";
	if (!memchr(cell.ptr, '\\', cell.len))
		return arena_str(a, cell);
	char *out = arena_alloc(a, cell.len + 1);
	size_t n = 0;
	for (size_t i = 0; i < cell.len; i++) {
		char c = cell.ptr[i];
		if (c == '\\' && i + 1 < cell.len) {
			c = cell.ptr[++i];
			const char *known = c ? strchr(from, c) : NULL;
			c = known ? to[known - from] : c;
		}
		out[n++] = c;
	}
	return (struct str){ out, n };
}

/* The next line, cut at its tabs into at most room cells. Returns how many there are; -1 at the end
 * of the text. */
static ptrdiff_t next_line(struct str *rest, struct str *cells, size_t room)
{
	if (rest->len == 0)
		return -1;
	const char *end = memchr(rest->ptr, '\n', rest->len);
	struct str line = { rest->ptr, end ? (size_t)(end - rest->ptr) : rest->len };
	*rest = (struct str){ line.ptr + line.len + (end ? 1 : 0),
			      rest->len - line.len - (end ? 1 : 0) };
	size_t n = 0;
	for (;;) {
		const char *tab = memchr(line.ptr, '\t', line.len);
		size_t len = tab ? (size_t)(tab - line.ptr) : line.len;
		if (n < room)
			cells[n] = (struct str){ line.ptr, len };
		n++;
		if (!tab)
			return (ptrdiff_t)n;
		line = (struct str){ tab + 1, line.len - len - 1 };
	}
}

static size_t count_cells(struct str text)
{
	return (size_t)next_line(&text, NULL, 0);
}

static enum outcome refuse_shape(struct error *err)
{
	error_set(err, OUTCOME_FAILED, "the answer is not TabSeparatedWithNamesAndTypes");
	error_hint(err, "a query must not say FORMAT");
	return err->outcome;
}

enum outcome clickhouse_answer_rows(struct str body, const char *time_zone, struct result *out,
				    struct error *err)
{
	struct str rest = body;
	out->affected = -1;
	if (body.len == 0)
		return OUTCOME_OK;
	out->column_count = count_cells(body);
	out->columns = arena_array(&out->arena, struct column, out->column_count);
	struct str *cells = arena_array(&out->arena, struct str, out->column_count);
	next_line(&rest, cells, out->column_count);
	for (size_t i = 0; i < out->column_count; i++)
		out->columns[i].name = unescape(&out->arena, cells[i]);
	if (next_line(&rest, cells, out->column_count) != (ptrdiff_t)out->column_count)
		return refuse_shape(err);
	for (size_t i = 0; i < out->column_count; i++) {
		out->columns[i].type_name = unescape(&out->arena, cells[i]);
		if (!cells[i].len || !isupper((unsigned char)cells[i].ptr[0]))
			return refuse_shape(err);
	}
	for (ptrdiff_t n; (n = next_line(&rest, cells, out->column_count)) >= 0; ) {
		if (n != (ptrdiff_t)out->column_count)
			return refuse_shape(err);
		struct str *row = arena_array(&out->arena, struct str, out->column_count);
		for (size_t i = 0; i < out->column_count; i++)
			if (!str_eq(cells[i], STR("\\N")))
				row[i] = unescape(&out->arena, cells[i]);
		vec_push(&out->rows, row);
		if (out->arena.total_bytes > 2 * RESULT_CAP_BYTES)
			return error_set(err, OUTCOME_FAILED, "the result is larger than %zu MiB",
					 RESULT_CAP_BYTES >> 20);
	}
	settle(out, time_zone);
	return OUTCOME_OK;
}
