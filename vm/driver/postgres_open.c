/* postgres_open.c - how a libpq session begins and ends; its secrets stay in here */
#include "vm/driver/postgres.h"
#include "vm/base/arena.h"
#include "vm/base/buf.h"
#include "vm/base/os.h"
#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#define CONNECT_TIMEOUT_S 10
#define CONNECT_TIMEOUT_LEAST_S 2

/* libpq would write them to standard error. */
static void drop_notice(void *context UNUSED, const PGresult *notice UNUSED)
{
}

static const char *option(const PQconninfoOption *options, const char *keyword)
{
	for (; options && options->keyword; options++)
		if (strcmp(options->keyword, keyword) == 0)
			return options->val;
	return NULL;
}

/*
 * libpq's own words about a malformed string quote pieces of it, which may be pieces of the
 * password. A password with an unescaped '@' or '/' even parses, as another host or database:
 * refused as well, for their names get into messages.
 */
static enum outcome check_conninfo(const char *conninfo, int64_t *timeout_ms, struct error *err)
{
	PQconninfoOption *options = PQconninfoParse(conninfo, NULL);
	enum outcome o = OUTCOME_OK;
	if (!options) {
		o = error_set(err, OUTCOME_UNREACHABLE,
			      "the PostgreSQL connection string is malformed");
		error_hint(err, "write postgresql://user:password@host:port/database, special "
				"characters as %%XX");
		return o;
	}
	static const char *const shown[] = { "host", "port", "dbname", "user", "hostaddr" };
	bool url = strstr(conninfo, "://") != NULL;
	for (size_t i = 0; url && o == OUTCOME_OK && i < ARRAY_SIZE(shown); i++) {
		const char *value = option(options, shown[i]);
		bool odd = value && strchr(value, '@') && strcmp(shown[i], "user") != 0;
		if (value && strcmp(shown[i], "port") == 0)
			odd = odd || value[strspn(value, "0123456789,")] != '\0';
		if (odd) {
			o = error_set(err, OUTCOME_UNREACHABLE,
				      "the %s in the PostgreSQL URL cannot be right", shown[i]);
			error_hint(err, "write '@' in a password as %%40, '/' as %%2F, ':' as "
					"%%3A");
		}
	}
	int64_t seconds = CONNECT_TIMEOUT_S;
	const char *wanted = option(options, "connect_timeout");
	if (wanted && !str_to_int(str_trim(str_c(wanted)), &seconds))
		seconds = CONNECT_TIMEOUT_S;
	int64_t hosts = 1;
	const char *host = option(options, "host");
	for (; host && *host; host++)
		hosts += *host == ',';
	if (seconds > 0 && seconds < CONNECT_TIMEOUT_LEAST_S)
		seconds = CONNECT_TIMEOUT_LEAST_S;
	*timeout_ms = seconds <= 0 ? 0 : seconds * 1000 * hosts;
	PQconninfoFree(options);
	return o;
}

/* libpq gives no SQLSTATE for a refused connection; the words are the server's, English in every
 * default setup. */
static enum error_class class_of_refusal(const char *message)
{
	static const char *const permanent[] = {
		"authentication failed",
		"does not exist",
		"pg_hba.conf",
		"no password supplied",
		"no such database",
		"no such user",
		"not permitted to log in",
		"permission denied for database",
		"certificate",
		"does not support SSL",
	};
	for (size_t i = 0; i < ARRAY_SIZE(permanent); i++)
		if (strstr(message, permanent[i]))
			return ERROR_PERMANENT;
	return ERROR_TRANSIENT;
}

static enum outcome refuse(struct postgres *s, struct error *err)
{
	const char *why = s->pg ? PQerrorMessage(s->pg) : "out of memory";
	const char *password = s->pg ? PQpass(s->pg) : NULL;
	if (password && strlen(password) > 3 && strstr(why, password))
		why = "the server's message repeats the password and is not shown";
	error_set(err, OUTCOME_UNREACHABLE, "cannot connect to PostgreSQL: %.*s",
		  STR_ARG(str_trim(str_c(why))));
	err->class = class_of_refusal(why);
	snprintf(err->code, sizeof(err->code), "08001");
	return err->outcome;
}

