/* lint_postgres.c - see lint_postgres.h: reading, and what is learned from what was read */
#include "compiler/lint_postgres.h"
#include <pg_query.h>

/* A tree is never deeper than its text has tokens, and the library needs 1 to 3 KiB of stack for a
 * level: with this many the usual 8 MiB are enough. */
#define TOKENS_MAX 2000u

/* Stands for what amig itself sets for an effect in a transaction, which is a few seconds, and for
 * what an author computes. */
#define SOME_TIMEOUT_MS 1

/* ---- what is worth parsing: a look at the words costs a hundredth of it ---- */

/* Whether how long the statement may wait for its lock is other than amig itself sees to. */
static bool has_own_timeout(const struct lint_effect *e)
{
	for (const struct argument *a = e->operation->settings; a; a = a->next)
		if (str_eq(a->name.text, STR("lock_timeout")))
			return true;
	return e->operation->no_transaction || !sql_is_transactional(e->text);
}

/* UPDATE and DELETE with a WHERE of their own, not of a query within. */
static bool has_where(struct str text)
{
	struct sql_scan rest = { SQL_POSTGRES, text };
	enum sql_token kind;
	struct str token;
	int depth = 0;

	while ((kind = sql_token(&rest, &token)) != SQL_TOKEN_END) {
		if (kind == SQL_TOKEN_OTHER && token.len)
			depth += (token.ptr[0] == '(') - (token.ptr[0] == ')');
		if (kind == SQL_TOKEN_WORD && depth == 0 && token.len == 5 &&
		    strncasecmp(token.ptr, "where", 5) == 0)
			return true;
	}
	return false;
}

/* ALTER TABLE that adds a plain column, drops one and the like: nothing is said of that. */
static bool is_plain_alter(const struct sql_statement *s)
{
	static const char *const telling[] = {
		"not",	     "null",	  "default", "type",	"constraint", "unique", "primary",
		"check",     "references", "foreign", "rename", "generated", "identity", "serial",
		"bigserial", "smallserial", "serial2", "serial4", "serial8", "set",	"validate",
		"exclude",   "using",
	};

	if (!sql_is(s, 1, "table") || s->word_count == SQL_WORDS_MAX)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(telling); i++)
		if (sql_has(s, telling[i]))
			return false;
	return true;
}

/* The statements that a lint has something to say about, or that tell what is new. */
static bool is_of_interest(const struct sql_statement *s, bool own_timeout)
{
	static const char *const locking[] = { "cluster", "drop", "lock", "refresh",
					       "truncate", "vacuum" };
	static const char *const heads[] = { "create", "reindex", "set", "with" };

	if (sql_is(s, 0, "update") || sql_is(s, 0, "delete"))
		return !has_where(s->text);
	if (sql_is(s, 0, "alter"))
		return own_timeout || !is_plain_alter(s);
	for (size_t i = 0; i < ARRAY_SIZE(locking); i++)
		if (sql_is(s, 0, locking[i]))
			return own_timeout;
	for (size_t i = 0; i < ARRAY_SIZE(heads); i++)
		if (sql_is(s, 0, heads[i]))
			return true;
	return false;
}

static bool is_worth_parsing(const struct lint_effect *e)
{
	struct sql_scan statements = { SQL_POSTGRES, e->text }, tokens = statements;
	bool wanted = false, own_timeout = has_own_timeout(e);
	struct sql_statement s;
	struct str token;
	unsigned count = 0;

	while (!wanted && sql_next(&statements, &s))
		wanted = is_of_interest(&s, own_timeout);
	while (wanted && e->text.len > TOKENS_MAX && sql_token(&tokens, &token) != SQL_TOKEN_END)
		if (++count > TOKENS_MAX)
			return false;
	return wanted;
}

/* ---- lock_timeout ---- */

/* As PostgreSQL reads it: 5000, 5s, 1min. */
static bool read_timeout(struct str text, int64_t *ms)
{
	static const struct { const char *unit; int64_t ms;
	} units[] = { { "", 1 }, { "ms", 1 }, { "s", 1000 }, { "min", 60000 }, { "h", 3600000 },
		      { "d", 86400000 } };
	size_t digits = 0;
	struct str unit;

	text = str_trim(text);
	while (digits < text.len && text.ptr[digits] >= '0' && text.ptr[digits] <= '9')
		digits++;
	unit = str_trim((struct str){ text.ptr + digits, text.len - digits });
	if (!str_to_int((struct str){ text.ptr, digits }, ms))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		if (str_eq(unit, str_c(units[i].unit)) && *ms < INT64_MAX / units[i].ms) {
			*ms *= units[i].ms;
			return true;
		}
	return false;
}

static void take_settings(struct lint_postgres *s)
{
	for (const struct argument *a = s->effect->operation->settings; a; a = a->next) {
		struct folded known;

		if (!str_eq(a->name.text, STR("lock_timeout")))
			continue;
		s->lock_timeout_ms = SOME_TIMEOUT_MS;
		if (!expression_fold(a->value, &known))
			continue;
		if (known.kind == TYPE_INT)
			s->lock_timeout_ms = known.number;
		else if (known.kind == TYPE_STRING)
			read_timeout(known.text, &s->lock_timeout_ms);
	}
}

