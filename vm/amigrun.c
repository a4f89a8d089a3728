/* amigrun.c - the program: command line, command, exit status */
#include "vm/base/version.h"
#include "vm/command/command.h"

#include <string.h>

typedef enum outcome (*command_fn)(struct context *c, struct error *err);

static const command_fn bodies[COMMAND_COUNT] = {
#define COMMAND(name, body, word, arguments, sentence) command_##body,
#include "vm/command/command.def"
#undef COMMAND
};

/* error_clear() leaves the outcome to be returned alone: a command that has said everything itself
 * returns it with no message. */
static enum outcome carry_out(struct context *c, int count, char **words, struct error *err)
{
	enum outcome o = options_parse(&c->options, count, words, err);

	if (o != OUTCOME_OK)
		return o;
	if (c->options.help) {
		options_help_command(stdout, c->options.command);
		return OUTCOME_OK;
	}
	o = instance_read(&c->instance, err);
	return o == OUTCOME_OK ? bodies[c->options.command](c, err) : o;
}

int main(int argc, char **argv)
{
	struct context context = { 0 };
	struct error err = { 0 };
	enum outcome o;

	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		printf("amigrun %s\n", AMIG_VERSION);
		return OUTCOME_OK;
	}
	if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
		options_help(stdout);
		return OUTCOME_OK;
	}
	o = carry_out(&context, argc - 1, argv + 1, &err);
	fflush(stdout);
	if (o != OUTCOME_OK && err.message)
		show_error(&err, context.options.json);
	error_clear(&err);
	context_close(&context);
	return (int)o;
}
