/* check_expression.c - the type of every expression */
#include "compiler/checker.h"
#include "compiler/mend.h"

bool unfinished(struct checker *c, const struct expression *e)
{
	enum type_kind kind = type_kind_of(c->unit, e->type);

	if (kind == TYPE_ANY)
		wrong(c, e->span, DIAG_ANY_USED);
	else if (kind == TYPE_OPTIONAL || kind == TYPE_NULL)
		wrong(c, e->span, DIAG_OPTIONAL_USED, type_text(c->unit, e->type));
	return kind == TYPE_ANY || kind == TYPE_OPTIONAL || kind == TYPE_NULL;
}

void mismatch(struct checker *c, const struct expression *e, uint32_t wanted, const char *what)
{
	struct unit *u = c->unit;
	enum type_kind found = type_kind_of(u, e->type), to = type_kind_of(u, wanted);
	size_t number;

	if (e->type == TYPE_NEVER || wanted == TYPE_NEVER)
		return;
	if (found == TYPE_ANY) {
		number = wrong(c, e->span, DIAG_ANY_USED);
		if (type_is_answer(&u->types, wanted)) {
			diag_help(&u->diags, number, "say what is expected: `… as %s`",
				  type_text(u, wanted));
			diag_fix(&u->diags, number,
				 (struct span){ e->span.source, e->span.end, e->span.end },
				 " as %s", type_text(u, wanted));
		}
		return;
	}
	if (found == TYPE_OPTIONAL &&
	    types_assignable(&u->types, types_get(&u->types, e->type)->element, wanted)) {
		wrong(c, e->span, DIAG_OPTIONAL_USED, type_text(u, e->type));
		return;
	}
	if (found == TYPE_STRING && to == TYPE_SQL) {
		mend_literal(c, wrong(c, e->span, DIAG_SQL_EXPECTED, what, "a text"), e, wanted);
		return;
	}
	number =
		wrong(c, e->span, DIAG_MISMATCH, what, type_text(u, wanted), type_text(u, e->type));
	mend_literal(c, number, e, wanted);
	if (found == TYPE_INT && to == TYPE_FLOAT)
		diag_help(&u->diags, number,
			  "write it with a point (`1.0`), or convert it: `float(…)`");
	else if (found == TYPE_FLOAT && to == TYPE_INT)
		diag_help(&u->diags, number, "convert it: `int(…)` drops the fraction");
	else if ((found == TYPE_INT || found == TYPE_STRING) && to == TYPE_DURATION)
		diag_help(&u->diags, number, "a duration has a unit%s: 250ms 30s 5m 2h 7d",
			  found == TYPE_STRING ? " and no quotes" : "");
	else if (to == TYPE_BOOL && (found == TYPE_INT || found == TYPE_FLOAT))
		diag_help(&u->diags, number, "compare it: `… != 0`");
	else if (to == TYPE_BOOL && e->kind != EXPRESSION_STRING &&
		 (found == TYPE_STRING || found == TYPE_LIST))
		diag_help(&u->diags, number, "compare it: `len(…) > 0`");
	else if (to == TYPE_BOOL && found == TYPE_OPTIONAL)
		diag_help(&u->diags, number, "to ask whether there is one: `… != null`");
	else if (to == TYPE_BOOL && found == TYPE_SQL)
		diag_help(&u->diags, number, "ask a connection: `c.exists(sql\"…\")`");
	else if (to == TYPE_STRING && (found == TYPE_INT || found == TYPE_FLOAT ||
				       found == TYPE_DURATION || found == TYPE_VERSION))
		diag_help(&u->diags, number, "put it into a text: `\"${…}\"`");
	else if (found == TYPE_NULL)
		diag_help(&u->diags, number, "only a type with a `?` takes null: `%s?`",
			  type_text(u, wanted));
	else if (found == TYPE_LIST && to == TYPE_SQL)
		diag_help(&u->diags, number,
			  "write one template of several statements, or a block of `exec`s");
	else if (found == TYPE_STRING && to == TYPE_IDENT)
		diag_help(&u->diags, number, "make a name of it: `ident(…)`");
}

