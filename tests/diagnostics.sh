#!/bin/bash
# diagnostics.sh BUILD - of docs/diagnostics.md each wrong example is refused by its code and no other, and each right one is
# not, and is laid out as amigc fmt does it
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
. tests/support/report.sh
build=$(cd "$1" && pwd) || exit 1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The examples of a code: CODE/wrong/a.amig, CODE/right/a.amig and, behind a line `# file NAME`, CODE/…/NAME.
awk -v out="$work" '
	/^## [EW]/ { code = $2 }
	/^```amig (wrong|right)$/ {
		folder = sprintf("%s/%s/%s", out, code, $2)
		system("mkdir -p " folder)
		file = folder "/a.amig"
		inside = 1
		next
	}
	/^```$/ { inside = 0; close(file) }
	inside && /^# file / { close(file); file = folder "/" $3; next }
	inside { print > file }
' docs/diagnostics.md

# codes_of FOLDER SEVERITY: of all of its files but those that others use.
codes_of() {
	local file given=()
	for file in "$1"/*.amig; do
		grep -qx "use $(basename "$file" .amig)" "$1"/*.amig || given+=("$file")
	done
	[ ${#given[@]} -gt 0 ] || given=("$1/a.amig")
	"$build/amigc" check --format json --path "$1" "${given[@]}" |
		jq -r --arg severity "$2" '.[] | select(.severity == $severity) | .code' | sort -u
}

# A warning may come along with what is right in another way; an error never does.
is_shown() {
	local code=$1 folder=$work/$1 severity=error errors
	case "$code" in W*) severity=warning ;; esac
	[ "$(codes_of "$folder/wrong" "$severity")" = "$code" ] ||
		{ echo "wrong gives $(codes_of "$folder/wrong" "$severity")"; return 1; }
	errors=$(codes_of "$folder/right" error)
	[ -z "$errors" ] || { echo "right gives $errors"; return 1; }
	"$build/amigc" fmt --check "$folder/right" || { echo "right is not laid out as amigc fmt does it"; return 1; }
	[ $severity = error ] || {
		[ -z "$(codes_of "$folder/wrong" error)" ] && ! codes_of "$folder/right" warning | grep -qx "$code"
	}
}

for folder in "$work"/[EW][0-9]*; do
	code=$(basename "$folder")
	check "docs: the examples of $code are wrong and right" is_shown "$code"
done
report_end