/* SET LOCAL lock_timeout holds from there on. */
static void take_set(struct lint_postgres *s)
{
	const PgQuery__VariableSetStmt *set;
	const PgQuery__AConst *value;

	if (s->node->node_case != PG_QUERY__NODE__NODE_VARIABLE_SET_STMT || s->in_session)
		return;
	set = s->node->variable_set_stmt;
	if (!set->name || strcmp(set->name, "lock_timeout") != 0 || set->n_args != 1 ||
	    set->args[0]->node_case != PG_QUERY__NODE__NODE_A_CONST)
		return;
	value = set->args[0]->a_const;
	if (value->val_case == PG_QUERY__A__CONST__VAL_IVAL)
		s->lock_timeout_ms = value->ival->ival;
	else if (value->val_case == PG_QUERY__A__CONST__VAL_SVAL)
		read_timeout(str_c(value->sval->sval), &s->lock_timeout_ms);
}

/* ---- what the migration has made ---- */

struct str postgres_key(struct lint *l, const PgQuery__RangeVar *table, const char *part)
{
	return arena_format(&l->arena, "%s\n%s", table && table->relname ? table->relname : "",
			    part ? part : "");
}

bool postgres_is_made(const struct lint_postgres *s, const PgQuery__RangeVar *table)
{
	return table && table->relname && map_has(&s->l->made, str_c(table->relname));
}

const PgQuery__AlterTableStmt *postgres_alter(const PgQuery__Node *node)
{
	const PgQuery__AlterTableStmt *alter =
		node->node_case == PG_QUERY__NODE__NODE_ALTER_TABLE_STMT ? node->alter_table_stmt
									 : NULL;

	return alter && alter->relation && alter->objtype == PG_QUERY__OBJECT_TYPE__OBJECT_TABLE
		? alter : NULL;
}

static void learn_table(struct lint *l, const char *name)
{
	struct str kept = arena_str(&l->arena, str_c(name));

	map_add(&l->made, kept, l);
}

/* What a rollback makes is there again, not new. */
static void learn(const struct lint_postgres *s)
{
	const PgQuery__Node *n = s->node;

	if (s->effect->backward)
		return;
	if (n->node_case == PG_QUERY__NODE__NODE_CREATE_STMT && n->create_stmt->relation)
		learn_table(s->l, n->create_stmt->relation->relname);
	else if (n->node_case == PG_QUERY__NODE__NODE_CREATE_TABLE_AS_STMT &&
		 n->create_table_as_stmt->into && n->create_table_as_stmt->into->rel)
		learn_table(s->l, n->create_table_as_stmt->into->rel->relname);
	else if (n->node_case == PG_QUERY__NODE__NODE_RENAME_STMT &&
		 n->rename_stmt->rename_type == PG_QUERY__OBJECT_TYPE__OBJECT_TABLE &&
		 postgres_is_made(s, n->rename_stmt->relation))
		learn_table(s->l, n->rename_stmt->newname);
	else if (postgres_alter(n))
		postgres_learn_alter(s->l, postgres_alter(n));
}

/* ---- the look at a template ---- */

static struct span statement_span(const struct lint *l, const struct lint_effect *e,
				  const PgQuery__RawStmt *raw)
{
	size_t start = raw->stmt_location > 0 ? (size_t)raw->stmt_location : 0;
	size_t len = raw->stmt_len > 0 ? (size_t)raw->stmt_len : e->text.len;
	struct sql_scan scan = { SQL_POSTGRES, { "", 0 } };
	struct sql_statement trimmed;

	if (start > e->text.len)
		return e->sql->span;
	scan.rest = (struct str){ e->text.ptr + start,
				  len < e->text.len - start ? len : e->text.len - start };
	return sql_next(&scan, &trimmed) ? lint_span(l, e, trimmed.text) : e->sql->span;
}

static void look(struct lint *l, const struct lint_effect *e, const PgQuery__ParseResult *all)
{
	struct lint_postgres s = { .l = l, .effect = e, .all = all };

	s.in_session = e->operation->no_transaction || !sql_is_transactional(e->text);
	s.lock_timeout_ms = s.in_session ? 0 : SOME_TIMEOUT_MS;
	take_settings(&s);
	for (size_t i = 0; i < all->n_stmts; i++) {
		s.node = all->stmts[i]->stmt;
		if (!s.node)
			continue;
		s.span = statement_span(l, e, all->stmts[i]);
		take_set(&s);
#define LINT_POSTGRES(name) lint_##name(&s);
#include "compiler/lint.def"
		learn(&s);
	}
}

void lint_postgres(struct lint *l, const struct lint_effect *e)
{
	PgQueryProtobufParseResult result;
	PgQuery__ParseResult *all;

	if (!is_worth_parsing(e))
		return;
	result = pg_query_parse_protobuf(e->text.ptr);
	if (!result.error) {
		all = pg_query__parse_result__unpack(NULL, result.parse_tree.len,
						     (const uint8_t *)result.parse_tree.data);
		if (all) {
			look(l, e, all);
			pg_query__parse_result__free_unpacked(all, NULL);
		}
	}
	pg_query_free_protobuf_parse_result(result);
}
