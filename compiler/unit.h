/*
 * unit.h - one compilation: the files that were given, what they use, and what is known of them
 *
 *   unit_init → unit_read / unit_add_text for each file → unit_check
 *             → lowering reads the annotated trees, if there are no errors
 *
 * The check has two parts. What a file means depends on the file and what it uses: files may be
 * checked in several units, beside each other. What migrations mean to each other needs all of them
 * in one unit, but of each no more than unit_add_known tells. Only a test that runs the migration
 * of another file needs the whole of that one, and says so (`outward`).
 *
 * Everything lives until unit_clear. unit_check never fails: what is wrong is in `diags`. A unit
 * with errors must not be lowered. The trees, symbols and types of all files share one arena and
 * one struct types.
 */
#ifndef COMPILER_UNIT_H
#define COMPILER_UNIT_H

#include "compiler/scope.h"
#include "grammar/diag.h"
#include "vm/isa/module.h"

struct unit_module {
	struct str name;		/* a library's: "clickhouse"; of a given file "" */
	uint32_t source;		/* in unit.sources */
	struct file *tree;
	/* its declarations and what it uses; outside of it is what the language brings */
	struct scope *scope;
	bool library;			/* came by `use` */
	bool outward;			/* a test of it runs the migration of another file */
	bool incomplete;	/* lacks a module or a declaration that is wrong: told already */
	uint32_t state;			/* the checker's */
};

struct unit_migration {
	struct str name;
	struct declaration *declaration;	/* .migration is its syntax */
	struct unit_module *module;		/* the file that holds it */
	uint32_t need_count, param_count, frozen_count, operation_count;
	/* by number. operation_count: of its own, without those of includes */
	struct symbol **needs, **params, **frozens;
	struct unit_migration **depends;	/* those found */
	uint32_t depends_count;
	uint32_t state;			/* of whoever goes through the graph */
};

struct unit {
	struct arena arena;
	struct sources sources;
	struct diags diags;
	struct types types;
	/* the given files in their order, then the libraries as they were met */
	VEC(struct unit_module *) modules;
	/* of the given files; after unit_check sorted by name, names unique */
	VEC(struct unit_migration *) migrations;
	struct scope *language;			/* built-in functions and types */
	struct scope *last_scope;
	bool outdated;			/* a known file is not what it was when it was hashed */
	/* The text of `use NAME`, and a path for messages; ptr NULL: there is no such module.
	 * Both must last as long as the unit. NULL: there are no modules at all. */
	struct str (*read_module)(void *context, struct str name, struct str *path);
	/* Whether a migration that was not given exists all the same, beside the file at `path`:
	 * a check of one file of a folder asks. NULL: only those given exist. */
	bool (*has_migration)(void *context, struct str path, struct str name);
	void *context;				/* for both */
};

void unit_init(struct unit *u);
enum outcome unit_read(struct unit *u, const char *path, struct error *err) MUST_USE;
void unit_add_text(struct unit *u, struct str path, struct str text);	/* copies both */
/* borrows both; hash is that of the text */
void unit_lend_text(struct unit *u, struct str path, struct str text, struct hash hash);
/* A file that another unit has checked or that was compiled before. Of its migration there is what
 * the others may see: name, depends, versions; no places. path and text are borrowed; the text may
 * be empty, it is read when it is needed. `head` may be NULL: the file holds no migration. */
void unit_add_known(struct unit *u, struct str path, struct str text, struct hash hash,
		    const struct migration *head);
/* There is something to say about a migration: when no more than that is known of it, its file is
 * parsed, not checked, and it has its syntax with all places. False: it had that, or the file is
 * not what it was. */
bool unit_learn(struct unit *u, struct unit_migration *m);
void unit_check_files(struct unit *u);		/* once; sorts diags */
void unit_check_together(struct unit *u);	/* once, after that; sorts diags */
void unit_check(struct unit *u);		/* both */
void unit_clear(struct unit *u);

struct scope *unit_scope(struct unit *u, struct scope *parent);		/* a new one */
struct symbol *unit_symbol(struct unit *u, enum symbol_kind kind, struct name name);

#endif
