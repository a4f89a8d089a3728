#!/bin/bash
# copy_together.sh - copies that verify and set rows aside, several at once in `parallel n { … }`, and behind PgBouncer
set -u
. "$(dirname "$0")/../support/case.sh"
. "$case_root/tests/support/rows.sh"
. "$case_root/tests/support/pgbouncer.sh"

export AMIG_STATE=sqlite:$scratch/state.db
name="end_to_end, copy_together"

# together NAME KIND [MORE]: four copies from a into b at once, of which each sets three rows aside.
together() {
	local n options='verify reject into ident("bad") limit 5'
	{
		printf 'migration "%s" {\n  needs a: postgres\n  needs b: %s\n\n  parallel 3 {\n' "$1" "$2"
		for n in 1 2 3 4; do
			cat <<-E
			    operation "copy $n" on b {
			      ${3-retry 0}
			      forward {
			        copy a sql"SELECT a, b FROM source$n ORDER BY a" into b ident("t$n") columns (a, b) $options
			      }
			      rollback sql"DELETE FROM t$n WHERE true"
			    }
			E
		done
		printf '  }\n}\n'
	} >"$scratch/$1.amig"
}
for kind in $kinds; do together 0001_$kind $kind; done
sed -i 's/sql"DELETE FROM \(t.\) WHERE true"/sql"TRUNCATE TABLE \1"/' "$scratch/0001_clickhouse.amig"
build together "$scratch"/*.amig

# The pool may have sessions in it.
gone() { psql -Xq "$AMIG_TEST_POSTGRES" -c "DROP DATABASE IF EXISTS $1 WITH (FORCE)" 2>/dev/null; }
new_source() {
	local n
	gone amig_together_source
	AMIG_A_URL=$(new_postgres amig_together_source)
	for n in 1 2 3 4; do
		postgres "$AMIG_A_URL" "CREATE TABLE source$n AS SELECT n AS a,
			CASE WHEN n % 300 = 17 THEN 3000000000 ELSE n * $n END AS b FROM generate_series(1, 700) AS n"
	done
	export AMIG_A_URL
}
new_target() {
	local n
	rm -f "$scratch"/state.db*
	gone amig_pooled
	AMIG_B_URL=$(fresh $1 amig_pooled)
	export AMIG_B_URL
	for n in 1 2 3 4; do
		case $1 in
		clickhouse) ask "$(url_of "$AMIG_B_URL")" "CREATE TABLE t$n (a Int32, b Int32) ENGINE = MergeTree ORDER BY a" ;;
		*) ask "$AMIG_B_URL" "CREATE TABLE t$n (a int, b int CHECK (b BETWEEN -2147483648 AND 2147483647))" ;;
		esac
	done
	case $1 in
	clickhouse) ask "$(url_of "$AMIG_B_URL")" "CREATE TABLE bad (query_id String, row_number Int64, error String,
		row_text String) ENGINE = MergeTree ORDER BY row_number" ;;
	*) ask "$AMIG_B_URL" "CREATE TABLE bad (query_id text, row_number bigint, error text, row_text text)" ;;
	esac
}
tell() { ask "$(url_of "$AMIG_B_URL")" "$1"; }
all_are_there() {
	local n
	for n in 1 2 3 4; do
		is "the rows of t$n" "$(tell "SELECT count(*), sum(b) FROM t$n" | tr '\t' '|')" \
			"697|$(((700 * 701 / 2 - 17 - 317 - 617) * n))"
	done
	is "what is set aside" "$(tell 'SELECT count(*), count(DISTINCT query_id) FROM bad' | tr '\t' '|')" "12|4"
	is "each row" "$(tell 'SELECT row_number, count(*) FROM bad GROUP BY row_number ORDER BY row_number' |
		tr '\t' '|' | xargs)" "17|4 317|4 617|4"
}
several_at_once() {
	new_source
	new_target $1
	expect 0 "$AMIGRUN" run 0001_$1
	is "what is told to be verified" "$(grep -c 'verified: t. of b has what was copied: 697 rows' <<<"$output")" 4
	is "what is told to be aside" "$(grep -c 'set aside: 3 rows that were refused are in bad of b' <<<"$output")" 4
	is "the rows that are told" "$(state "SELECT count(*), sum(rows) FROM @effect WHERE outcome = 'done'")" "4|2788"
	all_are_there
}
# What is too much for one ends it, and the others as they stand; nothing of it is there.
one_fails_alone() {
	new_source
	new_target $1
	postgres "$AMIG_A_URL" "UPDATE source2 SET b = 3000000000 WHERE a % 100 = 1"
	expect 1 "$AMIGRUN" run 0001_$1 --no-auto-rollback
	has "the error" "$output" '"copy 2" failed: ' "row 317 is refused, and 5 were set aside already, as many as may be"
	is "its rows" "$(tell 'SELECT count(*) FROM t2')" 0
	postgres "$AMIG_A_URL" "UPDATE source2 SET b = CASE WHEN a % 300 = 17 THEN 3000000000 ELSE a * 2 END"
	expect 0 "$AMIGRUN" resume 0001_$1
	all_are_there
}
# A trigger makes something else of one row, in the third table.
what_differs_is_told() {
	new_source
	new_target $1
	case $1 in
	postgres)
		postgres "$AMIG_B_URL" "CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS
			'BEGIN IF new.a = 500 THEN new.b = 1; END IF; RETURN new; END'"
		postgres "$AMIG_B_URL" "CREATE TRIGGER spoils BEFORE INSERT ON t3 FOR EACH ROW EXECUTE FUNCTION spoil()" ;;
	sqlite) ask "$AMIG_B_URL" "CREATE TRIGGER spoils AFTER INSERT ON t3 WHEN new.a = 500 BEGIN
		UPDATE t3 SET b = 1 WHERE a = 500; END" ;;
	esac
	expect 1 "$AMIGRUN" run 0001_$1 --no-auto-rollback
	has "the error" "$output" '"copy 3" failed: ' '`verify`: sent were 697 rows' "nothing of the copy was kept"
	is "its rows" "$(tell 'SELECT count(*) FROM t3')" 0
	is "what is aside for it" "$(tell 'SELECT count(*) FROM bad')" \
		"$(($(state "SELECT count(*) FROM @effect WHERE outcome = 'done'") * 3))"
	ask "$AMIG_B_URL" "DROP TRIGGER spoils$([ $1 = sqlite ] || echo ' ON t3')"
	expect 0 "$AMIGRUN" resume 0001_$1
	all_are_there
}
dying() { AMIG_FAULT=$fault "$AMIGRUN" run 0001_$kind --no-auto-rollback >"$scratch/out" 2>&1 </dev/null; }
killed_again_and_again() {
	local fault
	new_source
	kind=$1
	shift
	for fault in "$@"; do
		new_target $kind
		[ -z "${behind-}" ] || AMIG_B_URL=$(pooled amig_pooled)
		dies_on 1 dying
		all_are_there
	done
}
behind_pgbouncer() {
	new_source
	new_target postgres
	AMIG_A_URL=$(pooled amig_together_source) AMIG_B_URL=$(pooled amig_pooled) expect 0 "$AMIGRUN" run 0001_postgres
	is "what is told to be verified" "$(grep -c 'verified: t. of b has what was copied: 697 rows' <<<"$output")" 4
	all_are_there
	AMIG_A_URL=$(pooled amig_together_source) AMIG_B_URL=$(pooled amig_pooled) \
		expect 0 "$AMIGRUN" rollback 0001_postgres --yes
	is "the rows" "$(tell 'SELECT count(*) FROM t1, t2')" 0
}
killed_behind_pgbouncer() { behind=1 killed_again_and_again postgres "$@"; }

trap 'pgbouncer_end; rm -rf "$scratch"' EXIT
pgbouncer_start >"$scratch/start.log" 2>&1 || { failed "$name/start of PgBouncer" "$scratch/start.log"; exit 1; }
for kind in $kinds; do
	check "$name/several at once into $kind" several_at_once $kind
	[ $kind != clickhouse ] || continue
	check "$name/one of them fails, into $kind" one_fails_alone $kind
	check "$name/what differs in $kind is told and undone" what_differs_is_told $kind
	check "$name/killed again and again, into $kind" killed_again_and_again $kind after_effect:2
done
check "$name/several at once behind PgBouncer" behind_pgbouncer
check "$name/killed again and again behind PgBouncer" killed_behind_pgbouncer during_effect:2
report_end
