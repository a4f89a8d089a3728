/*
 * instance.h - what this installation says: where the state is, which databases there are, the
 * application's version
 *
 * All of it comes from the environment. The texts are those of the environment: borrowed for the
 * life of the process.
 */
#ifndef VM_RUN_INSTANCE_H
#define VM_RUN_INSTANCE_H

#include "vm/base/buf.h"
#include "vm/base/error.h"
#include "vm/base/str.h"

#define INSTANCE_STATE_DEFAULT "sqlite:./amig.db"
#define INSTANCE_STOP_GRACE_MS 30000
#define INSTANCE_LEASE_MS 10000
#define INSTANCE_LEASE_MIN_MS 500
#define INSTANCE_LEASE_MAX_MS (24 * 3600000)

struct instance {
	const char *state;	 /* AMIG_STATE */
	const char *app_version; /* AMIG_APP_VERSION, NULL if not set or empty */
	const char *allowed_env; /* AMIG_ALLOW_ENV: names separated by commas */
	const char *local;	 /* AMIG_ALLOW_LOCAL: hosts separated by commas */
	const char *authority;	 /* AMIG_HTTP_CA: a file with who vouches for `http` */
	const char *proxy;	 /* AMIG_HTTP_PROXY: by way of which `http` goes */
	int64_t lease_ms;	 /* AMIG_LEASE: how long a run stays this process's */
	int64_t stop_grace_ms;	 /* AMIG_STOP_GRACE: how long a stop waits for the current effect */
};

/* OUTCOME_USAGE when a variable has a value that can't be understood. */
enum outcome instance_read(struct instance *out, struct error *err) MUST_USE;
/*
 * The URL or path of a connection: that of AMIG_<NAME>_URL when the name differs from the kind and
 * it is set, else the kind's (AMIG_CLICKHOUSE_URL, AMIG_POSTGRES_URL, AMIG_SQLITE,
 * AMIG_CHDB). NULL with an
 * error that names the variable to set.
 */
const char *instance_url(struct str name, struct str kind, struct error *err);
/* The same; variable: the one that says so, or those of which one is to be set. */
const char *instance_find(struct str name, struct str kind, struct buf *variable);
/* A variable that migrations may read: *allowed false if it is not among AMIG_ALLOW_ENV; NULL if
 * not set. */
const char *instance_env(const struct instance *i, struct str name, bool *allowed);

#endif
