/* expected.c - what to say when the text is no sentence, in words that the author knows */
#include "grammar/tree.h"
#include "grammar/amig.tab.h"
#include <stdio.h>

static bool expects(const struct expectation *e, const char *name)
{
	for (size_t i = 0; i < e->count; i++)
		if (strcmp(e->names[i], name) == 0)
			return true;
	return false;
}

/* Groups of tokens that have one name together. The first that fits is said. */
static const char *group_of(const struct expectation *e)
{
	if (expects(e, "`migration`") && !expects(e, "a name"))
		return "a declaration: `use`, `const`, `type`, `fn`, `operations`, `migration` or "
		       "`test`";
	if (expects(e, "`depends`") && expects(e, "`precheck`") && !expects(e, "a name"))
		return "a clause of a migration, or an operation";
	if (expects(e, "`forward`") && expects(e, "`rollback`") && !expects(e, "a name"))
		return "a clause of an operation";
	if (expects(e, "`operation`") && expects(e, "`include`") && !expects(e, "a name"))
		return "an operation, `for`, `if`, `let`, `include`, `approval` or `parallel`";
	if (expects(e, "`given`") && expects(e, "`expect`") && !expects(e, "a name"))
		return "`given`, `run`, `expect` or `let`";
	if (expects(e, "a name") && expects(e, "`exec`") && expects(e, "`require`") &&
		expects(e, "a number"))
		return "a statement";
	if (expects(e, "a name") && expects(e, "a number"))
		return "an expression";
	if (expects(e, "a name") && expects(e, "`[`") && expects(e, "`{`"))
		return "a type";
	if (expects(e, "a name"))
		return "a name";
	return NULL;
}

/* What can follow a whole expression goes on without end; it is left out when something else is
 * expected too. */
