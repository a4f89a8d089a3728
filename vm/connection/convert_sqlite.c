/* convert_sqlite.c - the values of SQLite, which have types of their own: a letter in front tells
 * it (stream.h) */
#include "vm/connection/convert.h"
#include "vm/base/units.h"
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define EXACT_WHOLE (INT64_C(1) << 53) /* behind it not every whole number is a double */
#define DECIMAL_DIGITS 15		/* of a decimal number that a double keeps */

static const char *word_of(char letter)
{
	return letter == 'i' ? "a whole number"
	     : letter == 'r' ? "a floating point number"
	     : letter == 't' ? "a text"
			     : "bytes";
}

static bool refuse(char letter, const struct conversion *c, struct buf *why)
{
	buf_format(why, "it is %s here, not %s", word_of(letter),
		   stream_family_words(c->to->family));
	return false;
}

static double real_of(struct str field)
{
	char text[64];

	snprintf(text, sizeof(text), "%.*s", STR_ARG(field));
	return strtod(text, NULL);
}

/* The shortest decimal number that reads as this one, without an exponent. */
static bool print_decimal(double value, struct buf *out)
{
	char text[64];

	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, value);
		if (strtod(text, NULL) == value)
			break;
	}
	if (strpbrk(text, "einf"))
		return false;
	buf_text(out, text);
	return true;
}

static bool into_float(const struct conversion *c, char letter, struct str field, struct buf *out,
		       struct buf *why)
{
	double value = real_of(field);
	int64_t whole = 0;

	if (letter != 'r' && letter != 'i')
		return refuse(letter, c, why);
	if (letter == 'i' && !str_to_int(field, &whole))
		BUG("%.*s is no whole number", STR_ARG(field));
	if (whole > EXACT_WHOLE || whole < -EXACT_WHOLE ||
	    (c->to->bits == 32 && !isnan(value) && (double)(float)value != value)) {
		buf_text(why, "the type would not keep all of its digits");
		return false;
	}
	buf_str(out, field);
	return true;
}

/* No 30th of February, no 25th hour. */
static bool is_in_calendar(const char *text, bool with_clock)
{
	int64_t ignored;
	char whole[24];

	snprintf(whole, sizeof(whole), "%.10sT%.8sZ", text, with_clock ? text + 11 : "00:00:00");
	return timestamp_parse(str_c(whole), &ignored);
}

/* 2026-11-22T08:00:00Z and the like, as SQLite's functions take them. */
static bool into_time(const struct conversion *c, struct str field, struct buf *out,
		      struct buf *why)
{
	static const char *const zones[] = { "Z", "+00:00", "+00" };
	bool with_clock = c->to->family != FAMILY_DATE;
	size_t ignored, first = out->len;

	for (size_t i = 0; c->to->family == FAMILY_INSTANT && i < ARRAY_SIZE(zones); i++)
		if (str_ends(field, str_c(zones[i]))) {
			field.len -= strlen(zones[i]);
			break;
		}
	buf_str(out, field);
	if (out->len - first > 10 && out->ptr[first + 10] == 'T')
		out->ptr[first + 10] = ' ';
	if (convert_is_time((struct str){ out->ptr + first, out->len - first }, with_clock,
			    &ignored) &&
	    is_in_calendar(out->ptr + first, with_clock))
		return true;
	buf_format(why, "it is not written as %s",
		   with_clock ? "2026-11-22 08:00:00" : "2026-11-22");
	return false;
}

static bool into_decimal(const struct conversion *c, char letter, struct str field, struct buf *out,
			 struct buf *why)
{
	if (letter == 'r' && !print_decimal(real_of(field), out)) {
		buf_text(why, "it is no decimal number that could be written exactly");
		return false;
	}
	if (letter == 'i' || letter == 't')
		buf_str(out, field);
	return letter != 'b' || refuse(letter, c, why);
}

static bool into_text(const struct conversion *c, char letter, struct str field, struct buf *out,
		      struct buf *why)
{
	if (letter == 'b' && !c->to->is_raw)
		return refuse(letter, c, why);
	buf_str(out, field);
	return true;
}

static bool is_uuid(struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? text.ptr[i] != '-' : !isxdigit((unsigned char)text.ptr[i]))
			return false;
	}
	return text.len == 36;
}

static bool as_text(const struct conversion *c, char letter, struct str field, struct buf *out,
		    struct buf *why)
{
	if (letter != 't')
		return refuse(letter, c, why);
	if (c->to->family == FAMILY_UUID && !is_uuid(field)) {
		buf_text(why, "it is no UUID");
		return false;
	}
	buf_str(out, field);
	return true;
}

bool convert_from_sqlite(const struct conversion *c, struct str field, struct buf *out,
			 struct buf *why)
{
	char letter = field.ptr[0];

