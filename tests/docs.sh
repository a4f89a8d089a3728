#!/bin/bash
# docs.sh BUILD - every ```amig example of README.md and docs/ compiles and is laid out by amigc
# fmt, every ```sh one runs, and every migration of docs/examples/ runs on its database
#
# An example is a fenced block that starts with ```amig or ```sh and ends with ```. Each page has a
# folder of its own, where its examples are met in their order: one that begins with `# FILE.amig`
# is that file there, for the ones after it to use and to run. A line of ```sh that ends with
# `# exit status N` ends with that status. The servers are those of tests/support/with-servers.
# An example that begins with the code of a lint, `# W0102`, is warned about by that lint and by no
# other; all others are clean under --strict.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
. tests/support/report.sh
build=$(cd "$1" && pwd) || exit 1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# One file an example, `page.line.kind` with the line in five digits; the page with `_` for `/` and `.`.
awk -v out="$work" '
	/^```/ && inside { inside = 0; close(file); next }
	/^```(amig|sh)$/ {
		inside = 1
		page = FILENAME
		gsub(/[\/.]/, "_", page)
		file = sprintf("%s/%s.%05d.%s", out, page, FNR, substr($0, 4))
		next
	}
	inside { print > file }
' README.md docs/*.md

warned_about() {
	local out=$2.out
	"$build/amigc" check --format text "$2" >"$out" 2>&1 && ! "$build/amigc" check --strict "$2" 2>/dev/null &&
		grep -qF "[$1]" "$out" && ! grep -E '^(warning|error)' "$out" | grep -vF "[$1]"
}
compiles() {
	local page=$1 file=$2 name lint
	name=$(sed -nE '1s/^# ([A-Za-z0-9_]+\.amig)$/\1/p' "$file")
	name=${name:-$(basename "$file")}
	lint=$(sed -nE '1s/^# (W[0-9]{4})$/\1/p' "$file")
	mkdir -p "$page" && cp "$file" "$page/$name" && cd "$page" || return 1
	if [ -n "$lint" ]; then
		warned_about "$lint" "$name"
	else
		"$build/amigc" check --strict --format text --path . "$name"
	fi
}
runs() {
	sed -E 's/^(.*[^ ]) +# exit status ([0-9]+).*$/\1 \&\& s=0 || s=$?; [ $s = \2 ] || { echo "exit status $s"; exit 1; }/' \
		"$2" >"$2.run"
	mkdir -p "$1" && cd "$1" && PATH=$build:$PATH bash -euo pipefail "$2.run"
}

for example in "$work"/*.amig "$work"/*.sh; do
	[ ! -f "$example" ] || echo "${example##*/}"
done | LC_ALL=C sort >"$work/list"
while IFS=. read -r page line kind; do
	file=$work/$page.$line.$kind
	case $kind in
	amig)
		check "docs: $page.$line compiles" compiles "$work/$page" "$file"
		check "docs: $page.$line is laid out as amigc fmt does it" "$build/amigc" fmt --check "$file"
		;;
	sh) check "docs: $page.$line runs" runs "$work/$page" "$file" ;;
	esac
done <"$work/list"

# Their checks are what docs/builtins.md shows: each of them must hold.
example_holds() {
	export AMIG_STATE=sqlite:$work/$1.state AMIG_SQLITE=$work/$1.db AMIG_APP_VERSION=1.33.0 AMIG_ALLOW_ENV=REGION
	export AMIG_POSTGRES_URL=${AMIG_TEST_POSTGRES-} AMIG_CLICKHOUSE_URL=${AMIG_TEST_CLICKHOUSE-}
	"$build/amigc" build "docs/examples/$1.amig" -o "$work/$1.amb" && "$build/amigrun" run --bundle "$work/$1.amb" "$1" &&
		"$build/amigrun" rollback --bundle "$work/$1.amb" --yes "$1"
}
for example in docs/examples/*.amig; do
	name=$(basename "$example" .amig)
	check "docs: the examples of $name hold" example_holds "$name"
done
report_end
