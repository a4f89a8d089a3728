/* window.c - the next window of a table along its key, for `batches`, and how large it is */
#include "vm/base/os.h"
#include "vm/run/ahead.h"
#include "vm/run/lane.h"
#include "vm/run/window.h"

#define BOUNDS_FACTOR 10 /* between size / 10 and size * 10, where the author gives no bounds */

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
	const struct tuning *tuned = &a->tuned;
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
int64_t window_next_size(const struct asking *a, int64_t size, int64_t took_ms)
{
	const struct tuning *tuned = &a->tuned;
	int64_t target = tuned->target ? tuned->target : option(a, OPTION_TARGET, 0);
	const struct bounds b = bounds_of(a, target);
	double wanted = (double)size * (double)target / (double)(took_ms > 0 ? took_ms : 1);
	double most = (double)size * 1.25 + 1;
	bool is_new = tuned->size && tuned->size != a->r->window.took_size;

	if (!size || is_new)
		size = b.first;
	else if (target && took_ms >= 0)
		size = (int64_t)(wanted < most ? wanted : most);
	return within(size, b.min, b.max);
}

/* ---- the answer ---- */

static double position(struct value key)
{
	if (key.kind == VALUE_RECORD)
		key = key.record->at[0];
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
	    a->r->window.known)
		return OUTCOME_OK;
	o = window_check_nulls(a, err);
	if (o == OUTCOME_OK)
		o = window_ask_unique(a, &a->r->window.unique, err);
	if (o == OUTCOME_OK)
		o = window_outermost(a, value_null(), "", &first, err);
	if (o != OUTCOME_OK)
		return o;
	a->r->window.function = function;
	a->r->window.pc = pc;
	a->r->window.known = true;
	a->r->window.first = first.kind == VALUE_NULL ? 0 : position(first);
	return OUTCOME_OK;
}

/* The next window behind `after`; null: there is none. */
enum outcome window_find(struct asking *a, struct value after, struct value end, int64_t size,
			 struct value *out, struct error *err)
{
	struct value upto, fields[FIELD_COUNT];
	enum outcome o;

	*out = value_null();
	if (!a->r->window.unique) {
		o = window_check_twice(a, after, end, size, err);
		if (o != OUTCOME_OK)
			return o;
	}
	o = window_end(a, after, end, size, &upto, err);
	if (o != OUTCOME_OK || upto.kind == VALUE_NULL)
		return o;
	if (after.kind != VALUE_NULL && value_equal(upto, after))
		return window_refuse_key(a, "the server's order of it does not go on", err);
	fields[FIELD_AFTER] = after;
	fields[FIELD_UPTO] = upto;
	fields[FIELD_WHERE] = window_condition(a, after, upto);
	fields[FIELD_END] = end;
	fields[FIELD_SIZE] = value_int(size);
	*out = value_record(a->heap, NULL, fields, FIELD_COUNT);
	if (!a->apart)
		tell_progress(a, upto, end);
	return OUTCOME_OK;
}

/* The size after the last one, 0 none, by how long it took. */
int64_t window_size(struct asking *a, int64_t last)
{
	int64_t took_ms = a->r->window.given.ms ? os_monotonic_ms() - a->r->window.given.ms : -1;
	int64_t size = window_next_size(a, last, took_ms);

	a->r->window.took_size = a->tuned.size;
	if (a->r->window.halved)
		size = a->r->window.halved;
	a->r->window.halved = 0;
	return size;
}

/* The one behind the window before, or the first. */
enum outcome window_next(struct asking *a, struct value before, int64_t size, struct value *out,
			 struct error *err)
{
	bool follow = a->options[OPTION_FOLLOW].flag, is_first = before.kind == VALUE_NULL;
	struct value after = is_first ? value_null() : before.record->at[FIELD_UPTO];
	struct value end = is_first ? value_null() : before.record->at[FIELD_END];
	enum outcome o = OUTCOME_OK;

	*out = value_null();
	if (is_first)
		o = window_outermost(a, after, " DESC", &end, err);
	if (o == OUTCOME_OK && end.kind != VALUE_NULL)
		o = window_find(a, after, end, size, out, err);
	if (o != OUTCOME_OK || out->kind != VALUE_NULL || !follow || is_first)
		return o;
	o = window_outermost(a, after, " DESC", &end, err);
	if (o == OUTCOME_OK && end.kind != VALUE_NULL)
		o = window_find(a, after, end, size, out, err);
	return o;
}

/* What the verifier cannot see of a bundle that amigc has not made. */
bool window_is_asked_right(const struct value *operands)
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
	return options[OPTION_FOLLOW].kind == VALUE_BOOL &&
	       (options[OPTION_PARALLEL].kind == VALUE_NULL ||
		options[OPTION_PARALLEL].number <= LANES_MAX);
}

