/* tune.c - the windows of a run under way, as an operator wants them: said, kept and read */
#include "vm/run/tune.h"

#include "vm/run/lane.h"
#include "vm/run/session.h"
#include "vm/run/window.h"

#include <stddef.h>

enum tune_kind { TUNE_ROWS, TUNE_LANES, TUNE_TIME, TUNE_FLAG };

static const struct tune_info {
	const char *name;
	enum tune_kind kind;
	const char *sentence;
	size_t at;
} infos[] = {
#define TUNE(name, kind, sentence) { #name, TUNE_##kind, sentence, offsetof(struct tuning, name) },
#include "vm/run/tune.def"
#undef TUNE
};

#define TUNE_COUNT ARRAY_SIZE(infos)

static int64_t *field_of(struct tuning *t, const struct tune_info *info)
{
	return (int64_t *)(void *)((char *)t + info->at);
}

static bool parse(const struct tune_info *info, struct str text, int64_t *out)
{
	switch (info->kind) {
	case TUNE_ROWS:
		return str_to_int(text, out) && *out >= 1 && *out <= TUNE_ROWS_MAX;
	case TUNE_LANES:
		return str_to_int(text, out) && *out >= 1 && *out <= LANES_MAX;
	case TUNE_TIME:
		return duration_parse(text, out) && *out >= 1;
	case TUNE_FLAG:
		*out = str_eq(text, STR("true"));
		return *out || str_eq(text, STR("false"));
	}
	return false;
}

static const struct tune_info *find(struct str name)
{
	for (size_t i = 0; i < TUNE_COUNT; i++)
		if (str_eq(name, str_c(infos[i].name)))
			return &infos[i];
	return NULL;
}

static void take_row(struct str name, struct str value, struct tuning *out)
{
	const struct str begin = STR(STORE_TUNED);
	const struct tune_info *info;
	int64_t number;

	if (!str_starts(name, begin))
		return;
	info = find((struct str){ name.ptr + begin.len, name.len - begin.len });
	if (info && parse(info, value, &number))
		*field_of(out, info) = number;
}

enum outcome tune_read(struct store *store, struct str migration, struct tuning *out,
		       struct error *err)
{
	struct arena a = { 0 };
	struct str(*rows)[2];
	size_t count;
	enum outcome o = store_parameters(store, migration, &a, &rows, &count, err);

	*out = (struct tuning){ 0 };
	for (size_t i = 0; o == OUTCOME_OK && i < count; i++)
		take_row(rows[i][0], rows[i][1], out);
	arena_clear(&a);
	return o;
}

static enum outcome edited(struct str migration, struct str name, struct str value,
			   struct error *err)
{
	error_set(err, OUTCOME_DAMAGED,
		  "the state is damaged: table parameter, row migration = '%.*s', name = '%.*s': "
		  "\"%.*s\" is nothing that `amigrun tune` writes",
		  STR_ARG(migration), STR_ARG(name), STR_ARG(value));
	error_hint(err, "delete the row: the windows go as the migration says then");
	return OUTCOME_DAMAGED;
}

enum outcome tune_check(struct store *store, struct str migration, struct error *err)
{
	const struct str begin = STR(STORE_TUNED);
	struct arena a = { 0 };
	struct str(*rows)[2];
	size_t count;
	enum outcome o = store_parameters(store, migration, &a, &rows, &count, err);

	for (size_t i = 0; o == OUTCOME_OK && i < count; i++) {
		struct str name = rows[i][0];
		const struct tune_info *info;
		int64_t number;

		if (!str_starts(name, begin))
			continue;
		info = find((struct str){ name.ptr + begin.len, name.len - begin.len });
		if (!info || !parse(info, rows[i][1], &number))
			o = edited(migration, name, rows[i][1], err);
	}
	arena_clear(&a);
	return o;
}

/* ---- what is said ---- */

static enum outcome refuse_name(struct str name, struct error *err)
{
	struct buf names = { 0 };

	for (size_t i = 0; i < TUNE_COUNT; i++)
		buf_format(&names, "%s%s (%s)", i ? ", " : "", infos[i].name, infos[i].sentence);
	error_set(err, OUTCOME_USAGE, "windows have no \"%.*s\" that could be tuned",
		  STR_ARG(name));
	error_hint(err, "there are %.*s", STR_ARG(buf_view(&names)));
	buf_clear(&names);
	return OUTCOME_USAGE;
}

static enum outcome refuse_value(const struct tune_info *info, struct str value, struct error *err)
{
	error_set(err, OUTCOME_USAGE, "%s can't be \"%.*s\"", info->name, STR_ARG(value));
	switch (info->kind) {
	case TUNE_ROWS:
		error_hint(err, "it is a number of rows from 1 to %lld, or `default`",
			   (long long)TUNE_ROWS_MAX);
		break;
	case TUNE_LANES:
		error_hint(err, "it is a number from 1 to %d, or `default`", LANES_MAX);
		break;
	case TUNE_TIME:
		error_hint(err, "it is a duration, like 500ms or 2s, or `default`");
		break;
	case TUNE_FLAG:
		error_hint(err, "it is true or false");
		break;
	}
	return OUTCOME_USAGE;
}

/* Into `all`, by the places of tune.def; a value that is taken back is empty and in `said`. */
static enum outcome take(const struct run_assignment *set, struct str *all, bool *said,
			 struct error *err)
{
	const struct tune_info *info = find(set->name);
	struct str value = str_trim(set->value);
	int64_t number;

