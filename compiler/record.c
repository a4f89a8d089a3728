/* record.c - see record.h */
#include "compiler/record.h"
#include "compiler/fingerprint.h"

static void put_hash(struct buf *out, struct hash hash)
{
	buf_add(out, hash.bytes, sizeof(hash.bytes));
}

static struct hash read_hash(struct reader *r)
{
	struct hash hash = {{0}};
	struct str bytes = reader_bytes(r, sizeof(hash.bytes));

	if (bytes.len)
		memcpy(hash.bytes, bytes.ptr, sizeof(hash.bytes));
	return hash;
}

/* A count of things that take at least so many bytes each. */
static uint32_t read_count(struct reader *r, size_t each)
{
	uint64_t count = reader_varint(r);

	if (count > reader_left(r) / each)
		r->failed = true;
	return r->failed ? 0 : (uint32_t)count;
}

static void read_file(struct record *r, struct record_file *file, const struct bundle *b,
		      struct reader *in)
{
	uint64_t place;
	uint32_t *uses;

	file->shown = reader_sized(in);
	file->hash = read_hash(in);
	place = reader_varint(in);
	if (place > b->count)
		in->failed = true;
	else if (place)
		file->entry = &b->entries[place - 1];
	file->use_count = read_count(in, 1);
	uses = arena_array(&r->arena, uint32_t, file->use_count);
	for (uint32_t i = 0; i < file->use_count; i++) {
		uint64_t number = reader_varint(in);

		if (number >= r->library_count)
			in->failed = true;
		uses[i] = (uint32_t)number;
	}
	file->uses = uses;
}

bool record_read(struct record *r, const struct bundle *b)
{
	struct reader in = reader_of(b->record);
	struct hash ours = hash_of(str_c(compiler_fingerprint));

	*r = (struct record){0};
	if (!hash_eq(read_hash(&in), ours))
		return false;
	r->library_count = read_count(&in, 2 + sizeof(ours));
	r->libraries = arena_array(&r->arena, struct record_library, r->library_count);
	for (uint32_t i = 0; i < r->library_count; i++) {
		r->libraries[i].name = reader_sized(&in);
		r->libraries[i].shown = reader_sized(&in);
		r->libraries[i].hash = read_hash(&in);
	}
	r->file_count = read_count(&in, 3 + sizeof(ours));
	r->files = arena_array(&r->arena, struct record_file, r->file_count);
	for (uint32_t i = 0; i < r->file_count && !in.failed; i++) {
		read_file(r, &r->files[i], b, &in);
		map_add(&r->by_shown, r->files[i].shown, &r->files[i]);
	}
	if (!in.failed && reader_left(&in) == 0)
		return true;
	record_clear(r);
	return false;
}

void record_clear(struct record *r)
{
	map_clear(&r->by_shown);
	arena_clear(&r->arena);
	*r = (struct record){0};
}

void record_write(const struct record *r, const struct bundle_entry *entries, struct buf *out)
{
	put_hash(out, hash_of(str_c(compiler_fingerprint)));
	buf_varint(out, r->library_count);
	for (uint32_t i = 0; i < r->library_count; i++) {
		buf_sized(out, r->libraries[i].name);
		buf_sized(out, r->libraries[i].shown);
		put_hash(out, r->libraries[i].hash);
	}
	buf_varint(out, r->file_count);
	for (uint32_t i = 0; i < r->file_count; i++) {
		const struct record_file *file = &r->files[i];

		buf_sized(out, file->shown);
		put_hash(out, file->hash);
		buf_varint(out, file->entry ? (uint64_t)(file->entry - entries) + 1 : 0);
		buf_varint(out, file->use_count);
		for (uint32_t n = 0; n < file->use_count; n++)
			buf_varint(out, file->uses[n]);
	}
}
