/*
 * clickhouse_ddl.h - statements that say ON CLUSTER: every host's answer, and their queue
 *
 * The server that gets such a statement writes it as an entry into a queue in ZooKeeper. Each host
 * takes entries from there in their order and leaves its answer beside the entry. The server waits
 * for all of them and tells of the first error only, or that its time is over: neither says what
 * became of the statement. So the queue is asked, host by host.
 *
 * Which entry is a statement's: its number is not lower than the first one that was free when it
 * was sent. The query id carries that number as its end (".d17"), so that the server's log keeps it
 * for who must find out later.
 */
#ifndef VM_CONNECTION_CLICKHOUSE_DDL_H
#define VM_CONNECTION_CLICKHOUSE_DDL_H

#include "vm/connection/clickhouse_http.h"

struct ddl {
	bool is;			/* the statement says ON CLUSTER */
	int64_t from;			/* the first entry that can be its own; -1: not known */
	int64_t deadline_ms;		/* 0 none */
	struct buf id;

};

bool clickhouse_is_on_cluster(struct str sql);
/* Changes the request of such a statement; nothing for another one. */
void clickhouse_ddl_begin(struct connection *c, struct request *r, const struct watch *watch,
			  struct ddl *d);
/* What became of it on every host; o and err: of the answer, checked. */
enum outcome clickhouse_ddl_end(struct connection *c, const struct request *r, const struct ddl *d,
				const struct answer *a, enum outcome o, const struct watch *watch,
				struct error *err);
void clickhouse_ddl_clear(struct ddl *d);
/* The same for one that was sent by another process: every host that is at work is waited for. */
enum fate clickhouse_ddl_fate(struct connection *c, const struct statement *s,
			      const struct watch *watch, struct buf *seen);

#endif