	if (!info)
		return refuse_name(set->name, err);
	if (str_eq(value, STR("default")))
		value = STR("");
	else if (!parse(info, value, &number))
		return refuse_value(info, value, err);
	/* What `false` says is what there is without it. */
	if (info->kind == TUNE_FLAG && str_eq(value, STR("false")))
		value = STR("");
	all[info - infos] = value;
	said[info - infos] = true;
	return OUTCOME_OK;
}

static enum outcome check_bounds(const struct str *all, struct error *err)
{
	struct tuning t = { 0 };

	for (size_t i = 0; i < TUNE_COUNT; i++)
		if (all[i].len && !parse(&infos[i], all[i], field_of(&t, &infos[i])))
			*field_of(&t, &infos[i]) = 0;
	if (t.min && t.max && t.min > t.max)
		return error_set(err, OUTCOME_USAGE, "min=%lld is more than max=%lld",
				 (long long)t.min, (long long)t.max);
	if (t.size && t.min && t.size < t.min)
		return error_set(err, OUTCOME_USAGE, "size=%lld is less than min=%lld",
				 (long long)t.size, (long long)t.min);
	if (t.size && t.max && t.size > t.max)
		return error_set(err, OUTCOME_USAGE, "size=%lld is more than max=%lld",
				 (long long)t.size, (long long)t.max);
	return OUTCOME_OK;
}

static bool has_windows(const struct module *m)
{
	for (uint32_t f = 0; f < m->function_count; f++)
		if (window_is_in(m, f))
			return true;
	return false;
}

/* Whether there is something that could be tuned. */
static enum outcome check_run(struct store *store, const struct migration_row *row, struct arena *a,
			      struct error *err)
{
	struct run_state state = { 0 };
	struct module m = { 0 };
	bool under_way = row->current_run &&
			 (status_is_active(row->status) || row->status == STATUS_STOPPED ||
			  row->status == STATUS_ERRORED);
	enum outcome o;

	if (!under_way) {
		error_set(err, OUTCOME_NOT_NOW, "\"%.*s\" is %s: no run of it is under way",
			  STR_ARG(row->name), status_label(row->status));
		error_hint(err, "what is tuned counts for the run under way only; what the next "
				"one begins with, the migration says");
		return OUTCOME_NOT_NOW;
	}
	o = store_load(store, row->current_run, a, &state, err);
	if (o == OUTCOME_OK)
		o = module_open(&m, state.module_image, err);
	if (o == OUTCOME_OK && !has_windows(&m))
		o = error_set(err, OUTCOME_USAGE, "\"%.*s\" has no `batches`",
			      STR_ARG(row->name));
	module_clear(&m);
	return o;
}

static enum outcome keep(struct store *store, const struct migration_row *row,
			 const struct str *all, const bool *said, struct error *err)
{
	struct tuned_row rows[TUNE_COUNT];
	struct buf names[TUNE_COUNT] = { { 0 } }, who = { 0 }, detail = { 0 };
	struct event_row event = { .kind = str_c(run_event_word(EVENT_TUNED)) };
	size_t count = 0;
	enum outcome o;

	for (size_t i = 0; i < TUNE_COUNT; i++) {
		if (!said[i])
			continue;
		buf_format(&names[i], STORE_TUNED "%s", infos[i].name);
		rows[count++] = (struct tuned_row){ buf_view(&names[i]), all[i] };
		buf_format(&detail, "%s%s=%.*s", detail.len ? " " : "", infos[i].name,
			   STR_ARG(all[i].len ? all[i] : STR("default")));
	}
	operator_print(&who);
	event.who = buf_view(&who);
	buf_format(&detail, ", by %.*s", STR_ARG(event.who));
	event.detail = buf_view(&detail);
	o = store_tune(store, row, rows, count, &event, err);
	for (size_t i = 0; i < TUNE_COUNT; i++)
		buf_clear(&names[i]);
	buf_clear(&who);
	buf_clear(&detail);
	return o;
}

static enum outcome collect(struct store *store, struct str migration, bool reset,
			    const struct run_assignment *set, size_t count, struct arena *a,
			    struct str *all, bool *said, struct error *err)
{
	struct str(*rows)[2];
	size_t row_count;
	enum outcome o = store_parameters(store, migration, a, &rows, &row_count, err);

	for (size_t i = 0; i < TUNE_COUNT; i++) {
		struct buf name = { 0 };

		buf_format(&name, STORE_TUNED "%s", infos[i].name);
		for (size_t k = 0; o == OUTCOME_OK && k < row_count; k++)
			if (str_eq(rows[k][0], buf_view(&name)))
				all[i] = reset ? STR("") : rows[k][1];
		said[i] = reset;
		buf_clear(&name);
	}
	for (size_t i = 0; o == OUTCOME_OK && i < count; i++)
		o = take(&set[i], all, said, err);
	return o == OUTCOME_OK ? check_bounds(all, err) : o;
}

enum outcome run_tune(struct store *store, struct str name, bool reset,
		      const struct run_assignment *set, size_t count, struct error *err)
{
	struct str all[TUNE_COUNT] = { { 0 } };
	bool said[TUNE_COUNT], found;
	struct arena a = { 0 };
	struct migration_row row = { 0 };
	enum outcome o = store_migration(store, name, &a, &row, &found, err);

	if (o == OUTCOME_OK && !found)
		o = error_set(err, OUTCOME_USAGE, "there is no migration \"%.*s\"", STR_ARG(name));
	if (o == OUTCOME_OK && !reset && !count) {
		arena_clear(&a);
		return o;
	}
	if (o == OUTCOME_OK)
		o = collect(store, name, reset, set, count, &a, all, said, err);
	if (o == OUTCOME_OK)
		o = check_run(store, &row, &a, err);
	if (o == OUTCOME_OK)
		o = keep(store, &row, all, said, err);
	arena_clear(&a);
	return o;
}
