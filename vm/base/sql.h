/*
 * sql.h - the tokens of an SQL text, and where its statements begin and with which words
 *
 * Knows comments, strings, quoted names, PostgreSQL's dollar quotes and the bodies of its SQL
 * functions and of SQLite's triggers, so that a ';' or a word inside of them counts for nothing. No
 * parser: whatever it misjudges the server refuses.
 */
#ifndef VM_BASE_SQL_H
#define VM_BASE_SQL_H

#include "vm/base/str.h"

enum sql_dialect { SQL_POSTGRES, SQL_SQLITE, SQL_CLICKHOUSE };

#define SQL_WORDS_MAX 64

struct sql_scan {
	enum sql_dialect dialect;
	struct str rest;
};

/* One statement: its text from its first token, and its bare words up to the cap (as written; names
 * in quotes are ""). */
struct sql_statement {
	struct str text;
	struct str words[SQL_WORDS_MAX];
	size_t word_count;
};

enum sql_token {
	SQL_TOKEN_END,
	SQL_TOKEN_WORD,	  /* a bare name, a word of SQL, a number */
	SQL_TOKEN_QUOTED, /* a name in quotes, which belong to its text */
	SQL_TOKEN_SEMICOLON,
	SQL_TOKEN_OTHER,  /* a string, or one character of anything else */
};

/* The next one and its text; space and comments are passed over. */
enum sql_token sql_token(struct sql_scan *s, struct str *text);
/* false: nothing but space and comments is left. */
bool sql_next(struct sql_scan *s, struct sql_statement *out);
/* Whether word number i is this one, whatever its case. */
bool sql_is(const struct sql_statement *s, size_t i, const char *word);
bool sql_has(const struct sql_statement *s, const char *word);
/* Whether it begins with these words, separated by single spaces. */
bool sql_begins(const struct sql_statement *s, const char *words);
/* Whether PostgreSQL takes all statements of the text inside of a transaction. */
bool sql_is_transactional(struct str sql);

#endif
