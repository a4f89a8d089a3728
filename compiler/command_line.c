/* command_line.c - argv to what is asked for, by the tables of options.def */
#include "compiler/command.h"
#include "vm/base/parallel.h"
#include <stdarg.h>
#include <stdio.h>

enum {
#define COMMAND(name, word, least, most, arguments, sentence) FOR_##name = 1 << COMMAND_##name,
#include "compiler/options.def"
	FOR_ALL = (1 << COMMAND_COUNT) - 1
};

enum option {
#define OPTION(name, word, letter, value, commands, sentence) OPTION_##name,
#include "compiler/options.def"
	OPTION_COUNT
};

static const struct command_row {
	const char *word;
	size_t least, most;
	const char *arguments, *sentence;
} commands[] = {
#define COMMAND(name, word, least, most, arguments, sentence)                                      \
	{ word, least, most, arguments, sentence },
#include "compiler/options.def"
};

static const struct option_row {
	const char *word;
	char letter;
	const char *value;
	unsigned commands;
	const char *sentence;
} options[] = {
#define OPTION(name, word, letter, value, commands, sentence)                                      \
	{ word, letter, value, commands, sentence },
#include "compiler/options.def"
};

static const char *const formats[] = {
#define FORMAT(name, word) word,
#include "compiler/options.def"
};

enum exit_status command_failed(enum exit_status status, const char *format, ...)
{
	va_list args;

	fputs("amigc: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return status;
}

static enum exit_status misused(const char *what, const char *word)
{
	return command_failed(STATUS_USAGE, "%s%s%s; `amigc --help` shows how it is used", what,
			      word ? " " : "", word ? word : "");
}

/* A line of two columns; the first one may have characters of several bytes. */
static void help_line(struct buf *out, struct str left, const char *right)
{
	size_t columns = 0;

	for (size_t i = 0; i < left.len; i++)
		columns += ((unsigned char)left.ptr[i] & 0xc0) != 0x80;
	buf_format(out, "  %.*s%*s  %s\n", STR_ARG(left), columns < 22 ? (int)(22 - columns) : 0,
		   "", right);
}

void command_help(struct buf *out)
{
	struct buf left = {0};

	buf_text(out, "amigc checks and compiles migrations written in amig.\n\n"
		      "Usage: amigc COMMAND …\n\nCommands:\n");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		buf_reset(&left);
		buf_format(&left, "%s %s", commands[i].word, commands[i].arguments);
		help_line(out, buf_view(&left), commands[i].sentence);
	}
	buf_text(out, "\nOptions:\n");
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		const struct option_row *o = &options[i];

		buf_reset(&left);
		if (o->letter)
			buf_format(&left, "-%c, ", o->letter);
		buf_text(&left, o->word);
		if (o->value)
			buf_format(&left, " %s", o->value);
		help_line(out, buf_view(&left), o->sentence);
	}
	buf_text(out, "\nExit status: 0 clean, 1 errors found in the sources, 2 wrong use, 3 could "
		      "not read or write.\n"
		      "Colours are used on a terminal only, and not when NO_COLOR is set.\n");
	buf_clear(&left);
}

static enum command find_command(const char *word)
{
	size_t i = 0;

	while (i < ARRAY_SIZE(commands) && strcmp(commands[i].word, word) != 0)
		i++;
	return (enum command)i;
}

/* Matches `--word`, `--word=value`, `-w` and `-wvalue`; *value is what stands there, or NULL. */
static enum option find_option(const char *word, const char **value)
{
	size_t i = 0;

	*value = NULL;
	for (; i < ARRAY_SIZE(options); i++) {
		size_t len = strlen(options[i].word);

		if (options[i].letter && word[1] == options[i].letter &&
		    (word[2] == 0 || options[i].value)) {
			*value = word[2] ? word + 2 : NULL;
			break;
		}
		if (strncmp(word, options[i].word, len) != 0)
			continue;
		if (word[len] == '=')
			*value = word + len + 1;
		if (word[len] == '=' || word[len] == 0)
			break;
	}
	return (enum option)i;
}

/* What --format may be depends on the command, which may come behind it. */
static enum exit_status set_format(struct command_line *line)
{
	const char *format = line->format;
	unsigned i = 0;

