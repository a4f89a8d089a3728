/* lint_postgres_lock.c - statements that make others wait: for a lock, for an index, for a table */
#include "compiler/lint_postgres.h"
#include "compiler/lint_tokens.h"

/* A lock that is waited for longer than this is an outage that nobody decided on. */
#define LOCK_TIMEOUT_MAX_MS 60000

static bool has_option(PgQuery__Node *const *options, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (options[i]->node_case == PG_QUERY__NODE__NODE_DEF_ELEM &&
		    strcmp(options[i]->def_elem->defname, name) == 0)
			return true;
	return false;
}

/* ---- which statements lock ---- */

/* These stand beside reads and writes; everything else in an ALTER TABLE shuts somebody out. */
static bool is_gentle(const PgQuery__AlterTableCmd *cmd)
{
	switch ((int)cmd->subtype) {
	case PG_QUERY__ALTER_TABLE_TYPE__AT_ValidateConstraint:
	case PG_QUERY__ALTER_TABLE_TYPE__AT_SetStatistics:
	case PG_QUERY__ALTER_TABLE_TYPE__AT_SetOptions:
	case PG_QUERY__ALTER_TABLE_TYPE__AT_ResetOptions:
	case PG_QUERY__ALTER_TABLE_TYPE__AT_ClusterOn:
	case PG_QUERY__ALTER_TABLE_TYPE__AT_DropCluster:
	case PG_QUERY__ALTER_TABLE_TYPE__AT_SetRelOptions:
	case PG_QUERY__ALTER_TABLE_TYPE__AT_ResetRelOptions:
	case PG_QUERY__ALTER_TABLE_TYPE__AT_AttachPartition:
	case PG_QUERY__ALTER_TABLE_TYPE__AT_DetachPartitionFinalize:
		return true;
	case PG_QUERY__ALTER_TABLE_TYPE__AT_DetachPartition:
		return cmd->def && cmd->def->node_case == PG_QUERY__NODE__NODE_PARTITION_CMD &&
		       cmd->def->partition_cmd->concurrent;
	}
	return false;
}

static bool alter_locks(const PgQuery__AlterTableStmt *alter)
{
	for (size_t i = 0; i < alter->n_cmds; i++) {
		const PgQuery__Node *n = alter->cmds[i];

		if (n->node_case == PG_QUERY__NODE__NODE_ALTER_TABLE_CMD &&
		    !is_gentle(n->alter_table_cmd))
			return true;
	}
	return false;
}

static bool drop_locks(const PgQuery__DropStmt *drop)
{
	return !drop->concurrent && (drop->remove_type == PG_QUERY__OBJECT_TYPE__OBJECT_TABLE ||
				     drop->remove_type == PG_QUERY__OBJECT_TYPE__OBJECT_INDEX ||
				     drop->remove_type == PG_QUERY__OBJECT_TYPE__OBJECT_MATVIEW);
}

bool postgres_locks(const PgQuery__Node *node, const PgQuery__RangeVar **table)
{
	*table = NULL;
	switch ((int)node->node_case) {
	case PG_QUERY__NODE__NODE_ALTER_TABLE_STMT:
		*table = node->alter_table_stmt->relation;
		return postgres_alter(node) && alter_locks(node->alter_table_stmt);
	case PG_QUERY__NODE__NODE_INDEX_STMT:
		*table = node->index_stmt->relation;
		return !node->index_stmt->concurrent;
	case PG_QUERY__NODE__NODE_REINDEX_STMT:
		*table = node->reindex_stmt->relation;
		return !has_option(node->reindex_stmt->params, node->reindex_stmt->n_params,
				   "concurrently");
	case PG_QUERY__NODE__NODE_RENAME_STMT:
		*table = node->rename_stmt->relation;
		return *table != NULL;
	case PG_QUERY__NODE__NODE_CREATE_TRIG_STMT:
		*table = node->create_trig_stmt->relation;
		return true;
	case PG_QUERY__NODE__NODE_CLUSTER_STMT:
		*table = node->cluster_stmt->relation;
		return true;
	case PG_QUERY__NODE__NODE_REFRESH_MAT_VIEW_STMT:
		*table = node->refresh_mat_view_stmt->relation;
		return !node->refresh_mat_view_stmt->concurrent;
	case PG_QUERY__NODE__NODE_DROP_STMT:
		return drop_locks(node->drop_stmt);
	case PG_QUERY__NODE__NODE_VACUUM_STMT:
		return has_option(node->vacuum_stmt->options, node->vacuum_stmt->n_options,
				  "full");
	case PG_QUERY__NODE__NODE_TRUNCATE_STMT:
	case PG_QUERY__NODE__NODE_LOCK_STMT:
		return true;
	}
	return false;
}

