/* check_call.c - calls of functions, methods and built-ins */
#include "compiler/checker.h"
#include "compiler/mend.h"
#include "grammar/foreign.h"

#define OVERLOADS_MAX 8

/* Of what specials.def has the methods only: they are the first ones. */
static const char *const special_names[] = {
#define SPECIAL(NAME, name, place, signature, doc) [SPECIAL_##NAME] = #name,
#include "stdlib/specials.def"
#undef SPECIAL
};
#define METHOD_COUNT (SPECIAL_EXEC + 1u)

bool place_allows(struct checker *c, struct span span, unsigned what, const char *name)
{
	if ((c->allowed & what) == what)
		return true;
	if (what & ALLOW_EFFECT)
		wrong(c, span, DIAG_EFFECT_HERE, c->place);
	else
		wrong(c, span, DIAG_READ_HERE, name, c->place);
	return false;
}

static const char *argument_words(struct checker *c, struct str parameter, const char *function)
{
	return phrase(c, "the argument `%.*s` of `%s`", STR_ARG(parameter), function);
}

/* An argument that was checked, for a place of a type. Only here a connection may be one. */
static void fit_argument(struct checker *c, struct expression *value, uint32_t wanted,
			 struct str parameter, const char *function)
{
	uint32_t type = value->type;

	if (type == TYPE_NOTHING)
		wrong(c, value->span, DIAG_NO_VALUE);
	else if (type == TYPE_ANY ? wanted != TYPE_ANY
				  : !types_assignable(&c->unit->types, type, wanted))
		mismatch(c, value, wanted, argument_words(c, parameter, function));
	else if (type_kind_of(c->unit, type) == TYPE_CONNECTION && value->kind != EXPRESSION_NAME)
		wrong(c, value->span, DIAG_CONNECTION_KEPT);
}

/* ---- what an author declares ---- */

static uint32_t check_declared(struct checker *c, struct expression *e, struct symbol *fn,
			       struct expression *receiver)
{
	struct arena *arena = &c->unit->arena;
	struct str *names = arena_array(arena, struct str, fn->parameter_count + 1);
	bool *optional = arena_array(arena, bool, fn->parameter_count + 1);
	struct parameter_list list = { kept(c->unit, fn->name), fn->parameter_count, names,
				       optional };

	e->symbol = fn;
	for (uint32_t i = 0; i < fn->parameter_count; i++) {
		names[i] = fn->parameters[i]->name;
		optional[i] = fn->parameters[i]->parameter->value != NULL;
	}
	if (fn->kind == SYMBOL_FN)
		place_allows(c, e->span, ALLOW_CALL, list.function);
	if (sort_arguments(c, e, receiver, &list))
		for (uint32_t i = 0; i < list.count; i++)
			if (e->call.values[i])
				fit_argument(c, e->call.values[i], fn->parameters[i]->type,
					     names[i], list.function);
	return fn->type;
}

/* ---- built-in functions ---- */

static uint32_t find_overloads(struct str name, uint32_t *numbers)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i <= BUILTIN_MAX && count < OVERLOADS_MAX; i++)
		if (builtin_table[i].name && str_eq(name, str_c(builtin_table[i].name)))
			numbers[count++] = i;
	return count;
}

/* ident(a, b): the parts become a list. One list is taken as it is. */
static uint32_t check_ident(struct checker *c, struct expression *e)
{
	struct expression *list = arena_new(&c->unit->arena, struct expression);
	struct argument *a = e->call.arguments;

	if (a && !a->next &&
	    check_expression(c, a->value) == types_list(&c->unit->types, TYPE_STRING)) {
		list = a->value;
	} else {
		list->kind = EXPRESSION_LIST;
		list->span = e->span;
		list->elements = a;
		list->type = types_list(&c->unit->types, TYPE_STRING);
		if (!a)
			wrong(c, e->span, DIAG_ARGUMENT_MISSING, "ident", "parts");
		for (; a; a = a->next)
			check_wanted(c, a->value, TYPE_STRING, "a part of a name");
	}
	e->call.values = arena_array(&c->unit->arena, struct expression *, 1);
	e->call.values[0] = list;
	e->call.value_count = 1;
	return TYPE_IDENT;
}

