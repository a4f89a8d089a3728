/* command_status.c - where every migration stands, and all that is known of one */
#include "vm/command/command.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* A migration that the store knows, the bundle knows, or both. */
struct line {
	struct migration_row row;
	struct hash deployed; /* identity in the bundle; zero: not in it */
};

struct lines {
	struct arena arena;
	struct line *at;
	size_t count;
};

static json_t *text(struct str s)
{
	json_t *t = json_stringn(s.ptr ? s.ptr : "", s.len);

	return t ? t : json_string("(not UTF-8)");
}

static enum outcome add_from_bundle(struct lines *l, const struct bundle_entry *e,
				    struct error *err)
{
	struct line *line = NULL;
	struct module head;
	enum outcome o;

	for (size_t i = 0; i < l->count && !line; i++)
		if (str_eq(l->at[i].row.name, e->name))
			line = &l->at[i];
	if (line) {
		line->deployed = e->identity;
		return OUTCOME_OK;
	}
	o = module_open_head(&head, e->image, err);
	if (o != OUTCOME_OK)
		return o;
	line = &l->at[l->count++];
	line->deployed = e->identity;
	line->row.name = arena_str(&l->arena, e->name);
	line->row.description = arena_str(&l->arena, head.migration.description);
	line->row.min_version = arena_str(&l->arena, head.migration.min_version);
	line->row.max_version = arena_str(&l->arena, head.migration.max_version);
	line->row.status = STATUS_NOT_STARTED;
	module_clear(&head);
	return OUTCOME_OK;
}

static int by_name(const void *a, const void *b)
{
	return str_compare(((const struct line *)a)->row.name, ((const struct line *)b)->row.name);
}

static enum outcome gather(struct context *c, struct lines *l, struct error *err)
{
	struct migration_row *rows = NULL;
	size_t count = 0;
	enum outcome o = store_migrations(c->store, &l->arena, &rows, &count, err);

	if (o != OUTCOME_OK)
		return o;
	l->at = arena_array(&l->arena, struct line,
			    count + (c->has_bundle ? c->bundle.count : 0) + 1);
	for (; l->count < count; l->count++)
		l->at[l->count].row = rows[l->count];
	for (uint32_t i = 0; c->has_bundle && i < c->bundle.count && o == OUTCOME_OK; i++)
		o = add_from_bundle(l, &c->bundle.entries[i], err);
	qsort(l->at, l->count, sizeof(*l->at), by_name);
	return o;
}

/* A run goes on with the module that it began with, whatever was deployed since. */
static bool differs(const struct line *l)
{
	static const struct hash none;
	bool unfinished =
		l->row.status != STATUS_COMPLETED && l->row.status != STATUS_NOT_STARTED &&
		l->row.status != STATUS_ROLLED_BACK && l->row.status != STATUS_FAILED_AT_STARTUP;

	return unfinished && !hash_eq(l->deployed, none) && !hash_eq(l->row.module_hash, none) &&
	       !hash_eq(l->deployed, l->row.module_hash);
}

static json_t *time_json(int64_t us)
{
	struct buf b = { 0 };
	json_t *j;

	if (!us)
		return json_null();
	timestamp_print(&b, us);
	j = text(buf_view(&b));
	buf_clear(&b);
	return j;
}

static json_t *line_json(const struct line *l)
{
	const struct migration_row *r = &l->row;
	json_t *j = json_object();

	json_object_set_new(j, "name", text(r->name));
	json_object_set_new(j, "description", text(r->description));
	json_object_set_new(j, "status", json_string(status_word(r->status)));
	json_object_set_new(j, "progress", json_integer(r->progress));
	json_object_set_new(j, "current_operation_index", json_integer(r->current_operation_index));
	json_object_set_new(j, "current_query_id", text(r->current_query_id));
	json_object_set_new(j, "started_at", time_json(r->started_at));
	json_object_set_new(j, "finished_at", time_json(r->finished_at));
	json_object_set_new(j, "min_version", text(r->min_version));
	json_object_set_new(j, "max_version", text(r->max_version));
	json_object_set_new(j, "instruction", text(r->instruction));
	json_object_set_new(j, "bundle_differs", json_boolean(differs(l)));
	return j;
}

