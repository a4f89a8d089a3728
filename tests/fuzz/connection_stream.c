/*
 * connection_stream.c - any bytes as the rows of a `copy`, between any two types of any two kinds
 *
 * The first bytes choose kinds and types; the rest are rows. Nothing may be read out of bounds, a
 * row that goes through has the fields that the target has, and the same rows give the same sum.
 */
#include "vm/connection/clickhouse_binary.h"
#include "vm/connection/clickhouse_kind.h"
#include "vm/connection/convert.h"
#include "vm/connection/row_hash.h"

#define COLUMNS 2

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static const struct connection_kind *const kinds[] = { &postgres_kind, &clickhouse_kind,
						       &sqlite_kind };

/* Every family has a name of ClickHouse's that its type can be read from, or none there. */
static const char *const types[] = {
	"UInt8",     "Int32",  "Int64",		  "UInt64",	   "Float32",
	"Float64",   "String", "FixedString(3)",  "Decimal(9, 2)", "Decimal(38, 10)",
	"Date",	     "UUID",   "DateTime",	  "DateTime64(3)", "Enum8('a' = 1, 'b' = -2)",
	"Bool",	     "JSON",   "Array(Int32)",	  "Array(Array(Nullable(String)))",
	"Tuple(A)",  "Array(Float64)",
};

static void choose(struct arena *a, uint8_t number, bool is_target, const struct connection_kind *k,
		   struct stream_type *out)
{
	static const struct stream_type plain[] = {
		{ .family = FAMILY_BYTES }, { .family = FAMILY_TIMESTAMP, .scale = 6 }
	};
	size_t n = number % (ARRAY_SIZE(types) + ARRAY_SIZE(plain));

	if (n < ARRAY_SIZE(types))
		clickhouse_type_read(a, str_c(types[n]), out);
	else
		*out = plain[n - ARRAY_SIZE(types)];
	out->is_nullable = number & 128;
	if (k == &sqlite_kind && (!is_target || number & 64)) {
		out->family = FAMILY_ANY;
		out->is_numeric = number & 32;
	}
	if (!out->name.ptr)
		out->name = STR("x");
}

/* What a source of SQLite always is: each field begins with a letter. */
static void add_rows(const struct connection_kind *kind, struct str text, struct buf *out)
{
	static const char letters[] = "irtb";

	while (text.len) {
		const char *end = memchr(text.ptr, '\n', text.len);
		struct str line = { text.ptr, end ? (size_t)(end - text.ptr) : text.len }, field;

		text.ptr += line.len + (end != NULL);
		text.len -= line.len + (end != NULL);
		for (size_t i = 0; stream_field(&line, &field); i++) {
			buf_text(out, i ? "\t" : "");
			if (kind == &sqlite_kind && !stream_is_null(field)) {
				char letter = letters[field.len % 4];
				int64_t whole;

				/* Numbers are numbers there. */
				if (letter < 's' && letter != 'b' && !str_to_int(field, &whole))
					letter = 't';
				buf_byte(out, letter);
			}
			buf_str(out, field);
		}
		buf_byte(out, '\n');
	}
}

static size_t count(struct str text, char c)
{
	size_t n = 0;

	for (size_t i = 0; i < text.len; i++)
		n += text.ptr[i] == c;
	return n;
}

/* Two hashers, the second over the rows turned around, line by line. */
static void hash(const struct stream *to, struct str rows, bool is_read)
{
	struct row_hasher h = {
		.kind = to->kind, .columns = to->columns, .count = COLUMNS, .is_read = is_read
	};
	struct row_sum all = { 0 }, turned = { 0 };
	size_t end = rows.len;

	row_hash_add(&h, rows, &all);
	while (end) {
		const char *line = memrchr(rows.ptr, '\n', end - 1);
		size_t from = line ? (size_t)(line - rows.ptr) + 1 : 0;

		row_hash_add(&h, (struct str){ rows.ptr + from, end - from }, &turned);
		end = from;
	}
	if (!row_sum_eq(all, turned) || (size_t)all.rows != count(rows, '\n'))
		BUG("a sum that goes by the order of rows");
	row_hasher_clear(&h);
}

static enum outcome leave_out(void *context, int64_t number UNUSED, struct str row UNUSED,
			      struct error *why)
{
	++*(int64_t *)context;
	error_clear(why);
	return OUTCOME_OK;
}

static void carry(const struct stream *from, const struct stream *to, struct str rows)
{
	struct converter c;
	struct error err = { 0 };
	struct buf made = { 0 }, packed = { 0 };
	struct str view = { 0 };
	int64_t went = 0, left = 0;
	size_t column;

	if (converter_init(&c, from, to, &err) == OUTCOME_OK) {
		c.leave_out = leave_out;
		c.context = &left;
		if (converter_rows(&c, rows, &made, &view, &went, &err) != OUTCOME_OK)
			BUG("a row that is not left out");
		if ((size_t)went != count(view, '\n') ||
		    (!c.passes && count(view, '\t') != (size_t)went * (COLUMNS - 1)))
			BUG("%lld rows that are not as many", (long long)went);
		hash(to, view, false);
		if (to->kind == &clickhouse_kind && clickhouse_binary_wanted(to))
			clickhouse_binary_rows(to, view, &packed, &column);
	}
	converter_clear(&c);
	error_clear(&err);
	buf_clear(&made);
	buf_clear(&packed);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct arena a = { 0 };
	struct stream_column columns[2][COLUMNS] = { 0 };
	struct stream from = { .columns = columns[0], .column_count = COLUMNS };
	struct stream to = { .columns = columns[1], .column_count = COLUMNS };
	struct buf rows = { 0 };

	if (size < 2 + 2 * COLUMNS)
		return 0;
	from.kind = kinds[bytes[0] % 3];
	to.kind = kinds[bytes[1] % 3];
	for (size_t i = 0; i < COLUMNS; i++) {
		choose(&a, bytes[2 + i], false, from.kind, &columns[0][i].type);
		choose(&a, bytes[2 + COLUMNS + i], true, to.kind, &columns[1][i].type);
		columns[0][i].name = columns[1][i].name = STR("c");
		columns[1][i].type.is_inexact = columns[1][i].type.family == FAMILY_FLOAT;
	}
	bytes += 2 + 2 * COLUMNS;
	size -= 2 + 2 * COLUMNS;
	add_rows(from.kind, (struct str){ (const char *)bytes, size }, &rows);
	carry(&from, &to, buf_view(&rows));
	buf_clear(&rows);
	arena_clear(&a);
	return 0;
}
