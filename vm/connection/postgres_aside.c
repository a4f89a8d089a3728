/* postgres_aside.c - rows into PostgreSQL by COPY, without those that it refuses */
#include "vm/connection/postgres_aside.h"
#include "vm/driver/postgres_copy.h"

#include <stdlib.h>

#define HINTS_DEPTH 50		/* deeper than that the middle is nearer to the end */

static enum outcome run(struct postgres_aside *a, const char *sql, struct error *err)
{
	return postgres_query(a->session, sql, a->watch, NULL, err);
}

static enum outcome read_answers(struct postgres_aside *a, struct error *err)
{
	a->is_open = false;
	return postgres_copy_answers(a->session, a->watch, err);
}

static enum outcome try(struct postgres_aside *a, struct str rows, struct error *err)
{
	const char *prefix =
		a->holds ? "RELEASE SAVEPOINT amig_row;" POSTGRES_ASIDE_SAVEPOINT ";" : "";
	enum outcome o = postgres_send(a->session, prefix, a->copy, "", false, err);

	a->is_open = o == OUTCOME_OK;
	if (o == OUTCOME_OK)
		o = postgres_copy_begin(a->session, false, NULL, a->watch, err);
	if (o == OUTCOME_OK)
		o = postgres_copy_write(a->session, rows, a->watch, err);
	if (o == OUTCOME_OK)
		o = postgres_copy_end(a->session, a->watch, err);
	if (o == OUTCOME_OK)
		o = read_answers(a, err);
	a->holds = o == OUTCOME_OK;
	return o;
}

/* Of a value or of a constraint, or what a trigger says of it; nothing that another row would not
 * meet as well. */
static bool is_about_row(const struct postgres_aside *a, const struct error *err)
{
	struct str code = str_c(err->code);

	return !a->is_open && code.len == 5 &&
	       (str_starts(code, STR("22")) || str_starts(code, STR("23")) ||
		str_eq(code, STR("P0001")));
}

/* COPY t, line 4, column a: "x": 4, or 0. It may be wrong, as a value may say such a thing. */
static long line_told(const struct error *err)
{
	const char *at = strstr(err->message, "\nCOPY "), *next, *line;

	while (at && (next = strstr(at + 1, "\nCOPY ")) != NULL)
		at = next;
	line = at ? strstr(at, ", line ") : NULL;
	return line ? strtol(line + 7, NULL, 10) : 0;
}

static long lines_of(struct str rows)
{
	long n = 0;

	for (size_t i = 0; i < rows.len; i++)
		n += rows.ptr[i] == '\n';
	return n;
}

/* The first n lines. */
static struct str head_of(struct str rows, long n)
{
	size_t i = 0;

	for (; n > 0 && i < rows.len; i++)
		n -= rows.ptr[i] == '\n';
	return (struct str){ rows.ptr, i };
}

/* Without what is said of a COPY that no author knows of. */
static void strip_place(struct error *why)
{
	char *at = strstr(why->message, "\nCOPY ");

	if (at && !strchr(at + 1, '\n'))
		*at = '\0';
}

static enum outcome put(struct postgres_aside *a, struct str rows, int64_t nth, int depth,
			struct error *err)
{
	while (rows.len) {
		enum outcome o = try(a, rows, err), back;
		long count = lines_of(rows), told, cut;
		struct error lost = { 0 };
		struct str head;

		if (o == OUTCOME_OK || !is_about_row(a, err))
			return o;
		back = run(a, "ROLLBACK TO " POSTGRES_ASIDE_SAVEPOINT, &lost);
		if (back != OUTCOME_OK) {
			error_take(err, &lost);
			return back;
		}
		told = depth < HINTS_DEPTH ? line_told(err) : 0;
		cut = told == 1 ? 1 : told > 1 && told <= count ? told - 1 : count / 2;
		head = count > 1 ? head_of(rows, cut) : rows;
		if (count == 1) {
			strip_place(err);
			o = a->target->set_aside(a->target->context, nth,
						 (struct str){ rows.ptr, rows.len - 1 }, err);
		} else {
			error_clear(err);
			o = put(a, head, nth, depth + 1, err);
		}
		if (o != OUTCOME_OK)
			return o;
		nth += count > 1 ? cut : 1;
		rows.ptr += head.len;
		rows.len -= head.len;
	}
	return OUTCOME_OK;
}

enum outcome postgres_aside_write(struct postgres_aside *a, struct str rows, struct error *err)
{
	return put(a, rows, 0, 0, err);
}
