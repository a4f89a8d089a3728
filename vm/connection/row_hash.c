/* row_hash.c - the sum of the hashes of rows */
#include "vm/connection/row_hash.h"
#include "vm/base/hash.h"

static const struct stream_type *leaf(const struct stream_type *t)
{
	while (t->family == FAMILY_ARRAY)
		t = t->element;
	return t;
}

const char *row_hash_lacks(const struct connection_kind *from_kind, const struct stream_type *from,
			   const struct connection_kind *to_kind, const struct stream_type *to)
{
	bool is_same = from_kind == to_kind && str_eq(from->name, to->name);
	bool is_array = to->family == FAMILY_ARRAY;

	to = leaf(to);
	if (is_same && !(is_array && to_kind == &clickhouse_kind))
		return NULL;
	if (to->family == FAMILY_OTHER)
		return "the server may write a value of this type in another way than it was given";
	if (to->family == FAMILY_JSON && !str_eq(to->name, STR("json")))
		return "the server writes JSON anew";
	if (is_array && to->family == FAMILY_INSTANT && to_kind == &clickhouse_kind)
		return "times in arrays are written in the server's zone";
	return NULL;
}

static void add_line(struct row_hasher *h, struct str line, struct row_sum *sum)
{
	struct str field;

	buf_reset(&h->line);
	for (size_t i = 0; i < h->count && stream_field(&line, &field); i++) {
		if (stream_is_null(field)) {
			buf_byte(&h->line, 0);
			continue;
		}
		buf_byte(&h->line, 1);
		buf_reset(&h->value);
		row_value(h, &h->columns[i].type, field, &h->value);
		buf_sized(&h->line, buf_view(&h->value));
	}
	sum->hash += hash_64(buf_view(&h->line));
	sum->rows++;
}

void row_hash_add(struct row_hasher *h, struct str rows, struct row_sum *sum)
{
	while (rows.len) {
		const char *end = memchr(rows.ptr, '\n', rows.len);
		size_t len = end ? (size_t)(end - rows.ptr) : rows.len;

		add_line(h, (struct str){ rows.ptr, len }, sum);
		rows.ptr += len + (end != NULL);
		rows.len -= len + (end != NULL);
	}
}

void row_hasher_clear(struct row_hasher *h)
{
	buf_clear(&h->line);
	buf_clear(&h->value);
	buf_clear(&h->scratch[0]);
	buf_clear(&h->scratch[1]);
	*h = (struct row_hasher){ 0 };
}

struct row_sum row_sum_less(struct row_sum all, struct row_sum before)
{
	return (struct row_sum){ all.rows - before.rows, all.hash - before.hash };
}

bool row_sum_eq(struct row_sum a, struct row_sum b)
{
	return a.rows == b.rows && a.hash == b.hash;
}

void row_sum_print(struct buf *out, struct row_sum sum)
{
	buf_format(out, "%lld rows, checksum %016llx", (long long)sum.rows,
		   (unsigned long long)sum.hash);
}
