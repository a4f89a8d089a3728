/*
 * program.h - random programs that compile, for tests and fuzzers
 *
 *   struct program p;  program_init(&p, seed);  program_write(&p, &text);
 *
 * The same seed gives the same text. A program has constants, functions, `operations`, a migration
 * and tests of it, in any order; all names are known and all types fit, so that `amigc` takes it.
 * Its layout is at random too: blanks, line breaks and comments wherever the language lets them be,
 * lines that end with \r\n, templates on one line and on several. It needs no module but the
 * standard library.
 *
 *   program.h              layout, names, templates, expressions
 *   program_statement.h    the statements of every block
 *   program_effect.h       those that change the world or wait for it
 *   program_plan.h         operations, and what lists them
 *   program_declaration.h  functions, `operations`, the migration, its tests
 */
#ifndef TESTS_SUPPORT_PROGRAM_H
#define TESTS_SUPPORT_PROGRAM_H

#include "vm/base/buf.h"
#include <stdio.h>

#define PROGRAM_NAMES_MAX 12
#define PROGRAM_CONNECTIONS_MAX 5
#define PROGRAM_OPERATIONS_MAX 3

enum program_kind { PROGRAM_SQLITE, PROGRAM_POSTGRES, PROGRAM_CLICKHOUSE, PROGRAM_KINDS };

static const char *const program_kinds[] = { "sqlite", "postgres", "clickhouse" };

struct program_connection {
	char name[16];
	enum program_kind kind;
};

/* What an `operations` takes, in this order; what has a default may be left out. */
struct program_operations {
	char name[16];
	enum program_kind kinds[2];
	uint32_t connection_count;
	bool has_int, has_string, has_list, has_defaults;
	bool has_parallel; /* it, or what it includes */
};

struct program {
	uint64_t state;
	struct buf *out;
	uint32_t names;	 /* given so far, to make new ones */
	bool words[128]; /* that are names already */
	bool tidy;	/* this one has its blanks where people put them */
	bool returns;	/* lines end with \r\n */
	uint32_t depth; /* of expressions */
	unsigned inside; /* parentheses: a line may break anywhere */
	unsigned quoted; /* in a hole of a template of one line: it may break nowhere */
	/* what may be named here, by type */
	struct program_names {
		char at[PROGRAM_NAMES_MAX][24];
		uint32_t count;
	} ints, strings, lists, functions;
	struct program_operations operations[PROGRAM_OPERATIONS_MAX];
	uint32_t operations_count;
	struct program_connection connections[PROGRAM_CONNECTIONS_MAX];
	uint32_t connection_count;
	const struct program_connection *on; /* what `exec` is sent to; NULL: that must be said */
	enum { PROGRAM_READS, PROGRAM_NOTICES, PROGRAM_EFFECTS } may;
	enum { PROGRAM_FREE, PROGRAM_LOCK, PROGRAM_TRANSACTION } within;
	bool at_once; /* the `batches` that is written */
	bool in_parallel, has_parallel; /* for there is none in another */
	bool has_param; /* the migration has `count` */
};

static void program_expression_int(struct program *p);
static void program_expression_string(struct program *p);
static void program_expression_bool(struct program *p);