/* Whether one of several objects that a statement names is a table that the migration has made. */
static bool is_made_object(const struct lint_postgres *s, const PgQuery__Node *n)
{
	const PgQuery__Node *name = n;

	if (n->node_case == PG_QUERY__NODE__NODE_RANGE_VAR)
		return postgres_is_made(s, n->range_var);
	if (n->node_case == PG_QUERY__NODE__NODE_LIST && n->list->n_items)
		name = n->list->items[n->list->n_items - 1];
	return name->node_case == PG_QUERY__NODE__NODE_STRING &&
	       map_has(&s->l->made, str_c(name->string->sval));
}

static bool is_about_made(const struct lint_postgres *s, const PgQuery__RangeVar *table)
{
	PgQuery__Node *const *objects = NULL;
	size_t count = 0;

	if (s->node->node_case == PG_QUERY__NODE__NODE_DROP_STMT) {
		objects = s->node->drop_stmt->objects;
		count = s->node->drop_stmt->n_objects;
	} else if (s->node->node_case == PG_QUERY__NODE__NODE_TRUNCATE_STMT) {
		objects = s->node->truncate_stmt->relations;
		count = s->node->truncate_stmt->n_relations;
	} else if (s->node->node_case == PG_QUERY__NODE__NODE_LOCK_STMT) {
		objects = s->node->lock_stmt->relations;
		count = s->node->lock_stmt->n_relations;
	}
	for (size_t i = 0; i < count; i++)
		if (!is_made_object(s, objects[i]))
			return false;
	return count > 0 || postgres_is_made(s, table);
}

void lint_lock_timeout(const struct lint_postgres *s)
{
	const PgQuery__RangeVar *table;
	const char *how_long;

	if (s->lock_timeout_ms > 0 && s->lock_timeout_ms <= LOCK_TIMEOUT_MAX_MS)
		return;
	if (!postgres_locks(s->node, &table) || is_about_made(s, table))
		return;
	how_long = s->lock_timeout_ms <= 0 ? "without an end"
		: arena_format(&s->l->arena, "for up to %lld s",
			       (long long)(s->lock_timeout_ms / 1000)).ptr;
	lint_warn(s->l, s->span, DIAG_LINT_LOCK_TIMEOUT, how_long);
}

/* ---- indexes ---- */

void lint_index_blocks(const struct lint_postgres *s)
{
	const PgQuery__RangeVar *table;
	bool creates = s->node->node_case == PG_QUERY__NODE__NODE_INDEX_STMT;

	if (!creates && s->node->node_case != PG_QUERY__NODE__NODE_REINDEX_STMT)
		return;
	if (!postgres_locks(s->node, &table) || postgres_is_made(s, table))
		return;
	/* ON ONLY makes the empty index of a partitioned table. */
	if (creates && table && !table->inh)
		return;
	lint_warn(s->l, s->span, DIAG_LINT_INDEX_BLOCKS, creates ? "built" : "rebuilt",
		  creates ? "CREATE INDEX CONCURRENTLY" : "REINDEX … CONCURRENTLY");
}

/* ---- whole tables ---- */

