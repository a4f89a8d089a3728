/* envelope.c - see envelope.h */
#include "vm/run/envelope.h"

void envelope_put(struct buf *out, struct str s)
{
	buf_varint(out, s.len);
	buf_str(out, s);
}

struct str envelope_take(struct reader *in)
{
	uint64_t len = reader_varint(in);

	return in->failed || len > reader_left(in) ? STR("") : reader_bytes(in, (size_t)len);
}

void envelope_close(const struct run *r, const char *which, uint8_t format, struct str parts,
		    struct buf *out)
{
	struct buf body = { 0 };

	buf_varint(&body, 0);
	buf_str(&body, parts);
	buf_text(out, which);
	buf_u8(out, format);
	buf_add(out, r->module.identity.bytes, sizeof(r->module.identity.bytes));
	buf_u64(out, hash_64(buf_view(&body)));
	buf_str(out, buf_view(&body));
	buf_clear(&body);
}

bool envelope_open(const struct run *r, const char *which, uint8_t format, struct str checkpoint,
		   struct reader *in)
{
	struct hash identity = { 0 };
	struct str bytes;
	uint64_t hash;

	*in = reader_of(checkpoint);
	reader_bytes(in, strlen(which));
	if (reader_u8(in) != format)
		return false;
	bytes = reader_bytes(in, sizeof(identity.bytes));
	if (bytes.len == sizeof(identity.bytes))
		memcpy(identity.bytes, bytes.ptr, bytes.len);
	hash = reader_u64(in);
	return !in->failed && hash_eq(identity, r->module.identity) &&
	       hash == hash_64((struct str){ (const char *)in->at, reader_left(in) }) &&
	       reader_varint(in) == 0;
}
