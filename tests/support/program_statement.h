/*
 * program_statement.h - the statements of every block of program.h
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

/* The words of the language are keys. */
static void program_record(struct program *p)
{
	static const char *const some[] = { "{ a: 1, if: [\"x\"] }", "{a:{b:-1}}.a.b",
		"{and : 1 }.and", "{ in:{ log: {}} } . in", "{not: -1}.not - 2" };

	buf_text(p->out, PROGRAM_ONE_OF(p, some));
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
		program_record(p);
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

static void program_statements(struct program *p, uint32_t depth);
static void program_effect(struct program *p, uint32_t depth);

static void program_block(struct program *p, uint32_t depth)
{
	struct program_scope scope = program_enter(p);
	unsigned inside = program_begin(p);

	program_statements(p, depth + 1);
	program_end(p, inside);
	program_leave(p, scope);
}

static void program_if(struct program *p, uint32_t depth)
{
	buf_text(p->out, "if");
	program_blanks(p, 1);
	program_expression_bool(p);
	program_block(p, depth);
	while (program_chance(p, 2)) {
		program_break(p, 1);
		buf_text(p->out, "else if");
		program_blanks(p, 1);
		program_expression_bool(p);
		program_block(p, depth);
	}
	if (program_chance(p, 2)) {
		program_break(p, 1);
		buf_text(p->out, "else");
		program_block(p, depth);
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

static void program_loop(struct program *p, uint32_t depth)
{
	struct program_scope scope = program_enter(p);

	program_for_head(p);
	program_block(p, depth);
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

static void program_while(struct program *p, uint32_t depth)
{
	buf_text(p->out, "while");
	program_blanks(p, 1);
	program_expression_bool(p);
	program_block(p, depth);
	program_lines(p);
}

static void program_say(struct program *p, const char *word)
{
	buf_text(p->out, word);
	program_blanks(p, 1);
	program_expression_string(p);
	program_lines(p);
}

static void program_statements(struct program *p, uint32_t depth)
{
	uint32_t count = program_random(p, depth > 2 ? 2 : 4);

	for (uint32_t i = 0; i < count; i++) {
		switch (program_random(p, p->may == PROGRAM_EFFECTS ? 18 : 11)) {
		case 0:
		case 1:
			program_let(p);
			break;
		case 2:
			program_require(p);
			break;
		case 3:
			program_if(p, depth);
			break;
		case 4:
			program_loop(p, depth);
			break;
		case 5:
			program_variable(p);
			break;
		case 6:
			program_say(p, "log");
			break;
		case 7:
			if (program_chance(p, 3))
				program_while(p, depth);
			else if (program_chance(p, 3))
				program_say(p, "fail");
			break;
		default:
			program_effect(p, depth);
			break;
		}
	}
}

#endif
