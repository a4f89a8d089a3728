#!/bin/bash
# drift.sh - lists that must agree: tables against goldens and manual, programs against what they
# may link
set -u
cd "$(dirname "$0")/.." || exit 1
. tests/support/report.sh
build=${AMIG_BUILD:-build/debug}

# missing_from FILES…: prints the words on standard input that no file has as a word; fails when
# there is one.
missing_from() {
	local word wrong=0
	[ $# -gt 0 ] || { echo "there is no file to look in"; return 1; }
	while read -r word; do
		cat -- "$@" | grep -qwF -- "$word" || { echo "nowhere: $word"; wrong=1; }
	done
	return $wrong
}

golden_files() { find tests/golden -type f ! -name cmd ! -name run; }

# rows MACRO FIELD TABLE: one field of each row of a .def table.
rows() {
	sed -nE "s/^$1\(([^\"]*).*/\1/p" "$3" | cut -d, -f"$2" | tr -d ' )'
}

opcodes_have_goldens() {
	local files
	mapfile -t files < <(golden_files)
	[ "$(rows OPCODE 2 vm/isa/opcodes.def | wc -l)" -gt 60 ] && rows OPCODE 2 vm/isa/opcodes.def | missing_from "${files[@]}"
}

diagnostics_have_goldens() {
	local files
	mapfile -t files < <(find tests/golden -name '*.out')
	[ "$(rows DIAG 1 grammar/diag.def | wc -l)" -gt 30 ] && rows DIAG 1 grammar/diag.def | missing_from "${files[@]}"
}

# The compiler knows them without knowing the connections.
kinds_of_connections_agree() {
	diff <(rows KIND 1 vm/connection/kinds.def) \
		<(sed -nE 's/.*type_connection_kinds\[\] = \{ (.*), NULL \};/\1/p' compiler/type.c | tr -d '" ' | tr , '\n')
}

# Every row of diag.def has one of example.def, with the same name.
diagnostics_have_examples() {
	local missing
	missing=$(comm -3 <(rows DIAG 3 grammar/diag.def | sort) \
		<({ rows EXAMPLE 1 grammar/example.def; rows UNSHOWN 1 grammar/example.def; } | sort))
	[ -z "$missing" ] || { echo "without a row, or without a diagnostic: $missing"; return 1; }
}

explanations_are_in_the_manual() {
	"$build/amigc" explain | diff docs/diagnostics.md - || { echo "make docs writes it anew"; return 1; }
}

# What is said in the golden files, without what the sources bring along in quotes and names.
messages_are_many() {
	local count
	count=$(cat tests/golden/*/*.out | grep -oE '^(error|warning)\[.*' |
		sed -E 's/`[^`]*`/`…`/g; s/"[^"]*"/"…"/g' | sort -u | wc -l)
	echo "$count different messages"
	[ "$count" -ge 150 ]
}

# What the page says breaks in production is what `amigc explain` says.
lints_are_documented() {
	local code wrong=0
	[ "$(rows DIAG 1 grammar/diag.def | grep -c ^W)" -gt 20 ] || return 1
	for code in $(rows DIAG 1 grammar/diag.def | grep ^W); do
		if ! grep -q "^### $code: " docs/lints.md ||
			! grep -qxF -- "$("$build/amigc" explain "$code" | head -n 1 | sed "s/^$code: //")" docs/lints.md; then
			echo "docs/lints.md does not have $code as \`amigc explain\` has it"
			wrong=1
		fi
	done
	return $wrong
}

lints_have_right_goldens() {
	local file wrong=0
	for file in tests/golden/lint/*_right.amig; do
		[ -f "${file%_right.amig}.amig" ] || { echo "$file has no wrong counterpart"; wrong=1; }
	done
	return $wrong
}

# The commands that a program lists in its help, one a line.
commands_of() {
	"$build/$1" --help 2>&1 | sed -nE 's/^  ([a-z]+)( .*|$)/\1/p' | grep -vx "$1" | sort -u
}

commands_are_documented() {
	if [ "$(commands_of amigc | wc -l)" -lt 3 ] || [ "$(commands_of amigrun | wc -l)" -lt 8 ]; then
		echo "the help lists too few commands"
		return 1
	fi
	{ commands_of amigc | sed 's/^/amigc /'; commands_of amigrun | sed 's/^/amigrun /'; } | missing_from README.md docs/*.md
}

exit_statuses_are_documented() {
	local status words wrong=0
	while IFS='|' read -r status words; do
		grep -qE "^\| $status \| .*$words" docs/operations.md ||
			{ echo "not in docs/operations.md: $status $words"; wrong=1; }
	done < <(sed -nE 's/^OUTCOME\([A-Z_]+, *([0-9]+), "(.*)"\)$/\1|\2/p' vm/base/outcome.def)
	return $wrong
}

# Each has a row of the table that tells what the doctor looks at.
checks_are_documented() {
	local word wrong=0
	for word in $(sed -nE 's/^CHECK\([A-Z]+, *"(.*)"\)$/\1/p' vm/connection/check.def); do
		grep -q "^| \`$word\` | " docs/operations.md || { echo "not in docs/operations.md: $word"; wrong=1; }
	done
	return $wrong
}

# What the sanitizers and the compiler bring, and the loader, is not counted.
links_only() {
	local program=$1 allowed=$2 wrong
	readelf -d "$build/$program" | grep -q 'NEEDED.*libc\.so' || return 1
	wrong=$(readelf -d "$build/$program" | sed -nE 's/.*NEEDED.*\[(.*)\]/\1/p' |
		grep -vE "^(libc|ld-linux-x86-64|libasan|libubsan|libm|libgcc_s|$allowed)\.so" || :)
	[ -z "$wrong" ] || { echo "$program links $wrong"; return 1; }
}

targets_have_words() {
	local target wrong=0
	for target in all check demo asan fuzz model bench fmt lint golden docs compdb install dist clean help; do
		make -s help | grep -qE "^$target +[a-z]" || { echo "make help does not tell of $target"; wrong=1; }
	done
	return $wrong
}


# What `make install` brings beside the programs.
everything_is_installed() {
	local to
	to=$(mktemp -d) && make -s install-data DESTDIR="$to" PREFIX=/usr &&
		diff <(cd "$to/usr/share" && find . -type f | sort) <({
			git ls-files -- 'stdlib/*.amig' docs/editors | sed 's#^docs/##; s#^#./amig/#'
			git ls-files -- README.md 'docs/*.md' docs/examples | sed 's#^docs/##; s#^#./doc/amig/#'
		} | sort)
	local status=$?
	rm -rf "$to"
	return $status
}

builtins_are_described() { tools/manual --check; }

# refused_page SED FILE WORDS: the page is refused with these words when the file is changed so.
refused_page() {
	local copy said
	copy=$(mktemp -d) && cp -r --parents tools/manual stdlib docs "$copy" && sed -i "$1" "$copy/$2"
	said=$("$copy/tools/manual" --check 2>&1) && said="it was not refused"
	rm -rf "$copy"
	grep -qF "$3" <<<"$said" || { echo "$said"; return 1; }
}
what_is_not_described_is_refused() {
	refused_page 's/precheck "len_list"/precheck "length"/' docs/examples/language.amig 'has no example "len_list"' &&
		refused_page 's/^## How many rows.*//' stdlib/sqlite.amig 'sqlite.row_count has no ## comment' &&
		refused_page '/^BUILTIN.*trim/d' stdlib/builtins.def language.trim &&
		refused_page 's/^BUILTIN( 6.*/BUILTIN( 6, trim)/' stdlib/builtins.def 'could be read' &&
		refused_page 's/Whether there is a row/Is there a row/' stdlib/specials.def '+Is there a row'
}

check "drift/every instruction stands in a golden" opcodes_have_goldens
check "drift/the compiler knows the kinds of connections" kinds_of_connections_agree
check "drift/the page of instructions is that of the table" tools/bytecode --check
check "drift/every diagnostic stands in a golden" diagnostics_have_goldens
check "drift/every diagnostic has its examples" diagnostics_have_examples
check "drift/docs/diagnostics.md is what amigc explains" explanations_are_in_the_manual
check "drift/the golden files have at least 150 different messages" messages_are_many
check "drift/every lint is in the manual, in the words of amigc explain" lints_are_documented
check "drift/every lint's way out has a golden beside it" lints_have_right_goldens
check "drift/every command is in the manual" commands_are_documented
check "drift/every exit status is in the manual" exit_statuses_are_documented
check "drift/every check of the doctor is in the manual" checks_are_documented
check "drift/amigc links nothing that could reach the world" links_only amigc 'libxxhash|libpcre2-8'
check "drift/make help tells of every target" targets_have_words
check "drift/make install brings the modules, pages, examples and editors' files" everything_is_installed
check "drift/docs/builtins.md tells of every function, with an example" builtins_are_described
check "drift/a function without example or words, and an example of nothing, are refused" what_is_not_described_is_refused
report_end
