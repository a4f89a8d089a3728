/* command_build.c - `amigc check` and `amigc build` */
#include "compiler/build.h"
#include <stdio.h>

enum exit_status command_check(const struct command_line *line)
{
	struct files f;
	struct bundle none = {0};
	struct build_result result;

	if (line->fix)
		return command_fix(line);
	result = build_bundle(&f, files_find(&f, line), &none);
	files_clear(&f);
	return result.status;
}

enum exit_status command_build(const struct command_line *line)
{
	struct files f;
	struct bundle before;
	struct error err = {0};
	struct build_result result;

	/* One that is not there, damaged or of another format is none. */
	if (bundle_read(&before, line->output, &err) != OUTCOME_OK)
		before = (struct bundle){0};
	error_clear(&err);
	result = build_bundle(&f, files_find(&f, line), &before);
	if (result.status == STATUS_CLEAN && line->verbose)
		fprintf(stderr, "amigc: %zu compiled, %zu unchanged\n",
			f.found.count - result.unchanged, result.unchanged);
	bundle_clear(&before);
	files_clear(&f);
	return result.status;
}
