#!/bin/bash
# copy_verify.sh - `copy … verify` between every two kinds: what is as it should be passes, what is not is told and not kept
set -u
. "$(dirname "$0")/../support/case.sh"
. "$case_root/tests/support/rows.sh"

export AMIG_STATE=sqlite:$scratch/state.db

# verified NAME: the migration's copies verify.
verified() { sed -i 's/^      copy .*/& verify/' "$scratch/$1.amig"; }
build_all() {
	local from to
	for from in $kinds; do
		for to in $kinds; do
			migration_of "1001_${from}_$to" $from "SELECT $columns FROM t" $to there "$columns" 'retry 0'
			verified "1001_${from}_$to"
		done
		migration_of "1002_changed_$from" postgres 'SELECT a, b FROM source' $from changing 'a, b' 'retry 0'
		verified "1002_changed_$from"
		cat >"$scratch/1003_windows_$from.amig" <<-E
			migration "1003_windows_$from" {
			  needs a: postgres
			  needs b: $from

			  operation "copy" on a {
			    forward {
			      for w in batches of ident("source") by a size 400 {
			        copy a sql"SELECT a, b FROM source WHERE \${w.where}" into b ident("t1") columns (a, b) verify
			      }
			    }
			    rollback nothing
			  }
			}
		E
	done
	migration_of 1004_json postgres "SELECT '[1]'::text AS j" postgres json j 'retry 0'
	verified 1004_json
	migration_of 1005_arrays postgres 'SELECT i, s, d FROM arrays' clickhouse arrays 'i, s, d' 'retry 0'
	verified 1005_arrays
	migration_of 1006_arrays postgres 'SELECT i, s, d FROM arrays' postgres arrays2 'i, s, d' 'retry 0'
	verified 1006_arrays
}

# Into a table that has rows already. What is told is the same for each source.
every_pair_is_verified() {
	local from to told
	declare -A at
	rm -f "$scratch"/state.db*
	for kind in $kinds; do
		at[$kind]=$(fresh $kind amig_verify_$kind)
		for table in t there; do
			ask "$(url_of "${at[$kind]}")" "$(table_of $kind $table)"
		done
	done
	ask "${at[postgres]}" "$(fill_at_random 200) UPDATE t SET id = id + 1000; $(fill_postgres)"
	# The other sources get theirs by a copy, which is verified too.
	for to in clickhouse sqlite postgres; do
		AMIG_A_URL=${at[postgres]} AMIG_B_URL=${at[$to]} expect 0 "$AMIGRUN" run "1001_postgres_$to"
		has "what is told" "$output" "verified: there of b has what was copied: 208 rows, checksum "
		has "what is kept" "$(state "SELECT detail FROM @event WHERE kind = 'verified'")" "208 rows, checksum "
		[ $to = postgres ] || ask "$(url_of "${at[$to]}")" "INSERT INTO t SELECT * FROM there"
		ask "$(url_of "${at[$to]}")" "DROP TABLE there"
		ask "$(url_of "${at[$to]}")" "$(table_of $to there)"
	done
	for to in $kinds; do
		told=
		for from in clickhouse sqlite; do
			rm -f "$scratch"/state.db*
			AMIG_A_URL=${at[$from]} AMIG_B_URL=${at[$to]} expect 0 "$AMIGRUN" run "1001_${from}_$to"
			told+=$(grep -o 'checksum .*' <<<"$output")$'\n'
			ask "$(url_of "${at[$to]}")" "DROP TABLE there"
			ask "$(url_of "${at[$to]}")" "$(table_of $to there)"
		done
		is "what was told of $to" "$(sort -u <<<"$told" | grep -c .)" 1
	done
}

