/* literal.h - pieces that the kinds' literals are made of */
#ifndef VM_CONNECTION_LITERAL_H
#define VM_CONNECTION_LITERAL_H

#include "vm/base/buf.h"

void literal_hex(struct buf *out, struct str bytes);
/* The text in quotes, a quote in it doubled. */
void literal_doubled(struct buf *out, char quote, struct str text);
/* Decimal digits as an SQL number, in parentheses if negative, so that neither `a -${x}` nor
 * `${x}::text` surprises. */
void literal_number(struct buf *out, struct str text);
/* A float as strtod reads it: a finite one always with a point or exponent. false: infinite or not
 * a number. */
bool literal_float(struct buf *out, struct str text);
/* 2026-11-22T08:00:00.000000Z → 2026-11-22 08:00:00[.000001]: the fraction only if there is one. */
void literal_time(struct buf *out, struct str text, bool *has_fraction);
bool literal_bool(struct str text);

#endif
