/*
 * syntax_help.c - what tells an author more than the words that could stand there
 *
 * Each function knows one family of mistakes. It says what to write, and makes a fix of it where
 * nothing else can be meant; false: the mistake is none of its own.
 */
#include "grammar/mistake.h"
#include "grammar/foreign.h"
#include "vm/base/semver.h"
#include <strings.h>

static bool is_literal(int kind)
{
	return kind == T_INT || kind == T_FLOAT || kind == T_DURATION || kind == T_VERSION ||
	       kind == T_TRUE_WORD || kind == T_FALSE_WORD;
}

static bool begins_operand(const struct mistake *m)
{
	int kind = m->t->kind;

	return is_literal(kind) || is_word(m->text) || kind == T_STRING_BEGIN ||
	       kind == T_SQL_BEGIN || kind == '[' || kind == T_LBRACE;
}

/* ---- signs ---- */

/* A sign of another language where ours is the only one that can stand. */
static bool help_sign(const struct mistake *m)
{
	int kind = m->t->kind;

	if (expects_only(m, ":") && kind == '=')
		return replace(m, with_blanks(m), ":");
	if ((expects_only(m, "..") && kind == '-') || (expects(m, "..") && kind == ','))
		return replace(m, m->t->span, kind == ',' ? " .." : "..");
	if (expects(m, "=") && kind == T_EQUAL)
		return replace(m, m->t->span, "=");
	if (m->first->kind == T_NEEDS && expects(m, ">=") && kind == T_MAPS)
		return replace(m, m->t->span, ">=");
	if (expects(m, "=>") && kind == T_GIVES)
		return replace(m, m->t->span, "=>");
	if (expects(m, "->") && kind == ':')
		return replace(m, with_blanks(m), " ->");
	if (expects(m, "->") && kind == T_NAME)
		return replace(m, behind(m->before), " ->");
	if (kind == '=' && expects(m, ")") && expects(m, ","))
		return help(m, "an argument is named by `name: value`") &&
		       replace(m, with_blanks(m), ":");
	if (kind == ',' && m->first->kind == T_REQUIRE)
		return help(m, "what is said when it is not so stands behind `else`") &&
		       replace(m, m->t->span, " else");
	if (kind == ':' && expects(m, "{") && !expects_expression(m))
		return help(m, "a block stands in braces, without `:`") &&
		       (next_byte(m) != '{' || replace(m, with_blanks(m), ""));
	if (kind == T_LBRACE && expects_only(m, "("))
		return help(m, "the parameters stand in parentheses, even if there are none") &&
		       replace(m, behind(m->before), "()");
	/* `forward: sql"…"`, `timeout = 5m` */
	if ((kind == ':' || kind == '=') && (m->before->flags & SCAN_CLAUSE) &&
		m->before->span.start == m->first->span.start &&
		(expects_expression(m) || expects(m, "{") || expects_string(m) ||
			((m->first->kind == T_NEEDS || m->first->kind == T_ON) &&
				expects_named(m, "a name")) ||
			expects_version(m)))
		return help(m, "no `%c` stands behind the word of a clause", kind) &&
		       replace(m, with_blanks(m), "");
	return false;
}

/* `=` before a literal, `,` between two values. */
static bool help_between(const struct mistake *m)
{
	if (expects(m, "=") && is_literal(m->t->kind) && m->first->kind != T_NAME)
		return help(m, "put `=` before it") && replace(m, behind(m->before), " =");
	if (expects(m, ",") && (expects(m, ")") || expects(m, "]") || expects(m, "}")) &&
		m->t->kind != T_LBRACE && begins_operand(m) &&
		!(m->t->flags & (SCAN_CLAUSE | SCAN_RESERVED)))
		return help(m, "put `,` before it") && replace(m, behind(m->before), ",");
	return false;
}

