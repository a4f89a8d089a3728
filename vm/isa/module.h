/*
 * module.h - one compiled migration and the bundle of many: the contract of amigc and amigrun
 *
 * A bundle (.amb) is an index and module images; a module image is complete in itself (it has its
 * own copy of every library function that it uses), so that a run can keep it and need nothing
 * else. All integers little-endian.
 *
 *   bundle:  "AMIGBUN\n" u32 format  u32 modules  u64 size  hash of all that follows
 *            per module: u32 name offset, u32 name length, u64 image offset, u64 image length,
 *            hash (the module's identity)
 *            names (bytes, padded to 8), images (each padded to 8)
 *            the record: what amigc had read (compiler/record.h); nobody else looks at it
 *            modules are sorted by name, names are unique
 *   image:   "AMIGMOD\n" u32 format  u32 sections  u64 size
 *            hash of all that follows (the module's identity)
 *            per section: u32 id, u32 zero, u64 offset, u64 length, hash of its bytes
 *            sections are in the order of their ids
 *
 * Sections (section.def has their numbers): see `struct module` for what each holds; module.c
 * reads, image.c writes. module_open() checks bounds and hashes and parses the tables;
 * module_verify() proves the code. A module that was not verified must not be run. Both refuse
 * damaged input with OUTCOME_DAMAGED and say what is wrong and where.
 */
#ifndef VM_ISA_MODULE_H
#define VM_ISA_MODULE_H

#include "vm/base/error.h"
#include "vm/base/hash.h"
#include "vm/isa/isa.h"

#define BUNDLE_MAGIC "AMIGBUN\n"
#define MODULE_MAGIC "AMIGMOD\n"
#define MODULE_FORMAT 2u
#define NO_INDEX UINT32_MAX

enum constant_kind {
	CONSTANT_INT, CONSTANT_FLOAT, CONSTANT_STRING, CONSTANT_BYTES, CONSTANT_DURATION,
	CONSTANT_TIMESTAMP, CONSTANT_VERSION, CONSTANT_LIMIT
};

struct constant {
	enum constant_kind kind;
	uint32_t type;		/* the scalar type of that kind */
	int64_t number;		/* INT, DURATION (ms), TIMESTAMP (us); FLOAT: its bits */
	struct str text;	/* STRING, BYTES, VERSION (semantic version) */
};

/* An SQL template: pieces[0] hole pieces[1] hole … pieces[hole_count]. Leading and common
 * indentation already removed. */
struct template {
	uint32_t hole_count;
	const struct str *pieces;	/* hole_count + 1 */
	const uint32_t *hole_types;
};

enum { FUNCTION_EFFECT = 1 };		/* may have EXEC, and CALL others that have */

struct function {
	/* "clickhouse.database", "copy ${month}/forward": for listings and traces */
	struct str name;
	uint32_t flags;
	uint32_t param_count;		/* the first locals */
	uint32_t local_count;
	const uint32_t *local_types;
	uint32_t result;		/* type; TYPE_NOTHING: none */
	uint32_t code_count;
	const struct instruction *code;	/* in place in the image */
	/* beside it: line << 10 | column (1-based; column at most 1023), 0 unknown */
	const uint32_t *lines;
	uint32_t source;		/* index into sources */
	uint32_t max_stack;		/* found by the verifier */
};

struct source {
	struct str path;
	struct hash hash;		/* of the text */
};

struct need {				/* a connection of the migration */
	struct str name, kind;
	/* ">= 21.6.0" as written, normalised: comparators separated by ", "; "" any */
	struct str range;
};

struct param {
	struct str name, doc;
	uint32_t type;
	/* function without params that gives it, or NO_INDEX: must be set */
	uint32_t default_value;
	/* function(value) -> string?: null, or why it is refused; NO_INDEX: none */
	uint32_t check;
};

struct frozen {				/* a `let` of the migration */
	struct str name;
	uint32_t type;
};

enum rollback_kind { ROLLBACK_CODE, ROLLBACK_NOTHING, ROLLBACK_IRREVERSIBLE };
enum {
	OPERATION_IDEMPOTENT = 1,
	OPERATION_IN_DOUBT_UNDO = 2,
	OPERATION_NO_TRANSACTION = 4,
	OPERATION_CONTINUE_ON_ERROR = 8,
	OPERATION_PER_SHARD = 16,
	OPERATION_PER_REPLICA = 32,
};

/* What the plan instantiates. Its functions take the captured values as their parameters. */
struct operation {
	struct str label;		/* the literal, for listings: "copy ${month}" */
	uint32_t need;			/* its `on`, or NO_INDEX */
	uint32_t flags;
	/* NO_INDEX or a record type with some of: timeout: duration, retry: int,
	 * backoff_min, backoff_max: duration, weight: int,
	 * settings: [{name: string, value: string}] */
	uint32_t options;
	uint32_t capture_count;
	const uint32_t *capture_types;
	uint32_t forward;		/* function(captures), FUNCTION_EFFECT */
	enum rollback_kind rollback_kind;
	/* CODE: function(captures), FUNCTION_EFFECT; else NO_INDEX */
	uint32_t rollback;
	struct str rollback_why;	/* IRREVERSIBLE */
	uint32_t done_when;		/* function(captures) -> bool, or NO_INDEX */
	uint32_t line;			/* as in function.lines, in the migration's own source */
};

