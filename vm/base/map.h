/*
 * map.h - from byte strings to pointers
 *
 * Keys are borrowed: they must outlive the map. {0} is empty. Iteration is in order of insertion
 * (entries[0..count)), so that whatever is printed from one is the same every time.
 */
#ifndef VM_BASE_MAP_H
#define VM_BASE_MAP_H

#include "vm/base/str.h"

struct map_entry {
	struct str key;
	void *value;
};

struct map {
	struct map_entry *entries;
	size_t count, room;
	uint32_t *slots;	/* entry number + 1, 0 free; a power of two of them */
	size_t slot_count;
};

void *map_get(const struct map *m, struct str key);	/* NULL if absent */
bool map_has(const struct map *m, struct str key);
/* Returns the value that was there before, kept as it is when there was one; else NULL, and the new
 * one is in. */
void *map_add(struct map *m, struct str key, void *value);
void map_clear(struct map *m);

#endif
