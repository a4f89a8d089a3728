/* connection_test.h - asking a connection of any kind in a test: each helper fails the test when
 * the answer is another */
#ifndef TESTS_UNIT_CONNECTION_TEST_H
#define TESTS_UNIT_CONNECTION_TEST_H

#include "vm/connection/connection.h"
#include "vm/base/os.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

static inline struct statement say(const char *sql)
{
	return (struct statement){ .sql = str_c(sql), .query_id = "amig:1:2:3" };
}

static inline int64_t must_exec(struct connection *c, const char *sql)
{
	struct statement s = say(sql);
	struct error err = {0};
	int64_t affected;
	s.no_transaction = c->kind->transactional && !c->kind->transactional(s.sql);
	if (c->kind->exec(c, &s, NULL, &affected, &err) != OUTCOME_OK)
		fail_msg("%.200s: %.300s", sql, err.message);
	return affected;
}

static inline void must_query(struct connection *c, const char *sql, struct result *r)
{
	struct statement s = say(sql);
	struct error err = {0};
	*r = (struct result){0};
	if (c->kind->query(c, &s, NULL, r, &err) != OUTCOME_OK)
		fail_msg("%.200s: %.300s", sql, err.message);
}

static inline void expect_cell(struct connection *c, const char *sql, enum cell_type type,
			       const char *text)
{
	struct result r;
	must_query(c, sql, &r);
	assert_int_equal(r.rows.count, 1);
	if (text) {
		assert_non_null(r.rows.at[0][0].ptr);
		assert_string_equal(r.rows.at[0][0].ptr, text);
	} else {
		assert_null(r.rows.at[0][0].ptr);
	}
	if (r.columns[0].type != type)
		fail_msg("%s: type %d, not %d", sql, (int)r.columns[0].type, (int)type);
	result_clear(&r);
}

static inline void expect_failure(struct connection *c, bool reading, const char *sql,
				  const char *code, const char *words)
{
	struct statement s = say(sql);
	struct error err = {0};
	struct result r = {0};
	int64_t affected;
	enum outcome o = reading ? c->kind->query(c, &s, NULL, &r, &err)
				 : c->kind->exec(c, &s, NULL, &affected, &err);
	if (o == OUTCOME_OK)
		fail_msg("%.200s: no failure", sql);
	if (strcmp(err.code, code) != 0)
		fail_msg("%s: code \"%s\", not \"%s\": %s", sql, err.code, code, err.message);
	if (!strstr(err.message, words))
		fail_msg("%s: \"%s\" lacks \"%s\"", sql, err.message, words);
	assert_string_equal(err.query_id, "amig:1:2:3");
	assert_null(r.columns);
	error_clear(&err);
}

/* Random texts, names and bytes through SELECT literal AS name. */
static inline void expect_quoting_to_round_trip(struct connection *c)
{
	static const char alphabet[] = "'\"\\%`$;-/*[]\n\t a\b\r";
	for (int round = 0; round < 300; round++) {
		unsigned char bytes[24];
		os_random(bytes, sizeof(bytes));
		size_t len = bytes[0] % 20;
		bool any_bytes = round % 3 == 0;
		for (size_t i = 0; i < len; i++)
			bytes[i] = any_bytes ? bytes[i]
					     : (unsigned char)
						       alphabet[bytes[i] % (sizeof(alphabet) - 1)];
		struct str text = { (char *)bytes, len };
		if (!any_bytes && len > 1)
			memcpy(bytes + len - 2, "\xc3\xa9", 2);
		struct buf sql = {0};
		struct result r;
		buf_text(&sql, "SELECT ");
		c->kind->quote_literal(&sql, any_bytes ? CELL_BYTES : CELL_STRING, text);
		buf_text(&sql, " AS ");
		if (!any_bytes && len)
			c->kind->quote_ident(&sql, text);
		else
			buf_text(&sql, "x");
		must_query(c, sql.ptr, &r);
		assert_true(str_eq(r.rows.at[0][0], text));
		if (!any_bytes && len)
			assert_true(str_eq(r.columns[0].name, text));
		result_clear(&r);
		buf_clear(&sql);
	}
}

static inline struct connection must_open(const struct connection_kind *kind, const char *url)
{
	struct connection c;
	struct error err = {0};
	if (connection_open(&c, "main", kind, url, NULL, &err) != OUTCOME_OK)
		fail_msg("%s", err.message);
	return c;
}

static inline const char *server_url(const char *variable)
{
	const char *url = getenv(variable);
	if (!url) {
		fprintf(stderr, "%s is not set: run this through tests/support/with-servers\n",
			variable);
		exit(1);
	}
	return url;
}

/* A wish to cancel after some asking. */
static inline enum watch_wish cancel_soon(void *asked)
{
	return ++*(int *)asked > 2 ? WATCH_CANCEL : WATCH_GO_ON;
}

static inline enum watch_wish abandon_soon(void *asked)
{
	return ++*(int *)asked > 2 ? WATCH_ABANDON : WATCH_GO_ON;
}

/* Several statements as one, in a database with the table t (x): c changes it, `other` looks. */
static inline void expect_several_to_be_one(struct connection *c, struct connection *other)
{
	struct statement s = say("INSERT INTO t VALUES (3)");
	struct error err = { 0 };

	s.marker = STR("INSERT INTO t VALUES (1)");
	assert_int_equal(c->kind->begin(c, &s, NULL, &err), OUTCOME_OK);
	assert_int_equal(must_exec(c, "INSERT INTO t VALUES (2)"), 1);
	expect_cell(c, "SELECT count(*) FROM t", CELL_INT, "2");
	expect_cell(other, "SELECT count(*) FROM t", CELL_INT, "0");
	c->kind->abandon(c);
	expect_cell(c, "SELECT count(*) FROM t", CELL_INT, "0");

	assert_int_equal(c->kind->begin(c, &s, NULL, &err), OUTCOME_OK);
	must_exec(c, "INSERT INTO t VALUES (2)");
	assert_int_equal(c->kind->commit(c, &s, NULL, &err), OUTCOME_OK);
	expect_cell(other, "SELECT count(*) FROM t", CELL_INT, "3");

	/* What stands in front of the end fails, and so does the end. */
	s.sql = STR("INSERT INTO missing VALUES (3)");
	assert_int_equal(c->kind->begin(c, &s, NULL, &err), OUTCOME_OK);
	assert_int_equal(c->kind->commit(c, &s, NULL, &err), OUTCOME_FAILED);
	assert_int_equal(err.class, ERROR_PERMANENT);
	assert_string_equal(err.query_id, "amig:1:2:3");
	error_clear(&err);
	c->kind->abandon(c);
	s.marker = STR("INSERT INTO missing VALUES (1)");
	assert_int_equal(c->kind->begin(c, &s, NULL, &err), OUTCOME_FAILED);
	error_clear(&err);
	c->kind->abandon(c);
	expect_cell(other, "SELECT count(*) FROM t", CELL_INT, "3");
	must_exec(c, "DELETE FROM t");
}

#endif
