/* source.c - the texts of a compilation, and their lines */
#include "grammar/source.h"
#include "vm/base/os.h"
#include <stdlib.h>

static uint32_t add(struct sources *s, struct str path, struct str text, struct hash hash)
{
	struct source_text source = { .path = path, .text = text, .hash = hash };

	vec_push(&s->all, source);
	return (uint32_t)(s->all.count - 1);
}

enum outcome source_read(const char *path, struct buf *text, struct error *err)
{
	/* One byte more than is allowed, so that the parser sees that it is too large. */
	return os_read_start(path, SOURCE_MAX_BYTES + 1, text, err);
}

enum outcome sources_read(struct sources *s, const char *path, uint32_t *source, struct error *err)
{
	struct buf text = { 0 };
	enum outcome outcome = source_read(path, &text, err);

	if (outcome == OUTCOME_OK)
		*source = sources_add(s, str_c(path), buf_view(&text));
	buf_clear(&text);
	return outcome;
}

uint32_t sources_add(struct sources *s, struct str path, struct str text)
{
	return add(s, arena_str(&s->arena, path), arena_str(&s->arena, text), hash_of(text));
}

uint32_t sources_lend(struct sources *s, struct str path, struct str text, struct hash hash)
{
	return add(s, path, text, hash);
}

bool sources_recall(struct sources *s, uint32_t source)
{
	struct source_text *t = &s->all.at[source];
	struct buf text = { 0 };
	struct error err = { 0 };

	if (t->text.len == 0 && source_read(t->path.ptr, &text, &err) == OUTCOME_OK)
		t->text = arena_str(&s->arena, buf_view(&text));
	buf_clear(&text);
	error_clear(&err);
	return hash_eq(hash_of(t->text), t->hash);
}

void sources_clear(struct sources *s)
{
	for (size_t i = 0; i < s->all.count; i++)
		free(s->all.at[i].line_starts);
	vec_clear(&s->all);
	arena_clear(&s->arena);
}

static void find_lines(struct source_text *t)
{
	const char *text = t->text.ptr, *end = text + t->text.len, *at = text;
	VEC(uint32_t) starts = { 0 };

	vec_push(&starts, 0);
	while ((at = memchr(at, '\n', (size_t)(end - at))))
		vec_push(&starts, (uint32_t)(++at - text));
	t->line_starts = starts.at;
	t->line_count = (uint32_t)starts.count;
}

struct place source_place(struct sources *s, uint32_t source, uint32_t offset)
{
	struct source_text *t = &s->all.at[source];
	uint32_t low = 0, high, start, end;
	struct place place = { .column = 1 };

	if (!t->line_starts)
		find_lines(t);
	high = t->line_count;
	if (offset > t->text.len)
		offset = (uint32_t)t->text.len;
	while (high - low > 1) {
		uint32_t middle = (low + high) / 2;

		if (t->line_starts[middle] <= offset)
			low = middle;
		else
			high = middle;
	}
	start = t->line_starts[low];
	end = low + 1 < t->line_count ? t->line_starts[low + 1] - 1 : (uint32_t)t->text.len;
	if (end > start && t->text.ptr[end - 1] == '\r')
		end--;
	for (uint32_t i = start; i < offset; i++)
		place.column += ((unsigned char)t->text.ptr[i] & 0xc0) != 0x80;
	place.line = low + 1;
	place.line_text = (struct str){ t->text.ptr + start, end - start };
	return place;
}