static void print_line(const struct line *l)
{
	const struct migration_row *r = &l->row;
	struct buf started = { 0 }, finished = { 0 };

	show_time(r->started_at, &started);
	show_time(r->finished_at, &finished);
	printf("%-32.*s %-22s %3d%% %5lld  %-20.*s %-20.*s %.*s\n", STR_ARG(r->name),
	       status_label(r->status), r->progress, (long long)r->current_operation_index,
	       (int)(started.len < 19 ? started.len : 19), buf_view(&started).ptr,
	       (int)(finished.len < 19 ? finished.len : 19), buf_view(&finished).ptr,
	       STR_ARG(r->current_query_id));
	if (r->description.len)
		show_indented(stdout, "    ", r->description);
	if (r->instruction.len) {
		printf("    To do:\n");
		show_indented(stdout, "      ", r->instruction);
	}
	if (differs(l))
		printf("    The deployed bundle has another version of it; the run goes on with "
		       "the one that it began with.\n");
	buf_clear(&started);
	buf_clear(&finished);
}

/* All that the store has about one migration. */
struct detail {
	struct arena arena;
	struct run_state run;
	bool has_run;
	struct effect_row *open; /* effects */
	size_t open_count;
	struct error_row *errors;
	struct event_row *events;
	struct str (*params)[2];
	size_t error_count, event_count, param_count;
};

static enum outcome read_detail(struct context *c, const struct migration_row *row,
				struct detail *d, struct error *err)
{
	enum outcome o = OUTCOME_OK;

	if (row->current_run) {
		o = store_load(c->store, row->current_run, &d->arena, &d->run, err);
		d->has_run = o == OUTCOME_OK;
		if (d->has_run)
			o = store_open_effects(c->store, row->current_run, &d->arena, &d->open,
					       &d->open_count, err);
	}
	if (o == OUTCOME_OK)
		o = store_errors(c->store, row->name, &d->arena, &d->errors, &d->error_count, err);
	if (o == OUTCOME_OK)
		o = store_events(c->store, row->name, &d->arena, &d->events, &d->event_count, err);
	if (o == OUTCOME_OK)
		o = store_parameters(c->store, row->name, &d->arena, &d->params, &d->param_count,
				     err);
	return o;
}

static bool is_tuned(struct str name)
{
	return str_starts(name, STR(STORE_TUNED));
}

/* 0 is none. */
static json_t *number_json(int64_t n)
{
	return n ? json_integer(n) : json_null();
}

static json_t *plan_json(const struct detail *d)
{
	json_t *list = json_array();

	for (int64_t i = 0; d->has_run && i < d->run.run.operation_count; i++) {
		const struct operation_row *o = &d->run.plan[i];
		json_t *j = json_object();

		json_object_set_new(j, "index", json_integer(o->index));
		json_object_set_new(j, "label", text(o->label));
		json_object_set_new(j, "connection", text(o->connection));
		json_object_set_new(j, "status", json_string(operation_status_word(o->status)));
		json_object_set_new(j, "attempts", json_integer(o->attempts));
		json_object_set_new(j, "rows", o->rows < 0 ? json_null() : json_integer(o->rows));
		json_object_set_new(j, "started_at", time_json(o->started_at));
		json_object_set_new(j, "finished_at", time_json(o->finished_at));
		json_object_set_new(j, "block", number_json(o->block));
		json_object_set_new(j, "at_once", number_json(o->at_once));
		json_object_set_new(j, "completion", number_json(o->completion));
		json_array_append_new(list, j);
	}
	return list;
}

/* ---- what is under way ---- */

/* Of what nobody is at work on, an open effect is in doubt. */
static bool is_live(const struct line *l)
{
	return status_is_active(l->row.status) && l->row.lease_left_ms > 0;
}

static bool has_open(const struct detail *d, int64_t index)
{
	for (size_t i = 0; i < d->open_count; i++)
		if (d->open[i].operation_index == index)
			return true;
	return false;
}

/* It reads, waits, computes, or its effect is one transaction with the state, which shows it when
 * it is committed. */
static bool is_quiet(const struct line *l, const struct detail *d, int64_t index)
{
	const struct operation_row *o = &d->run.plan[index];
	bool begun = o->status == OPERATION_STATUS_RUNNING ||
		     o->status == OPERATION_STATUS_ROLLING_BACK;

	return is_live(l) && !has_open(d, index) &&
	       (begun || (!o->block && index == l->row.current_operation_index));
}

