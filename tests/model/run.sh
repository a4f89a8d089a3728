#!/bin/bash
# run.sh DIR [quick] - amig.pml with all of its guards, which must hold, and with each left out, which must not
#
# DIR is for what spin and the compiler write. `quick`: the small ones, for make check. `make model` runs all, which takes a
# few minutes on a loaded machine, 400 MB, and says `N passed, N failed`.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
. tests/support/report.sh
mkdir -p "$1" && work=$(realpath "$1") || exit 1
source=$PWD/tests/model/amig.pml
size=${2-all}
# Compiling well takes longer than the small ones run.
optimised=-O2
[ "$size" = all ] || optimised=-O0

# explore FOLDER COMPILE… -- SPIN…: spin's answer is in FOLDER/answer. COMPILE are flags of the search's compiler.
explore() {
	local folder=$1 compile=()
	shift
	while [ "$1" != -- ]; do compile+=("$1"); shift; done
	shift
	rm -rf "$folder" && mkdir -p "$folder" && cd "$folder" || return 1
	spin -a "$@" "$source" >answer 2>&1 || return 1
	cc -w -DCOLLAPSE -DMEMLIM=2000 "${compile[@]}" -o pan pan.c >>answer 2>&1 || return 1
	case " ${compile[*]} " in
	*' -DNOCLAIM '*) ./pan -m1000000 >>answer 2>&1 ;;
	*) ./pan -a -m1000000 >>answer 2>&1 ;;
	esac
}
states() { sed -nE 's/^ *([0-9.e+]+) states, stored.*/\1/p' "$1/answer" | awk '{ printf "%d", $1 }'; }
was_complete() {
	grep -q 'errors: 0$' "$1/answer" &&
		! grep -qE 'max search depth too small|Search not completed|out of memory' "$1/answer"
}

# What the assertion that spin found violated says, or the cycle.
damage() {
	case $(sed -nE 's/^pan:1: (.*) \(at depth.*/\1/p' "$1/answer") in
	*'acceptance cycle'*) echo "the run need not end" ;;
	*'undoing['*'||(((happened'* | *'undoing['*'||((happened'*) echo "an effect is lost" ;;
	*'position'*) echo "the index goes back" ;;
	*'||'*'happened[(2+'*) echo "an effect happens after it was undone" ;;
	*'violated  !(happened'*) echo "an effect happens twice" ;;
	*'violated  !(over)'*) echo "something is done after the end" ;;
	esac
}

# holds NAME KIND [FLAG…]: whatever goes wrong, nothing is lost or done twice, and the run ends once nothing goes wrong.
holds() {
	local name=$1 kind=$2 folder=$work/$2.${1//[^a-z]/_}
	shift 2
	if (explore "$folder" $optimised -- -DKIND="$kind" "$@") && was_complete "$folder"; then
		passed "model/$kind, $name: no error in $(states "$folder") states"
	else
		failed "model/$kind, $name" "$folder/answer"
	fi
}

# breaks KIND GUARD DAMAGE [FLAG…]: spin finds that without it this damage can be done.
breaks() {
	local kind=$1 guard=$2 wanted=$3 folder=$work/$1.$2 found
	shift 3
	(explore "$folder" -O0 "$@" -- -DKIND="$kind" -D"$guard") || :
	found=$(damage "$folder")
	if [ "$found" = "$wanted" ]; then
		passed "model/$kind $guard: found: $found"
	else
		failed "model/$kind $guard: \"$wanted\" is not found, but \"$found\"" "$folder/answer"
	fi
}

all() {
	holds "all guards" TRANSACTIONAL -DSTRICT
	holds "all guards" CONDITIONAL -DSTRICT
	breaks SAME WITHOUT_ONE_TRANSACTION "an effect happens twice"
	breaks SAME WITHOUT_EPOCH "something is done after the end"
	breaks SAME WITHOUT_OUTCOME_LAST "an effect is lost"
	breaks SAME WITHOUT_UNMOVED "an effect happens twice"
	breaks SAME WITHOUT_LEASE "the run need not end"
	breaks TRANSACTIONAL WITHOUT_FENCE "an effect happens after it was undone"
	breaks TRANSACTIONAL WITHOUT_EPOCH "the index goes back"
	breaks TRANSACTIONAL WITHOUT_OUTCOME_LAST "an effect is lost"
	breaks TRANSACTIONAL WITHOUT_INTENT_FIRST "an effect is lost"
	breaks TRANSACTIONAL WITHOUT_UNMOVED "the index goes back"
	breaks TRANSACTIONAL WITHOUT_LEASE "the run need not end"
	breaks TRANSACTIONAL WITHOUT_NEW_EPOCH "an effect happens after it was undone" -O2 -DSAFETY -DNOCLAIM
	breaks CONDITIONAL WITHOUT_FENCE_FIRST "an effect happens twice"
	breaks CONDITIONAL WITHOUT_QUIET "an effect happens twice"
	breaks CONDITIONAL WITHOUT_EPOCH "something is done after the end"
	breaks CONDITIONAL WITHOUT_OUTCOME_LAST "an effect is lost"
	breaks CONDITIONAL WITHOUT_INTENT_FIRST "an effect happens twice"
	breaks CONDITIONAL WITHOUT_PROBE "an effect happens twice"
	breaks CONDITIONAL WITHOUT_UNMOVED "an effect happens twice"
	breaks CONDITIONAL WITHOUT_LEASE "the run need not end"
	breaks UNCONDITIONAL WITHOUT_LEASE "an effect happens twice" -DSAFETY -DNOCLAIM
	breaks UNCONDITIONAL WITHOUT_EPOCH "something is done after the end"
	breaks UNCONDITIONAL WITHOUT_OUTCOME_LAST "an effect is lost"
	breaks UNCONDITIONAL WITHOUT_INTENT_FIRST "an effect happens twice"
	breaks UNCONDITIONAL WITHOUT_PROBE "an effect happens twice"
	breaks UNCONDITIONAL WITHOUT_QUIET "an effect happens twice"
	breaks UNCONDITIONAL WITHOUT_UNMOVED "an effect happens twice"
	breaks UNCONDITIONAL WITHOUT_LOOK "an effect happens twice"
	holds "not needed there: a new epoch for the owner's own doubt" UNCONDITIONAL -DWITHOUT_NEW_EPOCH
}

quick() {
	holds "all guards" SAME -DSTRICT
	holds "all guards" UNCONDITIONAL -DSTRICT
	breaks TRANSACTIONAL WITHOUT_MARKER "an effect happens twice"
	breaks CONDITIONAL WITHOUT_FENCE "an effect happens twice"
	breaks CONDITIONAL WITHOUT_NEW_EPOCH "an effect happens twice"
	# The known limit.
	breaks UNCONDITIONAL PAUSE_AFTER_LOOK "an effect happens twice"
}

quick
if [ "$size" = quick ]; then
	report_end
	exit
fi
all
echo "$report_passed passed, $report_failed failed"
report_end
