/* parse.h - bytes to a tree */
#ifndef GRAMMAR_PARSE_H
#define GRAMMAR_PARSE_H

#include "grammar/ast.h"
#include "grammar/diag.h"
#include "vm/base/arena.h"

/* Parses one source. Always gives a tree, in which what could not be understood is left out or
 * stood for by …_ERROR nodes; what is wrong is in diags. Nesting beyond PARSE_DEPTH_MAX is a
 * diagnostic. */
struct file *parse(struct arena *arena, struct sources *sources, uint32_t source,
	struct diags *diags);

#define PARSE_DEPTH_MAX 200

#endif
