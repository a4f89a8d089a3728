/* postgres_result.c - PostgreSQL's rows as a result */
#include "vm/connection/postgres_result.h"
#include "vm/base/units.h"
#include <stdio.h>

#define OID_NUMERIC 1700
#define VARHDRSZ 4 /* a numeric's modifier is (precision << 16 | scale) + this */

static const struct type {
	Oid oid;
	const char *name;
	enum cell_type cell;
} types[] = {
#define POSTGRES_TYPE(oid, name, cell) { oid, name, CELL_##cell },
#include "vm/connection/postgres_type.def"
#undef POSTGRES_TYPE
};

static void describe(struct result *out, const PGresult *rows)
{
	out->column_count = (size_t)PQnfields(rows);
	out->columns = arena_array(&out->arena, struct column, out->column_count);
	for (size_t i = 0; i < out->column_count; i++) {
		struct column *column = &out->columns[i];
		Oid oid = PQftype(rows, (int)i);
		column->name = arena_str(&out->arena, str_c(PQfname(rows, (int)i)));
		column->type = CELL_STRING;
		for (size_t t = 0; t < ARRAY_SIZE(types); t++) {
			if (types[t].oid != oid)
				continue;
			column->type = types[t].cell;
			column->type_name = str_c(types[t].name);
			break;
		}
		if (!column->type_name.ptr)
			column->type_name = arena_format(&out->arena, "type %u", oid);
	}
}

static struct str copy_cell(struct arena *a, enum cell_type type, const char *text, size_t len)
{
	if (type == CELL_BOOL)
		return text[0] == 't' ? STR("true") : STR("false");
	if (type != CELL_BYTES)
		return arena_str(a, (struct str){ text, len });
	size_t n = 0;
	unsigned char *bytes = PQunescapeBytea((const unsigned char *)text, &n);
	struct str copy = arena_str(a, (struct str){ bytes ? (const char *)bytes : "", n });
	PQfreemem(bytes);
	return copy;
}

bool postgres_result_add(struct result *out, const PGresult *rows)
{
	if (!out->columns)
		describe(out, rows);
	for (int r = 0; r < PQntuples(rows); r++) {
		struct str *row = arena_array(&out->arena, struct str, out->column_count);
		for (size_t i = 0; i < out->column_count; i++)
			if (!PQgetisnull(rows, r, (int)i))
				row[i] = copy_cell(&out->arena, out->columns[i].type,
						   PQgetvalue(rows, r, (int)i),
						   (size_t)PQgetlength(rows, r, (int)i));
		vec_push(&out->rows, row);
	}
	return out->arena.total_bytes <= RESULT_CAP_BYTES;
}

/* 2026-11-22 08:00:00.25+00: the session's zone is UTC. Not: infinity, years before Christ or after
 * 9999. */
static bool read_time(struct str text, int64_t *us)
{
	char canonical[40];
	if (text.len < 22 || text.len > 32 || text.ptr[10] != ' ' || !str_ends(text, STR("+00")))
		return false;
	snprintf(canonical, sizeof(canonical), "%.10sT%.*sZ", text.ptr, (int)text.len - 14,
		 text.ptr + 11);
	return timestamp_parse(str_c(canonical), us);
}

static enum cell_type settle_times(struct result *out, size_t column)
{
	struct buf text = {0};
	int64_t us;
	for (size_t i = 0; i < out->rows.count; i++)
		if (out->rows.at[i][column].ptr && !read_time(out->rows.at[i][column], &us))
			return CELL_STRING;
	for (size_t i = 0; i < out->rows.count; i++) {
		struct str *cell = &out->rows.at[i][column];
		if (!cell->ptr || !read_time(*cell, &us))
			continue;
		buf_reset(&text);
		timestamp_print(&text, us);
		*cell = arena_str(&out->arena, buf_view(&text));
	}
	buf_clear(&text);
	return CELL_TIMESTAMP;
}

static enum cell_type settle_numeric(const struct result *out, size_t column, int modifier)
{
	int64_t value;
	bool any = false;
	if (modifier >= VARHDRSZ && ((modifier - VARHDRSZ) & 0xffff) != 0)
		return CELL_STRING;
	for (size_t i = 0; i < out->rows.count; i++) {
		struct str cell = out->rows.at[i][column];
		any |= cell.ptr != NULL;
		if (cell.ptr && !str_to_int(cell, &value))
			return CELL_STRING;
	}
	return any ? CELL_INT : CELL_STRING;
}

void postgres_result_settle(struct result *out, const PGresult *source)
{
	for (size_t i = 0; i < out->column_count; i++) {
		if (out->columns[i].type == CELL_TIMESTAMP)
			out->columns[i].type = settle_times(out, i);
		else if (PQftype(source, (int)i) == OID_NUMERIC)
			out->columns[i].type = settle_numeric(out, i, PQfmod(source, (int)i));
	}
}
