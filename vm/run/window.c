/*
 * window.c - the next window of a table along its key, for `batches`
 *
 * A window is a record: `after` and `upto`, the keys that it lies between; `where`, its condition;
 * `end`, the last key of the table when the first window was asked for (with `follow`: when the end
 * was reached last); `size`, how many rows it may have. All that the next one depends on is in it,
 * and it is in the checkpoint: a run that was killed goes on with the same window. How long one
 * took is known to the process that gave it: after a resume the size stays as it was.
 */
#include "vm/base/os.h"
#include "vm/run/answer.h"
#include "vm/run/render.h"
#include "vm/run/session.h"

#define KEYS_MAX 2
#define OPTION_LIMIT TUNE_ROWS_MAX
#define BOUNDS_FACTOR 10 /* between size / 10 and size * 10, where the author gives no bounds */

enum option { OPTION_SIZE, OPTION_MIN, OPTION_MAX, OPTION_TARGET, OPTION_PARALLEL, OPTION_FOLLOW };
enum field { FIELD_AFTER, FIELD_UPTO, FIELD_WHERE, FIELD_END, FIELD_SIZE, FIELD_COUNT };

struct asking {
	struct run *r;
	struct connection *c;
	int64_t index;
	const struct policy *policy;
	struct heap *heap; /* of the answer */
	const struct list *table, *keys;
	const struct value *options;
	uint32_t type; /* of the key */
	struct buf sql;
	char query_id[QUERY_ID_SIZE];
};

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
static struct value condition(const struct asking *a, struct value after, struct value upto)
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
	return render_sql(condition(a, after, upto), a->c->kind, &a->sql, err);
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

/* The first row of what a->sql asks for, null if there is none. */
static enum outcome ask_key(struct asking *a, struct value *key, struct error *err)
{
	struct result result = { 0 };
	enum outcome o = request_query(a->r, a->c, buf_view(&a->sql), a->index, a->policy,
				       a->query_id, &result, err);

	if (o == OUTCOME_OK) {
		o = read_key(a, &result, key, err);
		if (o != OUTCOME_OK)
			request_remember_sql(a->r, buf_view(&a->sql), a->query_id);
	}
	result_clear(&result);
	buf_reset(&a->sql);
	return o;
}

static enum outcome outermost(struct asking *a, struct value after, const char *order,
			      struct value *key, struct error *err)
{
	enum outcome o = put_rows(a, after, value_null(), err);

	if (o != OUTCOME_OK)
		return o;
	buf_text(&a->sql, " ORDER BY ");
	put_keys(a, order);
	buf_text(&a->sql, " LIMIT 1");
	return ask_key(a, key, err);
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

static enum outcome window_end(struct asking *a, struct value after, struct value end, int64_t size,
			       struct value *key, struct error *err)
{
	enum outcome o;

	buf_text(&a->sql, "SELECT ");
	put_keys(a, "");
	buf_text(&a->sql, " FROM (");
	o = put_window(a, after, end, size, err);
	if (o != OUTCOME_OK)
		return o;
	buf_text(&a->sql, ") AS w ORDER BY ");
	put_keys(a, " DESC");
	buf_text(&a->sql, " LIMIT 1");
	return ask_key(a, key, err);
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

static enum outcome refuse_key(struct asking *a, const char *why, struct error *err)
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
static enum outcome check_nulls(struct asking *a, struct error *err)
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
	o = request_query(a->r, a->c, buf_view(&a->sql), a->index, a->policy, a->query_id, &result,
			  err);
	if (o == OUTCOME_OK && result.rows.count)
		o = refuse_key(a, "there are rows in which it is null", err);
	result_clear(&result);
	buf_reset(&a->sql);
	return o;
}

/* Whether an index of the server keeps it unique. */
static enum outcome ask_unique(struct asking *a, bool *unique, struct error *err)
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
	o = request_query(a->r, a->c, buf_view(&a->sql), a->index, a->policy, a->query_id, &result,
			  err);
	*unique = o == OUTCOME_OK && result.rows.count > 0;
	result_clear(&result);
	buf_reset(&a->sql);
	return o;
}

/* Where nothing keeps it unique each window is looked at. */
static enum outcome check_twice(struct asking *a, struct value after, struct value end,
				int64_t size, struct error *err)
{
	struct buf why = { 0 };
	struct value key;
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
	o = refuse_key(a, why.ptr, err);
	buf_clear(&why);
	return o;
}

/* ---- the size ---- */

static int64_t option(const struct asking *a, enum option which, int64_t otherwise)
{
	return a->options[which].kind == VALUE_NULL ? otherwise : a->options[which].number;
}

static int64_t within(int64_t size, int64_t min, int64_t max)
{
	return size > max ? max : size < min ? min : size;
}

