/*
 * ast.h - the syntax tree
 *
 * Made by parse.h, in an arena, and never freed node by node. Lists are linked by `next`, in source
 * order. The fields under "checker" are zero after parsing; compiler/ fills them. Spans cover the
 * whole construct.
 */
#ifndef GRAMMAR_AST_H
#define GRAMMAR_AST_H

#include "grammar/span.h"
#include "vm/base/str.h"

struct symbol; /* compiler/scope.h */

struct name { /* an identifier where it stands */
	struct str text;
	struct span span;
};

/* ---- types ---- */
enum type_syntax_kind { SYNTAX_NAMED, SYNTAX_LIST, SYNTAX_OPTIONAL, SYNTAX_RECORD };

struct type_syntax {
	enum type_syntax_kind kind;
	struct span span;
	struct name name;	     /* NAMED: also the kinds of connections */
	struct type_syntax *element; /* LIST, OPTIONAL */
	struct field_syntax *fields; /* RECORD */
};

struct field_syntax {
	struct name name;
	struct type_syntax *type;
	struct field_syntax *next;
};

/* ---- expressions ---- */
enum expression_kind {
	EXPRESSION_NULL,
	EXPRESSION_BOOL,
	EXPRESSION_INT, /* also sizes: 100MB */
	EXPRESSION_FLOAT,
	EXPRESSION_DURATION,
	EXPRESSION_VERSION,
	EXPRESSION_STRING, /* parts; one TEXT part when nothing is interpolated */
	EXPRESSION_SQL,	   /* parts, indentation removed */
	EXPRESSION_NAME,
	EXPRESSION_LIST,
	EXPRESSION_RECORD,
	EXPRESSION_UNARY,
	EXPRESSION_BINARY,
	EXPRESSION_FIELD, /* base.name */
	EXPRESSION_INDEX, /* base[index] */
	EXPRESSION_CALL,  /* callee is a NAME, or a FIELD for methods and module.function */
	EXPRESSION_AS,
	EXPRESSION_IF,	   /* if c { a } else { b } */
	EXPRESSION_LAMBDA, /* x => e, only as an argument */
	EXPRESSION_ERROR,  /* stood for by error recovery: has every type, no second message */
};

enum operator {
	OPERATOR_OR,
	OPERATOR_AND,
	OPERATOR_NOT,
	OPERATOR_EQUAL,
	OPERATOR_NOT_EQUAL,
	OPERATOR_LESS,
	OPERATOR_LESS_EQUAL,
	OPERATOR_GREATER,
	OPERATOR_GREATER_EQUAL,
	OPERATOR_IN,
	OPERATOR_MATCHES,
	OPERATOR_ADD,
	OPERATOR_SUBTRACT,
	OPERATOR_MULTIPLY,
	OPERATOR_DIVIDE,
	OPERATOR_REMAINDER,
	OPERATOR_NEGATE,
	OPERATOR_OTHERWISE, /* ?? */
};

struct part { /* of a string or SQL template */
	struct span span;
	struct str text;	 /* escapes undone; "" when it is a hole */
	struct expression *hole; /* NULL: text */
	struct part *next;
};

struct argument {	  /* also an element of a list (no name), a field of a record (with name) */
	struct name name; /* text.len 0: positional */
	struct expression *value;
	struct argument *next;
};

struct expression {
	enum expression_kind kind;
	uint32_t depth; /* of the tree below, at most PARSE_DEPTH_MAX: recursion over it is safe */
	struct span span;
	union {
		bool flag;		   /* BOOL */
		int64_t number;		   /* INT, DURATION (ms) */
		double real;		   /* FLOAT */
		struct str text;	   /* VERSION */
		struct part *parts;	   /* STRING, SQL */
		struct name name;	   /* NAME */
		struct argument *elements; /* LIST, RECORD */
		struct {
			enum operator operator;
			struct expression *left, *right;
		} binary; /* UNARY: left only */
		struct {
			struct expression *base;
			struct name name;
		} field;
		struct {
			struct expression *base, *index;
		} index;
		struct {
			struct expression *callee;
			struct argument *arguments;
			struct expression **values; /* checker: by parameter, see compiler/check.h
						     */
			uint32_t value_count;
		} call;
		struct {
			struct expression *value;
			struct type_syntax *type;
		} as;
		struct {
			struct condition *condition;
			struct expression *then, *otherwise;
		} branch; /* IF */
		struct {
			struct name *parameters;
			uint32_t count;
			struct expression *body;
		} lambda;
	};
	/* checker */
	uint32_t type;	       /* in the compilation's struct types */
	struct symbol *symbol; /* NAME, FIELD of a module, CALL: what it stands for */
};

