/*
 * program_declaration.h - what a file of program.h declares, and the whole of it
 */
#ifndef TESTS_SUPPORT_PROGRAM_DECLARATION_H
#define TESTS_SUPPORT_PROGRAM_DECLARATION_H

/* ---- constants, functions, `operations` ---- */
static void program_constant(struct program *p)
{
	char name[16];

	program_name(p, name);
	buf_format(p->out, "const %s", name);
	program_sign(p, "=");
	buf_text(p->out, program_chance(p, 3) ? "-9223372036854775808" : "17");
	program_lines(p);
}

static void program_doc(struct program *p)
{
	if (program_chance(p, 3)) {
		buf_text(p->out, "## What it does.");
		program_line_end(p);
	}
}

static void program_parameter(struct program *p, uint32_t *count, const char *name,
			      const char *type, const char *value)
{
	program_argument(p, count, true, name);
	buf_text(p->out, type);
	if (value) {
		program_sign(p, "=");
		buf_text(p->out, value);
	}
}

static void program_function(struct program *p)
{
	struct program_scope scope = program_enter(p);
	uint32_t count = 0;
	unsigned inside;
	char name[16];

	program_callable(p, name);
	program_doc(p);
	buf_format(p->out, "fn %s", name);
	program_open(p, "(");
	program_parameter(p, &count, "n", "int", NULL);
	program_parameter(p, &count, "text", "string", NULL);
	program_close(p, ")");
	program_sign(p, "->");
	buf_text(p->out, "int");
	inside = program_begin(p);
	program_know(&p->ints, "n");
	program_know(&p->strings, "text");
	program_statements(p, 0);
	buf_text(p->out, "return");
	program_blanks(p, 1);
	program_expression_int(p);
	program_lines(p);
	program_end(p, inside);
	program_lines(p);
	program_leave(p, scope);
	program_know(&p->functions, name);
}

static void program_choose_operations(struct program *p, struct program_operations *o)
{
	program_callable(p, o->name);
	o->connection_count = program_random(p, 3);
	for (uint32_t i = 0; i < o->connection_count; i++)
		o->kinds[i] = program_random(p, PROGRAM_KINDS);
	o->has_int = program_chance(p, 2);
	o->has_string = program_chance(p, 2);
	o->has_list = program_chance(p, 2);
	o->has_defaults = program_chance(p, 2);
}

static void program_operations_head(struct program *p, const struct program_operations *o)
{
	uint32_t count = 0;

	program_doc(p);
	buf_format(p->out, "operations\t%s", o->name);
	program_blanks(p, 0);
	program_open(p, "(");
	for (uint32_t i = 0; i < o->connection_count; i++) {
		program_parameter(p, &count, i ? "d" : "c", program_kinds[o->kinds[i]], NULL);
		program_connect(p, i ? "d" : "c", o->kinds[i]);
	}
	if (o->has_int) {
		program_parameter(p, &count, "n", "int", NULL);
		program_know(&p->ints, "n");
	}
	if (o->has_string) {
		program_parameter(p, &count, "text", "string", o->has_defaults ? "\"x\"" : NULL);
		program_know(&p->strings, "text");
	}
	if (o->has_list) {
		program_parameter(p, &count, "list", "[int]", o->has_defaults ? "[1, 2]" : NULL);
		program_know(&p->lists, "list");
	}
	if (count && program_chance(p, 4))
		program_sign(p, ",");
	program_close(p, ")");
}

/* It is known behind itself only: there are no circles. */
static void program_operations(struct program *p)
{
	struct program_scope scope = program_enter(p);
	struct program_operations o = { 0 };

	program_choose_operations(p, &o);
	program_operations_head(p, &o);
	p->has_parallel = false;
	program_plan_block(p, 0);
	o.has_parallel = p->has_parallel;
	program_lines(p);
	program_leave(p, scope);
	p->connection_count = 0;
	p->operations[p->operations_count++] = o;
}

/* ---- the migration ---- */
static void program_needs(struct program *p)
{
	buf_text(p->out, "needs");
	program_blanks(p, 1);
	buf_text(p->out, "db");
	program_sign(p, ":");
	buf_text(p->out, "sqlite>=3.0.0,<  4.0.0");
	program_lines(p);
	program_connect(p, "db", PROGRAM_SQLITE);
	if (program_chance(p, 2)) {
		buf_text(p->out, "needs pg :postgres 12.0.0..18.0.0");
		program_lines(p);
		program_connect(p, "pg", PROGRAM_POSTGRES);
	}
	if (program_chance(p, 2)) {
		buf_text(p->out, "needs\tclickhouse");
		program_lines(p);
		program_connect(p, "clickhouse", PROGRAM_CLICKHOUSE);
	}
}

static void program_head(struct program *p)
{
	if (program_chance(p, 4)) {
		buf_text(p->out, "depends on \"0000_one\"");
		program_sign(p, ",");
		buf_text(p->out, "\"0000_other\"");
		program_lines(p);
	}
	buf_text(p->out, "versions");
	program_blanks(p, 1);
	buf_text(p->out, "1.2.3-rc.1");
	program_sign(p, "..");
	buf_text(p->out, "1.3.0");
	program_lines(p);
	program_needs(p);
	p->has_param = program_chance(p, 2);
	if (p->has_param) {
		buf_text(p->out, "param count : int=3   \"how many\" within 1..10");
		program_lines(p);
		program_know(&p->ints, "count");
	}
	for (uint32_t i = program_random(p, 5); i > 0; i--)
		program_let(p);
	if (program_chance(p, 3)) {
		buf_text(p->out, "required when");
		program_blanks(p, 1);
		program_expression_bool(p);
		program_lines(p);
	}
}

