#!/bin/bash
# bad_input.sh - damaged bundles and states, servers that do not answer, wrong passwords, a full
# disk: each refused in words, with its exit status, and nothing lost
set -u
. "$(dirname "$0")/../support/case.sh"
. "$case_root/tests/support/payments.sh"
. "$case_root/tests/support/seven.sh"

# put FILE OFFSET BYTE: overwrites one byte; BYTE is a number.
put() { printf '%b' "\\x$(printf %02x "$3")" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none; }
byte() { od -An -tu1 -j "$2" -N1 "$1" | tr -d ' '; }

# refuses_bundle FILE WORD…: no command takes it, and the state is untouched.
refuses_bundle() {
	local bundle=$1
	shift
	payments_reset
	AMIG_BUNDLE=$bundle expect 7 "$AMIGRUN" run $payments
	has "the message" "$output" "$@"
	is "the content" "$(payments_content "$AMIG_SQLITE")" "$before"
}

truncated_bundles() {
	local size length
	size=$(stat -c %s "$AMIG_BUNDLE")
	for length in 0 1 7 8 20 40 100 $((size / 3)) $((size / 2)) $((size - 8)) $((size - 1)); do
		head -c "$length" "$AMIG_BUNDLE" >"$scratch/short.amb"
		refuses_bundle "$scratch/short.amb" short.amb
	done
}

flipped_bundles() {
	local size offset
	size=$(stat -c %s "$AMIG_BUNDLE")
	for ((offset = 0; offset < size; offset += size / 40 + 1)); do
		cp "$AMIG_BUNDLE" "$scratch/flipped.amb"
		put "$scratch/flipped.amb" "$offset" $(($(byte "$AMIG_BUNDLE" "$offset") ^ 16))
		refuses_bundle "$scratch/flipped.amb" flipped.amb
	done
}

newer_bundle() {
	cp "$AMIG_BUNDLE" "$scratch/newer.amb"
	put "$scratch/newer.amb" 8 $(($(byte "$AMIG_BUNDLE" 8) + 1))
	refuses_bundle "$scratch/newer.amb" newer.amb newer
}

no_bundle() {
	payments_reset
	AMIG_BUNDLE=$scratch/nowhere.amb expect 4 "$AMIGRUN" run $payments
	has "the message" "$output" nowhere.amb "No such file"
}

unknown_status() {
	payments_reset
	expect 5 "$AMIGRUN" run $payments --operations 3
	state "UPDATE @migration SET status = 'asleep'"
	local snapshot
	snapshot=$(done_operations)
	expect 7 "$AMIGRUN" resume $payments
	has "the message" "$output" asleep $payments
	expect 7 "$AMIGRUN" status
	is "the operations" "$(done_operations)" "$snapshot"
	state "UPDATE @migration SET status = 'stopped'"
	expect 0 "$AMIGRUN" resume $payments
	payments_are_converted
}

# tampered WORDS SQL…: a stopped run whose state was changed by hand is refused.
tampered() {
	local words=$1
	payments_reset
	expect 5 "$AMIGRUN" run $payments --operations 3
	sqlite3 "$AMIG_SQLITE" .dump >"$scratch/dump"
	shift
	is "the statement" "$(state "$1")" ""
	expect 7 "$AMIGRUN" resume $payments
	has "the message" "$output" $payments
	grep -qiE "$words" <<<"$output" || die "the message has no $words"
	expect 7 "$AMIGRUN" doctor
	grep -qiE "$words" <<<"$output" || die "the doctor says nothing of $words"
	# It shows nothing of the values, and of how a run ended only what the migration's row says.
	case $words in param | *ended) return 0 ;; esac
	expect 7 "$AMIGRUN" status $payments
	grep -qiE "$words" <<<"$output" || die "the status says nothing of $words"
}