/* Where only one word or sign can stand, and a value follows, it was left out. */
static bool help_left_out(const struct mistake *m)
{
	static const char *const words[] = { "on", "when", "in", "=", ":" };

	if (expects_only(m, ":") &&
		((m->before->flags & SCAN_RESERVED) || m->t->kind == '.' || m->t->kind == '(' ||
			((m->before->flags & SCAN_CLAUSE) && m->t->kind == T_STRING_BEGIN &&
				m->before->span.start == m->first->span.start)))
		return help(m, "the `{` before it is read as a record: is a value missing there?");
	if (expects_only(m, ":") && (m->t->kind == ',' || m->t->kind == ')'))
		return help(m, "a parameter has a type: `name: int`");
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (!expects_only(m, words[i]) || !begins_operand(m) ||
			(is_literal(m->t->kind) && strcmp(words[i], "when") == 0))
			continue;
		help(m, "put `%s` before it", words[i]);
		diag_fix(m->p->diags, m->number, behind(m->before), "%s%s",
			words[i][0] == ':' ? "" : " ", words[i]);
		return true;
	}
	if (expects(m, "on") && m->first->kind == T_OPERATION && m->t->kind == T_NAME)
		return help(m, "put `on` before it") && replace(m, behind(m->before), " on");
	return false;
}

/* ---- quotes ---- */

/* The text of a string that begins with the token found and ends on its line. */
static struct str string_here(const struct mistake *m)
{
	struct str text = m->p->scan.text;
	uint32_t at = m->t->span.end;

	while (at < text.len && text.ptr[at] != '"' && text.ptr[at] != '\n')
		at++;
	return (struct str){ text.ptr + m->t->span.end,
		at < text.len && text.ptr[at] == '"' ? at - m->t->span.end : 0 };
}

static bool is_identifier(struct str text)
{
	for (size_t i = 0; i < text.len; i++)
		if (!isalnum((unsigned char)text.ptr[i]) && text.ptr[i] != '_')
			return false;
	return is_word(text);
}

static bool unquote(const struct mistake *m, struct str content)
{
	struct span span = m->t->span;

	span.end += (uint32_t)content.len + 1;
	diag_fix(m->p->diags, m->number, span, "%.*s", STR_ARG(content));
	return true;
}

static bool help_quotes(const struct mistake *m)
{
	struct str content;
	struct semver version;

	if (m->t->kind == T_STRING_BEGIN && m->t->span.end - m->t->span.start == 1) {
		content = string_here(m);
		if (expects_version(m)) {
			help(m, "versions stand without quotes");
			return !semver_parse(content, &version) || unquote(m, content);
		}
		if (expects_named(m, "a name") && !expects_expression(m)) {
			help(m, "names stand without quotes");
			return !is_identifier(content) || unquote(m, content);
		}
	}
	if (!expects_string(m))
		return false;
	if (m->t->kind == T_NAME && m->before->span.start == m->first->span.start) {
		help(m, "put it in quotes");
		diag_fix(m->p->diags, m->number, m->t->span, "\"%.*s\"", STR_ARG(m->text));
		return true;
	}
	if (m->t->kind == '(')
		return help(m, "no parentheses: `%.*s \"…\"`",
			STR_ARG(scan_text(&m->p->scan, m->first->span)));
	if (m->first->kind == T_IRREVERSIBLE)
		return help(m, "say why: `irreversible \"…\"`");
	if (m->first->kind != T_MIGRATION && m->before->span.start == m->first->span.start)
		return help(m, "say in a few words what it is for: `%.*s \"…\"`",
			STR_ARG(scan_text(&m->p->scan, m->first->span)));
	return false;
}

/* ---- SQL outside of a template ---- */

static bool is_sql_word(struct str text)
{
	static const char *const words[] = { "SELECT", "INSERT", "UPDATE", "DELETE", "CREATE",
		"ALTER", "DROP", "TRUNCATE", "RENAME", "OPTIMIZE", "GRANT", "REVOKE", "COMMIT" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strlen(words[i]) == text.len &&
			strncasecmp(text.ptr, words[i], text.len) == 0)
			return true;
	return false;
}

