#include "vm/base/arena.h"
#include "vm/base/buf.h"

#include <stdio.h>
#include <stdlib.h>

#define CHUNK_BYTES ((size_t)16 << 10)
#define CHUNK_MAX_BYTES ((size_t)1 << 20)

struct arena_chunk {
	struct arena_chunk *before;
	size_t used, room;
	_Alignas(16) unsigned char bytes[];
};

void *must_realloc(void *p, size_t size)
{
	void *got = realloc(p, size ? size : 1);

	if (!got) {
		fputs("amig: out of memory\n", stderr);
		abort();
	}
	return got;
}

void *must_alloc(size_t size)
{
	return must_realloc(NULL, size);
}

char *must_strdup(const char *text)
{
	size_t size = strlen(text) + 1;

	return memcpy(must_alloc(size), text, size);
}

size_t arena_bytes(size_t size, size_t count)
{
	size_t bytes;

	if (__builtin_mul_overflow(size, count, &bytes))
		BUG("%zu elements of %zu bytes", count, size);
	return bytes;
}

/* Chunks grow with the arena, so that a big one is few chunks and a small one is little memory. */
static struct arena_chunk *grow(struct arena *a, size_t size)
{
	size_t room = a->total_bytes < CHUNK_BYTES ? CHUNK_BYTES : a->total_bytes;
	struct arena_chunk *chunk;

	if (room > CHUNK_MAX_BYTES)
		room = CHUNK_MAX_BYTES;
	if (room < size)
		room = size;
	chunk = must_alloc(sizeof(*chunk) + room);
	chunk->before = a->chunk;
	chunk->used = 0;
	chunk->room = room;
	a->chunk = chunk;
	return chunk;
}

void *arena_alloc(struct arena *a, size_t size)
{
	struct arena_chunk *chunk = a->chunk;
	void *at;

	if (size > SIZE_MAX / 2)
		BUG("%zu bytes", size);
	size = (size + 15) & ~(size_t)15;
	if (!chunk || chunk->room - chunk->used < size)
		chunk = grow(a, size);
	at = chunk->bytes + chunk->used;
	chunk->used += size;
	a->total_bytes += size;
	return memset(at, 0, size);
}

struct str arena_str(struct arena *a, struct str s)
{
	return (struct str){ arena_c(a, s), s.len };
}

char *arena_c(struct arena *a, struct str s)
{
	char *copy = arena_alloc(a, s.len + 1);

	if (s.len)
		memcpy(copy, s.ptr, s.len);
	return copy;
}

struct str arena_format(struct arena *a, const char *format, ...)
{
	struct buf b = { 0 };
	struct str copy;
	va_list args;

	va_start(args, format);
	buf_vformat(&b, format, args);
	va_end(args);
	copy = arena_str(a, buf_view(&b));
	buf_clear(&b);
	return copy;
}

void arena_clear(struct arena *a)
{
	while (a->chunk) {
		struct arena_chunk *before = a->chunk->before;

		free(a->chunk);
		a->chunk = before;
	}
	a->total_bytes = 0;
}
