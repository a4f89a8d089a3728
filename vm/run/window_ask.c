/* window_ask.c - what the database is asked about the windows of a table and its key */
#include "vm/run/window.h"

#include "vm/run/answer.h"
#include "vm/run/render.h"

/* ---- conditions ---- */

struct pieces {
	struct heap *heap;
	VEC(struct value) at;
	struct buf text;
};

static void add_hole(struct pieces *p, struct value v)
{
	vec_push(&p->at, value_string(p->heap, buf_view(&p->text)));
	vec_push(&p->at, v);
	buf_reset(&p->text);
}

static struct value end_pieces(struct pieces *p)
{
	struct value sql;

	vec_push(&p->at, value_string(p->heap, buf_view(&p->text)));
	sql = value_sql(p->heap, p->at.at, p->at.count);
	vec_clear(&p->at);
	buf_clear(&p->text);
	return sql;
}

static struct value key_part(struct value key, size_t i)
{
	return key.kind == VALUE_RECORD ? key.record->at[i] : key;
}

/* (a, b) > (1, 2) */
static void add_side(struct pieces *p, const struct list *keys, const char *operator,
		     struct value key)
{
	bool several = keys->count > 1;

	buf_text(&p->text, several ? "(" : "");
	for (size_t i = 0; i < keys->count; i++) {
		buf_text(&p->text, i ? ", " : "");
		add_hole(p, value_ident(p->heap, &keys->store->at[i], 1));
	}
	buf_format(&p->text, "%s %s %s", several ? ")" : "", operator, several ? "(" : "");
	for (size_t i = 0; i < keys->count; i++) {
		buf_text(&p->text, i ? ", " : "");
		add_hole(p, key_part(key, i));
	}
	buf_text(&p->text, several ? ")" : "");
}

/* after: null, no lower end. */
struct value window_condition(const struct asking *a, struct value after, struct value upto)
{
	struct pieces p = { .heap = a->heap };

	if (after.kind != VALUE_NULL)
		add_side(&p, a->keys, ">", after);
	if (after.kind != VALUE_NULL && upto.kind != VALUE_NULL)
		buf_text(&p.text, " AND ");
	if (upto.kind != VALUE_NULL)
		add_side(&p, a->keys, "<=", upto);
	return end_pieces(&p);
}

/* ---- questions ---- */

static void put_name(struct asking *a, const struct list *parts)
{
	for (size_t i = 0; i < parts->count; i++) {
		buf_text(&a->sql, i ? "." : "");
		a->c->kind->quote_ident(&a->sql, value_text(parts->store->at[i]));
	}
}

static void put_keys(struct asking *a, const char *behind)
{
	for (size_t i = 0; i < a->keys->count; i++) {
		buf_text(&a->sql, i ? ", " : "");
		a->c->kind->quote_ident(&a->sql, value_text(a->keys->store->at[i]));
		buf_text(&a->sql, behind);
	}
}

/* SELECT keys FROM table WHERE …, of all rows if both ends are null. */
static enum outcome put_rows(struct asking *a, struct value after, struct value upto,
			     struct error *err)
{
	buf_text(&a->sql, "SELECT ");
	put_keys(a, "");
	buf_text(&a->sql, " FROM ");
	put_name(a, a->table);
	if (after.kind == VALUE_NULL && upto.kind == VALUE_NULL)
		return OUTCOME_OK;
	buf_text(&a->sql, " WHERE ");
	return render_sql(window_condition(a, after, upto), a->c->kind, &a->sql, err);
}

static enum outcome read_key(struct asking *a, const struct result *result, struct value *key,
			     struct error *err)
{
	const struct types *types = &a->r->module.types;
	struct buf origin = { 0 }, wanted = { 0 };
	struct value rows;
	enum outcome o = answer_value(result, SHAPE_ROWS, buf_view(&a->sql), a->heap, &rows,
				      &origin, err);

	buf_clear(&origin);
	*key = value_null();
	if (o != OUTCOME_OK || rows.list->count == 0)
		return o;
	*key = rows.list->store->at[0];
	*key = a->keys->count == 1 ? key->record->at[0]
				   : value_record(a->heap, NULL, key->record->at, KEYS_MAX);
	if (value_is(*key, types, a->type))
		return OUTCOME_OK;
	types_print(types, a->type, &wanted);
	error_set(err, OUTCOME_FAILED,
		  "the key of `batches` is not %.*s: column %.*s is %.*s on the server; a type "
		  "stands behind the key's name, as in `by %.*s: string`",
		  STR_ARG(buf_view(&wanted)), STR_ARG(result->columns[0].name),
		  STR_ARG(result->columns[0].type_name), STR_ARG(result->columns[0].name));
	buf_clear(&wanted);
	return OUTCOME_FAILED;
}

static enum outcome ask(struct asking *a, struct result *result, struct error *err)
{
	struct statement s;

	if (!a->apart)
		return request_query(a->r, a->c, buf_view(&a->sql), a->index, a->policy,
				     a->query_id, result, err);
	s = *a->apart;
	s.sql = buf_view(&a->sql);
	return a->c->kind->query(a->c, &s, a->watch, result, err);
}

/* The first row of what a->sql asks for, null if there is none. */
static enum outcome ask_key(struct asking *a, struct value *key, struct error *err)
{
	struct result result = { 0 };
	enum outcome o = ask(a, &result, err);

