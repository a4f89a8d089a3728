/*
 * clickhouse_measure.c - see clickhouse_measure.h: by system.processes, and of a mutation by the
 * parts that it has still to write anew
 *
 * The ALTER of a mutation that is waited for (mutations_sync) reads and writes nothing itself, as
 * system.processes sees it. Its own query id stands in the mutation's condition where it was sent
 * with the run's fence.
 */
#include "vm/connection/clickhouse_measure.h"

#include "vm/connection/clickhouse_http.h"
#include "vm/connection/clickhouse_text.h"

#include <stdio.h>

#define LIMIT_MS 1000L

/* Without JOIN, of which each version wants another form: a row for each mutation, part, merge. */
void clickhouse_measure_mutations(struct buf *sql, const struct clickhouse_capabilities *can,
				  const char *query_id)
{
	buf_text(sql, "SELECT toInt64(1000 * sum(whole - to_do + going)), "
		      "toInt64(1000 * sum(whole)) FROM (SELECT to_do, going, "
		      "greatest(mutations * parts, to_do) AS whole FROM ("
		      "SELECT sum(d) AS to_do, sum(m) AS mutations, sum(p) AS parts, "
		      "sum(g) AS going FROM (SELECT database, table, toFloat64(parts_to_do) AS d, "
		      "toFloat64(1) AS m, toFloat64(0) AS p, toFloat64(0) AS g "
		      "FROM system.mutations WHERE NOT is_done");
	if (query_id) {
		buf_text(sql, " AND position(command, ");
		clickhouse_text_literal(sql, CELL_STRING, str_c(query_id));
		buf_text(sql, ") > 0");
	}
	buf_text(sql, " UNION ALL SELECT database, table, toFloat64(0) AS d, toFloat64(0) AS m, "
		      "toFloat64(1) AS p, toFloat64(0) AS g FROM system.parts WHERE active");
	if (clickhouse_can(can, CLICKHOUSE_CAN_MUTATION_PROGRESS))
		buf_text(sql, " UNION ALL SELECT database, table, toFloat64(0) AS d, "
			      "toFloat64(0) AS m, toFloat64(0) AS p, toFloat64(progress) AS g "
			      "FROM system.merges WHERE is_mutation");
	buf_text(sql, ") GROUP BY database, table HAVING mutations > 0))");
}

/* Two or three numbers. */
static bool ask(struct connection *c, struct buf *sql, long long *a, long long *b, long long *n)
{
	struct answer answer;
	bool good;

	buf_text(sql, " FORMAT TabSeparated");
	good = clickhouse_http_ask_aside(c->state, buf_view(sql), LIMIT_MS, &answer) &&
	       answer.body.len && sscanf(answer.body.ptr, "%lld\t%lld\t%lld", a, b, n) >= 2;
	clickhouse_answer_clear(&answer);
	return good;
}

bool clickhouse_measure(struct connection *c, const char *query_id, struct measure *out)
{
	const struct clickhouse *h = c->state;
	struct buf sql = { 0 };
	long long read = 0, total = 0, written = 0;
	bool good;

	buf_text(&sql, "SELECT toInt64(read_rows), toInt64(total_rows_approx), "
		       "toInt64(written_rows) FROM system.processes WHERE ");
	clickhouse_text_id_condition(&sql, query_id, false);
	buf_text(&sql, " LIMIT 1");
	good = ask(c, &sql, &read, &total, &written);
	if (!good || !(read || total || written)) {
		buf_reset(&sql);
		clickhouse_measure_mutations(&sql, &h->can, query_id);
		good = ask(c, &sql, &read, &total, &written) || good;
	}
	*out = (struct measure){ read, total, written };
	buf_clear(&sql);
	return good;
}
