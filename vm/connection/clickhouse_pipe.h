/*
 * clickhouse_pipe.h - a request to a ClickHouse server whose body or answer flows: the part of a
 * stream that knows curl
 *
 * What is sent is packed as gzip, and pressed only where the URL wants it so: an old server takes a
 * body that was cut off for a whole one, and runs it to its end; a gzip that was cut off is an
 * error (tried on 18.16, down to the last byte). What comes waits at its sender while nobody takes
 * it.
 */
#ifndef VM_CONNECTION_CLICKHOUSE_PIPE_H
#define VM_CONNECTION_CLICKHOUSE_PIPE_H

#include "vm/connection/clickhouse_http.h"
#include <zlib.h>

struct pipe {
	struct clickhouse *h;
	CURL *easy;
	CURLM *multi;
	struct curl_slist *headers;
	struct request request;
	struct buf url;
	struct answer answer;	/* its body: of a refusal */
	char why[CURL_ERROR_SIZE];
	int64_t asked_at;
	bool is_running;	/* the request is under way */
	CURLcode rc;
	/* of an answer */
	struct buf *into;
	size_t before, into_cap;
	bool is_full;
	/* of a body */
	z_stream gzip;
	bool is_packing;	/* gzip is in use */
	bool is_gone;		/* all that was given */
	bool is_ended;		/* nothing more will be given */
	bool is_paused;		/* curl waits for more */
};

/* request: its texts must outlive the pipe. Nothing is sent yet. */
enum outcome pipe_open(struct pipe *p, struct clickhouse *h, const struct request *request,
		       struct error *err) MUST_USE;
/* Reads what has come into `into`, until there is more than there was or the answer is over. */
enum outcome pipe_read(struct pipe *p, struct buf *into, size_t cap, const struct watch *watch,
		       struct error *err) MUST_USE;
/* Sends; returns when it is gone, or the server has answered already (is_running false). */
enum outcome pipe_write(struct pipe *p, struct str bytes, const struct watch *watch,
			struct error *err) MUST_USE;
/* Sends the end and waits for the answer. */
enum outcome pipe_end(struct pipe *p, const struct watch *watch, struct error *err) MUST_USE;
void pipe_close(struct pipe *p);

#endif
