/*
 * postgres_copy.h - COPY … TO STDOUT and COPY … FROM STDIN over a session
 *
 * The statement, and what goes in front of it, is sent by postgres_send(); then
 * postgres_copy_begin(). Never blocks longer than a slice; a wish of the watch ends the wait with
 * OUTCOME_STOPPED, and the caller ends the copy by postgres_copy_give_up(). A copy out is over when
 * postgres_copy_read() has said so; a copy in when postgres_copy_end() and then
 * postgres_copy_answers() have succeeded.
 */
#ifndef VM_DRIVER_POSTGRES_COPY_H
#define VM_DRIVER_POSTGRES_COPY_H

#include "vm/base/buf.h"
#include "vm/driver/postgres.h"

/* Reads the answers of what stands in front, up to the one that opens the copy. out: the server is
 * to send. *columns, if it is not NULL, is the last of them that has columns, for PQclear(); or
 * NULL. */
enum outcome postgres_copy_begin(struct postgres *s, bool out, PGresult **columns,
				 const struct watch *watch, struct error *err) MUST_USE;
/* How rows are read: about want_bytes at a time, none of more than cap_bytes. */
struct postgres_rows {
	size_t want_bytes, cap_bytes;
	/* Appends what a message of the server says, which has whole rows; false: it makes no
	 * sense. NULL: it is appended itself. */
	bool (*take)(void *context, struct str message, struct buf *out);
	void *context;
};
/* Appends whole rows, at least one and about rows->want_bytes if they are there already; *end:
 * there are no more, and the query is over. A longer row is an error. */
enum outcome postgres_copy_read(struct postgres *s, const struct postgres_rows *rows,
				struct buf *out, bool *end, const struct watch *watch,
				struct error *err) MUST_USE;
/* Returns when the bytes are on their way: what the server does not take is not sent. */
enum outcome postgres_copy_write(struct postgres *s, struct str bytes, const struct watch *watch,
				 struct error *err) MUST_USE;
enum outcome postgres_copy_end(struct postgres *s, const struct watch *watch,
			       struct error *err) MUST_USE;
/* What the server says of the copy as a whole: the first failure. The query is over then. */
enum outcome postgres_copy_answers(struct postgres *s, const struct watch *watch,
				   struct error *err) MUST_USE;
/*
 * A server that has refused a row says so at once, and libpq keeps that until the end: whoever
 * copies much would send all the rest for nothing. While it is sent to a server says nothing else
 * but notices, which are counted. listen before the first write, unlisten behind the last.
 */
struct postgres_ear {
	PQnoticeReceiver before;
	void *before_context;
	unsigned notices, notices_then;
	bool has_heard;
};
void postgres_copy_listen(struct postgres *s, struct postgres_ear *ear);
void postgres_copy_unlisten(struct postgres *s, struct postgres_ear *ear);
/* Asked between two writes; true: postgres_copy_refuse() and the answers behind it tell why. */
bool postgres_copy_is_refused(struct postgres *s, struct postgres_ear *ear);
void postgres_copy_refuse(struct postgres *s);
/* Ends a copy that is not to be carried out, whatever it waits for. A session in which that takes
 * too long is lost. Before the end was sent nothing of a copy in has happened. */
void postgres_copy_give_up(struct postgres *s);

#endif
