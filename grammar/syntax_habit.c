/*
 * syntax_habit.c - what is written here as people write it elsewhere, or as they would have guessed
 *
 * See mistake.h. These come before the more general help of syntax_help.c.
 */
#include "grammar/mistake.h"
#include "grammar/foreign.h"
#include <strings.h>

static bool is_text(struct str text, const char *other)
{
	return text.len == strlen(other) && strncasecmp(text.ptr, other, text.len) == 0;
}

static struct str text_before(const struct mistake *m)
{
	return scan_text(&m->p->scan, m->before->span);
}

static bool is_adjacent(const struct mistake *m)
{
	return m->before->span.end == m->t->span.start;
}

static bool is_name_byte(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* The word that begins at the byte, behind blanks; empty if none does. */
static struct str word_at(const struct mistake *m, uint32_t at)
{
	struct str text = m->p->scan.text;
	uint32_t end;

	while (at < text.len && (text.ptr[at] == ' ' || text.ptr[at] == '\t'))
		at++;
	for (end = at; end < text.len && is_name_byte(text.ptr[end]); end++)
		;
	return (struct str){ text.ptr + at, end - at };
}

static uint32_t end_of(const struct mistake *m, struct str text)
{
	return (uint32_t)(text.ptr + text.len - m->p->scan.text.ptr);
}

static struct span from_to(const struct mistake *m, uint32_t start, uint32_t end)
{
	return (struct span){ m->t->span.source, start, end };
}

/* ---- letters before a quote ---- */

/* `SQL"…"`, `sql "…"`, `f"…"`: what was meant by the word `prefix`, the quote behind it. */
static bool help_prefix(const struct mistake *m, struct span prefix, uint32_t quote)
{
	struct str word = scan_text(&m->p->scan, prefix);
	bool is_next = prefix.end == quote;

	if (is_text(word, "sql")) {
		struct span span = { prefix.source, prefix.start, quote };

		return help(m, "SQL stands in a template, `sql` in small letters right before the "
			       "quote: `sql\"…\"`") &&
		       replace(m, span, "sql");
	}
	if (!is_next || word.len != 1 || !strchr("bBeEfFnNrRuU", word.ptr[0]))
		return false;
	return help(m, "no letter stands before a text; its holes are written `${…}`") &&
	       replace(m, prefix, "");
}

static bool help_letters(const struct mistake *m)
{
	struct str text = m->p->scan.text;
	uint32_t end = m->t->span.end;

	if (m->t->kind == T_STRING_BEGIN && m->before->kind == T_NAME)
		return help_prefix(m, m->before->span, m->t->span.start);
	if (m->t->kind != T_NAME)
		return false;
	while (end < text.len && text.ptr[end] == ' ')
		end++;
	return end < text.len && text.ptr[end] == '"' && help_prefix(m, m->t->span, end);
}

/* ---- the heads of a file and of a migration ---- */

static bool help_version(const struct mistake *m)
{
	int kind = m->t->kind;

	if (!expects_version(m))
		return false;
	if (kind == T_NAME && (m->text.ptr[0] == 'v' || m->text.ptr[0] == 'V') &&
		m->text.len > 1 && isdigit((unsigned char)m->text.ptr[1]))
		return help(m, "a version is written without `v`") &&
		       replace(m, from_to(m, m->t->span.start, m->t->span.start + 1), "");
	if (m->first->kind == T_VERSIONS &&
		(kind == T_GREATER_EQUAL || kind == T_LESS_EQUAL || kind == '<' || kind == '>' ||
			kind == T_EQUAL || kind == '='))
		return help(m, "both ends are said, and both belong to it: `versions 1.33.0 .. "
			       "1.40.0`");
	return false;
}

static bool help_param(const struct mistake *m)
{
	if (m->first->kind != T_PARAM)
		return false;
	if (m->t->kind == T_IN && expects(m, "one"))
		return help(m, "the values that are allowed stand behind `one of`") &&
		       replace(m, m->t->span, "one of");
	if (m->t->kind == ',' && m->p->scan.depth &&
		m->p->scan.brackets[m->p->scan.depth - 1].kind == '(')
		return help(m, "the values that are allowed are a list: `one of [1, 2]`");
	return false;
}

static bool help_head(const struct mistake *m)
{
	int first = m->first->kind, kind = m->t->kind;
	bool is_check = first == T_PRECHECK || first == T_POSTCHECK || first == T_HEALTHCHECK;

	if (first == T_DEPENDS && (kind == '[' || kind == '('))
		return help(m, "they stand one behind the other, without brackets: `depends on "
			       "\"0001_a\", \"0002_b\"`");
	if (first == T_NEEDS && kind == T_NAME && m->before->kind == T_NAME)
		return help(m, "the kind stands behind a `:`, as in `needs db: sqlite`") &&
		       replace(m, behind(m->before), ":");
	if (first == T_USE && (kind == '.' || kind == '/'))
		return help(m, "a module is named without folder and ending, `use shop`; its "
			       "folder is given by --path");
	if (is_check && expects(m, "{") && expects(m, "every") && kind != T_NEWLINE &&
		kind != T_ON && kind != ':')
		return help(m, "a check is a block that requires something: `{ require … else "
			       "\"…\" }`");
	if ((first == T_MIGRATION || first == T_OPERATION) && kind == T_NEWLINE &&
		expects(m, "{") &&
		!(m->p->scan.is_holding && m->p->scan.held.kind == T_LBRACE))
		return help(m, "what belongs to it stands in braces: put `{` at the end of this "
			       "line, and `}` behind the last one");
	if (first == T_OPERATION && kind == T_ON && expects_string(m)) {
		struct str name = word_at(m, m->t->span.end);

		return help(m, "the label stands before `on`: `operation \"what it does\" on %.*s`",
			name.len ? (int)name.len : 1, name.len ? name.ptr : "c");
	}
	return false;
}

/* ---- the clauses of an operation ---- */

static bool help_block(const struct mistake *m)
{
	int last = m->before->kind, first = m->first->kind;
	bool begins = m->before->span.start == m->first->span.start;

	if (first == T_ALLOW && expects_string(m))
		return help(m, "say why: `allow W0105 \"…\"`");
	if (last == T_FINALLY && m->t->kind == T_SQL_BEGIN)
		return help(m, "it is a block: `finally { exec sql\"…\" }`");
	if (first == T_SETTINGS && begins && expects(m, "{"))
		return help(m, "they stand in braces: `settings { name: value }`");
	if (m->t->kind == T_NEWLINE && expects(m, ",") && expects(m, "}"))
		return help(m, "what stands in braces is separated by `,`") &&
		       replace(m, behind(m->before), ",");
	if (expects_only(m, "undo"))
		return help(m, "it is written `in doubt undo`; what can be done twice is "
			       "`idempotent`");
	if (first == T_FN && expects(m, "{") && (m->t->kind == '=' || m->t->kind == T_MAPS))
		return help(m, "what a function gives stands in its block: `{ return … }`");
	if (first == T_FOR && last == T_BY && m->t->kind == T_STRING_BEGIN)
		return help(m, "the key is named without quotes: `by id`");
	return false;
}

static bool help_retry(const struct mistake *m)
{
	struct str word = m->text;

	if (m->first->kind != T_RETRY)
		return false;
	if (m->before->kind == T_BACKOFF || is_text(text_before(m), "backoff"))
		return help(m, "first how often, then the waits: `retry 5 backoff 1s .. 1m`");
	if (!expects(m, "backoff"))
		return false;
	if (is_text(word, "times") || is_text(word, "x"))
		return help(m, "the number alone says how often") && replace(m, with_blanks(m), "");
	if (m->t->kind == T_EVERY || m->t->kind == ',' || m->t->kind == T_WITH ||
		m->t->kind == T_WAIT || m->t->kind == T_DURATION || is_text(word, "delay") ||
		is_text(word, "after"))
		return help(m, "the waits between stand behind `backoff`, the first one and the "
			       "longest one: `retry 5 backoff 10s .. 2m`");
	return false;
}

/* `5 min`, where `min` is a word of its own. */
static bool help_unit(const struct mistake *m)
{
	const char *unit = m->t->kind == T_MIN ? "m" : NULL;

	if (!unit || (m->before->kind != T_INT && m->before->kind != T_FLOAT))
		return false;
	help(m, "the unit stands right behind the number: `%.*s%s`", STR_ARG(text_before(m)), unit);
	return replace(m, with_blanks(m), unit);
}

static bool help_comma(const struct mistake *m)
{
	char next = next_byte(m);

	if (m->t->kind != ',' || (next != '\n' && next != '\r' && next != '#' && next != '}') ||
		!expects_named(m, "the end of the line"))
		return false;
	return help(m, "a line ends without `,`") && replace(m, m->t->span, "");
}

/* ---- statements ---- */

static bool help_require(const struct mistake *m)
{
	if (m->first->kind == T_REQUIRE && m->t->kind == T_STRING_BEGIN && expects(m, "else"))
		return help(m, "what is said when it is not so stands behind `else`") &&
		       replace(m, behind(m->before), " else");
	if (m->t->kind == T_NEWLINE && expects(m, ")"))
		return help(m, "a `(` of this line is not closed");
	if (m->first->kind == T_LOG && m->t->kind == ',')
		return help(m, "one text is logged; what it tells stands in holes: `log \"… "
			       "${x}\"`");
	return false;
}

static bool help_catch(const struct mistake *m)
{
	struct str name;

	if (m->before->kind == T_CATCH && m->t->kind == '(') {
		name = word_at(m, m->t->span.end);
		help(m, "no parentheses: `catch e { … }`");
		if (is_word(name) && m->p->scan.text.ptr[end_of(m, name)] == ')')
			diag_fix(m->p->diags, m->number,
				from_to(m, m->t->span.start, end_of(m, name) + 1), "%.*s",
				STR_ARG(name));
		return true;
	}
	if (m->before->kind == T_CATCH)
		return help(m, "the error has a name: `catch e { … }`");
	return expects_only(m, "catch") &&
	       help(m, "it is written `try { … } catch e { … }`; there is no `finally` to it");
}

/* `int x = 5` */
static bool help_typed(const struct mistake *m)
{
	struct str type = text_before(m);
	static const char *const types[] = { "bool", "int", "float", "string", "bytes", "duration",
		"timestamp", "version", "ident", "auto" };

	if (m->t->kind != T_NAME || m->before->span.start != m->first->span.start)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (is_text(type, types[i]) || foreign_type(type))
			return help(m, "a value is named by `let %.*s = …`, a variable by `var`; "
				       "the type follows from the value",
				STR_ARG(m->text));
	return false;
}

static bool help_name(const struct mistake *m)
{
	bool names = m->first->kind == T_LET || m->first->kind == T_VAR ||
		     m->first->kind == T_CONST || m->first->kind == T_PARAM ||
		     m->first->kind == T_FN || m->first->kind == T_OPERATIONS;
	struct str next = word_at(m, m->t->span.end);

	if (m->t->kind == '-' && is_adjacent(m) && names && !expects(m, "+") && is_word(next))
		return help(m, "a name has `_` where others have `-`: `%.*s_%.*s`",
			STR_ARG(text_before(m)), STR_ARG(next));
	if (m->t->kind == '<' && m->before->kind == T_NAME &&
		(is_text(text_before(m), "list") || is_text(text_before(m), "array") ||
			is_text(text_before(m), "vec")))
		return help(m, "a list's type is written in brackets: `[string]`");
	if (m->t->kind == '<' && is_text(text_before(m), "optional"))
		return help(m, "what may be null is written with `?`: `string?`");
	return false;
}

/* ---- expressions ---- */

static bool help_choice(const struct mistake *m)
{
	struct str next = word_at(m, m->t->span.end);

	if (m->t->kind == T_NOT && is_text(next, "in") && expects(m, "in"))
		return help(m, "it is written `not x in list`");
	if ((m->t->kind == '?' && expects(m, "and")) ||
		(m->t->kind == T_IF && expects(m, "and") && m->first->kind != T_IF))
		return help(m, "a choice is written `if c { a } else { b }`");
	if (expects_named(m, "`}` of `${`") && (is_word(m->text) || m->t->kind == T_NEWLINE))
		return help(m, "a hole `${` holds one value, and `}` closes it");
	if (m->t->kind == T_FOR && expects(m, "]"))
		return help(m, "a list is made of another by `map(list, x => …)` and "
			       "`filter(list, x => …)`");
	if (is_text(text_before(m), "lambda") && m->t->kind == T_NAME)
		return help(m, "a function is written `%.*s => …`", STR_ARG(m->text));
	if (m->before->kind == T_NAME && m->t->kind == T_NAME &&
		(is_text(text_before(m), "optional") || is_text(text_before(m), "nullable")))
		return help(m, "what may be null is written with `?`: `%.*s?`", STR_ARG(m->text));
	if (m->before->kind == T_MATCHES && m->t->kind == '/') {
		m->p->scan.muted = true;
		return help(m, "a pattern stands in quotes: `matches \"^a\"`");
	}
	if ((m->t->kind == '/' && next_byte(m) == '*') ||
		(m->before->kind == '/' && m->t->kind == '*'))
		return help(m, "comments begin with `#` and end with the line");
	if (m->t->kind == '<' && next_byte(m) == '<')
		return help(m, "SQL of several lines stands between `sql\"\"\"` and `\"\"\"`");
	if ((m->first->kind == T_FORWARD || m->first->kind == T_ROLLBACK) && m->t->kind == '+')
		return help(m, "SQL is one template; what differs stands in its holes: `sql\"DROP "
			       "TABLE ${ident(name)}\"`");
	return false;
}

/* `1,000` */
static bool help_thousands(const struct mistake *m)
{
	struct str text = m->p->scan.text;
	uint32_t at = m->t->span.end, end = at;

	if (m->t->kind != ',' || m->before->kind != T_INT || !is_adjacent(m))
		return false;
	while (end < text.len && isdigit((unsigned char)text.ptr[end]))
		end++;
	m->p->scan.muted = end == at + 3;
	return end == at + 3 && help(m, "digits are grouped by `_`: `1_000`") &&
	       replace(m, m->t->span, "_");
}

bool habit_help(const struct mistake *m)
{
	return help_letters(m) || help_block(m) || help_thousands(m) || help_version(m) ||
	       help_param(m) || help_head(m) || help_retry(m) || help_unit(m) || help_comma(m) ||
	       help_require(m) || help_catch(m) || help_typed(m) || help_name(m) ||
	       help_choice(m);
}
