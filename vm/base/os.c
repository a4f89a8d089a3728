#include "vm/base/os.h"
#include "vm/base/arena.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define READ_BYTES ((size_t)64 << 10)

/* How much to ask for at once. A plain file is asked for one byte more than it says it has: when
 * less comes, that was all. */
static size_t piece_bytes(int fd, size_t most_bytes, bool *is_plain)
{
	struct stat is;

	*is_plain = fstat(fd, &is) == 0 && S_ISREG(is.st_mode) && is.st_size >= 0;
	if (*is_plain && (uintmax_t)is.st_size < most_bytes)
		return (size_t)is.st_size + 1;
	return most_bytes < READ_BYTES ? most_bytes : READ_BYTES;
}

enum outcome os_read_start(const char *path, size_t most_bytes, struct buf *out, struct error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool is_plain, at_end = false;
	size_t piece, left;
	ssize_t got = 0;
	char *room;

	if (fd < 0)
		return error_set(err, OUTCOME_UNREACHABLE, "cannot open %s: %s", path,
				 strerror(errno));
	buf_reset(out);
	out->cap_bytes = most_bytes;
	piece = piece_bytes(fd, most_bytes, &is_plain);
	while (!at_end && (left = most_bytes - out->len) > 0) {
		if (piece > left)
			piece = left;
		room = buf_room(out, piece);
		got = read(fd, room, piece);
		if (got < 0 && errno != EINTR)
			break;
		buf_filled(out, got > 0 ? (size_t)got : 0);
		at_end = got == 0 || (is_plain && got > 0 && (size_t)got < piece);
	}
	if (got < 0)
		error_set(err, OUTCOME_UNREACHABLE, "cannot read %s: %s", path, strerror(errno));
	close(fd);
	return got < 0 ? OUTCOME_UNREACHABLE : OUTCOME_OK;
}

enum outcome os_read_file(const char *path, size_t cap_bytes, struct buf *out, struct error *err)
{
	size_t cap = cap_bytes ? cap_bytes : BUF_CAP_BYTES;
	enum outcome outcome = os_read_start(path, cap + 1, out, err);

	out->cap_bytes = cap_bytes;
	if (outcome == OUTCOME_OK && out->len > cap)
		return error_set(err, OUTCOME_UNREACHABLE, "%s is larger than %zu bytes", path,
				 cap);
	return outcome;
}

static bool write_all(int fd, struct str bytes)
{
	while (bytes.len > 0) {
		ssize_t wrote = write(fd, bytes.ptr, bytes.len);

		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote < 0)
			return false;
		bytes.ptr += wrote;
		bytes.len -= (size_t)wrote;
	}
	return true;
}

static bool write_parts(int fd, const struct str *parts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!write_all(fd, parts[i]))
			return false;
	return true;
}

/* Makes the rename itself durable. A file system that can't sync folders keeps its own promises. */
static void sync_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	struct buf folder = { 0 };
	int fd;

	buf_str(&folder, slash ? (struct str){ path, (size_t)(slash - path) + 1 } : STR("."));
	fd = open(folder.ptr, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		fsync(fd);
		close(fd);
	}
	buf_clear(&folder);
}

static enum outcome replace_file(const char *path, const struct str *parts, size_t count,
				 bool synced, struct error *err)
{
	struct buf temporary = { 0 };
	struct stat before;
	mode_t mode = stat(path, &before) == 0 ? before.st_mode & 07777 : 0644;
	int fd;
	bool done;

	buf_format(&temporary, "%s.new.XXXXXX", path);
	fd = mkstemp(temporary.ptr);
	done = fd >= 0 && write_parts(fd, parts, count) && fchmod(fd, mode) == 0 &&
	       (!synced || fsync(fd) == 0);
	if (fd >= 0)
		done = close(fd) == 0 && done;
	done = done && rename(temporary.ptr, path) == 0;
	if (!done)
		error_set(err, OUTCOME_UNREACHABLE, "cannot write %s: %s", path, strerror(errno));
	if (done && synced)
		sync_folder(path);
	if (!done && fd >= 0)
		unlink(temporary.ptr);
	buf_clear(&temporary);
	return done ? OUTCOME_OK : OUTCOME_UNREACHABLE;
}

enum outcome os_write_file(const char *path, struct str bytes, struct error *err)
{
	return replace_file(path, &bytes, 1, true, err);
}

enum outcome os_write_derived(const char *path, const struct str *parts, size_t count,
			      struct error *err)
{
	return replace_file(path, parts, count, false, err);
}

void os_sleep_ms(int64_t ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	if (ms > 0)
		nanosleep(&t, NULL);
}

int64_t os_monotonic_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t os_monotonic_ms(void)
{
	return os_monotonic_us() / 1000;
}

int64_t os_wall_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
#ifdef AMIG_FAULTS
	/* The tests let a machine's clock go wrong by so many seconds. */
	const char *wrong_by_s = getenv("AMIG_TEST_CLOCK");
	if (wrong_by_s)
		t.tv_sec += atol(wrong_by_s);
#endif
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

void os_random(void *out, size_t len)
{
	unsigned char *at = out;

	while (len > 0) {
		ssize_t got = getrandom(at, len, 0);

		if (got < 0 && errno != EINTR)
			BUG("getrandom: %s", strerror(errno));
		if (got > 0) {
			at += got;
			len -= (size_t)got;
		}
	}
}

/* RFC 9562, section 5.7: 48 bits of milliseconds, version and variant, the rest random. */
void os_uuid(char out[37])
{
	static const char digits[] = "0123456789abcdef";
	uint64_t ms = (uint64_t)(os_wall_us() / 1000);
	uint8_t bytes[16];
	size_t at = 0;

	os_random(bytes, sizeof(bytes));
	for (size_t i = 0; i < 6; i++)
		bytes[i] = (uint8_t)(ms >> (8 * (5 - i)));
	bytes[6] = (uint8_t)(0x70 | (bytes[6] & 0x0f));
	bytes[8] = (uint8_t)(0x80 | (bytes[8] & 0x3f));
	for (size_t i = 0; i < sizeof(bytes); i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			out[at++] = '-';
		out[at++] = digits[bytes[i] >> 4];
		out[at++] = digits[bytes[i] & 15];
	}
	out[at] = '\0';
}
