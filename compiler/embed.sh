#!/bin/sh
# embed.sh - writes the modules of the standard library as a C table (compiler/stdlib.h)
# Usage: embed.sh FILE.amig…
set -eu
LC_ALL=C
export LC_ALL
echo '/* Made by compiler/embed.sh from stdlib/; the words are there. */'
echo '#include "compiler/stdlib.h"'
names=
for file in "$@"; do
	name=$(basename "$file" .amig)
	names="$names $name"
	printf 'static const unsigned char text_%s[] = {\n' "$name"
	od -An -v -tu1 "$file" | sed -e 's/^ *//' -e 's/  */,/g' -e 's/$/,/'
	echo '0};'
done
echo 'const struct stdlib_module stdlib_modules[] = {'
for name in $names; do
	printf '\t{ "%s", "stdlib/%s.amig", (const char *)text_%s, sizeof(text_%s) - 1 },\n' \
		"$name" "$name" "$name" "$name"
done
echo '	{ NULL, NULL, NULL, 0 },'
echo '};'
