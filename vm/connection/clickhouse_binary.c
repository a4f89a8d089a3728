/* clickhouse_binary.c - rows for ClickHouse as RowBinary */
#include "vm/connection/clickhouse_binary.h"
#include "vm/connection/convert.h"
#include <ctype.h>
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>

#define DECIMAL_DIGITS_MAX 38
#define TEXT_BYTES_MAX 63	/* of a number */

/* ---- which columns ---- */

static bool is_called(const struct stream_type *t, const char *name)
{
	return str_find(t->name, str_c(name)) >= 0;
}

bool clickhouse_binary_knows(const struct stream_type *t)
{
	switch (t->family) {
	case FAMILY_INT:
	case FAMILY_FLOAT:
		return t->bits <= 64;
	case FAMILY_DECIMAL:
		return t->precision > 0 && t->precision <= DECIMAL_DIGITS_MAX;
	case FAMILY_TEXT:
	case FAMILY_ENUM:
	case FAMILY_UUID:
		return true;
	case FAMILY_DATE:
		return !is_called(t, "Date32");
	case FAMILY_INSTANT:
		return !is_called(t, "DateTime64");
	case FAMILY_ARRAY:
		return clickhouse_binary_knows(t->element);
	case FAMILY_ANY:
	case FAMILY_BOOL:
	case FAMILY_BYTES:
	case FAMILY_TIMESTAMP:
	case FAMILY_JSON:
	case FAMILY_OTHER:
		break;
	}
	return false;
}

static bool is_inexact(const struct stream_type *t)
{
	return t->family == FAMILY_ARRAY ? is_inexact(t->element) : t->is_inexact;
}

bool clickhouse_binary_wanted(const struct stream *target)
{
	bool wanted = false;

	for (size_t i = 0; i < target->column_count; i++) {
		if (!clickhouse_binary_knows(&target->columns[i].type))
			return false;
		wanted |= is_inexact(&target->columns[i].type);
	}
	return wanted;
}

/* ---- values ---- */

void clickhouse_binary_put(struct buf *out, uint64_t number, int bits)
{
	number = htole64(number);
	buf_add(out, &number, (size_t)bits / 8);
}

static bool put_int(const struct stream_type *t, struct str field, struct buf *out)
{
	bool negative = field.len && field.ptr[0] == '-';
	uint64_t number = 0;

	if (field.len && (negative || field.ptr[0] == '+'))
		field.ptr++, field.len--;
	for (size_t i = 0; i < field.len; i++) {
		if (!isdigit((unsigned char)field.ptr[i]))
			return false;
		number = number * 10 + (uint64_t)(field.ptr[i] - '0');
	}
	clickhouse_binary_put(out, negative ? 0 - number : number, t->bits);
	return field.len > 0;
}

static bool put_float(const struct stream_type *t, struct str field, struct buf *out)
{
	char text[TEXT_BYTES_MAX + 1], *end;
	float single;
	double value;

	if (!field.len || field.len > TEXT_BYTES_MAX)
		return false;
	snprintf(text, sizeof(text), "%.*s", STR_ARG(field));
	single = strtof(text, &end);
	value = strtod(text, &end);
	if (t->bits == 32)
		buf_add(out, &single, sizeof(single));
	else
		buf_add(out, &value, sizeof(value));
	return *end == '\0';
}

/* 128 bits, the lowest first. */
struct wide { uint32_t part[4]; };

static void add_digit(struct wide *w, uint32_t digit)
{
	uint64_t carry = digit;

	for (size_t i = 0; i < ARRAY_SIZE(w->part); i++) {
		carry += (uint64_t)w->part[i] * 10;
		w->part[i] = (uint32_t)carry;
		carry >>= 32;
	}
}

static void put_wide(struct buf *out, struct wide w, bool negative, int bits)
{
	uint64_t carry = negative;

	for (int i = 0; i < bits / 32; i++) {
		carry += negative ? ~w.part[i] : w.part[i];
		clickhouse_binary_put(out, carry & UINT32_MAX, 32);
		carry >>= 32;
	}
}

static bool put_decimal(const struct stream_type *t, struct str field, struct buf *out)
{
	bool negative = field.len && field.ptr[0] == '-', behind = false;
	struct wide number = { 0 };
	int digits = 0, scale = 0;

	for (size_t i = negative; i < field.len; i++) {
		char c = field.ptr[i];

		if (c == '.' && !behind) {
			behind = true;
		} else if (!isdigit((unsigned char)c) ||
			   (scale == t->scale && behind && c != '0')) {
			return false;
		} else if (scale < t->scale || !behind) {
			add_digit(&number, (uint32_t)(c - '0'));
			digits += digits > 0 || c != '0';
			scale += behind;
		}
	}
	for (; scale < t->scale; scale++) {
		add_digit(&number, 0);
		digits += digits > 0;
	}
	put_wide(out, number, negative, t->precision <= 9 ? 32 : t->precision <= 18 ? 64 : 128);
	return field.len > (size_t)negative && digits <= t->precision;
}

