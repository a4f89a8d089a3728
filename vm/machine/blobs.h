/*
 * blobs.h - the large values of checkpoints, each kept once by the hash of its bytes
 *
 *   checkpoint ─▶ blob ─▶ blob …      what is larger than a limit is a reference
 *
 * A machine that is given blobs (machine_keep_blobs) writes a text, list or record that would be
 * larger than the limit as a reference into its checkpoint, and the bytes here: once, however often
 * the value is in a checkpoint. Values are immutable, so what lies at a place is looked at again
 * only when the heap has moved. Long lists and texts are in pieces that depend on what is before
 * them alone: appending makes the last few anew. A blob names the blobs that it refers to.
 *
 *   put by machine_save() ─▶ pending ─ commit, blobs_stored() ─▶ stored ─ blobs_sweep() ─▶ gone
 *
 * It does no I/O: who commits the checkpoint writes what is pending with it, and who restores one
 * loads what was stored before. Of one machine and one run; not for several threads.
 */
#ifndef VM_MACHINE_BLOBS_H
#define VM_MACHINE_BLOBS_H

#include "vm/base/hash.h"

#define BLOBS_LIMIT_BYTES 512 /* a value whose bytes are not more stays in the checkpoint */

struct blobs;

/* limit_bytes: 0 BLOBS_LIMIT_BYTES; less for tests. */
struct blobs *blobs_new(size_t limit_bytes);
void blobs_free(struct blobs *b);
/* What the store holds. The bytes are borrowed, and whoever gives them has compared the hashes. */
void blobs_load(struct blobs *b, const struct hashed *at, size_t count);
/* What the store must hold when it holds a checkpoint saved before. Until the next call. */
const struct hashed *blobs_pending(const struct blobs *b, size_t *count);
/* What was pending has been committed. Where the commit failed, it simply stays pending. */
void blobs_stored(struct blobs *b);
/*
 * What the store need not hold any more when it holds this checkpoint and no other: none as long as
 * there is little of it, all of it then, so that a checkpoint costs the same in the long run. They
 * are forgotten here at once; one that the store then keeps does no harm. Until the next call.
 */
const struct hash *blobs_sweep(struct blobs *b, struct str checkpoint, size_t *count);
/* The store holds none any more. */
void blobs_forget(struct blobs *b);
/* The one that the last machine_restore() looked for in vain; NULL: none. */
const struct hash *blobs_missing(const struct blobs *b);

#endif
