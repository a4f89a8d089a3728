/* command_explain.c - `amigc explain E0207` */
#include "compiler/command.h"
#include <ctype.h>
#include <stdio.h>

enum exit_status command_explain(const struct command_line *line)
{
	const char *asked = line->arguments.at[0];
	char code[16] = "";
	enum diag_code number;

	for (size_t i = 0; asked[i] && i + 1 < sizeof(code); i++)
		code[i] = (char)toupper((unsigned char)asked[i]);
	number = diag_code_find(str_c(code));
	if (number == DIAG_COUNT)
		return command_failed(STATUS_USAGE,
				      "there is no diagnostic %s; they look like E0207", asked);
	printf("%s: %s\n", code, diag_explanation(number));
	return STATUS_CLEAN;
}