struct condition {	 /* of if and while: e, or let name = e */
	struct name let; /* text.len 0: a plain one */
	struct expression *value;
	struct symbol *symbol; /* checker: of `let` */
};

/* ---- statements, of blocks and of plans ---- */
enum statement_kind {
	STATEMENT_LET,
	STATEMENT_VAR,
	STATEMENT_ASSIGN,
	STATEMENT_EXPRESSION,
	STATEMENT_EXEC,
	STATEMENT_IF,
	STATEMENT_FOR,
	STATEMENT_WHILE,
	STATEMENT_RETURN,
	STATEMENT_REQUIRE,
	STATEMENT_FAIL,
	STATEMENT_LOG,
	STATEMENT_PROGRESS,
	STATEMENT_SLEEP,
	STATEMENT_WAIT,
	STATEMENT_HALT,
	STATEMENT_TRY,
	STATEMENT_TRANSACTION,
	STATEMENT_LOCK,
	STATEMENT_BATCHES,
	STATEMENT_COPY,
	STATEMENT_HTTP,
	STATEMENT_SET,
	STATEMENT_OPERATION, /* in plans only, as are the next three */
	STATEMENT_INCLUDE,
	STATEMENT_APPROVAL,
	STATEMENT_PARALLEL,
	STATEMENT_GIVEN, /* in tests only, as are the next two */
	STATEMENT_RUN,
	STATEMENT_EXPECT,
	STATEMENT_ERROR,
};

/* for w in batches of table by key size n … { … } */
struct batches_syntax {
	struct name name;
	struct expression *table;
	struct parameter *keys; /* one or two; type NULL: int */
	struct expression *size, *min, *max, *target, *pause, *parallel; /* NULL: not said */
	bool follow;
	struct block *body;
	struct symbol *on; /* checker: the connection */
};

/* copy from sql into to table columns (…) */
struct copy_syntax {
	struct expression *from, *sql; /* from, to: NAMEs */
	struct expression *to, *table;
	struct name_list *columns;
	struct expression *reject, *limit; /* the table of what is refused, how many may be; both or
					    * none */
	struct span verify;		   /* end 0: not said */
};

struct block {
	struct span span;
	struct statement *first;
};

struct statement {
	enum statement_kind kind;
	struct span span;
	struct statement *next;
	union {
		struct {
			struct name name;
			struct type_syntax *type;
			struct expression *value;
		} let; /* LET, VAR; type may be NULL */
		struct {
			struct name name;
			struct expression *value;
		} assign;
		struct expression *expression; /* EXPRESSION, RETURN (may be NULL), FAIL, LOG,
						* PROGRESS; EXEC: the SQL; INCLUDE: the call */
		struct {
			struct condition *condition;
			struct block *then, *otherwise;
		} branch; /* else if: a block of one IF */
		struct {
			struct name name;
			struct expression *list;
			struct block *body;
		} loop; /* FOR */
		struct {
			struct condition *condition;
			struct block *body;
		} repeat; /* WHILE */
		struct {
			struct expression *condition, *message;
		} require; /* message may be NULL */
		struct operation_syntax *operation;
		struct {
			struct expression *condition, *every, *timeout, *progress;
		} wait; /* progress may be NULL */
		struct {
			struct block *body;
			struct name name; /* of what is caught */
			struct block *handler;
		} attempt;	     /* TRY */
		struct block *block; /* TRANSACTION */
		struct {
			struct expression *name; /* a STRING */
			struct block *body;
		} lock;
		struct batches_syntax *batches;
		struct copy_syntax *copy;
		struct {
			struct name method;
			struct expression *url, *body; /* body may be NULL */
		} http;
		struct {
			struct expression *name, *value; /* name: a STRING */
		} set;
		struct {
			struct expression *label, *text; /* STRINGs */
		} approval;
		struct {
			struct expression *count;
			struct block *body;
		} parallel;
		struct {
			struct expression *connection, *sql; /* connection: a NAME */
		} given;
		struct {
			struct name migration; /* without quotes */
			struct argument *params;
		} run;
	};
	/* checker: LET, VAR, ASSIGN, FOR, BATCHES, what TRY catches; EXEC, TRANSACTION: the
	 * connection */
	struct symbol *symbol;
};

/* ---- operations ---- */
struct allow_syntax { /* allow W0102 "why": the lint keeps silent inside */
	struct span span;
	struct name code;
	struct str why;
	struct allow_syntax *next;
};

/* forward, rollback: a template expression or a block */
struct action {
	struct span span;
	struct expression *sql; /* one of the two */
	struct block *block;
};

