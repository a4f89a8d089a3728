/* scope.c - see scope.h */
#include "compiler/scope.h"

enum name_space symbol_name_space(const struct symbol *s)
{
	switch (s->kind) {
	case SYMBOL_FN:
	case SYMBOL_OPERATIONS:
	case SYMBOL_BUILTIN:
	case SYMBOL_SPECIAL:
		return NAMES_CALLABLE;
	case SYMBOL_TYPE:
		return NAMES_TYPE;
	case SYMBOL_MODULE:
		return NAMES_MODULE;
	case SYMBOL_ERROR:
	case SYMBOL_CONST:
	case SYMBOL_LET:
	case SYMBOL_VAR:
	case SYMBOL_LOOP:
	case SYMBOL_WINDOW:
	case SYMBOL_PARAMETER:
	case SYMBOL_PARAM:
	case SYMBOL_FROZEN:
	case SYMBOL_NEED:
	case SYMBOL_PLAN_LET:
	case SYMBOL_PLAN_LOOP:
	case SYMBOL_PLAN_PARAMETER:
		break;
	}
	return NAMES_VALUE;
}

bool symbol_is_captured(const struct symbol *s, const struct types *types)
{
	if (s->kind == SYMBOL_PLAN_PARAMETER)
		return types_get(types, s->type)->kind != TYPE_CONNECTION;
	return s->kind == SYMBOL_PLAN_LET || s->kind == SYMBOL_PLAN_LOOP;
}

const char *symbol_words(const struct symbol *s)
{
	switch (s->kind) {
	case SYMBOL_ERROR: return "a name";
	case SYMBOL_CONST: return "a constant";
	case SYMBOL_LET:
	case SYMBOL_PLAN_LET: return "a `let`";
	case SYMBOL_VAR: return "a variable";
	case SYMBOL_LOOP:
	case SYMBOL_WINDOW:
	case SYMBOL_PLAN_LOOP: return "the variable of a `for`";
	case SYMBOL_PARAMETER:
	case SYMBOL_PLAN_PARAMETER: return "a parameter";
	case SYMBOL_PARAM: return "a `param` of the migration";
	case SYMBOL_FROZEN: return "a `let` of the migration";
	case SYMBOL_NEED: return "a connection of the migration";
	case SYMBOL_FN: return "a function";
	case SYMBOL_OPERATIONS: return "a list of operations";
	case SYMBOL_BUILTIN:
	case SYMBOL_SPECIAL: return "a function of the language";
	case SYMBOL_TYPE: return "a type";
	case SYMBOL_MODULE: return "a module";
	}
	BUG("symbol of kind %d", (int)s->kind);
}

struct symbol *scope_find_here(const struct scope *s, enum name_space space, struct str name)
{
	return map_get(&s->names[space], name);
}

struct symbol *scope_find(const struct scope *s, enum name_space space, struct str name)
{
	for (; s; s = s->parent) {
		struct symbol *found = scope_find_here(s, space, name);

		if (found)
			return found;
	}
	return NULL;
}

/* What stands for an unknown name makes room for one that is declared after all. */
void scope_add(struct scope *s, struct symbol *symbol)
{
	struct map *names = &s->names[symbol_name_space(symbol)];
	struct symbol *before = map_add(names, symbol->name, symbol);

	if (!before || before->kind != SYMBOL_ERROR)
		return;
	for (size_t i = 0; i < names->count; i++)
		if (names->entries[i].value == before)
			names->entries[i].value = symbol;
}

struct nearest scope_nearest(const struct scope *s, enum name_space space, struct str name)
{
	VEC(struct str) candidates = { 0 };
	struct nearest found;

	for (; s; s = s->parent) {
		const struct map *names = &s->names[space];

		for (size_t i = 0; i < names->count; i++) {
			const struct symbol *symbol = names->entries[i].value;

			if (symbol->kind != SYMBOL_ERROR)
				vec_push(&candidates, names->entries[i].key);
		}
	}
	found = diag_nearest(name, candidates.at, candidates.count);
	vec_clear(&candidates);
	return found;
}
