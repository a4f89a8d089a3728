/* clickhouse_pipe.c - bodies and answers that flow, over curl */
#include "vm/connection/clickhouse_pipe.h"
#include "vm/base/os.h"

#define STORED_MAX 65535	/* bytes of a block that is not pressed */
#define REFUSAL_CAP_BYTES ((size_t)1 << 20)
#define UPLOAD_BYTES 524288L
#define PRESS_LEVEL 3		/* most of what can be gained, at half of the time */
#define GZIP_WINDOW (15 + 16)	/* zlib's word for gzip */

/* ---- gzip ---- */

static void make_crc_table(uint32_t table[8][256])
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t c = i;

		for (int k = 0; k < 8; k++)
			c = c & 1 ? 0xedb88320u ^ (c >> 1) : c >> 1;
		table[0][i] = c;
	}
	for (uint32_t i = 0; i < 256; i++)
		for (int k = 1; k < 8; k++)
			table[k][i] = table[0][table[k - 1][i] & 255] ^
					  (table[k - 1][i] >> 8);
}

/* Eight bytes at once. */
static uint32_t crc_of(uint32_t table[8][256], uint32_t crc, const unsigned char *at, size_t len)
{
	crc = ~crc;
	for (; len >= 8; at += 8, len -= 8) {
		uint32_t low = crc ^ ((uint32_t)at[0] | (uint32_t)at[1] << 8 |
				      (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24);

		crc = table[7][low & 255] ^ table[6][low >> 8 & 255] ^
		      table[5][low >> 16 & 255] ^ table[4][low >> 24] ^
		      table[3][at[4]] ^ table[2][at[5]] ^ table[1][at[6]] ^
		      table[0][at[7]];
	}
	for (; len > 0; at++, len--)
		crc = table[0][(crc ^ *at) & 255] ^ (crc >> 8);
	return ~crc;
}

/* All of it is on its way at once, so that a server that waits has something to do. */
static void press(struct pipe *p, struct str bytes, bool last)
{
	char room[65536];
	int rc;

	buf_reset(&p->packed);
	p->packed_sent = 0;
	p->press.next_in = (Bytef *)(uintptr_t)bytes.ptr;
	p->press.avail_in = (uInt)bytes.len;
	do {
		p->press.next_out = (Bytef *)room;
		p->press.avail_out = sizeof(room);
		rc = deflate(&p->press, last ? Z_FINISH : Z_SYNC_FLUSH);
		if (rc == Z_STREAM_ERROR)
			BUG("zlib is not in order");
		buf_add(&p->packed, room, sizeof(room) - p->press.avail_out);
	} while (p->press.avail_out == 0);
}

static void pack(struct pipe *p, struct str bytes, bool last)
{
	static const char head[10] = { 0x1f, (char)0x8b, 8, 0, 0, 0, 0, 0, 0, (char)0xff };

	if (p->is_pressed) {
		press(p, bytes, last);
		return;
	}
	buf_reset(&p->packed);
	p->packed_sent = 0;
	if (!p->is_begun)
		buf_add(&p->packed, head, sizeof(head));
	p->is_begun = true;
	p->crc = crc_of(p->crc_table, p->crc, (const unsigned char *)bytes.ptr, bytes.len);
	p->bytes += (uint32_t)bytes.len;
	while (bytes.len) {
		uint16_t n = bytes.len > STORED_MAX ? STORED_MAX : (uint16_t)bytes.len;

		buf_u8(&p->packed, 0);
		buf_u16(&p->packed, n);
		buf_u16(&p->packed, (uint16_t)~n);
		buf_add(&p->packed, bytes.ptr, n);
		bytes.ptr += n;
		bytes.len -= n;
	}
	if (!last)
		return;
	buf_u8(&p->packed, 1);
	buf_u16(&p->packed, 0);
	buf_u16(&p->packed, 0xffff);
	buf_u32(&p->packed, p->crc);
	buf_u32(&p->packed, p->bytes);
}

/* ---- curl's callbacks ---- */

static size_t send_body(char *room, size_t size, size_t count, void *context)
{
	struct pipe *p = context;
	size_t left = p->packed.len - p->packed_sent, n = size * count;

	if (n > left)
		n = left;
	if (n == 0) {
		p->is_empty = !p->is_ended;
		return p->is_ended ? 0 : CURL_READFUNC_PAUSE;
	}
	memcpy(room, p->packed.ptr + p->packed_sent, n);
	p->packed_sent += n;
	return n;
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
	make_crc_table(p->crc_table);
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
	p->is_pressed = !request->reading && clickhouse_is_compressed(h);
	if (p->is_pressed && deflateInit2(&p->press, PRESS_LEVEL, Z_DEFLATED, GZIP_WINDOW, 8,
					  Z_DEFAULT_STRATEGY) != Z_OK)
		BUG("zlib has no memory");
	if (!request->reading) {
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
	return p->packed_sent == p->packed.len;
}

static bool never(const struct pipe *p UNUSED)
{
	return false;
}

static void go_on(struct pipe *p)
{
	bool was_empty = p->is_empty;

	p->is_empty = false;
	if (was_empty)
		curl_easy_pause(p->easy, CURLPAUSE_CONT);
}

enum outcome pipe_write(struct pipe *p, struct str bytes, const struct watch *watch,
			struct error *err)
{
	pack(p, bytes, false);
	go_on(p);
	return turn(p, is_gone, watch, err);
}

enum outcome pipe_end(struct pipe *p, const struct watch *watch, struct error *err)
{
	pack(p, STR(""), true);
	p->is_ended = true;
	go_on(p);
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
	if (p->is_pressed)
		deflateEnd(&p->press);
	clickhouse_answer_clear(&p->answer);
	buf_clear(&p->packed);
	buf_clear(&p->url);
	*p = (struct pipe){ 0 };
}