# A table that makes something else of what it is given.
changing_table() {
	case $1 in
	postgres)
		ask "$2" "CREATE TABLE changing (a int, b text)"
		ask "$2" "CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS
			'BEGIN IF new.a = 500 THEN new.b = ''other''; END IF; RETURN new; END'"
		ask "$2" "CREATE TRIGGER spoils BEFORE INSERT ON changing FOR EACH ROW EXECUTE FUNCTION spoil()" ;;
	clickhouse) ask "$(url_of "$2")" "CREATE TABLE changing (a Int32, b String) ENGINE = Null" ;;
	sqlite) ask "$2" "CREATE TABLE changing (a int, b text);
		CREATE TRIGGER spoils AFTER INSERT ON changing WHEN new.a = 500 BEGIN
		UPDATE changing SET b = 'other' WHERE a = 500; END" ;;
	esac
}
new_source() {
	AMIG_A_URL=$(new_postgres amig_verify_source)
	ask "$AMIG_A_URL" "CREATE TABLE source AS SELECT n AS a, n || E'\t' AS b FROM generate_series(1, 1000) AS n"
	ask "$AMIG_A_URL" "ALTER TABLE source ADD PRIMARY KEY (a)"
	export AMIG_A_URL
}
what_differs_is_told() {
	local place
	new_source
	for place in apart beside; do
		[ $place$1 != besideclickhouse ] || continue
		rm -f "$scratch"/state.db*
		AMIG_B_URL=$(fresh $1 amig_verify_target)
		export AMIG_B_URL
		changing_table $1 "$AMIG_B_URL"
		AMIG_STATE=sqlite:$scratch/state.db
		[ $place = apart ] || AMIG_STATE=${AMIG_B_URL/#\//sqlite:\/}
		expect 1 "$AMIGRUN" run 1002_changed_$1
		has "the error" "$output" '`verify`: sent were 1000 rows, checksum '
		if [ $1 = clickhouse ]; then
			has "the error" "$output" "; the table has 0 rows, checksum 0000000000000000, which are there"
			is "what is undone" "$(state "SELECT status FROM @operation")" rolled_back
		else
			has "the error" "$output" "; the table has 1000 rows, " ": nothing of the copy was kept"
			is "the rows" "$(ask "$(url_of "$AMIG_B_URL")" 'SELECT count(*) FROM changing')" 0
		fi
	done
	export AMIG_STATE=sqlite:$scratch/state.db
}
windows_are_verified() {
	new_source
	rm -f "$scratch"/state.db*
	AMIG_B_URL=$(fresh $1 amig_verify_target)
	export AMIG_B_URL
	case $1 in
	clickhouse) ask "$(url_of "$AMIG_B_URL")" "CREATE TABLE t1 (a Int32, b String) ENGINE = MergeTree ORDER BY a" ;;
	*) ask "$AMIG_B_URL" "CREATE TABLE t1 (a int, b text)" ;;
	esac
	expect 0 "$AMIGRUN" run 1003_windows_$1
	is "what is told" "$(grep -c 'verified: t1 of b has what was copied: [24]00 rows' <<<"$output")" 3
	is "the rows" "$(ask "$(url_of "$AMIG_B_URL")" 'SELECT count(*) FROM t1')" 1000
}
# That a copy had come to its end is found out in the server's log by who takes the run over, and it is verified then.
what_is_found_done_is_verified() {
	new_source
	rm -f "$scratch"/state.db*
	AMIG_B_URL=$(fresh clickhouse amig_verify_target)
	export AMIG_B_URL
	ask "$(url_of "$AMIG_B_URL")" "CREATE TABLE changing (a Int32, b String) ENGINE = MergeTree ORDER BY a"
	AMIG_FAULT=after_effect:1 expect 137 "$AMIGRUN" run 1002_changed_clickhouse
	[ "$1" = same ] || ask "$(url_of "$AMIG_B_URL")" "INSERT INTO changing VALUES (1, 'more')"
	clickhouse default 'SYSTEM FLUSH LOGS'
	if [ "$1" = same ]; then
		expect 0 "$AMIGRUN" resume 1002_changed_clickhouse
		has "what is told" "$output" "it has happened" "verified: changing of b has what was copied: 1000 rows"
	else
		expect 1 "$AMIGRUN" resume 1002_changed_clickhouse
		has "what is told" "$output" "it has happened" "sent were 1000 rows, " "the table has 1001 rows" " in all"
	fi
}
types_that_cannot_be_told_are_refused() {
	rm -f "$scratch"/state.db*
	new_source
	export AMIG_B_URL=$AMIG_A_URL
	ask "$AMIG_A_URL" 'CREATE TABLE json (j jsonb)'
	expect 1 "$AMIGRUN" run 1004_json
	has "the error" "$output" "column j (text into jsonb) can't be verified: the server writes JSON anew"
}
arrays_are_verified() {
	rm -f "$scratch"/state.db*
	new_source
	for table in arrays arrays2; do
		ask "$AMIG_A_URL" "CREATE TABLE $table (i int[] NOT NULL, s text[] NOT NULL, d date[] NOT NULL)"
	done
	ask "$AMIG_A_URL" "INSERT INTO arrays VALUES ('{1,-2147483648,NULL}', ARRAY['', NULL, 'NULL', 'a,b', 'q\"uote',
		'single''s', E'back\\\\slash', E'tab\tline\n', '{}', 'ü🐘', ' ', E'\\\\N', ']', '[''x'']'],
		'{1970-01-01,2105-12-31}'), ('{}', '{}', '{}')"
	AMIG_B_URL=$(new_clickhouse amig_verify_target)
	export AMIG_B_URL
	ask "$(url_of "$AMIG_B_URL")" "CREATE TABLE arrays (i Array(Nullable(Int32)), s Array(Nullable(String)), d Array(Date))
		ENGINE = MergeTree ORDER BY tuple()"
	expect 0 "$AMIGRUN" run 1005_arrays
	AMIG_B_URL=$AMIG_A_URL
	expect 0 "$AMIGRUN" run 1006_arrays
}

build_all
build verify "$scratch"/*.amig >"$scratch/build.log" || { failed "end_to_end, copy_verify/build" "$scratch/build.log"; exit 1; }
check "end_to_end, copy_verify/every pair is verified, by one sum" every_pair_is_verified
for kind in $kinds; do
	check "end_to_end, copy_verify/what differs in $kind is told and undone" what_differs_is_told $kind
	check "end_to_end, copy_verify/windows into $kind are verified" windows_are_verified $kind
done
check "end_to_end, copy_verify/what is found to be done is verified" what_is_found_done_is_verified same
check "end_to_end, copy_verify/what is found to be done and differs is told" what_is_found_done_is_verified other
check "end_to_end, copy_verify/a type that cannot be told from another is refused" types_that_cannot_be_told_are_refused
check "end_to_end, copy_verify/arrays are verified" arrays_are_verified
report_end
