/* table.c - a table of the targets that `batches` go along: numbers, whose key is id, from 1 on */
#include "tests/simulate/simulate.h"

#include <stdlib.h>

#define ROWS 4

static int64_t behind(struct str sql, struct str word, int64_t otherwise)
{
	int64_t at = str_find(sql, word);

	return at < 0 ? otherwise : strtoll(sql.ptr + at + word.len, NULL, 10);
}

/* The questions of window_ask.c: keys that are null or there twice, the first and the last key, the
 * last one of so many. */
bool table_answer(struct str sql, int64_t *key)
{
	int64_t after = behind(sql, STR("> "), 0), upto = behind(sql, STR("<= "), ROWS);
	int64_t size = behind(sql, STR("LIMIT "), ROWS);
	bool is_window = str_find(sql, STR("AS w")) >= 0;
	bool last_first = str_find(sql, STR(" DESC")) >= 0;

	*key = last_first && !is_window ? upto : after + (is_window ? size : 1);
	if (*key > upto)
		*key = upto;
	return *key > after && str_find(sql, STR("IS NULL")) < 0 &&
	       str_find(sql, STR("HAVING")) < 0;
}
