/* misspelt.c - what an author may have meant by a word that can't stand where it does */
#include "grammar/tree.h"
#include "grammar/amig.tab.h"
#include "grammar/foreign.h"
#include <ctype.h>

enum { RESERVED, CLAUSE };

static const struct keyword {
	struct str word;
	int token, class;
} keywords[] = {
#define KEYWORD(word, token, class) { { word, sizeof(word) - 1 }, T_##token, class },
#include "grammar/keywords.def"
#undef KEYWORD
};

bool expectation_has(const struct expectation *e, struct str word)
{
	for (size_t i = 0; i < e->count; i++) {
		struct str name = str_c(e->names[i]);

		if (name.len == word.len + 2 && name.ptr[0] == '`' &&
			str_eq((struct str){ name.ptr + 1, word.len }, word))
			return true;
	}
	return false;
}

/* What may begin a statement, where the text went wrong behind its first word: that one was taken
 * for a name. */
static bool begins_statement(struct str word)
{
	for (size_t i = 0; i < ARRAY_SIZE(keywords); i++) {
		int kind = keywords[i].token;

		if (str_eq(keywords[i].word, word))
			return is_block_word(kind) || kind == T_LET || kind == T_IF ||
			       kind == T_FOR;
	}
	return false;
}

/* Where a name can stand, the words that are names elsewhere are expected as such. */
static bool is_expected(const struct expectation *e, struct str word)
{
	bool takes_names = false;

	for (size_t i = 0; i < e->count; i++)
		takes_names = takes_names || strcmp(e->names[i], "a name") == 0;
	for (size_t i = 0; takes_names && i < ARRAY_SIZE(keywords); i++)
		if (str_eq(keywords[i].word, word) && keywords[i].class != RESERVED)
			return false;
	return expectation_has(e, word);
}

/* `e` NULL: at the beginning of a statement. */
static bool can_stand(const struct expectation *e, struct str word)
{
	ptrdiff_t space = str_find(word, STR(" "));

	if (space > 0)
		word.len = (size_t)space;
	return e ? is_expected(e, word) : begins_statement(word);
}

static bool in_other_case(const struct expectation *e, struct str word, struct correction *c)
{
	char lower[32];

	if (word.len >= sizeof(lower))
		return false;
	for (size_t i = 0; i < word.len; i++)
		lower[i] = (char)tolower((unsigned char)word.ptr[i]);
	for (size_t i = 0; i < ARRAY_SIZE(keywords); i++) {
		struct str ours = keywords[i].word;

		if (!str_eq(ours, (struct str){ lower, word.len }) || str_eq(ours, word) ||
			!can_stand(e, ours))
			continue;
		c->ours = ours;
		c->is_sure = true;
		return true;
	}
	return false;
}

static bool in_other_language(const struct expectation *e, struct str word, struct correction *c)
{
	const char *ours;
	size_t at = 0;
	bool sure;

	while ((ours = foreign_word(word, &at, &sure))) {
		/* As an operator `in` could stand behind every value. */
		if (!can_stand(e, str_c(ours)) ||
			(strcmp(ours, "in") == 0 && (!e || e->count > 1)))
			continue;
		c->ours = str_c(ours);
		c->is_sure = sure;
		return true;
	}
	return false;
}

static bool nearly(const struct expectation *e, struct str word, struct correction *c)
{
	struct str candidates[ARRAY_SIZE(keywords)];
	struct nearest near;
	size_t count = 0;

	for (size_t i = 0; i < ARRAY_SIZE(keywords); i++)
		if (can_stand(e, keywords[i].word))
			candidates[count++] = keywords[i].word;
	near = diag_nearest(word, candidates, count);
	/* Two letters are near to too much. */
	if (near.name.len < 3 || word.len < 3)
		return false;
	c->ours = near.name;
	c->is_sure = near.is_only;
	return true;
}

static bool is_word(struct str text)
{
	return text.len && (isalpha((unsigned char)text.ptr[0]) || text.ptr[0] == '_');
}

static bool correct(struct parser *p, const struct expectation *e, const struct token *t,
	struct correction *c)
{
	struct str word = scan_text(&p->scan, t->span);

	c->span = t->span;
	return is_word(word) && (in_other_case(e, word, c) || in_other_language(e, word, c) ||
					(t->kind == T_NAME && nearly(e, word, c)));
}

static bool is_same_place(const struct token *a, const struct token *b)
{
	return a->span.start == b->span.start && a->span.end == b->span.end;
}

bool correction_find(struct parser *p, const struct expectation *e, struct correction *c)
{
	const struct scan *s = &p->scan;

	*c = (struct correction){ 0 };
	if (correct(p, e, &s->current, c))
		return true;
	/* `requre x > 1`: the first word of a block's statement was read as a name. */
	if (s->first.kind == T_NAME && is_same_place(&s->first, &s->previous) &&
		expectation_has(e, STR("=")) && expectation_has(e, STR("."))) {
		c->is_statement = true;
		if (correct(p, NULL, &s->first, c))
			return true;
		c->is_statement = false;
	}
	/* `if NOT x`: so was `NOT`. */
	c->span = s->previous.span;
	if (s->previous.kind == T_NAME && str_eq(scan_text(s, c->span), STR("NOT"))) {
		c->ours = STR("not");
		c->is_sure = true;
		return true;
	}
	return false;
}
