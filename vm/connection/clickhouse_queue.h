/*
 * clickhouse_queue.h - the queue in ZooKeeper that ON CLUSTER goes through, as system.zookeeper
 * shows it
 *
 * /clickhouse/task_queue/ddl/query-0000000017 is an entry: its statement, its hosts, who wrote it.
 * Below it `active` has the hosts that are at work, `finished` the answers of those that are done:
 * "0", or a code and a message.
 */
#ifndef VM_CONNECTION_CLICKHOUSE_QUEUE_H
#define VM_CONNECTION_CLICKHOUSE_QUEUE_H

#include "vm/connection/connection.h"

enum host_state { HOST_WAITS, HOST_WORKS, HOST_DONE, HOST_FAILED };

struct queue_host {
	size_t entry;
	struct str name;		/* host:port */
	enum host_state state;
	struct str code, text;		/* of HOST_FAILED */
};

/* What is watched: an entry by its path, or all that may be a statement's. {0} but for these. */
struct queue {
	struct connection *c;
	struct str path;		/* or */
	int64_t from;			/* not older than this number, */
	struct str sql;			/* of such a statement, */
	const char *id;			/* and of this query id, where a server keeps it */

	struct arena arena;
	bool found;			/* it was seen which entries there are */
	VEC(struct str) paths;		/* theirs */
	struct queue_host *hosts;	/* of all of them */
	size_t host_count;
};

/* The number that the next entry will have at least; -1: the queue can't be read. */
int64_t clickhouse_queue_next(struct connection *c, const struct watch *watch);
/*
 * Waits until every host has answered; also, without that, until the deadline (monotonic; 0 none),
 * until no host has been at work for idle_ms (0: for ever), until a wish to cancel if none is at
 * work, or when the server stays away. OUTCOME_STOPPED: the watch gave up. Else OK, and the hosts
 * say how it stands.
 */
enum outcome clickhouse_queue_wait(struct queue *q, int64_t deadline_ms, int64_t idle_ms,
				   const struct watch *watch, struct error *err) MUST_USE;
void clickhouse_queue_clear(struct queue *q);

#endif