static bool help_sql(const struct mistake *m)
{
	const struct scan *s = &m->p->scan;
	bool bare = is_sql_word(scan_text(s, m->before->span)) || is_sql_word(m->text);

	if (!bare)
		return false;
	m->p->scan.muted = true;
	if (m->first->kind == T_FORWARD || m->first->kind == T_ROLLBACK)
		return help(m, "SQL stands in a template: `%.*s sql\"…\"`",
			STR_ARG(scan_text(s, m->first->span)));
	return help(m, "SQL stands in a template: `exec sql\"…\"` in a block, `forward "
		       "sql\"…\"` in an operation");
}

/* ---- lines ---- */

/* The value, the block or the brace that the line ends before. */
static bool help_end_of_line(const struct mistake *m)
{
	const struct scan *s = &m->p->scan;
	int first = m->first->kind, last = m->before->kind;

	if (m->t->kind != T_NEWLINE && m->t->kind != '}')
		return false;
	if (m->t->kind == T_NEWLINE && expects(m, "{") && s->is_holding &&
		s->held.kind == T_LBRACE) {
		struct span span = { m->t->span.source, m->before->span.end, s->held.span.start };

		/* A comment in between would swallow it. */
		help(m, "the `{` stands on the line of what it belongs to");
		if (!memchr(s->text.ptr + span.start, '#', span.end - span.start))
			replace(m, span, " ");
		return true;
	}
	if (last == T_FORWARD || last == T_ROLLBACK)
		return help(m, "`%.*s` is followed by sql\"…\" or by a block in braces, on the "
			       "same line",
			STR_ARG(scan_text(s, m->before->span)));
	if (last == '%')
		return help(m, first == T_PROGRESS ? "a share is written 0.5, not 50%%"
						   : "a number stands without `%%`");
	if (first == T_RETRY && expects(m, ".."))
		return help(m, "the first wait and the longest one: `backoff 5s .. 2m`");
	if (first == T_NEEDS && last == T_VERSION)
		return help(m, "a range is `>= 1.0.0`, `>= 1.0.0, < 2.0.0` or `1.0.0 .. 2.0.0`");
	if (first == T_VERSIONS && expects(m, ".."))
		return help(m, "both ends are said: `versions 1.33.0 .. 1.40.0`");
	return false;
}

/* ---- words in the wrong place ---- */

static bool is_statement_word(int kind)
{
	return is_block_word(kind) || kind == T_LET || kind == T_IF || kind == T_FOR;
}

