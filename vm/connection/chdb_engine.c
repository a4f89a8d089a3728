/* chdb_engine.c - loading libchdb, its sessions, and a thread for each statement */
#include "vm/connection/chdb_engine.h"

#include "vm/base/os.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#define LIBRARY "libchdb.so"
#define FORMAT "TabSeparatedWithNamesAndTypes"
#define KILL_AGAIN_MS 3000

/* What is used of it; the package has no header. */
struct library {
	void *so;
	void **(*connect)(int argc, char **argv);
	void (*close_conn)(void **connection);
	void *(*query_n)(void *connection, const char *sql, size_t sql_len, const char *format,
			 size_t format_len);
	void (*destroy_query_result)(void *result);
	char *(*result_buffer)(void *result);
	size_t (*result_length)(void *result);
	const char *(*result_error)(void *result);
	uint64_t (*result_rows_written)(void *result);
	void (*set_signal_handlers_enabled)(int enabled);
};

/* There is one engine in a process, and so one of this. */
static struct {
	struct library lib;
	char *folder;
	size_t sessions;
} engine;

struct chdb_session {
	void **connection;
};

/* ---- the library ---- */

static enum outcome no_library(const char *why, struct error *err)
{
	error_set(err, OUTCOME_UNREACHABLE, "chDB's library cannot be loaded: %s", why);
	error_hint(err, "`npm install " CHDB_PACKAGE "` brings it; then set AMIG_CHDB_LIBRARY to "
			"node_modules/@chdb/lib-linux-x64-gnu/" LIBRARY);
	return OUTCOME_UNREACHABLE;
}

/* Within it memory is given back to libc's own allocator that came from the sanitizer's. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
static enum outcome load(struct error *err)
{
	return no_library("this build of amigrun is for tests that watch its memory, which the "
			  "library does not bear", err);
}
#else
static bool find(struct library *lib, const char **missing)
{
	const struct {
		const char *name;
		void *where;
	} all[] = {
		{ "chdb_connect", &lib->connect },
		{ "chdb_close_conn", &lib->close_conn },
		{ "chdb_query_n", &lib->query_n },
		{ "chdb_destroy_query_result", &lib->destroy_query_result },
		{ "chdb_result_buffer", &lib->result_buffer },
		{ "chdb_result_length", &lib->result_length },
		{ "chdb_result_error", &lib->result_error },
		{ "chdb_result_rows_written", &lib->result_rows_written },
		{ "chdb_set_signal_handlers_enabled", &lib->set_signal_handlers_enabled },
	};

	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		void *function = dlsym(lib->so, all[i].name);

		*missing = all[i].name;
		if (!function)
			return false;
		memcpy(all[i].where, &function, sizeof(function));
	}
	return true;
}

static enum outcome load(struct error *err)
{
	const char *path = getenv("AMIG_CHDB_LIBRARY"), *missing;
	struct library lib = { 0 };
	char why[200];

	if (engine.lib.so)
		return OUTCOME_OK;
	lib.so = dlopen(path && *path ? path : LIBRARY, RTLD_NOW | RTLD_LOCAL);
	if (!lib.so)
		return no_library(dlerror(), err);
	if (!find(&lib, &missing)) {
		snprintf(why, sizeof(why), "it has no function %s", missing);
		return no_library(why, err);
	}
	/* Its own would make a crash hang. It never comes out of the process again. */
	lib.set_signal_handlers_enabled(0);
	engine.lib = lib;
	return OUTCOME_OK;
}
#endif

/* ---- sessions ---- */

/* The engine's own lock, which its process's death gives back. */
static bool is_taken(const char *folder)
{
	struct buf path = { 0 };
	bool taken = false;
	int fd;

	buf_format(&path, "%s/status", folder);
	fd = open(path.ptr, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		taken = flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
		close(fd);
	}
	buf_clear(&path);
	return taken;
}

static enum outcome refuse_folder(const char *folder, struct error *err)
{
	if (engine.sessions && strcmp(engine.folder, folder) != 0)
		return error_set(err, OUTCOME_UNREACHABLE,
				 "chDB works in one folder at a time, in this process in %s: "
				 "not in %s as well", engine.folder, folder);
	if (!engine.sessions && is_taken(folder)) {
		error_set(err, OUTCOME_UNREACHABLE, "another process has chDB's folder %s open",
			  folder);
		err->class = ERROR_TRANSIENT;
		return err->outcome;
	}
	return OUTCOME_OK;
}

enum outcome chdb_session_open(const char *folder, struct chdb_session **out, struct error *err)
{
	char program[] = "clickhouse";
	struct buf option = { 0 };
	char *argv[] = { program, NULL, NULL };
	void **connection;
	enum outcome o = load(err);

