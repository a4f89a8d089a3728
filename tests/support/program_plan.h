/*
 * program_plan.h - the operations of program.h, and what lists them
 */
#ifndef TESTS_SUPPORT_PROGRAM_PLAN_H
#define TESTS_SUPPORT_PROGRAM_PLAN_H

/* ---- an operation ---- */

/* An operation without a connection has no template of its own: there is nobody to send it to. */
static void program_action(struct program *p, const char *word)
{
	buf_text(p->out, word);
	program_blanks(p, 1);
	if (p->on && program_chance(p, 2))
		program_sql(p);
	else
		program_block(p, 1);
	program_lines(p);
}

static void program_clauses(struct program *p)
{
	static const char *const some[] = { "timeout 5m", "timeout\t(2s+3s)", "retry 3",
		"retry 2  backoff 5s..2m", "settings { a: 1, b : \"x\" }", "settings{}", "weight 3",
		"idempotent", "continue  on error", "no\ttransaction" };
	bool per = p->on && p->on->kind == PROGRAM_CLICKHOUSE && program_chance(p, 3);

	for (uint32_t i = program_random(p, 2); i < 10; i += 2 + program_random(p, 4)) {
		if (i == 1)
			i = 0;
		buf_text(p->out, some[i]);
		program_lines(p);
		i += i == 0 || i == 2 || i == 4;
	}
	if (per) {
		buf_text(p->out, program_chance(p, 2) ? "per shard" : "per\treplica");
		program_lines(p);
	}
}

static void program_rollback(struct program *p)
{
	if (program_chance(p, 3)) {
		buf_text(p->out,
			program_chance(p, 2) ? "rollback\tnothing" : "irreversible \"why\"");
		program_lines(p);
		return;
	}
	if (program_chance(p, 4)) {
		buf_text(p->out, "in doubt  undo");
		program_lines(p);
	}
	program_action(p, "rollback");
}

static void program_operation_body(struct program *p)
{
	program_clauses(p);
	if (program_chance(p, 4)) {
		buf_text(p->out, "done when");
		program_blanks(p, 1);
		program_expression_bool(p);
		program_lines(p);
	}
	p->may = PROGRAM_EFFECTS;
	program_action(p, "forward");
	program_rollback(p);
	p->may = PROGRAM_READS;
}

/* Its connection stands behind the label, or is a clause, or there is none. */
static void program_operation(struct program *p)
{
	struct program_scope scope = program_enter(p);
	const struct program_connection *on = program_chance(p, 8) ? NULL : program_connection(p);
	bool is_clause = on && program_chance(p, 6);
	unsigned inside;
	char name[16];

	program_name(p, name);
	buf_text(p->out, "operation");
	program_blanks(p, 1);
	program_template(p, "", name);
	if (on && !is_clause) {
		program_blanks(p, 1);
		buf_format(p->out, "on %s", on->name);
	}
	inside = program_begin(p);
	if (is_clause) {
		buf_format(p->out, "on\t%s", on->name);
		program_lines(p);
	}
	p->on = on;
	program_operation_body(p);
	p->on = NULL;
	program_end(p, inside);
	program_lines(p);
	program_leave(p, scope);
}

/* ---- includes ---- */

/* A known connection of a kind; NULL: there is none. */
static const struct program_connection *program_of_kind(struct program *p, enum program_kind kind)
{
	uint32_t first = program_random(p, PROGRAM_CONNECTIONS_MAX);

	for (uint32_t i = 0; i < PROGRAM_CONNECTIONS_MAX; i++) {
		uint32_t at = (first + i) % PROGRAM_CONNECTIONS_MAX;

		if (at < p->connection_count && p->connections[at].kind == kind)
			return &p->connections[at];
	}
	return NULL;
}

/* What stands before an argument; `named`: its name as well. */
static void program_argument(struct program *p, uint32_t *count, bool named, const char *name)
{
	if ((*count)++)
		program_sign(p, ",");
	if (named) {
		buf_text(p->out, name);
		program_sign(p, ":");
	}
}

