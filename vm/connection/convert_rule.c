/* convert_rule.c - which type may become which: by the types, or by each value */
#include "vm/connection/convert.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- numbers ---- */

/* The digits of a whole number, without its sign and zeros in front. */
static struct str digits_of(struct str number)
{
	if (number.len && (number.ptr[0] == '-' || number.ptr[0] == '+'))
		number.ptr++, number.len--;
	while (number.len > 1 && number.ptr[0] == '0')
		number.ptr++, number.len--;
	return number;
}

static bool is_whole(struct str number)
{
	struct str digits = digits_of(number);

	for (size_t i = 0; i < digits.len; i++)
		if (!isdigit((unsigned char)digits.ptr[i]))
			return false;
	return digits.len > 0;
}

/* 2^n in digits, for n up to 256. */
static void print_power(int n, char out[80])
{
	int len = 1;

	out[0] = 1;
	for (int i = 0; i < n; i++) {
		int carry = 0;

		for (int k = 0; k < len; k++) {
			int v = out[k] * 2 + carry;

			out[k] = (char)(v % 10);
			carry = v / 10;
		}
		if (carry)
			out[len++] = (char)carry;
	}
	for (int k = 0; k < len / 2; k++) {
		char c = out[k];

		out[k] = out[len - 1 - k];
		out[len - 1 - k] = c;
	}
	for (int k = 0; k < len; k++)
		out[k] = (char)(out[k] + '0');
	out[len] = '\0';
}

static bool fits_whole(struct str number, int bits, bool is_signed)
{
	bool negative = number.len && number.ptr[0] == '-';
	struct str digits = digits_of(number);
	int power_bits = is_signed ? bits - 1 : bits;
	size_t power_digits = (size_t)(power_bits * 0.30103) + 1; /* log10(2), good up to 2^256 */
	char power[80];
	int order;

	if (negative && !is_signed)
		return str_eq(digits, STR("0"));
	if (digits.len != power_digits)
		return digits.len < power_digits;
	print_power(power_bits, power);
	order = memcmp(digits.ptr, power, digits.len);
	return order < 0 || (order == 0 && negative);
}

static bool check_int(const struct conversion *c, struct str field, struct buf *out,
		      struct buf *why)
{
	if (!is_whole(field)) {
		buf_text(why, "it is no whole number");
		return false;
	}
	if (!fits_whole(field, c->to->bits, c->to->is_signed)) {
		buf_text(why, "it is outside of what the type can hold");
		return false;
	}
	buf_str(out, field);
	return true;
}

static const char *int_into_int(struct conversion *c, struct arena *a UNUSED)
{
	const struct stream_type *from = c->from, *to = c->to;

	if (from->is_signed == to->is_signed && from->bits <= to->bits)
		return NULL;
	if (!from->is_signed && to->is_signed && from->bits < to->bits)
		return NULL;
	c->check = check_int;
	c->by_value = true;
	return NULL;
}

static bool check_bool_of_int(const struct conversion *c UNUSED, struct str field, struct buf *out,
			      struct buf *why)
{
	bool yes = str_eq(field, STR("1"));

	if (!yes && !str_eq(field, STR("0"))) {
		buf_text(why, "it is neither 0 nor 1");
		return false;
	}
	buf_text(out, yes ? "t" : "f");
	return true;
}

static const char *int_into_bool(struct conversion *c, struct arena *a UNUSED)
{
	if (c->from->bits > 8)
		return "a number is no boolean";
	c->check = check_bool_of_int;
	c->by_value = true;
	return NULL;
}

static bool write_int_of_bool(const struct conversion *c UNUSED, struct str field, struct buf *out,
			      struct buf *why UNUSED)
{
	buf_text(out, str_eq(field, STR("t")) ? "1" : "0");
	return true;
}

static const char *bool_into_int(struct conversion *c, struct arena *a UNUSED)
{
	c->check = write_int_of_bool;
	return NULL;
}

static bool write_text_of_bool(const struct conversion *c UNUSED, struct str field, struct buf *out,
			       struct buf *why UNUSED)
{
	buf_text(out, str_eq(field, STR("t")) ? "true" : "false");
	return true;
}

static const char *bool_into_text(struct conversion *c, struct arena *a UNUSED)
{
	c->check = write_text_of_bool;
	return c->to->length ? "the lengths differ" : NULL;
}

static const char *int_into_float(struct conversion *c, struct arena *a UNUSED)
{
	return c->from->bits > (c->to->bits == 32 ? 16 : 32)
		       ? "not all of its numbers are floating point numbers"
		       : NULL;
}

/* The most that a server reads exactly of a float's text, where it does not read all so. */
static bool check_float(const struct conversion *c, struct str field, struct buf *out,
			struct buf *why)
{
	char text[64];
	double value;

