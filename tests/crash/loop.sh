#!/bin/bash
# loop.sh - a loop of many effects in one operation, over a long list, with a list that grows, killed
# at places and times that the seed says, again and again, and resumed each time: every effect once,
# the locals as they were, now() and uuid() those of the beginning
#
#   EFFECTS=n (1000)   so many effects      SEED=s   the same kills again
set -u
. "$(dirname "$0")/../support/case.sh"
. "$case_root/tests/support/kill.sh"

effects=${EFFECTS:-1000}
seed=${SEED:-$((RANDOM + 1))}
mapfile -t places < <(fault_names | grep -v '_ask$\|_read$') # a loop of effects does not come by these
export AMIG_SQLITE=$scratch/target.db
cat >"$scratch/0001_loop.amig" <<'E'
migration "0001_loop" {
  needs sqlite
  operation "enter" on sqlite {
    forward {
      let begun = now()
      let name = uuid()
      let rows = sqlite.rows(sql"SELECT x, printf('%030d', x) AS t FROM source ORDER BY x") as [{ x: int, t: string }]
      var sum = 0
      var seen: [int] = []
      for row in rows {
        sum = sum + row.x
        seen = seen + [row.x]
        exec sql"INSERT INTO entry VALUES (${row.x}, ${row.t}, ${sum}, ${len(seen)}, ${seen[0]}, ${begun}, ${name})"
      }
      exec sql"INSERT INTO total SELECT ${len(seen)}, ${seen[len(seen) / 2]}, ${sum}"
    }
    rollback sql"DELETE FROM entry"
  }
}
E

begin() {
	case $AMIG_STATE in postgres*) new_postgres loop >/dev/null ;; esac
	rm -f "$scratch"/{target,state}.db*
	sqlite3 "$AMIG_SQLITE" "CREATE TABLE source (x); CREATE TABLE entry (x, t, sum, length, first, begun, name);
		CREATE TABLE total (length, middle, sum);
		WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $effects)
		INSERT INTO source SELECT i FROM n"
}
ask() { sqlite3 -cmd '.timeout 10000' "$AMIG_SQLITE" "$1" 2>&1; }

# Dies at a place, at a passage of it within a tenth of the loop; later also where it stands after a
# while, which may be its end.
run_and_die() {
	local place=${places[RANDOM % ${#places[@]}]} passage=$((RANDOM % (effects / 10) + 1)) status
	if [ "$deaths" -ge 6 ] && [ $((RANDOM % 3)) = 0 ]; then
		echo "killed after a while"
		"$AMIGRUN" run 0001_loop --quiet &
		sleep "0.$((RANDOM % 8 + 2))"
		kill -KILL $! 2>/dev/null
		wait $!
	else
		echo "killed at $place:$passage"
		AMIG_FAULT=$place:$passage "$AMIGRUN" run 0001_loop --quiet
	fi
	status=$?
	[ $status = 0 ] || [ $status = 137 ] || die "it ended with status $status and did not die"
	return $status
}

# The largest checkpoint that the deaths have shown.
look_at_checkpoint() {
	local size
	size=$(state 'SELECT coalesce(max(length(state)), 0) FROM @checkpoint')
	case "$size" in *[!0-9]*) return ;; esac
	[ "$size" -le 1024 ] || die "a checkpoint has $size bytes"
	[ "$size" -le "$largest" ] || largest=$size
}

all_is_there_once() {
	local deaths=0 largest=0
	RANDOM=$seed
	echo "SEED=$seed EFFECTS=$effects"
	begin
	until run_and_die; do
		deaths=$((deaths + 1))
		look_at_checkpoint
		[ $deaths -lt 500 ] || die "it comes to no end"
	done
	echo "$deaths deaths, largest checkpoint $largest bytes"
	[ $deaths -ge 5 ] || die "it died only $deaths times"
	[ "$largest" -gt 100 ] || die "it never died inside of the loop"
	is "the row" "$(migration 0001_loop status progress)" "completed|100"
	is "the effects" "$(ask "SELECT count(*), count(DISTINCT x), min(x), max(x) FROM entry")" \
		"$effects|$effects|1|$effects"
	is "the locals" "$(ask "SELECT count(*) FROM entry
		WHERE sum <> x * (x + 1) / 2 OR length <> x OR first <> 1 OR t <> printf('%030d', x)")" 0
	is "now() and uuid()" "$(ask "SELECT count(DISTINCT begun), count(DISTINCT name) FROM entry")" "1|1"
	is "the end" "$(ask "SELECT * FROM total")" \
		"$effects|$((effects / 2 + 1))|$((effects * (effects + 1) / 2))"
	is "the checkpoint at the end" "$(state 'SELECT length(state) FROM @checkpoint')" 0
	is "its blobs at the end" "$(state 'SELECT count(*) FROM @run_blob')" 0
}

# damaged SQL WORDS: the checkpoint that the loop died with, and this done to what it refers to.
damaged() {
	begin
	AMIG_FAULT=before_commit:90 expect 137 "$AMIGRUN" run 0001_loop --quiet
	[ "$(state 'SELECT count(*) > 1 FROM @run_blob')" = 1 ] || die "there are no blobs"
	cp "$scratch/state.db" "$scratch/whole.db"
	state "$1"
	local before
	before=$(ask 'SELECT count(*) FROM entry')
	expect 7 "$AMIGRUN" run 0001_loop --quiet
	has "the message" "$output" "amig_run_blob, row run = 1, hash = '" "$2" "docs/state.md"
	is "the effects" "$(ask 'SELECT count(*) FROM entry')" "$before"
	rm -f "$scratch"/state.db*
	cp "$scratch/whole.db" "$scratch/state.db"
	expect 0 "$AMIGRUN" run 0001_loop --quiet
	is "the effects" "$(ask 'SELECT count(*), count(DISTINCT x) FROM entry')" "$effects|$effects"
}

build loop "$scratch/0001_loop.amig"
export AMIG_STATE=sqlite:$scratch/target.db
check "crash, loop: $effects effects in one operation" all_is_there_once
export AMIG_STATE=sqlite:$scratch/state.db
check "crash, loop: $effects effects in one operation, state in a file of its own" all_is_there_once
effects=300
AMIG_STATE=$(new_postgres loop)
export AMIG_STATE
check "crash, loop: $effects effects in one operation, state in PostgreSQL" all_is_there_once
export AMIG_STATE=sqlite:$scratch/state.db
effects=100
check "crash, loop: a blob is gone" damaged \
	"DELETE FROM @run_blob WHERE hash = (SELECT min(hash) FROM @run_blob)" "it is missing"
check "crash, loop: a blob was changed" damaged \
	"UPDATE @run_blob SET bytes = CAST(bytes || x'00' AS BLOB)" "column bytes: it was changed"
report_end
