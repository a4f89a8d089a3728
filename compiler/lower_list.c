/* lower_list.c - map, filter, any, all, sort_by and pairs: loops in the place of their call */
#include "compiler/lower.h"

static struct operand_local empty_list(struct body *b, uint32_t list)
{
	struct operand_local local = code_local(&b->code, list);
	uint32_t element = lower_type(b, list).element;

	emit_LIST(&b->code, emit_type(&b->lower->emit, element), (struct operand_count){ 0 });
	emit_STORE(&b->code, local);
	return local;
}

static void append(struct body *b, struct operand_local list, struct operand_local value)
{
	emit_LOAD(&b->code, list);
	emit_LOAD(&b->code, value);
	emit_LIST_APPEND(&b->code);
	emit_STORE(&b->code, list);
}

/* The results of `each` in a list of that type. */
static struct operand_local lower_each(struct body *b, struct operand_local list,
				       const struct expression *each, uint32_t type,
				       struct span at)
{
	struct operand_local results = empty_list(b, type),
			     one = code_local(&b->code, lower_type(b, type).element);
	struct loop loop;

	loop_over(b, &loop, list, each->symbol, at);
	lower_expression(b, each->lambda.body);
	emit_STORE(&b->code, one);
	append(b, results, one);
	loop_end(b, &loop, at);
	return results;
}

/* The list in a local; it is evaluated once. */
static struct operand_local keep_list(struct body *b, const struct expression *list)
{
	struct operand_local kept = code_local(&b->code, list->type);

	lower_expression(b, list);
	emit_STORE(&b->code, kept);
	return kept;
}

static void lower_map(struct body *b, const struct expression *e)
{
	struct operand_local list = keep_list(b, e->call.values[0]);

	emit_LOAD(&b->code, lower_each(b, list, e->call.values[1], e->type, e->span));
}

static void lower_filter(struct body *b, const struct expression *e)
{
	const struct expression *list = e->call.values[0], *each = e->call.values[1];
	struct operand_local kept = empty_list(b, e->type);
	struct label next = {0};
	struct loop loop;

	if (loop_begin(b, &loop, list, each->symbol, e->span)) {
		lower_jump_unless(b, each->lambda.body, &next);
		append(b, kept, (struct operand_local){ each->symbol->slot });
		label_place(&b->code, &next);
		loop_end(b, &loop, e->span);
	}
	emit_LOAD(&b->code, kept);
}

/* any: whether one is true; all: whether none is false. */
static void lower_quantifier(struct body *b, const struct expression *e, bool any)
{
	const struct expression *list = e->call.values[0], *each = e->call.values[1];
	struct label found = {0}, end = {0};
	struct loop loop;

	if (loop_begin(b, &loop, list, each->symbol, e->span)) {
		if (any)
			lower_jump_if(b, each->lambda.body, &found);
		else
			lower_jump_unless(b, each->lambda.body, &found);
		loop_end(b, &loop, e->span);
	}
	emit_BOOL(&b->code, (struct operand_flag){ !any });
	emit_JUMP(&b->code, &end);
	label_place(&b->code, &found);
	emit_BOOL(&b->code, (struct operand_flag){ any });
	label_place(&b->code, &end);
}

static void lower_sort(struct body *b, const struct expression *e)
{
	const struct expression *list = e->call.values[0], *each = e->call.values[1];
	uint32_t type = types_list(&b->lower->unit->types, each->lambda.body->type);
	struct operand_local kept = keep_list(b, list), keys;

	keys = lower_each(b, kept, each, type, e->span);
	emit_LOAD(&b->code, kept);
	emit_LOAD(&b->code, keys);
	body_place(b, e->span);
	emit_SORT_BY(&b->code);
}

/* The element before is kept in a local; the first one has none before it. */
static void lower_pairs(struct body *b, const struct expression *e)
{
	const struct expression *list = e->call.values[0];
	uint32_t element = lower_type(b, list->type).element, pair = lower_type(b, e->type).element;
	struct operand_local pairs = empty_list(b, e->type), all, index, one;
	struct label top = {0}, end = {0};
	struct code *c = &b->code;

	lower_expression(b, list);
	if (element == TYPE_NEVER) {
		emit_POP(c);
		emit_LOAD(c, pairs);
		return;
	}
	all = code_local(c, list->type);
	index = code_local(c, TYPE_INT);
	one = code_local(c, pair);
	emit_STORE(c, all);
	lower_int(b, 1);
	emit_STORE(c, index);
	label_place(c, &top);
	emit_LOAD(c, index);
	emit_LOAD(c, all);
	emit_LIST_LENGTH(c);
	emit_LESS_INT(c);
	emit_JUMP_IF_FALSE(c, &end);
	emit_LOAD(c, all);
	emit_LOAD(c, index);
	lower_int(b, 1);
	emit_SUBTRACT_INT(c);
	emit_LIST_GET(c);
	emit_LOAD(c, all);
	emit_LOAD(c, index);
	emit_LIST_GET(c);
	emit_RECORD(c, emit_type(&b->lower->emit, pair));
	emit_STORE(c, one);
	append(b, pairs, one);
	emit_LOAD(c, index);
	lower_int(b, 1);
	emit_ADD_INT(c);
	emit_STORE(c, index);
	emit_JUMP(c, &top);
	label_place(c, &end);
	emit_LOAD(c, pairs);
}

void lower_list_function(struct body *b, const struct expression *e, enum special special)
{
	body_place(b, e->span);
	switch ((int)special) {
	case SPECIAL_MAP:
		lower_map(b, e);
		break;
	case SPECIAL_FILTER:
		lower_filter(b, e);
		break;
	case SPECIAL_ANY:
	case SPECIAL_ALL:
		lower_quantifier(b, e, special == SPECIAL_ANY);
		break;
	case SPECIAL_SORT_BY:
		lower_sort(b, e);
		break;
	default:
		lower_pairs(b, e);
	}
}
