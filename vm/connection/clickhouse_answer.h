/* clickhouse_answer.h - what a ClickHouse server's answer says: rows, or an error in one of its
 * versions' forms */
#ifndef VM_CONNECTION_CLICKHOUSE_ANSWER_H
#define VM_CONNECTION_CLICKHOUSE_ANSWER_H

#include "vm/connection/clickhouse_http.h"

/* OK if the answer is no error. Else err with code, class (of a changing statement; a reader's is
 * never UNKNOWN). */
enum outcome clickhouse_answer_check(const struct answer *a, const struct request *r,
				     struct error *err) MUST_USE;
/* An error known from elsewhere (the query log), in the same words and classes. */
enum outcome clickhouse_answer_fail(const struct request *r, struct str code, struct str text,
				    struct error *err);
/* TabSeparatedWithNamesAndTypes into a result. time_zone: the server's. */
enum outcome clickhouse_answer_rows(struct str body, const char *time_zone, struct result *out,
				    struct error *err) MUST_USE;

#endif
