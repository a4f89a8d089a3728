/* clickhouse_measure.h - how far a statement has come, asked of the server's own tables */
#ifndef VM_CONNECTION_CLICKHOUSE_MEASURE_H
#define VM_CONNECTION_CLICKHOUSE_MEASURE_H

#include "vm/connection/clickhouse_capability.h"

/* A question about the mutations that are not done: how much of their work is, and how much it is
 * in all, in thousandths of a part; 0 and 0 if there are none. query_id: those that have it in
 * their condition, NULL all. */
void clickhouse_measure_mutations(struct buf *sql, const struct clickhouse_capabilities *can,
				  const char *query_id);
bool clickhouse_measure(struct connection *c, const char *query_id, struct measure *out);

#endif
