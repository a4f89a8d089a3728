/*
 * window.h - what the files of `batches` share: who asks for a window, and the questions
 *
 *   window.c       the next window and its size     window_ask.c   what the database is asked
 *   window_lane.c  windows at once                  window_rest.c  between two windows
 *
 * A window is a record: `after` and `upto`, the keys that it lies between; `where`, its condition;
 * `end`, the last key of the table when the first window was asked for (with `follow`: when the end
 * was reached last); `size`, how many rows it may have. All that the next one depends on is in it,
 * and it is in the checkpoint: a run that was killed goes on with the same window. How long one
 * took is known to the process that gave it: after a resume the size stays as it was.
 */
#ifndef VM_RUN_WINDOW_H
#define VM_RUN_WINDOW_H

#include "vm/run/session.h"

#define KEYS_MAX 2
#define OPTION_LIMIT TUNE_ROWS_MAX

enum option { OPTION_SIZE, OPTION_MIN, OPTION_MAX, OPTION_TARGET, OPTION_PARALLEL, OPTION_FOLLOW };
enum field { FIELD_AFTER, FIELD_UPTO, FIELD_WHERE, FIELD_END, FIELD_SIZE, FIELD_COUNT };

struct asking {
	struct run *r;
	struct connection *c;
	int64_t index;
	const struct policy *policy;
	struct heap *heap; /* of the answer */
	const struct list *table, *keys;
	const struct value *options;
	uint32_t type; /* of the key */
	struct tuning tuned;
	/* Another thread asks: once, on c, telling nobody. */
	const struct statement *apart;
	const struct watch *watch;
	struct buf sql;
	char query_id[QUERY_ID_SIZE];
};

/* The condition of the keys between two, each null: no end there. */
struct value window_condition(const struct asking *a, struct value after, struct value upto);
/* The first key behind `after` in an order ("", " DESC"); null if there is none. */
enum outcome window_outermost(struct asking *a, struct value after, const char *order,
			      struct value *key, struct error *err) MUST_USE;
/* The last key of the window of so many rows behind `after`, at most `end`; null: it is empty. */
enum outcome window_end(struct asking *a, struct value after, struct value end, int64_t size,
			struct value *key, struct error *err) MUST_USE;
enum outcome window_refuse_key(struct asking *a, const char *why, struct error *err);
/* A row without a key would be in no window. */
enum outcome window_check_nulls(struct asking *a, struct error *err) MUST_USE;
/* Whether an index of the server keeps it unique; where nothing does each window is looked at. */
enum outcome window_ask_unique(struct asking *a, bool *unique, struct error *err) MUST_USE;
enum outcome window_check_twice(struct asking *a, struct value after, struct value end,
				int64_t size, struct error *err) MUST_USE;

/* window.c */
/* Whoever asks, from the request at which vm stands. */
enum outcome window_asking(struct asking *a, struct run *r, struct machine *vm, int64_t index,
			   const struct policy *policy, bool is_first, struct error *err) MUST_USE;
/* Another thread, which has a machine and a session of its own; s: id, timeout and settings. */
void window_ask_apart(struct asking *a, struct run *r, struct machine *vm, struct connection *c,
		      const struct tuning *tuned, const struct statement *s,
		      const struct watch *watch);
/* What the verifier cannot see of a bundle that amigc has not made. */
bool window_is_asked_right(const struct value *operands);
/* The size behind one of so many rows (0: of the first) that took so long (-1: it is not known). */
int64_t window_next_size(const struct asking *a, int64_t size, int64_t took_ms);
/* The size after the last one, 0 none, by how long it took. */
int64_t window_size(struct asking *a, int64_t last);
/* The window behind the one before, or the first; null: there is none. */
enum outcome window_next(struct asking *a, struct value before, int64_t size, struct value *out,
			 struct error *err) MUST_USE;
/* The one of so many rows behind `after`, at most `end`. */
enum outcome window_find(struct asking *a, struct value after, struct value end, int64_t size,
			 struct value *out, struct error *err) MUST_USE;
/* The machine is answered. */
void window_give(struct asking *a, struct machine *vm, struct value window);
/* Whether the function goes through windows. */
bool window_is_in(const struct module *m, uint32_t function);

#endif
