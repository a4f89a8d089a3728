/*
 * clickhouse_kind.h - what the files of the kind clickhouse have in common
 *
 * The functions are those of struct connection_kind, by their names there.
 */
#ifndef VM_CONNECTION_CLICKHOUSE_KIND_H
#define VM_CONNECTION_CLICKHOUSE_KIND_H

#include "vm/connection/connection.h"

/* clickhouse_kind.c: one of our own questions to the server, without a query
 * id. */
enum outcome clickhouse_ask_server(struct connection *c, struct str sql, const struct watch *watch,
				   struct result *out, struct error *err) MUST_USE;

/* A changing statement whose connection was lost when it had been sent: waits until it runs no
 * more, and asks the server's log. OUTCOME_OK: it finished. */
struct clickhouse;
struct request;
enum outcome clickhouse_follow(struct clickhouse *h, const struct request *r,
			       const struct watch *watch, struct error *err) MUST_USE;
/* The author's settings that the server knows, into r->settings, to be freed. */
enum outcome clickhouse_take_settings(struct connection *c, const struct statement *s,
				      const struct watch *watch, struct request *r,
				      struct error *err) MUST_USE;

/* clickhouse_type.c: a type as the server writes it. */
struct stream_type;
void clickhouse_type_read(struct arena *a, struct str name, struct stream_type *out);
/* clickhouse_statement.c: what can be no statement, or sets what is not an author's to set. */
enum outcome clickhouse_check_statement(const struct statement *s, struct error *err) MUST_USE;
extern const char *const clickhouse_too_much[];

/* clickhouse_fence.c */
enum outcome clickhouse_raise_fence(struct connection *c, const struct target_fence *f,
				    const struct watch *watch, bool *refused, struct error *err);
bool clickhouse_can_guard(struct connection *c, struct str sql, const struct watch *watch);
void clickhouse_guard(struct str sql, const struct target_fence *f, const char *query_id,
		      struct buf *out);
/* The query id under which a fence was raised: it is looked for in the server's
 * log. */
void clickhouse_fence_id(const struct target_fence *f, int64_t epoch, struct buf *out);

/* clickhouse_cluster.c */
enum outcome clickhouse_hosts(struct connection *c, const struct watch *watch, struct arena *a,
			      struct cluster_host **out, size_t *count, struct error *err);

/* clickhouse_ddl.c */
void clickhouse_linger(struct connection *c, const struct statement *s, const struct watch *watch);

/* clickhouse_ask.c */
enum fate clickhouse_ask(struct connection *c, const struct statement *s, bool guarded,
			 const struct target_fence *f, const struct watch *watch, struct buf *seen);

/* chdb_kind.c: the folder of FOLDER, chdb:FOLDER, each also with ?database=NAME behind it.
 * *database: NULL if there is none; within what is the caller's to free. */
char *chdb_folder(const char *url, const char **database);

/* clickhouse_inspect.c: inspect() of the kinds clickhouse and chdb. */
void clickhouse_inspect(const struct inspection *in, struct findings *f);
void chdb_inspect(const struct inspection *in, struct findings *f);

#endif