	*out = NULL;
	if (o == OUTCOME_OK)
		o = refuse_folder(folder, err);
	if (o != OUTCOME_OK)
		return o;
	buf_format(&option, "--path=%s", folder);
	argv[1] = option.ptr;
	connection = engine.lib.connect(2, argv);
	buf_clear(&option);
	if (!connection)
		return error_set(err, OUTCOME_UNREACHABLE,
				 "chDB cannot be opened in the folder %s; its own words are on "
				 "standard error", folder);
	if (engine.sessions++ == 0) {
		free(engine.folder);
		engine.folder = must_strdup(folder);
	}
	*out = must_alloc(sizeof(**out));
	(*out)->connection = connection;
	return OUTCOME_OK;
}

void chdb_session_close(struct chdb_session *s)
{
	if (!s)
		return;
	engine.lib.close_conn(s->connection);
	engine.sessions--;
	free(s);
}

/* ---- a statement ---- */

struct job {
	struct chdb_session *session;
	struct str sql;
	void *result;
	pthread_mutex_t lock;
	pthread_cond_t ended;
	bool is_over;
};

static void query(struct job *j)
{
	j->result = engine.lib.query_n(*j->session->connection, j->sql.ptr, j->sql.len, FORMAT,
				       sizeof(FORMAT) - 1);
}

static void *work(void *context)
{
	struct job *j = context;

	query(j);
	pthread_mutex_lock(&j->lock);
	j->is_over = true;
	pthread_cond_signal(&j->ended);
	pthread_mutex_unlock(&j->lock);
	return NULL;
}

/* Signals are the main thread's. */
static bool start(struct job *j, pthread_t *thread)
{
	sigset_t all, before;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(thread, NULL, work, j);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return rc == 0;
}

/* Whether it is over within a slice. */
static bool wait_slice(struct job *j)
{
	struct timespec until;
	bool is_over;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += WATCH_SLICE_MS * 1000000L;
	until.tv_sec += until.tv_nsec / 1000000000L;
	until.tv_nsec %= 1000000000L;
	pthread_mutex_lock(&j->lock);
	if (!j->is_over)
		pthread_cond_timedwait(&j->ended, &j->lock, &until);
	is_over = j->is_over;
	pthread_mutex_unlock(&j->lock);
	return is_over;
}

static void await(struct job *j, const struct chdb_ending *how, const struct watch *watch)
{
	int64_t killed_at = 0;

	while (!wait_slice(j)) {
		bool unwanted = watch_ask(watch) != WATCH_GO_ON;
		int64_t now = os_monotonic_ms();
		struct job kill = { 0 };

		if (!how || (!unwanted && (!how->deadline_ms || now < how->deadline_ms)) ||
		    (killed_at && now - killed_at < KILL_AGAIN_MS))
			continue;
		kill.session = how->by;
		kill.sql = how->words;
		query(&kill);
		if (kill.result)
			engine.lib.destroy_query_result(kill.result);
		killed_at = now;
	}
}

void chdb_session_run(struct chdb_session *s, struct str sql, const struct chdb_ending *how,
		      const struct watch *watch, struct chdb_reply *out)
{
	struct job j = { .session = s, .sql = sql };
	pthread_condattr_t clock;
	pthread_t thread;
	const char *error;

	*out = (struct chdb_reply){ .failed = true, .written = -1 };
	pthread_mutex_init(&j.lock, NULL);
	pthread_condattr_init(&clock);
	pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	pthread_cond_init(&j.ended, &clock);
	if (start(&j, &thread)) {
		await(&j, how, watch);
		pthread_join(thread, NULL);
	} else {
		query(&j);
	}
	pthread_cond_destroy(&j.ended);
	pthread_condattr_destroy(&clock);
	pthread_mutex_destroy(&j.lock);
	out->result = j.result;
	if (!j.result) {
		out->text = STR("chDB gave no answer");
		return;
	}
	error = engine.lib.result_error(j.result);
	out->failed = error != NULL;
	out->text = str_c(error);
	if (error) /* then the counters hold anything */
		return;
	out->text.ptr = engine.lib.result_buffer(j.result);
	out->text.len = out->text.ptr ? engine.lib.result_length(j.result) : 0;
	out->written = (int64_t)engine.lib.result_rows_written(j.result);
}

void chdb_reply_clear(struct chdb_reply *r)
{
	if (r->result)
		engine.lib.destroy_query_result(r->result);
	*r = (struct chdb_reply){ 0 };
}
