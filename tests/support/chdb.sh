# chdb.sh - migrations on chDB: the library, an amigrun that it can be loaded into, and a look into
# its folder
#
# The library does not live with a sanitizer's allocator: these tests use the build beside it without.
# shellcheck shell=bash
. "$case_root/tests/support/npm.sh"

chdb_ready() {
	local folder=$AMIG_BUILD/../chdb
	npm_ready "$case_root/tests/chdb" "$folder" || return 1
	AMIG_CHDB_LIBRARY=$(realpath "$folder")/node_modules/@chdb/lib-linux-x64-gnu/libchdb.so
	AMIGRUN=$(realpath "$AMIG_BUILD/../debug")/amigrun
	export AMIG_CHDB_LIBRARY AMIGRUN
	[ -s "$AMIG_CHDB_LIBRARY" ] && [ -x "$AMIGRUN" ] || return 1
	# A file of the working folder would be a table.
	mkdir -p "$scratch/nothing" && cd "$scratch/nothing" || return 1
	cat >"$scratch/look.amig" <<-'E'
		migration "9999_look" {
		  needs db: chdb
		  param query: string = ""
		  operation "look" on db {
		    allow W0302 "a test says it"
		    forward {
		      for line in db.column(sql"${raw(query)}") as [string] {
		        log "> ${line}"
		      }
		    }
		    rollback nothing
		  }
		}
	E
	"$AMIGC" build "$scratch/look.amig" -o "$scratch/look.amb" >"$scratch/look.log" 2>&1
}

# chdb SQL: the lines of its first column, which is a text, in the folder $AMIG_CHDB.
chdb() {
	rm -f "$scratch"/look.db*
	AMIG_DB_URL=$AMIG_CHDB AMIG_STATE=sqlite:$scratch/look.db "$AMIGRUN" run 9999_look --bundle "$scratch/look.amb" \
		--param query="$1" >"$scratch/look.log" 2>&1 || { cat "$scratch/look.log"; return 1; }
	sed -n 's/^> //p' "$scratch/look.log"
}
