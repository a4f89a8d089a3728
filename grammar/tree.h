/*
 * tree.h - what the actions of amig.y call to make the tree
 *
 * Inside grammar/ only. Everything is allocated in the arena of the compilation and is never NULL:
 * what can't be made is reported and stood for by an EXPRESSION_ERROR. Lists grow at their end
 * through `struct …_list`, passed by value on the parser's stack.
 */
#ifndef GRAMMAR_TREE_H
#define GRAMMAR_TREE_H

#include "grammar/scan.h"

struct parser {
	struct scan scan;
	struct arena *arena;
	struct diags *diags;
	struct file *file;
	uint32_t migrations;
};

struct hole {
	struct span open, close;
	struct expression *value;
	struct hole *next;
};

struct holes {
	struct hole *first, *last;
};
struct arguments {
	struct argument *first, *last;
};
struct fields {
	struct field_syntax *first, *last;
};
struct parameters {
	struct parameter *first, *last;
};
struct names {
	struct name_list *first, *last;
	uint32_t count;
};
struct statements {
	struct statement *first, *last;
};
struct declarations {
	struct declaration *first, *last;
};

#define LIST_ADD(list, item) \
	do { \
		if ((list)->last) \
			(list)->last->next = (item); \
		else \
			(list)->first = (item); \
		(list)->last = (item); \
	} while (0)

/* A clause of an operation or a migration as it was read; clause_… puts it where it belongs. */
enum clause_kind {
#define CLAUSE(name, text) CLAUSE_##name,
#include "grammar/clauses.def"
#undef CLAUSE
	CLAUSE_COUNT
};

struct clause {
	enum clause_kind kind;
	struct span span;
	union {
		struct {
			struct expression *first, *second, *third;
		} value;
		struct arguments arguments;
		struct action *action;
		struct names names;
		struct {
			struct str min, max;
		} versions;
		struct need_syntax *need;
		struct param_syntax *param;
		struct check_syntax *check;
		struct statement *statement;
		struct block *block;
		enum per_syntax per;
		struct allow_syntax *allow;
	};
};

struct operation_body {
	struct operation_syntax *operation;
	struct span seen[CLAUSE_COUNT]; /* end 0: not yet */
};

struct migration_body {
	struct migration_syntax *migration;
	struct need_syntax *last_need;
	struct param_syntax *last_param;
	struct check_syntax *last_check;
	struct statement *last_statement;
	struct arguments leaves;
	struct names depends;
	struct span seen[CLAUSE_COUNT];
};

struct name name_of(struct parser *p, struct span span);

/* ---- expressions ---- */
struct expression *expression_new(struct parser *p, enum expression_kind kind, struct span span);
struct expression *expression_name(struct parser *p, struct name name);
struct expression *expression_int(struct parser *p, enum expression_kind kind, struct span span,
	int64_t number);
struct expression *expression_unary(struct parser *p, struct span span, enum operator op,
	struct expression *e);
struct expression *expression_binary(struct parser *p, struct span span, enum operator op,
	struct expression *left, struct expression *right);
struct expression *expression_field(struct parser *p, struct span span, struct expression *base,
	struct name name);
struct expression *expression_index(struct parser *p, struct span span, struct expression *base,
	struct expression *index);
struct expression *expression_call(struct parser *p, struct span span, struct expression *callee,
	struct arguments arguments);
struct expression *expression_as(struct parser *p, struct span span, struct expression *value,
	struct type_syntax *type);
struct expression *expression_if(struct parser *p, struct span span, struct condition *condition,
	struct expression *then, struct expression *otherwise);
struct expression *expression_lambda(struct parser *p, struct span span, struct names parameters,
	struct expression *body);
struct expression *expression_elements(struct parser *p, enum expression_kind kind,
	struct span span, struct arguments elements);
struct expression *expression_template(struct parser *p, enum expression_kind kind,
	struct span begin, struct holes holes, struct span end); /* template.c */
