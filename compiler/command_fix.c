/* command_fix.c - `amigc check --fix`: mends the given files, checks again, says what is left */
#include "compiler/command.h"
#include <stdio.h>
#include <sys/stat.h>

/* What was mended may uncover more. It ends by itself, unless two mends undo each other. */
#define ROUNDS_MAX 16

/* Written whole, where a link leads, with the rights that it had; not at all when the file is no
 * longer what was checked. */
static enum exit_status rewrite(const char *path, struct str before, struct str after)
{
	struct buf now = {0};
	struct error err = {0};
	struct stat is;
	char *place = realpath(path, NULL);
	enum exit_status status = STATUS_CLEAN;

	if (!place || stat(place, &is) != 0 ||
	    os_read_file(place, SOURCE_MAX_BYTES, &now, &err) != OUTCOME_OK ||
	    !str_eq(buf_view(&now), before))
		status = command_failed(STATUS_FILES, "%s was changed meanwhile: left as it is",
					path);
	else if (os_write_file(place, after, &err) != OUTCOME_OK)
		status = command_failed(STATUS_FILES, "%s", err.message);
	else if (chmod(place, is.st_mode & 07777) != 0)
		status = command_failed(STATUS_FILES, "%s has lost its rights", path);
	error_clear(&err);
	buf_clear(&now);
	free(place);
	return status;
}

/* Of each given file the number of mends that this round made is added to mends[]; modules are
 * other people's. */
static enum exit_status mend(struct files *f, size_t *mends, bool *changed)
{
	enum exit_status status = STATUS_CLEAN;

	*changed = false;
	for (size_t i = 0; i < f->unit.modules.count; i++) {
		const struct unit_module *m = f->unit.modules.at[i];
		const struct source_text *t = &f->unit.sources.all.at[m->source];
		struct buf fixed = {0};
		size_t made = m->library ? 0 : diags_fix(&f->unit.diags, &f->unit.sources,
							 m->source, &fixed);

		if (made && rewrite(arena_c(&f->arena, t->path), t->text, buf_view(&fixed)) !=
				    STATUS_CLEAN) {
			status = STATUS_FILES;
		} else if (made) {
			mends[i] += made;
			*changed = true;
		}
		buf_clear(&fixed);
	}
	return status;
}

static void tell(struct files *f, const size_t *mends)
{
	for (size_t i = 0; i < f->unit.modules.count; i++) {
		const struct unit_module *m = f->unit.modules.at[i];

		if (!m->library && mends[i])
			fprintf(stderr, "amigc: mended %zu %s of %.*s\n", mends[i],
				mends[i] == 1 ? "place" : "places",
				STR_ARG(f->unit.sources.all.at[m->source].path));
	}
}

enum exit_status command_fix(const struct command_line *line)
{
	struct files f;
	size_t *mends = NULL;
	enum exit_status status = files_compile(&f, line), written = STATUS_CLEAN;
	bool changed = true;

	mends = must_alloc(arena_bytes(sizeof(*mends), f.unit.modules.count + 1));
	memset(mends, 0, sizeof(*mends) * (f.unit.modules.count + 1));
	/* The given files come first among the modules, in the same order each time. */
	for (unsigned round = 0; status != STATUS_FILES && round < ROUNDS_MAX; round++) {
		written = mend(&f, mends, &changed);
		if (!changed || written != STATUS_CLEAN)
			break;
		files_clear(&f);
		status = files_compile(&f, line);
	}
	tell(&f, mends);
	files_report(&f);
	free(mends);
	files_clear(&f);
	return written == STATUS_CLEAN ? status : written;
}
