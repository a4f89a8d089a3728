#!/bin/bash
# docs.sh BUILD - every ```amig example of README.md and docs/ compiles, and every ```sh one runs
#
# An example is a fenced block that starts with ```amig or ```sh and ends with ```. Each of the
# latter runs in a folder of its own.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
. tests/support/report.sh
build=$(cd "$1" && pwd) || exit 1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

awk -v out="$work" '
	/^```/ && inside { inside = 0; close(file); next }
	/^```(amig|sh)$/ {
		inside = 1
		page = FILENAME
		gsub(/[\/.]/, "_", page)
		file = sprintf("%s/%s_%03d.%s", out, page, FNR, substr($0, 4))
		next
	}
	inside { print > file }
' README.md docs/*.md

compiles() {
	"$build/amigc" check --format text "$1"
}
runs() {
	(mkdir "$1.d" && cd "$1.d" && PATH=$build:$PATH bash -eu "$1")
}

for example in "$work"/*.amig; do
	[ -e "$example" ] || continue
	check "docs: $(basename "$example") compiles" compiles "$example"
done
for example in "$work"/*.sh; do
	[ -e "$example" ] || continue
	check "docs: $(basename "$example") runs" runs "$example"
done
report_end
