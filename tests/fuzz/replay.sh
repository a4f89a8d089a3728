#!/bin/bash
# replay.sh - every fuzz target over its corpus, tests/fuzz/corpus/TARGET/
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/support/report.sh
build=${AMIG_BUILD:-build/debug}

for source in tests/fuzz/*_*.c; do
	target=$(basename "$source" .c)
	check "fuzz/the corpus of $target breaks nothing" "$build/tests/fuzz/$target" "tests/fuzz/corpus/$target"
done
report_end
