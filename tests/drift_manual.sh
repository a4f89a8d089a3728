#!/bin/bash
# drift_manual.sh - docs/language.md against the grammar, the checker and the limits in the sources
#
# shellcheck disable=SC2016 # the back quotes are those of the page
# A list of the page that is compared stands between `<!-- name -->` and `<!-- end -->`.
set -u
cd "$(dirname "$0")/.." || exit 1
. tests/support/report.sh
. tests/support/words.sh
page=docs/language.md

# The rows or words between the marks.
listed() { sed -n "/^<!-- $1 -->\$/,/^<!-- end -->\$/p" $page | grep -v '^<!--'; }
words_listed() { listed "$1" | grep -oE '`[a-z]+`' | tr -d '`' | LC_ALL=C sort; }

types_listed() {
	sed -n '/^## Types$/,/^## /p' $page | sed -nE 's/^\| (`[^|]*) \|.*/\1/p' | grep -oE '`[a-z]+`' | tr -d '`' |
		LC_ALL=C sort
}

# Both end: the operators of one precedence in a line, the loosest first.
precedence_of_the_page() {
	listed precedence | sed -nE 's/^\| (`[^|]*) \|.*/\1/p' | tr -d '`'
}
precedence_of_the_grammar() {
	awk '
		/^%token/ {
			line = $0
			while (match(line, /[A-Z_]+ "`[^"`]+`"/)) {
				split(substr(line, RSTART, RLENGTH), pair, " ")
				gsub(/["`]/, "", pair[2])
				sign[pair[1]] = pair[2]
				line = substr(line, RSTART + RLENGTH)
			}
		}
		# What the recovery from errors needs is no operator.
		/^%(left|nonassoc|precedence|right) / && !/ (LEFT_OUT|error)$/ {
			out = ""
			for (i = 2; i <= NF; i++) {
				word = $i
				gsub("\047", "", word)
				out = out (i > 2 ? " " : "") ((word in sign) ? sign[word] : word)
			}
			print out
		}
	' grammar/amig.y
}
sorted_lines() { while read -r -a words; do printf '%s\n' "${words[@]}" | LC_ALL=C sort | xargs; done; }
operators_bind_as_told() {
	[ "$(precedence_of_the_grammar | wc -l)" -ge 7 ] &&
		diff -u <(precedence_of_the_grammar | sorted_lines) <(precedence_of_the_page | sorted_lines)
}

clauses_are_told() {
	local words wrong=0
	while read -r words; do
		grep -qF "| \`$words" $page || grep -qF ", \`$words" $page || { echo "not in $page: $words"; wrong=1; }
	done < <(sed -nE 's/^CLAUSE\(\w+, *"(.+)"\)/\1/p' grammar/clauses.def)
	return $wrong
}

# "16 MiB", "64 characters", "10000": the number meant.
number_of() {
	local amount unit
	read -r amount unit <<<"$1"
	case $unit in
	MiB) echo $((amount << 20)) ;;
	GiB) echo $((amount << 30)) ;;
	*) echo "$amount" ;;
	esac
}

# value_of NAME FILE: what the file, else any source, defines it as; a macro may go on in the next line.
value_of() {
	local text
	local -a where=(grammar compiler vm)
	[ -z "$2" ] || where=("$2")
	text=$(grep -rhA1 --include='*.[ch]' "^#define $1\b" "${where[@]}" | head -n 2 | tr -d '\\\n' |
		sed -E "s/^#define $1//; s/#define.*//; s#/\*.*##; s/\(?\b(size_t|uint64_t)\)//g; s/U?INT64_C//g" |
		sed -E 's/([0-9])[uU][lL]*/\1/g')
	[ -n "$text" ] && echo $((${text%%[a-z]*}))
}

limits_are_those_of_the_sources() {
	local of most named name file count=0 wrong=0
	while IFS='|' read -r _ of most named _; do
		name=$(grep -oE '[A-Z_]{4,}' <<<"$named")
		[ -n "$name" ] || continue
		file=$(grep -oE '[a-z_/]+\.[ch]' <<<"$named")
		count=$((count + 1))
		[ "$(value_of "$name" "$file")" = "$(number_of "$most")" ] ||
			{ echo "$of: the page says $most, $name is $(value_of "$name" "$file")"; wrong=1; }
	done < <(listed limits)
	[ $count -ge 10 ] || { echo "too few limits"; return 1; }
	return $wrong
}

check "drift/the manual's reserved words are those of keywords.def" same_words 15 "keywords RESERVED" \
	"words_listed reserved.words"
check "drift/the manual's other words are those of keywords.def" same_words 30 "keywords CLAUSE" "words_listed other.words"
check "drift/the manual's types are those of the compiler" same_words 12 types types_listed
check "drift/the manual's operators bind as the grammar says" operators_bind_as_told
check "drift/the manual tells of every clause" clauses_are_told
check "drift/the manual's limits are those of the sources" limits_are_those_of_the_sources
report_end
