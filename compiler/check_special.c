/* check_special.c - what the language itself knows how to call: queries, effects, the instance's
 * facts */
#include "compiler/checker.h"

/* The connection that is meant where none is written: that of the query, of the operation, or the
 * only one there is. */
static struct symbol *find_implied(struct checker *c)
{
	struct symbol *only = NULL;

	if (c->receiver)
		return c->receiver;
	if (c->on)
		return c->on;
	if (c->migration)
		return c->migration->need_count == 1 ? c->migration->needs[0] : NULL;
	for (uint32_t i = 0; c->owner && i < c->owner->parameter_count; i++) {
		struct symbol *parameter = c->owner->parameters[i];

		if (type_kind_of(c->unit, parameter->type) != TYPE_CONNECTION)
			continue;
		if (only)
			return NULL;
		only = parameter;
	}
	return only;
}

struct expression *implied_connection(struct checker *c, struct span span, const char *name)
{
	struct symbol *symbol = find_implied(c);
	struct expression *e;

	if (!symbol) {
		wrong(c, span, DIAG_WHICH_CONNECTION, name);
		return NULL;
	}
	e = arena_new(&c->unit->arena, struct expression);
	e->kind = EXPRESSION_NAME;
	e->span = span;
	e->name = (struct name){ symbol->name, span };
	e->symbol = symbol;
	e->type = symbol->type;
	return e;
}

/* c.value(sql) and the like. */
static uint32_t check_query(struct checker *c, struct expression *e, enum special special)
{
	static const struct str names[] = { { "connection", 10 }, { "sql", 3 } };
	static const bool optional[2];
	struct expression *callee = e->call.callee, *receiver = callee->field.base;
	const char *name = kept(c->unit, callee->field.name.text);
	struct parameter_list list = { name, 2, names, optional };
	struct symbol *outer = c->receiver;
	bool good;

	place_allows(c, e->span, special == SPECIAL_EXEC ? ALLOW_EFFECT : ALLOW_READ, name);
	c->receiver = receiver->symbol;
	good = sort_arguments(c, e, receiver, &list);
	c->receiver = outer;
	if (good) {
		struct expression *sql = e->call.values[1];

		if (sql->type == TYPE_NOTHING)
			wrong(c, sql->span, DIAG_NO_VALUE);
		else if (sql->type != TYPE_SQL)
			mismatch(c, sql, TYPE_SQL,
				 phrase(c, "the argument of `.%s`", name));
	}
	if (special == SPECIAL_EXEC) {
		check_exec_inside(c, e->span, receiver->symbol);
		return types_optional(&c->unit->types, TYPE_INT);
	}
	return special == SPECIAL_EXISTS ? TYPE_BOOL : TYPE_ANY;
}

/* The one argument of a special function, if it has one. */
static bool check_only(struct checker *c, struct expression *e, const char *name,
		       struct str parameter, bool may_lack)
{
	struct parameter_list list = { name, parameter.len ? 1 : 0, &parameter, &may_lack };

	return sort_arguments(c, e, NULL, &list);
}

static void check_connection_argument(struct checker *c, struct expression *e, const char *name,
				      bool may_lack)
{
	struct expression *value;

	if (!check_only(c, e, name, STR("connection"), may_lack))
		return;
	value = e->call.values[0];
	if (!value)
		e->call.values[0] = implied_connection(c, e->span, name);
	else if (value->type != TYPE_NEVER &&
		 (type_kind_of(c->unit, value->type) != TYPE_CONNECTION ||
		  value->kind != EXPRESSION_NAME))
		wrong(c, value->span, DIAG_CONNECTION_EXPECTED, name);
}

static void check_text_argument(struct checker *c, struct expression *e, const char *name)
{
	if (check_only(c, e, name, STR("name"), false) && e->call.values[0]->type != TYPE_STRING &&
	    e->call.values[0]->type != TYPE_NEVER)
		mismatch(c, e->call.values[0], TYPE_STRING, "the name");
}

uint32_t check_special(struct checker *c, struct expression *e, enum special special)
{
	const struct expression *callee = e->call.callee;
	const char *name = kept(c->unit, callee->kind == EXPRESSION_FIELD ? callee->field.name.text
									  : callee->name.text);
	struct symbol *symbol =
		unit_symbol(c->unit, SYMBOL_SPECIAL, (struct name){ .text = str_c(name) });

	symbol->number = special;
	e->symbol = symbol;
	if (special <= SPECIAL_EXEC)
		return check_query(c, e, special);
	if (special >= SPECIAL_MAP)
		return check_list_function(c, e, special, name);
	place_allows(c, e->span, ALLOW_READ, name);
	switch (special) {
	case SPECIAL_VALUE:
	case SPECIAL_ROW:
	case SPECIAL_ROWS:
	case SPECIAL_COLUMN:
	case SPECIAL_EXISTS:
	case SPECIAL_EXEC:
	case SPECIAL_MAP:
	case SPECIAL_FILTER:
	case SPECIAL_ANY:
	case SPECIAL_ALL:
	case SPECIAL_SORT_BY:
	case SPECIAL_PAIRS:
	case SPECIAL_COUNT:
		break;
	case SPECIAL_NOW:
		check_only(c, e, name, STR(""), true);
		return TYPE_TIMESTAMP;
	case SPECIAL_UUID:
		check_only(c, e, name, STR(""), true);
		return TYPE_STRING;
	case SPECIAL_APP_VERSION:
		check_only(c, e, name, STR(""), true);
		return TYPE_VERSION;
	case SPECIAL_SETTING:
	case SPECIAL_ENV:
		check_text_argument(c, e, name);
		return types_optional(&c->unit->types, TYPE_STRING);
	case SPECIAL_SERVICE_VERSION:
		check_connection_argument(c, e, name, false);
		return TYPE_VERSION;
	case SPECIAL_CLUSTER:
		check_connection_argument(c, e, name, true);
		return types_optional(&c->unit->types, TYPE_STRING);
	case SPECIAL_ON_CLUSTER:
		check_connection_argument(c, e, name, true);
		return TYPE_SQL;
	}
	BUG("special function %d", (int)special);
}
