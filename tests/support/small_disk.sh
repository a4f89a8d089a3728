# small_disk.sh - file systems of a few megabytes, for the tests of full disks; sourced in front of everything else
#
# small_disk_enter "$0": the script goes on in a name space of its own, in which $small_disk/{clickhouse,postgres,sqlite} are
# such file systems (tmpfs of $small_disk_mb MB), as who started it; they are gone with it. Where
# nothing can be mounted the script fails, and says so. fill_disk NAME KEEP_KB, free_disk NAME.
# shellcheck shell=bash

small_disk_mb=${small_disk_mb:-24}

small_disk_mounts() {
	local kind
	for kind in clickhouse postgres sqlite; do
		mkdir "$1/$kind" && mount -t tmpfs -o "size=${small_disk_mb}m,mode=777" tmpfs "$1/$kind" || return
	done
}

small_disk_enter() {
	local own
	[ -z "${small_disk-}" ] || return 0
	own=$(mktemp -d "${TMPDIR:-/tmp}/amig-disk.XXXXXX")
	chmod 755 "$own"
	declare -fx small_disk_mounts
	export small_disk_mb
	if [ "$(id -u)" = 0 ]; then
		small_disk=$own unshare -m bash -c 'small_disk_mounts "$small_disk" || exit 1; exec bash "$0"' "$1"
	else
		small_disk=$own unshare -rm bash -c 'small_disk_mounts "$small_disk" || exit 1
			exec unshare -U --map-user="$1" --map-group="$2" bash "$0"' "$1" "$(id -u)" "$(id -g)"
	fi
	case $? in
	0) rm -rf "$own"; exit 0 ;;
	*) rm -rf "$own"; exit 1 ;;
	esac
}

fill_disk() {
	local free
	free=$(df -k --output=avail "$small_disk/$1" | tail -n 1)
	[ "$free" -le "$2" ] || head -c "$((free - $2))k" /dev/zero >>"$small_disk/$1/fill"
}
free_disk() { rm -f "$small_disk/$1/fill"; }
