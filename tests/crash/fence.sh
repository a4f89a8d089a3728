#!/bin/bash
# fence.sh - amigrun dies while PostgreSQL works on its statement, which goes on there: what comes
# next ends it first
set -u
. "$(dirname "$0")/../support/case.sh"

cat >"$scratch/fence.amig" <<'AMIG'
migration "0400_fence" {
  needs postgres
  operation "fill it slowly" on postgres {
    no transaction
    in doubt undo
    forward  sql"INSERT INTO slow SELECT 1 FROM pg_sleep(2)"
    rollback sql"DELETE FROM slow"
  }
}
AMIG

slow_ones() {
	postgres "$AMIG_POSTGRES_URL" "SELECT count(*) FROM pg_stat_activity WHERE state = 'active'
		AND query LIKE '%INSERT INTO slow%' AND pid <> pg_backend_pid()"
}
one_is_slow() { [ "$(slow_ones)" = 1 ]; }

# The statement outlives its amigrun.
dies_in_the_middle() {
	rm -f "$scratch"/state.db*
	AMIG_POSTGRES_URL=$(new_postgres amig_fence)
	export AMIG_POSTGRES_URL AMIG_STATE=sqlite:$scratch/state.db
	postgres "$AMIG_POSTGRES_URL" "CREATE TABLE slow (x int)"
	"$AMIGRUN" run 0400_fence >"$scratch/out" 2>&1 &
	local pid=$!
	await_that 20 one_is_slow
	kill -KILL $pid
	wait $pid
	is "the statements that go on" "$(slow_ones)" 1
}

resumes() {
	dies_in_the_middle
	expect 0 "$AMIGRUN" resume 0400_fence
	is "the status" "$(migration 0400_fence status)" completed
	is "the statements that go on" "$(slow_ones)" 0
	is "the rows" "$(postgres "$AMIG_POSTGRES_URL" 'SELECT count(*) FROM slow')" 1
}

rolls_back() {
	dies_in_the_middle
	expect 0 "$AMIGRUN" rollback 0400_fence --yes
	is "the status" "$(migration 0400_fence status)" rolled_back
	is "the statements that go on" "$(slow_ones)" 0
	is "the rows" "$(postgres "$AMIG_POSTGRES_URL" 'SELECT count(*) FROM slow')" 0
}

build fence "$scratch/fence.amig"
check "crash, fence, trap 9: a resume ends what goes on before it undoes and begins anew" resumes
check "crash, fence, trap 9: a rollback ends what goes on before it undoes" rolls_back
report_end
