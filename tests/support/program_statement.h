/*
 * program_statement.h - the statements, operations and declarations of program.h
 */
#ifndef TESTS_SUPPORT_PROGRAM_STATEMENT_H
#define TESTS_SUPPORT_PROGRAM_STATEMENT_H

/* What a block knows more than what is around it is forgotten behind it. */
struct program_scope {
	uint32_t ints, strings, lists;
};

static struct program_scope program_enter(const struct program *p)
{
	return (struct program_scope){ p->ints.count, p->strings.count, p->lists.count };
}

static void program_leave(struct program *p, struct program_scope scope)
{
	p->ints.count = scope.ints;
	p->strings.count = scope.strings;
	p->lists.count = scope.lists;
}

static void program_let(struct program *p)
{
	uint32_t what = program_random(p, 5);
	char name[16];

	program_name(p, name);
	buf_text(p->out, "let");
	program_blanks(p, 1);
	buf_text(p->out, name);
	if (what == 0) {
		program_sign(p, ":");
		buf_text(p->out, "int");
	}
	program_sign(p, "=");
	if (what < 2) {
		program_expression_int(p);
		program_know(&p->ints, name);
	} else if (what == 2) {
		program_expression_string(p);
		program_know(&p->strings, name);
	} else if (what == 3) {
		program_list(p);
		program_know(&p->lists, name);
	} else {
		buf_text(p->out, program_chance(p, 2) ? "{ a: 1, if: [\"x\"] }" : "{a:{b:-1}}.a.b");
	}
	program_lines(p);
}

static void program_require(struct program *p)
{
	buf_text(p->out, "require");
	program_blanks(p, 1);
	program_expression_bool(p);
	if (program_chance(p, 2)) {
		program_break(p, 1);
		buf_text(p->out, "else");
		program_break(p, 1);
		program_expression_string(p);
	}
	program_lines(p);
}

static void program_exec(struct program *p)
{
	if (program_chance(p, 2)) {
		buf_text(p->out, "exec");
		program_blanks(p, 1);
		program_sql(p);
	} else {
		buf_text(p->out, p->connection);
		buf_text(p->out, ".exec");
		program_blanks(p, 0);
		program_open(p, "(");
		program_sql(p);
		program_close(p, ")");
	}
	program_lines(p);
}

static void program_statements(struct program *p, uint32_t depth, bool has_effects);

static void program_block(struct program *p, uint32_t depth, bool has_effects)
{
	struct program_scope scope = program_enter(p);
	unsigned inside = program_begin(p);

	program_statements(p, depth + 1, has_effects);
	program_end(p, inside);
	program_leave(p, scope);
}

static void program_if(struct program *p, uint32_t depth, bool has_effects)
{
	buf_text(p->out, "if");
	program_blanks(p, 1);
	program_expression_bool(p);
	program_block(p, depth, has_effects);
	while (program_chance(p, 2)) {
		program_break(p, 1);
		buf_text(p->out, "else if");
		program_blanks(p, 1);
		program_expression_bool(p);
		program_block(p, depth, has_effects);
	}
	if (program_chance(p, 2)) {
		program_break(p, 1);
		buf_text(p->out, "else");
		program_block(p, depth, has_effects);
	}
	program_lines(p);
}

/* `for x in [1, 2] `, and x is known. */
static void program_for_head(struct program *p)
{
	char name[16];

	program_name(p, name);
	buf_text(p->out, "for");
	program_blanks(p, 1);
	buf_text(p->out, name);
	program_word(p, "in");
	program_list(p);
	program_know(&p->ints, name);
}

static void program_loop(struct program *p, uint32_t depth, bool has_effects)
{
	struct program_scope scope = program_enter(p);

	program_for_head(p);
	program_block(p, depth, has_effects);
	program_lines(p);
	program_leave(p, scope);
}

static void program_variable(struct program *p)
{
	char name[16];

	program_name(p, name);
	buf_format(p->out, "var %s", name);
	program_sign(p, "=");
	program_expression_int(p);
	program_lines(p);
	buf_text(p->out, name);
	program_sign(p, "=");
	program_expression_int(p);
	program_lines(p);
	program_know(&p->ints, name);
}

