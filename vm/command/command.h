/*
 * command.h - what amigrun is told on its command line, and the commands
 *
 * Words go to standard output, diagnostics to standard error; the answer is an outcome, whose
 * number is the exit status.
 */
#ifndef VM_COMMAND_COMMAND_H
#define VM_COMMAND_COMMAND_H

#include "vm/run/run.h"

#include <stdio.h>

enum command {
#define COMMAND(name, body, word, arguments, sentence) COMMAND_##name,
#include "vm/command/command.def"
#undef COMMAND
	COMMAND_COUNT
};

#define OPTION_PAIRS_MAX 100

struct option_pairs {
	struct run_assignment at[OPTION_PAIRS_MAX];
	size_t count;
};

struct options {
	enum command command;
	const char *name; /* of the migration, or NULL */
	bool help;
	const char *bundle, *version;
	bool json, quiet, all, ignore_app_version, skip_postchecks, no_auto_rollback, yes;
	bool now, rollback, no_wait;
	bool done, again, reset;
	int64_t operations;
	struct option_pairs params, accepts;
	struct option_pairs tuned; /* KEY=VALUE behind the name */
};

/* The command line without the program's name. OUTCOME_USAGE: err says what is wrong with it. */
enum outcome options_parse(struct options *out, int count, char **words,
			   struct error *err) MUST_USE;
void options_help(FILE *out); /* all commands */
void options_help_command(FILE *out, enum command c);

/* What a command works with. The store and the bundle are opened by who needs them. */
struct context {
	struct options options;
	struct instance instance;
	struct store *store;
	struct bundle bundle;
	bool has_bundle;
};

enum outcome context_open_store(struct context *c, struct error *err) MUST_USE;
/* With `optional`, a bundle that is not there (and was not asked for by name) is no error. */
enum outcome context_open_bundle(struct context *c, bool optional, struct error *err) MUST_USE;
void context_close_bundle(struct context *c);
void context_close(struct context *c);
struct run_options context_run_options(const struct context *c);

#define COMMAND(name, body, word, arguments, sentence) \
	enum outcome command_##body(struct context *c, struct error *err);
#include "vm/command/command.def"
#undef COMMAND

/* command_run.c */
enum outcome want_name(const struct context *c, const char *command, struct error *err) MUST_USE;
/* {"name", "status", "progress", "current_operation_index"} of a migration after a command. */
void print_result(struct context *c, struct str name);

/* show.c */
void show_error(const struct error *err, bool json); /* on standard error */
void show_time(int64_t us, struct buf *out);	     /* "" for 0 */
/* `s` with each line behind an indent. */
/* Behind an operation, whether it is of a block. */
void show_at_once(int64_t block, int64_t at_once);
void show_indented(FILE *out, const char *indent, struct str s);

/* bar.c: a run's listener: a bar on a terminal, lines otherwise, nothing if quiet. */
struct bar {
	bool terminal;
	int64_t began_ms, drawn_ms;
	int began_percent; /* for the rate */
	bool drawn;
	char label[80];
	struct run_listener listener;
};
void bar_init(struct bar *b, bool quiet);
void bar_end(struct bar *b); /* leaves the terminal's line */
/* How long the rest takes at the rate so far; -1 unknown. */
int64_t bar_eta_ms(int began_percent, int percent, int64_t elapsed_ms);

#endif
