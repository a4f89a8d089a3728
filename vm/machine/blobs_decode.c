/* blobs_decode.c - values out of blobs: any bytes are either read or refused */
#include "vm/machine/blobs_inside.h"

#define SEGMENTS_DEPTH_MAX 16u

static bool fetch(void *context, enum value_kind kind, uint32_t depth, struct reader *r,
		  struct value *out);

void blobs_begin_restore(struct blobs *b)
{
	b->restores++;
	b->is_missing = false;
}

bool blob_reader_open(struct blob_reader *br, struct blobs *b, struct heap *h, struct str bytes,
		      bool has_children)
{
	*br = (struct blob_reader){ .b = b, .heap = h, .r = reader_of(bytes),
				    .refs = { .fetch = fetch } };
	return !has_children || blob_children(&br->r, &br->children, &br->child_count);
}

bool blob_reader_take(struct blob_reader *br, uint32_t depth, struct value *at, size_t count)
{
	br->refs.context = br;
	return value_decode_parts(&br->r, br->heap, &br->refs, depth, at, count);
}

static struct blob *child(struct blob_reader *br)
{
	uint64_t number = reader_varint(&br->r);
	struct hash hash;
	if (br->r.failed || number >= br->child_count)
		return NULL;
	memcpy(hash.bytes, br->children + number * sizeof(hash), sizeof(hash));
	struct blob *it = br->b ? blobs_find(br->b, hash) : NULL;
	if (br->b && (!it || !it->bytes.ptr)) {
		br->b->missing = hash;
		br->b->is_missing = true;
		return NULL;
	}
	return it;
}

/* What is put together of segments: elements or bytes. */
struct gathered {
	VEC(struct value) values;
	struct buf text;
	bool is_list;
	uint32_t depth; /* of an element */
};

static bool take_here(struct blob_reader *br, struct gathered *to, uint64_t count)
{
	if (!to->is_list) {
		struct str bytes = reader_bytes(&br->r, (size_t)count);
		buf_str(&to->text, bytes);
		return !br->r.failed;
	}
	size_t from = to->values.count;
	for (uint64_t i = 0; i < count; i++)
		vec_push(&to->values, value_null());
	return blob_reader_take(br, to->depth, to->values.at + from, (size_t)count);
}

/* All that the reader holds: `wanted` of them. */
static bool gather(struct blob_reader *br, struct gathered *to, uint64_t wanted, uint32_t level)
{
	if (level > SEGMENTS_DEPTH_MAX || reader_varint(&br->r) != wanted)
		return false;
	while (wanted > 0) {
		uint64_t head = reader_varint(&br->r), count = head >> 1;
		if (br->r.failed || count == 0 || count > wanted)
			return false;
		wanted -= count;
		if (head & 1) {
			struct blob_reader part;
			const struct blob *it = child(br);
			if (!it || !blob_reader_open(&part, br->b, br->heap, it->bytes, true) ||
			    !gather(&part, to, count, level + 1))
				return false;
		} else if (count > reader_left(&br->r) || !take_here(br, to, count)) {
			return false;
		}
	}
	return !br->r.failed && reader_left(&br->r) == 0;
}

static bool read_gathered(struct blob_reader *br, enum value_kind kind, uint32_t depth,
			  struct value *out)
{
	struct gathered all = { .is_list = kind == VALUE_LIST, .depth = depth + 1 };
	struct reader ahead = br->r;
	uint64_t count = reader_varint(&ahead);
	/* Each takes so much at least: a count that is made up makes us hold no more than that. */
	uint64_t most = all.is_list ? VALUE_BYTES_MAX / sizeof(struct value) : VALUE_BYTES_MAX;
	bool good = count <= most && gather(br, &all, count, 0);
	if (good && all.is_list)
		*out = value_list(br->heap, all.values.at, all.values.count);
	else if (good)
		*out = kind == VALUE_STRING ? value_string(br->heap, buf_view(&all.text)) :
		       kind == VALUE_BYTES  ? value_bytes(br->heap, buf_view(&all.text)) :
					      value_version(br->heap, buf_view(&all.text));
	vec_clear(&all.values);
	buf_clear(&all.text);
	return good;
}

static bool read_blob(struct blob_reader *br, enum value_kind kind, uint32_t depth,
		      struct value *out)
{
	switch (kind) {
	case VALUE_STRING:
	case VALUE_BYTES:
	case VALUE_VERSION:
	case VALUE_LIST:
		return read_gathered(br, kind, depth, out);
	case VALUE_RECORD:
		return blob_reader_take(br, depth, out, 1) && out->kind == VALUE_RECORD &&
		       reader_left(&br->r) == 0;
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
	return false;
}

/* What is shared among values stays shared: each blob is read once. */
static bool fetch(void *context, enum value_kind kind, uint32_t depth, struct reader *r UNUSED,
		  struct value *out)
{
	struct blob_reader *br = context, inner;
	struct blob *it = child(br);
	if (!it)
		return false;
	if (it->restored == br->b->restores && it->value.kind == kind) {
		*out = it->value;
	} else {
		if (!blob_reader_open(&inner, br->b, br->heap, it->bytes, true) ||
		    !read_blob(&inner, kind, depth, out))
			return false;
		it->value = *out;
		it->restored = br->b->restores;
	}
	return depth + value_depth(*out) <= VALUE_DEPTH_MAX &&
	       value_bytes_held(*out) <= VALUE_BYTES_MAX;
}