enum per_syntax { PER_NONE, PER_SHARD, PER_REPLICA };

enum rollback_syntax {
	ROLLBACK_MISSING,
	ROLLBACK_ACTION,
	ROLLBACK_IS_NOTHING,
	ROLLBACK_IS_IRREVERSIBLE
};

struct operation_syntax {
	struct span span;
	struct span head;	  /* operation "label" on c: what messages point at */
	struct str doc;		  /* of ## */
	struct expression *label; /* a STRING */
	struct expression *on;	  /* a NAME, or NULL */
	struct expression *timeout, *retry, *backoff_min, *backoff_max, *weight,
		*done_when;	   /* each may be NULL */
	struct argument *settings; /* name and value */
	struct span settings_span;
	bool idempotent, in_doubt_undo, continue_on_error, no_transaction;
	enum per_syntax per;
	struct action *forward;
	enum rollback_syntax rollback_kind;
	struct action *rollback;	 /* ROLLBACK_ACTION */
	struct expression *irreversible; /* the why: a STRING */
	struct allow_syntax *allows;
	/* checker */
	uint32_t number;	  /* of the operation in its migration */
	struct symbol **captures; /* what its clauses use of the plan */
	uint32_t capture_count;
};

/* ---- declarations ---- */
enum declaration_kind {
	DECLARATION_USE,
	DECLARATION_CONST,
	DECLARATION_TYPE,
	DECLARATION_FN,
	DECLARATION_OPERATIONS,
	DECLARATION_MIGRATION,
	DECLARATION_TEST,
	DECLARATION_ERROR
}; /* a broken head; its name, when it has one, is to be taken for known */

struct parameter {
	struct name name;
	struct type_syntax *type;
	struct expression *value; /* default, or NULL */
	struct parameter *next;
	struct symbol *symbol; /* checker */
};

struct declaration {
	enum declaration_kind kind;
	struct span span;
	struct name name; /* USE: the module; MIGRATION, TEST: its string, without quotes */
	struct str doc;	  /* of ##: lines joined by newlines */
	struct declaration *next;
	union {
		struct {
			struct type_syntax *type;
			struct expression *value;
		} constant;		  /* type may be NULL */
		struct type_syntax *type; /* TYPE */
		struct {
			struct parameter *parameters;
			struct type_syntax *result;
			struct block *body;
		} fn; /* result may be NULL;
		       * OPERATIONS: body holds plan statements, no result */
		struct migration_syntax *migration;
		struct block *test;
	};
	struct symbol *symbol; /* checker */
};

/* ---- a migration ---- */
struct name_list {
	struct name name;
	struct name_list *next;
};

struct need_syntax {
	struct span span;
	bool is_broken; /* its kind was not understood */
	struct name name, kind; /* kind.text.len 0: the name */
	struct str range; /* ">= 21.6.0, < 24.0.0": comparators joined by ", "; `a .. b` is ">= a,
			     <= b"; "" any */
	struct need_syntax *next;
	struct symbol *symbol; /* checker */
};

struct param_syntax {
	struct span span;
	struct name name;
	struct type_syntax *type;
	struct expression *value; /* default, or NULL */
	struct str doc;
	struct expression *within_min, *within_max; /* both or none */
	struct expression *one_of;		    /* a list, or NULL */
	struct param_syntax *next;
	struct symbol *symbol; /* checker */
};

struct check_syntax { /* precheck, healthcheck, postcheck */
	struct span span, head;
	enum { CHECK_SYNTAX_PRE, CHECK_SYNTAX_HEALTH, CHECK_SYNTAX_POST } kind;
	struct expression *label; /* a STRING without holes */
	struct expression *every; /* HEALTH: a duration; may be NULL */
	struct block *body;
	struct check_syntax *next;
};

struct migration_syntax {
	struct span head; /* migration "name" */
	struct name_list *depends;
	struct str min_version, max_version; /* "" where there is no `versions` */
	struct span versions_span;
	struct need_syntax *needs;
	struct param_syntax *params;
	struct expression *required; /* or NULL */
	struct span required_span;
	struct check_syntax *checks;
	struct statement *plan;	 /* LET, OPERATION, FOR, IF, INCLUDE in source order; the top-level
				    LETs are the frozen ones */
	struct argument *leaves; /* values */
	struct block *finally, *on_complete, *on_error; /* NULL: there is none */
	struct allow_syntax *allows;
};

struct file {
	uint32_t source;
	struct str doc; /* a ## block at the top that is followed by an empty line */
	struct declaration *first;
};

#endif
