/* command_new.c - `amigc new`: the file of the next migration */
#include "compiler/check.h"
#include "compiler/command.h"
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#define USUAL_FOLDER "migrations.d"
#define NAME_MAX_BYTES 80
#define NUMBER_DIGITS_MIN 4
#define NUMBER_DIGITS_MAX 9

/* What is in the folder: the migration of the highest number, and whether one has the name. */
struct numbered {
	uint32_t number;
	int digits;
	char last[256];			/* without .amig; "" none */
	char taken[256];		/* the file that has the name */
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Small letters, digits and `_`, so that it is a good name on every file system. */
static bool is_good(const char *name)
{
	size_t len = strlen(name);

	return name[0] >= 'a' && name[0] <= 'z' && len <= NAME_MAX_BYTES &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == len;
}

/* 0012_name.amig: its number and its name. */
static void see(struct numbered *n, const char *file, const char *name)
{
	size_t len = strlen(file), stem = len - (sizeof(".amig") - 1);
	uint32_t number = 0;
	int digits = 0;

	if (!str_ends(str_c(file), STR(".amig")) || len >= sizeof(n->last) ||
	    !migration_name_is_good((struct str){ file, stem }))
		return;
	while (digits < NUMBER_DIGITS_MAX && is_digit(file[digits]))
		number = number * 10 + (uint32_t)(file[digits++] - '0');
	if (!digits || file[digits] != '_')
		return;
	if (str_eq((struct str){ file + digits + 1, stem - (size_t)digits - 1 }, str_c(name)))
		memcpy(n->taken, file, len + 1);
	if (n->last[0] && (number < n->number ||
			   (number == n->number && strcmp(file, n->last) < 0)))
		return;
	n->number = number;
	n->digits = digits;
	memcpy(n->last, file, stem);
	n->last[stem] = 0;
}

static enum exit_status look(struct numbered *n, const char *folder, const char *name)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;

	if (!dir)
		return command_failed(STATUS_FILES, "cannot read %s: %s", folder, strerror(errno));
	while ((entry = readdir(dir)))
		see(n, entry->d_name, name);
	closedir(dir);
	if (n->taken[0])
		return command_failed(STATUS_USAGE, "%s/%s has this name already", folder,
				      n->taken);
	return STATUS_CLEAN;
}

static void write_skeleton(struct buf *out, const char *stem, const struct numbered *n)
{
	buf_format(out, "## What this changes, and why.\nmigration \"%s\" {\n", stem);
	if (n->last[0])
		buf_format(out, "  depends on \"%s\"\n  needs      ", n->last);
	else
		buf_text(out, "  needs ");
	buf_text(out, "postgres  # or clickhouse, sqlite\n\n"
		      "  operation \"what it does\" on postgres {\n"
		      "    forward  sql\"SELECT 1\"\n"
		      "    rollback sql\"SELECT 1\"\n"
		      "  }\n}\n");
}

enum exit_status command_new(const struct command_line *line)
{
	const char *name = line->arguments.at[0];
	const char *folder = line->module_dirs.count ? line->module_dirs.at[0] : USUAL_FOLDER;
	struct numbered n = { .digits = NUMBER_DIGITS_MIN };
	struct buf stem = {0}, path = {0}, text = {0};
	struct error err = {0};
	enum exit_status status;

	if (!is_good(name))
		return command_failed(STATUS_USAGE,
				      "\"%s\" can't be the name of a new migration: small letters, "
				      "digits and `_`, at most %d, and a letter first",
				      name, NAME_MAX_BYTES);
	/* The usual one is made for the first migration; what was named must be there. */
	if (!line->module_dirs.count)
		mkdir(USUAL_FOLDER, 0777);
	status = look(&n, folder, name);
	if (status != STATUS_CLEAN)
		return status;
	buf_format(&stem, "%0*u_%s", n.digits, n.number + 1, name);
	buf_format(&path, "%s%s%s.amig", folder, str_ends(str_c(folder), STR("/")) ? "" : "/",
		   stem.ptr);
	write_skeleton(&text, stem.ptr, &n);
	if (os_write_file(path.ptr, buf_view(&text), &err) != OUTCOME_OK)
		status = command_failed(STATUS_FILES, "%s", err.message);
	else
		printf("%s\n", path.ptr);
	error_clear(&err);
	buf_clear(&stem);
	buf_clear(&path);
	buf_clear(&text);
	return status;
}
