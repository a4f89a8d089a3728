/* postgres_binary.c - tuples of COPY … (FORMAT binary), and their values as text */
#include "vm/connection/postgres_binary.h"
#include "vm/base/units.h"
#include "vm/connection/literal.h"
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>

#define SIGNATURE "PGCOPY\n\377\r\n" /* and the NUL behind it */
#define US_A_SECOND 1000000

/* ---- tuples ---- */

static bool take(struct str *from, size_t len, struct str *out)
{
	if (from->len < len)
		return false;
	*out = (struct str){ from->ptr, len };
	from->ptr += len;
	from->len -= len;
	return true;
}

static bool take_header(struct str *message)
{
	struct str part;

	return take(message, sizeof(SIGNATURE), &part) &&
	       memcmp(part.ptr, SIGNATURE, part.len) == 0 && take(message, 4, &part) &&
	       postgres_read_32(part.ptr) == 0 && take(message, 4, &part) &&
	       take(message, postgres_read_32(part.ptr), &part);
}

/* A trailer is a tuple of -1 fields. */
bool postgres_frame_take(void *frame, struct str message, struct buf *out)
{
	struct postgres_frame *f = frame;

	if (!f->is_behind_header && !take_header(&message))
		return false;
	f->is_behind_header = true;
	if (message.len >= 2 && postgres_read_16(message.ptr) == UINT16_MAX) {
		f->is_over = true;
		return message.len == 2;
	}
	buf_str(out, message);
	return !message.len || !f->is_over;
}

bool postgres_tuple(struct str *tuples, size_t count, struct str *fields)
{
	struct str part;

	if (!take(tuples, 2, &part) || postgres_read_16(part.ptr) != count)
		return false;
	for (size_t i = 0; i < count; i++) {
		int32_t len;

		fields[i] = (struct str){ 0 };
		if (!take(tuples, 4, &part))
			return false;
		len = (int32_t)postgres_read_32(part.ptr);
		if (len != -1 && (len < 0 || !take(tuples, (size_t)len, &fields[i])))
			return false;
	}
	return true;
}

/* ---- values ---- */

uint16_t postgres_read_16(const char *at)
{
	uint16_t v;

	memcpy(&v, at, sizeof(v));
	return be16toh(v);
}

uint32_t postgres_read_32(const char *at)
{
	uint32_t v;

	memcpy(&v, at, sizeof(v));
	return be32toh(v);
}

uint64_t postgres_read_64(const char *at)
{
	uint64_t v;

	memcpy(&v, at, sizeof(v));
	return be64toh(v);
}

int64_t postgres_read_int(int form, const char *at)
{
	if (form == BINARY_INT64)
		return (int64_t)postgres_read_64(at);
	if (form == BINARY_INT16)
		return (int16_t)postgres_read_16(at);
	return form == BINARY_INT32 ? (int32_t)postgres_read_32(at)
				    : (int64_t)postgres_read_32(at);
}

double postgres_read_float(int form, const char *at)
{
	uint32_t half = postgres_read_32(at);
	uint64_t whole;
	double wide;
	float single;

	if (form == BINARY_FLOAT32) {
		memcpy(&single, &half, sizeof(single));
		return (double)single;
	}
	whole = postgres_read_64(at);
	memcpy(&wide, &whole, sizeof(wide));
	return wide;
}

bool postgres_read_date(const char *at, int64_t *days)
{
	*days = (int32_t)postgres_read_32(at);
	return *days != INT32_MAX && *days != INT32_MIN;
}

bool postgres_read_time(const char *at, int64_t *us)
{
	*us = (int64_t)postgres_read_64(at);
	return *us != INT64_MAX && *us != INT64_MIN;
}

bool postgres_read_jsonb(struct str *value)
{
	struct str version;

	return take(value, 1, &version) && version.ptr[0] == 1;
}

/* Groups are of four digits, and none is behind what is shown. */
static bool has_numeric_groups(const struct postgres_numeric *n)
{
	static const unsigned behind[] = { 10000, 1000, 100, 10 };
	int last = n->weight + 1 + (int)(n->scale / POSTGRES_GROUP_DIGITS);

	for (int i = 0; i < (int)n->count; i++)
		if (postgres_group(n, i) > 9999 || (i > last && postgres_group(n, i)))
			return false;
	return postgres_group(n, last) % behind[n->scale % POSTGRES_GROUP_DIGITS] == 0;
}

bool postgres_read_numeric(struct str value, struct postgres_numeric *n)
{
	static const struct {
		uint16_t sign;
		const char *word;
	} signs[] = { { 0, NULL },	   { 0x4000, NULL },	  { 0xc000, "NaN" },
		      { 0xd000, "Infinity" }, { 0xf000, "-Infinity" } };
	size_t sign = 0;

	if (value.len < 8 || value.len != 8 + 2 * (size_t)postgres_read_16(value.ptr))
		return false;
	while (sign < ARRAY_SIZE(signs) && signs[sign].sign != postgres_read_16(value.ptr + 4))
		sign++;
	if (sign == ARRAY_SIZE(signs))
		return false;
	*n = (struct postgres_numeric){ .groups = value.ptr + 8,
					.count = postgres_read_16(value.ptr),
					.weight = (int16_t)postgres_read_16(value.ptr + 2),
					.is_negative = sign == 1,
					.word = signs[sign].word,
					.scale = postgres_read_16(value.ptr + 6) };
	return n->word || has_numeric_groups(n);
}

unsigned postgres_group(const struct postgres_numeric *n, int i)
{
	return i >= 0 && (size_t)i < n->count ? postgres_read_16(n->groups + 2 * i) : 0;
}

