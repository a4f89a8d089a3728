/* check_operator.c - which operators go with which types */
#include "compiler/checker.h"
#include "compiler/mend.h"

static const char *const operator_texts[] = {
	[OPERATOR_OR] = "or",
	[OPERATOR_AND] = "and",
	[OPERATOR_NOT] = "not",
	[OPERATOR_EQUAL] = "==",
	[OPERATOR_NOT_EQUAL] = "!=",
	[OPERATOR_LESS] = "<",
	[OPERATOR_LESS_EQUAL] = "<=",
	[OPERATOR_GREATER] = ">",
	[OPERATOR_GREATER_EQUAL] = ">=",
	[OPERATOR_IN] = "in",
	[OPERATOR_MATCHES] = "matches",
	[OPERATOR_ADD] = "+",
	[OPERATOR_SUBTRACT] = "-",
	[OPERATOR_MULTIPLY] = "*",
	[OPERATOR_DIVIDE] = "/",
	[OPERATOR_REMAINDER] = "%",
	[OPERATOR_NEGATE] = "-",
	[OPERATOR_OTHERWISE] = "??",
};

/* What arithmetic gives: the instructions of opcodes.def, and duration and int the other way round.
 */
static const struct { enum operator operator; enum type_kind left, right, result; } arithmetic[] = {
	{ OPERATOR_ADD, TYPE_INT, TYPE_INT, TYPE_INT },
	{ OPERATOR_ADD, TYPE_FLOAT, TYPE_FLOAT, TYPE_FLOAT },
	{ OPERATOR_ADD, TYPE_STRING, TYPE_STRING, TYPE_STRING },
	{ OPERATOR_ADD, TYPE_DURATION, TYPE_DURATION, TYPE_DURATION },
	{ OPERATOR_ADD, TYPE_TIMESTAMP, TYPE_DURATION, TYPE_TIMESTAMP },
	{ OPERATOR_ADD, TYPE_DURATION, TYPE_TIMESTAMP, TYPE_TIMESTAMP },
	{ OPERATOR_SUBTRACT, TYPE_INT, TYPE_INT, TYPE_INT },
	{ OPERATOR_SUBTRACT, TYPE_FLOAT, TYPE_FLOAT, TYPE_FLOAT },
	{ OPERATOR_SUBTRACT, TYPE_DURATION, TYPE_DURATION, TYPE_DURATION },
	{ OPERATOR_SUBTRACT, TYPE_TIMESTAMP, TYPE_DURATION, TYPE_TIMESTAMP },
	{ OPERATOR_SUBTRACT, TYPE_TIMESTAMP, TYPE_TIMESTAMP, TYPE_DURATION },
	{ OPERATOR_MULTIPLY, TYPE_INT, TYPE_INT, TYPE_INT },
	{ OPERATOR_MULTIPLY, TYPE_FLOAT, TYPE_FLOAT, TYPE_FLOAT },
	{ OPERATOR_MULTIPLY, TYPE_DURATION, TYPE_INT, TYPE_DURATION },
	{ OPERATOR_MULTIPLY, TYPE_INT, TYPE_DURATION, TYPE_DURATION },
	{ OPERATOR_DIVIDE, TYPE_INT, TYPE_INT, TYPE_INT },
	{ OPERATOR_DIVIDE, TYPE_FLOAT, TYPE_FLOAT, TYPE_FLOAT },
	{ OPERATOR_DIVIDE, TYPE_DURATION, TYPE_INT, TYPE_DURATION },
	{ OPERATOR_REMAINDER, TYPE_INT, TYPE_INT, TYPE_INT },
};

uint32_t check_unary(struct checker *c, struct expression *e)
{
	struct expression *operand = e->binary.left;
	uint32_t type = check_value(c, operand);
	enum operator operator = e->binary.operator;
	bool fits = operator== OPERATOR_NOT
			    ? type == TYPE_BOOL
			    : type == TYPE_INT || type == TYPE_FLOAT || type == TYPE_DURATION;

	if (type == TYPE_NEVER)
		return operator == OPERATOR_NOT ? TYPE_BOOL : TYPE_NEVER;
	if (fits)
		return type;
	if (!unfinished(c, operand))
		wrong(c, e->span, DIAG_OPERAND, operator_texts[operator], type_text(c->unit, type));
	return operator == OPERATOR_NOT ? TYPE_BOOL : TYPE_NEVER;
}

