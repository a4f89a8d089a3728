# kill.sh - dying at every place of fault.def, at every passage, and going on
# shellcheck shell=bash

# With AMIG_CRASH=small only the places where something is changed (what dies over a question has
# changed nothing since the one before), and behind the third passage only every third.
fault_names() { all_fault_names | { [ "${AMIG_CRASH-}" = small ] && grep -v '_ask$\|_read$' || cat; }; }
all_fault_names() { sed -nE 's/^FAULT\([A-Z_]+, *"([a-z_]+)".*/\1/p' "$case_root/vm/base/fault.def"; }

# die_once RESET FINISH COMPARE FAULT PASSAGE: begins anew, dies there, goes on; 77 when the place
# is not passed so often, 78 when even then something differs.
die_once() {
	local reset=$1 finish=$2 compare=$3 status snapshot
	$reset
	AMIG_FAULT=$4:$5 $finish
	status=$?
	if [ $status = 0 ]; then
		($compare) || exit 78
		exit 77
	fi
	[ $status = 137 ] || die "it ended with status $status and did not die"
	snapshot=$(done_operations 2>/dev/null)
	case "$snapshot" in *"no such table"* | *"does not exist"*) snapshot= ;; esac
	$finish || die "it did not go on: status $?"
	[ -z "$snapshot" ] || [ -n "${backwards-}" ] || stays "$snapshot" "$(done_operations)"
	$compare
}

# kill_matrix NAME RESET FINISH COMPARE [FAULT…]: RESET makes the databases as they were, FINISH
# runs amigrun to its end, COMPARE dies unless everything is as after an undisturbed run. Every
# passage of a fault is one test.
kill_matrix() {
	local matrix=$1 reset=$2 finish=$3 compare=$4 fault passage step log status
	shift 4
	[ $# -gt 0 ] || mapfile -t names < <(fault_names)
	[ $# = 0 ] || names=("$@")
	log=$scratch/kill.log
	for fault in "${names[@]}"; do
		step=1
		for ((passage = 1; ; passage += step)); do
			[ "${AMIG_CRASH-}" = small ] && [ $passage -ge 3 ] && step=3
			(die_once "$reset" "$finish" "$compare" "$fault" "$passage") >"$log" 2>&1 </dev/null
			status=$?
			case $status in
			0) passed "$matrix, killed at $fault:$passage" ;;
			77) break ;;
			78) failed "$matrix, not killed at $fault:$passage" "$log"; break ;;
			*) failed "$matrix, killed at $fault:$passage" "$log" ;;
			esac
			[ $passage -lt 400 ] || { failed "$matrix: $fault never ends"; break; }
		done
		# A place that is never passed would make the matrix empty without anybody seeing
		# it. Not every migration asks its target something.
		[ $passage -gt 1 ] || [[ $fault = *_read ]] || failed "$matrix: $fault is never passed" "$log"
	done
}
