/* clickhouse_error.c - errors in a ClickHouse server's answer, in the forms of all its versions */
#include "vm/connection/clickhouse_answer.h"
#include "vm/base/sql.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#define MESSAGE_CAP_BYTES 4000
#define TAIL_BYTES ((size_t)64 << 10)

static const struct code {
	int number;
	enum error_class class;
	enum outcome outcome;
} codes[] = {
#define CLICKHOUSE_ERROR(number, class, outcome) { number, ERROR_##class, OUTCOME_##outcome },
#include "vm/connection/clickhouse_error.def"
#undef CLICKHOUSE_ERROR
};

/* Whether a statement writes what it reads, block by block. A statement of more words than are kept
 * may. */
static bool writes_what_it_reads(struct str sql)
{
	struct sql_scan scan = { SQL_CLICKHOUSE, sql };
	struct sql_statement s;

	return sql_next(&scan, &s) && (sql_is(&s, 0, "insert") || sql_is(&s, 0, "create")) &&
	       (sql_has(&s, "select") || s.word_count == SQL_WORDS_MAX);
}

static void classify(const struct request *r, int number, struct error *err)
{
	err->class = !r->reading && writes_what_it_reads(r->sql) ? ERROR_UNKNOWN : ERROR_PERMANENT;
	for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
		if (codes[i].number == number) {
			err->class = codes[i].class;
			err->outcome = codes[i].outcome;
		}
	if (r->reading && err->class == ERROR_UNKNOWN)
		err->class = ERROR_TRANSIENT;
}

/* "… failed at position 8 (line 1, col 8) …": bytes, to characters. */
static long position_of(struct str text, struct str sql)
{
	ptrdiff_t at = str_find(text, STR("failed at position "));
	if (at < 0)
		return 0;
	long bytes = strtol(text.ptr + at + strlen("failed at position "), NULL, 10), n = 0;
	if (bytes < 1 || (size_t)bytes > sql.len + 1)
		return 0;
	for (long i = 0; i < bytes - 1; i++)
		n += ((unsigned char)sql.ptr[i] & 0xc0) != 0x80;
	return n + 1;
}

static struct str until(struct str text, struct str end)
{
	ptrdiff_t at = str_find(text, end);
	if (at >= 0)
		text.len = (size_t)at;
	return str_trim(text);
}

/* Behind "DB::Exception: ", or another name of that kind: DB::ErrnoException says of files. */
static struct str words_of(struct str text)
{
	ptrdiff_t at = str_find(text, STR("DB::"));
	size_t end;

	if (at < 0)
		return text;
	for (end = (size_t)at + 4; end < text.len && isalpha((unsigned char)text.ptr[end]); end++)
		;
	if (end + 1 >= text.len || text.ptr[end] != ':' || text.ptr[end + 1] != ' ')
		return text;
	return (struct str){ text.ptr + end + 2, text.len - end - 2 };
}

enum outcome clickhouse_answer_fail(const struct request *r, struct str code, struct str text,
				    struct error *err)
{
	struct buf copy = {0};
	struct str words = until(words_of(text), STR(", e.what() = "));
	bool cut = words.len > MESSAGE_CAP_BYTES;
	if (cut)
		words.len = MESSAGE_CAP_BYTES;
	error_set(err, OUTCOME_FAILED, "%.*s%s", STR_ARG(words), cut ? " …" : "");
	snprintf(err->code, sizeof(err->code), "%.*s", STR_ARG(code));
	classify(r, atoi(err->code), err);
	buf_str(&copy, text);
	err->position = position_of(buf_view(&copy), r->sql);
	buf_clear(&copy);
	return err->outcome;
}

/* "Code: 62, e.displayText() = DB::Exception: …" or "Code: 62. DB::Exception: …", or as what is not
 * its own comes out of 18.16, "Poco::Exception. Code: 1000, e.code() = 28, …": the digits, empty if
 * it is none of these. */
static struct str code_at(struct str text)
{
	static const char *const forms[] = { ", e.displayText() = ", ". DB::", ", DB::",
					     ", e.code() = ", ", type: " };
	static const char *const foreign[] = { "Poco::Exception. ", "std::exception. " };
	for (size_t i = 0; i < ARRAY_SIZE(foreign); i++)
		if (str_starts(text, str_c(foreign[i])))
			text = (struct str){ text.ptr + strlen(foreign[i]),
					     text.len - strlen(foreign[i]) };
	struct str digits = { text.ptr, 0 };
	if (!str_starts(text, STR("Code: ")))
		return digits;
	digits.ptr += 6;
	while (6 + digits.len < text.len && isdigit((unsigned char)digits.ptr[digits.len]))
		digits.len++;
	struct str rest = { digits.ptr + digits.len, text.len - 6 - digits.len };
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++)
		if (digits.len && str_starts(rest, str_c(forms[i])))
			return digits;
	digits.len = 0;
	return digits;
}

static ptrdiff_t find_last(struct str s, struct str needle)
{
	for (size_t i = s.len >= needle.len ? s.len - needle.len + 1 : 0; i-- > 0; )
		if (memcmp(s.ptr + i, needle.ptr, needle.len) == 0)
			return (ptrdiff_t)i;
	return -1;
}

/*
 * Where an error begins that was written behind data: after the marker of new servers (bare, or
 * with the tag that the reply's header announced). Older ones append the bare text; as the answer
 * is awaited whole (wait_end_of_query), they do so only in front of any data, which the caller sees
 * by the status.
 */
static struct str error_in_tail(const struct answer *a)
{
	struct str body = buf_view(&a->body), none = { "", 0 };
	struct str tail = body.len > TAIL_BYTES
				  ? (struct str){ body.ptr + body.len - TAIL_BYTES, TAIL_BYTES }
				  : body;
	char marker[80];
	snprintf(marker, sizeof(marker), "__exception__\r\n%s%s", a->tag, *a->tag ? "\r\n" : "");
	ptrdiff_t at = *a->tag ? str_find(tail, str_c(marker)) : find_last(tail, str_c(marker));
	if (at < 0)
		return none;
	struct str text = { tail.ptr + at + strlen(marker),
			    tail.len - (size_t)at - strlen(marker) };
	return *a->tag || code_at(text).len ? text : none;
}

static enum outcome fail_status(const struct answer *a, const struct request *r, struct error *err)
{
	struct str body = str_trim(buf_view(&a->body));
	if (body.len > 500)
		body.len = 500;
	error_set(err, OUTCOME_UNREACHABLE, "HTTP status %ld%s%.*s", a->status,
		  body.len ? ": " : "", STR_ARG(body));
	if (a->status == 429 || (r->reading && a->status >= 500))
		err->class = ERROR_TRANSIENT;
	else
		err->class = a->status >= 500 ? ERROR_UNKNOWN : ERROR_PERMANENT;
	return err->outcome;
}

enum outcome clickhouse_answer_check(const struct answer *a, const struct request *r,
				     struct error *err)
{
	struct str body = buf_view(&a->body), tail = error_in_tail(a);
	struct str code = code_at(body);
	if (tail.len) {
		code = code_at(tail);
		return clickhouse_answer_fail(r, code.len ? code : str_c(a->code), tail, err);
	}
	if (a->status == 200 && !*a->code && (r->reading || !code.len))
		return OUTCOME_OK;
	if (code.len || *a->code)
		return clickhouse_answer_fail(r, code.len ? code : str_c(a->code), body, err);
	return fail_status(a, r, err);
}
