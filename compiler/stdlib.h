/*
 * stdlib.h - the standard library's modules, carried by amigc itself
 *
 * The table is made at build time from stdlib/NAME.amig (embed.sh), sorted by name; the last
 * row's name is NULL.
 */
#ifndef COMPILER_STDLIB_H
#define COMPILER_STDLIB_H

#include "vm/base/str.h"

struct stdlib_module {
	const char *name;	/* "clickhouse": what `use` says */
	const char *path;	/* "stdlib/clickhouse.amig": what messages and listings show */
	const char *text;
	size_t len;
};

extern const struct stdlib_module stdlib_modules[];

#endif