struct bounds {
	int64_t first, min, max;
};

/* The author's, but for what an operator has said. A size that an operator says moves bounds that
 * the author gave. */
static struct bounds bounds_of(const struct asking *a, int64_t target)
{
	const struct tuning *tuned = &a->r->window.tuned;
	int64_t first = tuned->size ? tuned->size : option(a, OPTION_SIZE, 1);
	int64_t tenth = (first + BOUNDS_FACTOR - 1) / BOUNDS_FACTOR;
	struct bounds b = { .first = first,
			    .min = option(a, OPTION_MIN, target ? tenth : 1),
			    .max = option(a, OPTION_MAX,
					  target ? first * BOUNDS_FACTOR : INT64_MAX) };

	if (tuned->size)
		b = (struct bounds){ first, within(first, 1, b.min),
				     within(first, b.max, INT64_MAX) };
	if (tuned->min)
		b.min = tuned->min;
	if (tuned->max)
		b.max = tuned->max;
	return b;
}

/* Grows slowly, shrinks at once. size 0: of the first window. */
static int64_t next_size(struct asking *a, int64_t size, int64_t took_ms)
{
	const struct tuning *tuned = &a->r->window.tuned;
	int64_t target = tuned->target ? tuned->target : option(a, OPTION_TARGET, 0);
	const struct bounds b = bounds_of(a, target);
	double wanted = (double)size * (double)target / (double)(took_ms > 0 ? took_ms : 1);
	double most = (double)size * 1.25 + 1;
	bool is_new = tuned->size && tuned->size != a->r->window.took_size;

	a->r->window.took_size = tuned->size;
	if (!size || is_new)
		size = b.first;
	else if (target && took_ms >= 0)
		size = (int64_t)(wanted < most ? wanted : most);
	return within(size, b.min, b.max);
}

/* ---- the answer ---- */

static double position(struct value key)
{
	key = key_part(key, 0);
	return key.kind == VALUE_INT || key.kind == VALUE_TIMESTAMP ? (double)key.number : 0;
}

/* Texts have no position that could be computed. */
static void tell_progress(struct asking *a, struct value upto, struct value end)
{
	double first = a->r->window.first, length = position(end) - first;

	if (length > 0)
		a->r->share = (position(upto) - first) / length;
	session_tell(a->r, EVENT_TICK, STR(""), STR(""));
}

/* What is learned at the first window, and by a process that goes on at a later one. The same code
 * may go along another table the next time. */
static enum outcome look_at_table(struct asking *a, uint32_t function, uint32_t pc, bool is_first,
				  struct error *err)
{
	struct value first;
	enum outcome o;

	if (!is_first && a->r->window.function == function && a->r->window.pc == pc &&
	    a->r->window.given_ms)
		return OUTCOME_OK;
	o = check_nulls(a, err);
	if (o == OUTCOME_OK)
		o = ask_unique(a, &a->r->window.unique, err);
	if (o == OUTCOME_OK)
		o = outermost(a, value_null(), "", &first, err);
	if (o != OUTCOME_OK)
		return o;
	a->r->window.function = function;
	a->r->window.pc = pc;
	a->r->window.given_ms = 0;
	a->r->window.first = first.kind == VALUE_NULL ? 0 : position(first);
	return OUTCOME_OK;
}

/* The next window behind `after`; null: there is none. */
static enum outcome find(struct asking *a, struct value after, struct value end, int64_t size,
			 struct value *out, struct error *err)
{
	struct value upto, fields[FIELD_COUNT];
	enum outcome o;

	*out = value_null();
	if (!a->r->window.unique) {
		o = check_twice(a, after, end, size, err);
		if (o != OUTCOME_OK)
			return o;
	}
	o = window_end(a, after, end, size, &upto, err);
	if (o != OUTCOME_OK || upto.kind == VALUE_NULL)
		return o;
	if (after.kind != VALUE_NULL && value_equal(upto, after))
		return refuse_key(a, "the server's order of it does not go on", err);
	fields[FIELD_AFTER] = after;
	fields[FIELD_UPTO] = upto;
	fields[FIELD_WHERE] = condition(a, after, upto);
	fields[FIELD_END] = end;
	fields[FIELD_SIZE] = value_int(size);
	*out = value_record(a->heap, NULL, fields, FIELD_COUNT);
	tell_progress(a, upto, end);
	return OUTCOME_OK;
}

