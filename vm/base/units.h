/*
 * units.h - durations and sizes as people write them
 *
 * A duration is an int64 of milliseconds: 250ms 30s 5m 2h 7d. A size is an int64 of bytes: 100KB
 * (1000) 1.5GiB (1024).
 */
#ifndef VM_BASE_UNITS_H
#define VM_BASE_UNITS_H

#include "vm/base/buf.h"

bool duration_parse(struct str text, int64_t *ms); /* one number with one unit; false on overflow
						      too */
bool size_parse(struct str text, int64_t *bytes);
/* The shortest exact form: 90000 → "90s", 7200000 → "2h". It parses back to the same. */
void duration_print(struct buf *out, int64_t ms);
/* Microseconds since 1970 UTC as 2026-11-22T08:00:00.000000Z; and back. */
void timestamp_print(struct buf *out, int64_t us);
bool timestamp_parse(struct str text, int64_t *us);
/* Days since 1970-01-01 of a date of the Gregorian calendar, also before there was one, and back.
 * The year before 1 is 0. */
int64_t days_of_date(int64_t year, int64_t month, int64_t day);
void date_of_days(int64_t days, int64_t *year, int64_t *month, int64_t *day);

#endif
