# told.sh - what a command says, word for word, against tests/end_to_end/told/; AMIG_TELL=1 writes that anew
# shellcheck shell=bash

told=$case_root/tests/end_to_end/told

# is_told NAME: $output, as it is in told/NAME but for what masked() hides.
is_told() {
	[ -z "${AMIG_TELL-}" ] || masked <<<"$output" >"$told/$1"
	diff -u "$told/$1" <(masked <<<"$output") || die "it says something else than $told/$1"
}
