/* source.c - the texts of a compilation, and their lines */
#include "grammar/source.h"
#include "vm/base/os.h"
#include <stdlib.h>

static uint32_t add(struct sources *s, struct str path, struct str text)
{
	struct source_text source = { .path = arena_str(&s->arena, path),
		.text = text,
		.hash = hash_of(text) };

	vec_push(&s->all, source);
	return (uint32_t)(s->all.count - 1);
}

enum outcome sources_read(struct sources *s, const char *path, uint32_t *source, struct error *err)
{
	struct buf text = { 0 };
	/* One byte more than is allowed, so that the parser sees that it is too large. */
	enum outcome outcome = os_read_file(path, 0, &text, err);

	if (outcome == OUTCOME_OK)
		*source = sources_add(s, str_c(path),
			(struct str){ text.ptr ? text.ptr : "",
				text.len > SOURCE_MAX_BYTES ? SOURCE_MAX_BYTES + 1 : text.len });
	buf_clear(&text);
	return outcome;
}

uint32_t sources_add(struct sources *s, struct str path, struct str text)
{
	return add(s, path, arena_str(&s->arena, text));
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
	uint32_t count = 1, at = 0;

	for (size_t i = 0; i < t->text.len; i++)
		count += t->text.ptr[i] == '\n';
	t->line_starts = must_alloc(arena_bytes(sizeof(*t->line_starts), count));
	t->line_starts[at++] = 0;
	for (size_t i = 0; i < t->text.len; i++)
		if (t->text.ptr[i] == '\n')
			t->line_starts[at++] = (uint32_t)i + 1;
	t->line_count = count;
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
