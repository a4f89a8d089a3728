/* unit.c - see unit.h */
#include "compiler/unit.h"
#include "compiler/checker.h"
#include "compiler/graph.h"
#include "grammar/parse.h"

struct scope *unit_scope(struct unit *u, struct scope *parent)
{
	struct scope *s = arena_new(&u->arena, struct scope);

	s->parent = parent;
	s->made_before = u->last_scope;
	u->last_scope = s;
	return s;
}

struct symbol *unit_symbol(struct unit *u, enum symbol_kind kind, struct name name)
{
	struct symbol *s = arena_new(&u->arena, struct symbol);

	s->kind = kind;
	s->name = name.text;
	s->span = name.span;
	return s;
}

static struct symbol *add_known(struct unit *u, enum symbol_kind kind, struct str name,
				uint32_t number)
{
	struct symbol *s = unit_symbol(u, kind, (struct name){ .text = name });

	s->number = number;
	if (kind == SYMBOL_TYPE)
		s->type = number;
	scope_add(u->language, s);
	return s;
}

/* Overloads of a built-in share a name: the first one stands for all of them here. */
static void add_language(struct unit *u)
{
	static const char *const types[] = { "bool",  "int",	  "float",     "string",
					     "bytes", "duration", "timestamp", "version",
					     "ident", "sql",	  "any" };
	static const char *const specials[] = {
#define SPECIAL(NAME, name, place, signature, doc) [SPECIAL_##NAME] = #name,
#include "stdlib/specials.def"
#undef SPECIAL
	};

	u->language = unit_scope(u, NULL);
	for (uint32_t i = 0; i < ARRAY_SIZE(types); i++)
		add_known(u, SYMBOL_TYPE, str_c(types[i]), TYPE_BOOL + i);
	for (size_t i = 0; type_connection_kinds[i]; i++) {
		struct str kind = str_c(type_connection_kinds[i]);

		add_known(u, SYMBOL_TYPE, kind, types_connection(&u->types, kind));
	}
	for (uint32_t i = 0; i <= BUILTIN_MAX; i++)
		if (builtin_table[i].name)
			add_known(u, SYMBOL_BUILTIN, str_c(builtin_table[i].name), i);
	for (uint32_t i = SPECIAL_EXEC + 1; i < SPECIAL_COUNT; i++)
		add_known(u, SYMBOL_SPECIAL, str_c(specials[i]), i);
}

void unit_init(struct unit *u)
{
	*u = (struct unit){ 0 };
	types_init(&u->types);
	add_language(u);
}

static void add_source(struct unit *u, uint32_t source)
{
	struct unit_module *m = arena_new(&u->arena, struct unit_module);

	m->source = source;
	m->tree = parse(&u->arena, &u->sources, source, &u->diags);
	vec_push(&u->modules, m);
}

enum outcome unit_read(struct unit *u, const char *path, struct error *err)
{
	uint32_t source;
	enum outcome outcome = sources_read(&u->sources, path, &source, err);

	if (outcome == OUTCOME_OK)
		add_source(u, source);
	return outcome;
}

void unit_add_text(struct unit *u, struct str path, struct str text)
{
	add_source(u, sources_add(&u->sources, path, text));
}

void unit_lend_text(struct unit *u, struct str path, struct str text, struct hash hash)
{
	add_source(u, sources_lend(&u->sources, path, text, hash));
}

/* Borrowed strings of the head are copied: it goes with its image. */
void unit_add_known(struct unit *u, struct str path, struct str text, struct hash hash,
		    const struct migration *head)
{
	struct unit_module *m = arena_new(&u->arena, struct unit_module);
	struct unit_migration *migration;
	struct migration_syntax *syntax;
	struct name_list **end;

	m->source = sources_lend(&u->sources, path, text, hash);
	m->tree = arena_new(&u->arena, struct file);
	m->tree->source = m->source;
	vec_push(&u->modules, m);
	if (!head)
		return;
	migration = arena_new(&u->arena, struct unit_migration);
	migration->name = arena_str(&u->arena, head->name);
	migration->module = m;
	migration->declaration = arena_new(&u->arena, struct declaration);
	migration->declaration->kind = DECLARATION_MIGRATION;
	migration->declaration->name.text = migration->name;
	syntax = arena_new(&u->arena, struct migration_syntax);
	syntax->min_version = arena_str(&u->arena, head->min_version);
	syntax->max_version = arena_str(&u->arena, head->max_version);
	end = &syntax->depends;
	for (uint32_t i = 0; i < head->depends_count; i++) {
		*end = arena_new(&u->arena, struct name_list);
		(*end)->name.text = arena_str(&u->arena, head->depends[i]);
		end = &(*end)->next;
	}
	migration->declaration->migration = syntax;
	vec_push(&u->migrations, migration);
}

bool unit_learn(struct unit *u, struct unit_migration *m)
{
	struct diags told = { 0 };	/* nothing is: it was parsed before */

	if (m->module->tree->first || u->outdated)
		return false;
	u->outdated = !sources_recall(&u->sources, m->module->source);
	if (u->outdated)
		return false;
	m->module->tree = parse(&u->arena, &u->sources, m->module->source, &told);
	for (struct declaration *d = m->module->tree->first; d; d = d->next)
		if (d->kind == DECLARATION_MIGRATION)
			m->declaration = d;
	diags_clear(&told);
	return true;
}

/* Names first, then signatures, then what stands in bodies: nothing depends on the order of
 * declarations or files. */
void unit_check_files(struct unit *u)
{
	module_load_used(u);
	for (size_t i = 0; i < u->modules.count; i++)
		module_declare(u, u->modules.at[i]);
	for (size_t i = 0; i < u->modules.count; i++)
		for (struct declaration *d = u->modules.at[i]->tree->first; d; d = d->next)
			if (d->symbol &&
			    (d->kind == DECLARATION_FN || d->kind == DECLARATION_OPERATIONS))
				check_signature(u, u->modules.at[i], d);
	for (size_t i = 0; i < u->modules.count; i++)
		check_declarations(u, u->modules.at[i]);
	for (size_t i = 0; i < u->modules.count; i++)
		for (struct declaration *d = u->modules.at[i]->tree->first; d; d = d->next)
			if (d->kind == DECLARATION_TEST)
				check_test(u, u->modules.at[i], d);
	graph_check_includes(u);
	graph_check_parallel(u);
	diags_sort(&u->diags);
}

void unit_check_together(struct unit *u)
{
	graph_link(u);
	diags_sort(&u->diags);
}

void unit_check(struct unit *u)
{
	unit_check_files(u);
	unit_check_together(u);
}

void unit_clear(struct unit *u)
{
	for (struct scope *s = u->last_scope; s; s = s->made_before)
		for (size_t i = 0; i < NAMES_COUNT; i++)
			map_clear(&s->names[i]);
	vec_clear(&u->modules);
	vec_clear(&u->migrations);
	diags_clear(&u->diags);
	sources_clear(&u->sources);
	types_clear(&u->types);
	arena_clear(&u->arena);
	*u = (struct unit){ 0 };
}
