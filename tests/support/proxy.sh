# proxy.sh - databases behind the proxy that harms connections (proxy.c)
#
# proxy_start NAME URL [OPTION…] starts one and sets proxy_url, the URL that goes through it; what
# it did is in $scratch/NAME.proxy. proxy_away NAME and proxy_back NAME take its link away and put
# it back; proxy_end NAME ends it, proxies_end all of them.
# shellcheck shell=bash

declare -A proxy_pid=()

proxy_start() {
	local name=$1 url=$2 at port=
	shift 2
	at=${url#*@}
	at=${at%%/*}
	rm -f "$scratch/$name.port"
	ASAN_OPTIONS=detect_leaks=0 setpriv --pdeathsig KILL "$AMIG_BUILD/tests/support/proxy" 0 "$at" "$@" \
		>"$scratch/$name.port" 2>"$scratch/$name.proxy" </dev/null &
	proxy_pid[$name]=$!
	until [ -s "$scratch/$name.port" ]; do
		kill -0 "${proxy_pid[$name]}" || die "the proxy did not start: $(cat "$scratch/$name.proxy")"
		sleep 0.01
	done
	read -r port <"$scratch/$name.port"
	proxy_url=${url/"@$at"/"@127.0.0.1:$port"}
}
proxy_away() { kill -USR1 "${proxy_pid[$1]}"; }
proxy_back() { kill -USR2 "${proxy_pid[$1]}"; }
proxy_end() {
	[ -n "${proxy_pid[$1]-}" ] || return 0
	kill -KILL "${proxy_pid[$1]}"
	wait "${proxy_pid[$1]}" 2>/dev/null
	unset "proxy_pid[$1]"
}
proxies_end() {
	local name
	for name in "${!proxy_pid[@]}"; do proxy_end "$name"; done
}
proxy_harms() { grep -c '^proxy: ' "$scratch/$1.proxy"; }