	if (!format)
		return STATUS_CLEAN;
	if (line->command == COMMAND_GRAPH) {
		line->mermaid = strcmp(format, "mermaid") == 0;
		if (!line->mermaid && strcmp(format, "dot") != 0)
			return misused("--format is dot or mermaid, not", format);
		return STATUS_CLEAN;
	}
	while (i < FORMAT_COUNT && strcmp(format, formats[i]) != 0)
		i++;
	if (i == FORMAT_COUNT)
		return misused("--format is text, json, sarif or github, not", format);
	line->form = (enum format)i;
	return STATUS_CLEAN;
}

static enum exit_status set_jobs(struct command_line *line, const char *value)
{
	int64_t jobs;

	if (!str_to_int(str_c(value), &jobs) || jobs < 1 || jobs > PARALLEL_JOBS_MAX)
		return command_failed(STATUS_USAGE,
				      "--jobs is a number of threads from 1 to %u, not %s",
				      PARALLEL_JOBS_MAX, value);
	line->jobs = (unsigned)jobs;
	return STATUS_CLEAN;
}

static enum exit_status set_option(struct command_line *line, enum option option, const char *value)
{
	switch (option) {
	case OPTION_OUTPUT:
		if (line->output)
			return misused("two bundles to write:", value);
		line->output = value;
		break;
	case OPTION_PATH:
		vec_push(&line->module_dirs, value);
		break;
	case OPTION_FORMAT:
		line->format = value;
		break;
	case OPTION_CHECK:
		line->check = true;
		break;
	case OPTION_FIX:
		line->fix = true;
		break;
	case OPTION_JOBS:
		return set_jobs(line, value);
	case OPTION_VERBOSE:
		line->verbose = true;
		break;
	case OPTION_HELP:
		line->help = true;
		break;
	case OPTION_VERSION:
		line->version = true;
		break;
	case OPTION_STRICT:
		line->strict = true;
		break;
	case OPTION_COUNT:
		break;
	}
	return STATUS_CLEAN;
}

/* Takes the option at argv[*at], and its value. Its bit goes to *used, to be compared with the
 * command when that is known. */
static enum exit_status take_option(struct command_line *line, int argc, char **argv, int *at,
				    unsigned *used)
{
	const char *word = argv[*at], *value;
	enum option option = find_option(word, &value);

	if (option == OPTION_COUNT)
		return misused("unknown option", word);
	*used |= 1u << option;
	if (!options[option].value)
		return value ? misused("no value is taken by", options[option].word)
			     : set_option(line, option, NULL);
	if (!value) {
		if (*at + 1 >= argc)
			return misused("a value is missing after", word);
		value = argv[++*at];
	}
	if (!*value)
		return misused("an empty value for", options[option].word);
	return set_option(line, option, value);
}

static enum exit_status check_line(struct command_line *line, unsigned used)
{
	const struct command_row *c = &commands[line->command];

	for (unsigned i = 0; i < OPTION_COUNT; i++) {
		if (used & (1u << i) && !(options[i].commands & (1u << line->command)))
			return command_failed(
				STATUS_USAGE,
				"`%s` takes no %s; `amigc --help` shows how it is used", c->word,
				options[i].word);
	}
	if (line->arguments.count < c->least || (c->most && line->arguments.count > c->most))
		return command_failed(STATUS_USAGE, "usage: amigc %s %s", c->word, c->arguments);
	if (line->command == COMMAND_BUILD && !line->output)
		return misused("`build` wants to know the bundle to write:", "-o BUNDLE");
	if (line->command == COMMAND_NEW && line->module_dirs.count > 1)
		return misused("two folders to write to:", line->module_dirs.at[1]);
	return set_format(line);
}

enum exit_status command_line_read(struct command_line *line, int argc, char **argv)
{
	bool options_end = false;
	unsigned used = 0;

	*line = (struct command_line){ .command = COMMAND_COUNT };
	for (int i = 1; i < argc; i++) {
		const char *word = argv[i];

		if (!options_end && strcmp(word, "--") == 0) {
			options_end = true;
		} else if (!options_end && word[0] == '-' && word[1]) {
			enum exit_status status = take_option(line, argc, argv, &i, &used);

			if (status != STATUS_CLEAN)
				return status;
		} else if (line->command == COMMAND_COUNT) {
			line->command = find_command(word);
			if (line->command == COMMAND_COUNT)
				return misused("unknown command", word);
		} else {
			vec_push(&line->arguments, word);
		}
	}
	if (line->help || line->version)
		return STATUS_CLEAN;
	if (line->command == COMMAND_COUNT)
		return misused("what to do is not said", NULL);
	return check_line(line, used);
}

void command_line_clear(struct command_line *line)
{
	vec_clear(&line->module_dirs);
	vec_clear(&line->arguments);
}
