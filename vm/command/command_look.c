/* command_look.c - plan, errors, gate: looking without touching */
#include "vm/command/command.h"

#include <jansson.h>

static json_t *text(struct str s)
{
	json_t *t = json_stringn(s.ptr ? s.ptr : "", s.len);

	return t ? t : json_string("(not UTF-8)");
}

static void print_statements(const char *word, const struct run_statement *at, size_t count,
			     struct str connection)
{
	for (size_t i = 0; i < count; i++) {
		if (at[i].what != STATEMENT_KNOWN) {
			printf("   %s: %s%.*s\n", word,
			       at[i].what == STATEMENT_UNKNOWN
				       ? "not known before earlier operations have run: "
				       : "",
			       STR_ARG(at[i].sql));
			continue;
		}
		if (str_eq(at[i].connection, connection))
			printf("   %s:\n", word);
		else
			printf("   %s on %.*s:\n", word, STR_ARG(at[i].connection));
		show_indented(stdout, "       ", str_trim(at[i].sql));
	}
	if (!count)
		printf("   %s: no statement\n", word);
}

static void print_plan(const char *name, const struct run_preview *p)
{
	if (!p->required)
		printf("%s is not required here: a run would complete at once. Else it would do "
		       "this:\n",
		       name);
	for (size_t i = 0; i < p->operation_count; i++) {
		const struct run_preview_operation *o = &p->operations[i];

		printf("%zu. %.*s", i, STR_ARG(o->label));
		if (o->connection.len)
			printf(" (on %.*s)", STR_ARG(o->connection));
		show_at_once(o->block, o->at_once);
		printf("\n");
		print_statements("forward", o->forward, o->forward_count, o->connection);
		if (o->rollback_kind == ROLLBACK_NOTHING)
			printf("   rollback: nothing\n");
		else if (o->rollback_kind == ROLLBACK_IRREVERSIBLE)
			printf("   irreversible: %.*s\n", STR_ARG(o->rollback_why));
		else
			print_statements("rollback", o->backward, o->backward_count, o->connection);
	}
	if (!p->operation_count)
		printf("%s has no operations\n", name);
}

static json_t *statements_json(const struct run_statement *at, size_t count)
{
	static const char *const keys[] = { "sql", "unknown", "remark" };
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++) {
		json_t *s = json_object();

		json_object_set_new(s, "connection", text(at[i].connection));
		json_object_set_new(s, keys[at[i].what], text(at[i].sql));
		json_array_append_new(list, s);
	}
	return list;
}

static void print_json(json_t *j)
{
	json_dumpf(j, stdout, JSON_INDENT(2));
	fputc('\n', stdout);
	json_decref(j);
}

/* 0 is none. */
static json_t *number_json(int64_t n)
{
	return n ? json_integer(n) : json_null();
}

static void print_plan_json(const char *name, const struct run_preview *p)
{
	static const char *const kinds[] = { [ROLLBACK_CODE] = "code",
					     [ROLLBACK_NOTHING] = "nothing",
					     [ROLLBACK_IRREVERSIBLE] = "irreversible" };
	json_t *all = json_object(), *list = json_array();

	for (size_t i = 0; i < p->operation_count; i++) {
		const struct run_preview_operation *o = &p->operations[i];
		json_t *j = json_object();

		json_object_set_new(j, "index", json_integer((json_int_t)i));
		json_object_set_new(j, "label", text(o->label));
		json_object_set_new(j, "connection", text(o->connection));
		json_object_set_new(j, "block", number_json(o->block));
		json_object_set_new(j, "at_once", number_json(o->at_once));
		json_object_set_new(j, "forward", statements_json(o->forward, o->forward_count));
		json_object_set_new(j, "rollback_kind", json_string(kinds[o->rollback_kind]));
		json_object_set_new(j, "rollback", statements_json(o->backward, o->backward_count));
		if (o->rollback_kind == ROLLBACK_IRREVERSIBLE)
			json_object_set_new(j, "irreversible", text(o->rollback_why));
		json_array_append_new(list, j);
	}
	json_object_set_new(all, "name", json_string(name));
	json_object_set_new(all, "required", json_boolean(p->required));
	json_object_set_new(all, "operations", list);
	print_json(all);
}

enum outcome command_plan(struct context *c, struct error *err)
{
	struct run_options options = context_run_options(c);
	struct run_preview p = { 0 };
	enum outcome o = want_name(c, "plan", err);

