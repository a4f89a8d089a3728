/* postgres_text.c - the SQL text that goes to PostgreSQL */
#include "vm/connection/postgres_text.h"
#include "vm/connection/literal.h"
#include "vm/base/sql.h"
#include <limits.h>
#include <stdio.h>
#include <strings.h>

#define DURABLE "synchronous_commit"
#define LOCK_TIMEOUT_MS                                                                            \
	5000 /* a statement that waits for a lock makes the application queue behind it */
#define IDLE_TIMEOUT_MS 300000 /* of a transaction that waits for us */
#define JOINED_CAP_BYTES ((size_t)64 << 10) /* a larger one gains nothing */

void postgres_text_comment(struct buf *out, const char *query_id)
{
	buf_text(out, "/* ");
	for (; *query_id; query_id++)
		if (*query_id != '*' && *query_id != '/')
			buf_byte(out, *query_id);
	buf_text(out, " */");
}

static void set(struct buf *out, bool local, const char *name, long long value)
{
	buf_format(out, "SET %s%s=%lld;", local ? "LOCAL " : "", name,
		   value > INT_MAX ? INT_MAX : value);
}

static void set_text(struct buf *out, bool local, struct str name, struct str value)
{
	buf_format(out, "SET %s%.*s=", local ? "LOCAL " : "", STR_ARG(name));
	postgres_text_literal(out, CELL_STRING, value);
	buf_byte(out, ';');
}

/* The server reports these parameters by itself, so that nothing is sent while they are as they
 * should be. */
static void set_reported(struct buf *out, PGconn *pg, bool local)
{
	const char *zone = PQparameterStatus(pg, "TimeZone");
	const char *dates = PQparameterStatus(pg, "DateStyle");
	const char *strings = PQparameterStatus(pg, "standard_conforming_strings");
	if (!zone || (strcmp(zone, "UTC") != 0 && strcmp(zone, "Etc/UTC") != 0))
		set_text(out, local, STR("timezone"), STR("UTC"));
	if (!dates || strncmp(dates, "ISO", 3) != 0)
		set_text(out, local, STR("datestyle"), STR("ISO"));
	if (!strings || strcmp(strings, "on") != 0)
		set_text(out, local, STR("standard_conforming_strings"), STR("on"));
}

void postgres_text_shared(struct buf *out)
{
	set(out, false, "lock_timeout", LOCK_TIMEOUT_MS);
	set(out, false, "idle_in_transaction_session_timeout", IDLE_TIMEOUT_MS);
}

void postgres_text_prefix(struct buf *out, PGconn *pg, const struct statement *s,
			  enum text_place place)
{
	bool local = place != TEXT_SESSION;
	if (!pg)			/* lost: sending will say so */
		return;
	postgres_text_comment(out, s->query_id);
	switch (place) {
	case TEXT_READ:
		buf_text(out, "SET TRANSACTION READ ONLY;");
		set(out, local, "statement_timeout", s->timeout_ms);
		break;
	case TEXT_READ_INSIDE:
		buf_text(out, "SAVEPOINT amig_read;SET LOCAL transaction_read_only=on;");
		set(out, local, "statement_timeout", s->timeout_ms);
		break;
	case TEXT_CHANGE:
		set_text(out, local, STR("application_name"), str_c(s->query_id));
		set(out, local, "lock_timeout", LOCK_TIMEOUT_MS);
		set(out, local, "statement_timeout", s->timeout_ms);
		break;
	case TEXT_INSIDE:
		set(out, local, "statement_timeout", s->timeout_ms);
		break;
	case TEXT_SESSION:
		set_text(out, local, STR("application_name"), str_c(s->query_id));
		set(out, local, "lock_timeout",
		    0); /* one that fires in CONCURRENTLY leaves an invalid index */
		set(out, local, "statement_timeout", s->timeout_ms);
		break;
	}
	set_reported(out, pg, local);
	for (size_t i = 0; i < s->setting_count; i++)
		set_text(out, local, s->settings[i].name, s->settings[i].value);
}

bool postgres_text_joins(PGconn *pg, const struct statement *s)
{
	struct sql_scan scan = { SQL_POSTGRES, s->sql };
	struct sql_statement first, second;
	struct buf more = { 0 };
	if (s->timeout_ms > 0 || s->setting_count || s->sql.len > JOINED_CAP_BYTES ||
	    memchr(s->sql.ptr, 0, s->sql.len))
		return false;
	if (!sql_next(&scan, &first) || sql_next(&scan, &second) || sql_is(&first, 0, "copy"))
		return false;
	set_reported(&more, pg, true);
	bool as_they_should_be = more.len == 0;
	buf_clear(&more);
	return as_they_should_be;
}

void postgres_text_reset(struct buf *out, const struct statement *s)
{
	buf_text(out, "RESET lock_timeout;RESET statement_timeout;RESET timezone;RESET datestyle;");
	for (size_t i = 0; i < s->setting_count; i++)
		buf_format(out, "RESET %.*s;", STR_ARG(s->settings[i].name));
	buf_text(out, "SET application_name='amig'");
}

