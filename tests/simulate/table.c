/* table.c - a table of the targets that `batches` go along: numbers, whose key is id, from 1 on */
#include "tests/simulate/simulate.h"

#include <stdlib.h>

#define ROWS 4

static int64_t behind(struct str sql, struct str word, int64_t otherwise)
{
	int64_t at = str_find(sql, word);

	return at < 0 ? otherwise : strtoll(sql.ptr + at + word.len, NULL, 10);
}

/* The questions of window_ask.c: keys that are null or there twice, and one of them, from either
 * end. */
bool table_answer(struct str sql, int64_t *key)
{
	int64_t after = behind(sql, STR("> "), 0), upto = behind(sql, STR("<= "), ROWS);
	int64_t skip = behind(sql, STR("OFFSET "), 0);
	bool last_first = str_find(sql, STR(" DESC")) >= 0;

	*key = last_first ? upto - skip : after + 1 + skip;
	return *key > after && *key <= upto && str_find(sql, STR("IS NULL")) < 0 &&
	       str_find(sql, STR("HAVING")) < 0;
}

/* Of the rows between two of its keys, the one of the ledger that is the same. */
uint64_t table_keys(struct str sql)
{
	int64_t upto = behind(sql, STR("<= "), ROWS);
	uint64_t keys = 0;

	for (int64_t key = behind(sql, STR("> "), 0) + 1; key <= upto; key++)
		keys |= bit((int)key);
	return keys;
}
