/* attr.h - compiler attributes and the one way to stop at a bug of ours */
#ifndef VM_BASE_ATTR_H
#define VM_BASE_ATTR_H

#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>

#define PRINTF_LIKE(text, first) __attribute__((format(printf, text, first)))
#define MUST_USE __attribute__((warn_unused_result))
#define NO_RETURN __attribute__((noreturn))
#define ALWAYS_INLINE inline __attribute__((always_inline))
#define UNUSED __attribute__((unused))
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* A state that no input may bring about. Prints the place and aborts: the tests and fuzzers look
 * for it. */
#define BUG(...) bug(__FILE__, __LINE__, __VA_ARGS__)
NO_RETURN void bug(const char *file, int line, const char *format, ...) PRINTF_LIKE(3, 4);

#endif
