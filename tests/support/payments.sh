# payments.sh - the demo's migration on SQLite: fresh databases, and what they hold before and after
# shellcheck shell=bash

payments=0001_payments_in_cents

# payments_ready ROWS: the bundle, and a template of the database.
payments_ready() {
	build payments "$case_root/migrations.d/demo" >"$scratch/build.log" || { cat "$scratch/build.log"; return 1; }
	"$case_root/tools/demo-database" "$scratch/template.db" "$1" >/dev/null
	sqlite3 "$scratch/template.db" 'PRAGMA wal_checkpoint(TRUNCATE)' >/dev/null
	export AMIG_APP_VERSION=1.2.0 AMIG_SQLITE=$scratch/payments.db
	before=$(payments_content "$scratch/template.db")
}

# Schema and rows of the tables that are not amig's own.
payments_content() {
	sqlite3 -cmd '.timeout 10000' "$1" "SELECT type, name, replace(sql, '\"', '') FROM sqlite_schema
		WHERE tbl_name LIKE 'payment%' ORDER BY 1, 2" \
		'.sha3sum payment%' "PRAGMA integrity_check"
}

payments_reset() {
	rm -f "$AMIG_SQLITE" "$AMIG_SQLITE"-* "$scratch/state.db"*
	cp "$scratch/template.db" "$AMIG_SQLITE"
}

# Completed, at the last index, the old rows where they were and the new ones what they should be.
payments_are_converted() {
	is "the row of the migration" "$(migration $payments status progress current_operation_index)" "completed|100|15"
	is "the number of operations done" "$(state "SELECT count(*) FROM @operation WHERE status = 'done'")" 15
	is "the rows that differ" "$(sqlite3 "$AMIG_SQLITE" "SELECT count(*) FROM payment_old o LEFT JOIN payment n ON n.id = o.id
		AND n.account = o.account AND n.cents = CAST(round(o.amount * 100) AS INTEGER)
		AND n.paid_at = CAST(strftime('%s', o.paid_at) AS INTEGER) WHERE n.id IS NULL")" 0
	is "the rows" "$(sqlite3 "$AMIG_SQLITE" 'SELECT (SELECT count(*) FROM payment), (SELECT count(*) FROM payment_old)')" \
		"$payments_rows|$payments_rows"
	is "the content" "$(payments_content "$AMIG_SQLITE")" "$after"
}

# Once, undisturbed: $after is what every other run has to end with.
payments_learn() {
	payments_rows=$(sqlite3 "$scratch/template.db" 'SELECT count(*) FROM payment')
	payments_reset
	expect 0 "$AMIGRUN" run $payments >"$scratch/learn.log" || { cat "$scratch/learn.log"; return 1; }
	after=$(payments_content "$AMIG_SQLITE")
}
