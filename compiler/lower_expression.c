/* lower_expression.c - expressions to instructions that leave one value */
#include "compiler/lower.h"

enum {
#define BUILTIN(number, name, body, signature, doc) BUILTIN_##body = number,
#include "stdlib/builtins.def"
#undef BUILTIN
};

/* A list literal is made of at most so many at once, the rest is appended: the stack is bounded. */
#define LIST_AT_ONCE 256

/* A copy: the table moves when types are added to it. */
static struct type type_of(const struct body *b, uint32_t type)
{
	return *types_get(&b->lower->unit->types, type);
}

void lower_int(struct body *b, int64_t number)
{
	if (number >= INT32_MIN && number <= INT32_MAX)
		emit_INT(&b->code, (struct operand_number){ (int32_t)number });
	else
		emit_CONSTANT(&b->code, emit_constant_number(&b->lower->emit, CONSTANT_INT, number));
}

void lower_string(struct body *b, struct str text)
{
	emit_CONSTANT(&b->code, emit_constant_text(&b->lower->emit, CONSTANT_STRING, text));
}

static void lower_float(struct body *b, double real)
{
	int64_t bits;

	memcpy(&bits, &real, sizeof(bits));
	emit_CONSTANT(&b->code, emit_constant_number(&b->lower->emit, CONSTANT_FLOAT, bits));
}

static void lower_duration(struct body *b, int64_t ms)
{
	emit_CONSTANT(&b->code, emit_constant_number(&b->lower->emit, CONSTANT_DURATION, ms));
}

void lower_widen(struct body *b, uint32_t from, uint32_t to)
{
	if (from != to)
		emit_WIDEN(&b->code, emit_type(&b->lower->emit, to));
}

static void lower_const(struct body *b, struct symbol *s)
{
	struct folded f;

	if (!expression_fold(s->value, &f)) {
		emit_CALL(&b->code, lower_reached(b->lower, s));
		return;
	}
	switch (f.kind) {
	case TYPE_BOOL:
		emit_BOOL(&b->code, (struct operand_flag){ f.number != 0 });
		break;
	case TYPE_INT:
		lower_int(b, f.number);
		break;
	case TYPE_DURATION:
		lower_duration(b, f.number);
		break;
	case TYPE_FLOAT:
		lower_float(b, f.real);
		break;
	case TYPE_STRING:
		lower_string(b, f.text);
		break;
	case TYPE_VERSION:
		emit_CONSTANT(&b->code, emit_constant_text(&b->lower->emit, CONSTANT_VERSION, f.text));
		break;
	default:
		BUG("a folded value of kind %d", (int)f.kind);
	}
	lower_widen(b, (uint32_t)f.kind, s->type);
}

void lower_symbol(struct body *b, struct symbol *s)
{
	if (s->mark == b->stamp && s->kind != SYMBOL_CONST) {
		emit_LOAD(&b->code, (struct operand_local){ s->slot });
		return;
	}
	if (s->kind == SYMBOL_CONST)
		lower_const(b, s);
	else if (s->kind == SYMBOL_PARAM)
		emit_PARAM(&b->code, (struct operand_param){ s->number });
	else if (s->kind == SYMBOL_FROZEN)
		emit_FROZEN(&b->code, (struct operand_frozen){ s->number });
	else if (s->kind == SYMBOL_NEED || s->kind == SYMBOL_PLAN_PARAMETER)
		emit_CONNECTION(&b->code, lower_need(b, s));
	else
		BUG("%.*s has no value here", STR_ARG(s->name));
}

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
static void lower_swapped(struct body *b, const struct expression *left, const struct expression *right)
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
	uint32_t element = joined(b, e->binary.left->type, type_of(b, e->binary.right->type).element);

	lower_value(b, e->binary.left, element);
	lower_value(b, e->binary.right, types_list(types, element));
	body_place(b, e->span);
	emit_IN(&b->code);
}

