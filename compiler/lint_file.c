/* lint_file.c - a file as a whole: text that becomes SQL, and names that nothing uses */
#include "compiler/linter.h"

/* ---- raw ---- */

static void look_at_raw(struct lint *l, const struct expression *e)
{
	struct folded known;

	if (e->kind == EXPRESSION_CALL && e->symbol && e->symbol->kind == SYMBOL_BUILTIN &&
	    str_eq(e->symbol->name, STR("raw")) && e->call.value_count == 1 &&
	    !expression_fold(e->call.values[0], &known))
		lint_warn(l, e->span, DIAG_LINT_RAW_DATA);
}

void lint_raw_data(struct lint *l)
{
	for (size_t i = 0; i < l->expressions.count; i++)
		look_at_raw(l, l->expressions.at[i]);
}

/* ---- what nothing uses ---- */

struct uses {
	struct lint *l;
	struct map modules;	/* names of those that something here comes from */
	bool has_migration;
};

static void note_use(struct uses *u, const struct expression *e)
{
	if ((e->kind != EXPRESSION_NAME && e->kind != EXPRESSION_FIELD &&
	     e->kind != EXPRESSION_CALL) || !e->symbol)
		return;
	e->symbol->used = true;
	if (e->symbol->module && e->symbol->module->library)
		map_add(&u->modules, e->symbol->module->name, e->symbol->module);
}

static void look_at_let(void *context, struct statement *s)
{
	const struct uses *u = context;

	if ((s->kind == STATEMENT_LET || s->kind == STATEMENT_VAR) && s->symbol &&
	    !s->symbol->used)
		lint_warn(u->l, s->let.name.span, DIAG_LINT_UNUSED_NAME,
			  symbol_words(s->symbol), lint_c(u->l, s->let.name.text));
}

static void look_at_params(const struct uses *u, const struct migration_syntax *m)
{
	for (const struct param_syntax *p = m->params; p; p = p->next)
		if (p->symbol && !p->symbol->used)
			lint_warn(u->l, p->name.span, DIAG_LINT_UNUSED_NAME,
				  symbol_words(p->symbol), lint_c(u->l, p->name.text));
}

/* A line that holds nothing else goes as a whole. */
static void tell_unused_use(struct lint *l, const struct declaration *d)
{
	size_t number = lint_warn(l, d->span, DIAG_LINT_UNUSED_USE, lint_c(l, d->name.text));
	struct str text = l->unit->sources.all.at[d->span.source].text;
	struct span line = d->span;

	while (line.start > 0 && strchr(" \t", text.ptr[line.start - 1]))
		line.start--;
	while (line.end < text.len && strchr(" \t\r", text.ptr[line.end]))
		line.end++;
	if (number != LINT_SILENT && line.end < text.len && text.ptr[line.end] == '\n' &&
	    (line.start == 0 || text.ptr[line.start - 1] == '\n')) {
		line.end++;
		diag_fix(&l->unit->diags, number, line, "%s", "");
	}
}

/* Others may use what a module declares; the file of a migration is nobody's module. */
static void look_at_declaration(const struct uses *u, const struct declaration *d)
{
	switch (d->kind) {
	case DECLARATION_USE:
		if (!map_has(&u->modules, d->name.text))
			tell_unused_use(u->l, d);
		break;
	case DECLARATION_CONST:
	case DECLARATION_FN:
	case DECLARATION_OPERATIONS:
		if (u->has_migration && d->symbol && !d->symbol->used)
			lint_warn(u->l, d->name.span, DIAG_LINT_UNUSED_NAME,
				  symbol_words(d->symbol), lint_c(u->l, d->name.text));
		break;
	case DECLARATION_MIGRATION:
		if (d->migration)
			look_at_params(u, d->migration);
		break;
	case DECLARATION_TYPE:
	case DECLARATION_TEST:
	case DECLARATION_ERROR:
		break;
	}
}

void lint_unused(struct lint *l)
{
	struct uses uses = { .l = l };
	struct walk looking = { .statement = look_at_let, .context = &uses };

	for (size_t i = 0; i < l->expressions.count; i++)
		note_use(&uses, l->expressions.at[i]);
	for (struct declaration *d = l->file->tree->first; d; d = d->next)
		uses.has_migration = uses.has_migration || d->kind == DECLARATION_MIGRATION;
	for (struct declaration *d = l->file->tree->first; d; d = d->next) {
		walk_declaration(&looking, d);
		look_at_declaration(&uses, d);
	}
	map_clear(&uses.modules);
}
