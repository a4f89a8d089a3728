/* sqlite.c - one SQLite database file */
#include "vm/driver/sqlite.h"
#include "vm/base/os.h"
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define PROGRESS_EVERY 5000		/* virtual machine instructions: some 50 µs */
#define BUSY_SLEEP_US 5000
/* What the WAL may hold before it is begun anew (SQLite: 1000): to write over it costs less than to
 * let it grow. */
#define WAL_PAGES "400"

static const struct code {
	int number;
	const char *name;
	enum error_class class;
	enum outcome outcome;
	const char *words, *hint;
} codes[] = {
#define SQLITE_CODE(code, class, outcome, words, hint) \
	{ SQLITE_##code, "SQLITE_" #code, ERROR_##class, OUTCOME_##outcome, words, hint },
#include "vm/driver/sqlite_code.def"
#undef SQLITE_CODE
};

static const struct code *code_of(int number)
{
	for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
		if (codes[i].number == number)
			return &codes[i];
	return NULL;
}

static enum outcome fail_code(struct sqlite *s, int extended, const char *words, struct error *err)
{
	const struct code *code = code_of(extended);
	if (!code)
		code = code_of(extended & 0xff);
	if (!code) {
		error_set(err, OUTCOME_FAILED, "%s", words);
		err->class = ERROR_PERMANENT;
		snprintf(err->code, sizeof(err->code),
			 (extended & 0xff) == SQLITE_ERROR ? "SQLITE_ERROR" : "SQLITE_%d",
			 extended);
		return err->outcome;
	}
	error_set(err, code->outcome, "%s: %s", code->words, words);
	err->class = code->class;
	snprintf(err->code, sizeof(err->code), "%s", code->name);
	if (code->hint)
		error_hint(err, "%s", code->hint);
	if (code->number == SQLITE_INTERRUPT && s->expired)
		error_set(err, OUTCOME_FAILED,
			  "the statement took longer than its timeout and was interrupted");
	if (code->number == SQLITE_INTERRUPT) {
		err->class = ERROR_TRANSIENT;
		snprintf(err->code, sizeof(err->code), "%s", code->name);
	}
	return err->outcome;
}

enum outcome sqlite_fail(struct sqlite *s, struct error *err)
{
	if (!s->db)
		return fail_code(s, SQLITE_NOMEM, "no session", err);
	int code = sqlite3_extended_errcode(s->db);
	/* The files beside the database (-wal, -shm) grow too, and say no more than that they could
	 * not. */
	if ((code & 0xff) == SQLITE_IOERR && sqlite3_system_errno(s->db) == ENOSPC)
		code = SQLITE_FULL;
	return fail_code(s, code, sqlite3_errmsg(s->db), err);
}

/* ---- staying responsive ---- */

static bool wants_end(struct sqlite *s)
{
	int64_t now = os_monotonic_ms();
	if (s->deadline && now >= s->deadline) {
		s->expired = true;
		return true;
	}
	if (now - s->asked_at < WATCH_SLICE_MS)
		return false;
	s->asked_at = now;
	return watch_ask(&s->watch) != WATCH_GO_ON;
}

static int on_progress(void *session)
{
	return wants_end(session);
}

static int on_busy(void *session, int times)
{
	struct sqlite *s = session;
	if ((int64_t)times * BUSY_SLEEP_US >= (int64_t)SQLITE_BUSY_TIMEOUT_MS * 1000 ||
	    wants_end(s))
		return 0;
	usleep(BUSY_SLEEP_US);
	return 1;
}

void sqlite_watch(struct sqlite *s, const struct watch *watch, int64_t timeout_ms)
{
	s->watch = watch ? *watch : (struct watch){0};
	s->asked_at = os_monotonic_ms();
	s->deadline = timeout_ms > 0 ? s->asked_at + timeout_ms : 0;
	s->expired = false;
}

void sqlite_unwatch(struct sqlite *s)
{
	s->watch = (struct watch){0};
	s->deadline = 0;
}

/* ---- opening ---- */

static enum outcome set_up(struct sqlite *s, struct error *err)
{
	sqlite3_extended_result_codes(s->db, 1);
	sqlite3_busy_handler(s->db, on_busy, s);
	sqlite3_progress_handler(s->db, PROGRESS_EVERY, on_progress, s);
	/* Two that turn a new file to WAL at once: one is refused without its busy handler being
	 * asked. */
	int64_t until = os_monotonic_ms() + SQLITE_BUSY_TIMEOUT_MS;
	int rc;
	while ((rc = sqlite3_exec(s->db, "PRAGMA journal_mode=WAL", NULL, NULL, NULL)) ==
		       SQLITE_BUSY &&
	       os_monotonic_ms() < until)
		usleep(BUSY_SLEEP_US);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(s->db, "PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; "
				  "PRAGMA wal_autocheckpoint=" WAL_PAGES "; "
				  "SELECT count(*) FROM sqlite_master", NULL, NULL, NULL);
	if (rc != SQLITE_OK)
		return sqlite_fail(s, err);
	if (sqlite3_db_readonly(s->db, "main"))
		return fail_code(s, SQLITE_READONLY, "it was opened for reading only", err);
	return OUTCOME_OK;
}

const char *sqlite_path(const char *url)
{
	static const char scheme[] = "sqlite:";

	return strncmp(url, scheme, strlen(scheme)) == 0 ? url + strlen(scheme) : url;
}

enum outcome sqlite_open(struct sqlite *s, const char *path, struct error *err)
{
	*s = (struct sqlite){0};
	enum outcome o = OUTCOME_OK;
	if (!*path)
		return error_set(err, OUTCOME_UNREACHABLE, "the path of the SQLite file is empty");
	if (sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) !=
	    SQLITE_OK)
		o = sqlite_fail(s, err);
	else
		o = set_up(s, err);
	if (o == OUTCOME_OK) {
		char absolute[PATH_MAX];
		s->path = must_strdup(realpath(path, absolute) ? absolute : path);
		return o;
	}
	error_prefix(err, "%s: ", path);
	sqlite_close(s);
	return o;
}