static void lower_otherwise(struct body *b, const struct expression *e)
{
	const struct expression *left = e->binary.left;
	struct type type = type_of(b, left->type);
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
	return e->kind == EXPRESSION_BINARY && e->binary.operator == OPERATOR_ADD && e->type == TYPE_STRING;
}

/* The terms of a + b + c of strings, in their order. */
static uint32_t lower_terms(struct body *b, const struct expression *e)
{
	if (!is_text_sum(e)) {
		lower_expression(b, e);
		return 1;
	}
	return lower_terms(b, e->binary.left) + lower_terms(b, e->binary.right);
}

static void lower_lists_joined(struct body *b, const struct expression *e)
{
	struct code *c = &b->code;
	struct operand_local list = code_local(c, e->type), more = code_local(c, e->type);
	struct operand_local index = code_local(c, TYPE_INT);
	struct label top = {0}, end = {0};

	lower_value(b, e->binary.left, e->type);
	emit_STORE(c, list);
	lower_value(b, e->binary.right, e->type);
	emit_STORE(c, more);
	lower_int(b, 0);
	emit_STORE(c, index);
	label_place(c, &top);
	emit_LOAD(c, index);
	emit_LOAD(c, more);
	emit_LIST_LENGTH(c);
	emit_LESS_INT(c);
	emit_JUMP_IF_FALSE(c, &end);
	emit_LOAD(c, list);
	emit_LOAD(c, more);
	emit_LOAD(c, index);
	emit_LIST_GET(c);
	emit_LIST_APPEND(c);
	emit_STORE(c, list);
	emit_LOAD(c, index);
	lower_int(b, 1);
	emit_ADD_INT(c);
	emit_STORE(c, index);
	emit_JUMP(c, &top);
	label_place(c, &end);
	emit_LOAD(c, list);
}

