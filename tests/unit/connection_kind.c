/* connection_kind.c - the table of kinds */
#include "tests/unit/connection_test.h"

static void a_kind_is_found_by_the_name_that_authors_write(void **state UNUSED)
{
	assert_ptr_equal(connection_kind_find(STR("postgres")), &postgres_kind);
	assert_ptr_equal(connection_kind_find(STR("clickhouse")), &clickhouse_kind);
	assert_ptr_equal(connection_kind_find(STR("sqlite")), &sqlite_kind);
	assert_ptr_equal(connection_kind_find(STR("chdb")), &chdb_kind);
	assert_null(connection_kind_find(STR("Postgres")));
	assert_null(connection_kind_find(STR("")));
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
		cmocka_unit_test(closing_what_was_never_opened_does_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
