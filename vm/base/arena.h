/*
 * arena.h - memory with one lifetime
 *
 * Allocations are zeroed (but for arena_take()), 16-byte aligned and freed all at once. {0} is
 * valid. Out of memory aborts.
 */
#ifndef VM_BASE_ARENA_H
#define VM_BASE_ARENA_H

#include "vm/base/str.h"
#include <stdlib.h>

struct arena_chunk;

struct arena {
	struct arena_chunk *chunk;
	size_t total_bytes;	/* allocated so far, for limits */
	struct arena_chunk *spare;	/* of arena_recycle() */
};

void *arena_alloc(struct arena *a, size_t size);
#define arena_new(a, type) ((type *)arena_alloc((a), sizeof(type)))
#define arena_array(a, type, count) ((type *)arena_alloc((a), arena_bytes(sizeof(type), (count))))
void *arena_take(struct arena *a, size_t size);		/* not zeroed */
size_t arena_bytes(size_t size, size_t count);		/* their product; aborts on overflow */
struct str arena_str(struct arena *a, struct str s);	/* a copy, NUL-terminated behind its end */
char *arena_c(struct arena *a, struct str s);
struct str arena_format(struct arena *a, const char *format, ...) PRINTF_LIKE(2, 3);
void arena_absorb(struct arena *a, struct arena *from);	/* a has it all now; from is empty */
void arena_reset(struct arena *a);	/* empty, but with some memory at hand */
void arena_clear(struct arena *a);
/* Clears an arena; of its memory about keep_bytes are what `to` allocates from next. For what is
 * emptied over and over: memory that goes back to the system each time is slow to get again. */
void arena_recycle(struct arena *from, struct arena *to, size_t keep_bytes);

/* malloc and realloc that abort instead of returning NULL; free with free(). */
void *must_alloc(size_t size);
void *must_realloc(void *p, size_t size);
char *must_strdup(const char *text);

#endif
