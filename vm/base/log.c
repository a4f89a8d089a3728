#include "vm/base/log.h"
#include "vm/base/arena.h"
#include "vm/base/buf.h"
#include "vm/base/os.h"
#include "vm/base/units.h"

#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

static void json_line(struct buf *b, enum log_level level, const char *text)
{
	static const char *const names[] = { "info", "warning" };

	buf_text(b, "{\"time\":\"");
	timestamp_print(b, os_wall_us());
	buf_format(b, "\",\"level\":\"%s\",\"message\":", names[level]);
	buf_json(b, str_c(text));
	buf_text(b, "}\n");
}

static void text_line(struct buf *b, enum log_level level, const char *text)
{
	static const char *const words[] = { "", "warning: " };

	buf_text(b, words[level]);
	buf_text(b, text);
	buf_byte(b, '\n');
}

void log_line(enum log_level level, const char *format, ...)
{
	struct buf text = { 0 }, line = { 0 };
	bool as_text = isatty(STDERR_FILENO);
	va_list args;
	ssize_t wrote;

	va_start(args, format);
	buf_vformat(&text, format, args);
	va_end(args);
	if (as_text)
		text_line(&line, level, text.ptr);
	else
		json_line(&line, level, text.ptr);
	/* One write, so that lines of several processes don't mix. Nothing can be done about a log
	 * that can't be written. */
	wrote = write(STDERR_FILENO, line.ptr, line.len);
	(void)wrote;
	buf_clear(&text);
	buf_clear(&line);
}
