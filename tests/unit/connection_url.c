/* connection_url.c - the table of kinds, and what of a URL may be shown */
#include "tests/unit/connection_test.h"

static void a_kind_is_found_by_the_name_that_authors_write(void **state UNUSED)
{
	assert_ptr_equal(connection_kind_find(STR("postgres")), &postgres_kind);
	assert_ptr_equal(connection_kind_find(STR("clickhouse")), &clickhouse_kind);
	assert_ptr_equal(connection_kind_find(STR("sqlite")), &sqlite_kind);
	assert_null(connection_kind_find(STR("Postgres")));
	assert_null(connection_kind_find(STR("")));
}

static void passwords_and_parameters_are_not_shown(void **state UNUSED)
{
	static const struct { const char *url, *shown;
	} rows[] = {
		{ "postgresql://u:pw@h:1/d?sslpassword=pw", "postgresql://u@h:1/d" },
		{ "postgresql://h/d", "postgresql://h/d" },
		{ "postgresql://u@h/d", "postgresql://u@h/d" },
		{ "http://u:p@w:p/w?p@h:8123/d?cluster=c", "http://u@h:8123/d" },
		{ "http://:pw@h/", "http://@h/" },
		{ "host=h port=1 password='p w \\' x' user=u dbname='a b'", "host=h port=1 user=u "
									    "dbname='a b'" },
		{ "password = pw host = h", "host=h" },
		{ "/var/lib/a.db", "/var/lib/a.db" },
		{ "sqlite:a.db?key=pw", "sqlite:a.db" },
		{ "", "" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct buf out = {0};
		connection_redact(rows[i].url, &out);
		assert_string_equal(out.ptr ? out.ptr : "", rows[i].shown);
		buf_clear(&out);
	}
}

static void closing_what_was_never_opened_does_nothing(void **state UNUSED)
{
	struct connection c = {0};
	struct result r = {0};
	connection_close(&c);
	connection_close(NULL);
	result_clear(&r);
	result_clear(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_kind_is_found_by_the_name_that_authors_write),
		cmocka_unit_test(passwords_and_parameters_are_not_shown),
		cmocka_unit_test(closing_what_was_never_opened_does_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
