/* foreign.c - see foreign.h */
#include "grammar/foreign.h"
#include <strings.h>

struct row {
	const char *word, *ours;
	bool sure;
};

static const struct row words[] = {
#define WORD(word, ours, sure) { word, ours, sure },
#include "grammar/foreign.def"
};
static const struct row types[] = {
#define TYPE(word, ours) { word, ours, true },
#include "grammar/foreign.def"
};
static const struct row values[] = {
#define VALUE(word, ours) { word, ours, true },
#include "grammar/foreign.def"
};
static const struct row hints[] = {
#define HINT(word, help) { word, help, true },
#include "grammar/foreign.def"
};
static const struct row units[] = {
#define UNIT(word, ours) { word, ours, true },
#include "grammar/foreign.def"
};
static const struct row signs[] = {
#define SIGN(text, ours) { text, ours, true },
#include "grammar/foreign.def"
};

static bool is_same(struct str word, const char *other)
{
	return strlen(other) == word.len && strncasecmp(word.ptr, other, word.len) == 0;
}

static const struct row *find(const struct row *rows, size_t count, struct str word, size_t from)
{
	for (size_t i = from; i < count; i++)
		if (is_same(word, rows[i].word))
			return &rows[i];
	return NULL;
}

static const char *ours_of(const struct row *row)
{
	return row ? row->ours : NULL;
}

const char *foreign_type(struct str word)
{
	return ours_of(find(types, ARRAY_SIZE(types), word, 0));
}

/* `NULL`, `True`: our own words in another case, and those of others. */
const char *foreign_value(struct str word)
{
	static const char *const own[] = { "null", "true", "false" };

	for (size_t i = 0; i < ARRAY_SIZE(own); i++)
		if (is_same(word, own[i]))
			return own[i];
	return ours_of(find(values, ARRAY_SIZE(values), word, 0));
}

const char *foreign_hint(struct str word)
{
	return ours_of(find(hints, ARRAY_SIZE(hints), word, 0));
}

const char *foreign_unit(struct str word)
{
	return ours_of(find(units, ARRAY_SIZE(units), word, 0));
}

const char *foreign_sign(struct str text)
{
	return ours_of(find(signs, ARRAY_SIZE(signs), text, 0));
}

const char *foreign_word(struct str word, size_t *at, bool *sure)
{
	const struct row *row = find(words, ARRAY_SIZE(words), word, *at);

	*at = row ? (size_t)(row - words) + 1 : ARRAY_SIZE(words);
	*sure = row && row->sure;
	return ours_of(row);
}
