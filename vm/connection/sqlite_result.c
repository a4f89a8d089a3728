/*
 * sqlite_result.c - the rows of a SQLite statement as a result
 *
 * SQLite's columns have no type, only their cells do. A column is what all of its cells are:
 * integers INT (0 and 1 declared BOOLEAN: BOOL), numbers FLOAT, blobs BYTES, times declared
 * DATETIME or TIMESTAMP: TIMESTAMP, anything else STRING.
 */
#include "vm/connection/sqlite_result.h"
#include "vm/base/units.h"
#include <stdio.h>
#include <stdlib.h>

/* What has been seen in a column. */
struct seen {
	bool integer, real, text, blob;
	bool not_bool;			/* an integer other than 0 and 1 */
};

static void print_real(char *out, size_t size, double value)
{
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(out, size, "%.*g", digits, value);
		if (strtod(out, NULL) == value)
			return;
	}
}

static struct str read_cell(struct arena *a, sqlite3_stmt *statement, int i, struct seen *seen)
{
	char number[64];
	int64_t integer;
	switch (sqlite3_column_type(statement, i)) {
	case SQLITE_NULL:
		return (struct str){0};
	case SQLITE_INTEGER:
		integer = sqlite3_column_int64(statement, i);
		seen->integer = true;
		seen->not_bool |= integer != 0 && integer != 1;
		snprintf(number, sizeof(number), "%lld", (long long)integer);
		return arena_str(a, str_c(number));
	case SQLITE_FLOAT:
		seen->real = true;
		print_real(number, sizeof(number), sqlite3_column_double(statement, i));
		return arena_str(a, str_c(number));
	case SQLITE_BLOB:
		seen->blob = true;
		break;
	default:
		seen->text = true;
		break;
	}
	const void *bytes = sqlite3_column_blob(statement, i);
	size_t len = (size_t)sqlite3_column_bytes(statement, i);
	return arena_str(a, (struct str){ bytes ? bytes : "", len });
}

static bool declared(sqlite3_stmt *statement, int i, const char *word)
{
	const char *type = sqlite3_column_decltype(statement, i);
	return type && sqlite3_strlike(word, type, 0) == 0;
}

/* "2026-11-22 08:00:00", as datetime() writes it, in UTC; a fraction and a Z may follow. */
static bool read_time(struct str text, int64_t *us)
{
	char canonical[40];
	if (text.len < 19 || text.len > 27 || (text.ptr[10] != ' ' && text.ptr[10] != 'T'))
		return false;
	if (text.ptr[text.len - 1] == 'Z')
		text.len--;
	snprintf(canonical, sizeof(canonical), "%.10sT%.*sZ", text.ptr, (int)text.len - 11,
		 text.ptr + 11);
	return timestamp_parse(str_c(canonical), us);
}

static bool rewrite_times(struct result *out, size_t column)
{
	struct buf text = {0};
	int64_t us;
	for (size_t i = 0; i < out->rows.count; i++)
		if (out->rows.at[i][column].ptr && !read_time(out->rows.at[i][column], &us))
			return false;
	for (size_t i = 0; i < out->rows.count; i++) {
		struct str *cell = &out->rows.at[i][column];
		if (!cell->ptr || !read_time(*cell, &us))
			continue;
		buf_reset(&text);
		timestamp_print(&text, us);
		*cell = arena_str(&out->arena, buf_view(&text));
	}
	buf_clear(&text);
	return true;
}

static enum cell_type settle_type(struct result *out, sqlite3_stmt *statement, size_t column,
				  const struct seen *seen)
{
	int i = (int)column;
	if (seen->text && !seen->integer && !seen->real && !seen->blob &&
	    (declared(statement, i, "datetime%") || declared(statement, i, "timestamp%")))
		return rewrite_times(out, column) ? CELL_TIMESTAMP : CELL_STRING;
	if (seen->text || (seen->blob && (seen->integer || seen->real)))
		return CELL_STRING;
	if (seen->blob)
		return CELL_BYTES;
	if (seen->real)
		return CELL_FLOAT;
	if (seen->integer && !seen->not_bool && declared(statement, i, "bool%")) {
		for (size_t row = 0; row < out->rows.count; row++) {
			struct str *cell = &out->rows.at[row][column];
			if (cell->ptr)
				*cell = cell->ptr[0] == '1' ? STR("true") : STR("false");
		}
		return CELL_BOOL;
	}
	return seen->integer ? CELL_INT : CELL_STRING;
}

static void describe(struct result *out, sqlite3_stmt *statement, int count)
{
	out->column_count = (size_t)count;
	out->columns = arena_array(&out->arena, struct column, out->column_count);
	for (int i = 0; i < count; i++) {
		const char *type = sqlite3_column_decltype(statement, i);
		out->columns[i].name =
			arena_str(&out->arena, str_c(sqlite3_column_name(statement, i)));
		out->columns[i].type_name = arena_str(&out->arena, str_c(type ? type : ""));
	}
}

enum outcome sqlite_result_read(struct sqlite *db, sqlite3_stmt *statement, struct result *out,
				struct error *err)
{
	int count = sqlite3_column_count(statement), rc;
	enum outcome o = OUTCOME_OK;
	struct seen *seen = NULL;
	if (count > 0) {
		result_clear(out);
		out->affected = -1;
		describe(out, statement, count);
		seen = arena_array(&out->arena, struct seen, out->column_count);
	}
	while ((rc = sqlite3_step(statement)) == SQLITE_ROW) {
		struct str *row = arena_array(&out->arena, struct str, out->column_count);
		for (int i = 0; i < count; i++)
			row[i] = read_cell(&out->arena, statement, i, &seen[i]);
		vec_push(&out->rows, row);
		if (out->arena.total_bytes > RESULT_CAP_BYTES)
			return error_set(err, OUTCOME_FAILED, "the result is larger than %zu MiB",
					 RESULT_CAP_BYTES >> 20);
	}
	if (rc != SQLITE_DONE)
		o = sqlite_fail(db, err);
	for (int i = 0; o == OUTCOME_OK && i < count; i++)
		out->columns[i].type = settle_type(out, statement, (size_t)i, &seen[i]);
	return o;
}
