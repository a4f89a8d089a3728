/* module.c - see module.h */
#include "compiler/module.h"
#include "compiler/checker.h"
#include "grammar/parse.h"

enum { UNLOADED, LOADING, LOADED };

struct unit_module *module_find(const struct unit *u, struct str name)
{
	for (size_t i = 0; i < u->modules.count; i++)
		if (u->modules.at[i]->library && str_eq(u->modules.at[i]->name, name))
			return u->modules.at[i];
	return NULL;
}

static void suggest_kind(struct unit *u, size_t number, struct str name)
{
	struct str candidates[8];
	size_t count = 0;

	for (; count < ARRAY_SIZE(candidates) && type_connection_kinds[count]; count++)
		candidates[count] = types_dialect(str_c(type_connection_kinds[count]));
	diag_suggest(&u->diags, number, diag_nearest(types_dialect(name), candidates, count));
}

static struct unit_module *open_library(struct unit *u, struct name name)
{
	struct unit_module *m;
	struct str path = { 0 }, text = { 0 };

	if (u->read_module)
		text = u->read_module(u->context, name.text, &path);
	if (!text.ptr) {
		suggest_kind(
			u, diag_add(&u->diags, name.span, DIAG_UNKNOWN_MODULE, kept(u, name.text)),
			name.text);
		return NULL;
	}
	m = arena_new(&u->arena, struct unit_module);
	m->name = name.text;
	m->library = true;
	m->source = sources_add(&u->sources, path, text);
	m->tree = parse(&u->arena, &u->sources, m->source, &u->diags);
	vec_push(&u->modules, m);
	return m;
}

/* Depth first; a module that is met while it is being loaded closes a cycle. */
static void load(struct unit *u, struct unit_module *m)
{
	m->state = LOADING;
	for (const struct declaration *d = m->tree->first; d; d = d->next) {
		struct unit_module *used;

		if (d->kind != DECLARATION_USE || d->name.text.len == 0)
			continue;
		used = module_find(u, d->name.text);
		if (!used)
			used = open_library(u, d->name);
		if (used && used->state == LOADING)
			diag_add(&u->diags, d->name.span, DIAG_MODULE_CYCLE, kept(u, used->name));
		else if (used && used->state == UNLOADED)
			load(u, used);
	}
	m->state = LOADED;
}

void module_load_used(struct unit *u)
{
	size_t given = u->modules.count;

	for (size_t i = 0; i < given; i++)
		load(u, u->modules.at[i]);
}

static enum symbol_kind kind_of(const struct declaration *d)
{
	switch (d->kind) {
	case DECLARATION_USE: return SYMBOL_MODULE;
	case DECLARATION_CONST: return SYMBOL_CONST;
	case DECLARATION_TYPE: return SYMBOL_TYPE;
	case DECLARATION_FN: return SYMBOL_FN;
	case DECLARATION_OPERATIONS: return SYMBOL_OPERATIONS;
	case DECLARATION_MIGRATION:
	case DECLARATION_TEST:
	case DECLARATION_ERROR: break;
	}
	return SYMBOL_ERROR;
}

static bool is_taken(struct unit *u, struct unit_module *m, const struct symbol *symbol)
{
	const struct symbol *before = scope_find(m->scope, symbol_name_space(symbol), symbol->name);
	size_t number;

	if (!before || before->kind == SYMBOL_ERROR)
		return false;
	number = diag_add(&u->diags, symbol->span, DIAG_NAME_TAKEN, kept(u, symbol->name),
			  symbol_words(before));
	if (before->module || before->declaration)
		diag_note(&u->diags, number, before->span, "declared here");
	return true;
}

void module_declare(struct unit *u, struct unit_module *m)
{
	m->scope = unit_scope(u, u->language);
	for (struct declaration *d = m->tree->first; d; d = d->next) {
		enum symbol_kind kind = kind_of(d);
		struct symbol *symbol;

		if (d->name.text.len == 0 || d->kind == DECLARATION_MIGRATION ||
		    d->kind == DECLARATION_TEST)
			continue;
		if (kind == SYMBOL_ERROR ||
		    (kind == SYMBOL_MODULE && !module_find(u, d->name.text))) {
			m->incomplete = true;
			scope_add(m->scope, unit_symbol(u, SYMBOL_ERROR, d->name));
			continue;
		}
		symbol = unit_symbol(u, kind, d->name);
		symbol->module = m;
		symbol->declaration = d;
		d->symbol = symbol;
		if (kind == SYMBOL_MODULE) {
			symbol->declaration = NULL;
			symbol->module = module_find(u, d->name.text);
		}
		if (!is_taken(u, m, symbol))
			scope_add(m->scope, symbol);
	}
}

struct symbol *module_method(const struct unit_module *m, uint32_t connection, struct str name)
{
	struct symbol *s = scope_find_here(m->scope, NAMES_CALLABLE, name);

	if (s && s->parameter_count && s->parameters[0]->type == connection)
		return s;
	return NULL;
}
