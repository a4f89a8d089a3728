#include "vm/base/map.h"
#include "vm/base/arena.h"
#include "vm/base/hash.h"

/* The slot that holds the key, or the free one where it would go. Linear probing; at most half of
 * the slots are used. */
static uint32_t *find(const struct map *m, struct str key)
{
	size_t at = (size_t)hash_64(key) & (m->slot_count - 1);

	while (m->slots[at] != 0 && !str_eq(m->entries[m->slots[at] - 1].key, key))
		at = (at + 1) & (m->slot_count - 1);
	return &m->slots[at];
}

static void grow(struct map *m)
{
	free(m->slots);
	m->slot_count = m->slot_count ? m->slot_count * 2 : 16;
	m->slots = memset(must_alloc(arena_bytes(sizeof(*m->slots), m->slot_count)), 0,
			  sizeof(*m->slots) * m->slot_count);
	for (size_t i = 0; i < m->count; i++)
		*find(m, m->entries[i].key) = (uint32_t)i + 1;
}

void *map_get(const struct map *m, struct str key)
{
	uint32_t slot = m->count ? *find(m, key) : 0;

	return slot ? m->entries[slot - 1].value : NULL;
}

bool map_has(const struct map *m, struct str key)
{
	return m->count && *find(m, key) != 0;
}

void *map_add(struct map *m, struct str key, void *value)
{
	uint32_t *slot;

	if (2 * (m->count + 1) > m->slot_count)
		grow(m);
	slot = find(m, key);
	if (*slot)
		return m->entries[*slot - 1].value;
	if (m->count == m->room) {
		m->room = m->room ? m->room * 2 : 16;
		m->entries = must_realloc(m->entries, arena_bytes(sizeof(*m->entries), m->room));
	}
	m->entries[m->count++] = (struct map_entry){ key, value };
	*slot = (uint32_t)m->count;
	return NULL;
}

void map_clear(struct map *m)
{
	free(m->entries);
	free(m->slots);
	*m = (struct map){ 0 };
}
