/*
 * row_value.c - what a value is, whatever way its database writes it (row_hash.h)
 *
 * A field is in the form of its kind, as stream.h shows it. The kinds write and read alike but for
 * ClickHouse's times: they are sent as seconds with digits behind a point, and come as a number of
 * seconds, of micro- or of nanoseconds.
 */
#include "vm/connection/convert.h"
#include "vm/connection/row_hash.h"
#include <ctype.h>
#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- numbers ---- */

static void add_bits(struct buf *out, double value, int bits)
{
	float single = (float)value;

	if (isnan(value))
		buf_text(out, "nan");
	else if (bits == 32)
		buf_add(out, &single, sizeof(single));
	else
		buf_add(out, &value, sizeof(value));
}

static void add_float(struct buf *out, struct str field, int bits)
{
	char text[64];

	snprintf(text, sizeof(text), "%.*s", STR_ARG(field));
	add_bits(out, bits == 32 ? (double)strtof(text, NULL) : strtod(text, NULL), bits);
}

/* Without zeros that say nothing; also of a whole number. */
static void add_decimal(struct buf *out, struct str field)
{
	bool negative = field.len && field.ptr[0] == '-';
	const char *point = memchr(field.ptr, '.', field.len);
	size_t first = out->len;

	if (field.len && (negative || field.ptr[0] == '+'))
		field.ptr++, field.len--;
	while (point && field.ptr[field.len - 1] == '0')
		field.len--;
	if (point && field.ptr[field.len - 1] == '.')
		field.len--;
	while (field.len && field.ptr[0] == '0')
		field.ptr++, field.len--;
	if (negative && field.len)
		buf_byte(out, '-');
	buf_str(out, field);
	for (size_t i = first; i < out->len; i++)
		out->ptr[i] = (char)tolower((unsigned char)out->ptr[i]);
}

/* ---- texts and times ---- */

static void add_lower(struct buf *out, struct str field)
{
	for (size_t i = 0; i < field.len; i++)
		buf_byte(out, (char)tolower((unsigned char)field.ptr[i]));
}

/* character(n) pads what it is given. */
static void add_text(struct buf *out, const struct stream_type *t, struct str field)
{
	size_t first = out->len;

	stream_unescape(out, field);
	if (str_starts(t->name, STR("character(")) || str_eq(t->name, STR("bpchar")))
		while (out->len > first && out->ptr[out->len - 1] == ' ')
			out->len--;
}

/* 2026-11-22 08:00:00.250+00: without its zone, which is UTC, and zeros at the end. */
static void add_time(struct buf *out, struct str field)
{
	ptrdiff_t zone = str_find(field, STR("+00"));
	size_t first = out->len;

	if (zone > 0) {
		buf_add(out, field.ptr, (size_t)zone);
		buf_add(out, field.ptr + zone + 3, field.len - (size_t)zone - 3);
	} else {
		buf_str(out, field);
	}
	if (out->len == first || !memchr(out->ptr + first, '.', out->len - first))
		return;
	while (out->ptr[out->len - 1] == '0')
		out->len--;
	if (out->ptr[out->len - 1] == '.')
		out->len--;
}

static void add_epoch(struct row_hasher *h, const struct stream_type *t, struct str field,
		      struct buf *out)
{
	const struct conversion c = { .from = t };
	struct buf *text = &h->scratch[0], *why = &h->scratch[1];

	if (!h->is_read) {
		const char *point = memchr(field.ptr, '.', field.len);
		struct str seconds = { field.ptr, point ? (size_t)(point - field.ptr) : field.len };
		const struct stream_type whole = { .family = FAMILY_INSTANT };

		buf_reset(text);
		convert_from_epoch(&(struct conversion){ .from = &whole }, seconds, text, why);
		if (point)
			buf_str(text, (struct str){ point, field.len - seconds.len });
		add_time(out, buf_view(text));
		return;
	}
	buf_reset(text);
	convert_from_epoch(&c, field, text, why);
	add_time(out, buf_view(text));
}

/* ---- SQLite, whose columns make of a value what they can hold ---- */

static void add_number(struct buf *out, double value)
{
	if (value == trunc(value) && fabs(value) < 9.2e18)
		buf_format(out, "n%lld", (long long)value);
	else
		add_bits((buf_byte(out, 'r'), out), value, 64);
}

/* A text that reads as a number is one, in a column for numbers. */
static bool add_numeric_text(struct buf *out, struct str field)
{
	struct str text = str_trim(field);
	char copy[64], *end;
	int64_t whole;
	double value;

	if (!text.len || text.len >= sizeof(copy) || isalpha((unsigned char)text.ptr[0]))
		return false;
	snprintf(copy, sizeof(copy), "%.*s", STR_ARG(text));
	value = strtod(copy, &end);
	if (*end)
		return false;
	if (str_to_int(text, &whole))
		buf_format(out, "n%lld", (long long)whole);
	else
		add_number(out, value);
	return true;
}