	if (!field.len || isalpha((unsigned char)field.ptr[field.len - 1])) {
		buf_str(out, field);
		return true;
	}
	snprintf(text, sizeof(text), "%.*s", STR_ARG(field));
	value = c->from->bits == 32 ? (double)strtof(text, NULL) : strtod(text, NULL);
	if (c->to->is_inexact && value != 0) {
		double size = value < 0 ? -value : value;

		if (size < (c->to->bits == 32 ? 1e-5 : 1e-9) ||
		    size > (c->to->bits == 32 ? 1e9 : 1e22)) {
			buf_text(why, "the server would not read its last digit exactly; a column "
				      "of text or of decimals keeps it");
			return false;
		}
	}
	if (c->from->bits < c->to->bits)
		buf_format(out, "%.17g", value);
	else
		buf_str(out, field);
	return true;
}

static const char *float_into_float(struct conversion *c, struct arena *a UNUSED)
{
	if (c->from->bits > c->to->bits)
		return "it would lose digits";
	if (c->from->bits < c->to->bits || c->to->is_inexact)
		c->check = check_float;
	c->by_value = c->to->is_inexact;
	return NULL;
}

static bool check_decimal(const struct conversion *c, struct str field, struct buf *out,
			  struct buf *why)
{
	const char *point = memchr(field.ptr, '.', field.len);
	size_t whole = point ? (size_t)(point - field.ptr) : field.len, end = field.len;
	struct str in_front = digits_of((struct str){ field.ptr, whole });
	const struct stream_type *to = c->to;
	int room = to->family == FAMILY_INT ? 0 : to->scale;

	while (point && end > whole && (field.ptr[end - 1] == '0' || field.ptr[end - 1] == '.'))
		end--;
	if (!is_whole((struct str){ field.ptr, whole })) {
		buf_text(why, "it is no decimal number");
		return false;
	}
	if (point && end > whole && to->family == FAMILY_INT) {
		buf_text(why, "it is no whole number");
		return false;
	}
	if (point && end > whole + 1 && (int)(end - whole - 1) > room &&
	    (to->family == FAMILY_INT || to->precision)) {
		buf_format(why, "the type has %d digits behind the point", room);
		return false;
	}
	if (to->family == FAMILY_DECIMAL && to->precision && !str_eq(in_front, STR("0")) &&
	    (int)in_front.len > to->precision - to->scale) {
		buf_format(why, "the type has %d digits in front of the point",
			   to->precision - to->scale);
		return false;
	}
	buf_str(out, (struct str){ field.ptr, end });
	return to->family != FAMILY_INT ||
	       fits_whole((struct str){ field.ptr, whole }, to->bits, to->is_signed) ||
	       (buf_text(why, "it is outside of what the type can hold"), false);
}

static const char *int_into_decimal(struct conversion *c, struct arena *a UNUSED)
{
	static const struct { int bits, digits; } sizes[] = {
		{ 8, 3 }, { 16, 5 }, { 32, 10 }, { 64, 20 }
	};
	int digits = 78;

	for (size_t i = ARRAY_SIZE(sizes); i-- > 0; )
		if (c->from->bits <= sizes[i].bits)
			digits = sizes[i].digits;
	if (!c->to->precision || c->to->precision - c->to->scale >= digits)
		return NULL;
	c->check = check_decimal;
	c->by_value = true;
	return NULL;
}

static const char *decimal_into_decimal(struct conversion *c, struct arena *a UNUSED)
{
	const struct stream_type *from = c->from, *to = c->to;

	if (!to->precision)
		return NULL;
	if (from->precision && from->scale > to->scale)
		return "it would lose digits behind the point";
	if (from->precision && from->precision - from->scale <= to->precision - to->scale &&
	    from->scale <= to->scale && c->from_kind == &clickhouse_kind)
		return NULL;
	c->check = check_decimal;	/* also NaN, which PostgreSQL has in any numeric */
	c->by_value = true;
	return NULL;
}

static const char *decimal_into_int(struct conversion *c, struct arena *a UNUSED)
{
	if (c->from->precision && c->from->scale)
		return "it would lose the digits behind the point";
	c->check = check_decimal;
	c->by_value = true;
	return NULL;
}

/* ---- texts ---- */

static const char *same(struct conversion *c UNUSED, struct arena *a UNUSED)
{
	return NULL;
}

static bool check_length(const struct conversion *c, struct str field, struct buf *out,
			 struct buf *why)
{
	struct buf bytes = { 0 };
	bool fits;

	stream_unescape(&bytes, field);
	fits = bytes.len == (size_t)c->to->length;
	buf_clear(&bytes);
	if (fits)
		buf_str(out, field);
	else
		buf_format(why, "it has not just %lld bytes", (long long)c->to->length);
	return fits;
}

static const char *into_text(struct conversion *c, struct arena *a UNUSED)
{
	if (!c->to->length || (c->from->is_raw && c->from->length == c->to->length))
		return NULL;
	c->check = check_length;
	c->by_value = true;
	return NULL;
}

static const char *text_into_bytes(struct conversion *c, struct arena *a)
{
	return c->from->is_raw ? into_text(c, a) : "a text has an encoding, bytes have none";
}

