/*
 * dialect.h - one SQL text for PostgreSQL and SQLite
 *
 * In a text, @word is a word of the dialect (the table is in dialect.c), @us(COLUMN) a time as
 * microseconds, and any other
 * @name a table of the store. $1 is a parameter.
 */
#ifndef VM_STORE_DIALECT_H
#define VM_STORE_DIALECT_H

#include "vm/base/buf.h"

enum dialect { DIALECT_POSTGRES, DIALECT_SQLITE, DIALECT_COUNT };

void dialect_format(struct buf *out, enum dialect dialect, const char *text);

#endif
