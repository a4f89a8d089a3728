/*
 * diag_github.c - diagnostics as annotations of a GitHub workflow
 *
 *	::error file=PATH,line=5,col=3,endLine=5,endColumn=9,title=E0207::MESSAGE
 *
 * In the message `%`, CR and LF are written %25, %0D and %0A; in a property `:` and `,` are %3A and
 * %2C too. The last column is one that is still meant, the first one behind it is not.
 */
#include "grammar/diag.h"

static void escape(struct str text, const char *also, struct buf *out)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (c == '%' || c == '\r' || c == '\n' || strchr(also, c))
			buf_format(out, "%%%02X", (unsigned)(unsigned char)c);
		else
			buf_byte(out, c);
	}
}

static void print(const struct diag *d, struct sources *s, struct buf *out)
{
	struct place start = source_place(s, d->span.source, d->span.start),
		     end = source_place(s, d->span.source, d->span.end);

	buf_format(out, "::%s file=",
		diag_severity(d->code) == SEVERITY_ERROR ? "error" : "warning");
	escape(s->all.at[d->span.source].path, ":,", out);
	buf_format(out, ",line=%u,col=%u,endLine=%u,endColumn=%u,title=%s::", start.line,
		start.column, end.line,
		end.column > 1 && d->span.end > d->span.start ? end.column - 1 : end.column,
		diag_code_text(d->code));
	escape(d->message, "", out);
	for (size_t i = 0; i < d->notes.count; i++) {
		const struct diag_note *note = &d->notes.at[i];

		buf_text(out, "%0Anote: ");
		escape(note->text, "", out);
		buf_text(out, ": ");
		escape(s->all.at[note->span.source].path, "", out);
		buf_format(out, ":%u", source_place(s, note->span.source, note->span.start).line);
	}
	if (d->help.len) {
		buf_text(out, "%0Ahelp: ");
		escape(d->help, "", out);
	}
	buf_byte(out, '\n');
}

void diags_print_github(const struct diags *d, struct sources *s, struct buf *out)
{
	for (size_t i = 0; i < d->all.count; i++)
		print(&d->all.at[i], s, out);
}
