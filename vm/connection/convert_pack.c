/*
 * convert_pack.c - tuples of PostgreSQL into RowBinary of ClickHouse, with no text in between
 *
 * It takes and refuses what the conversions of text do, and says no more than that it refuses: the
 * row is converted as text then, which says why.
 */
#include "vm/connection/clickhouse_binary.h"
#include "vm/connection/convert.h"
#include "vm/connection/postgres_binary.h"
#include <math.h>

#define US_A_SECOND 1000000
#define EPOCH_SECONDS (POSTGRES_EPOCH_DAYS * INT64_C(86400))

__extension__ typedef unsigned __int128 wide;

static bool pack_bool(const struct conversion *c, struct str value, struct buf *out)
{
	clickhouse_binary_put(out, value.ptr[0] != 0, c->to->bits);
	return true;
}

static bool pack_int(const struct conversion *c, struct str value, struct buf *out)
{
	const int64_t v = postgres_read_int(c->from->form, value.ptr);
	const int bits = c->to->is_signed ? c->to->bits - 1 : c->to->bits;

	if ((v < 0 && !c->to->is_signed) || (bits < 63 && (v < 0 ? ~v : v) >> bits))
		return false;
	clickhouse_binary_put(out, (uint64_t)v, c->to->bits);
	return true;
}

/* There is one NaN, as there is where it is read from text. */
static bool pack_float(const struct conversion *c, struct str value, struct buf *out)
{
	const double v = postgres_read_float(c->from->form, value.ptr);
	const double one = isnan(v) ? (double)NAN : v;
	const float narrow = (float)one;
	uint32_t half;
	uint64_t whole;

	memcpy(&half, &narrow, sizeof(half));
	memcpy(&whole, &one, sizeof(whole));
	clickhouse_binary_put(out, c->to->bits == 32 ? half : whole, c->to->bits);
	return true;
}

static int digits_in_front(const struct postgres_numeric *n)
{
	for (int i = 0; i <= n->weight; i++) {
		const unsigned g = postgres_group(n, i);

		if (g)
			return (n->weight - i) * POSTGRES_GROUP_DIGITS +
			       (g > 999 ? 4 : g > 99 ? 3 : g > 9 ? 2 : 1);
	}
	return 0;
}

/* In front of the point the type has so many digits, and behind it none that is lost may be one. */
static bool read_decimal(const struct stream_type *to, const struct postgres_numeric *n, wide *out)
{
	static const unsigned tens[] = { 1, 10, 100, 1000, 10000 };
	int left = to->scale;

	*out = 0;
	if (digits_in_front(n) > to->precision - to->scale)
		return false;
	for (int i = 0; i <= n->weight; i++)
		*out = *out * tens[POSTGRES_GROUP_DIGITS] + postgres_group(n, i);
	for (int i = n->weight + 1; left > 0 || i < (int)n->count; i++) {
		const int taken = left < POSTGRES_GROUP_DIGITS ? left : POSTGRES_GROUP_DIGITS;
		const unsigned behind = tens[POSTGRES_GROUP_DIGITS - taken];

		if (postgres_group(n, i) % behind)
			return false;
		*out = *out * tens[taken] + postgres_group(n, i) / behind;
		left -= taken;
	}
	return true;
}

static bool pack_decimal(const struct conversion *c, struct str value, struct buf *out)
{
	struct postgres_numeric n;
	wide v;

	if (!postgres_read_numeric(value, &n) || n.word || !read_decimal(c->to, &n, &v))
		return false;
	if (n.is_negative)
		v = -v;
	clickhouse_binary_put(out, (uint64_t)v, c->to->precision <= 9 ? 32 : 64);
	if (c->to->precision > 18)
		clickhouse_binary_put(out, (uint64_t)(v >> 64), 64);
	return true;
}

static bool pack_text(const struct conversion *c, struct str value, struct buf *out)
{
	if (c->from->form == BINARY_JSONB && !postgres_read_jsonb(&value))
		return false;
	if (c->to->length && value.len != (size_t)c->to->length)
		return false;
	if (!c->to->length)
		buf_varint(out, value.len);
	buf_str(out, value);
	return true;
}

static bool pack_date(const struct conversion *c, struct str value, struct buf *out)
{
	int64_t days;
	bool finite = postgres_read_date(value.ptr, &days);

	days += POSTGRES_EPOCH_DAYS;
	clickhouse_binary_put(out, (uint64_t)days, 16);
	return finite && days >= c->first && days <= c->last;
}

static bool pack_instant(const struct conversion *c, struct str value, struct buf *out)
{
	int64_t us, seconds;
	bool finite = postgres_read_time(value.ptr, &us);

	seconds = us / US_A_SECOND + EPOCH_SECONDS;
	clickhouse_binary_put(out, (uint64_t)seconds, 32);
	return finite && us % US_A_SECOND == 0 && seconds >= c->first && seconds <= c->last;
}

/* As two numbers, the first half first. */
static bool pack_uuid(const struct conversion *c UNUSED, struct str value, struct buf *out)
{
	clickhouse_binary_put(out, postgres_read_64(value.ptr), 64);
	clickhouse_binary_put(out, postgres_read_64(value.ptr + 8), 64);
	return true;
}

static const struct {
	int form;
	enum stream_family to;
	pack_fn pack;
} packs[] = {
	{ BINARY_BOOL, FAMILY_INT, pack_bool },
	{ BINARY_INT16, FAMILY_INT, pack_int },
	{ BINARY_INT32, FAMILY_INT, pack_int },
	{ BINARY_UINT32, FAMILY_INT, pack_int },
	{ BINARY_INT64, FAMILY_INT, pack_int },
	{ BINARY_FLOAT32, FAMILY_FLOAT, pack_float },
	{ BINARY_FLOAT64, FAMILY_FLOAT, pack_float },
	{ BINARY_NUMERIC, FAMILY_DECIMAL, pack_decimal },
	{ BINARY_TEXT, FAMILY_TEXT, pack_text },
	{ BINARY_BYTES, FAMILY_TEXT, pack_text },
	{ BINARY_JSONB, FAMILY_TEXT, pack_text },
	{ BINARY_DATE, FAMILY_DATE, pack_date },
	{ BINARY_TIME, FAMILY_INSTANT, pack_instant },
	{ BINARY_UUID, FAMILY_UUID, pack_uuid },
};

void convert_pack_plan(struct conversion *c)
{
	if (!clickhouse_binary_knows(c->to) || c->to->is_inexact)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(packs); i++)
		if (packs[i].form == c->from->form && packs[i].to == c->to->family)
			c->pack = packs[i].pack;
	if (c->pack == pack_date) {
		c->first = convert_seconds(c->to->first) / 86400;
		c->last = convert_seconds(c->to->last) / 86400;
	} else if (c->pack == pack_instant) {
		c->first = convert_seconds(c->to->first);
		c->last = convert_seconds(c->to->last);
	}
}

bool convert_pack_row(const struct converter *c, struct buf *out)
{
	for (size_t i = 0; i < c->count; i++) {
		const struct conversion *column = &c->columns[i];
		const struct str value = c->fields[i];
		const size_t bytes = postgres_form_bytes(column->from->form);

		if (!value.ptr && !column->to->is_nullable)
			return false;
		if (column->to->is_nullable)
			buf_byte(out, !value.ptr);
		if (!value.ptr)
			continue;
		if ((bytes && value.len != bytes) || !column->pack(column, value, out))
			return false;
	}
	return true;
}
