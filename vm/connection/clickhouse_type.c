/* clickhouse_type.c - a type as ClickHouse writes it: Nullable(Decimal(10, 2)) */
#include "vm/connection/clickhouse_kind.h"
#include "vm/connection/stream.h"
#include <stdio.h>
#include <stdlib.h>

/* "Array(UInt8)" is Array of UInt8; DateTime alone is one of nothing. */
static bool is_type(struct str name, const char *word, struct str *inside)
{
	struct str w = str_c(word);

	*inside = (struct str){ "", 0 };
	if (str_eq(name, w))
		return true;
	if (!str_starts(name, w) || name.ptr[w.len] != '(' || !str_ends(name, STR(")")))
		return false;
	*inside = (struct str){ name.ptr + w.len + 1, name.len - w.len - 2 };
	return true;
}

/* UInt8 to UInt256, Int8 to Int256, Float32, Float64. */
static bool read_number(struct str name, struct stream_type *t)
{
	static const struct {
		const char *word;
		enum stream_family family;
		bool is_signed;
	} words[] = { { "UInt", FAMILY_INT, false },
		      { "Int", FAMILY_INT, true },
		      { "Float", FAMILY_FLOAT, true } };
	int64_t bits;

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		struct str w = str_c(words[i].word);

		if (!str_starts(name, w) ||
		    !str_to_int((struct str){ name.ptr + w.len, name.len - w.len }, &bits))
			continue;
		t->family = words[i].family;
		t->is_signed = words[i].is_signed;
		t->bits = (int)bits;
		return true;
	}
	return false;
}

/* As seconds since 1970 they are read and written, whatever their zone. */
static void read_instant(struct str inside, bool fine, struct stream_type *t)
{
	t->family = FAMILY_INSTANT;
	t->first = STR("1970-01-01 00:00:00");
	t->last = STR("2106-02-07 06:28:15");
	if (!fine)
		return;
	t->scale = inside.len ? inside.ptr[0] - '0' : 3;
	t->last = t->scale > 6 ? STR("2262-04-11 23:47:16") : STR("2299-12-31 23:59:59");
}

static void read_decimal(struct str inside, struct stream_type *t)
{
	char text[32];
	char *end;

	snprintf(text, sizeof(text), "%.*s", STR_ARG(inside));
	t->family = FAMILY_DECIMAL;
	t->precision = (int)strtol(text, &end, 10);
	t->scale = *end == ',' ? (int)strtol(end + 1, NULL, 10) : 0;
}

static void read_plain(struct arena *a, struct str name, struct stream_type *t)
{
	struct stream_type *element;
	struct str inside;

	if (read_number(name, t))
		return;
	if (is_type(name, "String", &inside) || is_type(name, "FixedString", &inside)) {
		t->family = FAMILY_TEXT;
		t->is_raw = true;
		if (!str_to_int(inside, &t->length))
			t->length = 0;
	} else if (is_type(name, "Date", &inside)) {
		t->family = FAMILY_DATE;
		t->first = STR("1970-01-01");
		t->last = STR("2105-12-31");
	} else if (is_type(name, "Date32", &inside)) {
		t->family = FAMILY_DATE;
		t->first = STR("1900-01-01");
		t->last = STR("2299-12-31");
	} else if (is_type(name, "DateTime", &inside)) {
		read_instant(inside, false, t);
	} else if (is_type(name, "DateTime64", &inside)) {
		read_instant(inside, true, t);
	} else if (is_type(name, "Decimal", &inside)) {
		read_decimal(inside, t);
	} else if (is_type(name, "Bool", &inside)) {
		t->family = FAMILY_BOOL;
	} else if (is_type(name, "UUID", &inside)) {
		t->family = FAMILY_UUID;
	} else if (is_type(name, "Enum8", &inside) || is_type(name, "Enum16", &inside)) {
		t->family = FAMILY_ENUM;
	} else if (is_type(name, "JSON", &inside) || is_type(name, "Object", &inside)) {
		t->family = FAMILY_JSON;
	} else if (is_type(name, "Array", &inside)) {
		element = arena_new(a, struct stream_type);
		clickhouse_type_read(a, inside, element);
		t->family = FAMILY_ARRAY;
		t->element = element;
	}
}

void clickhouse_type_read(struct arena *a, struct str name, struct stream_type *out)
{
	struct str inside, bare = name;

	*out = (struct stream_type){ .family = FAMILY_OTHER, .name = name };
	if (is_type(bare, "LowCardinality", &inside))
		bare = inside;
	if (is_type(bare, "Nullable", &inside)) {
		out->is_nullable = true;
		bare = inside;
	}
	read_plain(a, bare, out);
}