/* A block of the migration itself, not of an operation. */
static void program_end_block(struct program *p, const char *words, unsigned may)
{
	if (!program_chance(p, 3))
		return;
	buf_text(p->out, words);
	p->may = may;
	if (may == PROGRAM_EFFECTS && p->connection_count == 1)
		p->on = &p->connections[0];
	program_block(p, 1);
	program_lines(p);
	p->on = NULL;
	p->may = PROGRAM_READS;
}

static void program_migration(struct program *p)
{
	struct program_scope scope = program_enter(p);
	unsigned inside;

	program_doc(p);
	buf_text(p->out, "migration");
	program_blanks(p, 1);
	buf_text(p->out, "\"0001_random\"");
	inside = program_begin(p);
	program_head(p);
	program_end_block(p, "precheck \"all was well\"", PROGRAM_READS);
	program_end_block(p, "healthcheck\t\"all goes well\" every 2 * 30s", PROGRAM_READS);
	program_plan(p, 0);
	program_end_block(p, "postcheck \"all is well\"", PROGRAM_READS);
	program_end_block(p, "finally", PROGRAM_EFFECTS);
	program_end_block(p, "on complete", PROGRAM_NOTICES);
	program_end_block(p, "on\terror", PROGRAM_NOTICES);
	program_end(p, inside);
	program_lines(p);
	program_leave(p, scope);
}

/* ---- its tests ---- */

/* Where the migration is another file's, nobody here knows its parameters. */
static void program_run(struct program *p)
{
	static const char *const values[] = { "1", "\"x\"", "[1, 2]", "5s", "null" };
	bool is_own = !program_chance(p, 4);
	unsigned inside = p->inside;

	buf_text(p->out, "run");
	program_blanks(p, 1);
	buf_text(p->out, is_own ? "\"0001_random\"" : "\"0000_other\"");
	if (program_chance(p, 2)) {
		program_blanks(p, 1);
		buf_text(p->out, "with");
		program_blanks(p, 1);
		buf_byte(p->out, '{');
		p->inside = 0;
		program_break(p, 0);
		if (!is_own || p->has_param) {
			buf_text(p->out, is_own ? "count" : "if");
			program_sign(p, ":");
			if (is_own)
				program_expression_int(p);
			else
				buf_text(p->out, PROGRAM_ONE_OF(p, values));
			if (program_chance(p, 4))
				program_sign(p, ",");
		}
		program_break(p, 0);
		buf_byte(p->out, '}');
		p->inside = inside;
	}
	program_lines(p);
}

static void program_test_statement(struct program *p)
{
	switch (program_random(p, 4)) {
	case 0:
		program_let(p);
		break;
	case 1:
		program_run(p);
		break;
	case 2:
		buf_text(p->out, "given");
		program_blanks(p, 1);
		buf_text(p->out, program_connection(p)->name);
		program_blanks(p, 1);
		program_sql_value(p);
		program_lines(p);
		break;
	default:
		buf_text(p->out, "expect");
		program_blanks(p, 1);
		program_expression_bool(p);
		program_lines(p);
	}
}

/* It runs something, whatever it does besides. Each kind of connection is there, by its name. */
static void program_test(struct program *p)
{
	struct program_scope scope = program_enter(p);
	uint32_t connections = p->connection_count;
	uint32_t before = program_random(p, 3), behind = program_random(p, 3);
	unsigned inside;

	for (uint32_t i = 0; i < 2 + (connections < 3); i++)
		program_connect(p, program_kinds[i], i);
	program_doc(p);
	buf_text(p->out, "test");
	program_blanks(p, 1);
	program_plain_string(p);
	inside = program_begin(p);
	for (uint32_t i = 0; i < before; i++)
		program_test_statement(p);
	program_run(p);
	for (uint32_t i = 0; i < behind; i++)
		program_test_statement(p);
	program_end(p, inside);
	program_lines(p);
	program_leave(p, scope);
	p->connection_count = connections;
}

/* ---- the whole ---- */

/* The order of declarations is free: each part is written by itself, then they are put in one. */
static inline void program_write(struct program *p, struct buf *out)
{
	struct buf parts[3] = { 0 };
	uint32_t first = program_random(p, 3), step = 1 + program_random(p, 2);

	p->tidy = program_chance(p, 3);
	p->returns = program_chance(p, 8);
	p->out = &parts[0];
	for (uint32_t i = program_random(p, 3); i > 0; i--)
		program_constant(p);
	for (uint32_t i = program_random(p, 3); i > 0; i--)
		program_function(p);
	for (uint32_t i = program_random(p, PROGRAM_OPERATIONS_MAX + 1); i > 0; i--)
		program_operations(p);
	p->out = &parts[1];
	program_migration(p);
	p->out = &parts[2];
	for (uint32_t i = program_random(p, 3); i > 0; i--)
		program_test(p);
	p->out = NULL;
	for (uint32_t i = 0; i < 3; i++) {
		const struct buf *part = &parts[(first + i * step) % 3];

		if (part->ptr)
			buf_text(out, part->ptr);
	}
	for (uint32_t i = 0; i < 3; i++)
		buf_clear(&parts[i]);
}

#endif
