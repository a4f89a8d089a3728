/*
 * diag_json.c - diagnostics for programs: one JSON array
 *
 * [{"code", "severity", "message", "help", "path", "line", "column", "end_line", "end_column",
 * "notes": [{"message", "path", "line", …}], "fix": [{"path", "line", …, "text"}]}]; "help" and
 * "fix" are left out where there is none. Lines and columns count from 1, columns in code points.
 */
#include "grammar/diag.h"

static void print_place(struct sources *s, struct span span, struct buf *out)
{
	struct place start = source_place(s, span.source, span.start),
		     end = source_place(s, span.source, span.end);

	buf_text(out, "\"path\":");
	buf_json(out, s->all.at[span.source].path);
	buf_format(out, ",\"line\":%u,\"column\":%u,\"end_line\":%u,\"end_column\":%u", start.line,
		start.column, end.line, end.column);
}

static void print(const struct diag *d, struct sources *s, struct buf *out)
{
	buf_format(out,
		"{\"code\":\"%s\",\"severity\":\"%s\",\"message\":", diag_code_text(d->code),
		diag_severity(d->code) == SEVERITY_ERROR ? "error" : "warning");
	buf_json(out, d->message);
	if (d->help.len) {
		buf_text(out, ",\"help\":");
		buf_json(out, d->help);
	}
	buf_byte(out, ',');
	print_place(s, d->span, out);
	buf_text(out, ",\"notes\":[");
	for (size_t i = 0; i < d->notes.count; i++) {
		buf_text(out, i ? ",{\"message\":" : "{\"message\":");
		buf_json(out, d->notes.at[i].text);
		buf_byte(out, ',');
		print_place(s, d->notes.at[i].span, out);
		buf_byte(out, '}');
	}
	buf_byte(out, ']');
	if (d->fix.count)
		buf_text(out, ",\"fix\":[");
	for (size_t i = 0; i < d->fix.count; i++) {
		buf_text(out, i ? ",{" : "{");
		print_place(s, d->fix.at[i].span, out);
		buf_text(out, ",\"text\":");
		buf_json(out, d->fix.at[i].text);
		buf_byte(out, '}');
	}
	buf_text(out, d->fix.count ? "]}" : "}");
}

void diags_print_json(const struct diags *d, struct sources *s, struct buf *out)
{
	buf_byte(out, '[');
	for (size_t i = 0; i < d->all.count; i++) {
		if (i)
			buf_text(out, ",\n ");
		print(&d->all.at[i], s, out);
	}
	buf_text(out, "]\n");
}
