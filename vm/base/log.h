/*
 * log.h - diagnostics on standard error
 *
 * Text on a terminal, a JSON object a line otherwise (or as log_format() says). The sink is the
 * only global state.
 */
#ifndef VM_BASE_LOG_H
#define VM_BASE_LOG_H

#include "vm/base/str.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };
enum log_form { LOG_AUTO, LOG_TEXT, LOG_JSON };

void log_setup(enum log_form form, enum log_level lowest);
/* Fields that every line bears from now on, e.g. migration and run; NULL value removes one. Values
 * are copied. */
void log_context(const char *field, const char *value);
void log_line(enum log_level level, const char *format, ...) PRINTF_LIKE(2, 3);

#define log_debug(...) log_line(LOG_DEBUG, __VA_ARGS__)
#define log_info(...) log_line(LOG_INFO, __VA_ARGS__)
#define log_warning(...) log_line(LOG_WARNING, __VA_ARGS__)
#define log_error(...) log_line(LOG_ERROR, __VA_ARGS__)

#endif