/* splitmix64 */
static inline uint64_t program_mix(uint64_t z)
{
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

/* Seeds beside each other must not lie on one sequence: their programs would be alike but for the
 * beginning. */
static inline void program_init(struct program *p, uint64_t seed)
{
	*p = (struct program){ .state = program_mix(seed + 1) };
}

/* Below `n`. */
static uint32_t program_random(struct program *p, uint32_t n)
{
	p->state += 0x9e3779b97f4a7c15u;
	return (uint32_t)(program_mix(p->state) >> 32) % n;
}

static bool program_chance(struct program *p, uint32_t of)
{
	return program_random(p, of) == 0;
}

static const char *program_one_of(struct program *p, const char *const *texts, uint32_t count)
{
	return texts[program_random(p, count)];
}

#define PROGRAM_ONE_OF(p, texts) program_one_of(p, texts, (uint32_t)ARRAY_SIZE(texts))

/* ---- layout ---- */
static void program_blanks(struct program *p, uint32_t least)
{
	static const char *const some[] = { "", " ", "  ", "\t", " \t " };
	uint32_t n = p->tidy ? 0 : program_random(p, 5);

	buf_text(p->out, n || !least ? some[n] : " ");
}

static void program_line_end(struct program *p)
{
	buf_text(p->out, p->returns ? "\r\n" : "\n");
}

static void program_comment(struct program *p)
{
	static const char *const some[] = { "#", "# why", "#why \t", "## a \"word\" of it",
		"# ${x} { ( [", "# é …" };

	buf_text(p->out, some[program_random(p, 6)]);
}

/* One or several line ends, with comments. */
static void program_lines(struct program *p)
{
	do {
		program_blanks(p, 0);
		if (program_chance(p, 6))
			program_comment(p);
		program_line_end(p);
	} while (program_chance(p, p->tidy ? 8 : 3));
	program_blanks(p, 0);
}

/* Where a line may break, for it can't end there. */
static void program_break(struct program *p, uint32_t least)
{
	if (!p->quoted && program_chance(p, p->tidy ? 30 : 8))
		program_lines(p);
	else
		program_blanks(p, least);
}

/* Between two tokens that keep their distance. */
static void program_space(struct program *p)
{
	if (p->inside)
		program_break(p, 1);
	else
		program_blanks(p, 1);
}

static void program_sign(struct program *p, const char *sign)
{
	if (p->inside)
		program_break(p, 0);
	else
		program_blanks(p, 0);
	buf_text(p->out, sign);
	program_break(p, 0);
}

/* ` and `, ` in `: what stands before it may end a line only in parentheses. */
static void program_word(struct program *p, const char *word)
{
	program_space(p);
	buf_text(p->out, word);
	program_break(p, 1);
}

static void program_open(struct program *p, const char *bracket)
{
	buf_text(p->out, bracket);
	p->inside++;
	program_break(p, 0);
}

static void program_close(struct program *p, const char *bracket)
{
	program_break(p, 0);
	p->inside--;
	buf_text(p->out, bracket);
}

/* A block: newlines end statements in it, whatever is around. */
static unsigned program_begin(struct program *p)
{
	unsigned inside = p->inside;

	program_blanks(p, 1);
	buf_byte(p->out, '{');
	p->inside = 0;
	program_lines(p);
	return inside;
}

static void program_end(struct program *p, unsigned inside)
{
	buf_byte(p->out, '}');
	p->inside = inside;
}

/* ---- names ---- */
/* Words of clauses are names as well: each once, for nothing hides anything, then with a number. */
static void program_name(struct program *p, char name[16])
{
	static const char *const words[] = {
#define RESERVED(word)
#define CLAUSE(word) word,
#define LATER(word) word,
#define KEYWORD(word, token, class) class(word)
#include "grammar/keywords.def"
#undef KEYWORD
#undef RESERVED
#undef CLAUSE
#undef LATER
		"a", "value", "x_1"
	};
	uint32_t word = program_random(p, (uint32_t)ARRAY_SIZE(words));

	_Static_assert(ARRAY_SIZE(words) <= sizeof(p->words), "a mark for each word");
	if (!p->words[word] && program_chance(p, 2))
		snprintf(name, 16, "%s", words[word]);
	else
		snprintf(name, 16, "%s_%u", words[word], p->names++);
	p->words[word] = true;
}

/* Of what is called: some of the words are functions of the language, or methods. */
static void program_callable(struct program *p, char name[16])
{
	program_name(p, name);
	if (strcmp(name, "max") == 0 || strcmp(name, "min") == 0 || strcmp(name, "setting") == 0 ||
	    strcmp(name, "value") == 0)
		snprintf(name, 16, "f_%u", p->names++);
}

static void program_know(struct program_names *names, const char *name)
{
	if (names->count < PROGRAM_NAMES_MAX)
		snprintf(names->at[names->count++], sizeof(names->at[0]), "%s", name);
}

static const char *program_known(struct program *p, const struct program_names *names)
{
	return names->count ? names->at[program_random(p, names->count)] : NULL;
}

static void program_connect(struct program *p, const char *name, enum program_kind kind)
{
	struct program_connection *c = &p->connections[p->connection_count++];

	snprintf(c->name, sizeof(c->name), "%s", name);
	c->kind = kind;
}

/* NULL: none is known. */
static const struct program_connection *program_connection(struct program *p)
{
	return p->connection_count ? &p->connections[program_random(p, p->connection_count)] : NULL;
}

/* ---- templates ---- */
static void program_hole(struct program *p, bool is_triple)
{
	unsigned quoted = p->quoted, inside = p->inside;

	p->quoted += !is_triple;
	p->inside++;
	buf_text(p->out, "${");
	program_break(p, 0);
	if (program_chance(p, 2))
		program_expression_int(p);
	else
		program_expression_string(p);
	program_break(p, 0);
	buf_byte(p->out, '}');
	p->quoted = quoted;
	p->inside = inside;
}

/* What stands between the quotes; lines only where it is triple. */
static void program_text(struct program *p, bool is_triple)
{
	static const char *const words[] = { "SELECT", " a", "  b", "\\$", "\\\\", "'#'", "é", "{",
		"(", "1" };
	static const char *const indents[] = { "", "  ", "    ", "      ", "\t", "   \t" };
	uint32_t count = program_random(p, 6);

	if (is_triple && program_chance(p, 2))
		program_line_end(p);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t what = program_random(p, 8);

		if (what == 0)
			program_hole(p, is_triple);
		else if (what < 4 && is_triple) {
			program_line_end(p);
			buf_text(p->out, indents[program_random(p, 6)]);
		} else {
			buf_text(p->out, words[program_random(p, 10)]);
		}
	}
	if (is_triple && program_chance(p, 2)) {
		program_line_end(p);
		buf_text(p->out, indents[program_random(p, 6)]);
	}
}

