#!/bin/bash
# http.sh - requests as effects: what is sent, what an answer means, what is sent again and what is
# not, where nothing may be sent to, and what is shown of an address
set -u
. "$(dirname "$0")/../support/case.sh"

export AMIG_STATE=sqlite:$scratch/state.db AMIG_SQLITE=$scratch/target.db

start_hook

# migration_of NAME CLAUSES FORWARD [ROLLBACK]
migration_of() {
	cat >"$scratch/$1.amig" <<-E
		migration "$1" {
		  needs sqlite
		  operation "tell" on sqlite {
		    retry 2 backoff 50ms .. 100ms
		    $2
		    forward {
		      $3
		    }
		    rollback ${4:-nothing}
		  }
		}
	E
}
migration_of 0001_tells '' "http post \"$hook/done?token=s3cret&n=1\" body \"{\\\"rows\\\": 3}\"
	exec sql\"INSERT INTO t VALUES (1)\"
	http delete \"$hook/lock\"
	http put \"$hook/text\" body \"words\"" "{
	http patch \"$hook/undone\" body \"undone\"
	exec sql\"DELETE FROM t\"
	}"
migration_of 0002_patient 'timeout 1s' "http post \"$hook/slow\""
migration_of 0003_probed 'timeout 1s
		    done when sqlite.exists(sql"SELECT 1 FROM t")' "http post \"$hook/slow\""
migration_of 0004_undone 'timeout 1s
		    in doubt undo' "http post \"$hook/slow\"" "{ http delete \"$hook/slow\" }"
migration_of 0005_outlives '' "try {
	http post \"$hook/first\"
	} catch e {
	http post \"$hook/told\" body \"\${e.class} \${e.code}\"
	}"
migration_of 0006_secret '' "http post \"env:HOOK\" body \"hello\""
migration_of 0007_long '' "http post \"$hook/long\""
migration_of 0008_long_and_checked '' "http post \"$hook/long\""
sed -i '2a  healthcheck "room" every 300ms { require not sqlite.exists(sql"SELECT 1 FROM t") else "no room" }' \
	"$scratch/0008_long_and_checked.amig"
migration_of 0009_outlives_secret '' "try {
	http post \"env:HOOK\"
	} catch e {
	exec sql\"INSERT INTO t VALUES (1)\"
	}
	exec sql\"INSERT INTO t VALUES (2)\""
count=10
for address in "$hook" "http://0x7f.1:$port" "http://localhost:$port" "http://[::1]:$port" "http://[::ffff:127.0.0.1]:$port" \
	"http://2130706433:$port"; do
	migration_of "00${count}_local" '' "http post \"$address/in\""
	count=$((count + 1))
done
migration_of 0020_no_url '' 'http post "ftp://127.0.0.1/x"'
migration_of 0021_nobody '' 'http post "http://127.0.0.1:1/x?token=s3cret"'
migration_of 0022_unknown '' 'http post "http://nobody.invalid/x"'