/* The first day of old servers is written as none. */
static bool put_date(struct str field, struct buf *out)
{
	int64_t seconds = 0;
	struct buf text = { 0 }, time = { 0 }, why = { 0 };
	const struct stream_type type = { .family = FAMILY_INSTANT };
	bool good = true;

	if (!str_eq(field, STR("0000-00-00"))) {
		good = field.len == 10;
		buf_format(&time, "%.*s 00:00:00", STR_ARG(field));
		good = good && convert_to_epoch(&(struct conversion){ .to = &type },
						buf_view(&time), &text, &why);
		seconds = good ? strtoll(text.ptr, NULL, 10) : 0;
	}
	clickhouse_binary_put(out, (uint64_t)(seconds / 86400), 16);
	buf_clear(&text);
	buf_clear(&time);
	buf_clear(&why);
	return good;
}

/* As two numbers of 64 bits, the first half first. */
static bool put_uuid(struct str field, struct buf *out)
{
	uint64_t half[2] = { 0 };
	int digits = 0;

	for (size_t i = 0; i < field.len; i++) {
		char c = field.ptr[i];

		if (c == '-')
			continue;
		if (!isxdigit((unsigned char)c) || digits == 32)
			return false;
		half[digits / 16] = half[digits / 16] << 4 |
				    (uint64_t)(c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
		digits++;
	}
	clickhouse_binary_put(out, half[0], 64);
	clickhouse_binary_put(out, half[1], 64);
	return digits == 32;
}

static bool put_enum(const struct stream_type *t, struct str field, struct buf *out)
{
	struct buf word = { 0 };
	ptrdiff_t at;

	stream_print_enum(&word, field);
	at = str_find(t->name, buf_view(&word));
	if (at >= 0)
		clickhouse_binary_put(out, (uint64_t)strtoll(t->name.ptr + at + word.len, NULL, 10),
		    is_called(t, "Enum16(") ? 16 : 8);
	buf_clear(&word);
	return at >= 0;
}

static bool put_text(const struct stream_type *t, struct str field, struct buf *out)
{
	struct buf bytes = { 0 };
	bool good;

	stream_unescape(&bytes, field);
	good = !t->length || bytes.len == (size_t)t->length;
	if (!t->length)
		buf_varint(out, bytes.len);
	buf_str(out, buf_view(&bytes));
	buf_clear(&bytes);
	return good;
}

static bool put_array(const struct stream_type *t, struct str *text, struct buf *out)
{
	struct buf elements = { 0 }, field = { 0 };
	uint64_t count = 0;
	bool good = text->len && text->ptr[0] == '[';

	while (good && text->len > 1) {
		bool is_null = false;

		text->ptr++, text->len--;	/* the bracket, or a comma */
		if (text->ptr[0] == ']' && count == 0)
			break;
		count++;
		if (t->element->family == FAMILY_ARRAY) {
			good = put_array(t->element, text, &elements);
		} else {
			stream_element(text, '\'', ']', &field, &is_null);
			good = clickhouse_binary_value(
				t->element, is_null ? STR("\\N") : buf_view(&field), &elements);
		}
		if (!good || !text->len || text->ptr[0] != ',')
			break;
	}
	good = good && text->len && text->ptr[0] == ']';
	if (good)
		text->ptr++, text->len--;
	buf_varint(out, count);
	buf_str(out, buf_view(&elements));
	buf_clear(&elements);
	buf_clear(&field);
	return good;
}

bool clickhouse_binary_value(const struct stream_type *t, struct str field, struct buf *out)
{
	static const struct stream_type seconds = { .bits = 32 };

	if (t->is_nullable) {
		buf_byte(out, stream_is_null(field));
		if (stream_is_null(field))
			return true;
	}
	switch (t->family) {
	case FAMILY_INT:
		return put_int(t, field, out);
	case FAMILY_FLOAT:
		return put_float(t, field, out);
	case FAMILY_DECIMAL:
		return put_decimal(t, field, out);
	case FAMILY_TEXT:
		return put_text(t, field, out);
	case FAMILY_DATE:
		return put_date(field, out);
	case FAMILY_INSTANT:
		return put_int(&seconds, field, out);
	case FAMILY_UUID:
		return put_uuid(field, out);
	case FAMILY_ENUM:
		return put_enum(t, field, out);
	case FAMILY_ARRAY:
		return put_array(t, &field, out) && field.len == 0;
	case FAMILY_ANY:
	case FAMILY_BOOL:
	case FAMILY_BYTES:
	case FAMILY_TIMESTAMP:
	case FAMILY_JSON:
	case FAMILY_OTHER:
		break;
	}
	return false;
}

bool clickhouse_binary_rows(const struct stream *target, struct str rows, struct buf *out,
			    size_t *column)
{
	while (rows.len) {
		const char *end = memchr(rows.ptr, '\n', rows.len);
		size_t len = end ? (size_t)(end - rows.ptr) : rows.len;
		struct str line = { rows.ptr, len }, field;

		for (*column = 0; *column < target->column_count; ++*column)
			if (!stream_field(&line, &field) ||
			    !clickhouse_binary_value(&target->columns[*column].type, field, out))
				return false;
		rows.ptr += len + (end != NULL);
		rows.len -= len + (end != NULL);
	}
	return true;
}
