#!/bin/bash
# formats.sh BUILD - what amigc writes for programs, held against the schema of SARIF 2.1.0
#
# The schema and a validator of JSON schemas come with npm's package jest-sarif, into BUILD/npm; nothing of it is ours to keep.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
. tests/support/report.sh
build=$(cd "$1" && pwd) || exit 1
modules=$build/npm/node_modules
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

[ -d "$modules/@microsoft/jest-sarif" ] ||
	npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$build/npm" \
		@microsoft/jest-sarif@1.0.0-beta.0 >"$work/npm" 2>&1

# is_sarif FILE
is_sarif() {
	NODE_PATH=$modules node -e '
		const Ajv = require("ajv");
		const schema = require("@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json");
		const ajv = new Ajv({ schemaId: "auto", allErrors: true, unknownFormats: "ignore", logger: false });
		ajv.addMetaSchema(require("ajv/lib/refs/json-schema-draft-04.json"));
		const valid = ajv.compile(schema);
		if (!valid(JSON.parse(require("fs").readFileSync(process.argv[1], "utf8")))) {
			console.log(JSON.stringify(valid.errors.slice(0, 5), null, 1));
			process.exit(1);
		}' "$1"
}

# All sources that the golden files refuse, in one document: nearly every code, with notes and fixes.
refused() {
	"$build/amigc" check --format sarif tests/golden/check tests/golden/syntax tests/golden/author >"$work/refused.sarif"
	[ $? = 1 ] && [ "$(jq '.runs[0].results | length' "$work/refused.sarif")" -gt 300 ] &&
		[ "$(jq '[.runs[0].results[] | select(.fixes)] | length' "$work/refused.sarif")" -gt 30 ] &&
		is_sarif "$work/refused.sarif"
}

clean() {
	"$build/amigc" check --format sarif migrations.d >"$work/clean.sarif" && is_sarif "$work/clean.sarif"
}

# A second --fix of any of them finds nothing more to do.
fixes_come_to_rest() {
	local wrong=0
	cp -r tests/golden/check tests/golden/syntax tests/golden/author "$work"
	"$build/amigc" check --fix "$work"/{check,syntax,author} >"$work/first" 2>&1
	grep -q '^amigc: mended' "$work/first" || wrong=1
	"$build/amigc" check --fix "$work"/{check,syntax,author} >"$work/second" 2>&1
	! grep '^amigc: mended' "$work/second" && [ $wrong = 0 ]
}

# The test itself: what is no SARIF is refused.
refuses() {
	jq '.runs[0].results[0].level = "fatal"' "$work/refused.sarif" >"$work/wrong.sarif" &&
		! is_sarif "$work/wrong.sarif" >/dev/null
}

if [ ! -d "$modules/@microsoft/jest-sarif" ]; then
	failed "formats/npm brings the schema of SARIF" "$work/npm"
else
	check "formats/the diagnostics of the golden files are valid SARIF" refused
	check "formats/what --fix mends needs no second mending" fixes_come_to_rest
	check "formats/no diagnostics are valid SARIF" clean
	check "formats/the schema refuses what is no SARIF" refuses
fi
report_end
