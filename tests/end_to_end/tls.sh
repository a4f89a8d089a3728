#!/bin/bash
# tls.sh - ClickHouse over TLS, with an authority of one's own; who is not vouched for gets no password
set -u
. "$(dirname "$0")/../support/case.sh"
. "$case_root/tests/support/servers.sh"
. "$case_root/tests/support/again.sh"

# authority NAME: $scratch/NAME.pem, and a certificate of its own for localhost, NAME.server.{pem,key}
authority() {
	(cd "$scratch" && openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=authority $1" -keyout "$1.key" -out "$1.pem" &&
		openssl req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout "$1.server.key" -out "$1.server.csr" &&
		openssl x509 -req -days 2 -in "$1.server.csr" -CA "$1.pem" -CAkey "$1.key" -CAcreateserial -out "$1.server.pem" \
			-extfile <(echo subjectAltName=DNS:localhost)) >"$scratch/openssl.log" 2>&1
}
secured() {
	authority ours && authority theirs || { cat "$scratch/openssl.log"; return 1; }
	chmod a+r "$scratch"/*.key
	https=$(free_port)
	clickhouse_with "s#</yandex>#<https_port>$https</https_port><openSSL><server>\
<certificateFile>$scratch/ours.server.pem</certificateFile><privateKeyFile>$scratch/ours.server.key</privateKeyFile>\
<verificationMode>none</verificationMode><loadDefaultCAFile>false</loadDefaultCAFile></server></openSSL></yandex>#"
}
# over HOST AUTHORITY: a question and a change.
over() {
	export AMIG_CLICKHOUSE_URL="https://amig:$servers_password@$1:$https/default?ca=$scratch/$2.pem"
	export AMIG_STATE=sqlite:$scratch/tls.db
	rm -f "$scratch"/tls.db*
	clickhouse default 'DROP TABLE IF EXISTS secured'
	"$AMIGRUN" run 0001_secured
}

vouched_for() {
	expect 0 over localhost ours
	is "the table" "$(clickhouse default 'EXISTS TABLE secured')" 1
}
not_vouched_for() {
	expect 4 over localhost theirs
	has "the message" "$output" certificate
	case "$output" in *"$servers_password"*) die "the password is told" ;; esac
	is "the table" "$(clickhouse default 'EXISTS TABLE secured')" 0
}
of_another_name() {
	expect 4 over 127.0.0.1 ours
	is "the table" "$(clickhouse default 'EXISTS TABLE secured')" 0
}

trap 'kept_end; rm -rf "$scratch"' EXIT
keep_servers clickhouse && secured >"$scratch/secured.log" 2>&1 || { failed "tls/a server" "$scratch/secured.log"; exit 1; }
cat >"$scratch/0001_secured.amig" <<'AMIG'
migration "0001_secured" {
  needs clickhouse

  operation "table" on clickhouse {
    idempotent
    forward  sql"CREATE TABLE IF NOT EXISTS secured (x Int64) ENGINE = Log"
    rollback sql"DROP TABLE IF EXISTS secured"
  }
}
AMIG
export AMIG_BUNDLE=$scratch/tls.amb
"$AMIGC" build "$scratch/0001_secured.amig" -o "$AMIG_BUNDLE" || { failed "tls/build"; exit 1; }
check "tls/an authority of one's own vouches for the server" vouched_for
check "tls/a server that it does not vouch for is refused, before anything is told to it" not_vouched_for
check "tls/a certificate for another name is refused" of_another_name
report_end
