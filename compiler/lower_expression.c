/* lower_expression.c - expressions to instructions that leave one value */
#include "compiler/lower.h"

/* So many values are gathered on the stack at most, the rest of a list or a text is added one by
 * one. */
#define AT_ONCE_MAX 64

struct type lower_type(const struct body *b, uint32_t type)
{
	return *types_get(&b->lower->unit->types, type);
}

void lower_int(struct body *b, int64_t number)
{
	if (number >= INT32_MIN && number <= INT32_MAX)
		emit_INT(&b->code, (struct operand_number){ (int32_t)number });
	else
		emit_CONSTANT(&b->code,
			      emit_constant_number(&b->lower->emit, CONSTANT_INT, number));
}

void lower_string(struct body *b, struct str text)
{
	emit_CONSTANT(&b->code, emit_constant_text(&b->lower->emit, CONSTANT_STRING, text));
}

uint32_t lower_joined_so_far(struct body *b, uint32_t waiting)
{
	if (waiting < AT_ONCE_MAX)
		return waiting;
	emit_CONCAT(&b->code, (struct operand_count){ waiting });
	return 1;
}

static void lower_float(struct body *b, double real)
{
	int64_t bits;

	memcpy(&bits, &real, sizeof(bits));
	emit_CONSTANT(&b->code, emit_constant_number(&b->lower->emit, CONSTANT_FLOAT, bits));
}

void lower_duration(struct body *b, int64_t ms)
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
		emit_CONSTANT(&b->code,
			      emit_constant_text(&b->lower->emit, CONSTANT_VERSION, f.text));
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

static void lower_list(struct body *b, const struct expression *e, uint32_t type)
{
	uint32_t element = lower_type(b, type).element, count = 0;
	struct operand_type own = emit_type(&b->lower->emit, element);

	for (const struct argument *a = e->elements; a; a = a->next) {
		lower_value(b, a->value, element);
		if (++count == AT_ONCE_MAX)
			emit_LIST(&b->code, own, (struct operand_count){ count });
		else if (count > AT_ONCE_MAX)
			emit_LIST_APPEND(&b->code);
	}
	body_place(b, e->span);
	if (count < AT_ONCE_MAX)
		emit_LIST(&b->code, own, (struct operand_count){ count });
}

static void lower_record(struct body *b, const struct expression *e, uint32_t type)
{
	struct type record = lower_type(b, type);
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
	enum type_kind wanted = lower_type(b, type).kind;

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
