/* stream.c - fields of rows, the same for all kinds */
#include "vm/connection/stream.h"
#include <strings.h>

const char *stream_family_words(enum stream_family f)
{
	static const char *const words[] = {
#define FAMILY(name, words) words,
#include "vm/connection/stream_family.def"
#undef FAMILY
	};

	return words[f];
}

bool stream_field(struct str *line, struct str *field)
{
	const char *tab;

	if (!line->ptr)
		return false;
	tab = memchr(line->ptr, '\t', line->len);
	field->ptr = line->ptr;
	field->len = tab ? (size_t)(tab - line->ptr) : line->len;
	line->len -= field->len + (tab != NULL);
	line->ptr = tab ? tab + 1 : NULL;
	return true;
}

static char escape_of(char c)
{
	switch (c) {
	case '\0': return '0';
	case '\b': return 'b';
	case '\t': return 't';
	case '\n': return 'n';
	case '\v': return 'v';
	case '\f': return 'f';
	case '\r': return 'r';
	case '\\': return '\\';
	default: return '\0';
	}
}

void stream_escape(struct buf *out, struct str bytes)
{
	size_t from = 0;

	for (size_t i = 0; i < bytes.len; i++) {
		char e;

		if ((unsigned char)bytes.ptr[i] > '\r' && bytes.ptr[i] != '\\')
			continue;
		e = escape_of(bytes.ptr[i]);
		if (!e)
			continue;
		buf_add(out, bytes.ptr + from, i - from);
		buf_add(out, (const char[]){ '\\', e }, 2);
		from = i + 1;
	}
	buf_add(out, bytes.ptr + from, bytes.len - from);
}

static char unescape_of(char c)
{
	switch (c) {
	case '0': return '\0';
	case 'a': return '\a';
	case 'b': return '\b';
	case 't': return '\t';
	case 'n': return '\n';
	case 'v': return '\v';
	case 'f': return '\f';
	case 'r': return '\r';
	default: return c;
	}
}

void stream_unescape(struct buf *out, struct str field)
{
	while (field.len) {
		const char *at = memchr(field.ptr, '\\', field.len);
		size_t n = at ? (size_t)(at - field.ptr) : field.len;

		buf_add(out, field.ptr, n);
		if (!at)
			return;
		if (n + 1 < field.len)
			buf_byte(out, unescape_of(at[1]));
		n += n + 1 < field.len ? 2 : 1;
		field.ptr += n;
		field.len -= n;
	}
}

void stream_element(struct str *text, char quote, char close, struct buf *word, bool *is_null)
{
	bool quoted = text->len && text->ptr[0] == quote;
	size_t i = quoted;

	buf_reset(word);
	for (; i < text->len; i++) {
		char c = text->ptr[i];

		if (quoted ? c == quote : c == ',' || c == close)
			break;
		buf_byte(word, c);
		if (c == '\\' && i + 1 < text->len)
			buf_byte(word, text->ptr[++i]);
	}
	i += quoted && i < text->len;
	text->ptr += i;
	text->len -= i;
	*is_null = !quoted && word->len == 4 && strncasecmp(word->ptr, "null", 4) == 0;
}

void stream_print_name(struct buf *out, const struct stream_target *t)
{
	for (size_t i = 0; i < t->part_count; i++)
		buf_format(out, "%s%.*s", i ? "." : "", STR_ARG(t->table[i]));
}

void stream_print_columns(struct buf *out, const struct stream_target *t,
			  void (*quote)(struct buf *out, struct str part))
{
	for (size_t i = 0; i < t->part_count; i++) {
		buf_text(out, i ? "." : "");
		quote(out, t->table[i]);
	}
	for (size_t i = 0; i < t->column_count; i++) {
		buf_text(out, i ? ", " : " (");
		quote(out, t->columns[i]);
	}
}

void stream_close(struct stream *s, struct error *err)
{
	if (!s->kind)
		return;
	s->kind->stream->close(s, err);
	arena_clear(&s->arena);
	*s = (struct stream){ 0 };
}

void stream_print_enum(struct buf *out, struct str field)
{
	buf_byte(out, '\'');
	for (size_t i = 0; i < field.len; i++) {
		if (field.ptr[i] == '\'' && (i == 0 || field.ptr[i - 1] != '\\'))
			buf_byte(out, '\\');
		buf_byte(out, field.ptr[i]);
	}
	buf_text(out, "' = ");
}