/* The text of a string that must not have holes; `what` says where it stands. */
struct str expression_plain(struct parser *p, const struct expression *string, const char *what);
struct argument *argument_new(struct parser *p, struct name name, struct expression *value);
/* Reports a second one of the same name. */
void argument_add(struct parser *p, struct arguments *list, struct argument *argument);
struct condition *condition_new(struct parser *p, struct name let, struct expression *value);

/* ---- types ---- */
struct type_syntax *type_new(struct parser *p, enum type_syntax_kind kind, struct span span);
struct type_syntax *type_optional(struct parser *p, struct span span, struct type_syntax *element);
void field_add(struct parser *p, struct fields *list, struct name name, struct type_syntax *type);
void parameter_add(struct parser *p, struct parameters *list, struct name name,
	struct type_syntax *type, struct expression *value);

/* ---- statements ---- */
struct statement *statement_new(struct parser *p, enum statement_kind kind, struct span span);
struct statement *statement_of(struct parser *p, enum statement_kind kind, struct span span,
	struct expression *e);
struct statement *statement_let(struct parser *p, enum statement_kind kind, struct span span,
	struct name name, struct type_syntax *type, struct expression *value);
struct statement *statement_assign(struct parser *p, struct span span, struct name name,
	struct expression *value);
struct statement *statement_if(struct parser *p, struct span span, struct condition *condition,
	struct block *then, struct block *otherwise);
struct statement *statement_for(struct parser *p, struct span span, struct name name,
	struct expression *list, struct block *body);
struct statement *statement_while(struct parser *p, struct span span, struct condition *condition,
	struct block *body);
struct statement *statement_require(struct parser *p, struct span span,
	struct expression *condition, struct expression *message);
struct statements statements_error(struct parser *p, struct statements list, struct span span);
struct block *block_new(struct parser *p, struct span span, struct statements statements);
struct block *block_of(struct parser *p, struct statement *only);

/* ---- statements that change or wait for the world, and tests (effect.c) ---- */
struct statement *statement_wait(struct parser *p, struct span span, struct expression *condition,
	struct expression *every, struct expression *timeout, struct expression *progress);
struct statement *statement_try(struct parser *p, struct span span, struct block *body,
	struct name name, struct block *handler);
struct statement *statement_transaction(struct parser *p, struct span span, struct block *block);
struct statement *statement_lock(struct parser *p, struct span span, struct expression *name,
	struct block *body);
struct statement *statement_http(struct parser *p, struct span span, struct name method,
	struct expression *url, struct expression *body);
struct statement *statement_set(struct parser *p, struct span span, struct expression *name,
	struct expression *value);
struct statement *statement_approval(struct parser *p, struct span span, struct expression *label,
	struct expression *text);
struct statement *statement_parallel(struct parser *p, struct span span, struct expression *count,
	struct block *body);
struct batches_syntax *batches_new(struct parser *p, struct expression *table,
	struct parameters keys);
/* Sets one of its values, once. */
struct batches_syntax *batches_value(struct parser *p, struct batches_syntax *b,
	struct expression **place, struct span word, struct expression *value);
struct parameter *batch_key(struct parser *p, struct name name, struct type_syntax *type);
struct statement *statement_batches(struct parser *p, struct span span, struct name name,
	struct batches_syntax *b, struct block *body);
struct copy_syntax *copy_new(struct parser *p, struct name from, struct expression *sql,
	struct name to, struct expression *table, struct names columns);
struct copy_syntax *copy_reject(struct parser *p, struct copy_syntax *copy, struct span word,
	struct expression *table, struct expression *limit);
struct copy_syntax *copy_verify(struct parser *p, struct copy_syntax *copy, struct span word);
struct statement *statement_copy(struct parser *p, struct span span, struct copy_syntax *copy);
struct statement *statement_given(struct parser *p, struct span span, struct name connection,
	struct expression *sql);
struct statement *statement_run(struct parser *p, struct span span, struct expression *migration,
	struct arguments params);

/* ---- clauses ---- */
struct clause clause_of(enum clause_kind kind, struct span span);
struct clause clause_value(enum clause_kind kind, struct span span, struct expression *first,
	struct expression *second, struct expression *third);
