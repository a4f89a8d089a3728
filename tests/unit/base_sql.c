/* base_sql.c - the tokens of SQL, by dialect, and what PostgreSQL takes in a transaction */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "vm/base/buf.h"
#include "vm/base/sql.h"

/* "w:SELECT o:'a;b'": each token with the letter of its kind. */
static void assert_tokens(enum sql_dialect dialect, const char *text, const char *expected)
{
	static const char kinds[] = { [SQL_TOKEN_WORD] = 'w', [SQL_TOKEN_QUOTED] = 'q',
				      [SQL_TOKEN_SEMICOLON] = 's', [SQL_TOKEN_OTHER] = 'o' };
	struct sql_scan scan = { dialect, str_c(text) };
	struct buf out = { 0 };
	struct str token;
	enum sql_token kind;

	while ((kind = sql_token(&scan, &token)) != SQL_TOKEN_END)
		buf_format(&out, "%s%c:%.*s", out.len ? " " : "", kinds[kind], STR_ARG(token));
	assert_int_equal(token.len, 0);
	assert_string_equal(out.len ? out.ptr : "", expected);
	buf_clear(&out);
}

static void a_token_has_its_quotes(void **state)
{
	(void)state;
	assert_tokens(SQL_POSTGRES, "SELECT \"a\"\"b\".c, 'it''s;'; ",
		      "w:SELECT q:\"a\"\"b\" o:. w:c o:, o:'it''s;' s:;");
	assert_tokens(SQL_POSTGRES, "E'a\\'b' $x$ ; $x$ $1", "o:E'a\\'b' o:$x$ ; $x$ w:$1");
	assert_tokens(SQL_CLICKHOUSE, "`a\\`b` 'c\\'d'", "q:`a\\`b` o:'c\\'d'");
	assert_tokens(SQL_SQLITE, "[a b] `c`", "q:[a b] q:`c`");
}

static void space_and_comments_are_no_tokens(void **state)
{
	(void)state;
	assert_tokens(SQL_POSTGRES, " -- a\n/* b /* c */ d */ x # y", "w:x o:# w:y");
	assert_tokens(SQL_CLICKHOUSE, "x # y\n z /* b /* c */ d", "w:x w:z w:d");
	assert_tokens(SQL_POSTGRES, "", "");
	assert_tokens(SQL_POSTGRES, "/* never closed", "");
}

static void what_ends_too_early_is_one_token(void **state)
{
	(void)state;
	assert_tokens(SQL_POSTGRES, "a 'b", "w:a o:'b");
	assert_tokens(SQL_POSTGRES, "\"b", "q:\"b");
	assert_tokens(SQL_POSTGRES, "$x$ b", "o:$x$ b");
	assert_tokens(SQL_CLICKHOUSE, "'\\", "o:'\\");
}

static void some_statements_run_outside_of_transactions_only(void **state)
{
	(void)state;
	assert_true(sql_is_transactional(STR("CREATE INDEX i ON t (a); DROP TABLE t")));
	assert_true(sql_is_transactional(STR("SELECT 'CREATE INDEX CONCURRENTLY'")));
	assert_true(sql_is_transactional(STR("CREATE INDEX \"concurrently\" ON t (a)")));
	assert_false(sql_is_transactional(STR("create unique index concurrently i ON t (a)")));
	assert_false(sql_is_transactional(STR("SELECT 1; VACUUM t")));
	assert_false(sql_is_transactional(STR("REINDEX SCHEMA public")));
	assert_false(sql_is_transactional(STR("CLUSTER")));
	assert_true(sql_is_transactional(STR("CLUSTER t USING i")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_token_has_its_quotes),
		cmocka_unit_test(space_and_comments_are_no_tokens),
		cmocka_unit_test(what_ends_too_early_is_one_token),
		cmocka_unit_test(some_statements_run_outside_of_transactions_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
