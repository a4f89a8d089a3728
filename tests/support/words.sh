# words.sh - what the tables say, one a line and sorted, for tests that compare pages and editors'
# files with them
# shellcheck shell=bash

# keywords CLASS…: the words of grammar/keywords.def that are of one of the classes.
keywords() {
	sed -nE 's/^KEYWORD\("(\w+)", *\w+, *(\w+)\)/\1 \2/p' grammar/keywords.def |
		awk -v classes=" $* " 'index(classes, " " $2 " ") { print $1 }' | LC_ALL=C sort
}

# The types that have a word.
types() {
	{
		sed -nE '/const types\[\] = \{/,/\};/p' compiler/unit.c
		sed -nE '/^const char \*const type_connection_kinds/,/;/p' compiler/type.c
	} | grep -oE '"[a-z]+"' | tr -d '"' | LC_ALL=C sort
}

# same_words AT_LEAST WANTED GOT…: the lists that the commands print are one, and not a short one.
same_words() {
	local least=$1 wanted=$2 got
	shift 2
	[ "$($wanted | wc -l)" -ge "$least" ] || { echo "$wanted gives too few words"; return 1; }
	for got in "$@"; do
		diff -u --label "$wanted" --label "$got" <($wanted) <($got) || return 1
	done
}
