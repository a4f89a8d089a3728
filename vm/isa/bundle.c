/* bundle.c - the file of many module images: reading, finding, writing */
#include "vm/isa/image.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static enum outcome damaged(struct error *err, const char *what)
{
	return error_set(err, OUTCOME_DAMAGED, "the bundle is damaged: %s", what);
}

static struct hash read_hash(struct reader *r)
{
	struct hash hash = { 0 };
	struct str bytes = reader_bytes(r, sizeof(hash.bytes));
	if (bytes.len == sizeof(hash.bytes))
		memcpy(hash.bytes, bytes.ptr, sizeof(hash.bytes));
	return hash;
}

static enum outcome read_head(struct bundle *b, struct reader *r, struct error *err)
{
	struct str bytes = b->bytes;
	if (bytes.len < BUNDLE_HEAD_BYTES || !str_starts(bytes, STR(BUNDLE_MAGIC)))
		return error_set(err, OUTCOME_DAMAGED,
				 "this is no bundle: it does not begin as one");
	reader_bytes(r, sizeof(BUNDLE_MAGIC) - 1);
	if (format_read(r, "bundle", err) != OUTCOME_OK)
		return OUTCOME_DAMAGED;
	b->count = reader_u32(r);
	uint64_t size = reader_u64(r);
	struct hash hash = read_hash(r);
	if (size != bytes.len)
		return error_set(err, OUTCOME_DAMAGED,
				 "the bundle is damaged: it should have %llu bytes, has %zu",
				 (unsigned long long)size, bytes.len);
	struct str rest = { bytes.ptr + BUNDLE_HEAD_BYTES, bytes.len - BUNDLE_HEAD_BYTES };
	if (!hash_eq(hash_of(rest), hash))
		return damaged(err, "its hash is not that of its bytes");
	if (b->count > rest.len / BUNDLE_ENTRY_BYTES)
		return damaged(err, "its index does not fit into it");
	return OUTCOME_OK;
}

static size_t aligned(size_t at)
{
	return (at + 7) & ~(size_t)7;
}

static bool lies_within(const struct bundle *b, uint64_t offset, uint64_t length)
{
	return offset <= b->bytes.len && length <= b->bytes.len - offset;
}

enum outcome bundle_open(struct bundle *b, struct str bytes, struct error *err)
{
	if ((uintptr_t)bytes.ptr % 8 != 0)
		BUG("a bundle must be 8-aligned");
	*b = (struct bundle){ .bytes = bytes };
	struct reader r = reader_of(bytes);
	enum outcome outcome = read_head(b, &r, err);
	struct bundle_entry *entries = NULL;
	size_t end = BUNDLE_HEAD_BYTES + (size_t)b->count * BUNDLE_ENTRY_BYTES;
	if (outcome == OUTCOME_OK)
		entries = arena_array(&b->arena, struct bundle_entry, b->count);
	for (uint32_t i = 0; outcome == OUTCOME_OK && i < b->count; i++) {
		uint32_t name_at = reader_u32(&r), name_len = reader_u32(&r);
		uint64_t image_at = reader_u64(&r), image_len = reader_u64(&r);
		entries[i].identity = read_hash(&r);
		if (!lies_within(b, name_at, name_len) || !lies_within(b, image_at, image_len) ||
		    image_at % 8 != 0) {
			outcome = damaged(err, "a migration of its index lies outside");
			break;
		}
		entries[i].name = (struct str){ bytes.ptr + name_at, name_len };
		entries[i].image = (struct str){ bytes.ptr + image_at, (size_t)image_len };
		if (end < image_at + image_len)
			end = aligned((size_t)(image_at + image_len));
		if (!str_is_utf8(entries[i].name))
			outcome = damaged(err, "the name of a migration is not UTF-8");
		else if (i > 0 && str_compare(entries[i - 1].name, entries[i].name) >= 0)
			outcome = damaged(err, "its index is not sorted");
	}
	b->entries = entries;
	if (outcome == OUTCOME_OK && end < bytes.len)
		b->record = (struct str){ bytes.ptr + end, bytes.len - end };
	if (outcome != OUTCOME_OK)
		bundle_clear(b);
	return outcome;
}

