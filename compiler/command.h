/*
 * command.h - what amigc is asked to do, and the functions that do it
 *
 *   main ── command_line_read ── command_check, _build, _dump, _format, … ── status
 */
#ifndef COMPILER_COMMAND_H
#define COMPILER_COMMAND_H

#include "compiler/unit.h"
#include "grammar/explain.h"
#include "vm/base/os.h"

enum exit_status {
	STATUS_CLEAN = 0,
	STATUS_ERRORS = 1,	/* in the sources */
	STATUS_USAGE = 2,
	STATUS_FILES = 3,	/* could not read or write */
};

enum command {
#define COMMAND(name, word, least, most, arguments, sentence) COMMAND_##name,
#include "compiler/options.def"
	COMMAND_COUNT
};

enum format {
#define FORMAT(name, word) FORMAT_##name,
#include "compiler/options.def"
	FORMAT_COUNT
};

struct command_line {
	enum command command;		/* COMMAND_COUNT: none, only --help or --version */
	bool help, version, check, mermaid, fix, verbose, strict;
	enum format form;		/* of diagnostics */
	const char *format;		/* as it was given, NULL: not */
	unsigned jobs;			/* 0: not said */
	const char *output;		/* NULL: not said */
	VEC(const char *) module_dirs;
	VEC(const char *) arguments;
};

/* Texts are those of argv. What is wrong is told on standard error. */
enum exit_status command_line_read(struct command_line *line, int argc, char **argv);
void command_line_clear(struct command_line *line);
void command_help(struct buf *out);
/* "amigc: …" on standard error; gives the status. */
enum exit_status command_failed(enum exit_status status, const char *format, ...) PRINTF_LIKE(2, 3);

enum exit_status command_check(const struct command_line *line);
/* command_fix.c: `amigc check --fix` */
enum exit_status command_fix(const struct command_line *line);
enum exit_status command_build(const struct command_line *line);
enum exit_status command_dump(const struct command_line *line);
enum exit_status command_format(const struct command_line *line);
enum exit_status command_graph(const struct command_line *line);
enum exit_status command_new(const struct command_line *line);
enum exit_status command_explain(const struct command_line *line);

/*
 * The sources of a command: files as they were given, folders' *.amig in the order of their
 * paths, each file once, and the modules that they use, from --path and the standard library.
 *
 * What an image shows of a path does not depend on where the checkout lies: a file that was given
 * by a relative path without `..` has that path, without `./`; any other one its folder's name
 * and its own; one of a folder that was given has the folder's name and the path below it.
 */
struct file_path {
	struct str path;		/* to open and for messages */
	struct str shown;		/* in an image */
};

struct files {
	struct unit unit;
	struct arena arena;
	const struct command_line *line;
	bool quiet;			/* says nothing on standard error */
	VEC(struct file_path) found;
	struct map shown;		/* path → struct file_path */
	bool unreadable;		/* a module was there and could not be read */
};

void files_begin(struct files *f, const struct command_line *line, bool quiet);
/* Begins, and finds what the command line names. What can't be read is told on standard error. */
enum exit_status files_find(struct files *f, const struct command_line *line);
/* Reads and checks everything that was found, in the unit. What can't be read is told on standard
 * error, the rest is checked all the same. */
enum exit_status files_check_found(struct files *f);
enum exit_status files_check(struct files *f, const struct command_line *line);	/* both */
/* build.c: the same up to the images, which are proved; all in one unit. Nothing is printed but on
 * standard error what could not be read. */
enum exit_status files_compile(struct files *f, const struct command_line *line);
/* Empties the unit; what was found stays. */
void files_forget(struct files *f);
/* A text for the unit, and where it lies; all are borrowed. */
void files_give(struct files *f, const struct file_path *file, struct str text, struct hash hash);
/* What `use NAME` finds, and what an image shows of its path; ptr NULL: nothing. */
struct str files_module(struct files *f, struct str name, struct str *shown);
/* Prints the diagnostics in the form that the command line wants. */
void files_report(struct files *f);
/* For each source of the unit the path that an image shows; in the arena. */
const struct str *files_shown(struct files *f);
void files_clear(struct files *f);

/* command_list.c: appends a file, or the *.amig below a folder. */
enum exit_status files_add(struct files *f, const char *argument);
struct str path_last(struct str path);		/* what follows the last slash */

#endif