static const char *bytes_into_text(struct conversion *c, struct arena *a)
{
	return c->to->is_raw ? into_text(c, a) : "not all bytes are a text";
}

static bool check_enum(const struct conversion *c, struct str field, struct buf *out,
		       struct buf *why)
{
	struct buf word = { 0 };
	bool there;

	stream_print_enum(&word, field);
	there = str_find(c->to->name, buf_view(&word)) >= 0;
	buf_clear(&word);
	if (there)
		buf_str(out, field);
	else
		buf_text(why, "the type has no such word");
	return there;
}

static const char *into_enum(struct conversion *c, struct arena *a UNUSED)
{
	/* PostgreSQL says it at the row, and nothing of the rows stays. */
	if (c->to_kind != &clickhouse_kind)
		return NULL;
	c->check = check_enum;
	c->by_value = true;
	return NULL;
}

/* ---- times ---- */

static const char *into_time(struct conversion *c, struct arena *a UNUSED)
{
	if (!c->to->first.len && c->from->scale <= c->to->scale)
		return NULL;
	c->check = convert_time;
	c->by_value = true;
	return NULL;
}

static bool write_zone(const struct conversion *c UNUSED, struct str field, struct buf *out,
		       struct buf *why UNUSED)
{
	buf_str(out, field);
	buf_text(out, "+00");
	return true;
}

static const char *instant_into_text(struct conversion *c, struct arena *a UNUSED)
{
	if (c->to_kind != &sqlite_kind)	/* there every time is such a text, of UTC */
		c->check = write_zone;
	return c->to->length ? "the lengths differ" : NULL;
}

/* ---- arrays ---- */

static const struct stream_type *leaf(const struct stream_type *t)
{
	while (t->family == FAMILY_ARRAY)
		t = t->element;
	return t;
}

static const char *array_into_array(struct conversion *c, struct arena *a)
{
	struct conversion *e = arena_new(a, struct conversion);
	const char *why;

	*e = *c;
	e->from = leaf(c->from);
	e->to = leaf(c->to);
	if (e->from->family == FAMILY_BYTES || e->to->family == FAMILY_BYTES)
		return "arrays of bytes are not converted";
	if (e->from->family == FAMILY_INSTANT && c->from_kind == &clickhouse_kind)
		return "arrays of times are not converted";
	why = convert_plan(e, a);
	c->element = e;
	c->check = convert_array;
	c->by_value = true;
	return why;
}

/* ---- the table ---- */

static const struct {
	enum stream_family from, to;
	const char *(*rule)(struct conversion *c, struct arena *a);
} rules[] = {
#define CONVERT(from, to, rule) { FAMILY_##from, FAMILY_##to, rule },
#include "vm/connection/convert.def"
#undef CONVERT
};

/* Times of ClickHouse come as numbers, so that no zone of a server matters. */
bool convert_is_same(const struct conversion *c)
{
	return c->from_kind == c->to_kind && c->from->family == c->to->family &&
	       str_eq(c->from->name, c->to->name) && c->from->family != FAMILY_ANY &&
	       str_find(c->from->name, STR("DateTime")) < 0;
}

/* SQLite's values tell their types themselves. */
static const char *of_sqlite(struct conversion *c)
{
	c->by_value = true;
	if (c->from->family != FAMILY_ANY || c->to_kind == c->from_kind)
		return NULL;
	switch (c->to->family) {
	case FAMILY_INT:
		c->check = check_int;
		break;
	case FAMILY_FLOAT:
		c->check = c->to->is_inexact ? check_float : NULL;
		break;
	case FAMILY_DECIMAL:
		c->check = check_decimal;
		break;
	case FAMILY_DATE:
	case FAMILY_TIMESTAMP:
	case FAMILY_INSTANT:
		c->check = convert_time;
		break;
	case FAMILY_TEXT:
		return into_text(c, NULL);
	case FAMILY_ENUM:
		return into_enum(c, NULL);
	case FAMILY_ANY:
	case FAMILY_BOOL:
	case FAMILY_BYTES:
	case FAMILY_UUID:
	case FAMILY_JSON:
	case FAMILY_ARRAY:
	case FAMILY_OTHER:
		break;
	}
	return NULL;
}

const char *convert_rule(struct conversion *c, struct arena *a)
{
	bool sqlite = c->from_kind == &sqlite_kind || c->to_kind == &sqlite_kind;

	if (sqlite && (c->from->family == FAMILY_ARRAY || c->to->family == FAMILY_ARRAY))
		return "SQLite has no arrays: a JSON text can hold one";
	if (c->from->family == FAMILY_ANY || c->to->family == FAMILY_ANY)
		return of_sqlite(c);
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		if (rules[i].from == c->from->family && rules[i].to == c->to->family)
			return rules[i].rule(c, a);
	return arena_format(a, "%s is not %s", stream_family_words(c->from->family),
				    stream_family_words(c->to->family))
		.ptr;
}
