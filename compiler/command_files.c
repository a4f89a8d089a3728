/* command_files.c - the sources of a command and the modules that they use, read and checked */
#include "compiler/command.h"
#include "compiler/stdlib.h"
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static struct str find_stdlib(struct str name, struct str *path)
{
	for (const struct stdlib_module *m = stdlib_modules; m->name; m++) {
		if (str_eq(str_c(m->name), name)) {
			*path = str_c(m->path);
			return (struct str){ m->text, m->len };
		}
	}
	return (struct str){0};
}

static bool is_file(const char *path)
{
	struct stat is;

	return stat(path, &is) == 0 && S_ISREG(is.st_mode);
}

/* unit.read_module: the folders of --path in their order, then the standard library. */
static struct str read_module(void *context, struct str name, struct str *path)
{
	struct files *f = context;

	for (size_t i = 0; i < f->line->module_dirs.count; i++) {
		struct str dir = str_c(f->line->module_dirs.at[i]);
		struct file_path *file = arena_new(&f->arena, struct file_path);
		struct buf text = {0};
		struct error err = {0};
		struct str found;

		file->path = arena_format(&f->arena, "%.*s/%.*s.amig", STR_ARG(dir), STR_ARG(name));
		if (!is_file(file->path.ptr))
			continue;
		if (os_read_file(file->path.ptr, SOURCE_MAX_BYTES, &text, &err) != OUTCOME_OK) {
			f->unreadable = true;
			if (!f->quiet)
				command_failed(STATUS_FILES, "%s", err.message);
			error_clear(&err);
		}
		while (dir.len > 1 && dir.ptr[dir.len - 1] == '/')
			dir.len--;
		file->shown = arena_format(&f->arena, "%.*s/%.*s.amig", STR_ARG(path_last(dir)),
					   STR_ARG(name));
		map_add(&f->shown, file->path, file);
		*path = file->path;
		found = arena_str(&f->arena, buf_view(&text));
		buf_clear(&text);
		return found;
	}
	return find_stdlib(name, path);
}

/* unit.has_migration: a migration lies in the file of its name, beside those that depend on it. */
static bool has_migration(void *context, struct str path, struct str name)
{
	struct files *f = context;
	struct str folder = { path.ptr, path.len - path_last(path).len };

	if (memchr(name.ptr, '/', name.len))
		return false;
	return is_file(
		arena_format(&f->arena, "%.*s%.*s.amig", STR_ARG(folder), STR_ARG(name)).ptr);
}

static void begin_unit(struct files *f)
{
	unit_init(&f->unit);
	f->unit.read_module = read_module;
	f->unit.has_migration = has_migration;
	f->unit.context = f;
}

void files_begin(struct files *f, const struct command_line *line, bool quiet)
{
	*f = (struct files){ .line = line, .quiet = quiet };
	begin_unit(f);
}

void files_forget(struct files *f)
{
	unit_clear(&f->unit);
	begin_unit(f);
}

enum exit_status files_find(struct files *f, const struct command_line *line)
{
	enum exit_status status = STATUS_CLEAN;

	files_begin(f, line, false);
	for (size_t i = 0; i < line->arguments.count; i++) {
		enum exit_status one = files_add(f, line->arguments.at[i]);

		status = one > status ? one : status;
	}
	return status;
}

void files_give(struct files *f, const struct file_path *file, struct str text, struct hash hash)
{
	struct file_path *copy = arena_new(&f->arena, struct file_path);

	*copy = *file;
	map_add(&f->shown, copy->path, copy);
	unit_lend_text(&f->unit, copy->path, text, hash);
}

static struct str shown_path(const struct files *f, struct str path)
{
	const struct file_path *file = map_get(&f->shown, path);

	return file ? file->shown : path;
}

struct str files_module(struct files *f, struct str name, struct str *shown)
{
	struct str path = {0}, text = read_module(f, name, &path);

	*shown = shown_path(f, path);
	return text;
}

enum exit_status files_check_found(struct files *f)
{
	enum exit_status status = STATUS_CLEAN;

	for (size_t i = 0; i < f->found.count; i++) {
		struct error err = {0};

		if (unit_read(&f->unit, f->found.at[i].path.ptr, &err) != OUTCOME_OK)
			status = command_failed(STATUS_FILES, "%s", err.message);
		error_clear(&err);
	}
	unit_check(&f->unit);
	if (status == STATUS_CLEAN && f->unreadable)
		status = STATUS_FILES;
	if (status == STATUS_CLEAN && f->unit.diags.error_count)
		status = STATUS_ERRORS;
	return status;
}

enum exit_status files_check(struct files *f, const struct command_line *line)
{
	enum exit_status found = files_find(f, line), checked = files_check_found(f);

	return checked > found ? checked : found;
}

static bool has_colours(void)
{
	const char *no = getenv("NO_COLOR");

	return isatty(STDERR_FILENO) && !(no && *no);
}

void files_report(struct files *f)
{
	struct buf out = {0};

	switch (f->line->form) {
	case FORMAT_JSON:
		diags_print_json(&f->unit.diags, &f->unit.sources, &out);
		break;
	case FORMAT_SARIF:
		diags_print_sarif(&f->unit.diags, &f->unit.sources, &out);
		break;
	case FORMAT_GITHUB:
		diags_print_github(&f->unit.diags, &f->unit.sources, &out);
		break;
	case FORMAT_TEXT:
	case FORMAT_COUNT:
		diags_print_text(&f->unit.diags, &f->unit.sources, has_colours(), &out);
		break;
	}
	fwrite(buf_view(&out).ptr, 1, out.len, f->line->form == FORMAT_TEXT ? stderr : stdout);
	buf_clear(&out);
}

const struct str *files_shown(struct files *f)
{
	size_t count = f->unit.sources.all.count;
	struct str *shown = arena_array(&f->arena, struct str, count);

	for (size_t i = 0; i < count; i++)
		shown[i] = shown_path(f, f->unit.sources.all.at[i].path);
	return shown;
}

void files_clear(struct files *f)
{
	unit_clear(&f->unit);
	vec_clear(&f->found);
	map_clear(&f->shown);
	arena_clear(&f->arena);
}