void sqlite_close(struct sqlite *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->kept.count; i++)
		sqlite3_finalize(s->kept.at[i].statement);
	vec_clear(&s->kept);
	sqlite3_close_v2(s->db);
	free(s->path);
	*s = (struct sqlite){0};
}

/* ---- statements ---- */

bool sqlite_in_transaction(const struct sqlite *s)
{
	return s->db && !sqlite3_get_autocommit(s->db);
}

void sqlite_rollback(struct sqlite *s)
{
	struct watch watch = s->watch;
	s->watch = (struct watch){0};
	s->deadline = 0;
	if (sqlite_in_transaction(s))
		sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
	s->watch = watch;
}

static long characters(const char *text, size_t len)
{
	long n = 0;
	for (size_t i = 0; i < len; i++)
		n += ((unsigned char)text[i] & 0xc0) != 0x80;
	return n;
}

enum outcome sqlite_next(struct sqlite *s, struct str whole, struct str *rest, sqlite3_stmt **out,
			 struct error *err)
{
	*out = NULL;
	if (rest->len > INT_MAX)
		return error_set(err, OUTCOME_FAILED, "the statement is too long");
	if (rest->len && memchr(rest->ptr, 0, rest->len))
		return error_set(err, OUTCOME_FAILED,
				 "a SQLite statement cannot hold the character U+0000");
	while (rest->len && !*out) {
		const char *tail = NULL;
		int rc = sqlite3_prepare_v2(s->db, rest->ptr, (int)rest->len, out, &tail);
		if (rc != SQLITE_OK) {
			sqlite_fail(s, err);
			int offset = sqlite3_error_offset(s->db);
			if (offset >= 0)
				err->position =
					characters(whole.ptr, (size_t)(rest->ptr - whole.ptr) +
								      (size_t)offset) +
					1;
			return err->outcome;
		}
		rest->len -= (size_t)(tail - rest->ptr);
		rest->ptr = tail;
	}
	return OUTCOME_OK;
}

/* Behind white space and comments. */
static const char *first_word(const char *sql)
{
	for (;;) {
		sql += strspn(sql, " \t\r\n\f;");
		const char *end = NULL;
		if (sql[0] == '-' && sql[1] == '-')
			end = strchr(sql, '\n');
		else if (sql[0] == '/' && sql[1] == '*')
			end = strstr(sql + 2, "*/");
		else
			return sql;
		if (!end)
			return "";
		sql = end + (*end == '\n' ? 1 : 2);
	}
}

bool sqlite_counts_rows(sqlite3_stmt *statement)
{
	static const char *const words[] = { "insert", "update", "delete", "replace", "with" };
	const char *word = first_word(sqlite3_sql(statement));
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strncasecmp(word, words[i], strlen(words[i])) == 0)
			return !sqlite3_stmt_readonly(statement);
	return false;
}

enum outcome sqlite_prepare_kept(struct sqlite *s, const char *sql, sqlite3_stmt **out,
				 struct error *err)
{
	for (size_t i = 0; i < s->kept.count; i++) {
		if (s->kept.at[i].sql != sql)
			continue;
		*out = s->kept.at[i].statement;
		sqlite3_reset(*out);
		sqlite3_clear_bindings(*out);
		return OUTCOME_OK;
	}
	*out = NULL;
	if (sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL) != SQLITE_OK)
		return sqlite_fail(s, err);
	vec_push(&s->kept, (struct sqlite_kept){ sql, *out });
	return OUTCOME_OK;
}

bool sqlite_same_file(const char *a, const char *b)
{
	struct stat sa, sb;
	return stat(a, &sa) == 0 && stat(b, &sb) == 0 && sa.st_dev == sb.st_dev &&
	       sa.st_ino == sb.st_ino;
}