static struct asking asking_of(struct run *r, struct machine *vm)
{
	const struct machine_request *q = machine_request(vm);
	const struct module *m = &r->module;
	uint32_t own = m->functions[q->function].code[q->pc].a;
	const struct type *record = types_get(&m->types, types_get(&m->types, own)->element);

	return (struct asking){ .r = r,
				.heap = machine_heap(vm),
				.table = q->operands[1].list,
				.keys = q->operands[2].list,
				.type = record->fields[FIELD_UPTO].type };
}

void window_ask_apart(struct asking *a, struct run *r, struct machine *vm, struct connection *c,
		      const struct tuning *tuned, const struct statement *s,
		      const struct watch *watch)
{
	*a = asking_of(r, vm);
	a->tuned = *tuned;
	a->options = machine_request(vm)->operands[3].record->at;
	a->c = c;
	a->apart = s;
	a->watch = watch;
}

/* What the machine asks with, on which connection. */
enum outcome window_asking(struct asking *a, struct run *r, struct machine *vm, int64_t index,
			   const struct policy *policy, bool is_first, struct error *err)
{
	const struct machine_request *q = machine_request(vm);
	enum outcome o;

	*a = asking_of(r, vm);
	a->index = index;
	a->policy = policy;
	a->tuned = r->window.tuned;
	if (!window_is_asked_right(q->operands))
		return error_set(err, OUTCOME_FAILED,
				 "`size`, `min`, `max`, `target` and `parallel` of `batches` are "
				 "from 1 to %lld, and `parallel` at most %d",
				 (long long)OPTION_LIMIT, LANES_MAX);
	a->options = q->operands[3].record->at;
	o = request_connection(r, q->need, policy, &a->c, err);
	return o == OUTCOME_OK ? look_at_table(a, q->function, q->pc, is_first, err) : o;
}

void window_give(struct asking *a, struct machine *vm, struct value window)
{
	struct window_given *given = &a->r->window.given;

	buf_reset(&given->before);
	if (window.kind != VALUE_NULL) {
		machine_save(vm, &given->before);
		given->size = window.record->at[FIELD_SIZE].number;
	}
	given->ms = os_monotonic_ms();
	machine_answer(vm, window, STR(""));
}

enum outcome window_answer(struct run *r, struct machine *vm, int64_t index,
			   const struct policy *policy, struct error *err)
{
	struct value before = machine_request(vm)->operands[4], window;
	bool is_first = before.kind == VALUE_NULL;
	struct asking a;
	int64_t size;
	bool is_halved;
	enum outcome o = window_asking(&a, r, vm, index, policy, is_first, err);

	if (o == OUTCOME_OK) {
		is_halved = r->window.halved;
		size = window_size(&a, is_first ? 0 : before.record->at[FIELD_SIZE].number);
		if (!is_halved && ahead_window(r, &a, vm, &window))
			tell_progress(&a, window.record->at[FIELD_UPTO],
				      window.record->at[FIELD_END]);
		else
			o = window_next(&a, before, size, &window, err);
	}
	buf_clear(&a.sql);
	if (o == OUTCOME_OK)
		window_give(&a, vm, window);
	return o;
}

/* ---- a window that was too much ---- */

/* what: a code, and behind a blank what the message must have. */
static bool error_is(const struct error *err, const char *what)
{
	size_t length = strcspn(what, " ");

	if (strncmp(what, err->code, length) != 0 || err->code[length])
		return false;
	return !what[length] || (err->message && strstr(err->message, what + length + 1));
}

bool window_is_too_much(const struct run *r, const struct connection_kind *kind,
			const struct error *err)
{
	if (!kind || !r->window.given.before.len || r->window.given.size < 2)
		return false; /* no kind: the connection could not even be opened */
	for (const char *const *code = kind->too_much; code && *code; code++)
		if (error_is(err, *code))
			return true;
	return false;
}

bool window_halve(struct run *r, const struct connection_kind *kind, struct error *err)
{
	struct error damaged = { 0 };
	struct buf words = { 0 };

	if (err->class == ERROR_UNKNOWN || !window_is_too_much(r, kind, err))
		return false;
	if (machine_restore(r->vm, buf_view(&r->window.given.before), &damaged) != OUTCOME_OK)
		BUG("%s", damaged.message);
	r->window.halved = r->window.given.size / 2;
	buf_format(&words, "a window of %lld rows was too much, %lld are tried: %s",
		   (long long)r->window.given.size, (long long)r->window.halved, err->message);
	session_tell(r, EVENT_CAUGHT, STR(""), buf_view(&words));
	buf_clear(&words);
	error_clear(err);
	journal_after(r);
	return true;
}

bool window_is_in(const struct module *m, uint32_t function)
{
	const struct function *f = &m->functions[function];

	for (uint32_t pc = 0; pc < f->code_count; pc++)
		if (f->code[pc].op == OP_WINDOW)
			return true;
	return false;
}
