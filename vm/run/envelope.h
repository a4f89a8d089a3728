/*
 * envelope.h - a checkpoint of several machines: around their parts a head as that of one machine's
 *
 *   4 bytes which it is  u8 format  module identity (16)  u64 XXH3 of the rest
 *   0 (it refers to no blobs)  its parts
 *
 * So who sweeps the blobs can read how many there are. Texts have their length before them; all
 * numbers are LEB128.
 */
#ifndef VM_RUN_ENVELOPE_H
#define VM_RUN_ENVELOPE_H

#include "vm/run/session.h"

#define ENVELOPE_LANES "amln"
#define ENVELOPE_STRANDS "amst"

void envelope_put(struct buf *out, struct str s);
struct str envelope_take(struct reader *in);
void envelope_close(const struct run *r, const char *which, uint8_t format, struct str parts,
		    struct buf *out);
/* false: it is damaged, or of another module. *in: its parts. */
bool envelope_open(const struct run *r, const char *which, uint8_t format, struct str checkpoint,
		   struct reader *in);

#endif
