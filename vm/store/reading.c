/* reading.c - cells of a row that somebody may have edited by hand: believed when they make sense,
 * else refused */
#include "vm/store/backend.h"
#include <stdio.h>

const char *const status_words[STATUS_COUNT] = {
#define STATUS(name, word, label) word,
#include "vm/store/status.def"
#undef STATUS
};
const char *const operation_status_words[OPERATION_STATUS_COUNT] = {
#define OPERATION_STATUS(name, word) word,
#include "vm/store/operation_status.def"
#undef OPERATION_STATUS
};
const char *const phase_words[PHASE_COUNT] = {
#define RUN_PHASE(name, word) word,
#include "vm/store/phase.def"
#undef RUN_PHASE
};

static const char *const status_labels[STATUS_COUNT] = {
#define STATUS(name, word, label) label,
#include "vm/store/status.def"
#undef STATUS
};

const char *status_word(enum migration_status s)
{
	return status_words[s];
}

const char *status_label(enum migration_status s)
{
	return status_labels[s];
}

const char *operation_status_word(enum operation_status s)
{
	return operation_status_words[s];
}

bool status_is_active(enum migration_status status)
{
	switch (status) {
	case STATUS_STARTING:
	case STATUS_RUNNING:
	case STATUS_STOPPING:
	case STATUS_ROLLING_BACK:
		return true;
	case STATUS_NOT_STARTED:
	case STATUS_STOPPED:
	case STATUS_ERRORED:
	case STATUS_ROLLED_BACK:
	case STATUS_COMPLETED:
	case STATUS_FAILED_AT_STARTUP:
	case STATUS_COUNT:
		return false;
	}
	return false;
}

static void refuse(struct reading *r, const char *column, const char *format, ...)
	PRINTF_LIKE(3, 4);
static void refuse(struct reading *r, const char *column, const char *format, ...)
{
	if (r->failed != OUTCOME_OK)
		return;
	struct buf words = { 0 };
	va_list args;
	va_start(args, format);
	buf_vformat(&words, format, args);
	va_end(args);
	r->failed =
		damaged(r->store, r->err, r->table, r->name, "column %s: %s", column, words.ptr);
	buf_clear(&words);
}

int64_t reading_int(struct reading *r, size_t column, const char *name, int64_t low, int64_t high)
{
	const struct field *f = rows_at(r->rows, r->row, column);
	if (f->kind != FIELD_INT)
		refuse(r, name, "it has no number");
	else if (f->number < low || f->number > high)
		refuse(r, name, "%lld is not between %lld and %lld", (long long)f->number,
		       (long long)low, (long long)high);
	else
		return f->number;
	return low;
}

bool reading_bool(struct reading *r, size_t column)
{
	const struct field *f = rows_at(r->rows, r->row, column);
	return f->kind == FIELD_INT && f->number != 0;
}

struct str reading_text(struct reading *r, size_t column)
{
	return rows_at(r->rows, r->row, column)->text;
}

struct hash reading_hash(struct reading *r, size_t column, const char *name, bool may_be_empty)
{
	struct hash h = { { 0 } };
	struct str hex = reading_text(r, column);
	if (!(hex.len == 0 && may_be_empty) && !hash_from_hex(hex, &h))
		refuse(r, name, "'%.*s' is not a hash of 32 hexadecimal digits", STR_ARG(hex));
	return h;
}

int64_t reading_time(struct reading *r, size_t column, const char *name)
{
	const struct field *f = rows_at(r->rows, r->row, column);
	if (f->kind != FIELD_INT || f->number == -1)
		refuse(r, name, "it is not a time; write it as 2026-11-22T08:00:00.000Z");
	return f->number;
}

int reading_word(struct reading *r, size_t column, const char *name, const char *const *words,
		 int count)
{
	struct str word = reading_text(r, column);
	for (int i = 0; i < count; i++)
		if (str_eq(word, str_c(words[i])))
			return i;
	struct buf list = { 0 };
	for (int i = 0; i < count; i++)
		buf_format(&list, "%s%s", i ? ", " : "", words[i]);
	refuse(r, name, "'%.*s' is unknown; it is one of %s", STR_ARG(word), list.ptr);
	buf_clear(&list);
	return 0;
}

enum outcome reading_migration(struct reading *r, struct migration_row *out)
{
	snprintf(r->name, sizeof(r->name), "name = '%.*s'", STR_ARG(reading_text(r, 0)));
	*out = (struct migration_row){
		.name = reading_text(r, 0),
		.description = reading_text(r, 1),
		.status = (enum migration_status)reading_word(r, 2, "status", status_words,
							      STATUS_COUNT),
		.progress = (int)reading_int(r, 3, "progress", 0, 100),
		.current_operation_index =
			reading_int(r, 4, "current_operation_index", 0, INT64_MAX),
		.current_query_id = reading_text(r, 5),
		.started_at = reading_time(r, 6, "started_at"),
		.finished_at = reading_time(r, 7, "finished_at"),
		.min_version = reading_text(r, 8),
		.max_version = reading_text(r, 9),
		.module_hash = reading_hash(r, 10, "module_hash", true),
		.lease_owner = reading_text(r, 11),
		.epoch = reading_int(r, 12, "epoch", 0, INT64_MAX),
		.lease_expires_at = reading_time(r, 13, "lease_expires_at"),
		.current_run = reading_int(r, 14, "current_run", 0, INT64_MAX),
		.stop = { reading_bool(r, 15), reading_bool(r, 16), reading_bool(r, 17) },
		.wanted = (enum wanted)reading_word(r, 18, "wanted", wanted_words, WANTED_COUNT),
		.lease_left_ms = reading_int(r, 19, "lease_expires_at", 0, INT64_MAX),
		.instruction = reading_text(r, 20),
	};
	return r->failed;
}
