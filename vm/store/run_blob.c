/* run_blob.c - the large values that checkpoints of a run refer to, by the hash of their bytes */
#include "vm/store/backend.h"
#include <stdio.h>

enum outcome run_blobs_put(struct store *s, const struct step *step, struct error *err)
{
	enum outcome o = OUTCOME_OK;
	char hex[HASH_HEX_SIZE];
	if (step->drop_blobs)
		o = store_run(s, STATEMENT_STEP_DROP_BLOBS, err, field_int(step->run));
	for (size_t i = 0; i < step->dropped_count && o == OUTCOME_OK; i++) {
		hash_hex(step->dropped[i], hex);
		o = store_run(s, STATEMENT_STEP_DROP_BLOB, err, field_int(step->run),
			      field_text(str_c(hex)));
	}
	for (size_t i = 0; i < step->blob_count && o == OUTCOME_OK; i++) {
		hash_hex(step->blobs[i].hash, hex);
		o = store_run(s, STATEMENT_STEP_BLOB, err, field_int(step->run),
			      field_text(str_c(hex)), field_bytes(step->blobs[i].bytes));
	}
	return o;
}

static void name_row(char *out, size_t size, int64_t run, const char *hex)
{
	snprintf(out, size, "run = %lld, hash = '%s'", (long long)run, hex);
}

enum outcome store_blob_is_missing(struct store *s, int64_t run, struct hash hash,
				   struct error *err)
{
	char hex[HASH_HEX_SIZE], row[100];
	hash_hex(hash, hex);
	name_row(row, sizeof(row), run, hex);
	return damaged(s, err, "run_blob", row, "it is missing, but the checkpoint refers to it");
}

enum outcome run_blobs_load(struct store *s, struct arena *a, struct run_state *out,
			    struct error *err)
{
	struct rows rows;
	enum outcome o = store_read(s, STATEMENT_RUN_BLOBS, a, &rows, err, field_int(out->run.id));
	if (o != OUTCOME_OK)
		return o;
	struct reading r = { .store = s, .rows = &rows, .table = "run_blob", .err = err };
	out->blobs = arena_array(a, struct hashed, rows.count);
	out->blob_count = rows.count;
	for (; r.row < rows.count; r.row++) {
		struct hashed *blob = &out->blobs[r.row];
		snprintf(r.name, sizeof(r.name), "of run %lld", (long long)out->run.id);
		blob->hash = reading_hash(&r, 0, "hash", false);
		blob->bytes = reading_text(&r, 1);
		if (r.failed != OUTCOME_OK)
			return r.failed;
		if (hash_eq(hash_of(blob->bytes), blob->hash))
			continue;
		name_row(r.name, sizeof(r.name), out->run.id, rows_at(&rows, r.row, 0)->text.ptr);
		return damaged(s, err, r.table, r.name,
			       "column bytes: it was changed (its hash differs)");
	}
	return OUTCOME_OK;
}