static enum outcome next(struct asking *a, struct value before, struct value *out,
			 struct error *err)
{
	bool follow = a->options[OPTION_FOLLOW].flag, is_first = before.kind == VALUE_NULL;
	int64_t took_ms = a->r->window.given_ms ? os_monotonic_ms() - a->r->window.given_ms : -1;
	struct value after = is_first ? value_null() : before.record->at[FIELD_UPTO];
	struct value end = is_first ? value_null() : before.record->at[FIELD_END];
	int64_t size = next_size(a, is_first ? 0 : before.record->at[FIELD_SIZE].number, took_ms);
	enum outcome o = OUTCOME_OK;

	if (a->r->window.halved)
		size = a->r->window.halved;
	*out = value_null();
	if (is_first)
		o = outermost(a, after, " DESC", &end, err);
	if (o == OUTCOME_OK && end.kind != VALUE_NULL)
		o = find(a, after, end, size, out, err);
	if (o != OUTCOME_OK || out->kind != VALUE_NULL || !follow || is_first)
		return o;
	o = outermost(a, after, " DESC", &end, err);
	if (o == OUTCOME_OK && end.kind != VALUE_NULL)
		o = find(a, after, end, size, out, err);
	return o;
}

/* What the verifier cannot see of a bundle that amigc has not made. */
static bool is_asked_right(const struct value *operands)
{
	static const enum value_kind kinds[] = { VALUE_INT, VALUE_INT, VALUE_INT, VALUE_DURATION,
						 VALUE_INT };
	const struct value *options;

	if (operands[3].kind != VALUE_RECORD ||
	    operands[3].record->count != ARRAY_SIZE(kinds) + 1 ||
	    operands[2].list->count < 1 || operands[2].list->count > KEYS_MAX)
		return false;
	options = operands[3].record->at;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (options[i].kind != VALUE_NULL &&
		    (options[i].kind != kinds[i] || options[i].number < 1 ||
		     options[i].number > OPTION_LIMIT))
			return false;
	return options[OPTION_FOLLOW].kind == VALUE_BOOL;
}

enum outcome window_answer(struct run *r, struct machine *vm, int64_t index,
			   const struct policy *policy, struct error *err)
{
	const struct machine_request *q = machine_request(vm);
	const struct module *m = &r->module;
	uint32_t own = m->functions[q->function].code[q->pc].a;
	const struct type *record = types_get(&m->types, types_get(&m->types, own)->element);
	struct asking a = { .r = r, .index = index, .policy = policy, .heap = machine_heap(vm),
			    .table = q->operands[1].list, .keys = q->operands[2].list,
			    .type = record->fields[FIELD_UPTO].type };
	struct value before = q->operands[4], window;
	enum outcome o;

	if (!is_asked_right(q->operands))
		return error_set(err, OUTCOME_FAILED,
				 "`size`, `min`, `max`, `target` and `parallel` of `batches` are "
				 "from 1 to %lld", (long long)OPTION_LIMIT);
	a.options = q->operands[3].record->at;
	if (option(&a, OPTION_PARALLEL, 1) > 1)
		return ability_refuse("parallel", err);
	o = request_connection(r, q->need, policy, &a.c, err);
	if (o == OUTCOME_OK)
		o = look_at_table(&a, q->function, q->pc, before.kind == VALUE_NULL, err);
	if (o == OUTCOME_OK)
		o = next(&a, before, &window, err);
	buf_clear(&a.sql);
	if (o != OUTCOME_OK)
		return o;
	buf_reset(&r->window.before);
	r->window.halved = 0;
	if (window.kind != VALUE_NULL) {
		machine_save(vm, &r->window.before);
		r->window.size = window.record->at[FIELD_SIZE].number;
	}
	r->window.given_ms = os_monotonic_ms();
	machine_answer(vm, window, STR(""));
	return OUTCOME_OK;
}

/* ---- a window that was too much ---- */

bool window_is_too_much(const struct run *r, const struct connection_kind *kind,
			const struct error *err)
{
	if (!r->window.before.len || r->window.size < 2)
		return false;
	for (const char *const *code = kind->too_much; code && *code; code++)
		if (strcmp(*code, err->code) == 0)
			return true;
	return false;
}

bool window_halve(struct run *r, const struct connection_kind *kind, struct error *err)
{
	struct error damaged = { 0 };
	struct buf words = { 0 };

	if (err->class == ERROR_UNKNOWN || !window_is_too_much(r, kind, err))
		return false;
	if (machine_restore(r->vm, buf_view(&r->window.before), &damaged) != OUTCOME_OK)
		BUG("%s", damaged.message);
	r->window.halved = r->window.size / 2;
	buf_format(&words, "a window of %lld rows was too much, %lld are tried: %s",
		   (long long)r->window.size, (long long)r->window.halved, err->message);
	session_tell(r, EVENT_CAUGHT, STR(""), buf_view(&words));
	buf_clear(&words);
	error_clear(err);
	journal_after(r);
	return true;
}