static const char *argument_types(struct checker *c, const struct expression *e)
{
	struct buf text = { 0 };
	const char *words;

	for (const struct argument *a = e->call.arguments; a; a = a->next) {
		types_print(&c->unit->types, a->value->type, &text);
		if (a->next)
			buf_text(&text, ", ");
	}
	words = kept(c->unit, buf_view(&text));
	buf_clear(&text);
	return words;
}

static bool overload_takes(struct checker *c, const struct expression *e, const struct signature *s,
			   uint32_t *bound)
{
	uint32_t i = 0;

	*bound = NO_TYPE;
	for (const struct argument *a = e->call.arguments; a; a = a->next, i++) {
		if (i >= s->count || (a->name.text.len && !str_eq(a->name.text, s->names[i])) ||
		    a->value->type == TYPE_ANY ||
		    !pattern_takes(&c->unit->types, s->patterns[i], a->value->type, bound))
			return false;
	}
	return i == s->count;
}

static void take_in_order(struct checker *c, struct expression *e)
{
	uint32_t count = 0;

	for (struct argument *a = e->call.arguments; a; a = a->next)
		count++;
	e->call.values = arena_array(&c->unit->arena, struct expression *, count + 1);
	e->call.value_count = count;
	count = 0;
	for (struct argument *a = e->call.arguments; a; a = a->next)
		e->call.values[count++] = a->value;
}

static void no_overload(struct checker *c, const struct expression *e, const uint32_t *numbers,
			uint32_t count)
{
	const char *name = builtin_table[numbers[0]].name;
	size_t number = wrong(c, e->span, DIAG_NO_OVERLOAD, name, argument_types(c, e));
	struct buf help = { 0 };

	for (uint32_t i = 0; i < count; i++)
		buf_format(&help, "%s%s%s", i ? ", or " : "there is ", name,
			   builtin_table[numbers[i]].signature);
	diag_help(&c->unit->diags, number, "%s", help.ptr);
	buf_clear(&help);
}

static uint32_t check_overloads(struct checker *c, struct expression *e, const uint32_t *numbers,
				uint32_t count)
{
	struct signature s;
	uint32_t bound;
	bool told = false;

	for (struct argument *a = e->call.arguments; a; a = a->next)
		told = check_value(c, a->value) == TYPE_NEVER || told;
	if (told)
		return TYPE_NEVER;
	for (uint32_t i = 0; i < count; i++) {
		signature_read(builtin_table[numbers[i]].signature, &s);
		if (overload_takes(c, e, &s, &bound)) {
			e->symbol = unit_symbol(c->unit, SYMBOL_BUILTIN, e->call.callee->name);
			e->symbol->number = numbers[i];
			take_in_order(c, e);
			return pattern_type(&c->unit->types, s.result, bound);
		}
	}
	for (struct argument *a = e->call.arguments; a && !told; a = a->next)
		told = unfinished(c, a->value);
	if (!told)
		no_overload(c, e, numbers, count);
	return TYPE_NEVER;
}

static uint32_t check_builtin(struct checker *c, struct expression *e, const struct symbol *symbol)
{
	static const bool optional[SIGNATURE_MAX];
	uint32_t numbers[OVERLOADS_MAX], bound = NO_TYPE;
	uint32_t count = find_overloads(symbol->name, numbers);
	const char *name = builtin_table[symbol->number].name;
	struct signature s;
	struct parameter_list list;

	e->symbol = scope_find(c->unit->language, NAMES_CALLABLE, symbol->name);
	if (str_eq(symbol->name, STR("ident")))
		return check_ident(c, e);
	if (count > 1)
		return check_overloads(c, e, numbers, count);
	signature_read(builtin_table[symbol->number].signature, &s);
	list = (struct parameter_list){ name, s.count, s.names, optional };
	if (!sort_arguments(c, e, NULL, &list))
		return pattern_type(&c->unit->types, s.result, NO_TYPE);
	for (uint32_t i = 0; i < s.count; i++) {
		struct expression *value = e->call.values[i];

		if (!pattern_takes(&c->unit->types, s.patterns[i], value->type, &bound) ||
		    value->type == TYPE_NOTHING)
			fit_argument(c, value, pattern_type(&c->unit->types, s.patterns[i], bound),
				     s.names[i], name);
	}
	if (str_eq(symbol->name, STR("replace")) || str_eq(symbol->name, STR("matches")))
		check_pattern(c, e->call.values[1]);
	return pattern_type(&c->unit->types, s.result, bound);
}

