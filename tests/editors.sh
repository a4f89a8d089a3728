#!/bin/bash
# editors.sh - the editors' files: what they make of tests/editors/sample.amig, compared with
# the snapshots beside it, and their words, compared with the tables
#
#   tests/editors.sh --update     writes the snapshots anew; read them before you commit them
#
# The TextMate grammar runs in the engine of the editors (npm: vscode-textmate, pinned by
# package-lock.json), the Vim files in Vim. AMIG_BUILD holds the compiler, else build/debug.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
. tests/support/report.sh
. tests/support/words.sh
. tests/support/npm.sh
build=${AMIG_BUILD:-build/debug}
folder=tests/editors
textmate=docs/editors/vscode/amig.tmLanguage.json
vim=docs/editors/vim/syntax/amig.vim
modules=$build/../editors
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

engine_is_installed() { npm_ready $folder "$modules"; }

textmate_snapshot() { node $folder/textmate.js "$modules/node_modules" $textmate $folder/sample.amig; }

# Nothing of the user's own Vim is read.
vim_snapshot() {
	AMIG_SNAPSHOT=$work/written vim -es -u NONE -i NONE -N -c 'set encoding=utf-8 runtimepath^=docs/editors/vim' \
		-c 'filetype plugin indent on' -c 'syntax on' -c "edit $folder/sample.amig" \
		-c "source $folder/snapshot.vim" -c 'qa!' && cat "$work/written"
}

# Vim indents the sample from scratch as its author did; lines within a text are the author's own.
vim_indents() {
	cp $folder/sample.amig "$work/indented.amig"
	vim -es -u NONE -i NONE -N -c 'set encoding=utf-8 runtimepath^=docs/editors/vim' -c 'filetype plugin indent on' \
		-c "edit $work/indented.amig" -c 'normal gg=G' -c 'wq'
	diff <(outside_texts $folder/sample.amig) <(outside_texts "$work/indented.amig")
}
outside_texts() { awk '{ quotes = gsub(/"""/, "&") } !inside && !quotes { print } quotes % 2 { inside = !inside }' "$1"; }

agrees() { "${1}_snapshot" >"$work/$1" && diff -u $folder/"$1.snapshot" "$work/$1"; }

# The words of the longest alternation in the pattern that has this name.
textmate_words() {
	jq -r --arg name "$1" '[.. | objects | select(.name == $name and .match) | .match] | join(" ")' $textmate | alternatives
}
vim_words() { sed -nE "s/^syntax match $1 //p" $vim | alternatives; }
alternatives() {
	tr -d '\134' | grep -oE '([a-z0-9]+\|)+[a-z0-9]+' |
		awk 'length > length(longest) { longest = $0 } END { print longest }' | tr '|' '\n' | LC_ALL=C sort
}

if ! engine_is_installed; then
	failed "editors/the engine of TextMate grammars can be installed"
elif [ "${1-}" = --update ]; then
	textmate_snapshot >$folder/textmate.snapshot
	vim_snapshot >$folder/vim.snapshot
	exit
fi
check "editors/the sample is a valid migration" "$build/amigc" check $folder/sample.amig
check "editors/the TextMate grammar colours the sample as its snapshot says" agrees textmate
check "editors/Vim colours the sample as its snapshot says" agrees vim
check "editors/Vim indents the sample as it is" vim_indents
check "editors/the reserved words are those of keywords.def" same_words 15 "keywords RESERVED" \
	"textmate_words keyword.control.amig" "vim_words amigReserved"
check "editors/the words of clauses are those of keywords.def" same_words 40 "keywords CLAUSE" \
	"textmate_words keyword.other.clause.amig" "vim_words amigClause"
check "editors/the types are those of the compiler" same_words 12 types "textmate_words meta.type.amig" "vim_words amigType"
check "editors/both know the same words of SQL" same_words 100 "textmate_words keyword.other.sql" "vim_words amigSqlWord"
check "editors/both know the same types of SQL" same_words 30 "textmate_words support.type.sql" "vim_words amigSqlType"
report_end
