#!/bin/bash
# run.sh - make fuzz: each target for some seconds, on a copy of its corpus; findings are left in
# BUILD/findings
#
#   tests/fuzz/run.sh BUILD SECONDS [TARGET…]
set -u
cd "$(dirname "$0")/../.." || exit 1
build=$1
seconds=$2
shift 2
if [ $# = 0 ]; then
	for source in tests/fuzz/*_*.c; do set -- "$@" "$(basename "$source" .c)"; done
fi
status=0
for target in "$@"; do
	work=$build/corpus/$target
	mkdir -p "$work" "$build/findings"
	dictionary=()
	[ ! -f "tests/fuzz/$target.dict" ] || dictionary=("-dict=tests/fuzz/$target.dict")
	echo "fuzz: $target for $seconds s"
	"$build/tests/fuzz/$target" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 -print_final_stats=1 \
		-artifact_prefix="$build/findings/$target-" "${dictionary[@]}" "$work" "tests/fuzz/corpus/$target" \
		>"$build/findings/$target.log" 2>&1 </dev/null || { status=1; echo "fuzz: $target found something:"; }
	grep -E 'ERROR|SUMMARY|runtime error|Test unit written' "$build/findings/$target.log"
	grep -E 'number_of_executed_units|new_units_added' "$build/findings/$target.log"
done
[ $status = 0 ] && echo "fuzz: nothing found"
exit $status
