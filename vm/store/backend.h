/*
 * backend.h - what the store needs of a database: the store's logic is written once above it
 *
 * Inside of vm/store only. A transaction is begin, run and read, commit or rollback. run() may
 * only queue: its failure is then told by the next read() or commit(). After any failure the caller
 * rolls back.
 */
#ifndef VM_STORE_BACKEND_H
#define VM_STORE_BACKEND_H

#include "vm/base/error.h"
#include "vm/base/vec.h"
#include "vm/store/dialect.h"
#include "vm/store/store.h"

enum field_kind { FIELD_NULL, FIELD_INT, FIELD_BOOL, FIELD_TEXT, FIELD_BYTES };
/* A parameter or a cell of a result. Results know NULL, INT (booleans too), TEXT and BYTES. */
struct field {
	enum field_kind kind;
	int64_t number;
	struct str text;
};
/* Operations of the plan that go in one statement. */
#define START_ROWS 8
#define START_COLUMNS 10
#define FIELDS_MAX (START_ROWS * START_COLUMNS)

static inline struct field field_int(int64_t n)
{
	return (struct field){ FIELD_INT, n, { "", 0 } };
}
static inline struct field field_bool(bool b)
{
	return (struct field){ FIELD_BOOL, b, { "", 0 } };
}
static inline struct field field_text(struct str s)
{
	return (struct field){ FIELD_TEXT, 0, { s.ptr ? s.ptr : "", s.len } };
}
static inline struct field field_bytes(struct str s)
{
	return (struct field){ FIELD_BYTES, 0, { s.ptr ? s.ptr : "", s.len } };
}
static inline struct field field_null(void)
{
	return (struct field){ FIELD_NULL, 0, { "", 0 } };
}

struct rows {
	size_t count, columns;
	/* row by row; bytes are 8-aligned, every text has a NUL behind it */
	struct field *fields;
};
static inline const struct field *rows_at(const struct rows *r, size_t row, size_t column)
{
	return &r->fields[row * r->columns + column];
}

enum miss { MISS_NONE, MISS_TAKEN, MISS_OPERATION, MISS_EFFECT, MISS_CHECKPOINT, MISS_RUN };

enum statement_id {
#define STATEMENT(name, miss, sql) STATEMENT_##name,
#include "vm/store/statement.def"
#undef STATEMENT
	STATEMENT_COUNT
};
enum miss statement_miss(enum statement_id id);

enum begin_kind {
	BEGIN_BATCH, /* only run() until the commit */
	BEGIN_WRITE,
	BEGIN_READ,    /* one moment in time for several reads */
	BEGIN_UPGRADE, /* one process at a time */
};

struct backend {
	const char *kind;
	enum dialect dialect;
	enum outcome (*open)(struct store **out, const char *where, struct error *err);
	void (*close)(struct store *s);
	void *(*session)(struct store *s);
	/* Several statements of SQL without parameters. */
	enum outcome (*script)(struct store *s, const char *sql, struct error *err);
	enum outcome (*begin)(struct store *s, enum begin_kind kind, struct error *err);
	enum outcome (*run)(struct store *s, enum statement_id id, const struct field *fields,
			    size_t count, struct error *err);
	/* rows may be NULL; they live in the arena. */
	enum outcome (*read)(struct store *s, enum statement_id id, const struct field *fields,
			     size_t count, struct arena *a, struct rows *rows, struct error *err);
	enum outcome (*commit)(struct store *s, struct error *err);
	/* NULL: commits can't wait. Else commit() of BEGIN_WRITE that goes out with the next
	 * statement of the session, and its outcome. */
	enum outcome (*commit_later)(struct store *s, struct error *err);
	enum outcome (*wait)(struct store *s, struct error *err);
	/* NULL: never. What put run()s goes out behind the next statement that somebody else
	 * sends in the transaction of BEGIN_WRITE, if it can: s->expected.sent. NULL put: not any
	 * more. */
	void (*behind)(struct store *s, enum outcome (*put)(struct store *s, struct error *err));
	void (*rollback)(struct store *s);
	/* NULL: there is nothing to be done for hear(). */
	enum outcome (*listen)(struct store *s, struct error *err);
	/* NULL: it never waits for long. Until when (monotonic; 0: for ever) a silent server is
	 * waited for. */
	void (*be_patient)(struct store *s, int64_t until_ms);
	/* Waits for another session's news, for timeout_ms at the most or until a signal. */
	enum outcome (*hear)(struct store *s, int timeout_ms, bool *heard, struct error *err);
	/* Whether the transaction of store_begin() is still the one that is open: an effect may
	 * have ended it. */
	bool (*still_begun)(struct store *s);
};

