/*
 * connection_tuple.c - any bytes as the tuples of a COPY in binary, into any types of ClickHouse
 *
 * The first bytes choose the types; the others are values, or everything that a server sends. What
 * is packed straight from the tuples is, byte by byte, what the same rows become by way of text,
 * and the same rows are refused.
 */
#include "vm/connection/clickhouse_binary.h"
#include "vm/connection/clickhouse_kind.h"
#include "vm/connection/convert.h"
#include "vm/connection/postgres_binary.h"

#define COLUMNS 2

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

#define WHOLE .is_signed = true
static const struct stream_type sources[] = {
	{ .family = FAMILY_BOOL, .bits = 8, .form = BINARY_BOOL },
	{ .family = FAMILY_INT, .bits = 16, .form = BINARY_INT16, WHOLE },
	{ .family = FAMILY_INT, .bits = 32, .form = BINARY_INT32, WHOLE },
	{ .family = FAMILY_INT, .bits = 32, .form = BINARY_UINT32 },
	{ .family = FAMILY_INT, .bits = 64, .form = BINARY_INT64, WHOLE },
	{ .family = FAMILY_FLOAT, .bits = 32, .form = BINARY_FLOAT32, WHOLE },
	{ .family = FAMILY_FLOAT, .bits = 64, .form = BINARY_FLOAT64, WHOLE },
	{ .family = FAMILY_DECIMAL, .form = BINARY_NUMERIC },
	{ .family = FAMILY_TEXT, .form = BINARY_TEXT },
	{ .family = FAMILY_ENUM, .form = BINARY_TEXT },
	{ .family = FAMILY_BYTES, .form = BINARY_BYTES },
	{ .family = FAMILY_JSON, .form = BINARY_JSONB },
	{ .family = FAMILY_DATE, .form = BINARY_DATE },
	{ .family = FAMILY_INSTANT, .form = BINARY_TIME, .scale = 6 },
	{ .family = FAMILY_TIMESTAMP, .form = BINARY_TIME, .scale = 6 },
	{ .family = FAMILY_UUID, .form = BINARY_UUID },
};

static const char *const targets[] = {
	"UInt8",    "Int8",	     "Int16",	      "Int32",		 "UInt32",
	"Int64",    "UInt64",	     "Float32",	      "Float64",	 "String",
	"Date",	    "UUID",	     "DateTime",      "FixedString(3)",	 "Decimal(9, 2)",
	"Decimal(18, 4)", "Decimal(38, 10)", "Decimal(38, 38)",
};

static void put_length(struct buf *out, int32_t n)
{
	for (int shift = 24; shift >= 0; shift -= 8)
		buf_u8(out, (uint8_t)((uint32_t)n >> shift));
}

/* In front of each value stands how long it is: 255 is NULL, 254 what its form has. */
static void add_tuples(const struct stream *from, struct reader *in, struct buf *out)
{
	while (reader_left(in)) {
		buf_u8(out, 0);
		buf_u8(out, COLUMNS);
		for (size_t i = 0; i < COLUMNS; i++) {
			size_t bytes = postgres_form_bytes(from->columns[i].type.form);
			size_t len = reader_u8(in);

			if (len == 255) {
				put_length(out, -1);
				continue;
			}
			len = len == 254 && bytes ? bytes : len;
			put_length(out, (int32_t)len);
			while (len--)
				buf_u8(out, reader_u8(in));
		}
	}
}

static enum outcome leave_out(void *context, int64_t number UNUSED, struct str row UNUSED,
			      struct error *why)
{
	++*(int64_t *)context;
	error_clear(why);
	return OUTCOME_OK;
}

/* *left: how many rows were refused. */
static enum outcome carry(const struct stream *from, const struct stream *to, struct str tuples,
			  bool packs, struct buf *out, int64_t *left)
{
	struct converter c;
	struct error err = { 0 };
	struct buf made = { 0 };
	struct str view = { 0 };
	int64_t count = 0;
	size_t column;
	enum outcome o = converter_init(&c, from, to, &err);

	if (o == OUTCOME_OK && !c.can_pack)
		o = OUTCOME_STOPPED;
	if (o == OUTCOME_OK) {
		c.from_tuples = true;
		c.packs = packs;
		c.leave_out = leave_out;
		c.context = left;
		o = converter_rows(&c, tuples, &made, &view, &count, &err);
	}
	if (o == OUTCOME_OK && packs)
		buf_str(out, view);
	else if (o == OUTCOME_OK && !clickhouse_binary_rows(to, view, out, &column))
		BUG("a row of text that does not become bytes");
	converter_clear(&c);
	error_clear(&err);
	buf_clear(&made);
	return o;
}

static void compare(const struct stream *from, const struct stream *to, struct str tuples)
{
	struct buf packed = { 0 }, by_text = { 0 };
	int64_t left[2] = { 0 };
	enum outcome o = carry(from, to, tuples, true, &packed, &left[0]);

	if (o != carry(from, to, tuples, false, &by_text, &left[1]))
		BUG("one way has failed");
	if (o == OUTCOME_OK &&
	    (left[0] != left[1] || !str_eq(buf_view(&packed), buf_view(&by_text))))
		BUG("the two ways differ");
	buf_clear(&packed);
	buf_clear(&by_text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct arena a = { 0 };
	struct stream_column columns[2][COLUMNS] = { 0 };
	struct stream from = { .kind = &postgres_kind, .columns = columns[0],
			       .column_count = COLUMNS, .can_be_binary = true };
	struct stream to = { .kind = &clickhouse_kind, .columns = columns[1],
			     .column_count = COLUMNS, .can_be_binary = true };
	struct reader in = { bytes, bytes + size, false };
	struct postgres_frame frame = { 0 };
	struct buf tuples = { 0 };
	bool is_raw = reader_u8(&in) & 1;

	for (size_t i = 0; i < COLUMNS; i++) {
		uint8_t source = reader_u8(&in), target = reader_u8(&in);

		columns[0][i].type = sources[source % ARRAY_SIZE(sources)];
		columns[0][i].type.name = STR("x");
		columns[0][i].type.is_nullable = true;
		clickhouse_type_read(&a, str_c(targets[(target & 127) % ARRAY_SIZE(targets)]),
				     &columns[1][i].type);
		columns[1][i].type.is_nullable = target & 128;
		columns[0][i].name = columns[1][i].name = STR("c");
	}
	if (!is_raw)
		add_tuples(&from, &in, &tuples);
	else if (!postgres_frame_take(&frame, (struct str){ (const char *)in.at, reader_left(&in) },
				      &tuples))
		buf_reset(&tuples);
	compare(&from, &to, buf_view(&tuples));
	buf_clear(&tuples);
	arena_clear(&a);
	return 0;
}