/* What waits for something, and what has blocks of its own. */
static void program_effect(struct program *p, uint32_t depth)
{
	bool was_locked = p->is_locked;
	char name[16];

	program_name(p, name);
	switch (program_random(p, depth > 2 ? 4 : 7)) {
	case 0:
		program_exec(p);
		return;
	case 1:
		buf_text(p->out, "sleep");
		program_blanks(p, 1);
		buf_text(p->out, program_chance(p, 2) ? "5s" : "(1m+ 250ms)");
		break;
	case 2:
		buf_text(p->out, "wait until");
		program_blanks(p, 1);
		program_expression_bool(p);
		program_blanks(p, 1);
		buf_text(p->out, "every 1s  timeout\t5m");
		if (program_chance(p, 2))
			buf_text(p->out, " progress 0.5");
		break;
	case 3:
		buf_text(p->out, p->is_locked ? "sleep 1s" : "halt  \"do something\"");
		break;
	case 4:
		buf_text(p->out, "try");
		program_block(p, depth, true);
		program_blanks(p, 1);
		buf_format(p->out, "catch %s", name);
		program_block(p, depth, true);
		break;
	case 5:
		buf_format(p->out, "with lock \"%s\"", name);
		p->is_locked = true;
		program_block(p, depth, true);
		p->is_locked = was_locked;
		break;
	default:
		buf_format(p->out, "for %s in  batches of ident(\"t\") by id  size 100 target 1s",
			name);
		program_block(p, depth, true);
		break;
	}
	program_lines(p);
}

static void program_statements(struct program *p, uint32_t depth, bool has_effects)
{
	uint32_t count = program_random(p, depth > 2 ? 2 : 4);

	for (uint32_t i = 0; i < count; i++) {
		switch (program_random(p, 8)) {
		case 0:
		case 1:
			program_let(p);
			break;
		case 2:
			program_require(p);
			break;
		case 3:
			program_if(p, depth, has_effects);
			break;
		case 4:
			program_loop(p, depth, has_effects);
			break;
		case 5:
			program_variable(p);
			break;
		case 6:
			buf_text(p->out, "log");
			program_blanks(p, 1);
			program_expression_string(p);
			program_lines(p);
			break;
		default:
			if (has_effects)
				program_effect(p, depth);
			break;
		}
	}
}

/* ---- the plan ---- */
static void program_action(struct program *p, const char *word)
{
	buf_text(p->out, word);
	program_blanks(p, 1);
	if (program_chance(p, 2))
		program_sql(p);
	else
		program_block(p, 1, true);
	program_lines(p);
}

static void program_clauses(struct program *p)
{
	static const char *const some[] = { "timeout 5m", "timeout\t(2s+3s)", "retry 3",
		"retry 2  backoff 5s..2m", "settings { a: 1, b : \"x\" }", "settings{}", "weight 3",
		"idempotent" };

	for (uint32_t i = program_random(p, 2); i < 8; i += 2 + program_random(p, 4)) {
		if (i == 1)
			i = 0;
		buf_text(p->out, some[i]);
		program_lines(p);
		i += i == 0 || i == 2 || i == 4;
	}
}

static void program_operation(struct program *p)
{
	struct program_scope scope = program_enter(p);
	unsigned inside;
	char name[16];

	program_name(p, name);
	buf_text(p->out, "operation");
	program_blanks(p, 1);
	program_template(p, "", name);
	program_blanks(p, 1);
	buf_format(p->out, "on %s", p->connection);
	inside = program_begin(p);
	program_clauses(p);
	if (program_chance(p, 4)) {
		buf_text(p->out, "done when");
		program_blanks(p, 1);
		program_expression_bool(p);
		program_lines(p);
	}
	program_action(p, "forward");
	if (program_chance(p, 3)) {
		buf_text(p->out,
			program_chance(p, 2) ? "rollback\tnothing" : "irreversible \"why\"");
		program_lines(p);
	} else {
		program_action(p, "rollback");
	}
	program_end(p, inside);
	program_lines(p);
	program_leave(p, scope);
}

