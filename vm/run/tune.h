/* tune.h - what an operator has changed in the windows of a run, by the rows of tune.def */
#ifndef VM_RUN_TUNE_H
#define VM_RUN_TUNE_H

#include "vm/store/store.h"

#define TUNE_ROWS_MAX (INT64_C(1) << 50)

struct tuning {
#define TUNE(name, kind, sentence) int64_t name; /* 0: as the migration says */
#include "vm/run/tune.def"
#undef TUNE
};

/* What is stored for a migration. What was edited by hand while it runs and makes no sense counts
 * as not there. */
enum outcome tune_read(struct store *store, struct str migration, struct tuning *out,
		       struct error *err) MUST_USE;
/* OUTCOME_DAMAGED: one of the rows makes no sense. */
enum outcome tune_check(struct store *store, struct str migration, struct error *err) MUST_USE;

#endif