	if (o == OUTCOME_OK)
		o = context_open_bundle(c, false, err);
	if (o == OUTCOME_OK)
		o = context_open_store(c, err);
	if (o == OUTCOME_OK)
		o = run_preview(c->store, &c->instance, &c->bundle, str_c(c->options.name),
				&options, &p, err);
	if (o == OUTCOME_OK && c->options.json)
		print_plan_json(c->options.name, &p);
	else if (o == OUTCOME_OK)
		print_plan(c->options.name, &p);
	run_preview_clear(&p);
	return o;
}

static void print_errors(const struct error_row *at, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct buf time = { 0 };

		show_time(at[i].created_at, &time);
		printf("%.*s", STR_ARG(buf_view(&time)));
		if (at[i].operation_index >= 0)
			printf(" operation %lld", (long long)at[i].operation_index);
		if (at[i].code.len)
			printf(" code %.*s", STR_ARG(at[i].code));
		if (at[i].query_id.len)
			printf(" query %.*s", STR_ARG(at[i].query_id));
		printf("\n");
		show_indented(stdout, "    ", at[i].description);
		if (at[i].sql.len) {
			printf("    SQL:\n");
			show_indented(stdout, "        ", str_trim(at[i].sql));
		}
		buf_clear(&time);
	}
}

static json_t *errors_json(const struct error_row *at, size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++) {
		json_t *j = json_object();
		struct buf time = { 0 };

		show_time(at[i].created_at, &time);
		json_object_set_new(j, "created_at", text(buf_view(&time)));
		json_object_set_new(j, "operation_index",
				    at[i].operation_index < 0
					    ? json_null()
					    : json_integer(at[i].operation_index));
		json_object_set_new(j, "description", text(at[i].description));
		json_object_set_new(j, "code", text(at[i].code));
		json_object_set_new(j, "query_id", text(at[i].query_id));
		json_object_set_new(j, "sql", text(at[i].sql));
		json_array_append_new(list, j);
		buf_clear(&time);
	}
	return list;
}

enum outcome command_errors(struct context *c, struct error *err)
{
	struct arena a = { 0 };
	struct error_row *rows = NULL;
	size_t count = 0;
	enum outcome o = want_name(c, "errors", err);

	if (o == OUTCOME_OK)
		o = context_open_store(c, err);
	if (o == OUTCOME_OK)
		o = store_errors(c->store, str_c(c->options.name), &a, &rows, &count, err);
	if (o == OUTCOME_OK && c->options.json)
		print_json(errors_json(rows, count));
	else if (o == OUTCOME_OK && count)
		print_errors(rows, count);
	else if (o == OUTCOME_OK && !c->options.quiet)
		printf("%s has no errors\n", c->options.name);
	arena_clear(&a);
	return o;
}

static json_t *gate_json(const struct gate *g)
{
	json_t *all = json_object(), *list = json_array();

	for (size_t i = 0; i < g->count; i++) {
		json_t *j = json_object();

		json_object_set_new(j, "name", text(g->entries[i].name));
		json_object_set_new(j, "min_version", text(g->entries[i].min_version));
		json_object_set_new(j, "max_version", text(g->entries[i].max_version));
		json_object_set_new(j, "status", json_string(status_word(g->entries[i].status)));
		json_object_set_new(j, "runs_now", json_boolean(g->entries[i].runs_now));
		json_array_append_new(list, j);
	}
	json_object_set_new(all, "open", json_boolean(g->count == 0));
	json_object_set_new(all, "migrations", list);
	return all;
}

enum outcome command_gate(struct context *c, struct error *err)
{
	struct gate g = { 0 };
	struct buf out = { 0 };
	enum outcome o = OUTCOME_OK;

	if (!c->options.version)
		o = error_set(err, OUTCOME_USAGE, "say which version: amigrun gate --version V");
	if (o == OUTCOME_OK)
		o = context_open_bundle(c, false, err);
	if (o == OUTCOME_OK)
		o = context_open_store(c, err);
	if (o != OUTCOME_OK)
		return o;
	o = run_gate(c->store, &c->bundle, str_c(c->options.version), c->instance.app_version, &g,
		     err);
	if ((o == OUTCOME_OK || g.count) && c->options.json)
		print_json(gate_json(&g));
	else if (g.count) {
		gate_print(&g, c->instance.app_version, &out);
		fputs(out.ptr, stdout);
	}
	/* The list has said it. */
	if (g.count)
		error_clear(err);
	buf_clear(&out);
	gate_clear(&g);
	return o;
}
