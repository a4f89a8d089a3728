/* convert_text.c - what PostgreSQL and ClickHouse write for a value, and what they read */
#include "vm/connection/convert.h"
#include "vm/connection/literal.h"
#include <ctype.h>

/* ---- PostgreSQL ---- */

static bool read_float(const struct conversion *c UNUSED, struct str field, struct buf *out,
		       struct buf *why UNUSED)
{
	if (str_eq(field, STR("Infinity")) || str_eq(field, STR("inf")))
		buf_text(out, "inf");
	else if (str_eq(field, STR("-Infinity")) || str_eq(field, STR("-inf")))
		buf_text(out, "-inf");
	else if (str_eq(field, STR("NaN")) || str_eq(field, STR("nan")) ||
		 str_eq(field, STR("-nan")))
		buf_text(out, "nan");
	else
		buf_str(out, field);
	return true;
}

static int nibble(char c)
{
	return c <= '9' ? c - '0' : (c | 32) - 'a' + 10;
}

/* \\x00ff: of COPY, so with two backslashes. */
static bool read_bytes(const struct conversion *c UNUSED, struct str field, struct buf *out,
		       struct buf *why)
{
	char piece[512];
	size_t n = 0;

	if (!str_starts(field, STR("\\\\x")) || (field.len - 3) % 2) {
		buf_text(why, "the bytes come in a form that is not hex: set bytea_output");
		return false;
	}
	for (size_t i = 3; i < field.len; i++)
		if (!isxdigit((unsigned char)field.ptr[i])) {
			buf_text(why, "the bytes are not written as hex");
			return false;
		}
	for (size_t i = 3; i < field.len; i += 2) {
		piece[n++] = (char)(nibble(field.ptr[i]) << 4 | nibble(field.ptr[i + 1]));
		if (n == sizeof(piece) || i + 2 == field.len) {
			stream_escape(out, (struct str){ piece, n });
			n = 0;
		}
	}
	return true;
}

static bool write_bytes(const struct conversion *c UNUSED, struct str field, struct buf *out,
			struct buf *why UNUSED)
{
	struct buf bytes = { 0 };

	stream_unescape(&bytes, field);
	buf_text(out, "\\\\x");
	literal_hex(out, buf_view(&bytes));
	buf_clear(&bytes);
	return true;
}

/* The session's zone is UTC. */
static bool read_instant(const struct conversion *c UNUSED, struct str field, struct buf *out,
			 struct buf *why UNUSED)
{
	const char *end = field.ptr + field.len;
	const char *zone = memrchr(field.ptr, '+', field.len);

	if (zone && str_starts((struct str){ zone, (size_t)(end - zone) }, STR("+00"))) {
		buf_add(out, field.ptr, (size_t)(zone - field.ptr));
		buf_add(out, zone + 3, (size_t)(end - zone) - 3);
	} else {
		buf_str(out, field);
	}
	return true;
}

/* ---- ClickHouse ---- */

static bool read_bool(const struct conversion *c UNUSED, struct str field, struct buf *out,
		      struct buf *why UNUSED)
{
	buf_text(out, str_eq(field, STR("true")) || str_eq(field, STR("1")) ? "t" : "f");
	return true;
}

static bool write_bool(const struct conversion *c UNUSED, struct str field, struct buf *out,
		       struct buf *why UNUSED)
{
	buf_text(out, str_eq(field, STR("t")) ? "1" : "0");
	return true;
}

/* The first day of old servers is written as none. */
static bool read_date(const struct conversion *c UNUSED, struct str field, struct buf *out,
		      struct buf *why UNUSED)
{
	buf_str(out, str_eq(field, STR("0000-00-00")) ? STR("1970-01-01") : field);
	return true;
}

/* ---- the tables ---- */

struct codec {
	enum stream_family family;
	convert_fn decode, encode;
};

static const struct codec postgres[] = {
	{ FAMILY_FLOAT, read_float, NULL },
	{ FAMILY_BYTES, read_bytes, write_bytes },
	{ FAMILY_INSTANT, read_instant, NULL },
};

static const struct codec clickhouse[] = {
	{ FAMILY_BOOL, read_bool, write_bool },
	{ FAMILY_FLOAT, read_float, NULL },
	{ FAMILY_DATE, read_date, NULL },
	{ FAMILY_INSTANT, convert_from_epoch, convert_to_epoch },
};

static const struct codec *find(const struct connection_kind *kind, enum stream_family family)
{
	const struct codec *rows = kind == &postgres_kind ? postgres : clickhouse;
	size_t count = kind == &postgres_kind ? ARRAY_SIZE(postgres) : ARRAY_SIZE(clickhouse);

	for (size_t i = 0; i < count; i++)
		if (rows[i].family == family)
			return &rows[i];
	return NULL;
}

convert_fn convert_decoder(const struct conversion *c)
{
	const struct codec *row;

	if (c->from_kind == &sqlite_kind)
		return c->to_kind == &sqlite_kind ? NULL : convert_from_sqlite;
	row = find(c->from_kind, c->from->family);
	return row ? row->decode : NULL;
}

convert_fn convert_encoder(const struct conversion *c)
{
	const struct codec *row;

	if (c->to_kind == &sqlite_kind)
		return convert_to_sqlite;
	row = find(c->to_kind, c->to->family);
	return row ? row->encode : NULL;
}
