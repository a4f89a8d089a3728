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
static struct arena_chunk *new_chunk(const struct arena *a, size_t size)
{
	size_t room = a->total_bytes < CHUNK_BYTES ? CHUNK_BYTES : a->total_bytes;
	struct arena_chunk *chunk;

	if (room > CHUNK_MAX_BYTES)
		room = CHUNK_MAX_BYTES;
	if (room < size)
		room = size;
	chunk = must_alloc(sizeof(*chunk) + room);
	chunk->room = room;
	return chunk;
}

static struct arena_chunk *grow(struct arena *a, size_t size)
{
	struct arena_chunk *chunk = a->spare;

	if (chunk && chunk->room >= size)
		a->spare = chunk->before;
	else
		chunk = new_chunk(a, size);
	chunk->before = a->chunk;
	chunk->used = 0;
	a->chunk = chunk;
	return chunk;
}

void *arena_take(struct arena *a, size_t size)
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
	return at;
}

void *arena_alloc(struct arena *a, size_t size)
{
	return memset(arena_take(a, size), 0, size);
}

struct str arena_str(struct arena *a, struct str s)
{
	return (struct str){ arena_c(a, s), s.len };
}

char *arena_c(struct arena *a, struct str s)
{
	char *copy = arena_take(a, s.len + 1);

	if (s.len)
		memcpy(copy, s.ptr, s.len);
	copy[s.len] = '\0';
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

static void free_chunks(struct arena_chunk *chunk)
{
	while (chunk) {
		struct arena_chunk *before = chunk->before;

		free(chunk);
		chunk = before;
	}
}

void arena_absorb(struct arena *a, struct arena *from)
{
	struct arena_chunk **end = &from->chunk;

	/* Behind the chunk that is being filled, so that its room is not lost. */
	while (*end)
		end = &(*end)->before;
	if (a->chunk) {
		*end = a->chunk->before;
		a->chunk->before = from->chunk;
	} else {
		a->chunk = from->chunk;
	}
	a->total_bytes += from->total_bytes;
	free_chunks(from->spare);
	*from = (struct arena){ 0 };
}

void arena_reset(struct arena *a)
{
	if (a->chunk) {
		free_chunks(a->chunk->before);
		a->chunk->before = NULL;
		a->chunk->used = 0;
	}
	a->total_bytes = 0;
}

void arena_clear(struct arena *a)
{
	free_chunks(a->chunk);
	free_chunks(a->spare);
	*a = (struct arena){ 0 };
}

void arena_recycle(struct arena *from, struct arena *to, size_t keep_bytes)
{
	size_t kept = 0;

	for (const struct arena_chunk *chunk = to->spare; chunk; chunk = chunk->before)
		kept += chunk->room;
	/* Chunks of a size of their own would rarely fit again. */
	while (from->chunk && kept < keep_bytes) {
		struct arena_chunk *chunk = from->chunk;

		from->chunk = chunk->before;
		if (chunk->room == CHUNK_MAX_BYTES) {
			chunk->before = to->spare;
			to->spare = chunk;
			kept += chunk->room;
		} else {
			free(chunk);
		}
	}
	arena_clear(from);
}
