/* database.h - the rows of the state store, in memory: a statement is one moment */
#ifndef TESTS_SIMULATE_DATABASE_H
#define TESTS_SIMULATE_DATABASE_H

#include "tests/simulate/simulate.h"

void database_open(void);
/* Aborts where SQLite refuses. */
void database_script(const char *sql);
/* Once for each statement, before the first schedule: the text is that of s. */
void database_prepare(struct store *s, enum statement_id id);
/* incarnation: the process that sent it. a and rows may be NULL. */
enum outcome database_carry_out(struct store *s, int64_t incarnation, enum statement_id id,
				const struct field *fields, size_t count, struct arena *a,
				struct rows *rows, struct error *err);
/* Another run that wants the lock of the schedule's: it begins, gives the lock back or takes it. */
void database_add_contender(void);
void database_contend(void);
bool database_has_lock(void);
void database_set(const char *name, bool on);
/* Of operations that go at once: whether one has come to its end before another has, or that has
 * not. */
bool database_is_done_before(int index, int other);
/* After a commit. */
void database_look_at_row(void);

#endif