static bool is_about_documentation(struct str text)
{
	static const char *const words[] = { "description", "describe", "doc", "comment", "summary",
		"title" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (str_eq(text, str_c(words[i])))
			return true;
	return false;
}

static bool help_place(const struct mistake *m)
{
	bool in_operation = expects(m, "forward") && !expects_named(m, "a name");
	bool in_plan = expects(m, "operation") && !expects_named(m, "a name");
	bool at_top = expects(m, "migration") && !expects_named(m, "a name");
	bool is_clause = m->t->flags & SCAN_CLAUSE;
	char next = next_byte(m);

	if (!in_operation && !in_plan && !at_top)
		return false;
	if (m->t->kind == T_NAME && is_about_documentation(m->text))
		return help(m, "documentation stands in lines of `##` before what it is about");
	if (in_operation && is_statement_word(m->t->kind))
		return help(m, "statements stand in a block: `forward { … }`, `rollback { … }`");
	if (!at_top && scan_begins_declaration(m->t->kind))
		return help(m, "`%.*s` stands in the file, outside of the migration",
			STR_ARG(m->text));
	m->p->diags->all.at[m->number].blames_block = in_operation && is_clause;
	if (in_operation && is_clause)
		return help(m, "`%.*s` stands in the migration: close the operation before it",
			STR_ARG(m->text));
	if (in_plan && is_clause)
		return help(m, "`%.*s` stands in an operation", STR_ARG(m->text));
	if (!in_operation && m->t->kind == T_NAME && next == '=')
		return help(m, "a value is named by `%s %.*s = …`", at_top ? "const" : "let",
			       STR_ARG(m->text)) &&
		       replace(m, (struct span){ m->t->span.source, m->t->span.start,
						 m->t->span.start }, at_top ? "const " : "let ");
	if (in_plan && m->t->kind == T_NAME && (next == '.' || next == '('))
		return help(m, "a list of operations is placed by `include`; what changes "
			       "something stands in an operation's `forward { … }`");
	if (m->t->kind == T_SQL_BEGIN)
		return help(m, "what is sent stands behind `forward` in an operation");
	return at_top && m->t->kind != T_END &&
	       help(m, "operations, parameters and checks stand inside "
		       "`migration \"name\" { … }`");
}

/* ---- each its own ---- */

static bool is_about_batches(const struct mistake *m)
{
	struct str text = m->p->scan.text;
	struct str line = { text.ptr + m->first->span.start,
		m->t->span.end - m->first->span.start };

	return str_find(line, STR("in batch")) >= 0;
}

static bool help_clause(const struct mistake *m)
{
	int first = m->first->kind, kind = m->t->kind;

	if (first == T_USE && kind == ',')
		return help(m, "each module has a `use` of its own, on a line of its own");
	if (first == T_USE && kind == T_AS)
		return help(m, "a module is called by its own name");
	if (first == T_NEEDS && kind == ',' && m->before->kind == T_NAME)
		return help(m, "each connection has a `needs` of its own, on a line of its own");
	if (first == T_NEEDS && (kind == '=' || kind == T_AS) && m->before->kind == T_NAME)
		return help(m, "the kind stands behind a `:`, as in `needs db: sqlite`") &&
		       replace(m, with_blanks(m), ":");
	if (first == T_PARAM && kind == '=' && expects_only(m, ":"))
		return help(m, "a param has a type: `param name: int = …`");
	if (first == T_PARAM && kind == '=')
		return help(m, "the default stands before the documentation");
	if (first == T_PARAM && kind == ',' && next_byte(m) == '"')
		return help(m, "no comma stands before the documentation") &&
		       replace(m, m->t->span, "");
	if (first == T_PARAM && kind == ',' && !expects(m, ".."))
		return help(m, "the values that are allowed are a list: `one of [1, 2]`");
	if (first == T_PARAM && kind == T_OF && expects(m, "one"))
		return help(m, "the values that are allowed stand behind `one of`") &&
		       replace(m, behind(m->before), " one");
	if (first == T_HTTP && kind == T_STRING_BEGIN && expects(m, "body"))
		return help(m, "put `body` before it") && replace(m, behind(m->before), " body");
	if (kind == T_REQUIRE && expects(m, "given") && !expects_named(m, "a name"))
		return help(m, "what a test demands is an `expect`") &&
		       replace(m, m->t->span, "expect");
	if (expects(m, "given") && !expects_named(m, "a name") && is_block_word(kind))
		return help(m, "a test prepares databases by `given c sql\"…\"`");
	if (first == T_OPERATIONS && kind == T_GIVES)
		return help(m, "`operations` have no result: they are placed by `include`");
	if ((first == T_PRECHECK || first == T_POSTCHECK || first == T_HEALTHCHECK) && kind == T_ON)
		return help(m, "a check asks connections by their names: `c.value(sql\"…\")`");
	if (m->before->kind == T_ROLLBACK && kind == T_NOT)
		return help(m, "if nothing has to be undone: `rollback nothing`");
	if ((first == T_FORWARD || first == T_ROLLBACK) && (kind == T_SQL_BEGIN || kind == '+'))
		return help(m, "one template holds all that is sent at once; in a block each "
			       "`exec` sends one");
	if (first == T_REQUIRE && (kind == T_FAIL || kind == ':'))
		return help(m, "what is said when it is not so stands behind `else`: `require c "
			       "else \"…\"`");
	if (first == T_FOR && is_about_batches(m))
		return help(m, "windows are gone through by `for w in batches of t by id size "
			       "10000 { … }`");
	if (first == T_FOR && (kind == '(' || kind == ',' || kind == '='))
		return help(m, "a `for` is written `for x in list { … }`");
	if (first == T_FOR && kind == T_RANGE)
		return help(m, "a `for` goes over a list, `[1, 2, 3]`; to count, use `while`");
	return false;
}

static bool help_expression(const struct mistake *m)
{
	static const char *const comparisons[] = { "==", "!=", "<", "<=", ">", ">=" };
	const struct scan *s = &m->p->scan;
	int kind = m->t->kind, last = m->before->kind;
	bool takes_names = expects_named(m, "a name");
	const char *unit = foreign_unit(m->text);

	if ((last == T_INT || last == T_FLOAT) && is_word(m->text) && unit) {
		struct str digits = scan_text(s, m->before->span);
		struct span span = m->t->span;

		span.start = m->before->span.start;
		help(m, "the unit stands right behind the number: `%.*s%s`", STR_ARG(digits), unit);
		diag_fix(m->p->diags, m->number, span, "%.*s%s", STR_ARG(digits), unit);
		return true;
	}
	if (kind == '?' && expects(m, "=="))
		return help(m, "a choice is written `if c { a } else { b }`");
	if (kind == ',' && expects(m, ")") && !expects(m, ","))
		return help(m, "a list stands in brackets: `[1, 2]`");
	if (kind == '.' && isdigit((unsigned char)next_byte(m)) && expects(m, "["))
		return help(m, "a float has digits before the point: 0.5") &&
		       replace(m, (struct span){ m->t->span.source, m->t->span.start,
						 m->t->span.start }, "0");
	if (kind == T_STRING_BEGIN && last == T_TEMPLATE_END && expects(m, "+"))
		return help(m, "texts are joined by `+`, or written as one with holes: `\"… "
			       "${…}\"`");
	if (last == '.' && kind == T_INT)
		return help(m, "an element of a list is `list[%.*s]`", STR_ARG(m->text));
	if (kind == '[' && next_byte(m) == ']' && last == T_NAME)
		return help(m, "a list's type is written `[%.*s]`",
			STR_ARG(scan_text(s, m->before->span)));
	for (size_t i = 0; i < ARRAY_SIZE(comparisons); i++)
		if (str_eq(m->text, str_c(comparisons[i])) && expects(m, "and") &&
			!expects(m, comparisons[i]))
			return help(m, "comparisons are joined by `and`: `a < b and b < c`");
	if (kind == T_NAME && foreign_hint(m->text))
		return help(m, "%s", foreign_hint(m->text));
	if (last == T_NAME && m->before->span.start == m->first->span.start &&
		foreign_hint(scan_text(s, m->before->span)))
		return help(m, "%s", foreign_hint(scan_text(s, m->before->span)));
	if (form_of(m->first->kind))
		return help(m, "it is written `%s`", form_of(m->first->kind));
	if (m->t->flags & m->first->flags & SCAN_CLAUSE && !takes_names &&
		expects_named(m, "the end of the line"))
		return help(m, "a clause begins a line of its own");
	if (expects(m, "{") && !takes_names && (is_statement_word(kind) || is_literal(kind)))
		return help(m, "a block stands in braces: `{ … }`");
	return false;
}

void syntax_help(struct parser *p, const struct expectation *e, size_t number)
{
	struct mistake m = { .p = p,
		.e = e,
		.t = &p->scan.current,
		.before = &p->scan.previous,
		.first = &p->scan.first,
		.text = scan_text(&p->scan, p->scan.current.span),
		.number = number };

	if (habit_help(&m))
		return;
	if (help_end_of_line(&m) || help_sql(&m) || help_clause(&m) || help_sign(&m) ||
		help_quotes(&m) || help_left_out(&m) || help_between(&m) || help_place(&m))
		return;
	help_expression(&m);
}
