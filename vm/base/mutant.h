/* mutant.h - whether a guard is left out on purpose (mutant.def); never, but in builds for the
 * simulation, which then has to notice */
#ifndef VM_BASE_MUTANT_H
#define VM_BASE_MUTANT_H

#include "vm/base/attr.h"

enum mutant {
	MUTANT_NONE,
#define MUTANT(name, word, sentence) MUTANT_##name,
#include "vm/base/mutant.def"
#undef MUTANT
	MUTANT_COUNT
};

extern enum mutant mutant_now; /* in builds with AMIG_MUTANTS; set by the simulation */
#ifdef AMIG_MUTANTS
static inline bool mutant(enum mutant m)
{
	return mutant_now == m;
}
#else
static inline bool mutant(enum mutant m)
{
	(void)m;
	return false;
}
#endif

#endif
