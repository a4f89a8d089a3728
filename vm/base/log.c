#include "vm/base/log.h"
#include "vm/base/arena.h"
#include "vm/base/buf.h"
#include "vm/base/os.h"
#include "vm/base/units.h"

#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#define FIELDS_MAX 8

static struct {
	enum log_form form;
	enum log_level lowest;
	struct { char *name, *value; } fields[FIELDS_MAX];
} sink = { LOG_AUTO, LOG_INFO, { { 0 } } };

void log_setup(enum log_form form, enum log_level lowest)
{
	sink.form = form;
	sink.lowest = lowest;
}

void log_context(const char *field, const char *value)
{
	size_t i = 0;

	while (i < FIELDS_MAX && sink.fields[i].name && strcmp(sink.fields[i].name, field) != 0)
		i++;
	if (i == FIELDS_MAX)
		BUG("more than %d log fields", FIELDS_MAX);
	if (!sink.fields[i].name)
		sink.fields[i].name = must_strdup(field);
	free(sink.fields[i].value);
	sink.fields[i].value = value ? must_strdup(value) : NULL;
}

static void json_line(struct buf *b, enum log_level level, const char *text)
{
	static const char *const names[] = { "debug", "info", "warning", "error" };

	buf_text(b, "{\"time\":\"");
	timestamp_print(b, os_wall_us());
	buf_format(b, "\",\"level\":\"%s\",\"message\":", names[level]);
	buf_json(b, str_c(text));
	for (size_t i = 0; i < FIELDS_MAX && sink.fields[i].name; i++) {
		if (!sink.fields[i].value)
			continue;
		buf_byte(b, ',');
		buf_json(b, str_c(sink.fields[i].name));
		buf_byte(b, ':');
		buf_json(b, str_c(sink.fields[i].value));
	}
	buf_text(b, "}\n");
}

static void text_line(struct buf *b, enum log_level level, const char *text)
{
	static const char *const words[] = { "debug: ", "", "warning: ", "error: " };

	buf_text(b, words[level]);
	buf_text(b, text);
	buf_byte(b, '\n');
}

void log_line(enum log_level level, const char *format, ...)
{
	struct buf text = { 0 }, line = { 0 };
	bool as_text = sink.form == LOG_TEXT || (sink.form == LOG_AUTO && isatty(STDERR_FILENO));
	va_list args;
	ssize_t wrote;

	if (level < sink.lowest)
		return;
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