static bool is_setting_name(struct str name)
{
	for (size_t i = 0; i < name.len; i++) {
		char c = name.ptr[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
		if (!letter && (i == 0 || !((c >= '0' && c <= '9') || c == '.')))
			return false;
	}
	return name.len > 0;
}

static bool is_durable_name(struct str name)
{
	return name.len == strlen(DURABLE) && strncasecmp(name.ptr, DURABLE, name.len) == 0;
}

bool postgres_text_is_durable(const struct statement *s)
{
	for (size_t i = 0; i < s->setting_count; i++)
		if (is_durable_name(s->settings[i].name))
			return true;
	return false;
}

/* What is told as done must be so when the server has crashed. */
static bool loses_commits(struct str name, struct str value)
{
	static const char *const words[] = { "off", "false", "no", "0", "of", "f", "n", "" };
	char copy[8];
	bool off = false;

	value = str_trim(value);
	if (!is_durable_name(name) || value.len >= sizeof(copy))
		return false;
	snprintf(copy, sizeof(copy), "%.*s", STR_ARG(value));
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		off |= strcasecmp(copy, words[i]) == 0;
	return off;
}

static enum outcome check_settings(const struct statement *s, struct error *err)
{
	for (size_t i = 0; i < s->setting_count; i++) {
		if (!is_setting_name(s->settings[i].name))
			return error_set(err, OUTCOME_FAILED,
					 "\"%.*s\" is not the name of a setting",
					 STR_ARG(s->settings[i].name));
		if (loses_commits(s->settings[i].name, s->settings[i].value))
			return error_set(err, OUTCOME_FAILED,
					 DURABLE " is not below local for a migration: what is "
					 "told as done must be so after a crash");
	}
	return OUTCOME_OK;
}

enum outcome postgres_text_check(const struct statement *s, bool reading, struct error *err)
{
	static const char *const control[] = { "begin",
					       "start transaction",
					       "commit",
					       "end",
					       "rollback",
					       "abort",
					       "prepare transaction",
					       "set transaction",
					       "set session characteristics" };
	static const char *const writing[] = { "set", "reset", "discard" };
	struct sql_scan scan = { SQL_POSTGRES, s->sql };
	struct sql_statement statement;
	if (check_settings(s, err) != OUTCOME_OK)
		return err->outcome;
	bool any = false;
	for (; sql_next(&scan, &statement); any = true) {
		/* ROLLBACK TO SAVEPOINT stays inside; COMMIT PREPARED is about another transaction
		 */
		bool inner = sql_begins(&statement, "rollback to") ||
			     sql_is(&statement, 1, "prepared") ||
			     sql_begins(&statement, "rollback work to") ||
			     sql_begins(&statement, "rollback transaction to");
		for (size_t i = 0; i < ARRAY_SIZE(control); i++)
			if (sql_begins(&statement, control[i]) && !inner) {
				error_set(err, OUTCOME_FAILED, "%.*s is not for a migration to say",
					  STR_ARG(statement.words[0]));
				error_hint(err, "every effect is one transaction already");
				return err->outcome;
			}
		/* It would last beyond the effect, but not beyond the process; and the session may
		 * be the store's, whose commits are durable by a setting. */
		if (!reading && sql_is(&statement, 0, "reset"))
			return error_set(err, OUTCOME_FAILED,
					 "RESET is not for a migration to say");
		if (!reading && sql_is(&statement, 0, "set") && !sql_is(&statement, 1, "local") &&
		    !sql_is(&statement, 1, "constraints")) {
			error_set(err, OUTCOME_FAILED,
				  "SET without LOCAL is not for a migration to say");
			error_hint(err, "SET LOCAL holds for the effect, the operation's settings "
					"for all of its effects");
			return err->outcome;
		}
		if (!reading && sql_begins(&statement, "set local " DURABLE)) {
			error_set(err, OUTCOME_FAILED,
				  "SET LOCAL " DURABLE " is not for a migration to say");
			error_hint(err, "`settings { " DURABLE ": … }` may say more than local");
			return err->outcome;
		}
		for (size_t i = 0; reading && i < ARRAY_SIZE(writing); i++)
			if (sql_is(&statement, 0, writing[i]) || inner)
				return error_set(err, OUTCOME_FAILED,
						 "a query must not change anything");
	}
	return any ? OUTCOME_OK : error_set(err, OUTCOME_FAILED, "there is no statement to run");
}

void postgres_text_ident(struct buf *out, struct str part)
{
	literal_doubled(out, '"', part);
}

/* E'…' reads the same whatever standard_conforming_strings says. A NUL cannot be written: sending
 * refuses the text. */
static void write_text(struct buf *out, struct str text)
{
	if (!memchr(text.ptr, '\\', text.len)) {
		literal_doubled(out, '\'', text);
		return;
	}
	buf_text(out, "E'");
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] == '\\' || text.ptr[i] == '\'')
			buf_byte(out, text.ptr[i]);
		buf_byte(out, text.ptr[i]);
	}
	buf_byte(out, '\'');
}

void postgres_text_literal(struct buf *out, enum cell_type type, struct str text)
{
	bool fraction;
	if (!text.ptr) {
		buf_text(out, "NULL");
		return;
	}
	switch (type) {
	case CELL_STRING:
		write_text(out, text);
		return;
	case CELL_BOOL:
		buf_text(out, literal_bool(text) ? "TRUE" : "FALSE");
		return;
	case CELL_INT:
		literal_number(out, text);
		return;
	case CELL_FLOAT:
		if (literal_float(out, text))
			return;
		buf_byte(out, '\'');
		buf_str(out, text);
		buf_text(out, "'::float8");
		return;
	case CELL_BYTES:
		buf_text(out, "E'\\\\x");
		literal_hex(out, text);
		buf_text(out, "'::bytea");
		return;
	case CELL_TIMESTAMP:
		buf_byte(out, '\'');
		literal_time(out, text, &fraction);
		buf_text(out, "+00'::timestamptz");
		return;
	}
}