uint32_t check_value(struct checker *c, struct expression *e)
{
	uint32_t type = check_expression(c, e);

	if (type == TYPE_NOTHING)
		wrong(c, e->span, DIAG_NO_VALUE);
	else if (type_kind_of(c->unit, type) == TYPE_CONNECTION)
		wrong(c, e->span, DIAG_CONNECTION_KEPT);
	else
		return type;
	return e->type = TYPE_NEVER;
}

void check_wanted(struct checker *c, struct expression *e, uint32_t wanted, const char *what)
{
	size_t told = c->unit->diags.all.count;
	uint32_t type = check_value(c, e);

	if (wanted == TYPE_IDENT && c->unit->diags.all.count == told + 1)
		mend_table(c, told, e);
	if (!types_assignable(&c->unit->types, type, wanted) ||
	    (type == TYPE_ANY && wanted != TYPE_ANY))
		mismatch(c, e, wanted, what);
}

static uint32_t check_list(struct checker *c, struct expression *e)
{
	uint32_t element = TYPE_NEVER;
	bool good = true;

	for (struct argument *a = e->elements; a; a = a->next) {
		uint32_t type = check_value(c, a->value), joined;

		if (!good || type == TYPE_NEVER) {
			good = false;
		} else if (types_join(&c->unit->types, element, type, &joined)) {
			element = joined;
		} else {
			wrong(c, a->value->span, DIAG_LIST_TYPES, type_text(c->unit, element),
			      type_text(c->unit, type));
			good = false;
		}
	}
	return good ? type_list(c->unit, e->span, element) : TYPE_NEVER;
}

static uint32_t check_record(struct checker *c, struct expression *e)
{
	VEC(struct type_field) fields = { 0 };
	struct map seen = { 0 };
	uint32_t type = TYPE_NEVER;
	bool good = true;

	for (struct argument *a = e->elements; a; a = a->next) {
		struct type_field field = { a->name.text, check_value(c, a->value) };

		if (map_add(&seen, field.name, &seen)) {
			wrong(c, a->name.span, DIAG_FIELD_TWICE, kept(c->unit, field.name));
			good = false;
		}
		good = good && field.type != TYPE_NEVER;
		vec_push(&fields, field);
	}
	if (good)
		type = type_record(c->unit, e->span, fields.at, (uint32_t)fields.count);
	vec_clear(&fields);
	map_clear(&seen);
	return type;
}

static uint32_t check_index(struct checker *c, struct expression *e)
{
	uint32_t type = check_value(c, e->index.base);
	const struct type *list = types_get(&c->unit->types, type);

	/* `row["id"]` is wrong once. */
	if (list->kind == TYPE_RECORD)
		check_value(c, e->index.index);
	else
		check_wanted(c, e->index.index, TYPE_INT, "an index");
	list = types_get(&c->unit->types, type);
	if (type == TYPE_NEVER)
		return TYPE_NEVER;
	if (list->kind == TYPE_LIST) {
		if (list->element == TYPE_NEVER)
			wrong(c, e->span, DIAG_LIST_EMPTY);
		return list->element;
	}
	if (!unfinished(c, e->index.base))
		mend_index(c,
			   wrong(c, e->index.base->span, DIAG_NOT_A_LIST, type_text(c->unit, type)),
			   e);
	return TYPE_NEVER;
}

static uint32_t check_as(struct checker *c, struct expression *e)
{
	uint32_t from = check_value(c, e->as.value);
	uint32_t to = type_resolve(c->unit, c->module->scope, e->as.type);

	if (to == TYPE_NEVER)
		return TYPE_NEVER;
	if (!type_is_answer(&c->unit->types, to)) {
		wrong(c, e->as.type->span, DIAG_AS_TYPE, type_text(c->unit, to));
		return TYPE_NEVER;
	}
	e->type = to;
	if (from != TYPE_NEVER && from != TYPE_ANY)
		mend_needless_as(
			c, wrong(c, e->span, DIAG_AS_KNOWN, type_text(c->unit, from)), e);
	return to;
}

static uint32_t check_if(struct checker *c, struct expression *e)
{
	struct scope *outer = scope_open(c);
	uint32_t then, otherwise = TYPE_NEVER, joined;

	check_condition(c, e->branch.condition);
	then = check_value(c, e->branch.then);
	c->scope = outer;
	if (e->branch.otherwise)
		otherwise = check_value(c, e->branch.otherwise);
	if (then == TYPE_NEVER || otherwise == TYPE_NEVER)
		return TYPE_NEVER;
	if (types_join(&c->unit->types, then, otherwise, &joined))
		return joined;
	wrong(c, e->span, DIAG_BRANCH_TYPES, type_text(c->unit, then),
	      type_text(c->unit, otherwise));
	return TYPE_NEVER;
}

