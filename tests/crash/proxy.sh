#!/bin/bash
# proxy.sh - connections that are cut, reset and half-closed at random bytes, and slow ones, on the
# way to the target, to the state, to both: every effect happens once
#
# AMIG_SEEDS says how many seeds of each (2); AMIG_SEED the first of them (1). A failure names its
# seed: the same one does the same again, as far as the servers do.
set -u
. "$(dirname "$0")/../support/case.sh"
. "$case_root/tests/support/proxy.sh"

harms=(--cut --reset --half-close)
harmed=0

# goes_on NAME: runs it until it is completed. What is lost meanwhile is told as such and no
# failure of the migration.
goes_on() {
	local status try
	for try in {1..30}; do
		timeout -s KILL 60 "$AMIGRUN" run "$1" --no-auto-rollback >"$scratch/out" 2>&1 </dev/null
		status=$?
		echo "run $try -> $status"
		cat "$scratch/out"
		case $status in
		0) return 0 ;;
		4) ;;
		6) has "the error" "$(cat "$scratch/out")" "could not be" ;;
		*) die "exit status $status" ;;
		esac
		! grep -q Sanitizer "$scratch/out" || die "the sanitizer has something to say"
	done
	die "it never ends"
}
# Once each, as the target and as the journal says it.
is_counted() {
	is "the counters" "$(postgres "$direct" 'SELECT string_agg(n::text, NULL ORDER BY x) FROM counter')" 11111111
	is "the row" "$(migration 0600_counted status progress current_operation_index)" "completed|100|4"
	is "the journal" "$(state "SELECT count(*), count(DISTINCT number) FROM @effect WHERE outcome = 'done'")" "8|8"
	is "the operations" "$(state "SELECT count(*) FROM @operation WHERE status = 'done'")" 4
}

counters() { postgres "$1" 'CREATE TABLE counter AS SELECT x, 0 AS n FROM generate_series(1, 8) x'; }
# Which of the two is behind the proxy; the target's, or the state's, own address is not used then.
to_the_target() {
	direct=$(new_postgres amig_proxy)
	counters "$direct"
	proxy_start link "$direct" --seed "$1" --within 3000 --times 8 "${harms[@]}"
	AMIG_STATE=sqlite:$scratch/state.db AMIG_DB_URL=$proxy_url goes_on 0600_counted
	AMIG_STATE=sqlite:$scratch/state.db is_counted
}
to_the_state() {
	direct=$(new_postgres amig_proxy)
	state_direct=$(new_postgres amig_proxy_state)
	counters "$direct"
	proxy_start link "$state_direct" --seed "$1" --within 30000 --times 8 "${harms[@]}"
	AMIG_STATE=$proxy_url AMIG_DB_URL=$direct goes_on 0600_counted
	AMIG_STATE=$state_direct is_counted
}
to_both() {
	direct=$(new_postgres amig_proxy)
	counters "$direct"
	proxy_start link "$direct" --seed "$1" --within 30000 --times 8 "${harms[@]}"
	AMIG_STATE=$proxy_url AMIG_DB_URL=$proxy_url goes_on 0600_counted
	AMIG_STATE=$direct is_counted
}
to_clickhouse() {
	local url
	url=$(new_clickhouse amig_proxy)
	clickhouse amig_proxy "CREATE TABLE counter (x Int64) ENGINE = Log"
	proxy_start link "$url" --seed "$1" --within 1200 --times 12 "${harms[@]}"
	AMIG_STATE=sqlite:$scratch/state.db AMIG_DB_URL=$proxy_url goes_on 0601_house
	is "the counters" "$(clickhouse amig_proxy 'SELECT x FROM counter ORDER BY x' | tr '\n' ' ')" "1 2 3 "
	is "the status" "$(AMIG_STATE=sqlite:$scratch/state.db migration 0601_house status)" completed
}
# Opened at the third attempt, within one run.
to_nowhere_at_first() {
	direct=$(new_postgres amig_proxy)
	rm -f "$scratch"/state.db*
	counters "$direct"
	proxy_start link "$direct" --within 0 --times 2 --cut
	AMIG_STATE=sqlite:$scratch/state.db AMIG_DB_URL=$proxy_url expect 0 "$AMIGRUN" run 0600_counted --no-auto-rollback
	AMIG_STATE=sqlite:$scratch/state.db is_counted
}
slowly() {
	harms=(--delay 12)
	to_both "$1"
}

# seeds NAME FUNCTION: one test for each.
seeds() {
	local seed first=${AMIG_SEED:-1}
	for ((seed = first; seed < first + ${AMIG_SEEDS:-2}; seed++)); do
		rm -f "$scratch"/state.db*
		check "crash, proxy/$1, seed $seed" with_proxy "$2" "$seed"
		[ ! -s "$scratch/link.proxy" ] || harmed=$((harmed + $(proxy_harms link)))
	done
}
# A subshell that ends itself must not leave a proxy behind.
with_proxy() {
	trap proxies_end EXIT
	"$@"
}

build proxy "$case_root/tests/crash/migrations" >"$scratch/build.log" ||
	{ failed "crash, proxy/build" "$scratch/build.log"; exit 1; }
seeds "the way to a PostgreSQL target breaks" to_the_target
seeds "the way to the state breaks" to_the_state
seeds "the way to state and target in one database breaks" to_both
seeds "the way to ClickHouse breaks" to_clickhouse
AMIG_SEEDS=1 seeds "the way to state and target is slow" slowly
check "crash, proxy/a target that can't be opened at first is tried again" with_proxy to_nowhere_at_first
# Harm that never comes would make all this a plain run.
check "crash, proxy/there was harm enough" test "$harmed" -ge $((8 * ${AMIG_SEEDS:-2}))
report_end