static void program_approval(struct program *p)
{
	char name[16];

	program_name(p, name);
	buf_format(p->out, "approval\t\"%s\"", name);
	program_blanks(p, 0);
	buf_text(p->out, "\"what comes next\"");
	program_lines(p);
}

static void program_plan(struct program *p, uint32_t depth)
{
	uint32_t count = 1 + program_random(p, 2);

	for (uint32_t i = 0; i < count; i++) {
		struct program_scope scope = program_enter(p);
		unsigned inside;

		if (program_chance(p, 10)) {
			program_approval(p);
			continue;
		}
		if (depth > 1 || program_chance(p, 2)) {
			program_operation(p);
			continue;
		}
		if (depth == 0 && program_chance(p, 4)) {
			buf_text(p->out, "parallel 2");
		} else if (program_chance(p, 2)) {
			program_for_head(p);
		} else {
			buf_text(p->out, "if");
			program_blanks(p, 1);
			program_expression_bool(p);
		}
		inside = program_begin(p);
		program_plan(p, depth + 1);
		program_end(p, inside);
		program_lines(p);
		program_leave(p, scope);
	}
}

/* ---- declarations ---- */
static void program_function(struct program *p)
{
	struct program_scope scope = program_enter(p);
	unsigned inside;
	char name[16];

	program_name(p, name);
	if (program_chance(p, 3)) {
		buf_text(p->out, "## What it does.");
		program_line_end(p);
	}
	buf_format(p->out, "fn %s", name);
	program_open(p, "(");
	buf_text(p->out, "n");
	program_sign(p, ":");
	buf_text(p->out, "int");
	program_sign(p, ",");
	buf_text(p->out, "text");
	program_sign(p, ":");
	buf_text(p->out, "string");
	program_close(p, ")");
	program_sign(p, "->");
	buf_text(p->out, "int");
	inside = program_begin(p);
	program_know(&p->ints, "n");
	program_know(&p->strings, "text");
	program_statements(p, 0, false);
	buf_text(p->out, "return");
	program_blanks(p, 1);
	program_expression_int(p);
	program_lines(p);
	program_end(p, inside);
	program_lines(p);
	program_leave(p, scope);
	program_know(&p->functions, name);
}

static void program_constant(struct program *p)
{
	char name[16];

	program_name(p, name);
	buf_format(p->out, "const %s", name);
	program_sign(p, "=");
	buf_text(p->out, program_chance(p, 3) ? "-9223372036854775808" : "17");
	program_lines(p);
}

static void program_head(struct program *p)
{
	buf_text(p->out, "versions");
	program_blanks(p, 1);
	buf_text(p->out, "1.2.3-rc.1");
	program_sign(p, "..");
	buf_text(p->out, "1.3.0");
	program_lines(p);
	buf_text(p->out, "needs");
	program_blanks(p, 1);
	buf_text(p->out, p->connection);
	program_sign(p, ":");
	buf_text(p->out, "sqlite>=3.0.0,<  4.0.0");
	program_lines(p);
	if (program_chance(p, 2)) {
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

/* Appends the program. */
static inline void program_write(struct program *p, struct buf *out)
{
	unsigned inside;

	p->out = out;
	p->tidy = program_chance(p, 3);
	p->returns = program_chance(p, 8);
	for (uint32_t i = program_random(p, 3); i > 0; i--)
		program_constant(p);
	for (uint32_t i = program_random(p, 3); i > 0; i--)
		program_function(p);
	buf_text(out, "migration");
	program_blanks(p, 1);
	buf_text(out, "\"0001_random\"");
	memcpy(p->connection, "db", 3);
	inside = program_begin(p);
	program_head(p);
	program_plan(p, 0);
	if (program_chance(p, 2)) {
		buf_text(out, "postcheck \"all is well\"");
		program_block(p, 1, false);
		program_lines(p);
	}
	if (program_chance(p, 4)) {
		buf_text(out, "finally");
		program_block(p, 1, true);
		program_lines(p);
	}
	program_end(p, inside);
	program_lines(p);
}

#endif
