/* clickhouse_pipe.c - bodies and answers that flow, over curl */
#include "vm/connection/clickhouse_pipe.h"
#include "vm/base/os.h"

#define REFUSAL_CAP_BYTES ((size_t)1 << 20)
#define UPLOAD_BYTES 524288L
#define PRESS_LEVEL 3	/* most of what can be gained, at half of the time */
#define PACK_LEVEL 0		/* stored as it is, and a checksum at the end */
#define GZIP_WINDOW (15 + 16)	/* zlib's word for gzip */

/* ---- curl's callbacks ---- */

/* All that was given is on its way at once, so that a server that waits has something to do. */
static size_t send_body(char *room, size_t size, size_t count, void *context)
{
	struct pipe *p = context;
	size_t n = 0;

	if (!p->is_gone) {
		p->gzip.next_out = (Bytef *)room;
		p->gzip.avail_out = (uInt)(size * count);
		if (deflate(&p->gzip, p->is_ended ? Z_FINISH : Z_SYNC_FLUSH) == Z_STREAM_ERROR)
			BUG("zlib is not in order");
		n = size * count - p->gzip.avail_out;
		p->is_gone = p->gzip.avail_out > 0;
	}
	if (n || p->is_ended)
		return n;
	p->is_paused = true;
	return CURL_READFUNC_PAUSE;
}

static size_t receive(char *bytes, size_t size, size_t count, void *context)
{
	struct pipe *p = context;
	size_t n = size * count;
	long status = 0;

	curl_easy_getinfo(p->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status != 200 || !p->into) {
		if (p->answer.body.len + n <= REFUSAL_CAP_BYTES)
			buf_add(&p->answer.body, bytes, n);
		return n;
	}
	if (p->into->len - p->before >= p->into_cap) {
		p->is_full = true;
		return CURL_WRITEFUNC_PAUSE;
	}
	buf_add(p->into, bytes, n);
	return n;
}