static void program_template(struct program *p, const char *prefix, const char *first)
{
	bool is_triple = !p->quoted && program_chance(p, 3);

	buf_format(p->out, "%s%s", prefix, is_triple ? "\"\"\"" : "\"");
	p->depth++;
	buf_text(p->out, first);
	if (p->depth < 5)
		program_text(p, is_triple);
	p->depth--;
	buf_text(p->out, is_triple ? "\"\"\"" : "\"");
}

static void program_sql(struct program *p)
{
	program_template(p, "sql", "x");
}

/* A method of a connection, called with a template. */
static void program_ask(struct program *p, const struct program_connection *c, const char *method)
{
	buf_text(p->out, c->name);
	program_sign(p, ".");
	buf_text(p->out, method);
	program_blanks(p, 0);
	program_open(p, "(");
	program_sql(p);
	program_close(p, ")");
}

/* ---- expressions ---- */
static void program_if_expression(struct program *p, void (*value)(struct program *p))
{
	unsigned inside = p->inside;

	buf_text(p->out, "if");
	program_blanks(p, 1);
	program_expression_bool(p);
	program_blanks(p, 1);
	buf_byte(p->out, '{');
	p->inside = 0;
	program_break(p, 0);
	value(p);
	program_break(p, 0);
	buf_byte(p->out, '}');
	program_break(p, 1);
	buf_text(p->out, "else");
	program_blanks(p, 1);
	buf_byte(p->out, '{');
	program_break(p, 0);
	value(p);
	program_break(p, 0);
	buf_byte(p->out, '}');
	p->inside = inside;
}

static void program_int(struct program *p)
{
	static const char *const some[] = { "0", "1", "1_000", "42", "2KB", "1.5KiB", "-1", "-7",
		"- 3", "({as:5}.as)", "({else: 1}. else)" };
	const char *name = program_known(p, &p->ints);

	buf_text(p->out, name && program_chance(p, 2) ? name : PROGRAM_ONE_OF(p, some));
}

/* False: there is nobody to ask, or it is left out. */
static bool program_query(struct program *p, const char *method)
{
	const struct program_connection *c = program_connection(p);

	if (!c || program_chance(p, 2))
		return false;
	program_ask(p, c, method);
	return true;
}