/* ---- methods ---- */

static struct symbol *find_method(struct checker *c, uint32_t connection, struct str name)
{
	struct symbol *found = module_method(c->module, connection, name);
	const struct map *modules = &c->module->scope->names[NAMES_MODULE];

	for (size_t i = 0; !found && i < modules->count; i++)
		found = module_method(((struct symbol *)modules->entries[i].value)->module,
				      connection, name);
	return found;
}

static void unknown_method(struct checker *c, const struct expression *callee, uint32_t connection)
{
	VEC(struct str) candidates = { 0 };
	const struct map *modules = &c->module->scope->names[NAMES_MODULE];
	struct str kind = types_get(&c->unit->types, connection)->connection,
		   name = callee->field.name.text;
	struct nearest near;
	size_t number = wrong(c, callee->field.name.span, DIAG_UNKNOWN_METHOD, kept(c->unit, kind),
			      kept(c->unit, name));

	for (size_t i = 0; i < METHOD_COUNT; i++)
		vec_push(&candidates, str_c(special_names[i]));
	for (size_t m = 0; m <= modules->count; m++) {
		const struct unit_module *module =
			m < modules->count ? ((struct symbol *)modules->entries[m].value)->module
					   : c->module;
		const struct map *callables = &module->scope->names[NAMES_CALLABLE];

		for (size_t i = 0; i < callables->count; i++)
			if (module_method(module, connection, callables->entries[i].key))
				vec_push(&candidates, callables->entries[i].key);
	}
	near = diag_nearest(name, candidates.at, candidates.count);
	vec_clear(&candidates);
	if (near.name.len)
		suggest(c, number, near);
	else if (foreign_hint(name))
		diag_help(&c->unit->diags, number, "%s", foreign_hint(name));
	else if (!scope_find(c->scope, NAMES_MODULE, kind))
		diag_help(&c->unit->diags, number,
			  "the standard library's functions come with `use %.*s`", STR_ARG(kind));
}

/* Of a call that was refused: a lambda among them is what the right function would take. */
static uint32_t check_all_arguments(struct checker *c, struct expression *e)
{
	c->including = false;
	for (struct argument *a = e->call.arguments; a; a = a->next)
		if (a->value->kind != EXPRESSION_LAMBDA)
			check_expression(c, a->value);
	return TYPE_NEVER;
}

static uint32_t call_symbol(struct checker *c, struct expression *e, struct symbol *symbol,
			    struct expression *receiver)
{
	bool including = c->including;

	c->including = false;
	if (symbol->kind == SYMBOL_SPECIAL)
		return check_special(c, e, (enum special)symbol->number);
	if (symbol->kind == SYMBOL_BUILTIN)
		return check_builtin(c, e, symbol);
	if (symbol->kind != SYMBOL_OPERATIONS || including)
		return check_declared(c, e, symbol, receiver);
	wrong(c, e->span, DIAG_OPERATIONS_CALLED, kept(c->unit, symbol->name));
	return check_all_arguments(c, e);
}

/* MODULE.name(…), where no connection's method is meant; NULL: there is no such. */
static struct symbol *find_member(struct checker *c, const struct expression *callee)
{
	const struct expression *base = callee->field.base;
	const struct symbol *module;

	if (base->kind != EXPRESSION_NAME)
		return NULL;
	module = scope_find(c->scope, NAMES_MODULE, base->name.text);
	return module ? scope_find_here(module->module->scope, NAMES_CALLABLE,
					callee->field.name.text)
		      : NULL;
}

