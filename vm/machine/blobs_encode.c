/*
 * blobs_encode.c - what of a value becomes a blob, and how long lists and texts are cut
 *
 * A list is cut where its elements so far weigh enough; eight pieces in a row of one level become
 * one of the next, up to a level all of its elements, above it the eight by their hashes. So a list
 * of any length is a few pieces and a short end, and appending makes the last of them anew. Weight
 * is of the values, not of their bytes: it is known without writing them.
 */
#include "vm/machine/blobs_inside.h"

#define FAN 8u
#define LEVEL_WHOLE_MAX 2u	/* above, a segment is one of segments */
#define LEAF_LIMITS 4u		/* weight of a segment of level 0, in limits */
#define TRIAL_LIMITS 16u	/* held in so many limits may still be written in one */
/* The pieces of a text, in limits; what is shorter than the last is whole. */
static const size_t text_limits[] = { 128, 16 };

static uint64_t child_number(struct blob_writer *w, struct hash hash)
{
	/* Not far back: a second mention does no harm. */
	size_t from = w->children.count > 32 ? w->children.count - 32 : 0;
	for (size_t i = from; i < w->children.count; i++)
		if (hash_eq(w->children.at[i], hash))
			return i;
	vec_push(&w->children, hash);
	return w->children.count - 1;
}

static struct hash put(struct blob_writer *w)
{
	struct buf bytes = { 0 };
	struct blobs *b = w->b;
	blob_writer_close(w, &bytes);
	struct hash hash = blobs_put(b, buf_view(&bytes));
	buf_clear(&bytes);
	return hash;
}

static void add_segment(struct blob_writer *w, size_t count, struct hash hash)
{
	buf_varint(&w->body, (uint64_t)count << 1 | 1);
	buf_varint(&w->body, child_number(w, hash));
}

/* ---- texts ---- */

static struct hash put_text(struct blobs *b, struct str text)
{
	struct blob_writer w;
	blob_writer_open(&w, b, NULL);
	buf_varint(&w.body, text.len);
	for (size_t i = 0; i < ARRAY_SIZE(text_limits); i++) {
		size_t size = text_limits[i] * b->limit_bytes;
		/* What is one piece and nothing else is whole anyway. */
		while (text.len > size) {
			struct blob_writer piece;
			blob_writer_open(&piece, b, NULL);
			buf_varint(&piece.body, size);
			buf_varint(&piece.body, (uint64_t)size << 1);
			buf_str(&piece.body, (struct str){ text.ptr, size });
			add_segment(&w, size, put(&piece));
			text = (struct str){ text.ptr + size, text.len - size };
		}
	}
	buf_varint(&w.body, (uint64_t)text.len << 1);
	buf_str(&w.body, text);
	return put(&w);
}

/* ---- lists ---- */

static uint64_t weight_of(const struct blobs *b, struct value v)
{
	uint64_t held = value_bytes_held(v);
	return held < b->limit_bytes ? held : b->limit_bytes;
}

static void add_values(struct blob_writer *w, const struct value *at, size_t count)
{
	buf_varint(&w->body, (uint64_t)count << 1);
	blob_writer_add(w, at, count);
}

static void make(struct blobs *b, const struct value *at, struct segment *s)
{
	struct blob_writer w;
	if (s->made)
		return;
	blob_writer_open(&w, b, NULL);
	buf_varint(&w.body, s->count);
	add_values(&w, at + s->first, s->count);
	s->hash = put(&w);
	s->made = true;
}

/* The last FAN segments as one. */
static struct segment join(struct blobs *b, const struct value *at, struct segment *from)
{
	struct segment all = { .first = from->first, .level = from->level + 1 };
	struct blob_writer w;
	for (size_t i = 0; i < FAN; i++)
		all.count += from[i].count;
	if (all.level <= LEVEL_WHOLE_MAX)
		return all;
	blob_writer_open(&w, b, NULL);
	buf_varint(&w.body, all.count);
	for (size_t i = 0; i < FAN; i++) {
		make(b, at, &from[i]);
		add_segment(&w, from[i].count, from[i].hash);
	}
	all.hash = put(&w);
	all.made = true;
	return all;
}

static bool can_join(const struct spine *spine)
{
	size_t count = spine->segments.count;
	return count >= FAN && spine->segments.at[count - FAN].level ==
				       spine->segments.at[count - 1].level;
}

static size_t covered_by(const struct spine *spine)
{
	if (spine->segments.count == 0)
		return 0;
	const struct segment *last = &spine->segments.at[spine->segments.count - 1];
	return last->first + last->count;
}

static void extend(struct blobs *b, struct spine *spine, const struct value *at, size_t count)
{
	size_t first = covered_by(spine);
	uint64_t weight = 0;
	for (size_t i = first; i < count; i++) {
		weight += weight_of(b, at[i]);
		if (weight < LEAF_LIMITS * b->limit_bytes)
			continue;
		vec_push(&spine->segments,
			 (struct segment){ .first = first, .count = i + 1 - first });
		first = i + 1;
		weight = 0;
		while (can_join(spine)) {
			size_t from = spine->segments.count - FAN;
			struct segment all = join(b, at, spine->segments.at + from);
			spine->segments.count = from;
			vec_push(&spine->segments, all);
		}
	}
}

