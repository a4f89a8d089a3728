/* check_list.c - map, filter, any, all, sort_by and pairs: lists, and what is done with each
 * element */
#include "compiler/checker.h"

static bool has_order(enum type_kind kind)
{
	return kind == TYPE_INT || kind == TYPE_FLOAT || kind == TYPE_STRING ||
	       kind == TYPE_DURATION || kind == TYPE_TIMESTAMP || kind == TYPE_VERSION;
}

/* The arguments in order, as many as there must be; else false after a message. */
static bool take(struct checker *c, struct expression *e, const char *name, uint32_t count)
{
	static const char *const parameters[] = { "list", "each" };
	uint32_t i = 0;

	e->call.values = arena_array(&c->unit->arena, struct expression *, count);
	e->call.value_count = count;
	for (struct argument *a = e->call.arguments; a; a = a->next, i++) {
		if (i == count) {
			wrong(c, a->value->span, DIAG_ARGUMENT_SURPLUS, name, count,
			      count == 1 ? "" : "s");
			return false;
		}
		if (a->name.text.len && !str_eq(a->name.text, str_c(parameters[i]))) {
			wrong(c, a->name.span, DIAG_ARGUMENT_UNKNOWN, name,
			      kept(c->unit, a->name.text));
			return false;
		}
		e->call.values[i] = a->value;
	}
	if (i < count)
		wrong(c, e->span, DIAG_ARGUMENT_MISSING, name, parameters[i]);
	return i == count;
}

/* What `x => e` gives for an element of that type. */
static uint32_t check_each(struct checker *c, struct expression *lambda, uint32_t element,
			   const char *name)
{
	struct scope *outer;
	uint32_t type;

	if (lambda->kind != EXPRESSION_LAMBDA || lambda->lambda.count != 1) {
		if (lambda->kind != EXPRESSION_ERROR)
			wrong(c, lambda->span, DIAG_LAMBDA_WANTED, name);
		return TYPE_NEVER;
	}
	if (is_too_deep(c, lambda->span))
		return TYPE_NEVER;
	outer = scope_open(c);
	lambda->symbol = declare(c, SYMBOL_LET, lambda->lambda.parameters[0], element);
	type = check_value(c, lambda->lambda.body);
	c->scope = outer;
	return type;
}

static uint32_t pair_type(struct checker *c, uint32_t element)
{
	const struct type_field fields[] = { { STR("first"), element },
					     { STR("second"), element } };

	return types_record(&c->unit->types, fields, 2);
}

/* `map(x => e, list)` */
static bool is_exchanged(struct checker *c, const struct expression *e, const char *name)
{
	const struct argument *first = e->call.arguments;
	size_t number;

	if (!first || first->value->kind != EXPRESSION_LAMBDA || first->name.text.len ||
	    !first->next || first->next->next ||
	    first->next->value->kind == EXPRESSION_LAMBDA)
		return false;
	number = wrong(c, first->value->span, DIAG_LAMBDA_WANTED, name);
	diag_help(&c->unit->diags, number, "the list stands first: `%s(list, x => …)`", name);
	return true;
}

uint32_t check_list_function(struct checker *c, struct expression *e, enum special special,
			     const char *name)
{
	struct expression *list, *each;
	uint32_t element, type;

	if (is_exchanged(c, e, name) || !take(c, e, name, special == SPECIAL_PAIRS ? 1 : 2))
		return TYPE_NEVER;
	list = e->call.values[0];
	each = e->call.value_count > 1 ? e->call.values[1] : NULL;
	element = check_loop_list(c, list);
	type = each ? check_each(c, each, element, name) : TYPE_NEVER;
	switch ((int)special) {
	case SPECIAL_PAIRS:
		if (element == TYPE_NEVER)
			return TYPE_NEVER;
		return type_list(c->unit, e->span, pair_type(c, element));
	case SPECIAL_MAP:
		if (type == TYPE_NEVER)
			return TYPE_NEVER;
		if (!check_kept_type(c, (struct name){ STR("each"), e->span },
				     each->lambda.body->span, type))
			return TYPE_NEVER;
		return type_list(c->unit, e->span, type);
	case SPECIAL_SORT_BY:
		if (type != TYPE_NEVER && !has_order(type_kind_of(c->unit, type)) &&
		    !unfinished(c, each->lambda.body))
			wrong(c, each->lambda.body->span, DIAG_NO_ORDER,
			      type_text(c->unit, type));
		return list->type;
	default:
		if (type != TYPE_NEVER && type != TYPE_BOOL)
			mismatch(c, each->lambda.body, TYPE_BOOL,
				 phrase(c, "what `%s` asks of each element", name));
		return special == SPECIAL_FILTER ? list->type : TYPE_BOOL;
	}
}
