/* window_lane.c - windows for lanes: cut behind all that were cut, or from one that was too much */
#include "vm/base/mutant.h"
#include "vm/run/lane.h"
#include "vm/run/window.h"

int64_t window_parallel(const struct run *r, const struct machine *vm)
{
	const struct value *operands = machine_request(vm)->operands;
	int64_t said = window_is_asked_right(operands) &&
				       operands[3].record->at[OPTION_PARALLEL].kind != VALUE_NULL
			       ? operands[3].record->at[OPTION_PARALLEL].number
			       : 0;

	return said && r->window.tuned.parallel ? r->window.tuned.parallel : said;
}

/* Empty: null. */
static bool decode(const struct buf *bytes, struct heap *h, struct value *out)
{
	struct reader in = reader_of(buf_view(bytes));

	*out = value_null();
	return !bytes->len || (value_decode(&in, h, out) && !reader_left(&in));
}

static void encode(struct value v, struct buf *out)
{
	buf_reset(out);
	if (v.kind != VALUE_NULL)
		value_encode(v, out);
}

static bool is_window(const struct asking *a, struct value v)
{
	const struct types *types = &a->r->module.types;

	return v.kind == VALUE_NULL ||
	       (v.kind == VALUE_RECORD && v.record->count == FIELD_COUNT &&
		value_is(v.record->at[FIELD_UPTO], types, a->type) &&
		value_is(v.record->at[FIELD_END], types, a->type));
}

/* What is left of a window of the lane that was too much; null: nothing. */
static enum outcome cut_rest(struct asking *a, struct lane *l, struct value cursor, int64_t size,
			     struct value *out, struct error *err)
{
	struct value from, until, fields[FIELD_COUNT];
	enum outcome o;

	*out = value_null();
	if (!l->until.len)
		return OUTCOME_OK;
	if (!decode(&l->from, a->heap, &from) || !decode(&l->until, a->heap, &until) ||
	    cursor.kind == VALUE_NULL || !value_is(until, &a->r->module.types, a->type) ||
	    (from.kind != VALUE_NULL && !value_is(from, &a->r->module.types, a->type)))
		return error_set(err, OUTCOME_DAMAGED,
				 "the checkpoint is damaged: what is left of a window");
	o = window_find(a, from, until, size, out, err);
	if (o != OUTCOME_OK || out->kind == VALUE_NULL) {
		buf_reset(&l->until);
		buf_reset(&l->from);
		return o;
	}
	for (size_t i = 0; i < FIELD_COUNT; i++)
		fields[i] = out->record->at[i];
	fields[FIELD_END] = cursor.record->at[FIELD_END];
	*out = value_record(a->heap, NULL, fields, FIELD_COUNT);
	encode(fields[FIELD_UPTO], &l->from);
	return OUTCOME_OK;
}

enum outcome window_cut(struct run *r, struct lane *l, int64_t index, const struct policy *policy,
			bool *given, struct error *err)
{
	struct buf *cursor = &r->lanes->cursor;
	struct value before, window = value_null();
	struct asking a;
	int64_t size;
	enum outcome o = window_asking(&a, r, l->vm, index, policy, !cursor->len, err);

	if (o == OUTCOME_OK && (!decode(cursor, a.heap, &before) || !is_window(&a, before)))
		o = error_set(err, OUTCOME_DAMAGED, "the checkpoint is damaged: the last window");
	if (o == OUTCOME_OK) {
		size = window_size(&a, r->window.given.size);
		o = cut_rest(&a, l, before, size, &window, err);
		if (o == OUTCOME_OK && window.kind == VALUE_NULL) {
			o = window_next(&a, before, size, &window, err);
			if (o == OUTCOME_OK && window.kind != VALUE_NULL &&
			    !(mutant(MUTANT_SAME_WINDOW) && before.kind == VALUE_NULL))
				encode(window, cursor);
		}
	}
	buf_clear(&a.sql);
	*given = o == OUTCOME_OK && window.kind != VALUE_NULL;
	if (!*given)
		return o;
	encode(window, &l->window);
	window_give(&a, l->vm, window);
	return OUTCOME_OK;
}

void window_split(struct run *r, struct lane *l)
{
	struct value window;
	struct heap heap = { 0 };

	if (decode(&l->window, &heap, &window) && window.kind == VALUE_RECORD) {
		encode(window.record->at[FIELD_AFTER], &l->from);
		if (!l->until.len)
			encode(window.record->at[FIELD_UPTO], &l->until);
	}
	arena_clear(&heap.arena);
	r->window.given.size = r->window.halved;
	r->window.given.ms = 0;
	r->window.halved = 0;
}
