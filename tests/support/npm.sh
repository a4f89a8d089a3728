# npm.sh - packages of npm that tests need, pinned by a lock
# shellcheck shell=bash

# npm_ready LOCKS FOLDER: what LOCKS/package-lock.json names is in FOLDER/node_modules. What was
# installed stays for the next time, until the lock says something else: the lock lies there under its
# own name only when all is there.
npm_ready() {
	cmp -s "$1/package-lock.json" "$2/package-lock.json" && return 0
	mkdir -p "$2" && (
		flock 9
		cmp -s "$1/package-lock.json" "$2/package-lock.json" && exit 0
		rm -rf "${2:?}"/* && cp "$1/package.json" "$2/" && cp "$1/package-lock.json" "$2/npm-shrinkwrap.json" &&
			npm ci --silent --no-audit --no-fund --prefix "$2" && cp "$1/package-lock.json" "$2/"
	) 9>"$2.lock"
}