/* What was swept is made anew, all of it. */
static void check_spine(const struct blobs *b, struct spine *spine)
{
	for (size_t i = 0; i < spine->segments.count; i++)
		if (spine->segments.at[i].made && !blobs_find(b, spine->segments.at[i].hash))
			spine->segments.count = 0;
}

static struct hash put_by_spine(struct blobs *b, struct spine *spine, const struct list *list)
{
	const struct value *at = list->store->at;
	struct blob_writer w;
	spine->busy = true;
	check_spine(b, spine);
	extend(b, spine, at, list->count);
	blob_writer_open(&w, b, NULL);
	buf_varint(&w.body, list->count);
	for (size_t i = 0; i < spine->segments.count; i++) {
		make(b, at, &spine->segments.at[i]);
		add_segment(&w, spine->segments.at[i].count, spine->segments.at[i].hash);
	}
	size_t covered = covered_by(spine);
	if (covered < list->count)
		add_values(&w, at + covered, list->count - covered);
	spine->busy = false;
	return put(&w);
}

/* The spine to go on with when the list grows: the list that it is of may hold a shorter one in the
 * same store. NULL: it is to be made for once. */
static struct spine *kept_spine(struct blobs *b, const struct list *list)
{
	const struct place *place = blobs_place(b, list->store);
	if (place)
		return place->spine->busy || covered_by(place->spine) > list->count ? NULL :
										      place->spine;
	if (list->store->room == list->count)
		return NULL;
	struct spine *spine = must_alloc(sizeof(*spine));
	*spine = (struct spine){ 0 };
	blobs_note(b, (struct place){ .at = list->store, .is = PLACE_STORE, .spine = spine });
	return spine;
}

static struct hash put_list(struct blobs *b, const struct list *list)
{
	struct spine once = { 0 }, *spine = kept_spine(b, list);
	struct hash hash = put_by_spine(b, spine ? spine : &once, list);
	vec_clear(&once.segments);
	return hash;
}

/* ---- what becomes a blob ---- */

/* A list or record that may be small enough: written, to see. */
static bool put_parts(struct blobs *b, struct value v, struct hash *hash)
{
	const void *object = v.kind == VALUE_LIST ? (const void *)v.list : v.record;
	bool is_list = v.kind == VALUE_LIST;
	struct blob_writer w;
	if (is_list && value_bytes_held(v) > TRIAL_LIMITS * b->limit_bytes) {
		*hash = put_list(b, v.list);
		return true;
	}
	blob_writer_open(&w, b, object);
	blob_writer_add(&w, &v, 1);
	bool is_large = w.body.len + w.children.count * sizeof(struct hash) > b->limit_bytes;
	if (is_large && !is_list) {
		*hash = put(&w);
		return true;
	}
	blob_writer_close(&w, NULL);
	if (is_large)
		*hash = put_list(b, v.list);
	return is_large;
}

static const void *object_of(struct value v)
{
	switch (v.kind) {
	case VALUE_STRING:
	case VALUE_BYTES:
	case VALUE_VERSION:
		return v.text;
	case VALUE_LIST:
		return v.list;
	case VALUE_RECORD:
		return v.record;
	/* SQL lives as long as its statement; its parts may live longer. */
	case VALUE_SQL:
	case VALUE_IDENT:
	case VALUE_NULL:
	case VALUE_BOOL:
	case VALUE_INT:
	case VALUE_FLOAT:
	case VALUE_DURATION:
	case VALUE_TIMESTAMP:
	case VALUE_CONNECTION:
	case VALUE_KIND_COUNT:
		break;
	}
	return NULL;
}

static bool refer(void *context, struct value v, struct buf *out)
{
	struct blob_writer *w = context;
	struct blobs *b = w->b;
	const void *object = object_of(v);
	if (!object || object == w->whole || value_bytes_held(v) <= b->limit_bytes)
		return false;
	const struct place *known = blobs_place(b, object);
	struct place place = { .at = object };
	if (known && (known->is == PLACE_SMALL || blobs_find(b, known->hash))) {
		place = *known;
	} else {
		bool is_text = v.kind != VALUE_LIST && v.kind != VALUE_RECORD;
		bool is_blob = is_text ? v.text->len > b->limit_bytes :
					 put_parts(b, v, &place.hash);
		if (is_text && is_blob)
			place.hash = put_text(b, value_text(v));
		place.is = is_blob ? PLACE_BLOB : PLACE_SMALL;
		blobs_note(b, place);
	}
	if (place.is == PLACE_SMALL)
		return false;
	buf_u8(out, (uint8_t)(VALUE_REFERENCE | v.kind));
	buf_varint(out, child_number(w, place.hash));
	return true;
}

/* ---- the writer ---- */

void blob_writer_open(struct blob_writer *w, struct blobs *b, const void *whole)
{
	*w = (struct blob_writer){ .b = b, .whole = whole, .refs = { .refer = refer } };
}

void blob_writer_add(struct blob_writer *w, const struct value *at, size_t count)
{
	w->refs.context = w;
	value_encode_parts(at, count, w->b ? &w->refs : NULL, &w->body);
}

void blob_writer_close(struct blob_writer *w, struct buf *out)
{
	if (out) {
		buf_varint(out, w->children.count);
		if (w->children.count)
			buf_add(out, w->children.at, w->children.count * sizeof(struct hash));
		buf_str(out, buf_view(&w->body));
	}
	vec_clear(&w->children);
	buf_clear(&w->body);
}