static size_t wrong_operands(struct checker *c, const struct expression *e)
{
	return wrong(c, e->span, DIAG_OPERANDS, operator_texts[e->binary.operator],
		     type_text(c->unit, e->binary.left->type),
		     type_text(c->unit, e->binary.right->type));
}

/* Says of the first of the two that must be finished by `as` or `??` that it must. */
static bool either_unfinished(struct checker *c, const struct expression *e)
{
	return unfinished(c, e->binary.left) || unfinished(c, e->binary.right);
}

/* Two lists that can be one: what their sum is, or nothing. */
static bool is_list_sum(struct checker *c, const struct expression *e, uint32_t *joined)
{
	struct types *types = &c->unit->types;
	uint32_t left = e->binary.left->type, right = e->binary.right->type;

	return e->binary.operator == OPERATOR_ADD && types_get(types, left)->kind == TYPE_LIST &&
	       types_get(types, right)->kind == TYPE_LIST && types_join(types, left, right, joined);
}

static uint32_t check_arithmetic(struct checker *c, const struct expression *e)
{
	const struct expression *left = e->binary.left, *right = e->binary.right;
	uint32_t joined;
	size_t number;

	for (size_t i = 0; i < ARRAY_SIZE(arithmetic); i++)
		if (arithmetic[i]
			    .
			    operator== e->binary.
			    operator&& arithmetic[i]
			    .left == left->type && arithmetic[i]
			    .right == right->type)
			return arithmetic[i].result;
	if (is_list_sum(c, e, &joined))
		return joined;
	if (either_unfinished(c, e))
		return TYPE_NEVER;
	number = wrong_operands(c, e);
	if ((left->type == TYPE_INT && right->type == TYPE_FLOAT) ||
	    (left->type == TYPE_FLOAT && right->type == TYPE_INT))
		diag_help(&c->unit->diags, number,
			  "nothing is converted by itself: make the int a float with `float(…)`");
	else if (left->type == TYPE_STRING || right->type == TYPE_STRING)
		diag_help(&c->unit->diags, number, "write one text with holes: `\"… ${…}\"`");
	else if (left->type == TYPE_SQL && right->type == TYPE_SQL)
		diag_help(&c->unit->diags, number,
			  "write one template, sql\"${…} ${…}\", or use sql_join(…)");
	return TYPE_NEVER;
}

static bool is_sorted(uint32_t type)
{
	return type == TYPE_INT || type == TYPE_FLOAT || type == TYPE_STRING ||
	       type == TYPE_DURATION || type == TYPE_TIMESTAMP || type == TYPE_VERSION;
}

static void check_order(struct checker *c, const struct expression *e)
{
	if (e->binary.left->type == e->binary.right->type && is_sorted(e->binary.left->type))
		return;
	if (either_unfinished(c, e))
		return;
	wrong_operands(c, e);
}

static bool is_comparable(const struct types *types, uint32_t type)
{
	return !type_has(types, type, TYPE_SQL) && !type_has(types, type, TYPE_ANY);
}

static void check_equal(struct checker *c, const struct expression *e)
{
	const struct expression *left = e->binary.left, *right = e->binary.right;
	struct types *types = &c->unit->types;
	uint32_t joined;

	if (left->type == TYPE_ANY || right->type == TYPE_ANY) {
		wrong(c, left->type == TYPE_ANY ? left->span : right->span, DIAG_ANY_USED);
		return;
	}
	if (types_join(types, left->type, right->type, &joined) && is_comparable(types, joined))
		return;
	wrong_operands(c, e);
}

