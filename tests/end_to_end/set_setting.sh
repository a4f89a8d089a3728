#!/bin/bash
# set_setting.sh - `set setting`: changed with the step, put back by the rollback, unless somebody has
# changed it since
set -u
. "$(dirname "$0")/../support/case.sh"

cat >"$scratch/0001_sets.amig" <<'A'
migration "0001_sets" {
  needs db: sqlite
  operation "pause" on db {
    forward {
      set setting "auto_rollback" = false
      set setting "mine.batch" = 100
      set setting "mine.batch" = 200
      exec sql"INSERT INTO t VALUES (${setting("mine.batch") ?? "none"})"
    }
    rollback sql"INSERT INTO t VALUES (${setting("mine.batch") ?? "none"})"
  }
  operation "more" on db {
    forward {
      set setting "mine.batch" = "300"
      set setting "mine.other" = true
      require not db.exists(sql"SELECT 1 FROM wish") else "as wished"
    }
    rollback nothing
  }
}
A
for kind in store_id:x max_running:0 :x; do
	cat >"$scratch/0002_${kind%:*}_refused.amig" <<-A
		migration "0002_${kind%:*}_refused" {
		  needs db: sqlite
		  operation "wrong" on db {
		    forward { set setting "${kind%:*}" = "${kind#*:}" }
		    rollback nothing
		  }
		}
	A
done

fresh() {
	export AMIG_DB_URL=$scratch/target.db
	place_state $where set_setting
	target 'CREATE TABLE t (x); CREATE TABLE wish (x)'
}
target() { sqlite3 -cmd '.timeout 10000' "$AMIG_DB_URL" "$1"; }
settings() { state "SELECT name, value FROM @setting WHERE name <> 'store_id' ORDER BY name" | paste -sd ' '; }
kept() { state 'SELECT count(*) FROM @setting_kept'; }

is_put_back_by_the_rollback() {
	fresh
	expect 0 "$AMIGRUN" set auto_rollback=true
	expect 0 "$AMIGRUN" plan 0001_sets
	has "the plan" "$output" "set setting auto_rollback = false"
	expect 0 "$AMIGRUN" run 0001_sets
	is "the settings" "$(settings)" "auto_rollback|false mine.batch|300 mine.other|true"
	is "what was read" "$(target 'SELECT x FROM t')" 200
	is "the events" "$(state "SELECT detail FROM @event WHERE kind = 'setting_changed' ORDER BY id LIMIT 1")" \
		"auto_rollback = false"
	expect 0 "$AMIGRUN" rollback 0001_sets --yes
	is "the settings" "$(settings)" "auto_rollback|true"
	is "what is kept" "$(kept)" 0
	is "what was read" "$(target 'SELECT x FROM t' | paste -sd ' ')" "200 200"
}
is_put_back_where_it_failed() {
	fresh
	target 'INSERT INTO wish VALUES (1)'
	expect 1 "$AMIGRUN" run 0001_sets
	is "the row" "$(migration 0001_sets status)" errored
	expect 0 "$AMIGRUN" rollback 0001_sets
	is "the settings" "$(settings)" ""
}
is_left_where_somebody_changed_it() {
	fresh
	expect 0 "$AMIGRUN" run 0001_sets
	expect 0 "$AMIGRUN" set auto_rollback=true
	expect 0 "$AMIGRUN" rollback 0001_sets --yes
	is "the settings" "$(settings)" "auto_rollback|true"
}
is_shown_and_changed_by_operators() {
	fresh
	expect 0 "$AMIGRUN" run 0001_sets
	expect 0 "$AMIGRUN" settings
	has "the settings" "$output" "mine.batch     300"
	expect 0 "$AMIGRUN" set mine.batch=400
	expect 2 "$AMIGRUN" set mine.unknown=1
	expect 2 "$AMIGRUN" set store_id=1
	is "the settings" "$(settings)" "auto_rollback|false mine.batch|400 mine.other|true"
	expect 0 "$AMIGRUN" settings --json
	has "the settings" "$output" '"mine.batch": "400"'
	case "$output" in *store_id*) die "the store's id is shown: $output" ;; esac
}
is_refused_where_it_cannot_be() {
	fresh
	local name
	for name in store_id max_running ''; do
		expect 1 "$AMIGRUN" run "0002_${name}_refused" --no-auto-rollback
		is "the settings" "$(settings)" ""
	done
}

build settings "$scratch"/*.amig
for where in same other postgres; do
	check "set setting, state $where: put back by the rollback" is_put_back_by_the_rollback
	check "set setting, state $where: put back where it failed" is_put_back_where_it_failed
	check "set setting, state $where: left where somebody changed it" is_left_where_somebody_changed_it
	check "set setting, state $where: shown and changed by operators" is_shown_and_changed_by_operators
	check "set setting, state $where: refused where it cannot be" is_refused_where_it_cannot_be
done
report_end
