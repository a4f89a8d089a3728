/* blobs.c - which blobs there are, which of them are stored, and what is known of objects */
#include "vm/machine/blobs_inside.h"

#include "vm/machine/interpreter.h"

/* So much may be stored in vain before it is swept. */
#define SLACK_COUNT 256u
#define SLACK_BYTES ((uint64_t)1 << 20)

struct blobs *blobs_new(size_t limit_bytes)
{
	struct blobs *b = must_alloc(sizeof(*b));
	*b = (struct blobs){ .limit_bytes = limit_bytes ? limit_bytes : BLOBS_LIMIT_BYTES };
	return b;
}

static void free_blob(struct blob *it)
{
	if (it->owned)
		free((void *)(uintptr_t)it->bytes.ptr);
	free(it->children);
	free(it);
}

void blobs_forget(struct blobs *b)
{
	for (size_t i = 0; i < b->slot_count; i++)
		if (b->slots[i])
			free_blob(b->slots[i]);
	free(b->slots);
	b->slots = NULL;
	b->count = b->slot_count = b->live_count = 0;
	b->bytes = b->live_bytes = 0;
	b->pending.count = 0;
	b->is_missing = false;
}

void blobs_free(struct blobs *b)
{
	if (!b)
		return;
	blobs_forget(b);
	blobs_forget_places(b);
	vec_clear(&b->pending);
	vec_clear(&b->dead);
	free(b);
}

/* ---- by hash ---- */

static size_t slot_of(const struct blobs *b, struct hash hash)
{
	uint64_t number;
	memcpy(&number, hash.bytes, sizeof(number));
	size_t slot = (size_t)number & (b->slot_count - 1);
	while (b->slots[slot] && !hash_eq(b->slots[slot]->hash, hash))
		slot = (slot + 1) & (b->slot_count - 1);
	return slot;
}

struct blob *blobs_find(const struct blobs *b, struct hash hash)
{
	return b->slot_count ? b->slots[slot_of(b, hash)] : NULL;
}

static void resize(struct blobs *b, size_t slot_count)
{
	struct blob **old = b->slots;
	size_t old_count = b->slot_count;
	b->slot_count = slot_count;
	b->slots = must_alloc(arena_bytes(sizeof(*b->slots), slot_count));
	for (size_t i = 0; i < slot_count; i++)
		b->slots[i] = NULL;
	for (size_t i = 0; i < old_count; i++)
		if (old[i])
			b->slots[slot_of(b, old[i]->hash)] = old[i];
	free(old);
}

bool blob_children(struct reader *r, const uint8_t **at, uint64_t *count)
{
	*count = reader_varint(r);
	if (r->failed || *count > reader_left(r) / sizeof(struct hash))
		return false;
	*at = (const uint8_t *)reader_bytes(r, (size_t)*count * sizeof(struct hash)).ptr;
	return true;
}

static struct blob *add(struct blobs *b, struct hash hash, struct str bytes)
{
	struct blob *it = must_alloc(sizeof(*it));
	struct reader r = reader_of(bytes);
	const uint8_t *children;
	uint64_t count;
	*it = (struct blob){ .hash = hash, .bytes = bytes, .size = bytes.len };
	if (blob_children(&r, &children, &count) && count > 0) {
		it->child_count = (size_t)count;
		it->children = must_alloc(arena_bytes(sizeof(struct hash), it->child_count));
		memcpy(it->children, children, it->child_count * sizeof(struct hash));
	}
	if (2 * (b->count + 1) > b->slot_count)
		resize(b, b->slot_count ? b->slot_count * 2 : 64);
	b->slots[slot_of(b, hash)] = it;
	b->count++;
	b->bytes += it->size;
	return it;
}

struct hash blobs_put(struct blobs *b, struct str bytes)
{
	struct hash hash = hash_of(bytes);
	if (blobs_find(b, hash))
		return hash;
	char *copy = must_alloc(bytes.len);
	memcpy(copy, bytes.ptr, bytes.len);
	struct blob *it = add(b, hash, (struct str){ copy, bytes.len });
	it->owned = true;
	vec_push(&b->pending, (struct hashed){ hash, it->bytes });
	return hash;
}

void blobs_load(struct blobs *b, const struct hashed *at, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!blobs_find(b, at[i].hash))
			add(b, at[i].hash, at[i].bytes)->stored = true;
}

