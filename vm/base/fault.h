/* fault.h - dying on purpose at a named place (fault.def), for the crash tests; nothing at all in a
 * release build */
#ifndef VM_BASE_FAULT_H
#define VM_BASE_FAULT_H

#include "vm/base/attr.h"

enum fault {
#define FAULT(name, word, sentence) FAULT_##name,
#include "vm/base/fault.def"
#undef FAULT
	FAULT_COUNT
};

extern const char *const fault_words[FAULT_COUNT];

#ifdef AMIG_FAULTS
void fault_pass(enum fault f);
/* Around something that takes a while: a passage in the middle of which the process dies, at the
 * latest at its end. */
void fault_begin(enum fault f);
void fault_end(void);
#else
static inline void fault_pass(enum fault f)
{
	(void)f;
}
static inline void fault_begin(enum fault f)
{
	(void)f;
}
static inline void fault_end(void)
{
}
#endif

#endif
