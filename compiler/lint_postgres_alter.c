/* lint_postgres_alter.c - ALTER TABLE: what scans or writes every row while nobody else gets in */
#include "compiler/lint_postgres.h"

static const char *string_of(const PgQuery__Node *n)
{
	return n && n->node_case == PG_QUERY__NODE__NODE_STRING ? n->string->sval : "";
}

/* ---- constraints, and columns that are known not to be null ---- */

static const PgQuery__Constraint *constraint_of(const PgQuery__Node *n)
{
	return n && n->node_case == PG_QUERY__NODE__NODE_CONSTRAINT ? n->constraint : NULL;
}

/* The column of CHECK (column IS NOT NULL), or NULL. */
static const char *checked_column(const PgQuery__Constraint *c)
{
	const PgQuery__Node *e = c->raw_expr;

	if (c->contype != PG_QUERY__CONSTR_TYPE__CONSTR_CHECK || !e ||
	    e->node_case != PG_QUERY__NODE__NODE_NULL_TEST ||
	    e->null_test->nulltesttype != PG_QUERY__NULL_TEST_TYPE__IS_NOT_NULL ||
	    !e->null_test->arg ||
	    e->null_test->arg->node_case != PG_QUERY__NODE__NODE_COLUMN_REF ||
	    e->null_test->arg->column_ref->n_fields != 1)
		return NULL;
	return string_of(e->null_test->arg->column_ref->fields[0]);
}

static void learn_constraint(struct lint *l, const PgQuery__RangeVar *table,
			     const PgQuery__Constraint *c)
{
	const char *column = checked_column(c);

	if (!column)
		return;
	if (c->skip_validation)
		map_add(&l->checks, postgres_key(l, table, c->conname),
			arena_c(&l->arena, str_c(column)));
	else
		map_add(&l->not_null, postgres_key(l, table, column), l);
}

void postgres_learn_alter(struct lint *l, const PgQuery__AlterTableStmt *alter)
{
	for (size_t i = 0; i < alter->n_cmds; i++) {
		const PgQuery__AlterTableCmd *cmd = alter->cmds[i]->alter_table_cmd;
		const char *column;

		if (alter->cmds[i]->node_case != PG_QUERY__NODE__NODE_ALTER_TABLE_CMD)
			continue;
		if (cmd->subtype == PG_QUERY__ALTER_TABLE_TYPE__AT_AddConstraint &&
		    constraint_of(cmd->def))
			learn_constraint(l, alter->relation, cmd->def->constraint);
		if (cmd->subtype != PG_QUERY__ALTER_TABLE_TYPE__AT_ValidateConstraint)
			continue;
		column = map_get(&l->checks, postgres_key(l, alter->relation, cmd->name));
		if (column)
			map_add(&l->not_null, postgres_key(l, alter->relation, column), l);
	}
}

static void look_at_constraint(const struct lint_postgres *s, const PgQuery__Constraint *c)
{
	switch ((int)c->contype) {
	case PG_QUERY__CONSTR_TYPE__CONSTR_CHECK:
		if (!c->skip_validation)
			lint_warn(s->l, s->span, DIAG_LINT_CONSTRAINT_SCANS, "check");
		break;
	case PG_QUERY__CONSTR_TYPE__CONSTR_FOREIGN:
		if (!c->skip_validation)
			lint_warn(s->l, s->span, DIAG_LINT_CONSTRAINT_SCANS, "foreign key");
		break;
	case PG_QUERY__CONSTR_TYPE__CONSTR_PRIMARY:
	case PG_QUERY__CONSTR_TYPE__CONSTR_UNIQUE:
		if (!c->indexname || !*c->indexname)
			lint_warn(s->l, s->span, DIAG_LINT_KEY_BLOCKS);
		break;
	}
}

/* ---- new columns ---- */

