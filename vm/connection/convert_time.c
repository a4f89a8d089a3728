/* convert_time.c - dates and times, as texts and as seconds since 1970 */
#include "vm/connection/convert.h"
#include "vm/base/units.h"
#include <ctype.h>
#include <stdio.h>

#define DATE_BYTES 10		/* 2026-11-22 */
#define CLOCK_BYTES 19		/* 2026-11-22 08:00:00 */

static bool is_like(struct str text, const char *pattern)
{
	size_t n = strlen(pattern);

	if (text.len < n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (pattern[i] == '0' ? text.ptr[i] < '0' || text.ptr[i] > '9'
				      : text.ptr[i] != pattern[i])
			return false;
	return true;
}

bool convert_is_time(struct str text, bool with_clock, size_t *fraction_digits)
{
	size_t end = text.len;

	*fraction_digits = 0;
	if (!with_clock)
		return text.len == DATE_BYTES && is_like(text, "0000-00-00");
	if (!is_like(text, "0000-00-00 00:00:00"))
		return false;
	if (text.len == CLOCK_BYTES)
		return true;
	if (text.ptr[CLOCK_BYTES] != '.')
		return false;
	for (size_t i = CLOCK_BYTES + 1; i < text.len; i++)
		if (!isdigit((unsigned char)text.ptr[i]))
			return false;
	while (text.ptr[end - 1] == '0')
		end--;
	*fraction_digits = end - CLOCK_BYTES - 1;
	return true;
}

/* A date or a time of a side that holds any of them into one that may not. */
bool convert_time(const struct conversion *c, struct str field, struct buf *out, struct buf *why)
{
	const struct stream_type *to = c->to;
	bool with_clock = to->family != FAMILY_DATE;
	size_t digits, whole = with_clock ? CLOCK_BYTES : DATE_BYTES;

	if (!convert_is_time(field, with_clock, &digits)) {
		if (!to->first.len) {
			buf_str(out, field);
			return true;
		}
		buf_text(why, "it is outside of what the type can hold");
		return false;
	}
	if (with_clock && digits > (size_t)to->scale) {
		buf_format(why, "the type has %d digits behind a second", to->scale);
		return false;
	}
	if (to->first.len && (str_compare((struct str){ field.ptr, whole }, to->first) < 0 ||
			      str_compare((struct str){ field.ptr, whole }, to->last) > 0)) {
		buf_format(why, "the type holds %.*s to %.*s", STR_ARG(to->first),
			   STR_ARG(to->last));
		return false;
	}
	buf_str(out, field);
	return true;
}

static int64_t power_of_ten(int n)
{
	int64_t p = 1;

	while (n-- > 0)
		p *= 10;
	return p;
}

/* from->scale says in which part of a second the number counts: 0, 6 or 9 digits. */
bool convert_from_epoch(const struct conversion *c, struct str field, struct buf *out,
			struct buf *why)
{
	int64_t number, unit = power_of_ten(c->from->scale), seconds, rest;
	struct buf text = { 0 };

	if (!str_to_int(field, &number)) {
		buf_text(why, "it is no time");
		return false;
	}
	seconds = number / unit - (number % unit < 0);
	rest = number - seconds * unit;
	timestamp_print(&text, seconds * 1000000);
	buf_format(out, "%.10s %.8s", text.ptr, text.ptr + 11);
	if (rest)
		buf_format(out, ".%0*lld", c->from->scale, (long long)rest);
	buf_clear(&text);
	return true;
}

static int64_t number_at(const char *at, int digits)
{
	int64_t n = 0;

	while (digits-- > 0)
		n = n * 10 + (*at++ - '0');
	return n;
}

int64_t convert_seconds(struct str text)
{
	int64_t days = days_of_date(number_at(text.ptr, 4), number_at(text.ptr + 5, 2),
				    number_at(text.ptr + 8, 2));
	int64_t clock = 0;

	if (text.len >= CLOCK_BYTES)
		clock = number_at(text.ptr + 11, 2) * 3600 + number_at(text.ptr + 14, 2) * 60 +
			number_at(text.ptr + 17, 2);
	return days * 86400 + clock;
}

/* With ten digits at least: fewer would be a year to the server. */
bool convert_to_epoch(const struct conversion *c, struct str field, struct buf *out,
		      struct buf *why)
{
	char text[16];
	int64_t month = number_at(field.ptr + 5, 2), day = number_at(field.ptr + 8, 2);
	int64_t seconds = convert_seconds(field);

	if (month < 1 || month > 12 || day < 1 || day > 31 || seconds < 0) {
		buf_text(why, "it can't be written as seconds since 1970");
		return false;
	}
	for (size_t i = 10; i-- > 0; seconds /= 10)
		text[i] = (char)('0' + seconds % 10);
	buf_add(out, text, 10);
	if (field.len > CLOCK_BYTES && c->to->scale)
		buf_str(out, (struct str){ field.ptr + CLOCK_BYTES, field.len - CLOCK_BYTES });
	return true;
}