/* ---- as text ---- */

/* In as few digits as make the same number of it. */
static void print_float(double v, bool is_single, struct buf *out)
{
	char text[40];

	if (v != v || v - v != 0) {
		buf_text(out, v != v ? "NaN" : v > 0 ? "Infinity" : "-Infinity");
		return;
	}
	for (int digits = is_single ? 6 : 15;; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, v);
		if (is_single ? digits == 9 || strtof(text, NULL) == (float)v
			      : digits == 17 || strtod(text, NULL) == v)
			break;
	}
	buf_text(out, text);
}

static bool print_numeric(struct str value, struct buf *out)
{
	struct postgres_numeric n;
	size_t fraction = 0;

	if (!postgres_read_numeric(value, &n))
		return false;
	if (n.word) {
		buf_text(out, n.word);
		return true;
	}
	buf_format(out, "%s%u", n.is_negative ? "-" : "", n.weight < 0 ? 0 : postgres_group(&n, 0));
	for (int i = 1; i <= n.weight; i++)
		buf_format(out, "%04u", postgres_group(&n, i));
	buf_text(out, n.scale ? "." : "");
	for (int i = n.weight + 1; fraction < n.scale; i++, fraction += POSTGRES_GROUP_DIGITS)
		buf_format(out, "%04u", postgres_group(&n, i));
	if (fraction > n.scale && !out->failed)
		out->len -= fraction - n.scale; /* the last group goes on behind what is shown */
	return true;
}

static void print_clock(int64_t us, struct buf *out)
{
	const int64_t seconds = us / US_A_SECOND;

	buf_format(out, " %02d:%02d:%02d", (int)(seconds / 3600), (int)(seconds / 60 % 60),
		   (int)(seconds % 60));
	if (us % US_A_SECOND == 0)
		return;
	buf_format(out, ".%06d", (int)(us % US_A_SECOND));
	while (out->ptr[out->len - 1] == '0')
		out->len--;
}

/* us: within the day; below 0: it has no clock. */
static void print_time(int64_t days, int64_t us, struct buf *out)
{
	int64_t year, month, day;

	date_of_days(days + POSTGRES_EPOCH_DAYS, &year, &month, &day);
	buf_format(out, "%04lld-%02lld-%02lld", (long long)(year > 0 ? year : 1 - year),
		   (long long)month, (long long)day);
	if (us >= 0)
		print_clock(us, out);
	buf_text(out, year > 0 ? "" : " BC");
}

static void print_uuid(const char *at, struct buf *out)
{
	static const uint8_t parts[] = { 4, 2, 2, 2, 6 };

	for (size_t i = 0; i < ARRAY_SIZE(parts); at += parts[i++]) {
		buf_text(out, i ? "-" : "");
		literal_hex(out, (struct str){ at, parts[i] });
	}
}

size_t postgres_form_bytes(int form)
{
	static const uint8_t bytes[] = {
		[BINARY_BOOL] = 1,    [BINARY_INT16] = 2,   [BINARY_INT32] = 4,
		[BINARY_UINT32] = 4,  [BINARY_INT64] = 8,   [BINARY_FLOAT32] = 4,
		[BINARY_FLOAT64] = 8, [BINARY_DATE] = 4,    [BINARY_TIME] = 8,
		[BINARY_UUID] = 16,   [BINARY_JSONB] = 0,
	};

	return bytes[form];
}

static void print_infinity(int64_t v, struct buf *out)
{
	buf_text(out, v > 0 ? "infinity" : "-infinity");
}

static void print_day(const char *at, struct buf *out)
{
	int64_t days;

	if (postgres_read_date(at, &days))
		print_time(days, -1, out);
	else
		print_infinity(days, out);
}

static void print_instant(const char *at, struct buf *out)
{
	int64_t us, in_day;

	if (!postgres_read_time(at, &us)) {
		print_infinity(us, out);
		return;
	}
	in_day = us % POSTGRES_US_A_DAY;
	print_time(us / POSTGRES_US_A_DAY - (in_day < 0),
		   in_day < 0 ? in_day + POSTGRES_US_A_DAY : in_day, out);
}

bool postgres_binary_print(int form, struct str value, struct buf *out)
{
	size_t bytes = postgres_form_bytes(form);

	if (bytes && value.len != bytes)
		return false;
	switch (form) {
	case BINARY_BOOL:
		buf_byte(out, value.ptr[0] ? 't' : 'f');
		return true;
	case BINARY_INT16:
	case BINARY_INT32:
	case BINARY_UINT32:
	case BINARY_INT64:
		buf_format(out, "%lld", (long long)postgres_read_int(form, value.ptr));
		return true;
	case BINARY_FLOAT32:
	case BINARY_FLOAT64:
		print_float(postgres_read_float(form, value.ptr), form == BINARY_FLOAT32, out);
		return true;
	case BINARY_NUMERIC:
		return print_numeric(value, out);
	case BINARY_DATE:
		print_day(value.ptr, out);
		return true;
	case BINARY_TIME:
		print_instant(value.ptr, out);
		return true;
	case BINARY_UUID:
		print_uuid(value.ptr, out);
		return true;
	case BINARY_BYTES:
		buf_text(out, "\\\\x");
		literal_hex(out, value);
		return true;
	case BINARY_JSONB:
		if (!postgres_read_jsonb(&value))
			return false;
		/* fallthrough */
	case BINARY_TEXT:
		stream_escape(out, value);
		return true;
	case BINARY_NONE:
		break;
	}
	return false;
}
