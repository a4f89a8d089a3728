/* copy_operand.h - what the operands of a COPY say; copy.h has the rest */
#ifndef VM_RUN_COPY_OPERAND_H
#define VM_RUN_COPY_OPERAND_H

#include "vm/connection/stream.h"
#include "vm/run/session.h"

/* The option of this kind, by which they are told apart; NULL: it was not given. */
const struct value *copy_option(const struct machine_request *q, enum value_kind kind);
bool copy_wants_verify(const struct machine_request *q);
/* Both live as long as the arena. */
const struct str *copy_texts(struct arena *a, const struct list *list);
struct stream_target copy_table(const struct machine_request *q, struct arena *a);

#endif
