/*
 * diag_sarif.c - diagnostics as SARIF 2.1.0, for code scanning
 *
 * One run. The rules are those that were broken, in the order of their codes; columns count code
 * points; a fix is a list of replacements in one file. Paths are URIs as the files were given:
 * relative ones are relative to where amigc was called.
 */
#include "grammar/diag.h"
#include "vm/base/version.h"

#define SCHEMA "https://json.schemastore.org/sarif-2.1.0.json"

static const char *level_of(enum diag_code code)
{
	return diag_severity(code) == SEVERITY_ERROR ? "error" : "warning";
}

static void print_uri(struct str path, struct buf *out)
{
	static const char plain[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/";

	buf_text(out, path.len && path.ptr[0] == '/' ? "\"uri\":\"file://" : "\"uri\":\"");
	for (size_t i = 0; i < path.len; i++) {
		if (memchr(plain, path.ptr[i], sizeof(plain) - 1))
			buf_byte(out, path.ptr[i]);
		else
			buf_format(out, "%%%02X", (unsigned)(unsigned char)path.ptr[i]);
	}
	buf_byte(out, '"');
}

static void print_region(struct sources *s, const char *name, struct span span, struct buf *out)
{
	struct place start = source_place(s, span.source, span.start),
		     end = source_place(s, span.source, span.end);

	buf_format(out,
		"\"%s\":{\"startLine\":%u,\"startColumn\":%u,\"endLine\":%u,"
		"\"endColumn\":%u}", name, start.line, start.column, end.line, end.column);
}

static void print_location(struct sources *s, struct span span, struct buf *out)
{
	buf_text(out, "\"physicalLocation\":{\"artifactLocation\":{");
	print_uri(s->all.at[span.source].path, out);
	buf_text(out, "},");
	print_region(s, "region", span, out);
	buf_byte(out, '}');
}

static void print_text(const char *name, struct str text, struct buf *out)
{
	buf_format(out, "\"%s\":{\"text\":", name);
	buf_json(out, text);
	buf_byte(out, '}');
}

static void print_fix(const struct diag *d, struct sources *s, struct buf *out)
{
	buf_text(out, ",\"fixes\":[{");
	if (d->help.len) {
		print_text("description", d->help, out);
		buf_byte(out, ',');
	}
	buf_text(out, "\"artifactChanges\":[{\"artifactLocation\":{");
	print_uri(s->all.at[d->span.source].path, out);
	buf_text(out, "},\"replacements\":[");
	for (size_t i = 0; i < d->fix.count; i++) {
		buf_text(out, i ? ",{" : "{");
		print_region(s, "deletedRegion", d->fix.at[i].span, out);
		buf_byte(out, ',');
		print_text("insertedContent", d->fix.at[i].text, out);
		buf_byte(out, '}');
	}
	buf_text(out, "]}]}]");
}

static void print_result(const struct diag *d, struct sources *s, unsigned rule, struct buf *out)
{
	struct buf message = { 0 };

	buf_str(&message, d->message);
	if (d->help.len)
		buf_format(&message, "\n%.*s", STR_ARG(d->help));
	buf_format(out, "{\"ruleId\":\"%s\",\"ruleIndex\":%u,\"level\":\"%s\",",
		diag_code_text(d->code), rule, level_of(d->code));
	print_text("message", buf_view(&message), out);
	buf_clear(&message);
	buf_text(out, ",\"locations\":[{");
	print_location(s, d->span, out);
	buf_text(out, "}]");
	if (d->notes.count)
		buf_text(out, ",\"relatedLocations\":[");
	for (size_t i = 0; i < d->notes.count; i++) {
		buf_format(out, "%s{\"id\":%zu,", i ? "," : "", i);
		print_location(s, d->notes.at[i].span, out);
		buf_byte(out, ',');
		print_text("message", d->notes.at[i].text, out);
		buf_byte(out, '}');
	}
	if (d->notes.count)
		buf_byte(out, ']');
	if (d->fix.count)
		print_fix(d, s, out);
	buf_byte(out, '}');
}

static void print_rule(enum diag_code code, struct buf *out)
{
	buf_format(out, "{\"id\":\"%s\",", diag_code_text(code));
	print_text("fullDescription", str_c(diag_explanation(code)), out);
	buf_format(out, ",\"defaultConfiguration\":{\"level\":\"%s\"}}", level_of(code));
}

void diags_print_sarif(const struct diags *d, struct sources *s, struct buf *out)
{
	unsigned numbers[DIAG_COUNT], count = 0;
	bool seen[DIAG_COUNT] = { false };

	buf_text(out, "{\"$schema\":\"" SCHEMA "\",\"version\":\"2.1.0\",\"runs\":[{"
		      "\"tool\":{\"driver\":{\"name\":\"amigc\",\"semanticVersion\":\"" AMIG_VERSION
		      "\",\"rules\":[");
	for (size_t i = 0; i < d->all.count; i++)
		seen[d->all.at[i].code] = true;
	for (unsigned code = 0; code < DIAG_COUNT; code++) {
		if (!seen[code])
			continue;
		buf_text(out, count ? ",\n " : "");
		print_rule((enum diag_code)code, out);
		numbers[code] = count++;
	}
	buf_text(out, "]}},\"columnKind\":\"unicodeCodePoints\",\"results\":[");
	for (size_t i = 0; i < d->all.count; i++) {
		buf_text(out, i ? ",\n " : "");
		print_result(&d->all.at[i], s, numbers[d->all.at[i].code], out);
	}
	buf_text(out, "]}]}\n");
}
