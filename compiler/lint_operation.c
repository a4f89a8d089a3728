/* lint_operation.c - an operation as a whole: doubts, and rollbacks that do not fit */
#include "compiler/lint_tokens.h"

/* ---- doubts ---- */

/* What changes nothing may happen twice. */
static bool only_reads(const struct lint_effect *e)
{
	static const char *const heads[] = { "select", "show", "exists", "describe", "explain" };
	struct sql_scan scan = { e->dialect, e->text };
	struct sql_statement s;
	bool reads = !e->incomplete;

	while (reads && sql_next(&scan, &s)) {
		reads = false;
		for (size_t i = 0; i < ARRAY_SIZE(heads); i++)
			reads = reads || sql_is(&s, 0, heads[i]);
	}
	return reads;
}

/* Whether the effect and its record can't be one transaction, so that a crash between them leaves
 * a doubt. */
static bool can_be_in_doubt(const struct lint_effect *e)
{
	if (e->dialect == SQL_CLICKHOUSE)
		return !only_reads(e);
	return e->dialect == SQL_POSTGRES &&
	       (e->operation->no_transaction || !sql_is_transactional(e->text));
}

void lint_doubt_unsettled(struct lint *l, const struct operation_syntax *o,
			  const struct lint_effects *effects)
{
	if (o->done_when || o->idempotent || o->in_doubt_undo)
		return;
	for (size_t i = 0; i < effects->all.count; i++) {
		const struct lint_effect *e = &effects->all.at[i];

		if (e->backward || !can_be_in_doubt(e))
			continue;
		lint_warn(l, o->head, DIAG_LINT_DOUBT_UNSETTLED,
			  e->dialect == SQL_CLICKHOUSE ? "ClickHouse has no transactions"
						       : "it runs outside of a transaction");
		return;
	}
}

/* ---- renames ---- */

struct rename {
	struct str from, to;
	bool exchange;		/* either way round */
	bool backward;
	struct span span;
};

struct renames {
	VEC(struct rename) all;
	bool incomplete;
};

static void add_renames(struct lint *l, const struct lint_effect *e, const struct lint_tokens *t,
			struct renames *out)
{
	struct rename r = { .backward = e->backward, .span = lint_span(l, e, t->text) };
	size_t i = token_is(t, 0, "rename") || token_is(t, 0, "exchange") ? 1 : 0;

	if (!i)
		return;
	r.exchange = token_is(t, 0, "exchange");
	i += token_is(t, i, "table") || token_is(t, i, "tables") || token_is(t, i, "database") ||
	     token_is(t, i, "dictionary") || token_is(t, i, "dictionaries");
	do {
		i = tokens_after_if(t, i);
		r.from = tokens_name(l, t, &i);
		i += token_is(t, i, r.exchange ? "and" : "to");
		r.to = tokens_name(l, t, &i);
		if (!r.from.len || !r.to.len)
			return;
		vec_push(&out->all, r);
	} while (token_is(t, i++, ","));
}

static void find_renames(struct lint *l, const struct lint_effects *effects, struct renames *out)
{
	for (size_t i = 0; i < effects->all.count; i++) {
		const struct lint_effect *e = &effects->all.at[i];
		struct sql_scan rest = { e->dialect, e->text };
		struct lint_tokens t;

		if (e->dialect != SQL_CLICKHOUSE)
			continue;
		out->incomplete = out->incomplete || (e->incomplete && e->backward);
		while (tokens_next(&rest, &t)) {
			add_renames(l, e, &t, out);
			tokens_clear(&t);
		}
	}
}

static bool undoes(const struct rename *back, const struct rename *r)
{
	if (!back->backward || back->exchange != r->exchange)
		return false;
	if (str_eq(back->from, r->to) && str_eq(back->to, r->from))
		return true;
	return r->exchange && str_eq(back->from, r->from) && str_eq(back->to, r->to);
}

static bool is_undone(const struct renames *renames, const struct rename *r)
{
	for (size_t i = 0; i < renames->all.count; i++)
		if (undoes(&renames->all.at[i], r))
			return true;
	return false;
}

void lint_rename_unmirrored(struct lint *l, const struct operation_syntax *o,
			    const struct lint_effects *effects)
{
	struct renames renames = { 0 };

	if (o->rollback_kind == ROLLBACK_IS_IRREVERSIBLE)
		return;
	find_renames(l, effects, &renames);
	for (size_t i = 0; i < renames.all.count && !renames.incomplete; i++)
		if (!renames.all.at[i].backward && !is_undone(&renames, &renames.all.at[i]))
			lint_warn(l, renames.all.at[i].span, DIAG_LINT_RENAME_UNMIRRORED);
	vec_clear(&renames.all);
}

/* ---- rollbacks that drop ---- */

/* The name that the statement drops, or "". */
static struct str dropped(struct lint *l, const struct lint_tokens *t)
{
	static const char *const kinds[] = { "table",  "view",	     "index", "database",
					     "schema", "dictionary", "column" };
	size_t i = tokens_find(t, 0, "drop", false);

	/* DROP …, ALTER TABLE … DROP COLUMN …; the first one of a statement is enough. */
	if (i && !token_is(t, 0, "alter"))
		return STR("");
	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++)
		if (token_is(t, i + 1, kinds[k])) {
			i += 2;
			i += token_is(t, i, "concurrently");
			i = tokens_after_if(t, i);
			return name_last(tokens_name(l, t, &i));
		}
	return STR("");
}

/* Whether the forward speaks of the name at all: it may make it in many ways. */
static bool is_spoken_of(struct lint *l, const struct lint_effects *effects, struct str name)
{
	bool found = false;

	for (size_t i = 0; i < effects->all.count && !found; i++) {
		const struct lint_effect *e = &effects->all.at[i];
		struct sql_scan rest = { e->dialect, e->text };
		struct lint_tokens t;

		if (e->backward)
			continue;
		if (e->incomplete)
			return true;
		while (tokens_next(&rest, &t)) {
			for (size_t at = 0; at < t.all.count && !found; at++) {
				size_t end = at;

				found = str_eq(name_last(tokens_name(l, &t, &end)), name);
			}
			tokens_clear(&t);
		}
	}
	return found;
}

void lint_rollback_drops(struct lint *l, const struct operation_syntax *o,
			 const struct lint_effects *effects)
{
	(void)o;
	for (size_t i = 0; i < effects->all.count; i++) {
		const struct lint_effect *e = &effects->all.at[i];
		struct sql_scan rest = { e->dialect, e->text };
		struct lint_tokens t;

		while (e->backward && tokens_next(&rest, &t)) {
			struct str name = dropped(l, &t);

			if (name.len && !is_spoken_of(l, effects, name))
				lint_warn(l, lint_span(l, e, t.text), DIAG_LINT_ROLLBACK_DROPS);
			tokens_clear(&t);
		}
	}
}
