/* graph.h - what depends on what: migrations on each other, `operations` on those that include */
#ifndef COMPILER_GRAPH_H
#define COMPILER_GRAPH_H

#include "compiler/unit.h"

/* operations and includes in the plan of a migration, includes put in place */
#define PLAN_OPERATIONS_MAX 10000u

/* Sorts the unit's migrations by name and links them; says what is unknown, twice there, or in a
 * circle. */
void graph_link(struct unit *u);
/* No `operations` includes itself, and no plan grows beyond PLAN_OPERATIONS_MAX. */
void graph_check_includes(struct unit *u);
/* No `parallel` is in another one by an `include`. */
void graph_check_parallel(struct unit *u);

#endif
