/* connection_clickhouse_url.c - what the URL of a ClickHouse connection says, and which statements
 * are for a cluster (AMIG_TEST_CLICKHOUSE) */
#include "tests/unit/connection_test.h"
#include "vm/connection/clickhouse_ddl.h"

static const char *url;

static void what_cannot_be_opened_is_told_without_secrets(void **state UNUSED)
{
	const char *at = strrchr(url, '@');
	char wrong[8][320];
	snprintf(wrong[0], sizeof(wrong[0]), "http://amig:hunter2%s", at);
	snprintf(wrong[1], sizeof(wrong[1]), "http://amig:hunter2/hunter2%s", at);
	snprintf(wrong[2], sizeof(wrong[2]), "http://amig:hunter2@127.0.0.1:1/x");
	snprintf(wrong[3], sizeof(wrong[3]), "http://amig:hunter2@no.such.host.invalid/");
	snprintf(wrong[4], sizeof(wrong[4]), "ftp://amig:hunter2%s", at);
	snprintf(wrong[5], sizeof(wrong[5]), "http://amig:hunter2@127.0.0.1:1/x?password=hunter2");
	snprintf(wrong[6], sizeof(wrong[6]), "amig:hunter2%s", at);
	snprintf(wrong[7], sizeof(wrong[7]), "https://amig:hunter2%s", at);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct connection c;
		struct error err = {0};
		enum outcome o =
			connection_open(&c, "main", &clickhouse_kind, wrong[i], NULL, &err);
		if (o != OUTCOME_UNREACHABLE || strstr(err.message, "hunter") ||
		    (err.hint && strstr(err.hint, "hunter")))
			fail_msg("%zu: %d %s", i, (int)o, err.message ? err.message : "");
		if (i == 2 || i == 3)
			assert_int_equal(err.class, ERROR_TRANSIENT);
		if (i == 0)
			assert_int_equal(err.class, ERROR_PERMANENT);
		error_clear(&err);
	}
}

static void the_cluster_is_part_of_the_url_and_not_sent(void **state UNUSED)
{
	char with[256];
	snprintf(with, sizeof(with), "%s?cluster=main%%20one", url);
	struct connection c = must_open(&clickhouse_kind, with);
	assert_string_equal(c.cluster, "main one");
	assert_int_equal(strncmp(c.version_text, "18.16", 5), 0);
	connection_close(&c);
}

static void a_statement_for_a_cluster_is_known_by_its_tokens(void **state UNUSED)
{
	static const struct { const char *sql; bool is;
	} rows[] = {
		{ "CREATE TABLE t ON CLUSTER main (x Int8) ENGINE = Log", true },
		{ "drop table t on\ncluster 'main'", true },
		{ "ALTER TABLE `a b` ON /* of */ CLUSTER `main` ADD COLUMN y Int8", true },
		{ "RENAME TABLE a TO b ON CLUSTER \"main\"", true },
		{ "ALTER TABLE t DELETE WHERE note = 'ON CLUSTER main'", false },
		{ "INSERT INTO t SELECT x FROM a JOIN b ON cluster = id", false },
		{ "CREATE VIEW v AS SELECT x FROM a JOIN b ON cluster = id", false },
		{ "SELECT 1 -- ON CLUSTER main", false },
		{ "", false },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(clickhouse_is_on_cluster(str_c(rows[i].sql)), rows[i].is);
}

static void a_host_is_reached_where_the_url_says(void **state UNUSED)
{
	char with[400];
	struct connection c = {0};
	struct error err = {0};
	const char *at = strchr(url, '@') + 1;
	snprintf(with, sizeof(with), "%s?cluster=main&host=far:9000=%.*s", url,
		 (int)strcspn(at, "/"), at);
	assert_int_equal(connection_open_host(&c, "c", &clickhouse_kind, with, STR("far:9000"),
					      NULL, &err), OUTCOME_OK);
	assert_null(c.cluster);
	connection_close(&c);
	snprintf(with, sizeof(with), "%s?host=far:9000", url);
	assert_int_equal(connection_open(&c, "c", &clickhouse_kind, with, NULL, &err),
			 OUTCOME_UNREACHABLE);
	error_clear(&err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_cannot_be_opened_is_told_without_secrets),
		cmocka_unit_test(the_cluster_is_part_of_the_url_and_not_sent),
		cmocka_unit_test(a_statement_for_a_cluster_is_known_by_its_tokens),
		cmocka_unit_test(a_host_is_reached_where_the_url_says),
	};
	url = server_url("AMIG_TEST_CLICKHOUSE");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