# The doctor finds each of several, of those before which it finds nothing wrong, too.
all_that_is_wrong() {
	seven_reset
	expect 0 "$AMIGRUN" doctor
	expect 5 "$AMIGRUN" run $seven --operations 3
	expect 0 "$AMIGRUN" run 0101_stuck
	expect 0 "$AMIGRUN" doctor
	has "what it says" "$output" "$seven: in order" "0101_stuck: in order"
	state "INSERT INTO @migration (name, description, min_version, max_version, status)
		VALUES ('0001_asleep', '', '', '', 'asleep'), ('0002_runless', '', '', '', 'running'),
			('0003_new', '', '', '', 'not_started')"
	state "DELETE FROM @blob WHERE hash = (SELECT module_blob FROM @run WHERE migration = '0101_stuck')"
	state "UPDATE @run SET plan_hash = '00112233445566778899aabbccddeeff' WHERE migration = '$seven'"
	state "INSERT INTO @setting (name, value, changed_at) VALUES ('max_running', 'many', now())"
	expect 7 "$AMIGRUN" doctor
	has "what it says" "$output" "row name = '0001_asleep': column status: 'asleep' is unknown" \
		"0002_runless: " "0003_new: in order" "the module of run 2 is missing" "its plan_hash differs" \
		"row name = 'max_running': \"many\" is no value" \
		"amigrun set max_running=1" "damaged at 5 places"
	expect 7 "$AMIGRUN" doctor $seven --json
	is "the one" "$(sed -n '1,/^]/p' <<<"$output" | jq -r '.[] | select(.of == "migration") | .name')" $seven
	expect 2 "$AMIGRUN" doctor 0999_nobody
	# One is not in the way of another, but that what is wrong concerns all.
	expect 7 "$AMIGRUN" run 0003_new
	expect 0 "$AMIGRUN" set max_running=1
	state "DELETE FROM @migration WHERE name LIKE '000%'"
	expect 7 "$AMIGRUN" rollback 0101_stuck --yes
	expect 7 "$AMIGRUN" resume $seven
	is "done and undone" "$(counters)" "4|0"
}

# Values for the next run, and what was tuned for this one, that nobody could have said.
edited_parameters() {
	local status=$1 migration=0106_asked
	seven_reset
	cat >"$scratch/$migration.amig" <<-AMIG
	migration "$migration" {
	  needs postgres
	  param rows: int = 5 within 1..100
	  operation "count" on postgres {
	    forward  sql"UPDATE counter SET done = done + \${rows} WHERE name = 'one'"
	    rollback nothing
	  }
	}
	AMIG
	build asked "$scratch/$migration.amig"
	expect 0 "$AMIGRUN" status
	expect 0 "$AMIGRUN" doctor
	state "INSERT INTO @parameter (migration, name, value, changed_at) VALUES ('$migration', 'rows', '$2', now())"
	expect 7 "$AMIGRUN" doctor
	has "what it says" "$output" "$migration: the state is damaged: table parameter, " \
		"row migration = '$migration', name = 'rows': " \
		"$3" "write another value there, or delete the row"
	expect 7 "$AMIGRUN" plan $migration
	expect $status "$AMIGRUN" run $migration
	has "the message" "$output" "table parameter, row migration" "delete the row"
	is "done and undone" "$(counters)" "0|0"
	expect 7 "$AMIGRUN" doctor $migration
	expect 0 "$AMIGRUN" run $migration --param rows=2
	is "done and undone" "$(counters)" "2|0"
	expect 0 "$AMIGRUN" doctor
}
edited_tuning() {
	seven_reset
	build seven "$case_root"/tests/end_to_end/migrations/{seven,stuck}.amig
	expect 5 "$AMIGRUN" run $seven --operations 3
	state "INSERT INTO @parameter (migration, name, value, changed_at) VALUES ('$seven', 'batches.size', 'big', now())"
	expect 7 "$AMIGRUN" doctor
	has "what it says" "$output" "name = 'batches.size': \"big\" is nothing that \`amigrun tune\` writes" "delete the row"
	expect 7 "$AMIGRUN" resume $seven
	has "the message" "$output" "cannot go on with $seven" "batches.size"
	state "DELETE FROM @parameter"
	expect 0 "$AMIGRUN" resume $seven
	seven_is_completed
}

