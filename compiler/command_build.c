/* command_build.c - `amigc check` and `amigc build` */
#include "compiler/build.h"
#include <stdio.h>

enum exit_status command_check(const struct command_line *line)
{
	struct files f;
	struct bundle none = {0};
	struct buf bundle = {0};
	struct build_result result;

	if (line->fix)
		return command_fix(line);
	result = build_bundle(&f, files_find(&f, line), &none, &bundle);
	buf_clear(&bundle);
	files_clear(&f);
	return result.status;
}

/* A bundle that is there already with the same bytes is left alone, and so is its time for make. */
static enum exit_status write_file(const char *path, struct str bytes, const struct bundle *before)
{
	struct error err = {0};
	enum exit_status status = STATUS_CLEAN;

	if (str_eq(before->bytes, bytes))
		return STATUS_CLEAN;
	if (os_write_derived(path, bytes, &err) != OUTCOME_OK)
		status = command_failed(STATUS_FILES, "%s", err.message);
	error_clear(&err);
	return status;
}

enum exit_status command_build(const struct command_line *line)
{
	struct files f;
	struct bundle before;
	struct buf bundle = {0};
	struct error err = {0};
	struct build_result result;

	/* One that is not there, damaged or of another format is none. */
	if (bundle_map(&before, line->output, &err) != OUTCOME_OK)
		before = (struct bundle){0};
	error_clear(&err);
	result = build_bundle(&f, files_find(&f, line), &before, &bundle);
	if (result.status == STATUS_CLEAN && !f.unit.migrations.count)
		result.status = command_failed(
			STATUS_USAGE, "there is no migration in what was given: nothing to build");
	if (result.status == STATUS_CLEAN && !result.is_same)
		result.status = write_file(line->output, buf_view(&bundle), &before);
	if (result.status == STATUS_CLEAN && line->verbose)
		fprintf(stderr, "amigc: %zu compiled, %zu unchanged\n",
			f.found.count - result.unchanged, result.unchanged);
	buf_clear(&bundle);
	bundle_clear(&before);
	files_clear(&f);
	return result.status;
}