/* A backend's own store begins with this. */
struct store {
	const struct backend *backend;
	char *sql[STATEMENT_COUNT]; /* in the backend's dialect */
	char *id;		    /* random, made with the tables */
	bool begun;		    /* by store_begin() */
	int64_t lease_ms;
	struct arena scratch;	    /* of one call */
	/* Of store_expect(): it is in the transaction already, if it was sent. */
	struct {
		bool sent;
		struct step step;
		struct effect_intent intent;
		struct effect_outcome outcome;
	} expected;
};

extern const struct backend store_postgres, store_sqlite;

enum outcome schema_open(struct store *s, struct error *err) MUST_USE;
/* Changes nothing. */
enum outcome schema_look(struct store *s, struct store_stand *stand,
			 struct error *err) MUST_USE;

/* Several fields in a row: run(s, STATEMENT_X, err, field_int(1), …). */
#define store_run(s, id, err, ...)                                                               \
	((s)->backend->run((s), (id), (const struct field[]){ __VA_ARGS__ },                     \
			   sizeof((const struct field[]){ __VA_ARGS__ }) / sizeof(struct field), \
			   (err)))
#define store_read(s, id, arena, rows, err, ...)                                                  \
	(store_ask((s), (id), (const struct field[]){ __VA_ARGS__ },                              \
		   sizeof((const struct field[]){ __VA_ARGS__ }) / sizeof(struct field), (arena), \
		   (rows), (err)))
/* The backend's read(), between two places of fault.def. */
enum outcome store_ask(struct store *s, enum statement_id id, const struct field *fields,
		       size_t count, struct arena *a, struct rows *rows, struct error *err);
enum outcome store_read_all(struct store *s, enum statement_id id, struct arena *a,
			    struct rows *rows, struct error *err);
/* Ends a transaction: commits if o is OUTCOME_OK, else rolls back and returns o. Forgets what the
 * call allocated. */
enum outcome store_end(struct store *s, enum outcome o, struct error *err);
/* What an unmatched statement means. */
enum outcome store_miss(struct store *s, enum miss miss, struct error *err);
#define TEXT_CAP_BYTES ((size_t)256 << 10)
/* A text that both databases take: valid UTF-8 without NUL, at most cap_bytes (0: any). Lives in
 * scratch if it differs. */
struct field field_clean(struct store *s, struct str text, size_t cap_bytes);
/* The refusal of what can't be understood. table: its bare name. */
enum outcome damaged(struct store *s, struct error *err, const char *table, const char *row,
		     const char *format, ...) PRINTF_LIKE(5, 6);

/* Reads of single cells: the first one that is wrong makes `reading.failed` and fills err. */
struct reading {
	struct store *store;
	const struct rows *rows;
	size_t row;
	const char *table;
	char name[160]; /* of the row, for messages */
	enum outcome failed;
	struct error *err;
};
int64_t reading_int(struct reading *r, size_t column, const char *name, int64_t low, int64_t high);
bool reading_bool(struct reading *r, size_t column);
struct str reading_text(struct reading *r, size_t column);
struct hash reading_hash(struct reading *r, size_t column, const char *name, bool may_be_empty);
int64_t reading_time(struct reading *r, size_t column, const char *name);
/* The number of a word in a table of count words. */
int reading_word(struct reading *r, size_t column, const char *name, const char *const *words,
		 int count);
enum outcome reading_migration(struct reading *r, struct migration_row *out);

extern const char *const status_words[STATUS_COUNT];
extern const char *const operation_status_words[OPERATION_STATUS_COUNT];
extern const char *const phase_words[PHASE_COUNT];
extern const char *const wanted_words[WANTED_COUNT];
extern const char *const said_words[3]; /* by enum effect_said */

/* Everything of a step, into the transaction that is open. */
enum outcome step_write(struct store *s, const struct step *step, struct error *err);

/* A checkpoint's seal: of this store, of this run. */
void checkpoint_seal(struct store *s, int64_t run, struct str state, char out[HASH_HEX_SIZE]);
/* run_blob.c: what checkpoints of a run refer to. */
enum outcome run_blobs_put(struct store *s, const struct step *step, struct error *err);
/* All of the run, each what its hash says. */
enum outcome run_blobs_load(struct store *s, struct arena *a, struct run_state *out,
			    struct error *err);
/* block.c: whether what the plan says of operations that go at once can be. */
enum outcome blocks_check(struct store *s, const struct migration_row *row,
			  const struct run_state *state, struct error *err) MUST_USE;
void plan_hash(const struct operation_row *plan, size_t count, struct hash *out);

#endif