static void check_in(struct checker *c, const struct expression *e)
{
	const struct expression *left = e->binary.left, *right = e->binary.right;
	struct types *types = &c->unit->types;
	const struct type *list = types_get(types, right->type);
	uint32_t joined;

	if (left->type == TYPE_ANY || list->kind != TYPE_LIST) {
		if (left->type == TYPE_ANY ? !unfinished(c, left) : !unfinished(c, right))
			wrong_operands(c, e);
		return;
	}
	if (!types_join(types, left->type, list->element, &joined) || !is_comparable(types, joined))
		wrong_operands(c, e);
}

static uint32_t check_otherwise(struct checker *c, const struct expression *e)
{
	const struct expression *left = e->binary.left, *right = e->binary.right;
	struct types *types = &c->unit->types;
	const struct type *type = types_get(types, left->type);
	uint32_t element = type->kind == TYPE_OPTIONAL ? type->element : TYPE_NEVER, joined;

	if (left->type == TYPE_ANY || right->type == TYPE_ANY) {
		wrong(c, left->type == TYPE_ANY ? left->span : right->span, DIAG_ANY_USED);
		return TYPE_NEVER;
	}
	if (type->kind != TYPE_OPTIONAL && type->kind != TYPE_NULL) {
		if (left->type != TYPE_NEVER)
			mend_never_null(c,
					wrong(c, left->span, DIAG_NEVER_NULL,
					      type_text(c->unit, left->type)),
					left, right);
		return TYPE_NEVER;
	}
	if (types_join(types, element, right->type, &joined))
		return joined;
	wrong_operands(c, e);
	return TYPE_NEVER;
}

static uint32_t check_logic(struct checker *c, const struct expression *e)
{
	const struct expression *sides[2] = { e->binary.left, e->binary.right };

	for (size_t i = 0; i < 2; i++)
		if (sides[i]->type != TYPE_BOOL && sides[i]->type != TYPE_NEVER &&
		    !unfinished(c, sides[i]))
			wrong(c, sides[i]->span, DIAG_OPERAND, operator_texts[e->binary.operator],
			      type_text(c->unit, sides[i]->type));
	return TYPE_BOOL;
}

/* What an operator gives whatever went wrong, so that the rest can be checked. */
static uint32_t result_of(enum operator operator)
{
	return operator >= OPERATOR_ADD ? TYPE_NEVER : TYPE_BOOL;
}

/* `x as int or null`, which is `x as int?`. */
static bool is_optional_in_words(struct checker *c, const struct expression *e)
{
	const struct expression *left = e->binary.left, *right = e->binary.right;
	struct span words = { right->span.source, left->span.end, right->span.end };
	size_t number;

	if (e->binary.operator!= OPERATOR_OR || left->kind != EXPRESSION_AS ||
	    right->kind != EXPRESSION_NULL)
		return false;
	number = wrong(c, right->span, DIAG_OPERAND, "or", "null");
	diag_help(&c->unit->diags, number, "a type that takes null too ends in `?`");
	diag_fix(&c->unit->diags, number, words, "?");
	return true;
}

uint32_t check_binary(struct checker *c, struct expression *e)
{
	if (is_optional_in_words(c, e))
		return TYPE_NEVER;

	uint32_t left = check_value(c, e->binary.left);
	uint32_t right = check_value(c, e->binary.right);
	enum operator operator = e->binary.operator;

	if (operator == OPERATOR_OR || operator == OPERATOR_AND)
		return check_logic(c, e);
	if (left == TYPE_NEVER || right == TYPE_NEVER)
		return result_of(operator);
	if (operator == OPERATOR_OTHERWISE)
		return check_otherwise(c, e);
	if (operator >= OPERATOR_ADD)
		return check_arithmetic(c, e);
	if (operator == OPERATOR_EQUAL || operator == OPERATOR_NOT_EQUAL) {
		check_equal(c, e);
	} else if (operator == OPERATOR_IN) {
		check_in(c, e);
	} else if (operator == OPERATOR_MATCHES) {
		if (left == TYPE_STRING && right == TYPE_STRING)
			check_pattern(c, e->binary.right);
		else if (!either_unfinished(c, e))
			wrong_operands(c, e);
	} else {
		check_order(c, e);
	}
	return TYPE_BOOL;
}