# Two runs stand inside an operation, between its effects; the one gets what the other had reached.
foreign_checkpoint() {
	local name
	seven_reset
	for name in 0104_here 0105_there; do
		cat >"$scratch/$name.amig" <<-AMIG
		migration "$name" {
		  needs postgres
		  operation "count, then fill" on postgres {
		    forward {
		      exec sql"UPDATE counter SET done = done + 1 WHERE name = 'one'"
		      exec sql"INSERT INTO later VALUES (1)"
		    }
		    rollback nothing
		  }
		}
		AMIG
	done
	build two "$scratch/0104_here.amig" "$scratch/0105_there.amig"
	expect 1 "$AMIGRUN" run 0104_here --no-auto-rollback
	expect 1 "$AMIGRUN" run 0105_there --no-auto-rollback
	state "CREATE TABLE kept AS SELECT * FROM @checkpoint"
	state "UPDATE @checkpoint c SET state = k.state, seal = k.seal FROM kept k WHERE k.run <> c.run"
	postgres "$AMIG_POSTGRES_URL" "CREATE TABLE public.later (x int)"
	expect 7 "$AMIGRUN" resume 0104_here
	has "the message" "$output" checkpoint
	expect 7 "$AMIGRUN" status 0104_here
	expect 7 "$AMIGRUN" doctor
	has "what it says" "$output" "0104_here: the state is damaged: table amig.checkpoint" \
		"0105_there: the state is damaged: table amig.checkpoint" "damaged at 2 places"
	is "done and undone" "$(counters)" "2|0"
	state "UPDATE @checkpoint c SET state = k.state, seal = k.seal FROM kept k WHERE k.run = c.run"
	expect 0 "$AMIGRUN" resume 0104_here
	is "done and undone" "$(counters)" "2|0"
}

unreachable_state() {
	AMIG_STATE=postgresql://amig:hidden@127.0.0.1:1/amig expect 4 "$AMIGRUN" status
	has "the message" "$output" 127.0.0.1
	hides_passwords
	AMIG_STATE=sqlite:/nowhere/amig.db expect 4 "$AMIGRUN" status
	has "the message" "$output" /nowhere/amig.db
}

unreachable_target() {
	seven_reset
	AMIG_POSTGRES_URL=postgresql://amig:hidden@127.0.0.1:1/amig expect 4 "$AMIGRUN" run $seven
	has "the message" "$output" postgres 127.0.0.1
	hides_passwords
	is "the status" "$(migration $seven status)" failed_at_startup
	expect 0 "$AMIGRUN" run $seven
	seven_is_completed
}

hides_passwords() {
	case "$output" in *hidden* | *secret*) die "the output tells a password" ;; esac
}

wrong_passwords() {
	seven_reset
	local good_state=$AMIG_STATE good_target=$AMIG_POSTGRES_URL
	AMIG_STATE=${good_state/:secret@/:hidden@} expect 4 "$AMIGRUN" run $seven
	has "the message" "$output" "password authentication failed"
	hides_passwords
	AMIG_POSTGRES_URL=${good_target/:secret@/:hidden@} expect 4 "$AMIGRUN" run $seven
	has "the message" "$output" "password authentication failed"
	hides_passwords
	is "the texts in the state that tell a password" "$(state "SELECT count(*) FROM @error WHERE description LIKE '%hidden%'
		OR description LIKE '%secret%'")" 0
	expect 0 "$AMIGRUN" run $seven
	seven_is_completed
}

wrong_clickhouse_password() {
	local target
	seven_reset
	target=$(new_clickhouse e2e_password)
	cat >"$scratch/touch.amig" <<-AMIG
	migration "0102_touch" {
	  needs clickhouse
	  operation "make a table" on clickhouse {
	    forward  sql"CREATE TABLE touched (x UInt8) ENGINE = Memory"
	    rollback sql"DROP TABLE touched"
	  }
	}
	AMIG
	build touch "$scratch/touch.amig"
	export AMIG_CLICKHOUSE_URL=${target/:secret@/:hidden@}
	expect 4 "$AMIGRUN" run 0102_touch
	has "the message" "$output" assword
	hides_passwords
	AMIG_CLICKHOUSE_URL=http://amig:hidden@127.0.0.1:1/x expect 4 "$AMIGRUN" run 0102_touch
	hides_passwords
	AMIG_CLICKHOUSE_URL=$target expect 0 "$AMIGRUN" run 0102_touch
	is "the table" "$(clickhouse e2e_password 'EXISTS TABLE touched')" 1
}