static void lower_add(struct body *b, const struct expression *e)
{
	const struct expression *left = e->binary.left, *right = e->binary.right;

	if (e->type == TYPE_STRING) {
		uint32_t terms = lower_terms(b, e);

		body_place(b, e->span);
		emit_CONCAT(&b->code, (struct operand_count){ terms });
		return;
	}
	if (type_of(b, e->type).kind == TYPE_LIST) {
		lower_lists_joined(b, e);
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

static void lower_operator(struct body *b, const struct expression *e)
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
	case OPERATOR_LESS: case OPERATOR_LESS_EQUAL: case OPERATOR_GREATER: case OPERATOR_GREATER_EQUAL:
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

static void lower_list(struct body *b, const struct expression *e, uint32_t type)
{
	uint32_t element = type_of(b, type).element, count = 0;
	struct operand_type own = emit_type(&b->lower->emit, element);

	for (const struct argument *a = e->elements; a; a = a->next) {
		lower_value(b, a->value, element);
		if (++count == LIST_AT_ONCE)
			emit_LIST(&b->code, own, (struct operand_count){ count });
		else if (count > LIST_AT_ONCE)
			emit_LIST_APPEND(&b->code);
	}
	body_place(b, e->span);
	if (count < LIST_AT_ONCE)
		emit_LIST(&b->code, own, (struct operand_count){ count });
}

static void lower_record(struct body *b, const struct expression *e, uint32_t type)
{
	struct type record = type_of(b, type);
	uint32_t at = 0;

	for (const struct argument *a = e->elements; a; a = a->next)
		lower_value(b, a->value, record.fields[at++].type);
	body_place(b, e->span);
	emit_RECORD(&b->code, emit_type(&b->lower->emit, type));
}

static void lower_if(struct body *b, const struct expression *e, uint32_t type)
{
	struct label otherwise = {0}, end = {0};

	lower_condition(b, e->branch.condition, &otherwise);
	lower_value(b, e->branch.then, type);
	emit_JUMP(&b->code, &end);
	label_place(&b->code, &otherwise);
	lower_value(b, e->branch.otherwise, type);
	label_place(&b->code, &end);
}

static void lower_field(struct body *b, const struct expression *e)
{
	uint32_t at;

	if (e->symbol) {
		lower_symbol(b, e->symbol);
		return;
	}
	lower_expression(b, e->field.base);
	at = record_field(&b->lower->unit->types, e->field.base->type, e->field.name.text);
	if (at == NO_FIELD)
		BUG("no field %.*s", STR_ARG(e->field.name.text));
	body_place(b, e->span);
	emit_FIELD(&b->code, (struct operand_field){ at });
}

static void lower_as(struct body *b, const struct expression *e)
{
	const struct expression *value = e->as.value;

	lower_expression(b, value);
	body_place(b, e->span);
	if (value->type == TYPE_ANY)
		emit_AS(&b->code, emit_type(&b->lower->emit, e->type));
	else
		lower_widen(b, value->type, e->type);
}

void lower_expression(struct body *b, const struct expression *e)
{
	struct code *c = &b->code;

	body_place(b, e->span);
	switch (e->kind) {
	case EXPRESSION_NULL:
		emit_NULL(c);
		break;
	case EXPRESSION_BOOL:
		emit_BOOL(c, (struct operand_flag){ e->flag });
		break;
	case EXPRESSION_INT:
		lower_int(b, e->number);
		break;
	case EXPRESSION_FLOAT:
		lower_float(b, e->real);
		break;
	case EXPRESSION_DURATION:
		lower_duration(b, e->number);
		break;
	case EXPRESSION_VERSION:
		emit_CONSTANT(c, emit_constant_text(&b->lower->emit, CONSTANT_VERSION, e->text));
		break;
	case EXPRESSION_STRING:
		lower_interpolation(b, e->parts);
		break;
	case EXPRESSION_SQL:
		lower_sql(b, e->parts);
		break;
	case EXPRESSION_NAME:
		lower_symbol(b, e->symbol);
		break;
	case EXPRESSION_LIST:
		lower_list(b, e, e->type);
		break;
	case EXPRESSION_RECORD:
		lower_record(b, e, e->type);
		break;
	case EXPRESSION_UNARY: case EXPRESSION_BINARY:
		lower_operator(b, e);
		break;
	case EXPRESSION_FIELD:
		lower_field(b, e);
		break;
	case EXPRESSION_INDEX:
		lower_expression(b, e->index.base);
		lower_expression(b, e->index.index);
		body_place(b, e->span);
		emit_LIST_GET(c);
		break;
	case EXPRESSION_CALL:
		lower_call(b, e);
		break;
	case EXPRESSION_AS:
		lower_as(b, e);
		break;
	case EXPRESSION_IF:
		lower_if(b, e, e->type);
		break;
	case EXPRESSION_LAMBDA: case EXPRESSION_ERROR:
		BUG("an expression of kind %d is lowered", (int)e->kind);
	}
}

/* Literals and branches are made of the wanted type at once; the others are widened. */
void lower_value(struct body *b, const struct expression *e, uint32_t type)
{
	enum type_kind wanted = type_of(b, type).kind;

	body_place(b, e->span);
	if (e->type == type || e->type == TYPE_NEVER)
		lower_expression(b, e);
	else if (e->kind == EXPRESSION_LIST && wanted == TYPE_LIST)
		lower_list(b, e, type);
	else if (e->kind == EXPRESSION_RECORD && wanted == TYPE_RECORD)
		lower_record(b, e, type);
	else if (e->kind == EXPRESSION_IF)
		lower_if(b, e, type);
	else {
		lower_expression(b, e);
		lower_widen(b, e->type, type);
	}
}

/* ---- jumps ---- */

static bool is_logic(const struct expression *e, enum operator op)
{
	return (e->kind == EXPRESSION_BINARY || e->kind == EXPRESSION_UNARY) && e->binary.operator == op;
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
	enum type_kind kind = type_of(b, c->value->type).kind;

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