static enum outcome connect_within(struct postgres *s, int64_t timeout_ms,
				   const struct watch *watch, struct error *err)
{
	int64_t start = os_monotonic_ms(), asked = start;
	int64_t patience_ms = s->patience_until_ms > start ? s->patience_until_ms - start : 1;
	PostgresPollingStatusType status = PGRES_POLLING_WRITING;
	if (s->patience_until_ms && (timeout_ms <= 0 || patience_ms < timeout_ms))
		timeout_ms = patience_ms;
	while (status != PGRES_POLLING_OK) {
		if (status == PGRES_POLLING_FAILED)
			return refuse(s, err);
		struct pollfd p = {
			.fd = PQsocket(s->pg),
			.events = status == PGRES_POLLING_READING ? POLLIN : POLLOUT,
		};
		int slice_ms = timeout_ms > 0 && timeout_ms < WATCH_SLICE_MS ? (int)timeout_ms
									     : WATCH_SLICE_MS;
		int ready = poll(&p, 1, slice_ms);
		if (ready < 0 && errno != EINTR)
			return error_set(err, OUTCOME_UNREACHABLE, "poll: %s", strerror(errno));
		if (ready > 0)
			status = PQconnectPoll(s->pg);
		int64_t now = os_monotonic_ms();
		if (timeout_ms > 0 && now - start > timeout_ms && status != PGRES_POLLING_OK) {
			error_set(err, OUTCOME_UNREACHABLE,
				  "cannot connect to PostgreSQL: no answer within %.1f s",
				  (double)timeout_ms / 1000);
			err->class = ERROR_TRANSIENT;
			snprintf(err->code, sizeof(err->code), "08001");
			return err->outcome;
		}
		if (now - asked < WATCH_SLICE_MS)
			continue;
		asked = now;
		if (watch_ask(watch) != WATCH_GO_ON) {
			error_set(err, OUTCOME_STOPPED, "stopped while connecting to PostgreSQL");
			err->class = ERROR_TRANSIENT;
			return err->outcome;
		}
	}
	return OUTCOME_OK;
}

/*
 * A role that is called like the schema of the state: "$user" would make that schema the first
 * place where every bare name is looked for and made, an author's `UPDATE event` among them.
 */
static enum outcome leave_state_schema(struct postgres *s, const struct watch *watch,
				       struct error *err)
{
	char sql[256];

	if (strcmp(PQuser(s->pg), POSTGRES_STATE_SCHEMA) != 0)
		return OUTCOME_OK;
	/* Behind a pooler it would be another client's before long. */
	snprintf(sql, sizeof(sql),
		 "SELECT set_config('search_path', " POSTGRES_PATH ", false) WHERE "
		 "pg_backend_pid() = %d",
		 PQbackendPID(s->pg));
	return postgres_query(s, sql, watch, NULL, err);
}

static enum outcome connect_session(struct postgres *s, const struct watch *watch,
				    struct error *err)
{
	int64_t timeout_ms = 0;
	enum outcome o = check_conninfo(s->conninfo, &timeout_ms, err);
	if (o != OUTCOME_OK)
		return o;
	/* A later keyword wins: what stands before dbname is a default, what stands behind it is
	 * ours to say. */
	const char *keywords[] = {
		"keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout",
		"dbname", "client_encoding", s->application_name ? "application_name" : NULL, NULL,
	};
	const char *values[] = {
		"60", "10", "6", "120000", s->conninfo, "UTF8", s->application_name, NULL
	};
	s->pg = PQconnectStartParams(keywords, values, 1);
	if (!s->pg || PQstatus(s->pg) == CONNECTION_BAD)
		o = refuse(s, err);
	else
		o = connect_within(s, timeout_ms, watch, err);
	if (o != OUTCOME_OK) {
		postgres_abandon(s);
		return o;
	}
	PQsetNoticeReceiver(s->pg, drop_notice, NULL);
	PQsetnonblocking(s->pg, 1);
	s->server_version = PQserverVersion(s->pg);
	o = leave_state_schema(s, watch, err);
	return o == OUTCOME_OK && s->kept ? postgres_query(s, s->kept, watch, NULL, err) : o;
}

enum outcome postgres_keep(struct postgres *s, const char *sql, struct error *err)
{
	struct buf all = {0};
	enum outcome o = postgres_query(s, sql, NULL, NULL, err);

	if (o != OUTCOME_OK)
		return o;
	buf_format(&all, "%s%s%s", s->kept ? s->kept : "", s->kept ? "; " : "", sql);
	free(s->kept);
	s->kept = buf_take(&all);
	return OUTCOME_OK;
}

enum outcome postgres_open(struct postgres *s, const char *conninfo, const char *application_name,
			   const struct watch *watch, struct error *err)
{
	*s = (struct postgres){0};
	s->conninfo = must_strdup(conninfo);
	s->application_name = application_name ? must_strdup(application_name) : NULL;
	enum outcome o = connect_session(s, watch, err);
	if (o != OUTCOME_OK)
		postgres_close(s);
	return o;
}

enum outcome postgres_reopen(struct postgres *s, const struct watch *watch, struct error *err)
{
	postgres_abandon(s);
	s->sent = false;
	return connect_session(s, watch, err);
}

void postgres_close(struct postgres *s)
{
	if (!s)
		return;
	postgres_abandon(s);
	if (s->cancelling)	/* it may hang, and nobody waits for what it does */
		pthread_detach(s->canceller);
	if (s->conninfo)
		explicit_bzero(s->conninfo, strlen(s->conninfo));
	free(s->conninfo);
	free(s->application_name);
	free(s->kept);
	*s = (struct postgres){0};
}