const struct hashed *blobs_pending(const struct blobs *b, size_t *count)
{
	*count = b->pending.count;
	return b->pending.at;
}

void blobs_stored(struct blobs *b)
{
	for (size_t i = 0; i < b->pending.count; i++) {
		struct blob *it = blobs_find(b, b->pending.at[i].hash);
		it->stored = true;
		it->owned = false;
		free((void *)(uintptr_t)it->bytes.ptr);
		it->bytes = (struct str){ 0 };
	}
	b->pending.count = 0;
}

const struct hash *blobs_missing(const struct blobs *b)
{
	return b->is_missing ? &b->missing : NULL;
}

/* ---- sweeping ---- */

static void mark(struct blobs *b, const struct hash *roots, size_t count)
{
	VEC(struct hash) open = { 0 };
	for (size_t i = 0; i < count; i++)
		vec_push(&open, roots[i]);
	while (open.count > 0) {
		struct blob *it = blobs_find(b, open.at[--open.count]);
		if (!it || it->marked == b->sweeps)
			continue;
		it->marked = b->sweeps;
		b->live_count++;
		b->live_bytes += it->size;
		for (size_t i = 0; i < it->child_count; i++)
			vec_push(&open, it->children[i]);
	}
	vec_clear(&open);
}

static void drop_unmarked(struct blobs *b)
{
	size_t kept = 0;
	for (size_t i = 0; i < b->pending.count; i++)
		if (blobs_find(b, b->pending.at[i].hash)->marked == b->sweeps)
			b->pending.at[kept++] = b->pending.at[i];
	b->pending.count = kept;
	for (size_t i = 0; i < b->slot_count; i++) {
		struct blob *it = b->slots[i];
		if (!it || it->marked == b->sweeps)
			continue;
		if (it->stored)
			vec_push(&b->dead, it->hash);
		free_blob(it);
		b->slots[i] = NULL;
	}
	b->count = b->live_count;
	b->bytes = b->live_bytes;
	resize(b, b->slot_count);
}

const struct hash *blobs_sweep(struct blobs *b, struct str checkpoint, size_t *count)
{
	b->dead.count = *count = 0;
	if (b->count <= 2 * b->live_count + SLACK_COUNT &&
	    b->bytes <= 2 * b->live_bytes + SLACK_BYTES)
		return NULL;
	struct reader r = reader_of(checkpoint_body(checkpoint));
	const uint8_t *roots;
	uint64_t root_count;
	if (!blob_children(&r, &roots, &root_count))
		BUG("a checkpoint that was just saved can't be read");
	b->sweeps++;
	b->live_count = 0;
	b->live_bytes = 0;
	mark(b, (const struct hash *)roots, (size_t)root_count);
	drop_unmarked(b);
	*count = b->dead.count;
	return b->dead.at;
}

/* ---- by address ---- */

static size_t place_slot(const struct blobs *b, const void *at)
{
	size_t slot = ((uintptr_t)at >> 4) * 0x9e3779b97f4a7c15u >> 20 & (b->place_room - 1);
	while (b->places[slot].at && b->places[slot].at != at)
		slot = (slot + 1) & (b->place_room - 1);
	return slot;
}

const struct place *blobs_place(const struct blobs *b, const void *at)
{
	if (!b->place_room)
		return NULL;
	const struct place *place = &b->places[place_slot(b, at)];
	return place->at ? place : NULL;
}

void blobs_note(struct blobs *b, struct place place)
{
	if (2 * (b->place_count + 1) > b->place_room) {
		struct place *old = b->places;
		size_t old_room = b->place_room;
		b->place_room = old_room ? old_room * 2 : 64;
		b->places = must_alloc(arena_bytes(sizeof(*b->places), b->place_room));
		memset(b->places, 0, b->place_room * sizeof(*b->places));
		for (size_t i = 0; i < old_room; i++)
			if (old[i].at)
				b->places[place_slot(b, old[i].at)] = old[i];
		free(old);
	}
	struct place *slot = &b->places[place_slot(b, place.at)];
	b->place_count += !slot->at;
	*slot = place;
}

void blobs_forget_places(struct blobs *b)
{
	if (!b)
		return;
	for (size_t i = 0; i < b->place_room; i++) {
		if (!b->places[i].spine)
			continue;
		vec_clear(&b->places[i].spine->segments);
		free(b->places[i].spine);
	}
	free(b->places);
	b->places = NULL;
	b->place_count = b->place_room = 0;
}