static json_t *effect_json(const struct detail *d, const struct effect_row *e, int64_t index)
{
	json_t *j = json_object();
	bool known = index >= 0 && index < d->run.run.operation_count;

	json_object_set_new(j, "operation_index", json_integer(index));
	json_object_set_new(j, "label", known ? text(d->run.plan[index].label) : json_null());
	json_object_set_new(j, "effect", e ? json_integer(e->number) : json_null());
	json_object_set_new(j, "attempt", e ? json_integer(e->attempt) : json_null());
	json_object_set_new(j, "query_id", e ? text(e->query_id) : json_null());
	json_object_set_new(j, "connection", e ? text(e->connection) : json_null());
	json_object_set_new(j, "since", e ? time_json(e->intent_at) : json_null());
	return j;
}

static void add_open_json(json_t *all, const struct line *l, const struct detail *d)
{
	json_t *live = json_array(), *doubt = json_array();

	for (size_t i = 0; i < d->open_count; i++)
		json_array_append_new(is_live(l) ? live : doubt,
				      effect_json(d, &d->open[i], d->open[i].operation_index));
	for (int64_t i = 0; d->has_run && i < d->run.run.operation_count; i++)
		if (is_quiet(l, d, i))
			json_array_append_new(live, effect_json(d, NULL, i));
	json_object_set_new(all, "under_way", live);
	json_object_set_new(all, "in_doubt", doubt);
}

static void print_open(const struct line *l, const struct detail *d)
{
	static const char quiet[] = "with no statement that the journal tells of";
	int64_t at = l->row.current_operation_index;
	size_t told = d->open_count;

	for (size_t i = 0; i < d->open_count; i++) {
		const struct effect_row *e = &d->open[i];
		struct buf since = { 0 };

		show_time(e->intent_at, &since);
		printf("%s: effect %lld of operation %lld, query id %.*s",
		       is_live(l) ? "under way" : "in doubt", (long long)e->number,
		       (long long)e->operation_index, STR_ARG(e->query_id));
		if (is_live(l))
			printf(", since %.19s", buf_view(&since).ptr);
		printf("\n");
		buf_clear(&since);
	}
	for (int64_t i = 0; d->has_run && i < d->run.run.operation_count; i++)
		if (is_quiet(l, d, i)) {
			printf("under way: operation %lld, %s\n", (long long)i, quiet);
			told++;
		}
	if (is_live(l) && !told && d->has_run && at < d->run.run.operation_count)
		printf("under way: operations of block %lld, %s\n",
		       (long long)d->run.plan[at].block, quiet);
}

/* Of operations that go at once some come to their end before the one at the index. */
static bool is_ahead(const struct line *l, const struct detail *d, int64_t i)
{
	return d->run.run.phase == PHASE_FORWARD && d->run.plan[i].completion &&
	       i > l->row.current_operation_index;
}

static json_t *ahead_json(const struct line *l, const struct detail *d)
{
	json_t *list = json_array();

	for (int64_t i = 0; d->has_run && i < d->run.run.operation_count; i++)
		if (is_ahead(l, d, i))
			json_array_append_new(list, json_integer(i));
	return list;
}

static void print_detail_json(const struct line *l, const struct detail *d)
{
	json_t *all = line_json(l), *errors = json_array(), *events = json_array(),
	       *params = json_object(), *tuned = json_object();

	for (size_t i = 0; i < d->error_count; i++) {
		json_t *j = json_object();

		json_object_set_new(j, "created_at", time_json(d->errors[i].created_at));
		json_object_set_new(j, "operation_index",
				    d->errors[i].operation_index < 0
					    ? json_null()
					    : json_integer(d->errors[i].operation_index));
		json_object_set_new(j, "description", text(d->errors[i].description));
		json_object_set_new(j, "code", text(d->errors[i].code));
		json_array_append_new(errors, j);
	}
	for (size_t i = 0; i < d->event_count; i++) {
		json_t *j = json_object();

		json_object_set_new(j, "at", time_json(d->events[i].at));
		json_object_set_new(j, "kind", text(d->events[i].kind));
		json_object_set_new(j, "who", text(d->events[i].who));
		json_object_set_new(j, "detail", text(d->events[i].detail));
		json_array_append_new(events, j);
	}
	for (size_t i = 0; i < d->param_count; i++) {
		struct str name = d->params[i][0];
		size_t skip = is_tuned(name) ? strlen(STORE_TUNED) : 0;

		json_object_setn_new(skip ? tuned : params, name.ptr + skip, name.len - skip,
				     text(d->params[i][1]));
	}
	json_object_set_new(all, "finished_above_index", ahead_json(l, d));
	add_open_json(all, l, d);
	json_object_set_new(all, "plan", plan_json(d));
	json_object_set_new(all, "errors", errors);
	json_object_set_new(all, "events", events);
	json_object_set_new(all, "parameters", params);
	json_object_set_new(all, "tuned", tuned);
	json_dumpf(all, stdout, JSON_INDENT(2));
	fputc('\n', stdout);
	json_decref(all);
}

