/* check_fold.c - values that the compiler can know, and texts as their author wrote them */
#include "compiler/checker.h"

#define FOLD_DEPTH_MAX 400

static bool fold(const struct expression *e, struct folded *out, unsigned depth);

static bool fold_arithmetic(enum operator operator, const struct folded * a, const struct folded *b,
			    struct folded *out)
{
	int64_t *to = &out->number;

	out->kind = a->kind == TYPE_DURATION || b->kind == TYPE_DURATION ? TYPE_DURATION : TYPE_INT;
	switch (operator) {
	case OPERATOR_ADD: return !__builtin_add_overflow(a->number, b->number, to);
	case OPERATOR_SUBTRACT: return !__builtin_sub_overflow(a->number, b->number, to);
	case OPERATOR_MULTIPLY: return !__builtin_mul_overflow(a->number, b->number, to);
	case OPERATOR_DIVIDE:
	case OPERATOR_REMAINDER:
		if (b->number == 0 || (a->number == INT64_MIN && b->number == -1))
			return false;
		*to = operator == OPERATOR_DIVIDE ? a->number / b->number : a->number % b->number;
		return true;
	case OPERATOR_OR:
	case OPERATOR_AND:
	case OPERATOR_NOT:
	case OPERATOR_EQUAL:
	case OPERATOR_NOT_EQUAL:
	case OPERATOR_LESS:
	case OPERATOR_LESS_EQUAL:
	case OPERATOR_GREATER:
	case OPERATOR_GREATER_EQUAL:
	case OPERATOR_IN:
	case OPERATOR_MATCHES:
	case OPERATOR_NEGATE:
	case OPERATOR_OTHERWISE:
		break;
	}
	return false;
}

static bool is_whole(const struct folded *f)
{
	return f->kind == TYPE_INT || f->kind == TYPE_DURATION;
}

static bool fold_unary(const struct expression *e, struct folded *out, unsigned depth)
{
	if (e->binary.operator != OPERATOR_NEGATE || !fold(e->binary.left, out, depth))
		return false;
	if (out->kind == TYPE_FLOAT) {
		out->real = -out->real;
		return true;
	}
	return is_whole(out) && !__builtin_sub_overflow((int64_t)0, out->number, &out->number);
}

static bool fold(const struct expression *e, struct folded *out, unsigned depth)
{
	struct folded left, right;

	*out = (struct folded){ 0 };
	if (!e || depth == 0)
		return false;
	switch (e->kind) {
	case EXPRESSION_BOOL:
		*out = (struct folded){ .kind = TYPE_BOOL, .number = e->flag };
		return true;
	case EXPRESSION_INT:
		*out = (struct folded){ .kind = TYPE_INT, .number = e->number };
		return true;
	case EXPRESSION_DURATION:
		*out = (struct folded){ .kind = TYPE_DURATION, .number = e->number };
		return true;
	case EXPRESSION_FLOAT:
		*out = (struct folded){ .kind = TYPE_FLOAT, .real = e->real };
		return true;
	case EXPRESSION_VERSION:
		*out = (struct folded){ .kind = TYPE_VERSION, .text = e->text };
		return true;
	case EXPRESSION_STRING:
		out->kind = TYPE_STRING;
		return expression_text(e, &out->text);
	case EXPRESSION_NAME:
	case EXPRESSION_FIELD:
		return e->symbol && e->symbol->kind == SYMBOL_CONST &&
		       fold(e->symbol->value, out, depth - 1);
	case EXPRESSION_UNARY:
		return fold_unary(e, out, depth - 1);
	case EXPRESSION_BINARY:
		return fold(e->binary.left, &left, depth - 1) && is_whole(&left) &&
		       fold(e->binary.right, &right, depth - 1) && is_whole(&right) &&
		       fold_arithmetic(e->binary.operator, &left, &right, out);
	case EXPRESSION_NULL:
	case EXPRESSION_SQL:
	case EXPRESSION_LIST:
	case EXPRESSION_RECORD:
	case EXPRESSION_INDEX:
	case EXPRESSION_CALL:
	case EXPRESSION_AS:
	case EXPRESSION_IF:
	case EXPRESSION_LAMBDA:
	case EXPRESSION_ERROR:
		break;
	}
	return false;
}

bool expression_fold(const struct expression *e, struct folded *out)
{
	return fold(e, out, FOLD_DEPTH_MAX);
}

bool expression_text(const struct expression *e, struct str *out)
{
	*out = (struct str){ "", 0 };
	if (!e || e->kind != EXPRESSION_STRING)
		return false;
	for (const struct part *p = e->parts; p; p = p->next) {
		if (p->hole || p->next)
			return false;
		*out = p->text;
	}
	return true;
}

struct str expression_label(struct arena *arena, const struct expression *e)
{
	struct buf text = { 0 };
	struct str label;

	if (e && e->kind == EXPRESSION_STRING)
		for (const struct part *p = e->parts; p; p = p->next) {
			if (!p->hole)
				buf_str(&text, p->text);
			else if (p->hole->kind == EXPRESSION_NAME)
				buf_format(&text, "${%.*s}", STR_ARG(p->hole->name.text));
			else
				buf_text(&text, "${…}");
		}
	label = arena_str(arena, buf_view(&text));
	buf_clear(&text);
	return label;
}

struct symbol *operation_connection(const struct operation_syntax *o)
{
	return o->on ? o->on->symbol : NULL;
}
