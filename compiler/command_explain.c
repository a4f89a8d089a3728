/* command_explain.c - `amigc explain E0207`, and all of the pages as the manual has them */
#include "compiler/command.h"
#include <ctype.h>
#include <stdio.h>

enum exit_status command_explain(const struct command_line *line)
{
	const char *asked = line->arguments.count ? line->arguments.at[0] : NULL;
	struct buf out = {0};
	char code[16] = "";
	enum diag_code number;

	for (size_t i = 0; asked && asked[i] && i + 1 < sizeof(code); i++)
		code[i] = (char)toupper((unsigned char)asked[i]);
	number = asked ? diag_code_find(str_c(code)) : DIAG_COUNT;
	if (asked && number == DIAG_COUNT)
		return command_failed(STATUS_USAGE,
				      "there is no diagnostic %s; they look like E0207", asked);
	if (asked)
		explain_text(number, &out);
	else
		explain_manual(&out);
	fwrite(out.ptr, 1, out.len, stdout);
	buf_clear(&out);
	return STATUS_CLEAN;
}
