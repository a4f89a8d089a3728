/* lower_operator.c - operators, and conditions that jump */
#include "compiler/lower.h"

enum {
#define BUILTIN(number, name, body, signature, doc) BUILTIN_##body = number,
#include "stdlib/builtins.def"
#undef BUILTIN
};

static uint32_t joined(struct body *b, uint32_t left, uint32_t right)
{
	uint32_t type;

	if (!types_join(&b->lower->unit->types, left, right, &type))
		BUG("types %u and %u are compared", (unsigned)left, (unsigned)right);
	return type;
}

/* Whether it does not matter when it is evaluated. */
static bool is_simple(const struct expression *e)
{
	switch (e->kind) {
	case EXPRESSION_NULL: case EXPRESSION_BOOL: case EXPRESSION_INT: case EXPRESSION_FLOAT:
	case EXPRESSION_DURATION: case EXPRESSION_VERSION: case EXPRESSION_NAME:
		return true;
	case EXPRESSION_STRING:
		return !e->parts || (!e->parts->hole && !e->parts->next);
	case EXPRESSION_FIELD:
		return e->symbol || is_simple(e->field.base);
	case EXPRESSION_SQL: case EXPRESSION_LIST: case EXPRESSION_RECORD: case EXPRESSION_UNARY:
	case EXPRESSION_BINARY: case EXPRESSION_INDEX: case EXPRESSION_CALL: case EXPRESSION_AS:
	case EXPRESSION_IF: case EXPRESSION_LAMBDA: case EXPRESSION_ERROR:
		break;
	}
	return false;
}

/* Leaves right, then left on the stack, but evaluates left first. */
static void lower_swapped(struct body *b, const struct expression *left,
			  const struct expression *right)
{
	struct operand_local kept;

	if (is_simple(left) || is_simple(right)) {
		lower_expression(b, right);
		lower_expression(b, left);
		return;
	}
	lower_expression(b, left);
	kept = code_local(&b->code, left->type);
	emit_STORE(&b->code, kept);
	lower_expression(b, right);
	emit_LOAD(&b->code, kept);
}

static void lower_order(struct body *b, const struct expression *e)
{
	const struct expression *left = e->binary.left, *right = e->binary.right;
	enum operator op = e->binary.operator;

	if (op == OPERATOR_GREATER || op == OPERATOR_GREATER_EQUAL) {
		lower_swapped(b, left, right);
	} else {
		lower_expression(b, left);
		lower_expression(b, right);
	}
	body_place(b, e->span);
	if (op == OPERATOR_LESS_EQUAL || op == OPERATOR_GREATER_EQUAL)
		emit_LESS_EQUAL(&b->code);
	else if (left->type == TYPE_INT)
		emit_LESS_INT(&b->code);
	else
		emit_LESS(&b->code);
}

static void lower_equal(struct body *b, const struct expression *e)
{
	uint32_t type = joined(b, e->binary.left->type, e->binary.right->type);

	lower_value(b, e->binary.left, type);
	lower_value(b, e->binary.right, type);
	body_place(b, e->span);
	emit_EQUAL(&b->code);
}

static void lower_in(struct body *b, const struct expression *e)
{
	struct types *types = &b->lower->unit->types;
	uint32_t element =
		joined(b, e->binary.left->type, lower_type(b, e->binary.right->type).element);

	lower_value(b, e->binary.left, element);
	lower_value(b, e->binary.right, types_list(types, element));
	body_place(b, e->span);
	emit_IN(&b->code);
}

static void lower_otherwise(struct body *b, const struct expression *e)
{
	const struct expression *left = e->binary.left;
	struct type type = lower_type(b, left->type);
	struct label null = {0}, end = {0};

	lower_expression(b, left);
	if (type.kind == TYPE_NULL) {
		emit_POP(&b->code);
		lower_value(b, e->binary.right, e->type);
		return;
	}
	if (type.kind != TYPE_OPTIONAL) {
		lower_widen(b, left->type, e->type);
		return;
	}
	body_place(b, e->span);
	emit_UNWRAP(&b->code, &null);
	lower_widen(b, type.element, e->type);
	emit_JUMP(&b->code, &end);
	label_place(&b->code, &null);
	lower_value(b, e->binary.right, e->type);
	label_place(&b->code, &end);
}

/* a and b, a or b as a value: the left one stays when it decides. */
static void lower_logic(struct body *b, const struct expression *e)
{
	struct label end = {0};

	lower_expression(b, e->binary.left);
	emit_DUP(&b->code);
	if (e->binary.operator == OPERATOR_AND)
		emit_JUMP_IF_FALSE(&b->code, &end);
	else
		emit_JUMP_IF_TRUE(&b->code, &end);
	emit_POP(&b->code);
	lower_expression(b, e->binary.right);
	label_place(&b->code, &end);
}

