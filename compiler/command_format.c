/* command_format.c - `amigc fmt` */
#include "compiler/command.h"
#include "grammar/format.h"
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

static enum exit_status read_input(struct buf *text)
{
	char some[65536];
	ssize_t got;

	/* One byte more than is allowed, so that the parser sees that it is too large. */
	while (text->len <= SOURCE_MAX_BYTES && (got = read(STDIN_FILENO, some, sizeof(some)))) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return command_failed(STATUS_FILES, "cannot read standard input: %s",
					      strerror(errno));
		buf_add(text, some, (size_t)got);
	}
	return STATUS_CLEAN;
}

/* What a link leads to is written, and the link stays. */
static enum exit_status write_back(const char *path, struct str text)
{
	struct error err = {0};
	char *real = realpath(path, NULL);
	enum exit_status status = STATUS_CLEAN;

	if (os_write_file(real ? real : path, text, &err) != OUTCOME_OK)
		status = command_failed(STATUS_FILES, "%s", err.message);
	error_clear(&err);
	free(real);
	return status;
}

static enum exit_status finish(const struct files *f, const char *path, struct str text)
{
	enum exit_status status = f->line->check ? STATUS_ERRORS : write_back(path, text);

	if (status != STATUS_FILES)
		printf("%s\n", path);
	return status;
}

static enum exit_status format_file(struct files *f, const char *path)
{
	struct error err = {0};
	struct buf out = {0};
	uint32_t source;
	enum exit_status status;

	if (sources_read(&f->unit.sources, path, &source, &err) != OUTCOME_OK)
		status = command_failed(STATUS_FILES, "%s", err.message);
	else if (!format_source(&f->unit.sources, source, &f->unit.diags, &out))
		status = STATUS_ERRORS;
	else if (str_eq(buf_view(&out), f->unit.sources.all.at[source].text))
		status = STATUS_CLEAN;
	else
		status = finish(f, path, buf_view(&out));
	error_clear(&err);
	buf_clear(&out);
	return status;
}

static enum exit_status format_input(struct files *f)
{
	struct buf text = {0}, out = {0};
	enum exit_status status = read_input(&text);

	if (status == STATUS_CLEAN) {
		uint32_t source =
			sources_add(&f->unit.sources, STR("standard input"), buf_view(&text));

		if (!format_source(&f->unit.sources, source, &f->unit.diags, &out))
			status = STATUS_ERRORS;
		else if (!f->line->check)
			fwrite(buf_view(&out).ptr, 1, out.len, stdout);
		else if (!str_eq(buf_view(&out), buf_view(&text)))
			status = finish(f, "standard input", buf_view(&out));
	}
	buf_clear(&text);
	buf_clear(&out);
	return status;
}

enum exit_status command_format(const struct command_line *line)
{
	struct files f;
	enum exit_status status;

	if (!line->arguments.count ||
	    (line->arguments.count == 1 && strcmp(line->arguments.at[0], "-") == 0)) {
		f = (struct files){ .line = line };
		unit_init(&f.unit);
		status = format_input(&f);
	} else {
		status = files_find(&f, line);
	}
	for (size_t i = 0; i < f.found.count; i++) {
		enum exit_status one = format_file(&f, arena_c(&f.arena, f.found.at[i].path));

		status = one > status ? one : status;
	}
	diags_sort(&f.unit.diags);
	files_report(&f);
	files_clear(&f);
	return status;
}
