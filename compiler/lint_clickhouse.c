/* lint_clickhouse.c - statements for ClickHouse, by their tokens: there is no parser of it in C */
#include "compiler/lint_tokens.h"

struct lint_clickhouse {
	struct lint *l;
	const struct lint_effect *effect;
	const struct lint_tokens *tokens;
	struct span span;	/* of the statement */
};

#define LINT_CLICKHOUSE(name) static void lint_##name(const struct lint_clickhouse *s);
#include "compiler/lint.def"

/* Of ALTER TABLE name [ON CLUSTER name]: its first command; else count. */
static size_t first_command(const struct lint_clickhouse *s)
{
	size_t i = tokens_match(s->tokens, 0, "alter table");

	if (!i)
		return s->tokens->all.count;
	i = tokens_after_if(s->tokens, i);
	tokens_name(s->l, s->tokens, &i);
	return tokens_match(s->tokens, i, "on cluster") ? i + 3 : i;
}

/* ---- mutations ---- */

/* The first word of one of the commands, which are separated by commas. */
static bool has_command(const struct lint_clickhouse *s, const char *word)
{
	size_t i = first_command(s);

	while (i < s->tokens->all.count) {
		if (token_is(s->tokens, i, word))
			return true;
		i = tokens_find(s->tokens, i, ",", false) + 1;
	}
	return false;
}

static bool setting_waits(const struct lint_clickhouse *s)
{
	size_t i = tokens_find(s->tokens, 0, "mutations_sync", false);

	for (const struct argument *a = s->effect->operation->settings; a; a = a->next) {
		struct folded known;

		if (str_eq(a->name.text, STR("mutations_sync")))
			return !expression_fold(a->value, &known) || known.number != 0 ||
			       (known.kind == TYPE_STRING && !str_eq(known.text, STR("0")));
	}
	return i < s->tokens->all.count && !token_is(s->tokens, i + 2, "0");
}

/* Whoever waits asks system.mutations, further down or in `done when`, or calls something that
 * has the word in its name; the setting has it too. */
static bool is_waited_for(const struct lint_clickhouse *s)
{
	static const struct str word = { "mutations", 9 }, setting = { "mutations_sync", 14 };
	struct span at = s->effect->operation->span, all = s->l->declaration;
	struct str text = s->l->unit->sources.all.at[at.source].text;
	ptrdiff_t found;

	text = (struct str){ text.ptr + at.start, all.end - at.start };
	while ((found = str_find(text, word)) >= 0) {
		text = (struct str){ text.ptr + found, text.len - (size_t)found };
		if (!str_starts(text, setting))
			return true;
		text = (struct str){ text.ptr + word.len, text.len - word.len };
	}
	return false;
}

static void lint_mutation_unawaited(const struct lint_clickhouse *s)
{
	static const char *const words[] = { "update", "delete", "materialize" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (!has_command(s, words[i]))
			continue;
		if (!setting_waits(s) && !is_waited_for(s))
			lint_warn(s->l, s->span, DIAG_LINT_MUTATION_UNAWAITED);
		return;
	}
}

/* ---- ON CLUSTER ---- */

/* What says how the tables of a server are; parts and partitions are data, and belong to one. */
static bool is_definition(const struct lint_clickhouse *s)
{
	static const char *const heads[] = { "create", "attach", "detach", "drop",
					     "rename", "exchange", "truncate" };
	size_t command = first_command(s);

	if (command < s->tokens->all.count)
		return tokens_find(s->tokens, command, "partition", false) ==
			       s->tokens->all.count &&
		       tokens_find(s->tokens, command, "part", false) == s->tokens->all.count;
	for (size_t i = 0; i < ARRAY_SIZE(heads); i++)
		if (token_is(s->tokens, 0, heads[i]))
			return !token_is(s->tokens, 1, "temporary");
	return false;
}

static void lint_cluster_forgotten(const struct lint_clickhouse *s)
{
	size_t i = 0;

	if (!s->l->on_cluster || s->effect->incomplete || !is_definition(s))
		return;
	while ((i = tokens_find(s->tokens, i, "on", false)) < s->tokens->all.count)
		if (token_is(s->tokens, ++i, "cluster"))
			return;
	lint_warn(s->l, s->span, DIAG_LINT_CLUSTER_FORGOTTEN);
}

/* ---- copies ---- */

/* FROM a table, and not a function such as numbers(10). */
static bool reads_table(const struct lint_clickhouse *s, size_t from)
{
	while ((from = tokens_find(s->tokens, from, "from", true)) < s->tokens->all.count) {
		from++;
		if (tokens_name(s->l, s->tokens, &from).len && !token_is(s->tokens, from, "("))
			return true;
	}
	return false;
}

static void lint_copy_unbounded(const struct lint_clickhouse *s)
{
	static const char *const bounds[] = { "where", "prewhere", "limit", "sample", "having" };
	size_t select = tokens_find(s->tokens, 0, "select", true);

	if (s->effect->incomplete || !tokens_match(s->tokens, 0, "insert into") ||
	    !reads_table(s, select))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(bounds); i++)
		if (tokens_find(s->tokens, select, bounds[i], true) < s->tokens->all.count)
			return;
	lint_warn(s->l, s->span, DIAG_LINT_COPY_UNBOUNDED);
}

void lint_clickhouse(struct lint *l, const struct lint_effect *e)
{
	struct sql_scan rest = { SQL_CLICKHOUSE, e->text };
	struct lint_tokens tokens;

	while (tokens_next(&rest, &tokens)) {
		struct lint_clickhouse s = { l, e, &tokens, lint_span(l, e, tokens.text) };

#define LINT_CLICKHOUSE(name) lint_##name(&s);
#include "compiler/lint.def"
		tokens_clear(&tokens);
	}
}
