/* clickhouse_statement.c - what is true of statements for ClickHouse wherever they are executed */
#include "vm/connection/clickhouse_kind.h"
#include <ctype.h>

enum outcome clickhouse_check_statement(const struct statement *s, struct error *err)
{
	for (size_t i = 0; i < s->setting_count; i++) {
		struct str name = s->settings[i].name;
		bool good = name.len > 0;
		for (size_t k = 0; k < name.len; k++)
			good = good && (isalnum((unsigned char)name.ptr[k]) || name.ptr[k] == '_');
		/* parameters of the interface itself would change what the request is */
		static const char *const own[] = { "query",
						   "query_id",
						   "database",
						   "user",
						   "password",
						   "default_format",
						   "session_id",
						   "wait_end_of_query",
						   "buffer_size",
						   "readonly",
						   "compress",
						   "decompress",
						   "max_execution_time" };
		for (size_t k = 0; k < ARRAY_SIZE(own); k++)
			good = good && !str_eq(name, str_c(own[k]));
		if (!good)
			return error_set(err, OUTCOME_FAILED, "\"%.*s\" cannot be a setting here",
					 STR_ARG(name));
	}
	if (str_trim(s->sql).len == 0)
		return error_set(err, OUTCOME_FAILED, "there is no statement to run");
	if (memchr(s->sql.ptr, 0, s->sql.len))
		return error_set(err, OUTCOME_FAILED,
				 "a ClickHouse statement cannot hold the character U+0000 "
				 "unescaped");
	return OUTCOME_OK;
}

/* TIMEOUT_EXCEEDED, MEMORY_LIMIT_EXCEEDED, TOO_MANY_ROWS, TOO_MANY_BYTES */
const char *const clickhouse_too_much[] = { "159", "241", "158", "307", NULL };
