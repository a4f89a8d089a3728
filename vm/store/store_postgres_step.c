/*
 * store_postgres_step.c - the statements of a step as one
 *
 * WITH s0 AS (UPDATE … RETURNING 1), s1 AS (INSERT … RETURNING 1) SELECT …: planned once
 * for each combination that steps have, then bound and executed once a step. The parts see the
 * state before the step, so no part may depend on what another one writes, and no row may be
 * written twice.
 */
#include "vm/store/store_postgres.h"

bool gather(struct gathered *g, enum statement_id id, const struct field *fields, size_t count)
{
	if (g->shape.count == STEP_STATEMENTS_MAX || g->field_count + count > STEP_FIELDS_MAX)
		return false;
	g->shape.ids[g->shape.count++] = id;
	for (size_t i = 0; i < count; i++) {
		struct field *f = &g->fields[g->field_count++];
		*f = fields[i];
		if (f->text.len)
			f->text = arena_str(&g->arena, f->text);
	}
	return true;
}

void gathered_clear(struct gathered *g)
{
	arena_clear(&g->arena);
	g->shape.count = g->field_count = 0;
}

size_t shape_number(struct postgres_store *p, const struct shape *shape)
{
	for (size_t i = 0; i < p->shape_count; i++)
		if (p->shapes[i].count == shape->count &&
		    memcmp(p->shapes[i].ids, shape->ids, shape->count * sizeof(shape->ids[0])) == 0)
			return i;
	if (p->shape_count == SHAPES_MAX)
		return SHAPES_MAX;
	p->shapes[p->shape_count] = *shape;
	p->shapes[p->shape_count].prepared = false;
	return p->shape_count++;
}

/* The statement with its parameters counted from base + 1. Returns how many it has. */
static size_t renumber(struct buf *out, const char *sql, size_t base)
{
	size_t highest = 0;
	while (*sql) {
		buf_byte(out, *sql);
		if (*sql++ != '$' || *sql < '1' || *sql > '9')
			continue;
		size_t number = 0;
		while (*sql >= '0' && *sql <= '9')
			number = number * 10 + (size_t)(*sql++ - '0');
		buf_format(out, "%zu", base + number);
		highest = number > highest ? number : highest;
	}
	return highest;
}

void shape_sql(struct buf *out, struct store *s, const struct shape *shape)
{
	size_t base = 0;
	for (size_t i = 0; i < shape->count; i++) {
		const char *sql = s->sql[shape->ids[i]];
		buf_format(out, "%s s%zu AS (", i ? "," : "WITH", i);
		base += renumber(out, sql, base);
		buf_text(out, str_starts(str_c(sql), STR("SELECT")) ? ")" : " RETURNING 1)");
	}
	for (size_t i = 0; i < shape->count; i++) {
		buf_text(out, i ? ", " : " SELECT ");
		enum miss miss = statement_miss(shape->ids[i]);
		if (miss == MISS_NONE)
			buf_format(out, "(SELECT count(*) FROM s%zu)", i);
		else
			buf_format(out,
				   "CAST((SELECT CASE count(*) WHEN 0 THEN '" MISS_WORD
				   "%d' ELSE '1' END FROM "
				   "s%zu) AS integer)",
				   (int)miss, i);
	}
}

enum miss miss_of(const struct error *err)
{
	const char *word = err->message ? strstr(err->message, MISS_WORD) : NULL;
	if (!word || strcmp(err->code, "22P02") != 0)
		return MISS_NONE;
	return (enum miss)(word[strlen(MISS_WORD)] - '0');
}