static void add_sqlite(const struct stream_type *t, struct str field, struct buf *out)
{
	char letter = field.ptr[0], text[64];
	bool is_text = t->family == FAMILY_TEXT, is_bytes = t->family == FAMILY_BYTES;

	field.ptr++, field.len--;
	if (letter == 'i') {
		buf_format(out, "%c%.*s", is_text ? 't' : 'n', STR_ARG(field));
	} else if (letter == 'r') {
		double value;

		snprintf(text, sizeof(text), "%.*s", STR_ARG(field));
		value = strtod(text, NULL);
		if (!is_text) {
			add_number(out, value);
			return;
		}
		sqlite3_snprintf(sizeof(text), text, "%!.15g", value);
		buf_format(out, "t%s", text);
	} else if (letter == 'b' || is_text || is_bytes || !add_numeric_text(out, field)) {
		buf_byte(out, letter);
		stream_unescape(out, field);
	}
}

/* ---- arrays ---- */

struct walk {
	struct row_hasher *h;
	const struct stream_type *element;
	struct str text;
	bool is_postgres;
	struct buf word, raw, field, value;
};

/* {1,NULL,"a"} or [1,NULL,'a']: one element, up to the comma or the end of its array. */
static void add_element(struct walk *w, struct buf *out)
{
	bool is_null;

	buf_reset(&w->field);
	buf_reset(&w->raw);
	buf_reset(&w->value);
	if (w->is_postgres) {
		/* A backslash there says only that what follows means itself. */
		stream_element(&w->text, '"', '}', &w->word, &is_null);
		for (size_t i = 0; i < w->word.len; i++) {
			i += w->word.ptr[i] == '\\' && i + 1 < w->word.len;
			buf_byte(&w->raw, w->word.ptr[i]);
		}
		stream_escape(&w->field, buf_view(&w->raw));
	} else {
		stream_element(&w->text, '\'', ']', &w->field, &is_null);
	}
	buf_byte(out, is_null ? 'N' : 'v');
	if (is_null)
		return;
	row_value(w->h, w->element, buf_view(&w->field), &w->value);
	buf_sized(out, buf_view(&w->value));
}

static void add_array(struct row_hasher *h, const struct stream_type *t, struct str field,
		      struct buf *out)
{
	const struct stream_type *element = t->element;
	struct walk w = { .h = h, .text = field, .is_postgres = h->kind == &postgres_kind };
	struct buf raw = { 0 };

	while (element->family == FAMILY_ARRAY)
		element = element->element;
	w.element = element;
	if (w.is_postgres) {
		stream_unescape(&raw, field);
		w.text = buf_view(&raw);
	}
	while (w.text.len) {
		char c = w.text.ptr[0];

		if (!strchr(w.is_postgres ? "{}," : "[],", c)) {
			add_element(&w, out);
			continue;
		}
		buf_byte(out, c);
		w.text.ptr++, w.text.len--;
	}
	buf_clear(&raw);
	buf_clear(&w.word);
	buf_clear(&w.raw);
	buf_clear(&w.field);
	buf_clear(&w.value);
}

/* ---- each kind ---- */

static void add_clickhouse(struct row_hasher *h, const struct stream_type *t, struct str field,
			   struct buf *out)
{
	if (t->family == FAMILY_INSTANT)
		add_epoch(h, t, field, out);
	else if (t->family == FAMILY_BOOL)
		buf_byte(out, field.ptr[0] == '1' || field.ptr[0] == 't' ? '1' : '0');
	else if (t->family == FAMILY_DATE && str_eq(field, STR("0000-00-00")))
		buf_text(out, "1970-01-01");
	else
		stream_unescape(out, field);
}

void row_value(struct row_hasher *h, const struct stream_type *t, struct str field,
	       struct buf *out)
{
	if (h->kind == &sqlite_kind && field.len) {
		add_sqlite(t, field, out);
		return;
	}
	switch (t->family) {
	case FAMILY_FLOAT:
		add_float(out, field, t->bits);
		return;
	case FAMILY_INT:
	case FAMILY_DECIMAL:
		add_decimal(out, field);
		return;
	case FAMILY_UUID:
		add_lower(out, field);
		return;
	case FAMILY_ARRAY:
		add_array(h, t, field, out);
		return;
	case FAMILY_BOOL:
	case FAMILY_DATE:
	case FAMILY_TIMESTAMP:
	case FAMILY_INSTANT:
		if (h->kind == &postgres_kind)
			add_time(out, field);
		else
			add_clickhouse(h, t, field, out);
		return;
	case FAMILY_ANY:
	case FAMILY_TEXT:
	case FAMILY_BYTES:
	case FAMILY_JSON:
	case FAMILY_ENUM:
	case FAMILY_OTHER:
		add_text(out, t, field);
		return;
	}
}
