/*
 * sqlite_inspect.c - what an operator should know of a SQLite file before anything is run on it
 *
 * It is not opened as a run opens it: that would make a file that is not there, and turn one that
 * is to WAL. What locks the file system keeps shows at a file beside it that is gone at once.
 */
#include "vm/connection/inspect.h"
#include "vm/connection/sqlite_kind.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#define LEAST ((struct semver){ .major = 3, .minor = 37 })
#define SCRATCH "/.amig-doctor-XXXXXX"
#define BUSY_MS 2000
#define CIFS_MAGIC 0xff534d42

/* A lock that another opening of the file does not see is none. */
static bool keeps_locks(const char *scratch, int fd)
{
	struct flock all = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int other = open(scratch, O_RDWR | O_CLOEXEC);
	bool good = other >= 0 && fcntl(fd, F_OFD_SETLK, &all) == 0 &&
		    fcntl(other, F_OFD_SETLK, &all) != 0;

	if (other >= 0)
		close(other);
	return good;
}

/* WAL needs memory that all who have the file open share. */
static bool is_remote(const char *folder)
{
	static const unsigned long remote[] = { NFS_SUPER_MAGIC, SMB_SUPER_MAGIC, SMB2_SUPER_MAGIC,
						CIFS_MAGIC,	 V9FS_MAGIC,	  AFS_SUPER_MAGIC,
						CEPH_SUPER_MAGIC };
	struct statfs s;

	if (statfs(folder, &s) != 0)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(remote); i++)
		if (((unsigned long)s.f_type & 0xffffffff) == remote[i])
			return true;
	return false;
}

/* false: nothing can be made in it, and so neither the file nor what SQLite keeps beside it. */
static bool look_folder(const char *folder, struct findings *f)
{
	struct buf name = { 0 };
	struct statvfs room;
	int fd;

	buf_format(&name, "%s" SCRATCH, folder);
	fd = mkostemp(name.ptr, O_CLOEXEC);
	if (fd < 0) {
		finding_add(f, CHECK_WRITE, FINDING_WRONG,
			    "let the user that amigrun runs as write there: SQLite makes files "
			    "beside its own",
			    "nothing can be made in the folder %s: %s", folder, strerror(errno));
	} else {
		bool locks = keeps_locks(name.ptr, fd), remote = is_remote(folder);

		finding_add(f, CHECK_LOCKS, locks && !remote ? FINDING_FINE : FINDING_WRONG,
			    locks && !remote ? NULL : "put the file on a disk of this machine",
			    !locks   ? "the file system of %s keeps no locks"
			    : remote ? "the file system of %s is another machine's: WAL does not "
				       "work there"
				     : "the file system of %s keeps locks",
			    folder);
		close(fd);
		unlink(name.ptr);
	}
	buf_clear(&name);
	if (statvfs(folder, &room) == 0)
		finding_disk(f, str_c(folder), (int64_t)(room.f_bavail * room.f_frsize));
	return fd >= 0;
}

static void look_file(const char *path, struct findings *f)
{
	struct sqlite s = { 0 };
	struct error err = { 0 };
	int rc = sqlite3_open_v2(path, &s.db, SQLITE_OPEN_READWRITE, NULL);

	sqlite3_extended_result_codes(s.db, 1);
	sqlite3_busy_timeout(s.db, BUSY_MS);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(s.db, "SELECT count(*) FROM sqlite_master; BEGIN IMMEDIATE; "
				  "ROLLBACK", NULL, NULL, NULL);
	if (rc == SQLITE_OK && sqlite3_db_readonly(s.db, "main"))
		rc = SQLITE_READONLY;
	if (rc == SQLITE_OK) {
		finding_add(f, CHECK_WRITE, FINDING_FINE, NULL, "it takes changes");
	} else if ((rc & 0xff) == SQLITE_READONLY) {
		finding_add(f, CHECK_WRITE, FINDING_WRONG,
			    "let the user that amigrun runs as write the file",
			    "%s can only be read", path);
	} else {
		sqlite_fail(&s, &err);
		error_prefix(&err, "%s: ", path);
		finding_error(f, (rc & 0xff) == SQLITE_BUSY ? CHECK_WRITE : CHECK_REACH,
			      (rc & 0xff) == SQLITE_BUSY ? FINDING_WARNING : FINDING_WRONG, NULL,
			      &err);
	}
	sqlite3_close_v2(s.db);
}

void sqlite_inspect(const struct inspection *in, struct findings *f)
{
	const char *path = sqlite_path(in->url);
	char *copy = must_strdup(path);
	const char *folder = dirname(copy);
	struct stat file, place;

	finding_version(f, "SQLite", sqlite3_libversion(), LEAST);
	if (!*path) {
		finding_add(f, CHECK_REACH, FINDING_WRONG, "name a file",
			    "%s holds no path", in->variable);
	} else if (stat(folder, &place) != 0) {
		finding_add(f, CHECK_REACH, FINDING_WRONG,
			    "make the folder, or name another one",
			    "%s can't be opened: the folder %s: %s", path, folder, strerror(errno));
	} else if (stat(path, &file) != 0) {
		finding_add(f, CHECK_REACH, errno == ENOENT ? FINDING_UNKNOWN : FINDING_WRONG, NULL,
			    errno == ENOENT ? "the file %s is not there yet: it is made when it is "
					      "first used"
					    : "the file %s can't be looked at",
			    path);
		look_folder(folder, f);
	} else {
		finding_add(f, CHECK_REACH, FINDING_FINE, NULL, "the file %s", path);
		if (look_folder(folder, f))
			look_file(path, f);
	}
	free(copy);
}
