/*
 * convert_array.c - arrays: {1,NULL,"a"} of PostgreSQL and [1,NULL,'a'] of ClickHouse
 *
 * PostgreSQL's are rectangular, begin at 1 unless they say otherwise, and do not tell by their type
 * how many dimensions they have. A ClickHouse field is escaped once, a field of COPY holds the
 * array's own escapes escaped once more.
 */
#include "vm/connection/convert.h"
#include <ctype.h>
#include <strings.h>

#define DEPTH_MAX 6		/* as PostgreSQL has it */

struct walk {
	const struct conversion *c;
	struct str text;	/* what is left to read */
	bool from_postgres, to_postgres;
	int depth, wanted;	/* wanted: of ClickHouse's type */
	struct buf word, field, scratch[2], made;
	struct buf *out, *why;
};

static int depth_of(const struct stream_type *t)
{
	int n = 0;

	for (; t->family == FAMILY_ARRAY; t = t->element)
		n++;
	return n;
}

static char at(const struct walk *w)
{
	return w->text.len ? w->text.ptr[0] : '\0';
}

static void skip(struct walk *w)
{
	w->text.ptr++;
	w->text.len--;
}

static bool wrong(struct walk *w, const char *words)
{
	buf_text(w->why, words);
	return false;
}

/* An element as a field of its side, in w->field. */
static bool take_element(struct walk *w, bool *is_null)
{
	const char quote = w->from_postgres ? '"' : '\'';
	const char close = w->from_postgres ? '}' : ']';
	bool quoted = at(w) == quote;

	buf_reset(&w->word);
	buf_reset(&w->field);
	if (quoted)
		skip(w);
	while (w->text.len && (quoted ? at(w) != quote : at(w) != ',' && at(w) != close)) {
		bool escape = at(w) == '\\';

		/* The escapes of a ClickHouse array are those of a field. */
		if (!escape || !w->from_postgres)
			buf_byte(&w->word, at(w));
		skip(w);
		if (escape && w->text.len) {
			buf_byte(&w->word, at(w));
			skip(w);
		}
	}
	if (quoted && at(w) != quote)
		return wrong(w, "the array does not end");
	if (quoted)
		skip(w);
	*is_null = !quoted && w->word.len == 4 && strncasecmp(w->word.ptr, "null", 4) == 0;
	if (w->from_postgres)
		stream_escape(&w->field, buf_view(&w->word));
	else
		buf_str(&w->field, buf_view(&w->word));
	return true;
}

static bool is_bare(enum stream_family f)
{
	return f == FAMILY_INT || f == FAMILY_FLOAT || f == FAMILY_DECIMAL || f == FAMILY_BOOL ||
	       f == FAMILY_INSTANT;
}

static void put_postgres(struct walk *w, struct str field)
{
	struct str raw;

	buf_reset(&w->word);
	stream_unescape(&w->word, field);
	raw = buf_view(&w->word);
	buf_byte(w->out, '"');
	for (size_t i = 0; i < raw.len; i++) {
		if (raw.ptr[i] == '"' || raw.ptr[i] == '\\')
			buf_byte(w->out, '\\');
		buf_byte(w->out, raw.ptr[i]);
	}
	buf_byte(w->out, '"');
}

static void put_clickhouse(struct walk *w, struct str field)
{
	if (is_bare(w->c->element->to->family)) {
		buf_str(w->out, field);
		return;
	}
	buf_byte(w->out, '\'');
	for (size_t i = 0; i < field.len; i++) {
		if (field.ptr[i] == '\'')
			buf_byte(w->out, '\\');
		buf_byte(w->out, field.ptr[i]);
		if (field.ptr[i] == '\\' && i + 1 < field.len)
			buf_byte(w->out, field.ptr[++i]);
	}
	buf_byte(w->out, '\'');
}

static bool put_element(struct walk *w)
{
	bool is_null;

	if (!take_element(w, &is_null))
		return false;
	if (is_null) {
		if (!w->to_postgres && !w->c->element->to->is_nullable)
			return wrong(w, "an element of the column can't be NULL");
		buf_text(w->out, "NULL");
		return true;
	}
	buf_reset(&w->made);
	if (!convert_field(w->c->element, buf_view(&w->field), w->scratch, &w->made, w->why))
		return false;
	if (w->to_postgres && str_find(buf_view(&w->made), STR("\\0")) >= 0)
		return wrong(w, "a text can't hold the character U+0000 there");
	if (w->to_postgres)
		put_postgres(w, buf_view(&w->made));
	else
		put_clickhouse(w, buf_view(&w->made));
	return true;
}

static bool put_array(struct walk *w)
{
	const char open = w->from_postgres ? '{' : '[', close = w->from_postgres ? '}' : ']';

	if (at(w) != open || ++w->depth > DEPTH_MAX)
		return wrong(w, "it is no array that could be written there");
	skip(w);
	buf_byte(w->out, w->to_postgres ? '{' : '[');
	if (at(w) == close && w->depth > 1)
		return wrong(w, "an array of empty arrays would be an empty one");
	while (at(w) != close) {
		if (at(w) == open ? !put_array(w) : !put_element(w))
			return false;
		if (!w->to_postgres && w->depth > w->wanted)
			return wrong(w, "the array has more dimensions than the type");
		if (at(w) != ',' && at(w) != close)
			return wrong(w, "the array is not written as one");
		if (at(w) == ',') {
			buf_byte(w->out, ',');
			skip(w);
		}
	}
	skip(w);
	buf_byte(w->out, w->to_postgres ? '}' : ']');
	w->depth--;
	return true;
}

/* PostgreSQL's dimensions are the array's, ClickHouse's are the type's. */
static bool has_depth(struct walk *w, struct str array)
{
	int depth = 0, most = 0;

	while (array.len && (array.ptr[0] == '{' || array.ptr[0] == '[')) {
		depth++;
		most = depth > most ? depth : most;
		array.ptr++, array.len--;
	}
	if (w->to_postgres || most == w->wanted || (most == 1 && at(w) && array.len == 1))
		return true;
	return wrong(w, "the array has other dimensions than the type");
}

bool convert_array(const struct conversion *c, struct str field, struct buf *out, struct buf *why)
{
	struct buf raw = { 0 }, made = { 0 };
	struct walk w = { .c = c,
			  .from_postgres = c->from_kind == &postgres_kind,
			  .to_postgres = c->to_kind == &postgres_kind,
			  .wanted = depth_of(c->to),
			  .out = &made,
			  .why = why };
	bool good;

	w.text = field;
	if (w.from_postgres) {
		stream_unescape(&raw, field);
		w.text = buf_view(&raw);
	}
	if (w.from_postgres && at(&w) == '[')
		good = wrong(&w, "an array there begins at 1");
	else
		good = has_depth(&w, w.text) && put_array(&w);
	if (good && w.text.len)
		good = wrong(&w, "the array is not written as one");
	if (good && w.to_postgres)
		stream_escape(out, buf_view(&made));
	else if (good)
		buf_str(out, buf_view(&made));
	buf_clear(&raw);
	buf_clear(&made);
	buf_clear(&w.word);
	buf_clear(&w.field);
	buf_clear(&w.made);
	buf_clear(&w.scratch[0]);
	buf_clear(&w.scratch[1]);
	return good;
}