static bool is_text_sum(const struct expression *e)
{
	return e->kind == EXPRESSION_BINARY && e->binary.operator == OPERATOR_ADD &&
	       e->type == TYPE_STRING;
}

/* The terms of a + b + c of strings, in their order; gives how many values wait on the stack. */
static uint32_t lower_terms(struct body *b, const struct expression *e, uint32_t waiting)
{
	if (is_text_sum(e))
		return lower_terms(b, e->binary.right, lower_terms(b, e->binary.left, waiting));
	lower_expression(b, e);
	return lower_joined_so_far(b, waiting + 1);
}

/* The elements of the list on top of the stack go behind those of the list below it. */
static void lower_append_all(struct body *b, uint32_t type)
{
	struct code *c = &b->code;
	struct operand_local list = code_local(c, type), index = code_local(c, TYPE_INT);
	struct label top = {0}, end = {0};

	emit_STORE(c, list);
	lower_int(b, 0);
	emit_STORE(c, index);
	label_place(c, &top);
	emit_LOAD(c, index);
	emit_LOAD(c, list);
	emit_LIST_LENGTH(c);
	emit_LESS_INT(c);
	emit_JUMP_IF_FALSE(c, &end);
	emit_LOAD(c, list);
	emit_LOAD(c, index);
	emit_LIST_GET(c);
	emit_LIST_APPEND(c);
	emit_LOAD(c, index);
	lower_int(b, 1);
	emit_ADD_INT(c);
	emit_STORE(c, index);
	emit_JUMP(c, &top);
	label_place(c, &end);
}

static void lower_list_sum(struct body *b, const struct expression *e)
{
	const struct expression *right = e->binary.right;
	uint32_t element = lower_type(b, e->type).element;

	lower_value(b, e->binary.left, e->type);
	if (right->kind == EXPRESSION_LIST) {
		for (const struct argument *a = right->elements; a; a = a->next) {
			lower_value(b, a->value, element);
			body_place(b, e->span);
			emit_LIST_APPEND(&b->code);
		}
	} else if (lower_type(b, right->type).element != TYPE_NEVER) {
		lower_value(b, right, e->type);
		body_place(b, e->span);
		lower_append_all(b, e->type);
	} else {
		lower_expression(b, right);
		emit_POP(&b->code);
	}
}

static void lower_add(struct body *b, const struct expression *e)
{
	const struct expression *left = e->binary.left, *right = e->binary.right;

	if (e->type == TYPE_STRING) {
		uint32_t terms = lower_terms(b, e, 0);

		body_place(b, e->span);
		if (terms > 1)
			emit_CONCAT(&b->code, (struct operand_count){ terms });
		return;
	}
	if (lower_type(b, e->type).kind == TYPE_LIST) {
		lower_list_sum(b, e);
		return;
	}
	if (left->type == TYPE_DURATION && right->type == TYPE_TIMESTAMP) {
		lower_swapped(b, left, right);
	} else {
		lower_expression(b, left);
		lower_expression(b, right);
	}
	body_place(b, e->span);
	if (e->type == TYPE_INT)
		emit_ADD_INT(&b->code);
	else if (e->type == TYPE_FLOAT)
		emit_ADD_FLOAT(&b->code);
	else if (e->type == TYPE_DURATION)
		emit_ADD_DURATION(&b->code);
	else
		emit_ADD_TIME(&b->code);
}

static void lower_subtract(struct body *b, const struct expression *e)
{
	lower_expression(b, e->binary.left);
	lower_expression(b, e->binary.right);
	body_place(b, e->span);
	if (e->type == TYPE_INT)
		emit_SUBTRACT_INT(&b->code);
	else if (e->type == TYPE_FLOAT)
		emit_SUBTRACT_FLOAT(&b->code);
	else if (e->type == TYPE_TIMESTAMP)
		emit_SUBTRACT_TIME(&b->code);
	else if (e->binary.left->type == TYPE_TIMESTAMP)
		emit_TIME_BETWEEN(&b->code);
	else
		emit_SUBTRACT_DURATION(&b->code);
}

static void lower_product(struct body *b, const struct expression *e)
{
	const struct expression *left = e->binary.left, *right = e->binary.right;
	bool divides = e->binary.operator == OPERATOR_DIVIDE;

	if (!divides && left->type == TYPE_INT && right->type == TYPE_DURATION) {
		lower_swapped(b, left, right);
	} else {
		lower_expression(b, left);
		lower_expression(b, right);
	}
	body_place(b, e->span);
	if (e->type == TYPE_INT && divides)
		emit_DIVIDE_INT(&b->code);
	else if (e->type == TYPE_INT)
		emit_MULTIPLY_INT(&b->code);
	else if (e->type == TYPE_FLOAT && divides)
		emit_DIVIDE_FLOAT(&b->code);
	else if (e->type == TYPE_FLOAT)
		emit_MULTIPLY_FLOAT(&b->code);
	else if (divides)
		emit_DIVIDE_DURATION(&b->code);
	else
		emit_MULTIPLY_DURATION(&b->code);
}

