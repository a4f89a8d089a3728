/* tree.c - nodes of expressions and types */
#include "grammar/tree.h"

struct name name_of(struct parser *p, struct span span)
{
	return (struct name){ scan_text(&p->scan, span), span };
}

/* ---- expressions ---- */
struct expression *expression_new(struct parser *p, enum expression_kind kind, struct span span)
{
	struct expression *e = arena_new(p->arena, struct expression);

	e->kind = kind;
	e->span = span;
	e->depth = 1;
	return e;
}

/* A long sum becomes too deep again and again: it is told once. */
static bool is_told_too_deep(const struct diags *diags, struct span span)
{
	const struct diag *last = diags->all.count ? &diags->all.at[diags->all.count - 1] : NULL;

	return last && last->code == DIAG_TOO_DEEP && last->span.source == span.source &&
	       last->span.start == span.start;
}

/* Makes `e` one deeper than its child. What goes too deep becomes an error, and begins to count
 * anew. */
static void hold(struct parser *p, struct expression *e, const struct expression *child)
{
	if (!child || child->depth < e->depth)
		return;
	e->depth = child->depth + 1;
	if (e->depth <= PARSE_DEPTH_MAX)
		return;
	if (!is_told_too_deep(p->diags, e->span))
		diag_add(p->diags, e->span, DIAG_TOO_DEEP);
	e->kind = EXPRESSION_ERROR;
	e->depth = 1;
}

struct expression *expression_name(struct parser *p, struct name name)
{
	struct expression *e = expression_new(p, EXPRESSION_NAME, name.span);

	e->name = name;
	return e;
}

struct expression *expression_int(struct parser *p, enum expression_kind kind, struct span span,
	int64_t number)
{
	struct expression *e = expression_new(p, kind, span);

	e->number = number;
	return e;
}

static bool is_least_int(const struct expression *e)
{
	return e->kind == EXPRESSION_INT && e->number == INT64_MIN;
}

/* The digits of the least int are read only behind a `-`, which must be the sign of just them. */
static void refuse_least_int(struct parser *p, const struct expression *e)
{
	struct str text = scan_text(&p->scan, e->span);

	if (is_least_int(e) && text.len && text.ptr[0] != '-')
		diag_add(p->diags, e->span, DIAG_NUMBER_TOO_LARGE, arena_c(p->arena, text));
}

struct expression *expression_unary(struct parser *p, struct span span, enum operator op,
	struct expression *operand)
{
	struct expression *e;

	if (op == OPERATOR_NEGATE && is_least_int(operand) && span.end == operand->span.end &&
		operand->span.start == span.start + 1)
		return expression_int(p, EXPRESSION_INT, span, INT64_MIN);
	e = expression_new(p, EXPRESSION_UNARY, span);
	e->binary.operator= op;
	e->binary.left = operand;
	hold(p, e, operand);
	return e;
}

struct expression *expression_binary(struct parser *p, struct span span, enum operator op,
	struct expression *left, struct expression *right)
{
	struct expression *e = expression_new(p, EXPRESSION_BINARY, span);

	e->binary.operator= op;
	e->binary.left = left;
	e->binary.right = right;
	refuse_least_int(p, right);
	hold(p, e, left);
	if (e->kind != EXPRESSION_ERROR)
		hold(p, e, right);
	return e;
}

struct expression *expression_field(struct parser *p, struct span span, struct expression *base,
	struct name name)
{
	struct expression *e = expression_new(p, EXPRESSION_FIELD, span);

	e->field.base = base;
	e->field.name = name;
	hold(p, e, base);
	return e;
}

struct expression *expression_index(struct parser *p, struct span span, struct expression *base,
	struct expression *index)
{
	struct expression *e = expression_new(p, EXPRESSION_INDEX, span);

	e->index.base = base;
	e->index.index = index;
	hold(p, e, base);
	if (e->kind != EXPRESSION_ERROR)
		hold(p, e, index);
	return e;
}

static void hold_arguments(struct parser *p, struct expression *e, const struct argument *arguments)
{
	for (const struct argument *a = arguments; a && e->kind != EXPRESSION_ERROR; a = a->next)
		hold(p, e, a->value);
}

struct expression *expression_call(struct parser *p, struct span span, struct expression *callee,
	struct arguments arguments)
{
	struct expression *e = expression_new(p, EXPRESSION_CALL, span);

