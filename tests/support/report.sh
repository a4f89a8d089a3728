# report.sh - how a test says what became of it: passed NAME, failed NAME [LOG], check NAME COMMAND…
#
# One line a test, `ok NAME` or `FAILED NAME`, with the log under a failure. tests/check counts
# these lines and nothing else. A script of tests ends with `report_end`: its status is 1 when a
# test of it failed or none ran.
# shellcheck shell=bash

report_passed=0
report_failed=0

passed() {
	report_passed=$((report_passed + 1))
	printf 'ok      %s\n' "$1"
}

# failed NAME [LOG]: the log is a file or a text.
failed() {
	report_failed=$((report_failed + 1))
	printf 'FAILED  %s\n' "$1"
	[ $# -gt 1 ] || return 0
	if [ -f "$2" ]; then
		tail -n 60 "$2" | sed 's/^/        /'
	else
		printf '%s\n' "$2" | sed 's/^/        /'
	fi
}

# check NAME COMMAND…: passes when the command succeeds; its output is the log. COMMAND may be a
# function; it runs in a subshell, which it may exit, and whose process $check_process is.
check() {
	local check_name=$1 check_log
	shift
	check_log=$(mktemp)
	if (check_process=$BASHPID && "$@") >"$check_log" 2>&1 </dev/null; then
		passed "$check_name"
	else
		failed "$check_name" "$check_log"
	fi
	rm -f "$check_log"
}

report_end() {
	[ $report_failed = 0 ] && [ $report_passed -gt 0 ]
}