/* All of it, or fewer bytes if the file has become shorter since it was looked at. */
static bool read_whole(int fd, char *to, size_t *len)
{
	size_t got = 0;

	while (got < *len) {
		ssize_t n = read(fd, to + got, *len - got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		if (n == 0)
			break;
		got += (size_t)n;
	}
	*len = got;
	return true;
}

/* Not mapped: whoever writes over the file would change, or take away, what a run is at. */
enum outcome bundle_read(struct bundle *b, const char *path, struct error *err)
{
	struct stat st;
	*b = (struct bundle){ 0 };
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return error_set(err, OUTCOME_UNREACHABLE, "cannot open %s: %s", path,
				 strerror(errno));
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return error_set(err, OUTCOME_UNREACHABLE, "cannot read %s: not a file", path);
	}
	if (st.st_size < (off_t)BUNDLE_HEAD_BYTES) {
		close(fd);
		return error_set(err, OUTCOME_DAMAGED,
				 "%s: this is no bundle: it does not begin as one", path);
	}
	size_t len = (size_t)st.st_size;
	char *bytes = must_alloc(len);
	bool good = read_whole(fd, bytes, &len);
	int problem = errno;
	close(fd);
	if (!good) {
		free(bytes);
		return error_set(err, OUTCOME_UNREACHABLE, "cannot read %s: %s", path,
				 strerror(problem));
	}
	enum outcome outcome = bundle_open(b, (struct str){ bytes, len }, err);
	if (outcome != OUTCOME_OK) {
		error_prefix(err, "%s: ", path);
		free(bytes);
		return outcome;
	}
	b->own = bytes;
	return OUTCOME_OK;
}

const struct bundle_entry *bundle_find(const struct bundle *b, struct str name)
{
	uint32_t low = 0, high = b->count;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		int order = str_compare(b->entries[middle].name, name);
		if (order == 0)
			return &b->entries[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

void bundle_clear(struct bundle *b)
{
	if (!b)
		return;
	free(b->own);
	arena_clear(&b->arena);
	*b = (struct bundle){ 0 };
}

static void write_index(const struct bundle_entry *entries, uint32_t count, struct buf *out)
{
	size_t name_at = BUNDLE_HEAD_BYTES + (size_t)count * BUNDLE_ENTRY_BYTES, image_at = name_at;

	for (uint32_t i = 0; i < count; i++)
		image_at += entries[i].name.len;
	image_at = aligned(image_at);
	for (uint32_t i = 0; i < count; i++) {
		buf_u32(out, (uint32_t)name_at);
		buf_u32(out, (uint32_t)entries[i].name.len);
		buf_u64(out, image_at);
		buf_u64(out, entries[i].image.len);
		buf_add(out, entries[i].identity.bytes, sizeof(entries[i].identity.bytes));
		name_at += entries[i].name.len;
		image_at += aligned(entries[i].image.len);
	}
}

/* What lies behind the part before already, as the images of a batch do, becomes one with it. */
static void add_part(struct bundle_parts *out, struct str bytes)
{
	struct str *last = out->all.count ? &out->all.at[out->all.count - 1] : NULL;

	out->bytes += bytes.len;
	if (last && last->ptr + last->len == bytes.ptr)
		last->len += bytes.len;
	else if (bytes.len)
		vec_push(&out->all, bytes);
}

/* The size and the hash come last, into their place: both speak of everything. */
static void seal(struct bundle_parts *out)
{
	uint64_t size = htole64(out->bytes);
	struct str *front = &out->all.at[0], whole = *front;
	struct hash hash;
	char *at = out->front.ptr + sizeof(BUNDLE_MAGIC) - 1 + 2 * sizeof(uint32_t);

	*front = (struct str){ whole.ptr + BUNDLE_HEAD_BYTES, whole.len - BUNDLE_HEAD_BYTES };
	hash = hash_of_parts(out->all.at, out->all.count);
	*front = whole;
	memcpy(at, &size, sizeof(size));
	memcpy(at + sizeof(size), hash.bytes, sizeof(hash.bytes));
}

void bundle_write(const struct bundle_entry *entries, uint32_t count, struct buf *record,
		  struct bundle_parts *out)
{
	static const char unknown[sizeof(uint64_t) + sizeof(struct hash)], padding[8];

	*out = (struct bundle_parts){ .record = *record };
	*record = (struct buf){ 0 };
	buf_text(&out->front, BUNDLE_MAGIC);
	buf_u32(&out->front, MODULE_FORMAT);
	buf_u32(&out->front, count);
	buf_add(&out->front, unknown, sizeof(unknown));
	write_index(entries, count, &out->front);
	for (uint32_t i = 0; i < count; i++)
		buf_str(&out->front, entries[i].name);
	buf_align(&out->front, 8);
	add_part(out, buf_view(&out->front));
	for (uint32_t i = 0; i < count; i++) {
		size_t len = entries[i].image.len;

		add_part(out, entries[i].image);
		add_part(out, (struct str){ padding, aligned(len) - len });
	}
	add_part(out, buf_view(&out->record));
	out->failed = out->front.failed || out->record.failed || out->bytes > BUF_CAP_BYTES;
	if (!out->failed)
		seal(out);
}

void bundle_parts_clear(struct bundle_parts *p)
{
	buf_clear(&p->front);
	buf_clear(&p->record);
	vec_clear(&p->all);
	*p = (struct bundle_parts){ 0 };
}

bool bundle_is(const struct bundle *b, const struct bundle_parts *parts)
{
	return b->bytes.len == parts->bytes &&
	       memcmp(b->bytes.ptr, parts->front.ptr, BUNDLE_HEAD_BYTES) == 0;
}