static void print_plan(const struct line *l, const struct detail *d)
{
	const char *before = "finished above the index: ";

	printf("plan:\n");
	for (int64_t i = 0; i < d->run.run.operation_count; i++) {
		const struct operation_row *o = &d->run.plan[i];

		printf("  %3lld. %-12s %.*s", (long long)i, operation_status_word(o->status),
		       STR_ARG(o->label));
		if (o->attempts > 1)
			printf(", %lld attempts", (long long)o->attempts);
		if (o->rows >= 0)
			printf(", %lld rows", (long long)o->rows);
		show_at_once(o->block, o->at_once);
		printf("\n");
	}
	for (int64_t i = 0; i < d->run.run.operation_count; i++)
		if (is_ahead(l, d, i)) {
			printf("%s%lld", before, (long long)i);
			before = ", ";
		}
	if (*before == ',')
		printf("\n");
}

static void print_params(const struct detail *d, bool tuned)
{
	size_t shown = 0;

	for (size_t i = 0; i < d->param_count; i++) {
		struct str name = d->params[i][0];
		size_t skip = is_tuned(name) ? strlen(STORE_TUNED) : 0;

		if ((skip > 0) != tuned)
			continue;
		if (shown++ == 0)
			printf("%s:\n", tuned ? "windows, as an operator has tuned them"
					      : "parameters");
		printf("  %.*s = %.*s\n", (int)(name.len - skip), name.ptr + skip,
		       STR_ARG(d->params[i][1]));
	}
}

static void print_detail(const struct line *l, const struct detail *d)
{
	print_line(l);
	if (d->has_run)
		print_plan(l, d);
	print_open(l, d);
	print_params(d, true);
	print_params(d, false);
	if (d->error_count)
		printf("errors, newest first:\n");
	for (size_t i = 0; i < d->error_count; i++)
		show_indented(stdout, "  ", d->errors[i].description);
	if (d->event_count)
		printf("events, newest first:\n");
	for (size_t i = 0; i < d->event_count; i++) {
		struct buf time = { 0 };

		show_time(d->events[i].at, &time);
		printf("  %.19s %.*s: %.*s\n", buf_view(&time).ptr, STR_ARG(d->events[i].kind),
		       STR_ARG(d->events[i].detail));
		buf_clear(&time);
	}
}

static enum outcome show_one(struct context *c, const struct lines *l, struct error *err)
{
	struct str name = str_c(c->options.name);
	struct detail d = { 0 };
	enum outcome o;

	for (size_t i = 0; i < l->count; i++) {
		if (!str_eq(l->at[i].row.name, name))
			continue;
		o = read_detail(c, &l->at[i].row, &d, err);
		if (o == OUTCOME_OK && c->options.json)
			print_detail_json(&l->at[i], &d);
		else if (o == OUTCOME_OK)
			print_detail(&l->at[i], &d);
		arena_clear(&d.arena);
		return o;
	}
	return error_set(err, OUTCOME_USAGE, "there is no migration \"%s\"", c->options.name);
}

enum outcome command_status(struct context *c, struct error *err)
{
	struct lines l = { 0 };
	enum outcome o = context_open_bundle(c, true, err);

	if (o == OUTCOME_OK)
		o = context_open_store(c, err);
	if (o == OUTCOME_OK)
		o = gather(c, &l, err);
	if (o == OUTCOME_OK && c->options.name) {
		o = show_one(c, &l, err);
	} else if (o == OUTCOME_OK && c->options.json) {
		json_t *list = json_array();

		for (size_t i = 0; i < l.count; i++)
			json_array_append_new(list, line_json(&l.at[i]));
		json_dumpf(list, stdout, JSON_INDENT(2));
		fputc('\n', stdout);
		json_decref(list);
	} else if (o == OUTCOME_OK) {
		printf("%-32s %-22s %4s %5s  %-20s %-20s %s\n", "Name", "Status", "Done", "Index",
		       "Started at", "Finished at", "Current query ID");
		for (size_t i = 0; i < l.count; i++)
			print_line(&l.at[i]);
	}
	arena_clear(&l.arena);
	return o;
}
