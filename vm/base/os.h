/* os.h - files, clocks and randomness of the machine */
#ifndef VM_BASE_OS_H
#define VM_BASE_OS_H

#include "vm/base/buf.h"
#include "vm/base/error.h"

/* The whole file. cap_bytes 0: BUF_CAP_BYTES; a larger file is an error. OUTCOME_UNREACHABLE when
 * it can't be read. */
enum outcome os_read_file(const char *path, size_t cap_bytes, struct buf *out, struct error *err);
/* At most so many bytes from its beginning; what follows is not read. */
enum outcome os_read_start(const char *path, size_t most_bytes, struct buf *out, struct error *err);
/* Through a temporary file beside it, fsync and rename: the old one or the new one, never a part.
 * The new one has the permissions of the old one. */
enum outcome os_write_file(const char *path, struct str bytes, struct error *err);
/* The same for what can be made again and is hashed, as a bundle is: not synced. Its bytes are
 * those of the parts, one after the other. */
enum outcome os_write_derived(const char *path, const struct str *parts, size_t count,
			      struct error *err);
/* Until then, or until a signal. */
void os_sleep_ms(int64_t ms);
int64_t os_monotonic_us(void);
int64_t os_monotonic_ms(void);
int64_t os_wall_us(void); /* microseconds since 1970 UTC; shown to people, never decides anything */
void os_random(void *out, size_t len);
/* A version 7 UUID, lower case, NUL-terminated. */
void os_uuid(char out[37]);

#endif
