#!/bin/bash
# copy_soak.sh - a long `copy` in windows into ClickHouse: amigrun is killed at random, and so is the server; every row is there
# once, by number and by a checksum that both databases compute for themselves
#
# AMIG_SOAK_ROWS (5000000), AMIG_SOAK_KILLS (50) of amigrun, AMIG_SOAK_OUTAGES (10) of the server. AMIG_CRASH=small: far less.
set -u
. "$(dirname "$0")/../support/case.sh"
. "$case_root/tests/support/outage.sh"

if [ "${AMIG_CRASH-}" = small ]; then set -- 6000 3 1 30; else set -- 5000000 50 10 100; fi
rows=${AMIG_SOAK_ROWS:-$1} kills=${AMIG_SOAK_KILLS:-$2} outages=${AMIG_SOAK_OUTAGES:-$3}
windows=$4
window=$((rows / windows))
name=0001_soak columns='id, team, name, total, at, note'
cat >"$scratch/$name.amig" <<E
migration "$name" {
  needs p: postgres
  needs c: clickhouse

  operation "copy" on p {
    retry 20 backoff 100ms .. 2s
    forward {
      for w in batches of ident("s") by id size $window {
        copy p sql"SELECT $columns FROM s WHERE \${w.where}" into c ident("t") columns ($columns)
      }
    }
    rollback nothing
  }
}
E

# Each window is in several partitions, so a server that dies can have a part of it.
prepare() {
	AMIG_P_URL=$(new_postgres amig_copy_soak)
	AMIG_C_URL=$outage_clickhouse
	AMIG_STATE=sqlite:$scratch/state.db
	export AMIG_P_URL AMIG_C_URL AMIG_STATE
	postgres "$AMIG_P_URL" "CREATE TABLE s AS SELECT n AS id, (n % 1000)::int AS team, md5(n::text) AS name,
		(n / 7.0)::numeric(18, 4) AS total, timestamptz '2020-01-01Z' + n * interval '1 second' AS at,
		nullif(repeat(E'x\t', (n % 50)::int), '') AS note FROM generate_series(1, $rows::bigint) AS n"
	postgres "$AMIG_P_URL" 'ALTER TABLE s ADD PRIMARY KEY (id)'
	house "CREATE TABLE t (id Int64, team Int32, name String, total Decimal(18, 4), at DateTime, note Nullable(String))
		ENGINE = MergeTree PARTITION BY intDiv(id, $((window * 2 / 5 + 1))) % 50 ORDER BY id"
}
house() { curl -sS "$outage_clickhouse" --data-binary "$1"; }
sums() {
	postgres "$AMIG_P_URL" "SELECT count(*), sum(('x' || left(md5(concat_ws('|', id, team, name, total,
		extract(epoch FROM at)::bigint, coalesce(note, '-'))), 8))::bit(32)::bigint) FROM s"
	house "SELECT count(), sum(reinterpretAsUInt32(reverse(substring(toString(MD5(concat(toString(id), '|',
		toString(team), '|', name, '|', toString(total), '|', toString(toUnixTimestamp(at)), '|',
		ifNull(note, '-')))), 1, 4)))) FROM t" | tr '\t' '|'
}
done_windows() { state "SELECT count(DISTINCT number) FROM @effect WHERE outcome = 'done'" | grep -x '[0-9]*' || echo 0; }

runner=
starts() {
	"$AMIGRUN" "$1" $name --no-auto-rollback >>"$scratch/out" 2>&1 </dev/null &
	runner=$!
}
# It went on while the server was away, or ended with what can be gone on from.
goes_on() {
	local status
	kill -0 $runner 2>/dev/null && return
	wait $runner
	status=$?
	case $status in
	0) ended=yes ;;
	1 | 3 | 4) starts resume ;;
	*) die "it ended with status $status" ;;
	esac
}
# lives MS WINDOWS: for so long at the most, and until so many are done.
lives() {
	local end=$((${EPOCHREALTIME/./} / 1000 + $1))
	while [ $((${EPOCHREALTIME/./} / 1000)) -lt $end ] && [ "$(done_windows)" -lt "$2" ]; do sleep 0.02; done
}
# How long it may live goes by how many windows are done and how often it was killed: a tenth is left for behind the last time.
survives_kills() {
	local killed=0 fallen=0 life=$((rows < 100000 ? 150 : 600)) progress ended=no
	trap '[ -z "$runner" ] || kill -KILL $runner 2>/dev/null; tail -30 "$scratch/out"' EXIT
	: >"$scratch/out"
	starts run
	while [ $killed -lt "$kills" ] && [ $ended = no ]; do
		lives $((life * (20 + RANDOM % 100) / 100)) $(((killed + 1) * windows * 9 / 10 / kills + 1))
		if [ $fallen -lt "$outages" ] && [ $(((killed + 1) * outages)) -ge $(((fallen + 1) * kills)) ]; then
			again clickhouse
			fallen=$((fallen + 1))
			sleep 0.$((RANDOM % 5))
		fi
		goes_on
		[ $ended = no ] || break
		kill -KILL $runner && wait $runner 2>/dev/null
		killed=$((killed + 1))
		progress=$(done_windows)
		life=$((progress * kills * 10 > killed * windows * 9 ? life * 7 / 10 + 20 : life * 13 / 10))
		starts run
	done
	until [ $ended = yes ]; do goes_on; sleep 0.1; done
	runner=
	is "times that amigrun was killed" $killed "$kills"
	is "times that the server was killed" $fallen "$outages"
	is "the migration" "$(migration $name status)" completed
	{ read -r there; read -r here; } < <(sums)
	is "the table" "$here" "$there"
}
tell() { sed -nE 's/.*(the table (had|has) [^,:(]*).*/\1/p' "$scratch/out" | sort | uniq -c; }

build soak "$scratch/$name.amig" >"$scratch/build.log" || { failed "crash, copy_soak/build" "$scratch/build.log"; exit 1; }
outage_servers || exit 1
prepare || exit 1
check "crash, copy_soak/$rows rows are there once, amigrun killed $kills times and its target $outages times" survives_kills
[ "${AMIG_CRASH-}" = small ] || { sums; tell; }
report_end