struct action *action_new(struct parser *p, struct span span, struct expression *sql,
	struct block *block);
struct operation_body *operation_body_new(struct parser *p);
void operation_add(struct parser *p, struct operation_body *body, struct clause clause);
/* Ends it: what it must have and has not is reported here. */
struct statement *operation_end(struct parser *p, struct span span, struct span head,
	struct expression *label, struct expression *on, struct operation_body *body);
/* A clause that could not be read: what seems to be missing is not reported then. */
struct operation_body *operation_body_error(struct operation_body *body, struct span span);
struct migration_body *migration_body_new(struct parser *p);
void migration_add(struct parser *p, struct migration_body *body, struct clause clause);
struct check_syntax *check_new(struct parser *p, int kind, struct span span, struct span head,
	struct expression *label, struct expression *every, struct block *body);

/* ---- parts (part.c) ---- */
struct names names_add(struct parser *p, struct names list, struct name name);
struct holes holes_add(struct parser *p, struct holes list, struct span open,
	struct expression *value, struct span close);
struct name plain_name(struct parser *p, const struct expression *string);
struct str bad_version(struct parser *p, struct span span);
struct str comparator(struct parser *p, const char *sign, struct str version);
struct str comparators(struct parser *p, struct str left, struct str right);
struct param_syntax *param_new(struct parser *p, const struct expression *doc);
struct param_syntax *param_within(struct parser *p, struct span span, struct param_syntax *param,
	struct expression *min, struct expression *max);
struct param_syntax *param_one_of(struct parser *p, struct span span, struct param_syntax *param,
	struct expression *list);
struct clause clause_versions(struct span span, struct str min, struct str max);
struct clause clause_need(struct parser *p, struct span span, struct name name, struct name kind,
	struct str range);
struct clause clause_per(struct span span, enum per_syntax per);
struct clause clause_need_broken(struct parser *p, struct span span, struct name name);
struct clause clause_allow(struct parser *p, struct span span, struct name code,
	const struct expression *why);
struct clause clause_param(struct span span, struct param_syntax *param, struct name name,
	struct type_syntax *type, struct expression *value);

/* ---- declarations ---- */
struct declaration *declaration_const(struct parser *p, struct span span, struct name name,
	struct type_syntax *type, struct expression *value);
struct declaration *declaration_type(struct parser *p, struct span span, struct name name,
	struct type_syntax *type);
struct declaration *declaration_fn(struct parser *p, enum declaration_kind kind, struct span span,
	struct name name, struct parameters parameters, struct type_syntax *result,
	struct block *body);
struct declaration *declaration_migration(struct parser *p, struct span span, struct span head,
	const struct expression *name, struct migration_body *body);
struct declaration *declaration_test(struct parser *p, struct span span,
	const struct expression *label, struct block *block);
struct declaration *declaration_new(struct parser *p, enum declaration_kind kind, struct span span,
	struct name name);

/* ---- errors (expected.c) ---- */
/* What could stand where the error is: the names of tokens as amig.y gives them to messages. */
struct expectation {
	const char *names[256];
	size_t count;
};

/* Whether a word begins a statement that stands in blocks only. */
bool is_block_word(int kind);
/* How a statement that begins with the word is written; NULL: it needs no showing. */
const char *form_of(int kind);
void report_syntax(struct parser *p, const struct expectation *e, const char *found);

/* ---- misspelt.c: a word that can't stand where it does, and the one that is meant ---- */
struct correction {
	struct span span;	/* of the wrong one: the one found, or one shortly before it */
	struct str ours;
	bool is_sure;
	bool is_statement;	/* it begins a statement of a block */
};

bool expectation_has(const struct expectation *e, struct str word);
bool correction_find(struct parser *p, const struct expectation *e, struct correction *c);

/* ---- syntax_help.c: what tells an author more than the words that could stand there ---- */
void syntax_help(struct parser *p, const struct expectation *e, size_t number);

#endif
