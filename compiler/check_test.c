/* check_test.c - tests by the author: checked here, carried out by amigrun test */
#include "compiler/checker.h"

/* The connections of a test are those that its file's migration needs, and one of each kind by the
 * kind's name. */
static void declare_connections(struct checker *c)
{
	const struct migration_syntax *m = NULL;

	for (struct declaration *d = c->module->tree->first; d; d = d->next)
		if (d->kind == DECLARATION_MIGRATION && d->migration)
			m = d->migration;
	for (const struct need_syntax *n = m ? m->needs : NULL; n; n = n->next)
		if (n->symbol && !scope_find_here(c->scope, NAMES_VALUE, n->name.text))
			scope_add(c->scope, n->symbol);
	for (size_t i = 0; type_connection_kinds[i]; i++) {
		struct name name = { .text = str_c(type_connection_kinds[i]) };

		if (!scope_find_here(c->scope, NAMES_VALUE, name.text))
			declare(c, SYMBOL_NEED, name, types_connection(&c->unit->types, name.text));
	}
}

static void check_given(struct checker *c, struct statement *s)
{
	struct expression *e = s->given.connection;
	struct symbol *symbol = name_connection(c, e), *outer = c->receiver;

	if (!symbol)
		wrong(c, e->span, DIAG_NOT_A_NEED, phrase(c, "`%.*s`", STR_ARG(e->name.text)));
	e->symbol = symbol;
	e->type = symbol ? symbol->type : TYPE_NEVER;
	c->receiver = symbol;
	check_wanted(c, s->given.sql, TYPE_SQL, "what is given");
	c->receiver = outer;
}

static const struct unit_migration *find_migration(const struct unit *u, struct str name)
{
	for (size_t i = 0; i < u->migrations.count; i++)
		if (str_eq(u->migrations.at[i]->name, name))
			return u->migrations.at[i];
	return NULL;
}

static const struct symbol *find_param(const struct unit_migration *m, struct str name)
{
	for (uint32_t i = 0; i < m->param_count; i++)
		if (str_eq(m->params[i]->name, name))
			return m->params[i];
	return NULL;
}

static void check_run(struct checker *c, struct statement *s)
{
	const struct unit_migration *m = find_migration(c->unit, s->run.migration.text);

	if (!m || m->module != c->module)
		c->module->outward = true;
	if (!m && s->run.migration.text.len &&
	    !(c->unit->has_migration &&
	      c->unit->has_migration(c->unit->context,
				     c->unit->sources.all.at[c->module->source].path,
				     s->run.migration.text)))
		wrong(c, s->run.migration.span, DIAG_DEPENDS_UNKNOWN,
		      kept(c->unit, s->run.migration.text));
	for (struct argument *a = s->run.params; a; a = a->next) {
		const struct symbol *param = m ? find_param(m, a->name.text) : NULL;

		if (param)
			check_wanted(c, a->value, param->type,
				     phrase(c, "`%.*s`", STR_ARG(a->name.text)));
		else
			check_value(c, a->value);
		if (m && !param)
			wrong(c, a->name.span, DIAG_ARGUMENT_UNKNOWN,
			      kept(c->unit, s->run.migration.text), kept(c->unit, a->name.text));
	}
}

void check_test(struct unit *u, struct unit_module *m, struct declaration *d)
{
	struct checker c = { .unit = u, .module = m, .result = TYPE_NOTHING, .place = "a test",
			     .allowed = ALLOW_CALL | ALLOW_READ };
	bool runs = false, whole = true;

	if (!d->test)
		return;
	c.scope = unit_scope(u, m->scope);
	declare_connections(&c);
	for (struct statement *s = d->test->first; s; s = s->next) {
		switch ((int)s->kind) {
		case STATEMENT_LET:
			check_let(&c, s, SYMBOL_LET);
			break;
		case STATEMENT_GIVEN:
			check_given(&c, s);
			break;
		case STATEMENT_RUN:
			check_run(&c, s);
			runs = true;
			break;
		case STATEMENT_EXPECT:
			check_wanted(&c, s->expression, TYPE_BOOL, "what is expected");
			break;
		default:
			whole = false;
		}
	}
	if (!runs && whole)
		wrong(&c, d->name.span, DIAG_TEST_WITHOUT_RUN, kept(u, d->name.text));
}
