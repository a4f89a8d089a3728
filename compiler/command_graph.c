/* command_graph.c - `amigc graph`: which migration waits for which */
#include "compiler/command.h"
#include <stdio.h>

/* Names that can be known only by a dependency on them: they were not given. */
struct outside {
	struct map names;
	VEC(struct str) sorted;
};

static int by_name(const void *a, const void *b)
{
	return str_compare(*(const struct str *)a, *(const struct str *)b);
}

static bool is_given(const struct unit_migration *m, struct str name)
{
	for (uint32_t i = 0; i < m->depends_count; i++)
		if (str_eq(m->depends[i]->name, name))
			return true;
	return false;
}

static void find_outside(const struct unit *u, struct outside *out)
{
	for (size_t i = 0; i < u->migrations.count; i++) {
		const struct unit_migration *m = u->migrations.at[i];

		for (const struct name_list *d = m->declaration->migration->depends; d; d = d->next)
			if (!is_given(m, d->name.text) && !map_add(&out->names, d->name.text, out))
				vec_push(&out->sorted, d->name.text);
	}
	if (out->sorted.count)
		qsort(out->sorted.at, out->sorted.count, sizeof(out->sorted.at[0]), by_name);
}

/* Names are letters, digits, `_`, `-` and `.`: neither form has to escape them. */
static void draw_dot(const struct unit *u, const struct outside *outside, struct buf *out)
{
	buf_text(out, "digraph migrations {\n  rankdir=LR;\n  node [shape=box];\n");
	for (size_t i = 0; i < outside->sorted.count; i++)
		buf_format(out, "  \"%.*s\" [style=dashed];\n", STR_ARG(outside->sorted.at[i]));
	for (size_t i = 0; i < u->migrations.count; i++) {
		const struct unit_migration *m = u->migrations.at[i];
		const struct migration_syntax *s = m->declaration->migration;

		buf_format(out, "  \"%.*s\"", STR_ARG(m->name));
		if (s->min_version.len)
			buf_format(out, " [label=\"%.*s\\n%.*s .. %.*s\"]", STR_ARG(m->name),
				   STR_ARG(s->min_version), STR_ARG(s->max_version));
		buf_text(out, ";\n");
	}
	for (size_t i = 0; i < u->migrations.count; i++) {
		const struct unit_migration *m = u->migrations.at[i];

		for (const struct name_list *d = m->declaration->migration->depends; d; d = d->next)
			buf_format(out, "  \"%.*s\" -> \"%.*s\";\n", STR_ARG(d->name.text),
				   STR_ARG(m->name));
	}
	buf_text(out, "}\n");
}

/* Mermaid takes some words and signs for its own: a node has an id beside its label. */
static void mermaid_id(struct buf *out, struct str name)
{
	buf_text(out, "m_");
	for (size_t i = 0; i < name.len; i++) {
		if (name.ptr[i] == '.' || name.ptr[i] == '-')
			buf_format(out, "_%02x", (unsigned char)name.ptr[i]);
		else
			buf_text(out, name.ptr[i] == '_' ? "__" : (char[]){ name.ptr[i], 0 });
	}
}

static void draw_mermaid(const struct unit *u, const struct outside *outside, struct buf *out)
{
	buf_text(out, "flowchart LR\n");
	for (size_t i = 0; i < outside->sorted.count; i++) {
		buf_text(out, "  ");
		mermaid_id(out, outside->sorted.at[i]);
		buf_format(out, "([\"%.*s\"])\n", STR_ARG(outside->sorted.at[i]));
	}
	for (size_t i = 0; i < u->migrations.count; i++) {
		const struct unit_migration *m = u->migrations.at[i];
		const struct migration_syntax *s = m->declaration->migration;

		buf_text(out, "  ");
		mermaid_id(out, m->name);
		buf_format(out, "[\"%.*s", STR_ARG(m->name));
		if (s->min_version.len)
			buf_format(out, "<br>%.*s .. %.*s", STR_ARG(s->min_version),
				   STR_ARG(s->max_version));
		buf_text(out, "\"]\n");
	}
	for (size_t i = 0; i < u->migrations.count; i++) {
		const struct unit_migration *m = u->migrations.at[i];
		const struct name_list *d = m->declaration->migration->depends;

		for (; d; d = d->next) {
			buf_text(out, "  ");
			mermaid_id(out, d->name.text);
			buf_text(out, " --> ");
			mermaid_id(out, m->name);
			buf_byte(out, '\n');
		}
	}
}

enum exit_status command_graph(const struct command_line *line)
{
	struct files f;
	struct outside outside = {0};
	struct buf out = {0};
	enum exit_status status = files_check(&f, line);

	if (status == STATUS_CLEAN && !f.unit.migrations.count)
		status = command_failed(
			STATUS_USAGE, "there is no migration in what was given: nothing to draw");
	if (status == STATUS_CLEAN) {
		find_outside(&f.unit, &outside);
		(line->mermaid ? draw_mermaid : draw_dot)(&f.unit, &outside, &out);
		fwrite(buf_view(&out).ptr, 1, out.len, stdout);
	}
	files_report(&f);
	buf_clear(&out);
	map_clear(&outside.names);
	vec_clear(&outside.sorted);
	files_clear(&f);
	return status;
}
