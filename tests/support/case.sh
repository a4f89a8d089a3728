# case.sh - what a test against real databases is made of: fresh databases, questions, and
# assertions that end the test
#
# A test is a function for check() of report.sh. Each script gets a folder of its own, $scratch, and
# knows AMIGC and AMIGRUN (else those of build/debug). AMIG_STATE says which state store state()
# asks.
# shellcheck shell=bash

case_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
. "$case_root/tests/support/report.sh"
AMIG_BUILD=${AMIG_BUILD:-$case_root/build/debug}
AMIGC=${AMIGC:-$AMIG_BUILD/amigc}
AMIGRUN=${AMIGRUN:-$AMIG_BUILD/amigrun}
# Short, for what waits until a lease is over.
export AMIG_LEASE=${AMIG_LEASE:-2s}
export NO_COLOR=1 LC_ALL=C.UTF-8 TZ=UTC
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

die() {
	printf '%s\n' "$*"
	exit 1
}

# fatal TEXT…: ends the test out of a $(…) too, where die would end but the $(…) and leave its text as the value.
fatal() {
	printf '%s\n' "$*" >&2
	kill "${check_process-$$}"
	exit 1
}

# is WHAT GOT EXPECTED
is() {
	[ "$2" = "$3" ] || die "$1 is
$2
and not
$3"
}

# has WHAT TEXT PART…: the text has every part.
has() {
	local what=$1 text=$2
	shift 2
	for part in "$@"; do
		case "$text" in *"$part"*) ;; *) die "$what has no '$part':
$text" ;; esac
	done
}

# expect STATUS COMMAND…: what it prints, both streams, is in $output then.
expect() {
	local wanted=$1 status
	shift
	output=$("$@" 2>&1 </dev/null)
	status=$?
	echo "\$ ${*##*/} -> $status"
	echo "$output"
	[ $status = "$wanted" ] || die "exit status $status and not $wanted"
	case "$output" in *Sanitizer* | *'runtime error:'*) die "the sanitizer has something to say" ;; esac
}

# Of a program whose stacks no machine has room for: it can start no thread.
without_threads() { prlimit --stack=200000000000000:unlimited "$@"; }
# check() of that. ThreadSanitizer has no room for itself beside such stacks.
check_without_threads() {
	case $AMIG_BUILD in
	*tsan) echo "        (not under ThreadSanitizer: $1)" ;;
	*) check "$@" ;;
	esac
}

# await_that SECONDS COMMAND…: until it succeeds.
await_that() {
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		[ $SECONDS -lt $end ] || die "not within time: $*"
		sleep 0.02
	done
}

# build NAME FILE…: compiles into $scratch/NAME.amb and makes that the bundle.
build() {
	export AMIG_BUNDLE=$scratch/$1.amb
	shift
	expect 0 "$AMIGC" build "$@" -o "$AMIG_BUNDLE"
}

# state SQL: asks the state store; @NAME is a table of it.
state() {
	case "$AMIG_STATE" in
	sqlite:*) sqlite3 -cmd '.timeout 10000' "${AMIG_STATE#sqlite:}" "${1//@/amig_}" 2>&1 ;;
	*) psql -XAtq -F '|' "$AMIG_STATE" -c "${1//@/amig.}" 2>&1 ;;
	esac
}

# migration NAME COLUMN…: of its row in the state store, separated by |.
migration() {
	local name=$1
	shift
	state "SELECT $(IFS=,; echo "$*") FROM @migration WHERE name = '$name'"
}

# The operations that are done, each with its attempts and its effects' query ids: what is on this
# list stays as it is.
done_operations() {
	local ids='group_concat(query_id)'
	case "$AMIG_STATE" in sqlite:*) ;; *) ids="string_agg(query_id, ',')" ;; esac
	state "SELECT o.run, o.operation_index, o.label, o.attempts, (SELECT $ids FROM (SELECT query_id FROM @effect e
		WHERE e.run = o.run AND e.operation_index = o.operation_index AND NOT backward ORDER BY number, attempt) AS q)
		FROM @operation o WHERE o.status = 'done' ORDER BY o.run, o.operation_index"
}

# stays BEFORE AFTER: every operation done before is done after, with no attempt more.
stays() {
	local lost
	lost=$(grep -vxFf <(printf '%s\n' "$2") <<<"$1")
	[ -z "$lost" ] || die "these operations were done and did not stay as they were:
$lost
now:
$2"
}

# dies_on LEAST COMMAND…: until COMMAND comes to its end. Every time before it is killed, LEAST times in all, and what was
# done before each death stays as it was.
dies_on() {
	local least=$1 lives=0 snapshot='' now
	shift
	until "$@"; do
		[ $? = 137 ] || die "it did not die"
		lives=$((lives + 1))
		now=$(done_operations)
		[ -z "$snapshot" ] || stays "$snapshot" "$now"
		snapshot=$now
		[ $lives -lt 60 ] || die "no progress after 60 lives"
	done
	[ $lives -ge "$least" ] || die "it died $lives times only"
	stays "$snapshot" "$(done_operations)"
}

# new_postgres NAME: a fresh database; its URL.
new_postgres() {
	psql -Xq "$AMIG_TEST_POSTGRES" -c "DROP DATABASE IF EXISTS $1" -c "CREATE DATABASE $1" >&2 2>/dev/null ||
		fatal "no database $1"
	echo "${AMIG_TEST_POSTGRES%/*}/$1"
}
postgres() { psql -XAtq -F '|' "$1" -c "$2" 2>&1; }

# clickhouse DATABASE SQL
clickhouse() { curl -sS "${AMIG_TEST_CLICKHOUSE%/*}/?database=$1" --data-binary "$2"; }
# ask_kind KIND URL SQL
ask_kind() {
	case "$1" in
	sqlite) sqlite3 -cmd '.timeout 10000' "$2" "$3" ;;
	postgres) postgres "$2" "$3" ;;
	clickhouse) clickhouse "${2##*/}" "$3" ;;
	esac
}
# new_clickhouse NAME: a fresh database; its URL.
new_clickhouse() {
	clickhouse default "DROP DATABASE IF EXISTS $1" >&2
	clickhouse default "CREATE DATABASE $1" >&2
	echo "${AMIG_TEST_CLICKHOUSE%/*}/$1"
}

# place_state WHERE NAME: an empty state in PostgreSQL, in the target's file (same), or in a file of its own.
place_state() {
	rm -f "$scratch"/*.db*
	case "$1" in
	postgres) AMIG_STATE=$(new_postgres "$2") ;;
	same) AMIG_STATE=sqlite:$AMIG_DB_URL ;;
	other) AMIG_STATE=sqlite:$scratch/state.db ;;
	esac
	export AMIG_STATE
}

# Who answers requests at $hook, as $scratch/answers says, and writes them into $scratch/log.
start_hook() {
	"$case_root/tests/support/hook" "$scratch/port" "$scratch/log" "$scratch/answers" &
	# shellcheck disable=SC2064 # the one of now
	trap "kill $! 2>/dev/null; rm -rf '$scratch'" EXIT
	await_that 10 [ -s "$scratch/port" ]
	port=$(cat "$scratch/port")
	# shellcheck disable=SC2034 # the caller's
	hook=http://127.0.0.1:$port
}