	field.ptr++, field.len--;
	switch (c->to->family) {
	case FAMILY_BOOL:
		if (letter != 'i' || field.len != 1 || (field.ptr[0] | 1) != '1')
			return refuse(letter, c, why);
		buf_text(out, field.ptr[0] == '1' ? "t" : "f");
		return true;
	case FAMILY_INT:
		buf_str(out, field);
		return letter == 'i' || refuse(letter, c, why);
	case FAMILY_FLOAT:
		return into_float(c, letter, field, out, why);
	case FAMILY_DECIMAL:
		return into_decimal(c, letter, field, out, why);
	case FAMILY_TEXT:
		return into_text(c, letter, field, out, why);
	case FAMILY_BYTES:
		buf_str(out, field);
		return letter == 'b' || refuse(letter, c, why);
	case FAMILY_DATE:
	case FAMILY_TIMESTAMP:
	case FAMILY_INSTANT:
		return letter == 't' ? into_time(c, field, out, why) : refuse(letter, c, why);
	case FAMILY_JSON:
	case FAMILY_UUID:
	case FAMILY_ENUM:
	case FAMILY_OTHER:
		return as_text(c, letter, field, out, why);
	case FAMILY_ANY:
	case FAMILY_ARRAY:
		break;
	}
	BUG("a field of SQLite into %s", stream_family_words(c->to->family));
}

/* Whether SQLite would make a number of a text, in a column for numbers. */
static bool looks_numeric(struct str text)
{
	char copy[64], *end;

	while (text.len && isspace((unsigned char)text.ptr[0]))
		text.ptr++, text.len--;
	if (!text.len || text.len >= sizeof(copy) || isalpha((unsigned char)text.ptr[0]))
		return false;
	snprintf(copy, sizeof(copy), "%.*s", STR_ARG(text));
	strtod(copy, &end);
	while (isspace((unsigned char)*end))
		end++;
	return *end == '\0';
}

static bool write_letter(const struct conversion *c, char letter, struct str field, struct buf *out,
			 struct buf *why)
{
	if (letter == 't' && c->to->is_numeric && looks_numeric(field)) {
		buf_text(why, "SQLite would make a number of the text, in a column of this type");
		return false;
	}
	buf_byte(out, letter);
	buf_str(out, field);
	return true;
}

/* A column for numbers keeps a decimal as a double. */
static bool write_decimal(const struct conversion *c, struct str field, struct buf *out,
			  struct buf *why)
{
	size_t digits = 0;
	bool leading = true;

	for (size_t i = 0; i < field.len; i++) {
		leading = leading && (field.ptr[i] < '1' || field.ptr[i] > '9');
		digits += !leading && isdigit((unsigned char)field.ptr[i]);
	}
	if (!c->to->is_numeric) {
		buf_byte(out, 't');
	} else if (digits > DECIMAL_DIGITS || !field.len ||
		   isalpha((unsigned char)field.ptr[field.len - 1])) {
		buf_text(why, "SQLite would keep it as a floating point number, with fewer digits");
		return false;
	} else {
		buf_byte(out, memchr(field.ptr, '.', field.len) ? 'r' : 'i');
	}
	buf_str(out, field);
	return true;
}

static bool write_int(struct str field, struct buf *out, struct buf *why)
{
	int64_t ignored;

	if (!str_to_int(field, &ignored)) {
		buf_text(why, "it is larger than SQLite's whole numbers");
		return false;
	}
	buf_byte(out, 'i');
	buf_str(out, field);
	return true;
}

static bool write_float(struct str field, struct buf *out, struct buf *why)
{
	if (str_eq(field, STR("nan"))) {
		buf_text(why, "SQLite has NULL only for what is no number");
		return false;
	}
	buf_byte(out, 'r');
	buf_str(out, field);
	return true;
}

bool convert_to_sqlite(const struct conversion *c, struct str field, struct buf *out,
		       struct buf *why)
{
	enum stream_family family = c->to->family == FAMILY_ANY ? c->from->family : c->to->family;

	if (c->from_kind == &sqlite_kind)
		return write_letter(c, field.ptr[0], (struct str){ field.ptr + 1, field.len - 1 },
				    out, why);
	switch (family) {
	case FAMILY_BOOL:
		buf_text(out, str_eq(field, STR("t")) ? "i1" : "i0");
		return true;
	case FAMILY_INT:
		return write_int(field, out, why);
	case FAMILY_FLOAT:
		return write_float(field, out, why);
	case FAMILY_DECIMAL:
		return write_decimal(c, field, out, why);
	case FAMILY_BYTES:
		return write_letter(c, 'b', field, out, why);
	case FAMILY_TEXT:
		return write_letter(c, 't', field, out, why);
	case FAMILY_DATE:
	case FAMILY_TIMESTAMP:
	case FAMILY_INSTANT:
	case FAMILY_UUID:
	case FAMILY_JSON:
	case FAMILY_ENUM:
	case FAMILY_OTHER:
		return write_letter(c, 't', field, out, why);
	case FAMILY_ANY:
	case FAMILY_ARRAY:
		break;
	}
	BUG("a field of %s into SQLite", stream_family_words(family));
}
