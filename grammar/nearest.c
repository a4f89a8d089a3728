/* nearest.c - what an author who misspelt a name may have meant */
#include "grammar/diag.h"
#include <strings.h>

#define SUGGESTION_MAX 64

/* How many letters have to be added, dropped, changed or swapped with their neighbour. */
static size_t distance(struct str a, struct str b)
{
	size_t before[SUGGESTION_MAX + 1], last[SUGGESTION_MAX + 1], row[SUGGESTION_MAX + 1];

	for (size_t j = 0; j <= b.len; j++)
		last[j] = j;
	memcpy(before, last, sizeof(before));
	for (size_t i = 1; i <= a.len; i++) {
		row[0] = i;
		for (size_t j = 1; j <= b.len; j++) {
			size_t best = last[j - 1] + (a.ptr[i - 1] != b.ptr[j - 1]);

			if (last[j] + 1 < best)
				best = last[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			if (i > 1 && j > 1 && a.ptr[i - 1] == b.ptr[j - 2] &&
				a.ptr[i - 2] == b.ptr[j - 1] && before[j - 2] + 1 < best)
				best = before[j - 2] + 1;
			row[j] = best;
		}
		memcpy(before, last, sizeof(before));
		memcpy(last, row, sizeof(last));
	}
	return last[b.len];
}

/* `part_2` is no misspelt `part_1`, and of short names all are near. */
static bool is_sure(struct str name, struct str other)
{
	size_t i = 0, j = 0;

	if (name.len < 4)
		return false;
	for (;; i++, j++) {
		while (i < name.len && (name.ptr[i] < '0' || name.ptr[i] > '9'))
			i++;
		while (j < other.len && (other.ptr[j] < '0' || other.ptr[j] > '9'))
			j++;
		if (i == name.len || j == other.len)
			return i == name.len && j == other.len;
		if (name.ptr[i] != other.ptr[j])
			return false;
	}
}

struct nearest diag_nearest(struct str name, const struct str *candidates, size_t count)
{
	struct nearest nearest = { .name = { "", 0 } };
	size_t best = name.len <= 4 ? 1 : name.len <= 8 ? 2 : 3; /* how far is too far to guess */

	if (name.len > SUGGESTION_MAX)
		return nearest;
	for (size_t i = 0; i < count; i++)
		if (candidates[i].len == name.len && name.len &&
			strncasecmp(candidates[i].ptr, name.ptr, name.len) == 0)
			return (struct nearest){ candidates[i], true };
	for (size_t i = 0; i < count; i++) {
		size_t d;

		if (candidates[i].len == 0 || candidates[i].len > SUGGESTION_MAX)
			continue;
		d = distance(name, candidates[i]);
		if (d < best || (d == best && !nearest.name.len && d < name.len)) {
			best = d;
			nearest = (struct nearest){ candidates[i], true };
		} else if (d == best && !str_eq(nearest.name, candidates[i])) {
			nearest.is_only = false;
		}
	}
	nearest.is_only = nearest.is_only && best * 3 <= name.len &&
			  is_sure(name, nearest.name);
	return nearest;
}

void diag_suggest(struct diags *d, size_t number, struct nearest near)
{
	if (!near.name.len)
		return;
	diag_help(d, number, "did you mean `%.*s`?", STR_ARG(near.name));
	if (near.is_only)
		diag_fix(d, number, d->all.at[number].span, "%.*s", STR_ARG(near.name));
}