void lint_whole_table(const struct lint_postgres *s)
{
	const PgQuery__RangeVar *table = NULL;
	const char *verb = "";

	if (s->effect->incomplete)
		return;
	if (s->node->node_case == PG_QUERY__NODE__NODE_UPDATE_STMT &&
	    !s->node->update_stmt->where_clause) {
		table = s->node->update_stmt->relation;
		verb = "updates";
	} else if (s->node->node_case == PG_QUERY__NODE__NODE_DELETE_STMT &&
		   !s->node->delete_stmt->where_clause) {
		table = s->node->delete_stmt->relation;
		verb = "deletes";
	}
	if (table && !postgres_is_made(s, table))
		lint_warn(s->l, s->span, DIAG_LINT_WHOLE_TABLE, verb);
}

/* ---- renames ---- */

/* In a swap one table leaves a name and another one gets it, in the same transaction: nobody sees
 * it missing. */
static bool is_swapped(const struct lint_postgres *s, const PgQuery__RenameStmt *rename)
{
	for (size_t i = 0; i < s->all->n_stmts; i++) {
		const PgQuery__Node *n = s->all->stmts[i]->stmt;

		if (n && n->node_case == PG_QUERY__NODE__NODE_RENAME_STMT &&
		    n->rename_stmt->rename_type == PG_QUERY__OBJECT_TYPE__OBJECT_TABLE &&
		    n->rename_stmt->relation &&
		    (strcmp(n->rename_stmt->newname, rename->relation->relname) == 0 ||
		     strcmp(n->rename_stmt->relation->relname, rename->newname) == 0))
			return true;
	}
	return false;
}

/* The same in the other templates of a `transaction` block, by their tokens. */
static bool is_swapped_by(const struct lint_postgres *s, const struct lint_effect *other,
			  const PgQuery__RenameStmt *rename)
{
	struct sql_scan rest = { SQL_POSTGRES, other->text };
	struct lint_tokens t;
	bool found = false;

	while (!found && tokens_next(&rest, &t)) {
		size_t at = tokens_match(&t, 0, "alter table");
		struct str from, to;

		if (at) {
			at = tokens_after_if(&t, at);
			from = name_last(tokens_name(s->l, &t, &at));
			at += tokens_match(&t, at, "rename to");
			to = name_last(tokens_name(s->l, &t, &at));
			found = to.len && (str_eq(to, str_c(rename->relation->relname)) ||
					   str_eq(from, str_c(rename->newname)));
		}
		tokens_clear(&t);
	}
	return found;
}

static bool is_swapped_in_block(const struct lint_postgres *s, const PgQuery__RenameStmt *rename)
{
	const struct lint_effects *effects = s->l->effects;
	struct span block = s->effect->transaction;

	for (size_t i = 0; i < effects->all.count && block.end; i++) {
		const struct lint_effect *other = &effects->all.at[i];

		if (other != s->effect && other->dialect == SQL_POSTGRES &&
		    other->transaction.start == block.start &&
		    other->transaction.end == block.end && is_swapped_by(s, other, rename))
			return true;
	}
	return false;
}

void lint_rename_in_use(const struct lint_postgres *s)
{
	const PgQuery__RenameStmt *rename;

	if (s->effect->backward || s->node->node_case != PG_QUERY__NODE__NODE_RENAME_STMT)
		return;
	rename = s->node->rename_stmt;
	if (!rename->relation || postgres_is_made(s, rename->relation))
		return;
	if (rename->rename_type == PG_QUERY__OBJECT_TYPE__OBJECT_COLUMN)
		lint_warn(s->l, s->span, DIAG_LINT_RENAME_IN_USE, "column");
	else if (rename->rename_type == PG_QUERY__OBJECT_TYPE__OBJECT_TABLE &&
		 !is_swapped(s, rename) && !is_swapped_in_block(s, rename))
		lint_warn(s->l, s->span, DIAG_LINT_RENAME_IN_USE, "table");
}