static void lower_negate(struct body *b, const struct expression *e)
{
	const struct expression *of = e->binary.left;

	if (of->kind == EXPRESSION_INT && of->number != INT64_MIN) {
		lower_int(b, -of->number);
		return;
	}
	if (e->type == TYPE_DURATION)
		lower_duration(b, 0);
	lower_expression(b, of);
	body_place(b, e->span);
	if (e->type == TYPE_INT)
		emit_NEGATE_INT(&b->code);
	else if (e->type == TYPE_FLOAT)
		emit_NEGATE_FLOAT(&b->code);
	else
		emit_SUBTRACT_DURATION(&b->code);
}

void lower_operator(struct body *b, const struct expression *e)
{
	switch (e->binary.operator) {
	case OPERATOR_AND: case OPERATOR_OR:
		lower_logic(b, e);
		break;
	case OPERATOR_NOT:
		lower_expression(b, e->binary.left);
		emit_NOT(&b->code);
		break;
	case OPERATOR_EQUAL:
		lower_equal(b, e);
		break;
	case OPERATOR_NOT_EQUAL:
		lower_equal(b, e);
		emit_NOT(&b->code);
		break;
	case OPERATOR_LESS:
	case OPERATOR_LESS_EQUAL:
	case OPERATOR_GREATER:
	case OPERATOR_GREATER_EQUAL:
		lower_order(b, e);
		break;
	case OPERATOR_IN:
		lower_in(b, e);
		break;
	case OPERATOR_MATCHES:
		lower_expression(b, e->binary.left);
		lower_expression(b, e->binary.right);
		body_place(b, e->span);
		emit_BUILTIN(&b->code, (struct operand_builtin){ BUILTIN_matches });
		break;
	case OPERATOR_ADD:
		lower_add(b, e);
		break;
	case OPERATOR_SUBTRACT:
		lower_subtract(b, e);
		break;
	case OPERATOR_MULTIPLY: case OPERATOR_DIVIDE:
		lower_product(b, e);
		break;
	case OPERATOR_REMAINDER:
		lower_expression(b, e->binary.left);
		lower_expression(b, e->binary.right);
		body_place(b, e->span);
		emit_REMAINDER_INT(&b->code);
		break;
	case OPERATOR_NEGATE:
		lower_negate(b, e);
		break;
	case OPERATOR_OTHERWISE:
		lower_otherwise(b, e);
		break;
	}
}

/* ---- jumps ---- */

static bool is_logic(const struct expression *e, enum operator op)
{
	return (e->kind == EXPRESSION_BINARY || e->kind == EXPRESSION_UNARY) &&
	       e->binary.operator == op;
}

static void jump_when(struct body *b, const struct expression *e, bool when, struct label *to)
{
	struct label past = {0};

	if (is_logic(e, OPERATOR_NOT)) {
		jump_when(b, e->binary.left, !when, to);
	} else if (is_logic(e, when ? OPERATOR_OR : OPERATOR_AND)) {
		jump_when(b, e->binary.left, when, to);
		jump_when(b, e->binary.right, when, to);
	} else if (is_logic(e, when ? OPERATOR_AND : OPERATOR_OR)) {
		jump_when(b, e->binary.left, !when, &past);
		jump_when(b, e->binary.right, when, to);
		label_place(&b->code, &past);
	} else if (is_logic(e, OPERATOR_NOT_EQUAL)) {
		lower_equal(b, e);
		when ? emit_JUMP_IF_FALSE(&b->code, to) : emit_JUMP_IF_TRUE(&b->code, to);
	} else {
		lower_expression(b, e);
		when ? emit_JUMP_IF_TRUE(&b->code, to) : emit_JUMP_IF_FALSE(&b->code, to);
	}
}

void lower_jump_unless(struct body *b, const struct expression *e, struct label *to)
{
	jump_when(b, e, false, to);
}

void lower_jump_if(struct body *b, const struct expression *e, struct label *to)
{
	jump_when(b, e, true, to);
}

void lower_condition(struct body *b, const struct condition *c, struct label *otherwise)
{
	enum type_kind kind = lower_type(b, c->value->type).kind;

	if (!c->let.text.len) {
		lower_jump_unless(b, c->value, otherwise);
		return;
	}
	lower_expression(b, c->value);
	body_place(b, c->value->span);
	if (kind == TYPE_OPTIONAL) {
		emit_UNWRAP(&b->code, otherwise);
	} else if (kind == TYPE_NULL) {
		emit_POP(&b->code);
		emit_JUMP(&b->code, otherwise);
		return;
	}
	emit_STORE(&b->code, body_bind(b, c->symbol));
}
