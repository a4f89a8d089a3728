/* clickhouse_cluster.c - the hosts of a connection's cluster, and connections to one of them */
#include "vm/connection/clickhouse_kind.h"
#include "vm/connection/clickhouse_text.h"

#include <stdlib.h>

enum outcome clickhouse_hosts(struct connection *c, const struct watch *watch, struct arena *a,
			      struct cluster_host **out, size_t *count, struct error *err)
{
	struct buf sql = { 0 }, name = { 0 };
	struct result r = { 0 };
	enum outcome o;

	*out = NULL;
	*count = 0;
	if (!c->cluster)
		return OUTCOME_OK;
	buf_text(&sql, "SELECT toInt64(shard_num), toInt64(replica_num), host_name, port "
		       "FROM system.clusters WHERE cluster = ");
	clickhouse_text_literal(&sql, CELL_STRING, str_c(c->cluster));
	buf_text(&sql, " ORDER BY shard_num, replica_num");
	o = clickhouse_ask_server(c, buf_view(&sql), watch, &r, err);
	if (o == OUTCOME_OK && r.rows.count == 0) {
		o = error_set(err, OUTCOME_FAILED, "%s knows no cluster \"%s\"", c->name,
			      c->cluster);
		error_hint(err, "system.clusters has those that it knows; `?cluster=` in the URL "
				"says which is meant");
	}
	*out = arena_array(a, struct cluster_host, r.rows.count + 1);
	for (size_t i = 0; o == OUTCOME_OK && i < r.rows.count; i++) {
		struct str *row = r.rows.at[i];
		struct cluster_host *h = &(*out)[(*count)++];
		bool six = memchr(row[2].ptr, ':', row[2].len) != NULL;

		if (!str_to_int(row[0], &h->shard) || !str_to_int(row[1], &h->replica))
			o = error_set(err, OUTCOME_FAILED, "system.clusters does not count");
		buf_reset(&name);
		buf_format(&name, six ? "[%.*s]:%.*s" : "%.*s:%.*s", STR_ARG(row[2]),
			   STR_ARG(row[3]));
		h->name = arena_str(a, buf_view(&name));
	}
	buf_clear(&name);
	buf_clear(&sql);
	result_clear(&r);
	return o;
}