	if (o == OUTCOME_OK) {
		o = read_key(a, &result, key, err);
		if (o != OUTCOME_OK && !a->apart)
			request_remember_sql(a->r, buf_view(&a->sql), a->query_id);
	}
	result_clear(&result);
	buf_reset(&a->sql);
	return o;
}

/* The first in this order of the keys, behind `skip` of them. */
static enum outcome ask_one(struct asking *a, const char *order, int64_t skip, struct value *key,
			    struct error *err)
{
	buf_text(&a->sql, " ORDER BY ");
	put_keys(a, order);
	buf_text(&a->sql, " LIMIT 1");
	if (skip)
		buf_format(&a->sql, " OFFSET %lld", (long long)skip);
	return ask_key(a, key, err);
}

enum outcome window_outermost(struct asking *a, struct value after, const char *order,
			      struct value *key, struct error *err)
{
	enum outcome o = put_rows(a, after, value_null(), err);

	return o == OUTCOME_OK ? ask_one(a, order, 0, key, err) : o;
}

static enum outcome put_window(struct asking *a, struct value after, struct value end, int64_t size,
			       struct error *err)
{
	enum outcome o = put_rows(a, after, end, err);

	buf_text(&a->sql, " ORDER BY ");
	put_keys(a, "");
	buf_format(&a->sql, " LIMIT %lld", (long long)size);
	return o;
}

/* Counted along the index: the last of so many would have to be sorted for. */
enum outcome window_end(struct asking *a, struct value after, struct value end, int64_t size,
			struct value *key, struct error *err)
{
	enum outcome o = put_rows(a, after, end, err);

	if (o == OUTCOME_OK)
		o = ask_one(a, "", size - 1, key, err);
	if (o != OUTCOME_OK || key->kind != VALUE_NULL)
		return o;
	o = put_rows(a, after, end, err); /* fewer are left */
	return o == OUTCOME_OK ? ask_one(a, " DESC", 0, key, err) : o;
}

/* ---- the key ---- */

static void print_key(const struct asking *a, struct buf *out)
{
	for (size_t i = 0; i < a->keys->count; i++)
		buf_format(out, "%s%.*s", i ? ", " : "",
			   STR_ARG(value_text(a->keys->store->at[i])));
	buf_text(out, " of ");
	for (size_t i = 0; i < a->table->count; i++)
		buf_format(out, "%s%.*s", i ? "." : "",
			   STR_ARG(value_text(a->table->store->at[i])));
}

enum outcome window_refuse_key(struct asking *a, const char *why, struct error *err)
{
	struct buf name = { 0 };

	print_key(a, &name);
	error_set(err, OUTCOME_FAILED,
		  "%.*s can't be the key of `batches`, which is unique and never null: %s",
		  STR_ARG(buf_view(&name)), why);
	buf_clear(&name);
	return OUTCOME_FAILED;
}

/* A row without a key would be in no window. */
enum outcome window_check_nulls(struct asking *a, struct error *err)
{
	struct result result = { 0 };
	enum outcome o;

	buf_text(&a->sql, "SELECT 1 FROM ");
	put_name(a, a->table);
	buf_text(&a->sql, " WHERE ");
	for (size_t i = 0; i < a->keys->count; i++) {
		buf_text(&a->sql, i ? " OR " : "");
		a->c->kind->quote_ident(&a->sql, value_text(a->keys->store->at[i]));
		buf_text(&a->sql, " IS NULL");
	}
	buf_text(&a->sql, " LIMIT 1");
	o = ask(a, &result, err);
	if (o == OUTCOME_OK && result.rows.count)
		o = window_refuse_key(a, "there are rows in which it is null", err);
	result_clear(&result);
	buf_reset(&a->sql);
	return o;
}

/* Whether an index of the server keeps it unique. */
enum outcome window_ask_unique(struct asking *a, bool *unique, struct error *err)
{
	struct str table[KEYS_MAX + 1], keys[KEYS_MAX];
	struct result result = { 0 };
	enum outcome o;

	*unique = false;
	if (!a->c->kind->print_unique || a->table->count > ARRAY_SIZE(table))
		return OUTCOME_OK;
	for (size_t i = 0; i < a->table->count; i++)
		table[i] = value_text(a->table->store->at[i]);
	for (size_t i = 0; i < a->keys->count; i++)
		keys[i] = value_text(a->keys->store->at[i]);
	a->c->kind->print_unique(&a->sql, table, a->table->count, keys, a->keys->count);
	o = ask(a, &result, err);
	*unique = o == OUTCOME_OK && result.rows.count > 0;
	result_clear(&result);
	buf_reset(&a->sql);
	return o;
}

/* Where nothing keeps it unique each window is looked at. */
enum outcome window_check_twice(struct asking *a, struct value after, struct value end,
				int64_t size, struct error *err)
{
	struct buf why = { 0 };
	struct value key = value_null();
	enum outcome o;

	buf_text(&a->sql, "SELECT ");
	put_keys(a, "");
	buf_text(&a->sql, " FROM (");
	o = put_window(a, after, end, size, err);
	buf_text(&a->sql, ") AS w GROUP BY ");
	put_keys(a, "");
	buf_text(&a->sql, " HAVING count(*) > 1 LIMIT 1");
	if (o == OUTCOME_OK)
		o = ask_key(a, &key, err);
	if (o != OUTCOME_OK || key.kind == VALUE_NULL)
		return o;
	buf_text(&why, "several rows have ");
	value_print(key, &why);
	buf_byte(&why, '\0');
	o = window_refuse_key(a, why.ptr, err);
	buf_clear(&why);
	return o;
}
