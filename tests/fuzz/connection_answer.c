/*
 * connection_answer.c - any bytes as a ClickHouse server's answer, and as SQL text to be scanned
 *
 * The first byte chooses; nothing may be read out of bounds, and a scan must end.
 */
#include "vm/connection/clickhouse_answer.h"
#include "vm/connection/clickhouse_text.h"
#include "vm/base/sql.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void read_answer(struct str text, uint8_t flags)
{
	struct answer a = { .status = flags & 4 ? 500 : 200 };
	struct request r = { .sql = text, .reading = flags & 8 };
	struct error err = { 0 };
	struct result rows = { 0 };
	buf_str(&a.body, text);
	if (flags & 16)
		memcpy(a.tag, "abcd", 5);
	if (clickhouse_answer_check(&a, &r, &err) == OUTCOME_OK) {
		error_clear(&err);
		size_t bytes = 0;
		if (clickhouse_answer_rows(text, "UTC", &rows, &err) == OUTCOME_OK)
			for (size_t i = 0; i < rows.rows.count; i++)
				for (size_t k = 0; k < rows.column_count; k++)
					bytes += rows.rows.at[i][k].len;
		if (bytes > 2 * text.len + 64 * rows.rows.count * rows.column_count)
			BUG("cells that are longer than their text");
	}
	result_clear(&rows);
	error_clear(&err);
	clickhouse_answer_clear(&a);
}

static void scan_text(struct str text, uint8_t flags)
{
	struct sql_scan scan = { flags % 3, text };
	struct sql_statement s;
	size_t head, left = text.len + 1;
	while (sql_next(&scan, &s)) {
		if (scan.rest.len >= left || s.text.ptr < text.ptr ||
		    s.text.ptr + s.text.len > text.ptr + text.len)
			BUG("a scan that does not move on");
		left = scan.rest.len;
		if (left == 0)
			break;
	}
	if (clickhouse_text_split(text, 50, &head) && head > text.len)
		BUG("a cut behind the end");
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	if (size == 0)
		return 0;
	struct str text = { (const char *)bytes + 1, size - 1 };
	if (bytes[0] & 1)
		scan_text(text, bytes[0] >> 1);
	else
		read_answer(text, bytes[0]);
	return 0;
}