	e->call.callee = callee;
	e->call.arguments = arguments.first;
	hold(p, e, callee);
	hold_arguments(p, e, arguments.first);
	return e;
}

struct expression *expression_elements(struct parser *p, enum expression_kind kind,
	struct span span, struct arguments elements)
{
	struct expression *e = expression_new(p, kind, span);

	e->elements = elements.first;
	hold_arguments(p, e, elements.first);
	return e;
}

struct expression *expression_as(struct parser *p, struct span span, struct expression *value,
	struct type_syntax *type)
{
	struct expression *e = expression_new(p, EXPRESSION_AS, span);

	e->as.value = value;
	e->as.type = type;
	hold(p, e, value);
	return e;
}

struct expression *expression_if(struct parser *p, struct span span, struct condition *condition,
	struct expression *then, struct expression *otherwise)
{
	struct expression *e = expression_new(p, EXPRESSION_IF, span);

	e->branch.condition = condition;
	e->branch.then = then;
	e->branch.otherwise = otherwise;
	hold(p, e, condition->value);
	if (e->kind != EXPRESSION_ERROR)
		hold(p, e, then);
	if (e->kind != EXPRESSION_ERROR)
		hold(p, e, otherwise);
	return e;
}

struct expression *expression_lambda(struct parser *p, struct span span, struct names parameters,
	struct expression *body)
{
	struct expression *e = expression_new(p, EXPRESSION_LAMBDA, span);
	uint32_t i = 0;

	e->lambda.parameters = arena_array(p->arena, struct name, parameters.count);
	e->lambda.count = parameters.count;
	for (const struct name_list *n = parameters.first; n; n = n->next)
		e->lambda.parameters[i++] = n->name;
	e->lambda.body = body;
	hold(p, e, body);
	return e;
}

struct argument *argument_new(struct parser *p, struct name name, struct expression *value)
{
	struct argument *a = arena_new(p->arena, struct argument);

	a->name = name;
	a->value = value;
	return a;
}

static void refuse_twice(struct parser *p, struct name name, struct span before)
{
	size_t number =
		diag_add(p->diags, name.span, DIAG_FIELD_TWICE, arena_c(p->arena, name.text));

	diag_note(p->diags, number, before, "first here");
}

void argument_add(struct parser *p, struct arguments *list, struct argument *argument)
{
	if (argument->name.text.len) {
		for (const struct argument *a = list->first; a; a = a->next) {
			if (str_eq(a->name.text, argument->name.text)) {
				refuse_twice(p, argument->name, a->name.span);
				return;
			}
		}
	}
	LIST_ADD(list, argument);
}

struct condition *condition_new(struct parser *p, struct name let, struct expression *value)
{
	struct condition *c = arena_new(p->arena, struct condition);

	c->let = let;
	c->value = value;
	return c;
}

/* ---- types ---- */
struct type_syntax *type_new(struct parser *p, enum type_syntax_kind kind, struct span span)
{
	struct type_syntax *t = arena_new(p->arena, struct type_syntax);

	t->kind = kind;
	t->span = span;
	return t;
}

struct type_syntax *type_optional(struct parser *p, struct span span, struct type_syntax *element)
{
	struct type_syntax *t;

	if (element->kind == SYNTAX_OPTIONAL) {
		element->span = span;
		return element;
	}
	t = type_new(p, SYNTAX_OPTIONAL, span);
	t->element = element;
	return t;
}

void field_add(struct parser *p, struct fields *list, struct name name, struct type_syntax *type)
{
	struct field_syntax *field;

	for (const struct field_syntax *f = list->first; f; f = f->next) {
		if (str_eq(f->name.text, name.text)) {
			refuse_twice(p, name, f->name.span);
			return;
		}
	}
	field = arena_new(p->arena, struct field_syntax);
	field->name = name;
	field->type = type;
	LIST_ADD(list, field);
}

void parameter_add(struct parser *p, struct parameters *list, struct name name,
	struct type_syntax *type, struct expression *value)
{
	struct parameter *parameter;

	for (const struct parameter *q = list->first; q; q = q->next) {
		if (str_eq(q->name.text, name.text)) {
			refuse_twice(p, name, q->name.span);
			return;
		}
	}
	parameter = arena_new(p->arena, struct parameter);
	parameter->name = name;
	parameter->type = type;
	parameter->value = value;
	LIST_ADD(list, parameter);
}
