#!/bin/bash
# proxies.sh - by way of a proxy: requests, whose addresses are looked at all the same, and connections to ClickHouse
set -u
. "$(dirname "$0")/../support/case.sh"

export AMIG_STATE=sqlite:$scratch/state.db AMIG_SQLITE=$scratch/target.db
start_hook
"$case_root/tests/support/forward" "$scratch/forward.port" "$scratch/forward.log" "$scratch/where" &
forward=$!
trap 'kill $forward $(jobs -p) 2>/dev/null; rm -rf "$scratch"' EXIT
await_that 10 [ -s "$scratch/forward.port" ]
proxy=127.0.0.1:$(<"$scratch/forward.port")

# tells NAME URL
tells() {
	cat >"$scratch/$1.amig" <<-E
		migration "$1" {
		  needs sqlite
		  operation "tell" on sqlite {
		    retry 0
		    forward {
		      http post "$2" body "hello"
		    }
		    rollback nothing
		  }
		}
	E
}
tells 0001_address http://93.184.216.34/told
tells 0002_six 'http://[2606:2800:220:1:248:1893:25c8:1946]:8080/told'
tells 0003_here "$hook/told"
tells 0004_named "http://localhost:$port/told"
tells 0005_unknown http://nobody.invalid/told
cat >"$scratch/0006_database.amig" <<'E'
migration "0006_database" {
  needs db: clickhouse
  operation "table" on db {
    retry 0
    in doubt undo
    forward  sql"CREATE TABLE t ENGINE = MergeTree ORDER BY n AS SELECT number AS n FROM numbers(1000)"
    rollback sql"DROP TABLE IF EXISTS t"
  }
  operation "copy" on db {
    retry 0
    in doubt undo
    forward {
      copy db sql"SELECT n + 1000 AS n FROM t" into db ident("t") columns (n)
    }
    rollback sql"ALTER TABLE t DELETE WHERE n >= 1000"
  }
}
E
fresh() {
	rm -f "$scratch"/*.db*
	sqlite3 "$AMIG_SQLITE" 'CREATE TABLE t (x)'
	echo 200 >"$scratch/answers"
	echo "$1" >"$scratch/where"
	: >"$scratch/log"
	: >"$scratch/forward.log"
	export AMIG_HTTP_PROXY=http://$proxy
	unset AMIG_ALLOW_LOCAL
}
asked() { cut -d'|' -f1-2 "$scratch/forward.log" | sort -u | paste -sd ' '; }
told() { cut -d'|' -f1,2,6 "$scratch/log" | paste -sd ' '; }

requests_go_through_tunnels() {
	fresh "127.0.0.1:$port"
	expect 0 "$AMIGRUN" run 0001_address
	expect 0 "$AMIGRUN" run 0002_six
	is "the tunnels" "$(asked)" "CONNECT|93.184.216.34:80 CONNECT|[2606:2800:220:1:248:1893:25c8:1946]:8080"
	is "what was told" "$(told)" "POST|/told|hello POST|/told|hello"
}
a_proxy_may_want_a_password() {
	fresh "127.0.0.1:$port"
	AMIG_HTTP_PROXY=http://me:s3cret@$proxy expect 0 "$AMIGRUN" run 0001_address
	has "what the proxy was told" "$(<"$scratch/forward.log")" "|Basic $(printf 'me:s3cret' | base64)"
	echo 403 >"$scratch/where"
	AMIG_HTTP_PROXY=http://me:s3cret@$proxy expect 4 "$AMIGRUN" run 0002_six
	has "the error" "$output" "could not be sent" 403
	case "$output" in *s3cret*) die "the output tells the password" ;; esac
	AMIG_HTTP_PROXY=nonsense expect 1 "$AMIGRUN" run 0002_six
	has "the error" "$output" "the address in AMIG_HTTP_PROXY is no URL"
}
# The proxy could reach all of these.
addresses_are_looked_at_all_the_same() {
	local name
	fresh there
	for name in 0003_here 0004_named; do
		expect 1 "$AMIGRUN" run $name
		has "the error" "$output" "is not an address of the internet, and AMIG_ALLOW_LOCAL does not list its host"
	done
	expect 4 "$AMIGRUN" run 0005_unknown
	has "the error" "$output" "could not be sent" "AMIG_ALLOW_LOCAL may list a host that only the proxy can look up"
	is "what the proxy was asked" "$(asked)" ""
	is "what was told" "$(told)" ""
}
what_is_allowed_is_the_proxys_to_find() {
	fresh "127.0.0.1:$port"
	AMIG_ALLOW_LOCAL=nobody.invalid expect 0 "$AMIGRUN" run 0005_unknown
	is "what the proxy was asked" "$(asked)" "POST|nobody.invalid"
	is "what was told" "$(told)" "POST|/told|hello"
}
no_proxy_of_the_environment_is_used() {
	fresh there
	unset AMIG_HTTP_PROXY
	http_proxy=http://$proxy HTTPS_PROXY=http://$proxy ALL_PROXY=http://$proxy AMIG_ALLOW_LOCAL=127.0.0.1:$port \
		expect 0 "$AMIGRUN" run 0003_here
	is "what the proxy was asked" "$(asked)" ""
	is "what was told" "$(told)" "POST|/told|hello"
}
a_database_is_reached_through_a_tunnel() {
	local target at
	fresh there
	target=$(new_clickhouse amig_proxy)
	at=${target#*@}
	AMIG_DB_URL="$target?proxy=http://$proxy" expect 0 "$AMIGRUN" run 0006_database
	is "what the proxy was asked" "$(asked)" "CONNECT|${at%/*}"
	is "the rows" "$(clickhouse amig_proxy 'SELECT count(), uniqExact(n) FROM t FORMAT CSV')" 2000,2000
	case "$(<"$scratch/forward.log")" in *secret*) die "the proxy was told the password" ;; esac
}
# What the proxy did not let through did not happen: nothing is in doubt.
a_proxy_that_refuses_leaves_no_doubt() {
	fresh there
	AMIG_DB_URL="$(new_clickhouse amig_proxy)?proxy=http://$proxy"
	export AMIG_DB_URL
	"$AMIGRUN" run 0006_database --operations 1 >"$scratch/out" 2>&1
	is "how it ended" $? 5
	echo 403 >"$scratch/where"
	expect 4 "$AMIGRUN" resume 0006_database
	has "the error" "$output" 403
	is "what is in doubt" "$(state "SELECT count(*) FROM @effect WHERE outcome IS NULL")" 0
	echo there >"$scratch/where"
	expect 0 "$AMIGRUN" resume 0006_database
	is "the rows" "$(clickhouse amig_proxy 'SELECT count(), uniqExact(n) FROM t FORMAT CSV')" 2000,2000
}

build proxies "$scratch"/*.amig
name="end_to_end, proxies"
check "$name/requests go through tunnels, to addresses" requests_go_through_tunnels
check "$name/a proxy may want a password, and refuse" a_proxy_may_want_a_password
check "$name/addresses are looked at all the same" addresses_are_looked_at_all_the_same
check "$name/what is allowed to be anywhere is the proxy's to find" what_is_allowed_is_the_proxys_to_find
check "$name/no proxy of the environment is used" no_proxy_of_the_environment_is_used
check "$name/ClickHouse is reached through a tunnel" a_database_is_reached_through_a_tunnel
check "$name/a proxy that refuses leaves no doubt" a_proxy_that_refuses_leaves_no_doubt
report_end