enum check_kind { CHECK_PRE, CHECK_HEALTH, CHECK_POST };

struct check {
	enum check_kind kind;
	struct str label;
	uint32_t function;		/* () -> nothing; a FAIL in it is a failed check */
	int64_t every_ms;		/* HEALTH */
};

struct migration {
	struct str name, description;
	struct str min_version, max_version;	/* "" where not said */
	uint32_t depends_count;
	const struct str *depends;
	uint32_t leaves;		/* function() -> [ident], or NO_INDEX */
	/* function() -> record of all frozens, in their order (nothing if there are none) */
	uint32_t setup;
	uint32_t required;		/* function() -> bool, or NO_INDEX */
	uint32_t plan;			/* function() -> nothing: PLAN instructions */
	/* functions() -> nothing, FUNCTION_EFFECT; or NO_INDEX */
	uint32_t finally, on_complete, on_error;
};

struct module {
	struct str bytes;		/* the image; borrowed, must outlive the module */
	struct hash identity;
	struct arena arena;		/* the tables below */
	struct types types;
	struct migration migration;
	uint32_t constant_count;	const struct constant *constants;
	uint32_t template_count;	const struct template *templates;
	uint32_t function_count;	struct function *functions;
	uint32_t source_count;		const struct source *sources;
	uint32_t need_count;		const struct need *needs;
	uint32_t param_count;		const struct param *params;
	uint32_t frozen_count;		const struct frozen *frozens;
	uint32_t operation_count;	const struct operation *operations;
	uint32_t check_count;		const struct check *checks;	/* in source order */
	bool verified;
};

/* bytes must be 8-aligned and stay. On success the module is to be cleared; it is zero
 * otherwise. */
enum outcome module_open(struct module *m, struct str bytes, struct error *err) MUST_USE;
/* Only the migration section, for lists of many: cheap, no code is looked at. */
enum outcome module_open_head(struct module *m, struct str bytes, struct error *err) MUST_USE;
enum outcome module_verify(struct module *m, struct error *err) MUST_USE;
void module_clear(struct module *m);

/* What the verifier proved of the moment before an instruction: what a saved state must agree
 * with. */
struct frame_map {
	uint32_t depth;
	const uint32_t *stack;		/* types, the top one last */
	/* bit l % 64 of word l / 64: local l holds a value of its type */
	const uint64_t *stored;
};
/* Of a verified module; the arrays are in a. False: there is no such instruction, or no path comes
 * there. */
bool module_frame(const struct module *m, uint32_t function, uint32_t pc, struct arena *a,
		  struct frame_map *out);
/* Where an instruction comes from: "migrations.d/0002.amig:58:3" is source path, line, column. */
void module_place(const struct module *m, uint32_t function, uint32_t pc, struct buf *out);

struct bundle_entry {
	struct str name;
	struct str image;
	struct hash identity;
};

struct bundle {
	struct str bytes;
	struct arena arena;
	uint32_t count;
	const struct bundle_entry *entries;	/* sorted by name */
	struct str record;		/* "" in a bundle without migrations or without one */
	char *own;			/* of bundle_read */
};

/* Looks at everything but the images. bytes 8-aligned, borrowed. */
enum outcome bundle_open(struct bundle *b, struct str bytes, struct error *err) MUST_USE;
/* Reads a file, which may change or go from then on. One that can't be read: OUTCOME_UNREACHABLE;
 * one that is no bundle, newer, damaged: OUTCOME_DAMAGED. */
enum outcome bundle_read(struct bundle *b, const char *path, struct error *err) MUST_USE;
const struct bundle_entry *bundle_find(const struct bundle *b, struct str name);
void bundle_clear(struct bundle *b);

/*
 * Writing. Fill a struct module by hand (tables in any memory; code, lines and templates by
 * pointers; types in m->types, with only the types in use) and image_write() lays it out behind
 * what is in `out`, a multiple of 8 bytes. The same module gives the same bytes.
 */
void image_write(const struct module *m, struct buf *out);

/* A bundle that is laid out, not copied together: its bytes are those of all parts, one after the
 * other. The images are borrowed. */
struct bundle_parts {
	struct buf front, record;
	VEC(struct str) all;
	size_t bytes;
	bool failed;			/* larger than BUF_CAP_BYTES */
};

/* entries sorted by name; image and identity set. Takes the record over. */
void bundle_write(const struct bundle_entry *entries, uint32_t count, struct buf *record,
		  struct bundle_parts *out);
void bundle_parts_clear(struct bundle_parts *p);
/* Whether both have the same bytes, by their size and hash. */
bool bundle_is(const struct bundle *b, const struct bundle_parts *parts);

/* The listing of amigc dump: tables, then each function's code. source(ctx, path) gives a text to
 * show lines of, or "". */
void module_list(const struct module *m, struct str (*source)(void *ctx, struct str path),
		 void *ctx, struct buf *out);

#endif
