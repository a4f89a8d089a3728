/* check_arguments.c - which argument of a call is for which parameter */
#include "compiler/checker.h"

static uint32_t position_of(const struct parameter_list *list, struct str name)
{
	for (uint32_t i = 0; i < list->count; i++)
		if (str_eq(list->names[i], name))
			return i;
	return list->count;
}

static void unknown_argument(struct checker *c, const struct argument *a,
			     const struct parameter_list *list)
{
	suggest(c,
		wrong(c, a->name.span, DIAG_ARGUMENT_UNKNOWN, list->function,
		      kept(c->unit, a->name.text)),
		diag_nearest(a->name.text, list->names, list->count));
}

static bool place_argument(struct checker *c, struct expression *call, struct argument *a,
			   uint32_t *next, const struct parameter_list *list)
{
	uint32_t at;

	if (a->name.text.len) {
		at = position_of(list, a->name.text);
		*next = UINT32_MAX;
		if (at == list->count) {
			unknown_argument(c, a, list);
			return false;
		}
	} else if (*next == UINT32_MAX) {
		wrong(c, a->value->span, DIAG_ARGUMENT_ORDER);
		return false;
	} else if (*next >= list->count) {
		wrong(c, a->value->span, DIAG_ARGUMENT_SURPLUS, list->function, list->count,
		      list->count == 1 ? "" : "s");
		return false;
	} else {
		at = (*next)++;
	}
	if (call->call.values[at]) {
		wrong(c, a->name.text.len ? a->name.span : a->value->span, DIAG_FIELD_TWICE,
		      kept(c->unit, list->names[at]));
		return false;
	}
	call->call.values[at] = a->value;
	return true;
}

bool sort_arguments(struct checker *c, struct expression *call, struct expression *receiver,
		    const struct parameter_list *list)
{
	uint32_t next = 0;
	bool good = true;

	call->call.value_count = list->count;
	call->call.values = arena_array(&c->unit->arena, struct expression *, list->count + 1);
	if (receiver && list->count)
		call->call.values[next++] = receiver;
	for (struct argument *a = call->call.arguments; a; a = a->next) {
		check_expression(c, a->value);
		good = place_argument(c, call, a, &next, list) && good;
	}
	for (uint32_t i = 0; good && i < list->count; i++) {
		if (call->call.values[i] || list->optional[i])
			continue;
		wrong(c, call->span, DIAG_ARGUMENT_MISSING, list->function,
		      kept(c->unit, list->names[i]));
		good = false;
	}
	return good;
}
