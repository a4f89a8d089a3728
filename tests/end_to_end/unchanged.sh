#!/bin/bash
# unchanged.sh - what has not changed is not compiled again, and nobody can tell from the bytes or
# the messages; nor how many threads there were
set -u
built=0
. "$(dirname "$0")/../support/case.sh"

# migration NAME [DEPENDS [COLUMN [LIBRARY]]]: writes one of the folder.
migration() {
	local name=$1 depends='' column=${3-a} library=${4-shared}
	[ -z "${2-}" ] || depends="depends on \"$2\""
	cat >"$scratch/in/$name.amig" <<-END
		use $library
		migration "$name" {
		  $depends
		  needs db: sqlite
		  let other = $library.column()
		  operation "step" on db {
		    forward  sql"CREATE TABLE t_$name ($column INTEGER, \${other} INTEGER)"
		    rollback sql"DROP TABLE t_$name"
		  }
		}
	END
}

# library NAME EXPRESSION [USES]
library() { printf '%s\nfn column() -> ident { return %s }\n' "${3:+use $3}" "$2" >"$scratch/lib/$1.amig"; }

# twelve - a folder of twelve migrations in a chain, and libraries that use each other.
twelve() {
	rm -rf "${scratch:?}/in" "${scratch:?}/lib" "$scratch"/*.amb
	mkdir "$scratch/in" "$scratch/lib"
	library ground 'ident("deep")'
	library shared 'ground.column()' ground
	library other 'ident("c")'
	migration m01
	for number in 02 03 04 05 06 07 08 09 10 11 12; do
		migration "m$number" "m$(printf %02d $((10#$number - 1)))"
	done
}

# again: builds over what is there; $output has the counts.
again() { expect 0 "$AMIGC" build "$scratch/in" --path "$scratch/lib" -o "$scratch/again.amb" -v; }

# same [OPTION…]: a build from nothing, with any number of threads, gives the same status, words and bytes.
same() {
	local jobs status words again_status again_words
	again_words=$("$AMIGC" build "$scratch/in" --path "$scratch/lib" -o "$scratch/again.amb" "$@" 2>&1)
	again_status=$?
	for jobs in 1 3; do
		rm -f "$scratch/full.amb"
		words=$("$AMIGC" build "$scratch/in" --path "$scratch/lib" -o "$scratch/full.amb" -j $jobs "$@" 2>&1)
		status=$?
		is "the status" $again_status $status
		is "what is told" "$again_words" "$words"
		[ $status != 0 ] || built=$((built + 1))
		[ $status != 0 ] || cmp "$scratch/again.amb" "$scratch/full.amb" || die "the bytes differ"
	done
}

nothing_changed() {
	twelve
	again
	has "the counts" "$output" "12 compiled, 0 unchanged"
	touch -d '2001-01-01' "$scratch/again.amb"
	again
	has "the counts" "$output" "0 compiled, 12 unchanged"
	is "the time of the bundle" "$(stat -c %Y "$scratch/again.amb")" "$(date -d '2001-01-01' +%s)"
	touch "$scratch"/in/*
	again
	has "the counts" "$output" "0 compiled, 12 unchanged"
	same
}

one_file() {
	twelve
	again
	migration m05 m04 b
	again
	has "the counts" "$output" "1 compiled, 11 unchanged"
	same
	mv "$scratch/in/m07.amig" "$scratch/in/renamed.amig"
	again
	has "the counts" "$output" "1 compiled, 11 unchanged"
	same
	rm "$scratch/in/m12.amig"
	again
	has "the counts" "$output" "0 compiled, 11 unchanged"
	same
	migration m13 m11
	again
	has "the counts" "$output" "1 compiled, 11 unchanged"
	same
}

libraries() {
	twelve
	migration m03 m02 a other
	again
	library other 'ident("d")'
	again
	has "the counts" "$output" "1 compiled, 11 unchanged"
	same
	library ground 'ident("deeper")'
	again
	has "the counts" "$output" "11 compiled, 1 unchanged"
	same
	mkdir -p "$scratch/first"
	echo 'fn column() -> ident { return ident("first") }' >"$scratch/first/other.amig"
	expect 0 "$AMIGC" build "$scratch/in" --path "$scratch/first" --path "$scratch/lib" -o "$scratch/again.amb" -v
	has "the counts" "$output" "1 compiled, 11 unchanged"
	rm "$scratch/lib/ground.amig"
	expect 1 "$AMIGC" build "$scratch/in" --path "$scratch/lib" -o "$scratch/again.amb"
	same
}

# What a migration says of another one is looked at, though neither is compiled.
together() {
	twelve
	again
	rm "$scratch/in/m04.amig"
	expect 1 "$AMIGC" build "$scratch/in" --path "$scratch/lib" -o "$scratch/again.amb"
	has "the message" "$output" 'm05.amig:3:' '"m04"'
	same
	migration m04 m12
	expect 1 "$AMIGC" build "$scratch/in" --path "$scratch/lib" -o "$scratch/again.amb"
	same
	migration m04 m03
	cp "$scratch/in/m04.amig" "$scratch/in/copy.amig"
	expect 1 "$AMIGC" build "$scratch/in" --path "$scratch/lib" -o "$scratch/again.amb"
	same
}

# versions NUMBER RANGE [CLAUSE]: gives mNUMBER a range of versions.
versions() { sed -i "s/^  needs/  versions $2\n  ${3-}\n  needs/" "$scratch/in/m$1.amig"; }

# as_one: what is told of files of which few or none are compiled is what one unit with all of them
# says; a build that warnings refuse is one.
as_one() {
	local form words
	for form in text json sarif github; do
		same --format $form
		words=$("$AMIGC" build "$scratch/in" --path "$scratch/lib" -o "$scratch/again.amb" --format $form 2>&1)
		expect 1 "$AMIGC" build "$scratch/in" --path "$scratch/lib" -o "$scratch/none.amb" --format $form --strict
		is "what is told" "$words" "$output"
	done
}

# A warning between files compiles none of them again. m03 may begin while m02 is open, no version
# between m03 and m04 carries either, m10 and m11 are in no order with m04 and m10.
between() {
	twelve
	versions 02 '1.0.0 .. 1.4.9'
	versions 03 '1.2.0 .. 1.5.9'
	versions 04 '1.7.0 .. 1.8.9'
	migration m10
	versions 10 '1.8.0 .. 1.9.9'
	migration m11
	versions 11 '1.9.0 .. 1.9.9' 'allow W0401 "they share nothing"'
	again
	has "what is told" "$output" m03.amig:4: W0403 m04.amig:4: W0402 m10.amig:4: W0401 "12 compiled, 0 unchanged"
	again
	has "the counts" "$output" "0 compiled, 12 unchanged"
	case "$output" in *m11.amig*) die "what m11 allows is told" ;; esac
	as_one
	migration m03 m02 b
	versions 03 '1.2.0 .. 1.5.9'
	again
	has "the counts" "$output" "1 compiled, 11 unchanged"
	sed -i '/allow/d' "$scratch/in/m11.amig"
	again
	has "what is told" "$output" m11.amig:4: "1 compiled, 11 unchanged"
	sed -i 's/^  let other/  let unused = 1\n&/' "$scratch/in/m04.amig"
	for _ in 1 2; do
		again
		has "what is told" "$output" W0402 W0502 "1 compiled, 11 unchanged"
		as_one
	done
}

# A test may name the parameters of a migration in another file: the two are looked at together.
tests_elsewhere() {
	twelve
	{
		echo 'test "it goes" {'
		echo '  run "m06" with { rows: 3 }'
		echo '  expect sqlite.value(sql"SELECT 1") as int == 1'
		echo '}'
	} >"$scratch/in/tests.amig"
	expect 1 "$AMIGC" build "$scratch/in" --path "$scratch/lib" -o "$scratch/again.amb"
	has "the message" "$output" tests.amig:2: rows
	sed -i 's/^  needs/  param rows: int = 1\n  needs/' "$scratch/in/m06.amig"
	again
	same
	sed -i 's/param rows/param lines/' "$scratch/in/m06.amig"
	expect 1 "$AMIGC" build "$scratch/in" --path "$scratch/lib" -o "$scratch/again.amb"
	has "the message" "$output" tests.amig:2: rows
	same
}

# A damaged bundle, one of something else, one without a record: everything is compiled, and the
# file is written anew.
useless_bundles() {
	local offset size
	twelve
	again
	cp "$scratch/again.amb" "$scratch/good.amb"
	size=$(stat -c %s "$scratch/good.amb")
	for offset in 0 9 20 $((size / 2)) $((size - 300)) $((size - 1)); do
		cp "$scratch/good.amb" "$scratch/again.amb"
		printf '\xff\xfe' | dd of="$scratch/again.amb" bs=1 seek="$offset" conv=notrunc status=none
		again
		has "the counts" "$output" "12 compiled, 0 unchanged"
		cmp "$scratch/again.amb" "$scratch/good.amb" || die "the damage stayed"
	done
	for text in '' 'no bundle'; do
		printf %s "$text" >"$scratch/again.amb"
		again
		has "the counts" "$output" "12 compiled, 0 unchanged"
		cmp "$scratch/again.amb" "$scratch/good.amb" || die "the bundle is another one"
	done
}

# A walk of edits, good and bad ones, each time compared with a build from nothing.
many_edits() {
	local step number before built=0
	RANDOM=$1
	twelve
	for step in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		printf -v number 'm%02d' $((RANDOM % 14 + 1))
		printf -v before 'm%02d' $((RANDOM % 14 + 1))
		case $((RANDOM % 8)) in
		0) migration "$number" "$before" ;;
		1 | 2) migration "$number" "" "c$RANDOM" ;;
		3) rm -f "$scratch/in/$number.amig" ;;
		4) library ground "ident(\"g$((RANDOM % 3))\")" ;;
		5) library other "ident(\"o$((RANDOM % 3))\")" ;;
		6) migration "$number" "" a other ;;
		7) mv "$scratch/in/$before.amig" "$scratch/in/$number.amig" 2>/dev/null ;;
		esac
		echo "step $step, $built good builds before it"
		same
	done
	echo "$built builds of 40 were good"
	[ $built -ge 4 ] && [ $built -lt 40 ] || die "$built builds of 40 were good: too one-sided"
}

# More files than a batch holds, with mistakes in some: the words do not depend on the threads.
many_files() {
	local number
	rm -rf "$scratch/in" "$scratch"/*.amb
	mkdir "$scratch/in"
	for number in {100..350}; do migration "m$number" "" a other; done
	library other 'ident("c")'
	for number in 101 180 349; do versions "$number" '1.0.0 .. 1.4.9'; done
	as_one
	for number in 101 180 181 260 349; do echo "let = $number" >>"$scratch/in/m$number.amig"; done
	same
	has "what is told" "$(cat <<<"$("$AMIGC" check "$scratch/in" --path "$scratch/lib" 2>&1)")" m101.amig m260.amig m349.amig
}

check "unchanged/what has not changed is not compiled again, and the bundle keeps its time" nothing_changed
check "unchanged/a file that is changed, renamed, new or gone costs that file alone" one_file
check "unchanged/a library that is changed, shadowed or gone costs those that use it" libraries
check "unchanged/names and circles are found among migrations that are not compiled" together
check "unchanged/a warning between files is told as ever, and compiles none of them again" between
check "unchanged/a test that runs the migration of another file is always compared with it" tests_elsewhere
check "unchanged/a bundle that is damaged or none is not used" useless_bundles
for seed in 2 3 4; do
	check "unchanged/twenty edits ($seed) give the bytes and the words of a build from nothing" many_edits $seed
done
check "unchanged/words and bytes are the same with any number of threads" many_files
report_end
