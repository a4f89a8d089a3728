/*
 * build.h - from the sources that were found to a bundle: what has not changed is taken over, the
 * rest is compiled by several threads
 *
 *   every file ── read, hashed ──┬── in the record of the bundle before ──────────┐
 *                                └── batches, each in a unit of its own ── images ┤
 *                                                                                 ▼
 *              one unit in which the migrations are known ── what they mean to each other
 *
 * Whenever there is an error, or a file that can't be seen by itself, this work is thrown away and
 * everything is compiled in one unit: what is told does not depend on threads, nor on what was
 * there before. The bytes do not either.
 */
#ifndef COMPILER_BUILD_H
#define COMPILER_BUILD_H

#include "compiler/command.h"
#include "vm/isa/module.h"

struct build_result {
	enum exit_status status;
	size_t unchanged;	/* files that were taken over */
};

/* status: that of files_find. before: what lies where the output goes; zero when nothing does. All
 * diagnostics are printed. Without an output everything is done but the writing. */
struct build_result build_bundle(struct files *f, enum exit_status status,
				 const struct bundle *before);

#endif
