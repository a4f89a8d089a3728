/* value_print.c - values as interpolation and listings show them */
#include "vm/machine/value.h"

#include "vm/base/units.h"

#include <stdlib.h>

/* The shortest decimal that reads back as the same, always with a point or an exponent: 0.1, 2.0,
 * 1e+30. */
static void print_float(double real, struct buf *out)
{
	char text[40];
	if (real != real) {
		buf_text(out, "nan");
		return;
	}
	if (real - real != 0) {
		buf_text(out, real > 0 ? "inf" : "-inf");
		return;
	}
	for (int digits = 15; digits <= 17; digits++) {
		struct buf b = { 0 };
		buf_format(&b, "%.*g", digits, real);
		memcpy(text, buf_view(&b).ptr, b.len + 1);
		buf_clear(&b);
		if (strtod(text, NULL) == real)
			break;
	}
	buf_text(out, text);
	if (!strpbrk(text, ".e"))
		buf_text(out, ".0");
}

static void print_hex(struct str bytes, struct buf *out)
{
	buf_text(out, "0x");
	for (size_t i = 0; i < bytes.len; i++)
		buf_format(out, "%02x", (unsigned char)bytes.ptr[i]);
}

static void print_part(struct value v, struct buf *out)
{
	if (v.kind == VALUE_STRING)
		buf_json(out, value_text(v));
	else
		value_print(v, out);
}

static void print_parts(const struct list *list, const char *between, bool bare, struct buf *out)
{
	for (size_t i = 0; i < list->count && !out->failed; i++) {
		buf_text(out, i ? between : "");
		if (bare)
			value_print(list->store->at[i], out);
		else
			print_part(list->store->at[i], out);
	}
}

static void print_record(const struct record *r, struct buf *out)
{
	buf_byte(out, '{');
	for (uint32_t i = 0; i < r->count && !out->failed; i++) {
		buf_text(out, i ? ", " : "");
		if (r->names) {
			buf_str(out, r->names[i]);
			buf_text(out, ": ");
		}
		print_part(r->at[i], out);
	}
	buf_byte(out, '}');
}

/* Not what a server would see: that needs a dialect. */
static void print_sql(const struct list *list, struct buf *out)
{
	for (size_t i = 0; i < list->count && !out->failed; i++) {
		if (i % 2 == 0)
			buf_str(out, value_text(list->store->at[i]));
		else
			print_part(list->store->at[i], out);
	}
}

void value_print(struct value v, struct buf *out)
{
	switch (v.kind) {
	case VALUE_NULL:
		buf_text(out, "null");
		return;
	case VALUE_BOOL:
		buf_text(out, v.flag ? "true" : "false");
		return;
	case VALUE_INT:
		buf_format(out, "%lld", (long long)v.number);
		return;
	case VALUE_FLOAT:
		print_float(v.real, out);
		return;
	case VALUE_STRING:
	case VALUE_VERSION:
		buf_str(out, value_text(v));
		return;
	case VALUE_BYTES:
		print_hex(value_text(v), out);
		return;
	case VALUE_DURATION:
		duration_print(out, v.number);
		return;
	case VALUE_TIMESTAMP:
		timestamp_print(out, v.number);
		return;
	case VALUE_IDENT:
		print_parts(v.list, ".", true, out);
		return;
	case VALUE_SQL:
		print_sql(v.list, out);
		return;
	case VALUE_LIST:
		buf_byte(out, '[');
		print_parts(v.list, ", ", false, out);
		buf_byte(out, ']');
		return;
	case VALUE_RECORD:
		print_record(v.record, out);
		return;
	case VALUE_CONNECTION:
		buf_format(out, "connection %u", v.need);
		return;
	case VALUE_KIND_COUNT:
		break;
	}
	BUG("value of kind %d", (int)v.kind);
}
