/* recover.c - what to say when the text is no sentence, and where to go on */
#include "grammar/tree.h"
#include "grammar/amig.tab.h"

void recover(struct parser *p, uint32_t depth)
{
	scan_skip(&p->scan, depth);
}

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
		return "a declaration: `use`, `const`, `type`, `fn`, `operations` or `migration`";
	if (expects(e, "`depends`") && expects(e, "`precheck`") && !expects(e, "a name"))
		return "a clause of a migration, or an operation";
	if (expects(e, "`forward`") && expects(e, "`rollback`") && !expects(e, "a name"))
		return "a clause of an operation";
	if (expects(e, "`operation`") && expects(e, "`include`") && !expects(e, "a name"))
		return "an operation, `for`, `if`, `let` or `include`";
	if (expects(e, "a name") && expects(e, "`exec`") && expects(e, "`require`") && expects(e, "a number"))
		return "a statement";
	if (expects(e, "a name") && expects(e, "a number"))
		return "an expression";
	if (expects(e, "a name") && expects(e, "`[`") && expects(e, "`{`"))
		return "a type";
	if (expects(e, "a name"))
		return "a name";
	return NULL;
}

/* What can follow a whole expression goes on without end; it is left out when something else is expected too. */
static bool goes_on(const char *name)
{
	static const char *const names[] = { "`==`", "`!=`", "`<=`", "`>=`", "`<`", "`>`", "`??`", "`+`", "`-`", "`*`", "`/`", "`%`",
		"`.`", "`(`", "`[`", "`and`", "`or`", "`in`", "`matches`", "`as`", "`?`" };

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
	for (size_t i = 0; i < e->count && !is_clauses; i++) {
		const char *name = e->names[i];

		if (group && strcmp(group, "a name") != 0)
			continue;
		/* Words are names as well. */
		if ((group && (name[0] != '`' || (name[1] >= 'a' && name[1] <= 'z'))) || goes_on(name))
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

	if (t->kind == T_NEWLINE || t->kind == T_END || t->kind == T_TEMPLATE_END || t->kind == T_HOLE_BEGIN ||
	    t->kind == T_HOLE_END || t->kind == T_STRING_BEGIN || t->kind == T_SQL_BEGIN || text.len == 0)
		buf_text(out, name);
	else
		buf_format(out, "`%.*s`", STR_ARG(text));
}

/* The word of a construct that is not in this version, if that is what the statement is about. */
static const struct token *later_word(const struct scan *s)
{
	if (s->first.flags & SCAN_LATER)
		return &s->first;
	if (s->previous.flags & SCAN_LATER)
		return &s->previous;
	return s->current.flags & SCAN_LATER ? &s->current : NULL;
}

void report_syntax(struct parser *p, const struct expectation *e, const char *found)
{
	const struct token *t = &p->scan.current, *later = later_word(&p->scan);
	struct buf wanted = {0}, got = {0};

	if (t->kind == T_INVALID || (t->kind == T_END && p->scan.failed))
		return;
	if (later) {
		diag_add(p->diags, later->span, DIAG_NOT_YET, arena_c(p->arena, scan_text(&p->scan, later->span)));
		return;
	}
	if ((t->flags & SCAN_RESERVED) && expects(e, "a name") && !expects(e, "a number")) {
		diag_add(p->diags, t->span, DIAG_RESERVED_WORD, arena_c(p->arena, scan_text(&p->scan, t->span)));
		return;
	}
	describe_expected(e, &wanted);
	describe_found(p, found, &got);
	diag_add(p->diags, t->span, DIAG_SYNTAX, got.ptr, wanted.ptr);
	buf_clear(&wanted);
	buf_clear(&got);
}
