#!/bin/bash
# shape.sh - what a source looks like: lengths of lines, functions and files, first lines of
# headers, and no words that stand where something is missing
set -u
cd "$(dirname "$0")/.." || exit 1
. tests/support/report.sh

sources() { git ls-files -co --exclude-standard -- "$@" | while read -r f; do [ ! -f "$f" ] || echo "$f"; done; }

# Tables (*.def) are laid out by hand. Shell with SQL in it may be a little wider: a statement torn apart reads worse.
lines_fit() {
	local limit=$1 wrong
	shift
	# grep counts characters, where awk may count bytes.
	wrong=$(sources "$@" | while read -r f; do
		expand -t 8 "$f" | LC_ALL=C.UTF-8 grep -nE "^.{$((limit + 1)),}" | sed "s#^#$f:#"
	done)
	[ -z "$wrong" ] || { echo "$wrong"; return 1; }
}

functions_fit() {
	local wrong
	wrong=$(sources '*.c' | while read -r f; do
		awk -v f="$f" '/^{/ { from = NR } /^}/ && from { if (NR - from > 71) print f ":" from ": " NR - from - 1 \
			" lines in one function"; from = 0 }' "$f"
	done)
	[ -z "$wrong" ] || { echo "$wrong"; return 1; }
}

files_fit() {
	local wrong
	wrong=$(sources '*.c' '*.h' '*.l' '*.y' | xargs wc -l | awk '$2 != "total" && $1 > 600 { print $2 ": " $1 " lines" }')
	[ -z "$wrong" ] || { echo "$wrong"; return 1; }
}

# `name.h - what it is` is the first thing in a header or a table.
headers_say_what_they_are() {
	local wrong
	wrong=$(sources '*.h' '*.def' | while read -r f; do
		head -n 2 "$f" | grep -qF "$(basename "$f") - " || echo "$f does not begin with its name and what it is"
	done)
	[ -z "$wrong" ] || { echo "$wrong"; return 1; }
}

# The words are put together here so that this file does not hold them.
nothing_is_put_off() {
	! sources '*.c' '*.h' '*.l' '*.y' '*.def' '*.sh' '*.amig' '*.mk' GNUmakefile tools .ci bench | xargs grep -HnIiwE \
		"TO""DO|FIX""ME|XX""X|ST""UB|not ""implemented|not yet ""(implemented|supported)|unimple""mented|place""holder"
}

no_loose_folders() {
	! git ls-files | grep -E '(^|/)(utils?|common|helpers?|misc|manager|handler)(/|\.[ch]$)'
}

check "shape/no line of C is longer than 100 columns" lines_fit 100 '*.c' '*.h' '*.l' '*.y'
check "shape/no line of shell is longer than 130 columns" lines_fit 130 '*.sh' tools tests/check \
	tests/support tests/golden/run
check "shape/no function is longer than 70 lines" functions_fit
check "shape/no file is longer than 600 lines" files_fit
check "shape/headers and tables say in their first line what they are" headers_say_what_they_are
check "shape/nothing is put off in a comment" nothing_is_put_off
check "shape/no folder or file is called by a word that says nothing" no_loose_folders
report_end