static bool is_volatile_name(const char *name)
{
	static const char *const names[] = {
#define VOLATILE(name) name,
#include "compiler/lint_volatile.def"
#undef VOLATILE
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

static bool is_volatile(const PgQuery__Node *n);

static bool has_volatile(PgQuery__Node *const *nodes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (is_volatile(nodes[i]))
			return true;
	return false;
}

/* The recursion is bounded by the length of what is parsed at all (lint_postgres.c). */
static bool is_volatile(const PgQuery__Node *n)
{
	if (!n)
		return false;
	switch ((int)n->node_case) {
	case PG_QUERY__NODE__NODE_FUNC_CALL:
		return (n->func_call->n_funcname &&
			is_volatile_name(string_of(
				n->func_call->funcname[n->func_call->n_funcname - 1]))) ||
		       has_volatile(n->func_call->args, n->func_call->n_args);
	case PG_QUERY__NODE__NODE_TYPE_CAST:
		return is_volatile(n->type_cast->arg);
	case PG_QUERY__NODE__NODE_A_EXPR:
		return is_volatile(n->a_expr->lexpr) || is_volatile(n->a_expr->rexpr);
	case PG_QUERY__NODE__NODE_COALESCE_EXPR:
		return has_volatile(n->coalesce_expr->args, n->coalesce_expr->n_args);
	}
	return false;
}

/* The last part of its name: "text" of text and of pg_catalog.text. */
static const char *type_of(const PgQuery__TypeName *type)
{
	return type && type->n_names ? string_of(type->names[type->n_names - 1]) : "";
}

static bool is_serial(const PgQuery__TypeName *type)
{
	static const char *const names[] = { "serial",	 "serial4",	"bigserial",
					     "serial8", "smallserial", "serial2" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(type_of(type), names[i]) == 0)
			return true;
	return false;
}

struct column_facts {
	bool not_null, has_default, rewrites;
};

static struct column_facts facts_of(const PgQuery__ColumnDef *column)
{
	struct column_facts f = { .rewrites = is_serial(column->type_name) };

	f.has_default = f.rewrites;
	for (size_t i = 0; i < column->n_constraints; i++) {
		const PgQuery__Constraint *c = constraint_of(column->constraints[i]);

		if (!c)
			continue;
		switch ((int)c->contype) {
		case PG_QUERY__CONSTR_TYPE__CONSTR_NOTNULL:
		case PG_QUERY__CONSTR_TYPE__CONSTR_PRIMARY:
			f.not_null = true;
			break;
		case PG_QUERY__CONSTR_TYPE__CONSTR_DEFAULT:
			f.has_default = true;
			f.rewrites = f.rewrites || is_volatile(c->raw_expr);
			break;
		case PG_QUERY__CONSTR_TYPE__CONSTR_IDENTITY:
		case PG_QUERY__CONSTR_TYPE__CONSTR_GENERATED:
			f.has_default = f.rewrites = true;
			break;
		}
	}
	return f;
}

static void look_at_column(const struct lint_postgres *s, const PgQuery__ColumnDef *column)
{
	struct column_facts f = facts_of(column);

	if (f.rewrites)
		lint_warn(s->l, s->span, DIAG_LINT_DEFAULT_REWRITES);
	/* SQL that is not known may bring the default. */
	if (f.not_null && !f.has_default && !s->effect->incomplete)
		lint_warn(s->l, s->span, DIAG_LINT_COLUMN_NOT_NULL);
}

/* To text from what is text already nothing is rewritten; of all other changes that can't be
 * known here. */
static bool rewrites(const PgQuery__ColumnDef *column)
{
	const char *type = type_of(column->type_name);

	if (column->raw_default)
		return true;
	return !(strcmp(type, "text") == 0 ||
		 (strcmp(type, "varchar") == 0 && !column->type_name->n_typmods));
}

static void look_at_command(const struct lint_postgres *s, const PgQuery__RangeVar *table,
			    const PgQuery__AlterTableCmd *cmd)
{
	const PgQuery__ColumnDef *column =
		cmd->def && cmd->def->node_case == PG_QUERY__NODE__NODE_COLUMN_DEF
			? cmd->def->column_def : NULL;

	switch ((int)cmd->subtype) {
	case PG_QUERY__ALTER_TABLE_TYPE__AT_AddColumn:
		if (column)
			look_at_column(s, column);
		break;
	case PG_QUERY__ALTER_TABLE_TYPE__AT_AlterColumnType:
		if (column && rewrites(column))
			lint_warn(s->l, s->span, DIAG_LINT_TYPE_REWRITES);
		break;
	case PG_QUERY__ALTER_TABLE_TYPE__AT_SetNotNull:
		if (!map_has(&s->l->not_null, postgres_key(s->l, table, cmd->name)))
			lint_warn(s->l, s->span, DIAG_LINT_NOT_NULL_SCANS);
		break;
	case PG_QUERY__ALTER_TABLE_TYPE__AT_AddConstraint:
		if (constraint_of(cmd->def))
			look_at_constraint(s, cmd->def->constraint);
		break;
	}
}

void lint_alter_table(const struct lint_postgres *s)
{
	const PgQuery__AlterTableStmt *alter = postgres_alter(s->node);

	if (!alter || postgres_is_made(s, alter->relation))
		return;
	for (size_t i = 0; i < alter->n_cmds; i++)
		if (alter->cmds[i]->node_case == PG_QUERY__NODE__NODE_ALTER_TABLE_CMD)
			look_at_command(s, alter->relation, alter->cmds[i]->alter_table_cmd);
}
