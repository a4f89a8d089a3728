/*
 * clickhouse_guard.h - the condition that a statement carries so that a late
 * one changes nothing
 *
 * Who takes a run over first writes its higher epoch into the table amig_fence.
 * A scalar subquery in WHERE is computed before anything is read or written
 * (tried on 18.16 and 26.5; one in WITH that nothing uses is not computed
 * there), so there stands one that throws when the epoch has moved on.
 *
 * The author's SQL is understood by its tokens, and only where there is no
 * doubt about its shape: INSERT INTO name [(…)] SELECT … FROM … [PREWHERE …]
 * [WHERE …] [GROUP BY … | ORDER BY … | …] ALTER TABLE name UPDATE … WHERE … |
 * DELETE WHERE … Whatever else it is (UNION, WITH, ON CLUSTER, several
 * commands) carries none.
 *
 * A mutation keeps its condition and computes it again for each part: it would
 * fail for ever once somebody else goes on with the run. So it holds there only
 * until the mutation is known by its query id, which stands in it: that is the
 * moment in which it is checked and written.
 */
#ifndef VM_CONNECTION_CLICKHOUSE_GUARD_H
#define VM_CONNECTION_CLICKHOUSE_GUARD_H

#include "vm/connection/connection.h"

#define CLICKHOUSE_FENCE "amig_fence"

struct guard_place {
	bool mutation;
	struct str database, table; /* as written, quotes and all; database may be empty */
	bool has_where;
	size_t open, close; /* WHERE's expression; without one it goes in at close */
};

/* false: the statement carries no condition. */
bool clickhouse_guard_place(struct str sql, struct guard_place *out);
/* The statement with its condition. */
void clickhouse_guard_print(struct str sql, const struct guard_place *place,
			    const struct target_fence *fence, const char *query_id,
			    struct buf *out);

#endif
