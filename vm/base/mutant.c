/* mutant.c - the guard that is left out, if one is */
#include "vm/base/mutant.h"

#ifdef AMIG_MUTANTS
enum mutant mutant_now;
#else
typedef int mutant_is_nothing_here; /* a source may not be empty */
#endif
