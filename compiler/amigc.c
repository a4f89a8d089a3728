/* amigc.c - the compiler: files in, a bundle and diagnostics out */
#include "compiler/command.h"
#include "vm/base/version.h"
#include <stdio.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

static enum exit_status run(const struct command_line *line)
{
	struct buf help = {0};

	if (line->help) {
		command_help(&help);
		fputs(help.ptr, stdout);
		buf_clear(&help);
		return STATUS_CLEAN;
	}
	if (line->version) {
		puts("amigc " AMIG_VERSION);
		return STATUS_CLEAN;
	}
	switch (line->command) {
	case COMMAND_CHECK:
		return command_check(line);
	case COMMAND_BUILD:
		return command_build(line);
	case COMMAND_DUMP:
		return command_dump(line);
	case COMMAND_FORMAT:
		return command_format(line);
	case COMMAND_GRAPH:
		return command_graph(line);
	case COMMAND_NEW:
		return command_new(line);
	case COMMAND_EXPLAIN:
		return command_explain(line);
	case COMMAND_COUNT:
		break;
	}
	BUG("no command");
}

/* What one batch of files gives back the next one takes: the system is not asked in between. */
static void keep_memory(void)
{
#ifdef __GLIBC__
	mallopt(M_MMAP_THRESHOLD, 32 << 20);
	mallopt(M_TRIM_THRESHOLD, 256 << 20);
	mallopt(M_TOP_PAD, 1 << 20);
#endif
}

int main(int argc, char **argv)
{
	struct command_line line;
	enum exit_status status = command_line_read(&line, argc, argv);

	keep_memory();
	if (status == STATUS_CLEAN)
		status = run(&line);
	command_line_clear(&line);
	if ((fflush(stdout) || ferror(stdout)) && status == STATUS_CLEAN)
		status = command_failed(STATUS_FILES, "cannot write to standard output");
	return (int)status;
}