static void program_arguments(struct program *p, const struct program_operations *o,
			      const struct program_connection *const *connections, bool is_method)
{
	static const char *const names[] = { "c", "d" };
	bool named = program_chance(p, 2);
	uint32_t count = 0;

	program_open(p, "(");
	for (uint32_t i = is_method; i < o->connection_count; i++) {
		program_argument(p, &count, named, names[i]);
		buf_text(p->out, connections[i]->name);
	}
	if (o->has_int) {
		program_argument(p, &count, named, "n");
		program_expression_int(p);
	}
	if (o->has_string && !(o->has_defaults && named && program_chance(p, 2))) {
		program_argument(p, &count, named, "text");
		program_expression_string(p);
	}
	if (o->has_list && !(o->has_defaults && program_chance(p, 2))) {
		program_argument(p, &count, named, "list");
		program_list(p);
	}
	if (count && program_chance(p, 4))
		program_sign(p, ",");
	program_close(p, ")");
}

/* `operations` of the file, if its connections are known here; as a method, if the first of its
 * parameters is one. */
static bool program_include(struct program *p)
{
	const struct program_operations *o = &p->operations[program_random(
		p, p->operations_count ? p->operations_count : 1)];
	const struct program_connection *connections[2] = { NULL };
	bool is_method = o->connection_count && program_chance(p, 2);

	if (!p->operations_count || (p->in_parallel && o->has_parallel))
		return false;
	for (uint32_t i = 0; i < o->connection_count; i++) {
		connections[i] = program_of_kind(p, o->kinds[i]);
		if (!connections[i])
			return false;
	}
	p->has_parallel |= o->has_parallel;
	buf_text(p->out, "include");
	program_blanks(p, 1);
	if (is_method) {
		buf_text(p->out, connections[0]->name);
		program_sign(p, ".");
	}
	buf_text(p->out, o->name);
	program_blanks(p, 0);
	program_arguments(p, o, connections, is_method);
	program_lines(p);
	return true;
}

/* ---- the plan ---- */
static void program_approval(struct program *p)
{
	char name[16];

	program_name(p, name);
	buf_text(p->out, "approval\t");
	program_template(p, "", name);
	program_blanks(p, 0);
	program_template(p, "", "what comes next");
	program_lines(p);
}

static void program_plan(struct program *p, uint32_t depth);

static void program_plan_block(struct program *p, uint32_t depth)
{
	struct program_scope scope = program_enter(p);
	unsigned inside = program_begin(p);

	if (!program_chance(p, 10))
		program_plan(p, depth);
	program_end(p, inside);
	program_leave(p, scope);
}

static void program_plan_if(struct program *p, uint32_t depth)
{
	buf_text(p->out, "if");
	program_blanks(p, 1);
	program_expression_bool(p);
	program_plan_block(p, depth + 1);
	if (!program_chance(p, 3))
		return;
	program_break(p, 1);
	buf_text(p->out, "else");
	program_blanks(p, 1);
	if (program_chance(p, 2))
		program_plan_if(p, depth);
	else
		program_plan_block(p, depth + 1);
}

/* `parallel` stands outermost. */
static void program_plan_list(struct program *p, uint32_t depth)
{
	struct program_scope scope = program_enter(p);

	if (depth == 0 && program_chance(p, 4)) {
		buf_text(p->out, "parallel");
		program_blanks(p, 1);
		buf_text(p->out, program_chance(p, 2) ? "4" : "(2 + 3)");
		p->in_parallel = p->has_parallel = true;
		program_plan_block(p, depth + 1);
		p->in_parallel = false;
	} else if (program_chance(p, 2)) {
		program_for_head(p);
		program_plan_block(p, depth + 1);
	} else {
		program_plan_if(p, depth);
	}
	program_lines(p);
	program_leave(p, scope);
}

static void program_plan(struct program *p, uint32_t depth)
{
	uint32_t count = 1 + program_random(p, 2);

	for (uint32_t i = 0; i < count; i++) {
		if (program_chance(p, 10))
			program_approval(p);
		else if (program_chance(p, 8))
			program_let(p);
		else if (program_chance(p, 3) && program_include(p))
			continue;
		else if (depth > 1 || program_chance(p, 2))
			program_operation(p);
		else
			program_plan_list(p, depth);
	}
}

#endif