# The state on a file system of its own, which is then filled to the last byte. Runs in a name space
# where it may mount.
full_disk() {
	local own_user=-r
	[ "$(id -u)" != 0 ] || own_user=
	unshare $own_user -m bash -c '
		. "$0/tests/support/case.sh"
		. "$0/tests/support/payments.sh"
		scratch=$1
		trap - EXIT
		mkdir "$scratch/small"
		mount -t tmpfs -o size=4m tmpfs "$scratch/small" || exit 1
		payments_reset
		AMIG_STATE=sqlite:$scratch/small/state.db
		after=$after payments_rows=$payments_rows before=$before
		expect 5 "$AMIGRUN" run $payments --operations 3
		snapshot=$(done_operations)
		cat /dev/zero >"$scratch/small/fill" 2>/dev/null
		expect 4 "$AMIGRUN" resume $payments
		grep -qE "full|disk" <<<"$output" || die "the message says nothing of the disk"
		rm "$scratch/small/fill"
		stays "$snapshot" "$(done_operations)"
		expect 0 "$AMIGRUN" resume $payments
		payments_are_converted
	' "$case_root" "$scratch"
}

wrong_use() {
	expect 2 "$AMIGRUN"
	expect 2 "$AMIGRUN" dance
	has "the message" "$output" dance
	expect 2 "$AMIGRUN" run
	expect 2 "$AMIGRUN" status --nonsense
	expect 2 "$AMIGRUN" resolve 0001_x done
	has "the hint" "$output" '`--done` is an option of `amigrun resolve`'
	AMIG_STATE=mysql://x expect 2 "$AMIGRUN" status
	expect 2 "$AMIGC"
	expect 3 "$AMIGC" build "$scratch/nowhere.amig" -o "$scratch/x.amb"
	has "the message" "$output" nowhere.amig
}

export AMIG_STATE=sqlite:$scratch/payments.db
payments_ready 2000 || exit 1
payments_learn || exit 1
export after before payments_rows AMIGRUN AMIGC AMIG_BUILD
check "bad input/bundles cut short" truncated_bundles
check "bad input/bundles with a bit flipped" flipped_bundles
check "bad input/a bundle of a newer format" newer_bundle
check "bad input/no bundle" no_bundle
check "bad input/a status that nobody knows" unknown_status
check "bad input/a plan edited by hand" tampered plan "UPDATE @operation SET label = 'another' WHERE operation_index = 5"
check "bad input/an index outside of the plan" tampered index "UPDATE @migration SET current_operation_index = 99"
check "bad input/a stored module with another byte" tampered 'module|blob|hash' \
	"UPDATE @blob SET bytes = CAST(substr(bytes, 1, 200) || x'00' || substr(bytes, 202) AS BLOB)"
check "bad input/a stored module that is missing" tampered 'module.*missing' "DELETE FROM @blob"
check "bad input/a wrong plan hash" tampered plan_hash "UPDATE @run SET plan_hash = '00112233445566778899aabbccddeeff'"
check "bad input/a run that has ended" tampered 'its run .* has ended' "UPDATE @run SET phase = 'ended'"
check "bad input/a run that is another's" tampered 'current_run|run' "UPDATE @migration SET current_run = current_run + 1"
check "bad input/no checkpoint" tampered checkpoint "DELETE FROM @checkpoint"
check "bad input/parameters that are none" tampered param "UPDATE @run SET params = x'ff'"
check "bad input/a state of a newer amigrun" tampered 'newer|version' "UPDATE @store SET version = version + 1"
check "bad input/the disk of the state is full" full_disk
check "bad input/the state cannot be reached" unreachable_state
check "bad input/wrong use" wrong_use
build seven "$case_root"/tests/end_to_end/migrations/{seven,stuck}.amig
check "bad input/a checkpoint of another run" foreign_checkpoint
check "bad input/a parameter that is of another type" edited_parameters 7 many 'parameter rows cannot be "many"'
check "bad input/a parameter that the migration refuses" edited_parameters 7 0 "parameter rows is refused: "
check "bad input/what was tuned is none" edited_tuning
check "bad input/the doctor finds all that is wrong" all_that_is_wrong
check "bad input/the target cannot be reached" unreachable_target
check "bad input/wrong passwords on PostgreSQL" wrong_passwords
check "bad input/a wrong password on ClickHouse" wrong_clickhouse_password
report_end
