/* clickhouse_text.c - the SQL text that goes to ClickHouse */
#include "vm/connection/clickhouse_text.h"
#include "vm/connection/literal.h"
#include <ctype.h>

static void write_escaped(struct buf *out, char quote, struct str text)
{
	buf_byte(out, quote);
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		if (c == '\0') {
			buf_text(out, "\\0");
			continue;
		}
		if (c == '\\' || c == quote)
			buf_byte(out, '\\');
		buf_byte(out, c);
	}
	buf_byte(out, quote);
}

void clickhouse_text_ident(struct buf *out, struct str part)
{
	write_escaped(out, '`', part);
}

static void write_number(struct buf *out, struct str text)
{
	if (text.len && text.ptr[0] == '-')
		buf_byte(out, ' ');		/* `a -${x}` must not begin a comment */
	buf_str(out, text);
}

static void write_float(struct buf *out, struct str text)
{
	struct buf number = {0};
	if (literal_float(&number, text)) {
		struct str plain = buf_view(&number);
		if (plain.ptr[0] == '(')
			plain = (struct str){ plain.ptr + 1, plain.len - 2 };
		write_number(out, plain);
	} else if (memchr(text.ptr, 'a', text.len)) {
		buf_text(out, "nan");
	} else {
		buf_text(out, text.ptr[0] == '-' ? " -inf" : "inf");
	}
	buf_clear(&number);
}

static void write_time(struct buf *out, struct str text)
{
	struct buf time = {0};
	bool fraction;
	literal_time(&time, text, &fraction);
	/* 18.16 knows whole seconds only and refuses the other function: nothing is lost silently
	 */
	buf_format(out, fraction ? "toDateTime64('%s', 6, 'UTC')" : "toDateTime('%s', 'UTC')",
		   time.ptr);
	buf_clear(&time);
}

void clickhouse_text_literal(struct buf *out, enum cell_type type, struct str text)
{
	if (!text.ptr) {
		buf_text(out, "NULL");
		return;
	}
	switch (type) {
	case CELL_STRING:
		write_escaped(out, '\'', text);
		return;
	case CELL_BOOL:
		buf_byte(out, literal_bool(text) ? '1' : '0');	/* 18.16 has no true */
		return;
	case CELL_INT:
		write_number(out, text);
		return;
	case CELL_FLOAT:
		write_float(out, text);
		return;
	case CELL_BYTES:
		buf_text(out, "unhex('");
		literal_hex(out, text);
		buf_text(out, "')");
		return;
	case CELL_TIMESTAMP:
		write_time(out, text);
		return;
	}
}

void clickhouse_text_id_condition(struct buf *out, const char *query_id, bool prefix)
{
	if (prefix)
		buf_format(out, "substring(query_id, 1, %zu) = ", strlen(query_id));
	else
		buf_text(out, "query_id = ");
	clickhouse_text_literal(out, CELL_STRING, str_c(query_id));
}

static size_t escaped_length(struct str s)
{
	size_t n = 0;
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];
		n += isalnum(c) || strchr("-._~", c ? c : '!') ? 1 : 3;
	}
	return n;
}

/* From s[i], a quote: behind its end. */
static size_t skip_quoted(struct str s, size_t i)
{
	char quote = s.ptr[i];
	for (i++; i < s.len; i++) {
		if (s.ptr[i] == '\\')
			i++;
		else if (s.ptr[i] == quote)
			return i + 1;
	}
	return s.len;
}

static size_t skip_comment(struct str s, size_t i)
{
	struct str rest = { s.ptr + i, s.len - i };
	bool line = s.ptr[i] == '-';
	ptrdiff_t end = str_find(rest, line ? STR("\n") : STR("*/"));
	return end < 0 ? s.len : i + (size_t)end + (line ? 1 : 2);
}

bool clickhouse_text_split(struct str sql, size_t room, size_t *head)
{
	size_t opened = 0, depth = 0, closed = 0;
	*head = sql.len;
	if (escaped_length(sql) + strlen("&query=") <= room)
		return true;
	struct str s = str_trim(sql);
	for (size_t i = 0; i < s.len; ) {
		char c = s.ptr[i], d = i + 1 < s.len ? s.ptr[i + 1] : '\0';
		if (c == '\'' || c == '"' || c == '`') {
			i = skip_quoted(s, i);
			continue;
		}
		if ((c == '-' && d == '-') || (c == '/' && d == '*')) {
			i = skip_comment(s, i);
			continue;
		}
		i++;
		if (c == '(' && depth++ == 0)
			opened = i;
		else if (c == ')' && depth > 0 && --depth == 0)
			closed = i;
	}
	*head = (size_t)(s.ptr - sql.ptr) + opened;
	return depth == 0 && closed == s.len && s.len > 0 &&
	       escaped_length((struct str){ sql.ptr, *head }) + strlen("&query=") <= room;
}
