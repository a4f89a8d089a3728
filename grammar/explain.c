/* explain.c - see explain.h */
#include "grammar/explain.h"

static const struct example {
	const char *wrong, *right, *unshown;
} examples[] = {
#define EXAMPLE(name, wrong, right) [DIAG_##name] = { wrong, right, NULL },
#define UNSHOWN(name, why) [DIAG_##name] = { NULL, NULL, why },
#include "grammar/example.def"
#undef EXAMPLE
#undef UNSHOWN
};

/* Every line of a source behind a margin. */
static void print_source(const char *source, const char *margin, struct buf *out)
{
	struct str rest = str_c(source);

	while (rest.len) {
		ptrdiff_t end = str_find(rest, STR("\n"));
		size_t len = end < 0 ? rest.len : (size_t)end;

		buf_format(out, "%s%.*s\n", len ? margin : "", (int)len, rest.ptr);
		len += end >= 0;
		rest = (struct str){ rest.ptr + len, rest.len - len };
	}
}

static const struct example *example_of(enum diag_code code)
{
	static const struct example none;

	return (size_t)code < ARRAY_SIZE(examples) ? &examples[code] : &none;
}

void explain_text(enum diag_code code, struct buf *out)
{
	const struct example *e = example_of(code);

	buf_format(out, "%s: %s\n", diag_code_text(code), diag_explanation(code));
	if (e->unshown)
		buf_format(out, "\n%s\n", e->unshown);
	if (!e->wrong)
		return;
	buf_text(out, "\nWrong:\n\n");
	print_source(e->wrong, "    ", out);
	buf_text(out, "\nRight:\n\n");
	print_source(e->right, "    ", out);
}

void explain_manual(struct buf *out)
{
	buf_text(out,
		"# Diagnostics\n\nWhat `amigc explain CODE` says, for every code; this page is "
		"what `amigc explain` prints, written by `make docs`.\n"
		"E01.. is about single words and signs, E02.. about sentences and clauses, E03.. "
		"about names and modules,\nE04.. about types, E05.. about SQL and regular "
		"expressions, E06.. about migrations and their plans,\nE07.. about limits; W.... "
		"warns.\n");
	for (unsigned i = 0; i < DIAG_COUNT; i++) {
		const struct example *e = example_of((enum diag_code)i);

		buf_format(out, "\n## %s\n\n%s\n", diag_code_text((enum diag_code)i),
			diag_explanation((enum diag_code)i));
		if (e->unshown)
			buf_format(out, "\n%s\n", e->unshown);
		if (!e->wrong)
			continue;
		buf_text(out, "\nWrong:\n\n```amig wrong\n");
		print_source(e->wrong, "", out);
		buf_text(out, "```\n\nRight:\n\n```amig right\n");
		print_source(e->right, "", out);
		buf_text(out, "```\n");
	}
}
