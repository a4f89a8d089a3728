/* check_declaration.c - what a file declares beside its migration: constants, functions, operations
 */
#include "compiler/checker.h"

enum { CHECKING = 1, CHECKED };

static struct checker checker_of(struct unit *u, struct unit_module *m, const char *place)
{
	return (struct checker){
		.unit = u, .module = m, .scope = m->scope, .place = place, .result = TYPE_NOTHING
	};
}

/* A constant is checked when something first uses it, so that their order in the file does not
 * matter. */
void check_const(struct unit *u, struct symbol *symbol, struct span used_at)
{
	struct declaration *d = symbol->declaration;
	struct checker c;

	if (symbol->state == CHECKED)
		return;
	if (symbol->state == CHECKING) {
		diag_add(&u->diags, used_at, DIAG_CONST_RECURSIVE, kept(u, symbol->name));
		symbol->type = TYPE_NEVER;
		return;
	}
	symbol->state = CHECKING;
	symbol->value = d->constant.value;
	c = checker_of(u, symbol->module, "a constant");
	if (d->constant.type) {
		uint32_t type = type_resolve(u, c.scope, d->constant.type);

		check_wanted(&c, d->constant.value, type, "the constant");
		symbol->type = type;
	} else {
		uint32_t type = check_value(&c, d->constant.value);

		symbol->type = check_kept_type(&c, d->name, d->constant.value->span, type)
				       ? type
				       : TYPE_NEVER;
	}
	symbol->state = CHECKED;
}

static void check_default(struct checker *c, struct parameter *p, uint32_t type)
{
	const char *what =
		phrase(c, "the default of `%.*s`", STR_ARG(p->name.text));

	if (p->value)
		check_wanted(c, p->value, type, what);
}

/* c.value(…) is always the built-in one. */
static void refuse_hidden(struct checker *c, const struct declaration *d)
{
	static const char *const methods[] = {
#define SPECIAL_METHOD(name) #name,
#define SPECIAL_FUNCTION(name)
#define SPECIAL(NAME, name, place, signature, doc) SPECIAL_##place(name)
#include "stdlib/specials.def"
#undef SPECIAL
#undef SPECIAL_FUNCTION
#undef SPECIAL_METHOD
	};
	const struct symbol *symbol = d->symbol;

	if (!symbol->parameter_count ||
	    type_kind_of(c->unit, symbol->parameters[0]->type) != TYPE_CONNECTION)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(methods); i++)
		if (str_eq(d->name.text, str_c(methods[i])))
			wrong(c, d->name.span, DIAG_METHOD_TAKEN, methods[i]);
}

void check_signature(struct unit *u, struct unit_module *m, struct declaration *d)
{
	struct checker c = checker_of(u, m, "a default");
	struct symbol *symbol = d->symbol;
	bool plan = d->kind == DECLARATION_OPERATIONS;

	c.scope = unit_scope(u, m->scope);
	for (struct parameter *p = d->fn.parameters; p; p = p->next)
		symbol->parameter_count++;
	if (symbol->parameter_count > PARAMETERS_MAX)
		wrong(&c, d->name.span, DIAG_TOO_MANY_OF, "parameters", PARAMETERS_MAX);
	symbol->parameters = arena_array(&u->arena, struct symbol *, symbol->parameter_count + 1);
	symbol->parameter_count = 0;
	for (struct parameter *p = d->fn.parameters; p; p = p->next) {
		p->symbol = declare(&c, plan ? SYMBOL_PLAN_PARAMETER : SYMBOL_PARAMETER, p->name,
				    p->type ? type_resolve(u, m->scope, p->type) : TYPE_NEVER);
		p->symbol->parameter = p;
		if (plan && type_has(&u->types, p->symbol->type, TYPE_ANY))
			wrong(&c, p->type->span, DIAG_ANY_KEPT);
		symbol->parameters[symbol->parameter_count++] = p->symbol;
	}
	refuse_hidden(&c, d);
	symbol->type = d->fn.result ? type_resolve(u, m->scope, d->fn.result) : TYPE_NOTHING;
	if (type_kind_of(u, symbol->type) == TYPE_CONNECTION) {
		wrong(&c, d->fn.result->span, DIAG_CONNECTION_KEPT);
		symbol->type = TYPE_NEVER;
	}
}

static void check_body(struct unit *u, struct unit_module *m, struct declaration *d)
{
	struct checker c = checker_of(u, m, "a default");

	for (struct parameter *p = d->fn.parameters; p; p = p->next)
		if (p->symbol)
			check_default(&c, p, p->symbol->type);
	c.scope = unit_scope(u, m->scope);
	for (struct parameter *p = d->fn.parameters; p; p = p->next)
		if (p->symbol && p->name.text.len &&
		    !scope_find(c.scope, NAMES_VALUE, p->name.text))
			scope_add(c.scope, p->symbol);
	c.owner = d->symbol;
	c.place = d->kind == DECLARATION_FN ? "a function" : "the plan of `operations`";
	c.allowed = ALLOW_CALL | ALLOW_READ;
	if (!d->fn.body)
		return;
	if (d->kind == DECLARATION_OPERATIONS) {
		c.planning = true;
		check_plan(&c, d->fn.body->first);
		map_clear(&c.labels);
		return;
	}
	c.result = d->symbol->type;
	check_statements(&c, d->fn.body);
	if (c.result != TYPE_NOTHING && c.result != TYPE_NEVER && !block_ends(d->fn.body))
		wrong(&c, d->name.span, DIAG_RETURN_MISSING, kept(u, d->name.text),
		      type_text(u, c.result));
}

void check_declarations(struct unit *u, struct unit_module *m)
{
	for (struct declaration *d = m->tree->first; d; d = d->next) {
		switch (d->kind) {
		case DECLARATION_CONST:
			if (d->symbol)
				check_const(u, d->symbol, d->name.span);
			break;
		case DECLARATION_TYPE:
			if (d->symbol && d->type)
				type_resolve(u, m->scope,
					     &(struct type_syntax){ .kind = SYNTAX_NAMED,
								    .name = d->name });
			break;
		case DECLARATION_FN:
		case DECLARATION_OPERATIONS:
			if (d->symbol)
				check_body(u, m, d);
			break;
		case DECLARATION_MIGRATION:
			check_migration(u, m, d);
			break;
		case DECLARATION_USE:
		case DECLARATION_TEST:
		case DECLARATION_ERROR:
			break;
		}
	}
}
