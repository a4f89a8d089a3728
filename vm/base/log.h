/*
 * log.h - diagnostics on standard error
 *
 * Text on a terminal, a JSON object a line otherwise.
 */
#ifndef VM_BASE_LOG_H
#define VM_BASE_LOG_H

#include "vm/base/str.h"

enum log_level { LOG_INFO, LOG_WARNING };

void log_line(enum log_level level, const char *format, ...) PRINTF_LIKE(2, 3);

#define log_info(...) log_line(LOG_INFO, __VA_ARGS__)
#define log_warning(...) log_line(LOG_WARNING, __VA_ARGS__)

#endif