static uint32_t check_method(struct checker *c, struct expression *e)
{
	struct expression *callee = e->call.callee, *base = callee->field.base;
	struct symbol *connection = name_connection(c, base), *symbol = NULL;
	struct str name = callee->field.name.text;
	uint32_t type;

	if (connection) {
		type = check_expression(c, base);
		for (uint32_t i = 0; i < METHOD_COUNT; i++)
			if (str_eq(name, str_c(special_names[i])))
				return check_special(c, e, (enum special)i);
		symbol = find_method(c, type, name);
		if (symbol)
			return call_symbol(c, e, symbol, base);
	}
	if (connection || base->kind != EXPRESSION_NAME ||
	    !scope_find(c->scope, NAMES_VALUE, base->name.text))
		symbol = find_member(c, callee);
	if (symbol)
		return call_symbol(c, e, symbol, NULL);
	check_all_arguments(c, e);
	if (connection && c->module->incomplete)
		return TYPE_NEVER;
	if (connection) {
		unknown_method(c, callee, connection->type);
		return TYPE_NEVER;
	}
	if (base->kind == EXPRESSION_NAME && !scope_find(c->scope, NAMES_VALUE, base->name.text)) {
		const struct symbol *module = scope_find(c->scope, NAMES_MODULE, base->name.text);

		if (module) {
			suggest(c,
				wrong(c, callee->field.name.span, DIAG_UNKNOWN_MEMBER,
				      kept(c->unit, module->name), kept(c->unit, name)),
				scope_nearest(module->module->scope, NAMES_CALLABLE, name));
			return TYPE_NEVER;
		}
	}
	type = check_expression(c, base);
	if (type != TYPE_NEVER) {
		size_t number = wrong(c, callee->span, DIAG_NO_METHODS, type_text(c->unit, type));

		if (scope_find(c->unit->language, NAMES_CALLABLE, name)) {
			diag_help(&c->unit->diags, number, "it is a function: `%.*s(…)`",
				  STR_ARG(name));
			mend_method(c, number, e);
		} else if (record_field(&c->unit->types, type, name) != NO_FIELD) {
			diag_help(&c->unit->diags, number,
				  "`%.*s` is a field: without parentheses", STR_ARG(name));
		} else if (foreign_hint(name)) {
			diag_help(&c->unit->diags, number, "%s", foreign_hint(name));
		}
	}
	return TYPE_NEVER;
}

static void unknown_function(struct checker *c, const struct expression *callee)
{
	struct str name = callee->name.text;
	const struct symbol *value = scope_find(c->scope, NAMES_VALUE, name);
	const struct map *modules = &c->module->scope->names[NAMES_MODULE];
	size_t number;

	if (value && value->kind == SYMBOL_ERROR)
		return;
	if (value) {
		wrong(c, callee->span, DIAG_NOT_CALLABLE, kept(c->unit, name), symbol_words(value));
		return;
	}
	number = wrong(c, callee->span, DIAG_UNKNOWN_FUNCTION, kept(c->unit, name));
	for (size_t i = 0; i < modules->count; i++) {
		const struct symbol *module = modules->entries[i].value;

		if (!scope_find_here(module->module->scope, NAMES_CALLABLE, name))
			continue;
		diag_help(&c->unit->diags, number, "did you mean `%.*s.%.*s`?",
			  STR_ARG(module->name), STR_ARG(name));
		diag_fix(&c->unit->diags, number, callee->span, "%.*s.%.*s",
			 STR_ARG(module->name), STR_ARG(name));
		return;
	}
	if (foreign_hint(name))
		diag_help(&c->unit->diags, number, "%s", foreign_hint(name));
	else
		suggest(c, number, scope_nearest(c->scope, NAMES_CALLABLE, name));
}

uint32_t check_call(struct checker *c, struct expression *e)
{
	struct expression *callee = e->call.callee;
	struct symbol *symbol;

	if (callee->kind == EXPRESSION_FIELD)
		return check_method(c, e);
	if (callee->kind != EXPRESSION_NAME) {
		uint32_t type = check_expression(c, callee);

		if (type != TYPE_NEVER)
			wrong(c, callee->span, DIAG_NOT_A_FUNCTION);
		return check_all_arguments(c, e);
	}
	symbol = scope_find(c->scope, NAMES_CALLABLE, callee->name.text);
	if (symbol)
		return call_symbol(c, e, symbol, NULL);
	unknown_function(c, callee);
	return check_all_arguments(c, e);
}
