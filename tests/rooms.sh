#!/bin/bash
# rooms.sh - the staircase: a room includes itself and the rooms of its room.mk, and those lie on
# lower floors
#
# Includes are written from the root, so their first words name the room. Generated files count by
# their source's name.
set -u
cd "$(dirname "$0")/.." || exit 1
. tests/support/report.sh

# The floor of each room; a folder that is no room has none.
floor_of() {
	case "$1" in
	base) echo 0 ;;
	isa | driver) echo 1 ;;
	grammar | machine | store | connection) echo 2 ;;
	run) echo 3 ;;
	compiler | command) echo 5 ;;
	esac
}

room_of() {
	case "$1" in
	vm/*/*) local rest=${1#vm/}; echo "${rest%%/*}" ;;
	vm/amigrun.c) echo command ;;
	*/*) echo "${1%%/*}" ;;
	esac
}

rooms_below() {
	sed -nE "s/^$1\.rooms *:= *//p" vm/*/room.mk vm/room.mk grammar/room.mk compiler/room.mk
}

# stdlib holds the table of built-ins, which includes nothing; every room above floor 0 may read it.
check_includes() {
	local room=$1 allowed file included target wrong=0
	allowed=" $room stdlib $(rooms_below "$room") "
	[ "$room" != base ] || allowed=" base "
	while IFS=: read -r file included; do
		target=$(room_of "$included")
		case "$allowed" in
		*" $target "*) ;;
		*) echo "$file includes $included: ${target:-that} is not below $room"; wrong=1 ;;
		esac
	done < <(sources "$room" | xargs -r grep -HoE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"[^"]+"' |
		sed -E 's/:[[:space:]]*#[[:space:]]*include[[:space:]]*"/:/; s/"$//')
	return $wrong
}

sources() {
	case "$1" in
	grammar | compiler) find "$1" -name '*.[chly]' ;;
	command) find vm/command vm/amigrun.c -name '*.[ch]' 2>/dev/null ;;
	*) find "vm/$1" -name '*.[ch]' ;;
	esac
}

check_floor() {
	local room=$1 below wrong=0
	for below in $(rooms_below "$room"); do
		[ "$(floor_of "$below")" -lt "$(floor_of "$room")" ] || { echo "$below is not below $room"; wrong=1; }
	done
	return $wrong
}

# The compiler is a pure function: it sees what can be said and the contract, and nothing that acts.
compiler_is_pure() {
	! rooms_below compiler | grep -wE 'driver|machine|store|connection|run'
}

# What a test or a build leaves lying about is seen here before it is committed, or behind.
top_level() {
	local wrong
	wrong=$({ git ls-files -c -o --exclude-standard 2>/dev/null || ls; } | cut -d/ -f1 | sort -u | grep -vxE "$1")
	[ -z "$wrong" ] || { echo "$wrong"; return 1; }
}

for room in base isa driver grammar machine store connection run compiler command; do
	[ -n "$(sources $room)" ] || continue
	check "rooms/the room $room includes only rooms below it" check_includes $room
	check "rooms/the rooms that $room names lie on lower floors" check_floor $room
done
check "rooms/the compiler sees nothing that acts" compiler_is_pure
check "rooms/nothing else lies at the top" top_level \
	'grammar|compiler|vm|migrations\.d|stdlib|tests|docs|bench|tools|build|GNUmakefile|[A-Z]+\.md|\..*'
report_end
