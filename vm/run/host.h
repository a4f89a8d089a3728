/*
 * host.h - operations `per shard` and `per replica`: on which hosts, and the places of connections
 *
 * A place is the index of a connection in a run: that of a need, or behind them all that of a host
 * of the plan.
 */
#ifndef VM_RUN_HOST_H
#define VM_RUN_HOST_H

#include "vm/run/session.h"

struct run_host {
	uint32_t need;
	struct str connection; /* "clickhouse@ch1:9000" */
	struct str host;       /* "ch1:9000" */
};

/* On which hosts an operation is to be carried out; none: on its connection itself, which has no
 * cluster. */
enum outcome host_choose(struct run *r, const struct operation *op, struct cluster_host **out,
			 size_t *count, struct error *err) MUST_USE;
/* The label of its part on a host; every: per replica. */
void host_print(const struct cluster_host *h, bool every, struct str label, struct buf *out);

/* When the plan is known, before anything of it is carried out. */
void host_prepare(struct run *r);
uint32_t host_places(const struct run *r);
/* Where a need leads to at this moment. */
uint32_t host_place(const struct run *r, uint32_t need);
/* The place of a connection by the name that the journal has; NO_INDEX: there is none. */
uint32_t host_find(const struct run *r, struct str connection);
/* NULL: it is the place of a need. */
const struct run_host *host_at(const struct run *r, uint32_t place);
/* From now on needs lead to where the operation is carried out. What was before is put back by
 * setting r->here. */
const struct run_host *host_enter(struct run *r, int64_t index);

#endif
