/* write.c - see write.h: the images of a unit, and what must stay the same for them to stay */
#include "compiler/write.h"
#include "compiler/lint.h"
#include "compiler/lower.h"
#include "compiler/module.h"

const struct migration *written_head(struct arena *arena, const struct migration *m)
{
	struct migration *head = arena_new(arena, struct migration);
	struct str *depends = arena_array(arena, struct str, m->depends_count);

	for (uint32_t i = 0; i < m->depends_count; i++)
		depends[i] = arena_str(arena, m->depends[i]);
	*head = (struct migration){
		.name = arena_str(arena, m->name),
		.min_version = arena_str(arena, m->min_version),
		.max_version = arena_str(arena, m->max_version),
		.depends_count = m->depends_count, .depends = depends,
	};
	return head;
}

/* What is handed out has passed the verifier that amigrun will hold against it. */
static void prove(struct str image, struct str name, struct arena *arena,
		  struct written_file *out)
{
	struct module m;
	struct error err = {0};

	if (module_open(&m, image, &err) != OUTCOME_OK || module_verify(&m, &err) != OUTCOME_OK)
		BUG("the image of %.*s is refused: %s", STR_ARG(name), err.message);
	out->identity = m.identity;
	out->head = written_head(arena, &m.migration);
	module_clear(&m);
}

/* All images lie in one buffer, which moves as it grows: until the last one is written their
 * places are kept as offsets. */
static void write_migrations(struct unit *u, const struct str *shown, struct written *out)
{
	size_t count = u->migrations.count;
	size_t *ends = must_alloc(arena_bytes(sizeof(*ends), count + 1));
	uint32_t stamp = 0;

	for (size_t i = 0; i < count; i++) {
		const struct unit_migration *m = u->migrations.at[i];
		struct written_file *file = &out->files[m->module->source];
		size_t from = out->images.len;

		lower_migration(u, m, shown, &stamp, &out->images);
		ends[i] = out->images.len;
		file->image.len = ends[i] - from;
		buf_align(&out->images, 8);
		if (!u->diags.error_count && !out->images.failed)
			prove((struct str){ out->images.ptr + from, file->image.len }, m->name,
			      &out->arena, file);
	}
	for (size_t i = 0; i < count && !out->images.failed; i++) {
		struct written_file *file =
			&out->files[u->migrations.at[i]->module->source];

		file->image.ptr = out->images.ptr + ends[i] - file->image.len;
	}
	free(ends);
}

/* Of each source of a unit, whether something was said about it that can be seen in it alone. */
static bool *sources_said(struct unit *u, struct arena *arena)
{
	bool *said = arena_array(arena, bool, u->sources.all.count);

	for (size_t i = 0; i < u->diags.all.count; i++)
		if (!lint_is_between_files(u->diags.all.at[i].code))
			said[u->diags.all.at[i].span.source] = true;
	return said;
}

/* Marks the libraries that a file uses, and those that they use, by their sources. */
static void mark_used(const struct unit *u, const struct unit_module *m, bool *used)
{
	for (const struct declaration *d = m->tree->first; d; d = d->next) {
		const struct unit_module *library = NULL;

		if (d->kind == DECLARATION_USE)
			library = module_find(u, d->name.text);
		if (library && !used[library->source]) {
			used[library->source] = true;
			mark_used(u, library, used);
		}
	}
}

static void write_libraries(struct unit *u, const struct str *shown, struct written *out)
{
	uint32_t given = out->file_count;

	out->library_count = (uint32_t)u->modules.count - given;
	out->libraries = arena_array(&out->arena, struct record_library, out->library_count);
	for (uint32_t i = 0; i < out->library_count; i++) {
		const struct unit_module *m = u->modules.at[given + i];

		out->libraries[i] = (struct record_library){
			arena_str(&out->arena, m->name), arena_str(&out->arena, shown[m->source]),
			u->sources.all.at[m->source].hash,
		};
	}
}

static void write_uses(struct unit *u, const struct str *shown, struct written *out)
{
	uint32_t given = out->file_count, all = given + out->library_count;
	const bool *said = sources_said(u, &out->arena);
	bool *used = arena_array(&out->arena, bool, all);

	for (uint32_t i = 0; i < given; i++) {
		struct written_file *file = &out->files[i];
		uint32_t *uses, count = 0;

		file->shown = arena_str(&out->arena, shown[i]);
		file->hash = u->sources.all.at[i].hash;
		file->libraries = out->libraries;
		memset(used, 0, all);
		mark_used(u, u->modules.at[i], used);
		file->is_silent = !said[i] && !u->modules.at[i]->outward;
		for (uint32_t n = given; n < all; n++) {
			count += used[n];
			file->is_silent &= !(used[n] && said[n]);
		}
		uses = arena_array(&out->arena, uint32_t, count);
		for (uint32_t n = given; n < all; n++)
			if (used[n])
				uses[file->use_count++] = n - given;
		file->uses = uses;
	}
}

/* The given files are the first sources and the first modules of a unit, in the same order. */
void write_images(struct unit *u, const struct str *shown, struct written *out)
{
	uint32_t given = 0;

	while (given < u->modules.count && !u->modules.at[given]->library)
		given++;
	*out = (struct written){ .file_count = given };
	out->files = arena_array(&out->arena, struct written_file, given);
	write_migrations(u, shown, out);
	diags_sort(&u->diags);
	write_libraries(u, shown, out);
	write_uses(u, shown, out);
}

void written_clear(struct written *w)
{
	buf_clear(&w->images);
	arena_clear(&w->arena);
	*w = (struct written){0};
}
