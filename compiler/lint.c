/* lint.c - see lint.h */
#include "compiler/linter.h"
#include "compiler/checker.h"

/* ---- allow ---- */

static bool is_within(struct span inner, struct span outer)
{
	return inner.source == outer.source && inner.start >= outer.start &&
	       inner.end <= outer.end;
}

/* All that allow it are told: none of them is there for nothing. */
bool lint_speaks(struct lint *l, struct span span, enum diag_code code, ...)
{
	bool allowed = false;

	for (size_t i = 0; i < l->allows.count; i++) {
		struct lint_allow *a = &l->allows.at[i];

		if (a->code != code || !is_within(span, a->inside))
			continue;
		a->used = true;
		allowed = true;
	}
	return !allowed;
}

static bool is_lint(enum diag_code code)
{
	return code != DIAG_COUNT && diag_severity(code) == SEVERITY_WARNING;
}

static void unknown_code(struct lint *l, struct name code)
{
	VEC(struct str) known = { 0 };
	size_t number = diag_add(&l->unit->diags, code.span, DIAG_ALLOW_UNKNOWN,
				 lint_c(l, code.text));
	struct nearest near;

	for (unsigned i = 0; i < DIAG_COUNT; i++)
		if (is_lint((enum diag_code)i))
			vec_push(&known, str_c(diag_code_text((enum diag_code)i)));
	near = diag_nearest(code.text, known.at, known.count);
	if (diag_code_find(code.text) == DIAG_COUNT)
		diag_suggest(&l->unit->diags, number, near);
	vec_clear(&known);
}

static void add_allows(struct lint *l, const struct allow_syntax *first, struct span inside)
{
	for (const struct allow_syntax *a = first; a; a = a->next) {
		enum diag_code code = diag_code_find(a->code.text);

		if (is_lint(code))
			vec_push(&l->allows, (struct lint_allow){ a, inside, code, false });
		else
			unknown_code(l, a->code);
	}
}

static void add_operation_allows(void *context, struct statement *s)
{
	if (s->kind == STATEMENT_OPERATION)
		add_allows(context, s->operation->allows, s->operation->span);
}

static void find_allows(struct lint *l, const struct unit_module *file)
{
	struct walk walk = { .statement = add_operation_allows, .context = l };
	struct span whole = { file->source, 0,
			      (uint32_t)l->unit->sources.all.at[file->source].text.len };

	for (struct declaration *d = file->tree->first; d; d = d->next) {
		if (d->kind == DECLARATION_MIGRATION && d->migration)
			add_allows(l, d->migration->allows, whole);
		walk_declaration(&walk, d);
	}
}

const struct migration_syntax *lint_syntax(struct lint *l, struct unit_migration *m)
{
	if (unit_learn(l->unit, m))
		find_allows(l, m->module);
	return m->declaration->migration;
}

bool lint_is_between_files(enum diag_code code)
{
	return code == DIAG_LINT_VERSIONS_OVERLAP || code == DIAG_LINT_VERSIONS_GAP ||
	       code == DIAG_LINT_DEPENDENCY_LATE;
}

/* Of lints between files nobody can tell that an `allow` is for nothing. */
static void tell_unused_allows(struct lint *l)
{
	for (size_t i = 0; i < l->allows.count; i++) {
		const struct lint_allow *a = &l->allows.at[i];

		if (!a->used && a->code != DIAG_LINT_ALLOW_UNUSED &&
		    !lint_is_between_files(a->code))
			lint_warn(l, a->syntax->span, DIAG_LINT_ALLOW_UNUSED,
				  diag_code_text(a->code));
	}
}

/* ---- the look at everything ---- */

const char *lint_c(struct lint *l, struct str text)
{
	return arena_c(&l->arena, text);
}

static void look_at_operation(struct lint *l, const struct operation_syntax *o)
{
	struct lint_effects effects = { 0 };

	lint_effects_read(l, o, &effects);
	l->effects = &effects;
	for (size_t i = 0; i < effects.all.count; i++) {
		const struct lint_effect *e = &effects.all.at[i];

		if (e->dialect == SQL_POSTGRES)
			lint_postgres(l, e);
		else if (e->dialect == SQL_CLICKHOUSE)
			lint_clickhouse(l, e);
	}
#define LINT_OPERATION(name) lint_##name(l, o, &effects);
#include "compiler/lint.def"
	l->effects = NULL;
	lint_effects_clear(&effects);
}

static void look_at_statement(void *context, struct statement *s)
{
	if (s->kind == STATEMENT_OPERATION)
		look_at_operation(context, s->operation);
}

static void gather(void *context, struct expression *e)
{
	struct lint *l = context;

	vec_push(&l->expressions, e);
	if (e->kind == EXPRESSION_CALL && e->symbol && e->symbol->kind == SYMBOL_SPECIAL &&
	    e->symbol->number == SPECIAL_ON_CLUSTER)
		l->on_cluster = true;
}

static void forget(struct lint *l)
{
	map_clear(&l->holes);
	map_clear(&l->made);
	map_clear(&l->checks);
	map_clear(&l->not_null);
	l->on_cluster = false;
}

static void look_at_file(struct lint *l)
{
	struct walk statements = { .statement = look_at_statement, .context = l };
	struct walk expressions = { .expression = gather, .context = l };

	l->expressions.count = 0;
	for (struct declaration *d = l->file->tree->first; d; d = d->next) {
		l->declaration = d->span;
		walk_declaration(&expressions, d);
		if (d->kind == DECLARATION_MIGRATION || d->kind == DECLARATION_OPERATIONS)
			walk_declaration(&statements, d);
		forget(l);
	}
#define LINT_FILE(name) lint_##name(l);
#include "compiler/lint.def"
}

/* False: there is nothing to look at. */
static bool begin(struct lint *l, struct unit *u)
{
	*l = (struct lint){ .unit = u };
	if (u->diags.error_count)
		return false;
	for (size_t i = 0; i < u->modules.count; i++)
		if (!u->modules.at[i]->library)
			find_allows(l, u->modules.at[i]);
	return true;
}

static void end(struct lint *l)
{
	diags_sort(&l->unit->diags);
	vec_clear(&l->allows);
	vec_clear(&l->expressions);
	arena_clear(&l->arena);
}

void lint_files(struct unit *u)
{
	struct lint l;

	if (!begin(&l, u))
		return;
	for (size_t i = 0; i < u->modules.count; i++) {
		l.file = u->modules.at[i];
		if (!l.file->library)
			look_at_file(&l);
	}
	tell_unused_allows(&l);
	end(&l);
}

void lint_together(struct unit *u)
{
	struct lint l;

	if (!begin(&l, u))
		return;
#define LINT_UNIT(name) lint_##name(&l);
#include "compiler/lint.def"
	end(&l);
}