void check_condition(struct checker *c, struct condition *condition)
{
	uint32_t type;

	if (!condition)
		return;
	if (!condition->let.text.len) {
		check_wanted(c, condition->value, TYPE_BOOL, "the condition");
		return;
	}
	type = check_value(c, condition->value);
	if (type_kind_of(c->unit, type) == TYPE_OPTIONAL) {
		type = types_get(&c->unit->types, type)->element;
	} else if (type != TYPE_NEVER) {
		if (type == TYPE_ANY)
			wrong(c, condition->value->span, DIAG_ANY_USED);
		else
			diag_help(&c->unit->diags,
				  wrong(c, condition->value->span, DIAG_NEVER_NULL,
					type_text(c->unit, type)),
				  "give it its name by a `let` without `if`, or use it as it is");
		type = TYPE_NEVER;
	}
	condition->symbol =
		declare(c, c->planning ? SYMBOL_PLAN_LET : SYMBOL_LET, condition->let, type);
	condition->symbol->value = condition->value;
}

bool check_kept_type(struct checker *c, struct name name, struct span span, uint32_t type)
{
	if (type == TYPE_NEVER)
		return true;
	if (!type_has(&c->unit->types, type, TYPE_NULL) &&
	    !type_has(&c->unit->types, type, TYPE_NEVER))
		return true;
	wrong(c, span, DIAG_UNTYPABLE, kept(c->unit, name.text));
	return false;
}

static uint32_t check_kind(struct checker *c, struct expression *e)
{
	switch (e->kind) {
	case EXPRESSION_NULL: return TYPE_NULL;
	case EXPRESSION_BOOL: return TYPE_BOOL;
	case EXPRESSION_INT: return TYPE_INT;
	case EXPRESSION_FLOAT: return TYPE_FLOAT;
	case EXPRESSION_DURATION: return TYPE_DURATION;
	case EXPRESSION_VERSION: return TYPE_VERSION;
	case EXPRESSION_STRING:
		check_string(c, e);
		return TYPE_STRING;
	case EXPRESSION_SQL:
		check_sql(c, e);
		return TYPE_SQL;
	case EXPRESSION_NAME: return check_name(c, e);
	case EXPRESSION_LIST: return check_list(c, e);
	case EXPRESSION_RECORD: return check_record(c, e);
	case EXPRESSION_UNARY: return check_unary(c, e);
	case EXPRESSION_BINARY: return check_binary(c, e);
	case EXPRESSION_FIELD: return check_field(c, e);
	case EXPRESSION_INDEX: return check_index(c, e);
	case EXPRESSION_CALL: return check_call(c, e);
	case EXPRESSION_AS: return check_as(c, e);
	case EXPRESSION_IF: return check_if(c, e);
	case EXPRESSION_LAMBDA:
		wrong(c, e->span, DIAG_LAMBDA_PLACE);
		return TYPE_NEVER;
	case EXPRESSION_ERROR: return TYPE_NEVER;
	}
	BUG("expression of kind %d", (int)e->kind);
}

/* Told once a file, by whoever first comes to it: the parser may have, and the neighbours of what
 * is too deep are as deep. */
bool is_too_deep(struct checker *c, struct span span)
{
	const struct diags *diags = &c->unit->diags;

	if (c->depth < CHECK_DEPTH_MAX)
		return false;
	for (size_t i = 0; i < diags->all.count; i++)
		if (diags->all.at[i].code == DIAG_TOO_DEEP &&
		    diags->all.at[i].span.source == span.source)
			return true;
	wrong(c, span, DIAG_TOO_DEEP);
	return true;
}

uint32_t check_expression(struct checker *c, struct expression *e)
{
	if (!e)
		return TYPE_NEVER;
	if (is_too_deep(c, e->span))
		return e->type = TYPE_NEVER;
	c->depth++;
	e->type = check_kind(c, e);
	c->depth--;
	return e->type;
}