# fresh ANSWER…: the server's, one after the other.
fresh() {
	rm -f "$scratch"/*.db*
	sqlite3 "$AMIG_SQLITE" 'CREATE TABLE t (x)'
	printf '%s\n' "$@" >"$scratch/answers"
	: >"$scratch/log"
	export AMIG_ALLOW_LOCAL=127.0.0.1:$port AMIG_ALLOW_ENV=HOOK
	unset HOOK
}
requests() { cut -d'|' -f"${1:-1,2}" "$scratch/log" | paste -sd ' '; }
keys() { cut -d'|' -f3 "$scratch/log" | sort -u; }
one_key() { is "the number of keys" "$(keys | wc -l)" 1; }
rows() { sqlite3 "$AMIG_SQLITE" 'SELECT group_concat(x) FROM t'; }
outcomes() { state "SELECT group_concat(outcome) FROM (SELECT outcome FROM @effect ORDER BY number, attempt)"; }
status_of() { migration "$1" status; }

requests_are_effects_like_others() {
	fresh 204
	expect 0 "$AMIGRUN" run 0001_tells
	is "the requests" "$(requests 1,2)" "POST|/done?token=s3cret&n=1 DELETE|/lock PUT|/text"
	is "their types and bodies" "$(requests 4,5,6)" 'application/json||{"rows": 3} || text/plain; charset=utf-8||words'
	is "how many keys there are" "$(keys | wc -l)" 3
	is "the outcomes" "$(outcomes)" done,done,done,done
	expect 0 "$AMIGRUN" rollback 0001_tells --yes
	is "the last request" "$(tail -1 "$scratch/log" | cut -d'|' -f1,2,6)" "PATCH|/undone|undone"
	is "the rows" "$(rows)" ""
}
the_key_is_of_run_operation_and_effect() {
	local run
	fresh 204
	expect 0 "$AMIGRUN" run 0001_tells
	run=$(state "SELECT query_id FROM @effect WHERE number = 1")
	is "the key" "$(head -1 "$scratch/log" | cut -d'|' -f3)" "${run%:*}"
}
what_is_refused_is_not_sent_again() {
	fresh '404 | no such hook, says token=s3cret'
	expect 1 "$AMIGRUN" run 0001_tells
	has "the message" "$output" "POST $hook/done?… was answered with 404: no such hook, says token=…"
	is "the requests" "$(requests 1)" "POST PATCH"
	is "the row" "$(status_of 0001_tells)" errored
}
what_passes_is_sent_again() {
	local status
	for status in 408 425 429 500 502 503 504 close; do
		fresh $status $status 204
		expect 0 "$AMIGRUN" run 0001_tells
		is "the requests" "$(requests 1)" "POST POST POST DELETE PUT"
		is "how many keys there are" "$(keys | wc -l)" 3
	done
}
a_server_that_asks_for_time_gets_it() {
	local began=$SECONDS
	fresh '503 Retry-After: 2' 204
	expect 0 "$AMIGRUN" run 0002_patient
	[ $((SECONDS - began)) -ge 2 ] || die "it did not wait"
	one_key
}
what_stays_in_doubt_is_open_and_keeps_its_key() {
	fresh 500 close 500 204
	expect 1 "$AMIGRUN" run 0002_patient --no-auto-rollback
	has "the message" "$output" "POST $hook/slow was answered with 500"
	is "the row" "$(status_of 0002_patient)" errored
	expect 0 "$AMIGRUN" resume 0002_patient
	is "the requests" "$(requests 1)" "POST POST POST POST"
	one_key
}
a_refusal_after_a_doubt_says_nothing_of_the_first() {
	fresh close 403 204
	expect 1 "$AMIGRUN" run 0002_patient --no-auto-rollback
	is "the requests" "$(requests 1)" "POST POST"
	expect 0 "$AMIGRUN" resume 0002_patient
	one_key
}
what_stays_in_doubt_is_undone() {
	fresh 500
	expect 1 "$AMIGRUN" run 0002_patient
	is "the row" "$(status_of 0002_patient)" rolled_back
	is "the outcomes" "$(outcomes)" failed
	printf '204\n' >"$scratch/answers"
	expect 0 "$AMIGRUN" run 0002_patient
	is "how many keys there are" "$(keys | wc -l)" 2
}
what_is_answered_too_late_is_sent_again() {
	fresh '200 after 3' 204
	expect 0 "$AMIGRUN" run 0002_patient
	is "the requests" "$(requests 1)" "POST POST"
	one_key
}
the_operation_settles_a_doubt_as_it_says() {
	fresh '200 after 3' 204
	sqlite3 "$AMIG_SQLITE" 'INSERT INTO t VALUES (1)'
	expect 0 "$AMIGRUN" run 0003_probed
	is "the requests" "$(requests 1)" POST
	fresh '200 after 3' 204
	expect 0 "$AMIGRUN" run 0003_probed
	one_key
	is "the requests" "$(requests 1)" "POST POST"
	fresh '200 after 3' 204
	expect 0 "$AMIGRUN" run 0004_undone
	is "the requests" "$(requests 1)" "POST DELETE POST"
	is "how many keys there are" "$(keys | wc -l)" 3
}
a_good_status_is_enough() {
	local answer
	for answer in promised '200 endless'; do
		fresh "$answer"
		expect 0 "$AMIGRUN" run 0002_patient
		is "the requests" "$(requests 1)" POST
	done
}
redirects_are_followed_within_the_host() {
	fresh '307 Location: /there' "308 Location: $hook/at/last" 204
	expect 0 "$AMIGRUN" run 0002_patient
	is "the requests" "$(requests 1,2)" "POST|/slow POST|/there POST|/at/last"
	one_key
	fresh '302 Location: /there'
	expect 1 "$AMIGRUN" run 0002_patient
	has "the message" "$output" "was answered with 302, a redirect to $hook/there, which is not followed"
	fresh '307 Location: http://localhost:'"$port"'/elsewhere?token=s3cret'
	expect 1 "$AMIGRUN" run 0002_patient
	has "the message" "$output" "a redirect to http://localhost:$port/elsewhere?…, which is not followed"
	is "the requests" "$(requests 1)" POST
	fresh '307 Location: /round'
	expect 1 "$AMIGRUN" run 0002_patient
	has "the message" "$output" "was redirected more than 5 times"
}
nothing_is_sent_to_local_addresses() {
	local name
	fresh 204
	for name in 10 11 12 13 14 15; do
		unset AMIG_ALLOW_LOCAL
		expect 1 "$AMIGRUN" run "00${name}_local"
		has "the message" "$output" "is not an address of the internet" "AMIG_ALLOW_LOCAL does not list"
		is "the requests" "$(requests)" ""
	done
	AMIG_ALLOW_LOCAL="elsewhere, LOCALHOST" expect 0 "$AMIGRUN" run 0012_local
	is "the requests" "$(requests 2)" "/in"
}
what_cannot_be_reached_is_tried_again_and_fails() {
	local began=$SECONDS
	fresh 204
	AMIG_ALLOW_LOCAL=127.0.0.1 expect 4 "$AMIGRUN" run 0021_nobody --no-auto-rollback
	has "the message" "$output" "POST http://127.0.0.1:1/x?… could not be sent"
	is "the attempts" "$(state 'SELECT attempts FROM @operation')" 3
	fresh 204
	expect 4 "$AMIGRUN" run 0022_unknown --no-auto-rollback
	has "the message" "$output" "could not be sent" "nobody.invalid"
	fresh 204
	expect 1 "$AMIGRUN" run 0020_no_url
	has "the message" "$output" "0020_no_url.amig:" 'the address of `http` is no URL'
	[ $((SECONDS - began)) -lt 60 ] || die "it took too long"
}
what_fails_is_caught() {
	fresh 403 204
	expect 0 "$AMIGRUN" run 0005_outlives
	is "the bodies" "$(requests 2,6)" "/first| /told|permanent 403"
	fresh 500 500 500 204
	expect 0 "$AMIGRUN" run 0005_outlives
	is "the last" "$(tail -1 "$scratch/log" | cut -d'|' -f2,6)" "/told|unknown 500"
	is "the outcomes" "$(outcomes)" failed,done
}
no_secret_of_an_address_is_kept() {
	fresh '503 | what is /hooks/s3cret/path?' 204
	export HOOK="http://us3r:p4ssword@127.0.0.1:$port/hooks/s3cret/path?token=t0ken"
	expect 0 "$AMIGRUN" run 0006_secret
	is "the authorization" "$(requests 5)" "Basic dXMzcjpwNHNzd29yZA== Basic dXMzcjpwNHNzd29yZA=="
	has "what was said" "$output" "POST env:HOOK was answered with 503: what is …?"
	case "$output" in *s3cret* | *p4ssword* | *us3r* | *t0ken*) die "a secret was said" ;; esac
	sqlite3 "${AMIG_STATE#sqlite:}" .dump >"$scratch/dump"
	has "the journal" "$(cat "$scratch/dump")" 'POST env:HOOK'
	! grep -aE 's3cret|p4ssword|us3r|t0ken' "$scratch"/state.db* "$scratch/dump" || die "a secret is in the state"
	fresh 204
	AMIG_ALLOW_ENV='' expect 1 "$AMIGRUN" run 0006_secret
	has "the message" "$output" "does not allow migrations to read the variable HOOK"
	expect 1 "$AMIGRUN" run 0006_secret
	has "the message" "$output" "the address in HOOK, which is not set"
	fresh 404
	expect 1 "$AMIGRUN" run 0001_tells
	state 'SELECT description, code FROM @error' >"$scratch/dump"
	state 'SELECT * FROM @event' >>"$scratch/dump"
	state 'SELECT sql FROM @effect' >>"$scratch/dump"
	! grep s3cret "$scratch/dump" || die "a secret is in the state"
}
# Killed at each commit of the resume in which the request that is to be sent again can't be asked for any more.
what_cannot_be_sent_again_is_outlived() {
	local commit
	for commit in 1 2 3 4 5; do
		fresh 204
		export HOOK=$hook/first
		AMIG_FAULT=after_effect:1 expect 137 "$AMIGRUN" run 0009_outlives_secret
		AMIG_FAULT=after_commit:$commit AMIG_ALLOW_ENV='' AMIG_LEASE=1s "$AMIGRUN" resume 0009_outlives_secret \
			>"$scratch/out" 2>&1
		is "its end" "$?" 137
		AMIG_ALLOW_ENV='' expect 0 "$AMIGRUN" resume 0009_outlives_secret
		is "the rows" "$(rows)" 1,2
		is "the outcomes" "$(outcomes)" failed,done,done
	done
}
a_plan_shows_requests() {
	fresh 204
	expect 0 "$AMIGRUN" plan 0001_tells
	has "the plan" "$output" "POST $hook/done?… (11 bytes)" '{"rows": 3}' "DELETE $hook/lock" "PATCH $hook/undone (6 bytes)"
	case "$output" in *s3cret*) die "a secret is shown" ;; esac
	is "the requests" "$(requests)" ""
}
a_stop_is_heard_while_it_waits() {
	fresh '200 after 20' 204
	"$AMIGRUN" run 0007_long >"$scratch/out" 2>&1 &
	local pid=$!
	await_that 10 grep -q long "$scratch/log"
	sleep 3 # longer than the lease
	is "the status" "$(status_of 0007_long)" running
	expect 0 "$AMIGRUN" stop 0007_long --now
	wait $pid
	is "the status" "$(status_of 0007_long)" stopped
	expect 0 "$AMIGRUN" resume 0007_long
	is "the requests" "$(requests 1)" "POST POST"
	one_key
}
a_healthcheck_ends_it() {
	fresh '200 after 20'
	"$AMIGRUN" run 0008_long_and_checked >"$scratch/out" 2>&1 &
	local pid=$!
	await_that 10 grep -q long "$scratch/log"
	sqlite3 "$AMIG_SQLITE" 'INSERT INTO t VALUES (1)'
	wait $pid
	has "what was said" "$(cat "$scratch/out")" "no room"
	is "the status" "$(status_of 0008_long_and_checked)" rolled_back
}
a_server_that_cannot_prove_itself_gets_nothing() {
	secured
	fresh 204
	HOOK=https://127.0.0.1:$tls/ AMIG_ALLOW_LOCAL=127.0.0.1 expect 4 "$AMIGRUN" run 0006_secret
	has "the message" "$output" "could not be sent" certificate
	is "the attempts" "$(state 'SELECT attempts FROM @operation')" 1
	kill $secured
}
an_authority_of_ones_own_vouches() {
	secured
	fresh 204
	export HOOK=https://127.0.0.1:$tls/in AMIG_ALLOW_LOCAL=127.0.0.1
	AMIG_HTTP_CA=$scratch/cert expect 0 "$AMIGRUN" run 0006_secret
	has "what was sent" "$(cat "$scratch/tls")" "POST /in HTTP/1.1" hello
	fresh 204
	export HOOK=https://127.0.0.1:$tls/in AMIG_ALLOW_LOCAL=127.0.0.1
	AMIG_HTTP_CA=$scratch/nowhere expect 4 "$AMIGRUN" run 0006_secret
	kill $secured
}
# A server that proves itself with $scratch/cert and gives one answer, whatever it is sent.
secured() {
	openssl req -x509 -newkey rsa:2048 -nodes -keyout "$scratch/key" -addext subjectAltName=IP:127.0.0.1 \
		-out "$scratch/cert" -subj /CN=127.0.0.1 -days 2 2>/dev/null
	: >"$scratch/tls"
	openssl s_server -accept 127.0.0.1:0 -cert "$scratch/cert" -key "$scratch/key" >"$scratch/tls" 2>&1 \
		< <(printf 'HTTP/1.1 204 No Content\r\n\r\n'; sleep 5) &
	secured=$!
	await_that 10 grep -q ACCEPT "$scratch/tls"
	tls=$(sed -nE 's/^ACCEPT .*:([0-9]+)$/\1/p' "$scratch/tls")
}

build http "$scratch"/00*.amig
check "http/requests are effects like others" requests_are_effects_like_others
check "http/the key is of run, operation and effect" the_key_is_of_run_operation_and_effect
check "http/what is refused is not sent again" what_is_refused_is_not_sent_again
check "http/what passes is sent again" what_passes_is_sent_again
check "http/a server that asks for time gets it" a_server_that_asks_for_time_gets_it
check "http/what stays in doubt is open and keeps its key" what_stays_in_doubt_is_open_and_keeps_its_key
check "http/a refusal after a doubt says nothing of the first" a_refusal_after_a_doubt_says_nothing_of_the_first
check "http/what stays in doubt is undone" what_stays_in_doubt_is_undone
check "http/what is answered too late is sent again" what_is_answered_too_late_is_sent_again
check "http/the operation settles a doubt as it says" the_operation_settles_a_doubt_as_it_says
check "http/a good status is enough" a_good_status_is_enough
check "http/redirects are followed within the host" redirects_are_followed_within_the_host
check "http/nothing is sent to local addresses" nothing_is_sent_to_local_addresses
check "http/what cannot be reached is tried again and fails" what_cannot_be_reached_is_tried_again_and_fails
check "http/what fails is caught" what_fails_is_caught
check "http/no secret of an address is kept" no_secret_of_an_address_is_kept
check "http/what cannot be sent again is outlived" what_cannot_be_sent_again_is_outlived
check "http/a plan shows requests" a_plan_shows_requests
check "http/a stop is heard while it waits" a_stop_is_heard_while_it_waits
check "http/a healthcheck ends it" a_healthcheck_ends_it
check "http/a server that cannot prove itself gets nothing" a_server_that_cannot_prove_itself_gets_nothing
check "http/an authority of one's own vouches for a server" an_authority_of_ones_own_vouches
report_end
