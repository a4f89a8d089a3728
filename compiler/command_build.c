/* command_build.c - `amigc check` and `amigc build` */
#include "compiler/command.h"
#include "compiler/lint.h"
#include <unistd.h>

enum exit_status files_compile(struct files *f, const struct command_line *line,
			       struct buf *bundle)
{
	enum exit_status status = files_check(f, line);

	lint_unit(&f->unit);
	if (f->unit.diags.error_count || (line->strict && f->unit.diags.warning_count))
		status = status == STATUS_CLEAN ? STATUS_ERRORS : status;
	if (status == STATUS_CLEAN) {
		write_bundle(&f->unit, files_shown(f), bundle);
		if (f->unit.diags.error_count)
			status = STATUS_ERRORS;
		else if (bundle->failed)
			status = command_failed(STATUS_FILES,
						"the bundle would be larger than %zu bytes",
						BUF_CAP_BYTES);
	}
	diags_sort(&f->unit.diags);
	return status;
}

enum exit_status command_check(const struct command_line *line)
{
	struct files f;
	struct buf bundle = {0};
	enum exit_status status;

	if (line->fix)
		return command_fix(line);
	status = files_compile(&f, line, &bundle);
	files_report(&f);
	buf_clear(&bundle);
	files_clear(&f);
	return status;
}

/* A bundle that is there already with the same bytes is left alone, and so is its time for make. */
static enum exit_status write_file(const char *path, struct str bytes)
{
	struct buf before = {0};
	struct error err = {0};
	enum exit_status status = STATUS_CLEAN;

	if (access(path, F_OK) == 0 && os_read_file(path, 0, &before, &err) == OUTCOME_OK &&
	    str_eq(buf_view(&before), bytes)) {
		buf_clear(&before);
		return STATUS_CLEAN;
	}
	buf_clear(&before);
	error_clear(&err);
	if (os_write_file(path, bytes, &err) != OUTCOME_OK)
		status = command_failed(STATUS_FILES, "%s", err.message);
	error_clear(&err);
	return status;
}

enum exit_status command_build(const struct command_line *line)
{
	struct files f;
	struct buf bundle = {0};
	enum exit_status status = files_compile(&f, line, &bundle);

	files_report(&f);
	if (status == STATUS_CLEAN && !f.unit.migrations.count)
		status = command_failed(
			STATUS_USAGE, "there is no migration in what was given: nothing to build");
	if (status == STATUS_CLEAN)
		status = write_file(line->output, buf_view(&bundle));
	buf_clear(&bundle);
	files_clear(&f);
	return status;
}
