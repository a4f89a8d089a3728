#!/bin/bash
# say.sh - shows a command, what it prints and its status. $T is a folder of the case alone.
say() {
	echo "$ amigc $*" | sed "s|$T|T|g"
	"$AMIGC" "$@" 2>&1 | sed "s|$T|T|g"
	echo "= ${PIPESTATUS[0]}"
}

# migration NAME: a small one, in a file of its name below $T, or of the path given.
migration() {
	mkdir -p "$T/$(dirname "${2-$1.amig}")"
	cat >"$T/${2-$1.amig}" <<-END
	migration "$1" {
	  needs db: sqlite
	  operation "one" on db {
	    forward sql"SELECT 1"
	    rollback nothing
	  }
	}
	END
}
