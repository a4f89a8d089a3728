/*
 * scan.h - where the statements of an SQL text begin and with which words
 *
 * Knows comments, strings, quoted names, PostgreSQL's dollar quotes and the bodies of its SQL
 * functions and of SQLite's triggers, so that a ';' or a word inside of them counts for nothing. No
 * parser: whatever it misjudges the server refuses.
 */
#ifndef VM_CONNECTION_SCAN_H
#define VM_CONNECTION_SCAN_H

#include "vm/base/str.h"

enum scan_dialect { SCAN_POSTGRES, SCAN_SQLITE, SCAN_CLICKHOUSE };

#define SCAN_WORDS_MAX 64

struct scan {
	enum scan_dialect dialect;
	struct str rest;
};

/* One statement: its text from its first token, and its bare words up to the cap (as written; names
 * in quotes are ""). */
struct scan_statement {
	struct str text;
	struct str words[SCAN_WORDS_MAX];
	size_t word_count;
};

/* false: nothing but space and comments is left. */
bool scan_next(struct scan *s, struct scan_statement *out);
/* Whether word number i is this one, whatever its case. */
bool scan_is(const struct scan_statement *s, size_t i, const char *word);
bool scan_has(const struct scan_statement *s, const char *word);
/* Whether it begins with these words, separated by single spaces. */
bool scan_begins(const struct scan_statement *s, const char *words);

#endif
