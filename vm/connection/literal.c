/* literal.c - pieces that the kinds' literals are made of */
#include "vm/connection/literal.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

void literal_hex(struct buf *out, struct str bytes)
{
	static const char digits[] = "0123456789abcdef";
	for (size_t i = 0; i < bytes.len; i++) {
		unsigned char c = (unsigned char)bytes.ptr[i];
		char pair[2] = { digits[c >> 4], digits[c & 15] };
		buf_add(out, pair, 2);
	}
}

void literal_doubled(struct buf *out, char quote, struct str text)
{
	buf_byte(out, quote);
	while (text.len) {
		const char *next = memchr(text.ptr, quote, text.len);
		size_t n = next ? (size_t)(next - text.ptr) + 1 : text.len;
		buf_add(out, text.ptr, n);
		if (next)
			buf_byte(out, quote);
		text.ptr += n;
		text.len -= n;
	}
	buf_byte(out, quote);
}

void literal_number(struct buf *out, struct str text)
{
	bool negative = text.len && text.ptr[0] == '-';
	if (negative)
		buf_byte(out, '(');
	buf_str(out, text);
	if (negative)
		buf_byte(out, ')');
}

bool literal_float(struct buf *out, struct str text)
{
	char number[64], shown[72];
	if (text.len >= sizeof(number))
		return false;
	memcpy(number, text.ptr, text.len);
	number[text.len] = '\0';
	char *end;
	double value = strtod(number, &end);
	if (*end || end == number || !isfinite(value))
		return false;
	bool plain = strspn(number, "-0123456789") == text.len;
	snprintf(shown, sizeof(shown), "%s%s", number, plain ? ".0" : "");
	literal_number(out, str_c(shown));
	return true;
}

void literal_time(struct buf *out, struct str text, bool *has_fraction)
{
	struct str time = text;
	if (str_ends(time, STR("Z")))
		time.len--;
	const char *point = memchr(time.ptr, '.', time.len);
	size_t whole = point ? (size_t)(point - time.ptr) : time.len, end = time.len;
	while (end > whole && (time.ptr[end - 1] == '0' || time.ptr[end - 1] == '.'))
		end--;
	for (size_t i = 0; i < end; i++)
		buf_byte(out, time.ptr[i] == 'T' ? ' ' : time.ptr[i]);
	*has_fraction = end > whole;
}

bool literal_bool(struct str text)
{
	return str_eq(text, STR("true"));
}
