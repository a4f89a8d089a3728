/* options.c - the command line and its help, from command.def and options.def */
#include "vm/command/command.h"

#include <stddef.h>
#include <string.h>

#define FOR(command) (1u << COMMAND_##command)

enum kind { FLAG, TEXT, NUMBER, PAIRS };

static const struct option_info {
	enum kind kind;
	const char *name, *word, *sentence;
	unsigned commands;
	size_t at;
} infos[] = {
#define OPTION(field, kind, name, word, commands, sentence) \
	{ kind, name, word, sentence, commands, offsetof(struct options, field) },
#include "vm/command/options.def"
#undef OPTION
};

static const struct {
	const char *word, *arguments, *sentence;
} commands[COMMAND_COUNT] = {
#define COMMAND(name, body, word, arguments, sentence) { word, arguments, sentence },
#include "vm/command/command.def"
#undef COMMAND
};

/* Of an option, or of a command with nothing before its words. */
static enum outcome take_pair(struct option_pairs *pairs, const char *dashes, const char *name,
			      const char *text, struct error *err)
{
	const char *equals = strchr(text, '=');

	if (!equals || equals == text)
		return error_set(err, OUTCOME_USAGE, "%s%s wants NAME=VALUE, not \"%s\"", dashes,
				 name, text);
	if (pairs->count == OPTION_PAIRS_MAX)
		return error_set(err, OUTCOME_USAGE, "%s%s is given more than %d times", dashes,
				 name, OPTION_PAIRS_MAX);
	pairs->at[pairs->count++] =
		(struct run_assignment){ { text, (size_t)(equals - text) }, str_c(equals + 1) };
	return OUTCOME_OK;
}

static enum outcome take(struct options *o, const struct option_info *info, const char *value,
			 struct error *err)
{
	char *at = (char *)o + info->at;
	int64_t number;

	switch (info->kind) {
	case FLAG:
		*(bool *)(void *)at = true;
		return OUTCOME_OK;
	case TEXT:
		*(const char **)(void *)at = value;
		return OUTCOME_OK;
	case NUMBER:
		if (!str_to_int(str_c(value), &number) || number < 1)
			return error_set(err, OUTCOME_USAGE,
					 "--%s wants a number from 1, not \"%s\"", info->name,
					 value);
		*(int64_t *)(void *)at = number;
		return OUTCOME_OK;
	case PAIRS:
		return take_pair((struct option_pairs *)(void *)at, "--", info->name, value,
				 err);
	}
	BUG("option kind %d", (int)info->kind);
}

static const struct option_info *find(const char *name, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(infos); i++)
		if (strlen(infos[i].name) == len && memcmp(infos[i].name, name, len) == 0)
			return &infos[i];
	return NULL;
}

static const struct option_info *find_of(enum command c, const char *name, size_t len)
{
	const struct option_info *info = find(name, len);

	return info && info->commands & 1u << c ? info : NULL;
}

static enum outcome refuse_word(enum command c, const char *word, struct error *err)
{
	error_set(err, OUTCOME_USAGE, "there is one name too many: \"%s\"", word);
	if (find_of(c, word, strlen(word)))
		error_hint(err, "`--%s` is an option of `amigrun %s`", word, commands[c].word);
	return OUTCOME_USAGE;
}

/* words[*at] begins with "--". */
static enum outcome take_option(struct options *o, int count, char **words, int *at,
				struct error *err)
{
	const char *name = words[*at] + 2, *value = strchr(name, '=');
	const struct option_info *info =
		find_of(o->command, name, value ? (size_t)(value - name) : strlen(name));

	if (!info) {
		error_set(err, OUTCOME_USAGE, "`amigrun %s` has no option %s",
			  commands[o->command].word, words[*at]);
		error_hint(err, "`amigrun %s --help` shows its options", commands[o->command].word);
		return OUTCOME_USAGE;
	}
	if (info->kind == FLAG && value)
		return error_set(err, OUTCOME_USAGE, "--%s takes no value", info->name);
	if (info->kind != FLAG) {
		if (!value && *at + 1 == count)
			return error_set(err, OUTCOME_USAGE, "--%s wants %s", info->name,
					 info->word);
		value = value ? value + 1 : words[++*at];
	}
	return take(o, info, value, err);
}

static enum outcome find_command(struct options *o, const char *word, struct error *err)
{
	for (int i = 0; i < COMMAND_COUNT; i++)
		if (strcmp(commands[i].word, word) == 0) {
			o->command = (enum command)i;
			return OUTCOME_OK;
		}
	error_set(err, OUTCOME_USAGE, "there is no command \"%s\"", word);
	error_hint(err, "`amigrun --help` lists the commands");
	return OUTCOME_USAGE;
}

enum outcome options_parse(struct options *out, int count, char **words, struct error *err)
{
	enum outcome o;

	*out = (struct options){ 0 };
	if (count == 0) {
		error_set(err, OUTCOME_USAGE, "say what to do");
		error_hint(err, "`amigrun --help` lists the commands");
		return OUTCOME_USAGE;
	}
	o = find_command(out, words[0], err);
	for (int i = 1; i < count && o == OUTCOME_OK; i++) {
		if (strcmp(words[i], "--help") == 0 || strcmp(words[i], "-h") == 0)
			out->help = true;
		else if (words[i][0] == '-' && words[i][1] == '-')
			o = take_option(out, count, words, &i, err);
		else if (out->name && out->command == COMMAND_TUNE)
			o = take_pair(&out->tuned, "", "tune", words[i], err);
		else if (out->name)
			o = refuse_word(out->command, words[i], err);
		else
			out->name = words[i];
	}
	return o;
}

void options_help(FILE *out)
{
	fprintf(out, "amigrun carries compiled migrations out, resumably: amigrun COMMAND …\n\n");
	for (int i = 0; i < COMMAND_COUNT; i++)
		fprintf(out, "  %-9s %-13s %s\n", commands[i].word, commands[i].arguments,
			commands[i].sentence);
	fprintf(out, "\n  amigrun COMMAND --help shows a command's options, amigrun --version the "
		     "version.\n\nExit status:\n");
#define OUTCOME(name, status, words) fprintf(out, "  %d  %s\n", status, words);
#include "vm/base/outcome.def"
#undef OUTCOME
}

void options_help_command(FILE *out, enum command c)
{
	fprintf(out, "amigrun %s %s\n%s\n\n", commands[c].word, commands[c].arguments,
		commands[c].sentence);
	for (size_t i = 0; i < ARRAY_SIZE(infos); i++)
		if (infos[i].commands & 1u << c) {
			char left[60];

			snprintf(left, sizeof(left), "--%s %s", infos[i].name, infos[i].word);
			fprintf(out, "  %-24s %s\n", left, infos[i].sentence);
		}
}
