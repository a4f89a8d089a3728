/* lint_tokens.c - see lint_tokens.h */
#include "compiler/lint_tokens.h"

#include <strings.h>

bool tokens_next(struct sql_scan *rest, struct lint_tokens *out)
{
	struct sql_statement statement;
	struct sql_scan scan = { rest->dialect, { "", 0 } };
	struct lint_token token = { 0 };
	unsigned depth = 0;

	*out = (struct lint_tokens){ 0 };
	if (!sql_next(rest, &statement))
		return false;
	scan.rest = out->text = statement.text;
	while ((token.kind = sql_token(&scan, &token.text)) != SQL_TOKEN_END) {
		if (token.text.ptr[0] == ')' && depth)
			depth--;
		token.depth = depth;
		if (token.text.ptr[0] == '(')
			depth++;
		vec_push(&out->all, token);
	}
	return true;
}

void tokens_clear(struct lint_tokens *t)
{
	vec_clear(&t->all);
}

static bool same(struct str text, const char *word, size_t len)
{
	return text.len == len && strncasecmp(text.ptr, word, len) == 0;
}

bool token_is(const struct lint_tokens *t, size_t i, const char *word)
{
	return i < t->all.count && same(t->all.at[i].text, word, strlen(word));
}

size_t tokens_match(const struct lint_tokens *t, size_t i, const char *words)
{
	size_t count = 0;

	for (;; count++) {
		size_t len = strcspn(words, " ");

		if (i + count >= t->all.count || !same(t->all.at[i + count].text, words, len))
			return 0;
		if (!words[len])
			return count + 1;
		words += len + 1;
	}
}

size_t tokens_find(const struct lint_tokens *t, size_t from, const char *word, bool anywhere)
{
	while (from < t->all.count &&
	       !((anywhere || t->all.at[from].depth == 0) && token_is(t, from, word)))
		from++;
	return from;
}

static bool add_name_part(struct buf *out, const struct lint_token *token)
{
	struct str text = token->text;

	if (token->kind == SQL_TOKEN_QUOTED && text.len >= 2)
		buf_add(out, text.ptr + 1, text.len - 2);
	else if (token->kind == SQL_TOKEN_WORD)
		buf_str(out, text);
	else
		return false;
	return true;
}

struct str tokens_name(struct lint *l, const struct lint_tokens *t, size_t *i)
{
	struct buf out = { 0 };
	struct str name;

	while (*i < t->all.count && add_name_part(&out, &t->all.at[*i])) {
		++*i;
		if (!token_is(t, *i, "."))
			break;
		buf_byte(&out, '.');
		++*i;
	}
	name = arena_str(&l->arena, buf_view(&out));
	buf_clear(&out);
	return name;
}

struct str name_last(struct str name)
{
	size_t start = name.len;

	while (start && name.ptr[start - 1] != '.')
		start--;
	return (struct str){ name.ptr + start, name.len - start };
}

size_t tokens_after_if(const struct lint_tokens *t, size_t i)
{
	size_t words = tokens_match(t, i, "if exists");

	return i + (words ? words : tokens_match(t, i, "if not exists"));
}