static int before_sending(void *context, char *ip, char *local_ip, int port, int local_port)
{
	struct pipe *p = context;

	(void)ip, (void)local_ip, (void)port, (void)local_port;
	return ++p->answer.sendings > 1 ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

/* ---- the request ---- */

enum outcome pipe_open(struct pipe *p, struct clickhouse *h, const struct request *request,
		       struct error *err)
{
	struct str body;
	enum outcome o;

	*p = (struct pipe){ .h = h,
			    .request = *request,
			    .answer = { .written_rows = -1 },
			    .easy = curl_easy_init(),
			    .multi = curl_multi_init() };
	if (!p->easy || !p->multi)
		BUG("curl has no memory");
	o = clickhouse_http_compose(h, p->easy, request, &p->url, &body, err);
	if (o != OUTCOME_OK)
		return o;
	if (!request->reading && body.len)
		return error_set(err, OUTCOME_FAILED,
				 "the names of the table's columns are too long to be sent safely");
	clickhouse_http_prepare(h, p->easy, p->url.ptr, body, &p->answer, p->why);
	curl_easy_setopt(p->easy, CURLOPT_WRITEFUNCTION, receive);
	curl_easy_setopt(p->easy, CURLOPT_WRITEDATA, p);
	curl_easy_setopt(p->easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(p->easy, CURLOPT_BUFFERSIZE, UPLOAD_BYTES);
	if (!request->reading) {
		int level = clickhouse_is_compressed(h) ? PRESS_LEVEL : PACK_LEVEL;

		if (deflateInit2(&p->gzip, level, Z_DEFLATED, GZIP_WINDOW, 8,
				 Z_DEFAULT_STRATEGY) != Z_OK)
			BUG("zlib has no memory");
		p->is_packing = true;
		p->is_gone = true;
		for (struct curl_slist *line = h->headers; line; line = line->next)
			p->headers = curl_slist_append(p->headers, line->data);
		p->headers = curl_slist_append(p->headers, "Transfer-Encoding: chunked");
		p->headers = curl_slist_append(p->headers, "Content-Encoding: gzip");
		curl_easy_setopt(p->easy, CURLOPT_HTTPHEADER, p->headers);
		curl_easy_setopt(p->easy, CURLOPT_POSTFIELDS, NULL);
		curl_easy_setopt(p->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)-1);
		curl_easy_setopt(p->easy, CURLOPT_READFUNCTION, send_body);
		curl_easy_setopt(p->easy, CURLOPT_READDATA, p);
		curl_easy_setopt(p->easy, CURLOPT_UPLOAD_BUFFERSIZE, UPLOAD_BYTES);
		curl_easy_setopt(p->easy, CURLOPT_PREREQFUNCTION, before_sending);
		curl_easy_setopt(p->easy, CURLOPT_PREREQDATA, p);
	}
	curl_multi_add_handle(p->multi, p->easy);
	p->is_running = true;
	p->asked_at = os_monotonic_ms();
	return OUTCOME_OK;
}

static void take_end(struct pipe *p)
{
	int left;

	for (CURLMsg *m; (m = curl_multi_info_read(p->multi, &left)); )
		if (m->msg == CURLMSG_DONE) {
			p->rc = m->data.result;
			p->is_running = false;
		}
	if (!p->is_running)
		curl_easy_getinfo(p->easy, CURLINFO_RESPONSE_CODE, &p->answer.status);
}

static enum outcome ask(struct pipe *p, const struct watch *watch, struct error *err)
{
	int64_t now = os_monotonic_ms();

	if (now - p->asked_at < WATCH_SLICE_MS)
		return OUTCOME_OK;
	p->asked_at = now;
	if (watch_ask(watch) == WATCH_GO_ON)
		return OUTCOME_OK;
	error_set(err, OUTCOME_STOPPED, "stopped while rows were copied");
	err->class = ERROR_TRANSIENT;
	return err->outcome;
}

/* One turn; waits for the socket if there is nothing to do. */
static enum outcome turn(struct pipe *p, bool (*enough)(const struct pipe *p),
			 const struct watch *watch, struct error *err)
{
	int running;

	for (;;) {
		curl_multi_perform(p->multi, &running);
		take_end(p);
		if (!p->is_running || enough(p))
			return ask(p, watch, err);
		curl_multi_poll(p->multi, NULL, 0, WATCH_SLICE_MS, NULL);
		enum outcome o = ask(p, watch, err);
		if (o != OUTCOME_OK)
			return o;
	}
}

static bool has_come(const struct pipe *p)
{
	return p->is_full || p->into->len > p->before;
}

enum outcome pipe_read(struct pipe *p, struct buf *into, size_t cap, const struct watch *watch,
		       struct error *err)
{
	bool was_full = p->is_full;
	enum outcome o;

	p->into = into;
	p->into_cap = cap;
	p->before = into->len;
	p->is_full = false;
	if (was_full)
		curl_easy_pause(p->easy, CURLPAUSE_CONT);
	o = turn(p, has_come, watch, err);
	p->into = NULL;
	return o;
}

static bool is_gone(const struct pipe *p)
{
	return p->is_gone;
}

static bool never(const struct pipe *p UNUSED)
{
	return false;
}

static void give(struct pipe *p, struct str bytes)
{
	bool was_paused = p->is_paused;

	p->gzip.next_in = (Bytef *)(uintptr_t)bytes.ptr;
	p->gzip.avail_in = (uInt)bytes.len;
	p->is_gone = false;
	p->is_paused = false;
	if (was_paused)
		curl_easy_pause(p->easy, CURLPAUSE_CONT);
}

enum outcome pipe_write(struct pipe *p, struct str bytes, const struct watch *watch,
			struct error *err)
{
	give(p, bytes);
	return turn(p, is_gone, watch, err);
}

enum outcome pipe_end(struct pipe *p, const struct watch *watch, struct error *err)
{
	p->is_ended = true;
	give(p, STR(""));
	return turn(p, never, watch, err);
}

void pipe_close(struct pipe *p)
{
	if (p->easy && p->multi)
		curl_multi_remove_handle(p->multi, p->easy);
	if (p->easy)
		curl_easy_cleanup(p->easy);
	if (p->multi)
		curl_multi_cleanup(p->multi);
	for (struct curl_slist *line = p->headers; line; line = line->next)
		explicit_bzero(line->data, strlen(line->data));
	curl_slist_free_all(p->headers);
	if (p->is_packing)
		deflateEnd(&p->gzip);
	clickhouse_answer_clear(&p->answer);
	buf_clear(&p->url);
	*p = (struct pipe){ 0 };
}
