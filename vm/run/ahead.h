/*
 * ahead.h - the rows of the next window, read while those of this one are inserted
 *
 *   the run:  copy, all rows read ─▶ begin … insert ends ─▶ WINDOW: window ─▶ COPY: take, read
 *   a thread:                          └▶ the same code ─▶ its window, its query ─▶ rows ──┘
 *
 * Where the rows of a `copy` in `batches` go into a database of another kind, and nothing but the
 * next window comes between two copies, what the code will ask next is known as soon as a copy has
 * read its last row: a machine of the same state is answered as the run's will be. What it asks is
 * read by a thread in a session of its own, into at most AHEAD_BYTES; nothing is sent to the
 * target and nothing is told. The run's own machine decides: only if it asks for the same window
 * and the same query it gets them, after its intent is durable as always; else they are dropped
 * and it asks for itself. The size of a window with a `target` goes by how long the one before has
 * taken so far and what was left to do of the one before that. What fails here fails there, too,
 * and is told there.
 */
#ifndef VM_RUN_AHEAD_H
#define VM_RUN_AHEAD_H

#include "vm/connection/stream.h"
#include "vm/run/session.h"
#include "vm/run/window.h"

#define AHEAD_BYTES ((size_t)16 << 20)

/* Before a copy: what reading ahead needs, once. What stands against it is no error. */
void ahead_prepare(struct run *r, const struct connection *from, const struct connection *to);
/* All rows of the copy are read: s is what is sent, rows what it will be answered, and whether they
 * came in binary. */
void ahead_begin(struct run *r, const struct statement *s, int64_t rows, bool is_binary);
/* Whether a window is found already. */
bool ahead_has_window(struct run *r);
/* The window that a asks for, vm's machine standing there. false: it is to be asked for. */
bool ahead_window(struct run *r, struct asking *a, const struct machine *vm, struct value *out);
/* The stream of this query: the caller reads it with ahead_read() and closes nothing. NULL: it is
 * to be opened. */
struct stream *ahead_take(struct run *r, uint32_t place, struct str sql);
enum outcome ahead_read(struct run *r, struct buf *out, bool *end, const struct watch *watch,
			struct error *err) MUST_USE;
/* The copy has ended well: its target is described already for the next. Takes what it keeps. */
void ahead_keep_target(struct run *r, const struct stream_target *t, struct stream *target);
/* Of a copy whose rows were read ahead. false: it is to be opened. */
bool ahead_give_target(struct run *r, const struct stream_target *t, const struct connection *c,
		       struct stream *out);
/* Nothing is read any more. */
void ahead_drop(struct run *r);
void ahead_free(struct run *r);

#endif