static bool goes_on(const char *name)
{
	static const char *const names[] = { "`==`", "`!=`", "`<=`", "`>=`", "`<`", "`>`", "`??`",
		"`+`", "`-`", "`*`", "`/`", "`%`", "`.`", "`(`", "`[`", "`and`", "`or`", "`in`",
		"`matches`", "`as`", "`?`" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

static bool add_expected(struct buf *out, const char *name, size_t *count)
{
	if (*count == 4)
		return false;
	if (*count)
		buf_text(out, " or ");
	buf_text(out, name);
	++*count;
	return true;
}

static void describe_expected(const struct expectation *e, struct buf *out)
{
	const char *group = group_of(e);
	bool is_clauses = group && !expects(e, "a name");
	size_t count = 0;

	if (group)
		add_expected(out, group, &count);
	/* Where nothing else can stand, `in` is no going on. */
	for (size_t i = 0; i < e->count && e->count == 1; i++)
		add_expected(out, e->names[i], &count);
	for (size_t i = 0; i < e->count && !is_clauses && e->count > 1; i++) {
		const char *name = e->names[i];

		if (group && strcmp(group, "a name") != 0)
			continue;
		/* A number in place of a version is read to say more of it; at the end of a line of
		 * the file itself the file may end as well. */
		if ((expects(e, "a version") && !group && name[0] == 'a' && name[2] != 'v') ||
			(strcmp(name, "the end of the file") == 0 && e->count > 1) ||
			(strcmp(name, "`}`") == 0 && expects(e, "the end of the line")))
			continue;
		/* Words are names as well. */
		if ((group && (name[0] != '`' || (name[1] >= 'a' && name[1] <= 'z'))) ||
			goes_on(name))
			continue;
		if (!add_expected(out, name, &count))
			break;
	}
	if (expects(e, "`}`") && is_clauses)
		add_expected(out, "`}`", &count);
	if (!count)
		buf_text(out, "something else");
}

static void describe_found(struct parser *p, const char *name, struct buf *out)
{
	const struct token *t = &p->scan.current;
	struct str text = scan_text(&p->scan, t->span);

	if (t->kind == T_NEWLINE || t->kind == T_END || t->kind == T_TEMPLATE_END ||
		t->kind == T_HOLE_BEGIN || t->kind == T_HOLE_END || t->kind == T_STRING_BEGIN ||
		t->kind == T_SQL_BEGIN || text.len == 0)
		buf_text(out, name);
	else
		buf_format(out, "`%.*s`", STR_ARG(text));
}

static bool is_same_token(const struct token *a, const struct token *b)
{
	return a->span.start == b->span.start && a->span.end == b->span.end;
}

static const char *text_of(struct parser *p, const struct token *t)
{
	return arena_c(p->arena, scan_text(&p->scan, t->span));
}

static const char *phrase_of(struct parser *p, struct str text)
{
	return arena_format(p->arena, "`%.*s`", STR_ARG(text)).ptr;
}

bool is_block_word(int kind)
{
	return kind == T_EXEC || kind == T_VAR || kind == T_WHILE || kind == T_RETURN ||
	       kind == T_REQUIRE || kind == T_FAIL || kind == T_LOG || kind == T_PROGRESS ||
	       kind == T_SLEEP || kind == T_WAIT || kind == T_HALT || kind == T_TRY ||
	       kind == T_TRANSACTION || kind == T_COPY || kind == T_HTTP || kind == T_SET ||
	       kind == T_WITH;
}

/* Statements that begin with a word that can be a name as well: how each is written. */
static const struct form {
	int kind;
	const char *form;
} forms[] = {
	{ T_WAIT, "wait until e every 10s timeout 1h" },
	{ T_HALT, "halt \"what the operator should do\"" },
	{ T_TRY, "try { … } catch e { … }" },
	{ T_TRANSACTION, "transaction { … }" },
	{ T_WITH, "with lock \"name\" { … }" },
	{ T_LOCK, "with lock \"name\" { … }" },
	{ T_COPY, "copy c sql\"…\" into d ident(\"table\") columns (a, b)" },
	{ T_HTTP, "http post url body text" },
	{ T_SET, "set setting \"name\" = e" },
	{ T_APPROVAL, "approval \"label\" \"what happens next\"" },
	{ T_PARALLEL, "parallel 4 { … }" },
	{ T_PER, "per shard` or `per replica" },
	{ T_GIVEN, "given c sql\"…\"" },
	{ T_RUN, "run \"migration\" with { param: value }" },
};

const char *form_of(int kind)
{
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++)
		if (forms[i].kind == kind)
			return forms[i].form;
	return NULL;
}

/* In a condition it is meant as `==`; at the beginning of a block's statement, behind something
 * that is no name, as the giving of a value. False: it is something else. */
static bool report_assign(struct parser *p)
{
	const struct scan *s = &p->scan;
	int first = s->first.kind;
	bool in_parens = s->depth && s->brackets[s->depth - 1].kind == '(';
	size_t number;

	if ((in_parens && s->previous.kind == T_NAME) || first == T_NEEDS)
		return false;
	if (first == T_NAME) {
		diag_add(p->diags, s->current.span, DIAG_NOT_A_VARIABLE);
		return true;
	}
	number = diag_add(p->diags, s->current.span, DIAG_SYNTAX_ASSIGN);
	if (first == T_IF || first == T_WHILE || first == T_REQUIRE)
		diag_fix(p->diags, number, s->current.span, "==");
	return true;
}

/* `"x ${t"`: where the hole should be closed a text begins. False: it is something else. */
static bool report_hole(struct parser *p, const struct expectation *e)
{
	struct scan *s = &p->scan;
	size_t number;

	if (s->current.kind != T_STRING_BEGIN || !expects(e, "`}` of `${`") || s->depth < 2 ||
		s->brackets[s->depth - 2].kind != T_HOLE_BEGIN)
		return false;
	number = diag_add(p->diags, s->brackets[s->depth - 2].span, DIAG_UNCLOSED, "${");
	diag_help(p->diags, number, "put `}` behind the value");
	diag_fix(p->diags, number,
		scan_span(s, s->previous.span.end, s->previous.span.end), "}");
	s->hole_told = true;
	return true;
}

/* Mistakes that have a name of their own. */
static bool report_known(struct parser *p, const struct expectation *e)
{
	const struct scan *s = &p->scan;
	const struct token *t = &s->current;
	bool in_plan = expects(e, "`operation`") && !expects(e, "a name");
	size_t number;
	char word[64];

	if (report_hole(p, e)) {
		return true;
	} else if (is_same_token(&s->first, &s->previous) && form_of(s->first.kind) && !in_plan) {
		diag_add(p->diags, s->first.span, DIAG_STATEMENT_FORM, text_of(p, &s->first),
			 form_of(s->first.kind));
	} else if (in_plan && is_block_word(t->kind)) {
		snprintf(word, sizeof(word), "`%s`", text_of(p, t));
		number = diag_add(p->diags, t->span, DIAG_NOT_IN_PLAN, word);
		if (t->kind == T_VAR)
			diag_help(p->diags, number, "a plan has no variables: what is named by "
						    "`let` stays as it is");
		else if (t->kind == T_WHILE)
			diag_help(p->diags, number,
				"a plan goes over lists: `for x in list { … }`");
		else if (t->kind == T_REQUIRE || t->kind == T_FAIL)
			diag_help(p->diags, number, "move it into a `precheck \"…\" { … }`");
	} else if ((s->first.flags & SCAN_CLAUSE) && is_same_token(&s->first, &s->previous) &&
		   expects(e, "`=`") && expects(e, "`.`")) {
		snprintf(word, sizeof(word), "`%s`", text_of(p, &s->first));
		number = diag_add(p->diags, s->first.span, DIAG_NOT_IN_BLOCK, word);
		p->diags->all.at[number].blames_block = s->first.kind != T_CONST;
		if (s->first.kind == T_CONST) {
			diag_help(p->diags, number, "in a block a value is named by `let`");
			diag_fix(p->diags, number, s->first.span, "let");
		}
	} else if (t->kind == T_MAPS && s->first.kind != T_NEEDS) {
		number = diag_add(p->diags, t->span, DIAG_LAMBDA_PLACE);
		if (s->first.kind == T_CONST || s->first.kind == T_LET)
			diag_help(p->diags, number, "a function with a name is declared in the "
						    "file: `fn name(a: int) -> int { … }`");
	} else if (t->kind == '=' && (expects(e, "`==`") ||
					    (s->first.kind == T_NAME && expects(e, "`.`")))) {
		return report_assign(p);
	} else if (e->count == 1 && expects(e, "`else`")) {
		diag_add(p->diags, s->previous.span, DIAG_ELSE_MISSING);
	} else if ((t->flags & SCAN_RESERVED) && expects(e, "a name") && !expects(e, "a number")) {
		diag_add(p->diags, t->span, DIAG_RESERVED_WORD, text_of(p, t));
	} else {
		return false;
	}
	return true;
}

/* `x is null`, `x is not null` */
static bool mend_is(struct parser *p, size_t number, struct span is)
{
	static const struct {
		const char *words, *ours;
	} forms_of_is[] = { { " not null", "!=" }, { " NOT NULL", "!=" }, { " null", "==" },
		{ " NULL", "==" }, { " None", "==" }, { " not None", "!=" } };
	struct str text = p->scan.text;
	struct str rest = { text.ptr + is.end, text.len - is.end };

	for (size_t i = 0; i < ARRAY_SIZE(forms_of_is); i++) {
		if (!str_starts(rest, str_c(forms_of_is[i].words)))
			continue;
		is.end += (uint32_t)strlen(forms_of_is[i].words);
		diag_help(p->diags, number, "write `%s null`", forms_of_is[i].ours);
		diag_fix(p->diags, number, is, "%s null", forms_of_is[i].ours);
		return true;
	}
	return false;
}

static void report_correction(struct parser *p, const struct expectation *e,
	const struct correction *c)
{
	struct buf wanted = { 0 };
	size_t number;

	if (c->is_statement)
		buf_text(&wanted, "a statement");
	else
		describe_expected(e, &wanted);
	number = diag_add(p->diags, c->span, DIAG_SYNTAX,
		phrase_of(p, scan_text(&p->scan, c->span)), wanted.ptr);
	diag_help(p->diags, number, "did you mean `%.*s`?", STR_ARG(c->ours));
	if ((!str_eq(c->ours, STR("==")) || !mend_is(p, number, c->span)) && c->is_sure)
		diag_fix(p->diags, number, c->span, "%.*s", STR_ARG(c->ours));
	buf_clear(&wanted);
}

/* What stands before was meant as a version, and it was said that it is none. */
static bool is_version_refused(const struct parser *p)
{
	const struct diag *last =
		p->diags->all.count ? &p->diags->all.at[p->diags->all.count - 1] : NULL;

	return last && last->code == DIAG_BAD_VERSION &&
	       last->span.source == p->scan.source &&
	       last->span.start == p->scan.previous.span.start;
}

static bool is_behind_line(const struct scan *s)
{
	const char *text = s->text.ptr + s->previous.span.end;

	return s->previous.kind != T_LBRACE && s->previous.kind != T_NEWLINE &&
	       s->current.span.start > s->previous.span.end &&
	       memchr(text, '\n', s->current.span.start - s->previous.span.end);
}

void report_syntax(struct parser *p, const struct expectation *e, const char *found)
{
	const struct token *t = &p->scan.current;
	struct buf wanted = { 0 }, got = { 0 };
	struct correction correction;
	struct span place = t->span;
	size_t number;

	/* Said already: by the scanner, or as what is never closed. */
	if (t->kind == T_INVALID || is_version_refused(p) ||
		(p->scan.failed && t->span.start == p->scan.text.len) || report_known(p, e))
		return;
	if (correction_find(p, e, &correction)) {
		report_correction(p, e, &correction);
		return;
	}
	describe_expected(e, &wanted);
	/* What is missing before a `}` on another line is missing where the line before ended. */
	if (t->kind == '}' && is_behind_line(&p->scan)) {
		place = scan_span(&p->scan, p->scan.previous.span.end, p->scan.previous.span.end);
		buf_text(&got, "the end of the line");
	} else {
		describe_found(p, found, &got);
	}
	number = diag_add(p->diags, place, DIAG_SYNTAX, got.ptr, wanted.ptr);
	syntax_help(p, e, number);
	buf_clear(&wanted);
	buf_clear(&got);
}
