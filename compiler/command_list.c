/* command_list.c - which files a command is about, and what images call them */
#include "compiler/command.h"
#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>

#define FOLDERS_DEEP_MAX 64

/* a/./b//c/ → a/b/c, with a NUL behind it as all paths here: what is opened and told. */
static struct str normal(struct arena *arena, const char *path)
{
	size_t len = strlen(path), out = 0;
	char *copy = arena_alloc(arena, len + 2);

	for (size_t i = 0; i < len; ) {
		size_t part = strcspn(path + i, "/");

		if (i == 0 && part == 0)
			copy[out++] = '/';
		if (part && !(part == 1 && path[i] == '.')) {
			if (out && copy[out - 1] != '/')
				copy[out++] = '/';
			memcpy(copy + out, path + i, part);
			out += part;
		}
		i += part + (path[i + part] == '/');
	}
	if (!out)
		copy[out++] = '.';
	return (struct str){ copy, out };
}

struct str path_last(struct str path)
{
	size_t at = path.len;

	while (at && path.ptr[at - 1] != '/')
		at--;
	return (struct str){ path.ptr + at, path.len - at };
}

static struct str joined(struct arena *arena, struct str folder, struct str name)
{
	size_t slash;
	char *text;

	if (!folder.len || str_eq(folder, STR(".")))
		return arena_str(arena, name);
	slash = folder.ptr[folder.len - 1] != '/';
	text = arena_alloc(arena, folder.len + slash + name.len + 1);
	memcpy(text, folder.ptr, folder.len);
	memcpy(text + folder.len, "/", slash);
	memcpy(text + folder.len + slash, name.ptr, name.len);
	return (struct str){ text, folder.len + slash + name.len };
}

/* The name of a folder as images show it: nothing for those whose path does not tell it. */
static struct str folder_name(struct str folder)
{
	struct str name = path_last(folder);

	return str_eq(name, STR(".")) || str_eq(name, STR("..")) ? STR("") : name;
}

static struct str shown_file(struct arena *arena, struct str path)
{
	struct str name = path_last(path), folder = { path.ptr, path.len - name.len };

	if (path.ptr[0] != '/' && !str_starts(path, STR("../")) && str_find(path, STR("/../")) < 0)
		return path;
	if (folder.len)
		folder.len--;
	return joined(arena, folder_name(folder), name);
}

static void add(struct files *f, struct str path, struct str shown)
{
	if (!map_has(&f->shown, path)) {
		struct file_path *file = arena_new(&f->arena, struct file_path);

		*file = (struct file_path){ path, shown };
		map_add(&f->shown, path, file);
		vec_push(&f->found, *file);
	}
}

struct entry {
	struct str name;
	unsigned char type;		/* DT_… of dirent.h */
};

struct entries {
	VEC(struct entry) all;
};

static int by_name(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return str_compare(x->name, y->name);
}

/* The entries of a folder, in bytewise order; hidden ones are passed over. false: errno says why it
 * can't be read. */
static bool read_entries(struct arena *arena, const char *folder, struct entries *out)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;

	if (!dir)
		return false;
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] != '.')
			vec_push(&out->all,
				 (struct entry){ arena_str(arena, str_c(entry->d_name)),
						 entry->d_type });
	}
	closedir(dir);
	if (out->all.count)
		qsort(out->all.at, out->all.count, sizeof(out->all.at[0]), by_name);
	return true;
}

/* Most file systems tell what an entry is in the folder itself; the others are asked. */
static bool is_folder(struct str path, unsigned char type)
{
	struct stat is;

	if (type != DT_UNKNOWN)
		return type == DT_DIR;
	return lstat(path.ptr, &is) == 0 && S_ISDIR(is.st_mode);
}

/* Folders that are links are not entered: they may lead back. */
static enum exit_status walk(struct files *f, struct str folder, struct str shown, unsigned depth)
{
	struct entries entries = {0};
	enum exit_status status = STATUS_CLEAN;

	if (depth > FOLDERS_DEEP_MAX)
		return command_failed(STATUS_FILES,
				      "cannot read %s: folders lie too deep in each other",
				      folder.ptr);
	if (!read_entries(&f->arena, folder.ptr, &entries))
		return command_failed(STATUS_FILES, "cannot read %.*s: %s", STR_ARG(folder),
				      strerror(errno));
	for (size_t i = 0; i < entries.all.count; i++) {
		struct str name = entries.all.at[i].name, path = joined(&f->arena, folder, name);
		struct str below = joined(&f->arena, shown, name);

		if (is_folder(path, entries.all.at[i].type)) {
			enum exit_status below_status = walk(f, path, below, depth + 1);

			status = below_status != STATUS_CLEAN ? below_status : status;
		} else if (str_ends(name, STR(".amig"))) {
			add(f, path, below);
		}
	}
	vec_clear(&entries.all);
	return status;
}

enum exit_status files_add(struct files *f, const char *argument)
{
	struct str path = normal(&f->arena, argument);
	size_t before = f->found.count;
	struct stat is;
	enum exit_status status;

	if (!*argument)
		return command_failed(STATUS_USAGE, "an empty path");
	if (stat(argument, &is) != 0)
		return command_failed(STATUS_FILES, "cannot read %s: %s", argument,
				      strerror(errno));
	if (!S_ISDIR(is.st_mode)) {
		add(f, path, shown_file(&f->arena, path));
		return STATUS_CLEAN;
	}
	status = walk(f, path, folder_name(path), 0);
	if (status == STATUS_CLEAN && f->found.count == before)
		return command_failed(STATUS_USAGE, "there is no *.amig below %s", argument);
	return status;
}
