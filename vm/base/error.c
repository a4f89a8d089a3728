#include "vm/base/error.h"
#include "vm/base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void bug(const char *file, int line, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "amig: bug at %s:%d: ", file, line);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	abort();
}

PRINTF_LIKE(1, 0) static char *vformat(const char *format, va_list args)
{
	struct buf b = { 0 };

	buf_vformat(&b, format, args);
	return buf_take(&b);
}

enum outcome error_set(struct error *err, enum outcome outcome, const char *format, ...)
{
	va_list args;
	char *message;

	/* The arguments may point into the old message: format first. */
	va_start(args, format);
	message = vformat(format, args);
	va_end(args);
	error_clear(err);
	err->outcome = outcome;
	err->message = message;
	return outcome;
}

void error_hint(struct error *err, const char *format, ...)
{
	va_list args;
	char *hint;

	va_start(args, format);
	hint = vformat(format, args);
	va_end(args);
	free(err->hint);
	err->hint = hint;
}

void error_prefix(struct error *err, const char *format, ...)
{
	va_list args;
	struct buf b = { 0 };

	va_start(args, format);
	buf_vformat(&b, format, args);
	va_end(args);
	buf_text(&b, err->message ? err->message : "");
	free(err->message);
	err->message = buf_take(&b);
}

void error_take(struct error *to, struct error *from)
{
	if (to == from)
		return;
	error_clear(to);
	*to = *from;
	*from = (struct error){ 0 };
}

void error_clear(struct error *err)
{
	if (!err)
		return;
	free(err->message);
	free(err->hint);
	free(err->query_id);
	*err = (struct error){ 0 };
}

const char *outcome_words(enum outcome outcome)
{
	switch (outcome) {
#define OUTCOME(name, status, words) case OUTCOME_##name: return words;
#include "vm/base/outcome.def"
#undef OUTCOME
	}
	BUG("outcome %d", (int)outcome);
}

const char *error_class_word(enum error_class class)
{
	switch (class) {
	case ERROR_PERMANENT:	return "permanent";
	case ERROR_TRANSIENT:	return "transient";
	case ERROR_UNKNOWN:	return "unknown";
	}
	return "unknown";
}
