/* value_copy.c - brings values into another heap, each shared part once */
#include "vm/machine/value.h"

#include <stdlib.h>

struct moved { const void *from; void *to; };

struct copier {
	struct heap *to;
	bool keep_room;
	struct moved *slots;		/* by address of what was copied; a power of two of them */
	size_t count, room;
};

static size_t slot_of(const struct copier *c, const void *from)
{
	size_t slot = ((uintptr_t)from >> 4) * 0x9e3779b97f4a7c15u >> 20 & (c->room - 1);
	while (c->slots[slot].from && c->slots[slot].from != from)
		slot = (slot + 1) & (c->room - 1);
	return slot;
}

static void *find(const struct copier *c, const void *from)
{
	return c->room ? c->slots[slot_of(c, from)].to : NULL;
}

static void note(struct copier *c, const void *from, void *to)
{
	if (2 * (c->count + 1) > c->room) {
		struct moved *old = c->slots;
		size_t old_room = c->room;
		c->room = old_room ? old_room * 2 : 64;
		c->slots = must_alloc(arena_bytes(sizeof(*c->slots), c->room));
		memset(c->slots, 0, c->room * sizeof(*c->slots));
		for (size_t i = 0; i < old_room; i++)
			if (old[i].from)
				c->slots[slot_of(c, old[i].from)] = old[i];
		free(old);
	}
	c->slots[slot_of(c, from)] = (struct moved){ from, to };
	c->count++;
}

static struct value copy(struct copier *c, struct value v);

static const struct text *copy_text(struct copier *c, const struct text *from)
{
	struct text *to = find(c, from);
	if (!to) {
		to = arena_take(&c->to->arena, sizeof(*to) + from->len + 1);
		memcpy(to, from, sizeof(*to) + from->len + 1);
		note(c, from, to);
	}
	return to;
}

static const struct list *copy_list(struct copier *c, const struct list *from)
{
	struct list *to = find(c, from);
	if (to)
		return to;
	to = arena_take(&c->to->arena, sizeof(*to));
	*to = *from;
	/* Without its room, a list that grows would be copied whole after each compaction. */
	bool grows = c->keep_room && from->store->used == from->count;
	size_t room = grows ? from->store->room : from->count;
	to->store = arena_take(&c->to->arena, sizeof(*to->store) + room * sizeof(struct value));
	to->store->used = from->count;
	to->store->room = room;
	for (size_t i = 0; i < from->count; i++)
		to->store->at[i] = copy(c, from->store->at[i]);
	note(c, from, to);
	return to;
}

static const struct str *copy_names(struct copier *c, const struct str *from, uint32_t count)
{
	if (!from || count == 0)
		return NULL;
	struct str *to = find(c, from);
	if (!to) {
		to = arena_array(&c->to->arena, struct str, count);
		for (uint32_t i = 0; i < count; i++)
			to[i] = arena_str(&c->to->arena, from[i]);
		note(c, from, to);
	}
	return to;
}

static const struct record *copy_record(struct copier *c, const struct record *from)
{
	struct record *to = find(c, from);
	if (to)
		return to;
	to = arena_take(&c->to->arena, sizeof(*to) + from->count * sizeof(struct value));
	*to = *from;
	to->names = copy_names(c, from->names, from->count);
	for (uint32_t i = 0; i < from->count; i++)
		to->at[i] = copy(c, from->at[i]);
	note(c, from, to);
	return to;
}

static struct value copy(struct copier *c, struct value v)
{
	switch (v.kind) {
	case VALUE_STRING:
	case VALUE_BYTES:
	case VALUE_VERSION:
		v.text = copy_text(c, v.text);
		break;
	case VALUE_LIST:
	case VALUE_IDENT:
	case VALUE_SQL:
		v.list = copy_list(c, v.list);
		break;
	case VALUE_RECORD:
		v.record = copy_record(c, v.record);
		break;
	default:
		break;
	}
	return v;
}

void value_copy_all(struct heap *to, struct value *at, size_t count, bool keep_room)
{
	struct copier c = { .to = to, .keep_room = keep_room };
	for (size_t i = 0; i < count; i++)
		at[i] = copy(&c, at[i]);
	free(c.slots);
}

struct value value_copy(struct heap *to, struct value v)
{
	value_copy_all(to, &v, 1, false);
	return v;
}

void heap_clear(struct heap *h)
{
	arena_clear(&h->arena);
}