static void program_call(struct program *p, const char *name)
{
	bool named = program_chance(p, 2);

	buf_text(p->out, name);
	program_blanks(p, 0);
	program_open(p, "(");
	if (named) {
		buf_text(p->out, "n");
		program_sign(p, ":");
	}
	program_expression_int(p);
	program_sign(p, ",");
	if (named) {
		buf_text(p->out, "text");
		program_sign(p, ":");
	}
	program_expression_string(p);
	if (program_chance(p, 4))
		program_sign(p, ",");
	program_close(p, ")");
}

static void program_list(struct program *p)
{
	uint32_t count = 1 + program_random(p, 3);

	program_open(p, "[");
	for (uint32_t i = 0; i < count; i++) {
		if (i)
			program_sign(p, ",");
		program_expression_int(p);
	}
	program_close(p, "]");
}

static void program_binary_int(struct program *p)
{
	static const char *const signs[] = { "+", "-", "-" };

	program_expression_int(p);
	program_space(p);
	buf_text(p->out, signs[program_random(p, 3)]);
	program_break(p, 1);
	program_expression_int(p);
}

static void program_expression_int(struct program *p)
{
	uint32_t what = p->depth > 3 ? 0 : program_random(p, 11);
	const char *name;

	p->depth++;
	switch (what) {
	case 0:
	case 1:
	case 2:
		program_int(p);
		break;
	case 3:
		program_binary_int(p);
		break;
	case 4:
		program_open(p, "(");
		program_expression_int(p);
		program_close(p, ")");
		break;
	case 5:
		buf_text(p->out, "len");
		program_open(p, "(");
		program_expression_string(p);
		program_close(p, ")");
		break;
	case 6:
		name = program_known(p, &p->lists);
		if (name)
			buf_text(p->out, name);
		else
			program_list(p);
		program_open(p, "[");
		buf_text(p->out, "0");
		program_close(p, "]");
		break;
	case 7:
		program_open(p, "(");
		program_if_expression(p, program_expression_int);
		program_close(p, ")");
		break;
	case 8:
		if (program_query(p, "value")) {
			program_word(p, "as");
			buf_text(p->out, "int");
		} else {
			program_int(p);
		}
		break;
	default:
		name = program_known(p, &p->functions);
		if (name)
			program_call(p, name);
		else
			program_int(p);
		break;
	}
	p->depth--;
}

static void program_expression_string(struct program *p)
{
	const char *name = program_known(p, &p->strings);

	p->depth++;
	if (p->depth > 4 || program_chance(p, 3)) {
		buf_text(p->out, name ? name : "\"s\"");
	} else if (program_chance(p, 4)) {
		buf_text(p->out, "upper");
		program_open(p, "(");
		program_expression_string(p);
		program_close(p, ")");
	} else {
		program_template(p, "", "x");
	}
	p->depth--;
}

static void program_comparison(struct program *p)
{
	static const char *const signs[] = { "==", "!=", "<", "<=", ">", ">=" };

	program_expression_int(p);
	program_sign(p, signs[program_random(p, 6)]);
	program_expression_int(p);
}

static void program_expression_bool(struct program *p)
{
	uint32_t what = p->depth > 3 ? 0 : program_random(p, 9);

	p->depth++;
	switch (what) {
	case 0:
		buf_text(p->out, program_chance(p, 2) ? "true" : "false");
		break;
	case 1:
		program_expression_bool(p);
		program_word(p, program_chance(p, 2) ? "and" : "or");
		program_expression_bool(p);
		break;
	case 2:
		buf_text(p->out, "not");
		program_break(p, 1);
		program_expression_bool(p);
		break;
	case 3:
		program_open(p, "(");
		program_expression_bool(p);
		program_close(p, ")");
		break;
	case 4:
		program_expression_int(p);
		program_word(p, "in");
		program_list(p);
		break;
	case 5:
		program_expression_string(p);
		program_word(p, "matches");
		buf_text(p->out, "\"^x+\"");
		break;
	case 6:
		if (!program_query(p, "exists"))
			program_comparison(p);
		break;
	default:
		program_comparison(p);
		break;
	}
	p->depth--;
}

#include "tests/support/program_statement.h"
#include "tests/support/program_effect.h"
#include "tests/support/program_plan.h"
#include "tests/support/program_declaration.h"

#endif
