/* foreign.h - what is meant by a word of another language, or one in capitals (foreign.def) */
#ifndef GRAMMAR_FOREIGN_H
#define GRAMMAR_FOREIGN_H

#include "vm/base/str.h"

/* All give NULL for a word that says nothing. The word may be in any case. */
const char *foreign_type(struct str word);
const char *foreign_value(struct str word);
const char *foreign_unit(struct str word);
const char *foreign_hint(struct str word);	/* a sentence */
const char *foreign_sign(struct str text); /* of a typesetter, for one of ours */
/* The words for which `word` may stand, one after the other from *at = 0 on. */
const char *foreign_word(struct str word, size_t *at, bool *sure);

#endif
