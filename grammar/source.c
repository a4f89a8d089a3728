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
	t->ascii = str_ascii_length(t->text);
}

static uint32_t find_line(const struct source_text *t, uint32_t offset)
{
	uint32_t low = 0, high = t->line_count, near = t->last.line;

	if (t->line_starts[near] <= offset) {
		low = near;
		if (near + 2 < high && offset < t->line_starts[near + 2])
			high = near + 2;
	}
	while (high - low > 1) {
		uint32_t middle = (low + high) / 2;

		if (t->line_starts[middle] <= offset)
			low = middle;
		else
			high = middle;
	}
	return low;
}

/* How many characters are before it on its line. */
static uint32_t count_before(const struct source_text *t, uint32_t line, uint32_t offset)
{
	uint32_t from = t->line_starts[line], count = 0;

	if (offset <= t->ascii)
		return offset - from;
	if (t->last.line == line && t->last.offset <= offset) {
		from = t->last.offset;
		count = t->last.before;
	}
	for (uint32_t i = from; i < offset; i++)
		count += ((unsigned char)t->text.ptr[i] & 0xc0) != 0x80;
	return count;
}

struct place source_place(struct sources *s, uint32_t source, uint32_t offset)
{
	struct source_text *t = &s->all.at[source];
	uint32_t line, start, end, before;

	if (!t->line_starts)
		find_lines(t);
	if (offset > t->text.len)
		offset = (uint32_t)t->text.len;
	line = find_line(t, offset);
	before = count_before(t, line, offset);
	t->last.line = line;
	t->last.offset = offset;
	t->last.before = before;
	start = t->line_starts[line];
	end = line + 1 < t->line_count ? t->line_starts[line + 1] - 1 : (uint32_t)t->text.len;
	if (end > start && t->text.ptr[end - 1] == '\r')
		end--;
	return (struct place){ line + 1, before + 1, { t->text.ptr + start, end - start } };
}
