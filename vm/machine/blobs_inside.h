/*
 * blobs_inside.h - what the files of blobs.h and the checkpoint share
 *
 *   blob, and the body of a checkpoint:  count of children, their hashes (16 each), what it holds
 *
 * What it holds: a record as value_encode() writes it; of a list its count, of a text its length,
 * then segments until it is reached. A segment: LEB128 of n << 1 | 1, the number of the child that
 * holds those n, in the same form; or of n << 1, then the n elements or bytes. All of one kind: who
 * refers to it says which.
 */
#ifndef VM_MACHINE_BLOBS_INSIDE_H
#define VM_MACHINE_BLOBS_INSIDE_H

#include "vm/base/vec.h"
#include "vm/machine/blobs.h"
#include "vm/machine/value.h"

struct blob {
	struct hash hash;
	struct str bytes;	/* NULL: stored, and not needed here */
	bool owned;		/* the bytes are malloc'd */
	bool stored;
	uint64_t size;
	struct hash *children;	/* malloc'd */
	size_t child_count;
	uint64_t marked;	/* the sweep that reached it last */
	uint64_t restored;	/* the restore that made `value` of it */
	struct value value;
};

/* A run of a list's elements that is one blob. */
struct segment {
	size_t first, count;
	uint32_t level;
	bool made;
	struct hash hash;
};

/* The segments of a list that may grow in its store. */
struct spine {
	VEC(struct segment) segments;
	bool busy;
};

/* What is known of an object in the machine's heap: that it is a blob, or small; of a list's store
 * its spine. */
struct place {
	const void *at;
	enum { PLACE_SMALL, PLACE_BLOB, PLACE_STORE } is;
	struct hash hash;
	struct spine *spine;
};

struct blobs {
	size_t limit_bytes;
	struct blob **slots;	/* by hash; a power of two of them */
	size_t count, slot_count;
	VEC(struct hashed) pending;
	VEC(struct hash) dead;
	uint64_t bytes, live_bytes;
	size_t live_count;
	uint64_t sweeps, restores;
	struct place *places;	/* by address; a power of two of them */
	size_t place_count, place_room;
	struct hash missing;
	bool is_missing;
};

/* NULL: there is none. */
struct blob *blobs_find(const struct blobs *b, struct hash hash);
/* Takes a copy of the bytes if it is new. */
struct hash blobs_put(struct blobs *b, struct str bytes);
/* NULL: nothing is known of it. Until the next blobs_note(). */
const struct place *blobs_place(const struct blobs *b, const void *at);
void blobs_note(struct blobs *b, struct place place);
/* Objects have moved, or may have. b may be NULL. */
void blobs_forget_places(struct blobs *b);

/* Forgets what was read of them, and what was missing. */
void blobs_begin_restore(struct blobs *b);

/* Writes a blob, or the body of a checkpoint. b NULL: everything goes into the body. */
struct blob_writer {
	struct blobs *b;
	const void *whole; /* the object that it is for, which is written itself */
	VEC(struct hash) children;
	struct buf body;
	struct value_refs refs;
};
void blob_writer_open(struct blob_writer *w, struct blobs *b, const void *whole);
void blob_writer_add(struct blob_writer *w, const struct value *at, size_t count);
/* Appends it to out and forgets it; out NULL: only that. */
void blob_writer_close(struct blob_writer *w, struct buf *out);

/* Reads one. */
struct blob_reader {
	struct blobs *b;
	struct heap *heap;
	struct reader r;
	const uint8_t *children;
	uint64_t child_count;
	struct value_refs refs;
};
/* b may be NULL. has_children: what is not a checkpoint of the first format. False: it is
 * damaged. */
bool blob_reader_open(struct blob_reader *br, struct blobs *b, struct heap *h, struct str bytes,
		      bool has_children);
bool blob_reader_take(struct blob_reader *br, uint32_t depth, struct value *at, size_t count);
/* The hashes at the beginning, for one who wants no more. */
bool blob_children(struct reader *r, const uint8_t **at, uint64_t *count);

#endif
