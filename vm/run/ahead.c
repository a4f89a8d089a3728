/* ahead.c - the rows of the next window, read while those of this one are inserted */
#include "vm/run/ahead.h"

#include "vm/base/os.h"
#include "vm/run/copy.h"
#include "vm/run/host.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define FUEL 10000000
#define CHUNKS_MAX 24
#define CHUNK_BYTES (2 * STREAM_CHUNK_BYTES)

enum ahead_state {
	AHEAD_LOOKS,	/* for the window */
	AHEAD_OPENS,	/* its query is known */
	AHEAD_READS,
	AHEAD_OVER,	/* the thread does nothing more; outcome says how it ended */
};

struct ahead {
	struct run *r;
	struct connection connection;	/* kind NULL: not open */
	uint32_t place;
	bool is_refused;		/* at this place */
	struct machine *vm;
	struct buf saved;
	char window_id[QUERY_ID_SIZE + 2], source_id[QUERY_ID_SIZE + 2];
	struct statement for_window, for_source;
	struct tuning tuned;
	bool is_binary;			/* as rows were read so far */
	int64_t size, took_ms;		/* of the window before */
	int64_t began_ms, tail_ms;	/* from there to the next window; 0: not known */
	struct watch watch;

	pthread_t thread;
	bool has_thread;
	atomic_bool cancel;

	/* What follows is looked at under the lock as long as there is a thread. */
	pthread_mutex_t lock;
	pthread_cond_t news;
	enum ahead_state state;
	struct buf asked, window, sql;
	struct stream source;
	bool is_taken;
	struct buf chunks[CHUNKS_MAX];	/* a ring */
	size_t first, count, bytes;
	enum outcome outcome;
	struct error error;

	struct stream target;	/* kind NULL: none */
	struct buf target_text;
};

static enum watch_wish ask_cancel(void *context)
{
	struct ahead *h = context;

	return atomic_load(&h->cancel) ? WATCH_CANCEL : WATCH_GO_ON;
}

static bool is_cancelled(struct ahead *h)
{
	return atomic_load(&h->cancel);
}

/* What decides which window it will be, but for its size. */
static void print_asked(const struct machine_request *q, struct buf *out)
{
	buf_reset(out);
	buf_format(out, "%u %u %u ", q->function, q->pc, q->need);
	for (uint32_t i = 1; i < q->operand_count; i++)
		value_encode(q->operands[i], out);
}

static void set_state(struct ahead *h, enum ahead_state state)
{
	pthread_mutex_lock(&h->lock);
	h->state = state;
	pthread_cond_broadcast(&h->news);
	pthread_mutex_unlock(&h->lock);
}

/* ---- the thread ---- */

/* To the next thing that it asks of the world; what is only told to people will be told when the
 * run comes to it. */
static const struct machine_request *go_on(struct ahead *h)
{
	while (machine_run(h->vm, FUEL) == MACHINE_ASKS) {
		const struct machine_request *q = machine_request(h->vm);

		if (q->op != OP_LOG && q->op != OP_PROGRESS)
			return q;
		machine_answer(h->vm, value_null(), STR(""));
	}
	return NULL;
}

/* Of the same place, one after the other. */
static bool is_simple(const struct ahead *h, const struct machine_request *q)
{
	const struct value *options;

	if (!q || q->op != OP_WINDOW || host_place(h->r, q->need) != h->place ||
	    !window_is_asked_right(q->operands) || q->operands[4].kind != VALUE_RECORD)
		return false;
	options = q->operands[3].record->at;
	if (options[OPTION_PARALLEL].kind != VALUE_NULL)
		return false;
	return h->took_ms >= 0 || (options[OPTION_TARGET].kind == VALUE_NULL && !h->tuned.target);
}

static bool find_window(struct ahead *h)
{
	const struct machine_request *q = go_on(h);
	struct error ignored = { 0 };
	struct value window = value_null();
	struct asking a;
	enum outcome o;

	if (!is_simple(h, q))
		return false;
	window_ask_apart(&a, h->r, h->vm, &h->connection, &h->tuned, &h->for_window, &h->watch);
	o = window_next(&a, q->operands[4], window_next_size(&a, h->size, h->took_ms), &window,
			&ignored);
	buf_clear(&a.sql);
	error_clear(&ignored);
	if (o != OUTCOME_OK || window.kind == VALUE_NULL)
		return false;
	pthread_mutex_lock(&h->lock);
	print_asked(q, &h->asked);
	buf_reset(&h->window);
	value_encode(window, &h->window);
	h->state = AHEAD_OPENS;
	pthread_cond_broadcast(&h->news);
	pthread_mutex_unlock(&h->lock);
	machine_answer(h->vm, window, STR(""));
	return true;
}

static bool open_source(struct ahead *h)
{
	const struct machine_request *q = go_on(h);
	const struct stream_kind *kind = h->connection.kind->stream;
	struct error ignored = { 0 };
	enum outcome o;

	if (!q || q->op != OP_COPY || host_place(h->r, q->need) != h->place)
		return false;
	o = copy_print_query(h->r, q, &h->connection, &h->sql, &ignored);
	h->for_source.sql = copy_trim_query(buf_view(&h->sql));
	if (o == OUTCOME_OK)
		o = kind->open_source(&h->connection, &h->for_source, &h->watch, &h->source,
				      &ignored);
	h->source.is_binary = h->is_binary && h->source.can_be_binary;
	if (o == OUTCOME_OK)
		o = kind->start(&h->source, &h->watch, &ignored);
	error_clear(&ignored);
	if (o == OUTCOME_OK)
		set_state(h, AHEAD_READS);
	return o == OUTCOME_OK;
}

static void swap(struct buf *a, struct buf *b)
{
	struct buf was = *a;

	*a = *b;
	*b = was;
}

static void swap_streams(struct stream *a, struct stream *b)
{
	struct stream was = *a;

	*a = *b;
	*b = was;
}

/* Waits for room; false: it is dropped. */
static bool put(struct ahead *h, struct buf *chunk)
{
	pthread_mutex_lock(&h->lock);
	while (!is_cancelled(h) && h->count &&
	       (h->count == CHUNKS_MAX || h->bytes + chunk->len > AHEAD_BYTES))
		pthread_cond_wait(&h->news, &h->lock);
	if (!is_cancelled(h)) {
		h->bytes += chunk->len;
		swap(&h->chunks[(h->first + h->count++) % CHUNKS_MAX], chunk);
		pthread_cond_broadcast(&h->news);
	}
	pthread_mutex_unlock(&h->lock);
	return !is_cancelled(h);
}

static bool is_awaited(struct ahead *h)
{
	bool awaited;

	pthread_mutex_lock(&h->lock);
	awaited = h->count == 0;
	pthread_mutex_unlock(&h->lock);
	return awaited;
}

/* In few large chunks, but nobody waits for one to be full. */
static enum outcome read_all(struct ahead *h, struct error *err)
{
	struct buf chunk = { 0 };
	enum outcome o = OUTCOME_OK;

	for (bool end = false; o == OUTCOME_OK && !end;) {
		o = h->connection.kind->stream->read(&h->source, &chunk, &end, &h->watch, err);
		if (!chunk.len || (chunk.len < CHUNK_BYTES && !end && !is_awaited(h)))
			continue;
		if (!put(h, &chunk))
			break;
		buf_reset(&chunk);
	}
	buf_clear(&chunk);
	return o;
}

static void *carry(void *arg)
{
	struct ahead *h = arg;
	struct error err = { 0 };
	enum outcome o = OUTCOME_FAILED;

	if (find_window(h) && open_source(h))
		o = read_all(h, &err);
	pthread_mutex_lock(&h->lock);
	h->outcome = o;
	error_take(&h->error, &err);
	h->state = AHEAD_OVER;
	pthread_cond_broadcast(&h->news);
	pthread_mutex_unlock(&h->lock);
	return NULL;
}

/* ---- the run ---- */

static struct ahead *ahead_of(struct run *r)
{
	struct ahead *h = r->ahead;
	pthread_condattr_t clock;

	if (h)
		return h;
	h = must_alloc(sizeof(*h));
	*h = (struct ahead){ .r = r, .watch = { ask_cancel, h } };
	pthread_mutex_init(&h->lock, NULL);
	pthread_condattr_init(&clock);
	pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	pthread_cond_init(&h->news, &clock);
	pthread_condattr_destroy(&clock);
	r->ahead = h;
	return h;
}

static bool is_wanted(const struct run *r)
{
	return !r->lanes && !r->strands && !r->window.tuned.pause;
}

void ahead_prepare(struct run *r, const struct connection *from, const struct connection *to)
{
	const struct machine_request *q = machine_request(r->vm);
	const uint32_t place = host_place(r, q->need);
	struct error ignored = { 0 };
	struct ahead *h;

	if (from->kind == to->kind || !window_is_in(&r->module, q->function) || !is_wanted(r))
		return;
	h = ahead_of(r);
	if (h->has_thread || (h->place == place && (h->is_refused || h->connection.kind)))
		return;
	connection_close(&h->connection);
	h->place = place;
	h->is_refused = session_open_connection(r, place, &h->connection, &ignored) != OUTCOME_OK;
	error_clear(&ignored);
}

/* A machine that stands where the run's does. */
static bool copy_machine(struct ahead *h)
{
	struct run *r = h->r;
	struct error ignored = { 0 };
	bool restored;

	buf_reset(&h->saved);
	machine_keep_blobs(r->vm, NULL);
	machine_save(r->vm, &h->saved);
	machine_keep_blobs(r->vm, r->journal.blobs);
	if (!h->vm) {
		h->vm = machine_new(&r->module);
		if (r->params)
			machine_set_params(h->vm, r->params);
		if (r->frozens)
			machine_set_frozens(h->vm, r->frozens);
	}
	restored = machine_restore(h->vm, buf_view(&h->saved), &ignored) == OUTCOME_OK &&
		   machine_run(h->vm, FUEL) == MACHINE_ASKS;
	error_clear(&ignored);
	return restored;
}

/* Signals are the run's own thread's to hear. */
static void launch(struct ahead *h)
{
	sigset_t every, before;

	sigfillset(&every);
	pthread_sigmask(SIG_SETMASK, &every, &before);
	h->has_thread = pthread_create(&h->thread, NULL, carry, h) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void ahead_begin(struct run *r, const struct statement *s, int64_t rows, bool is_binary)
{
	struct ahead *h = r->ahead;

	ahead_drop(r);
	if (!h || !h->connection.kind || !is_wanted(r) || r->window.halved ||
	    host_place(r, machine_request(r->vm)->need) != h->place || !copy_machine(h))
		return;
	machine_answer(h->vm, value_int(rows), STR(""));
	snprintf(h->window_id, sizeof(h->window_id), "%s:w", s->query_id);
	snprintf(h->source_id, sizeof(h->source_id), "%s:a", s->query_id);
	/* How long it may take is counted when its rows are copied. */
	h->for_source = (struct statement){ .query_id = h->source_id };
	h->for_window = (struct statement){ .query_id = h->window_id,
					    .timeout_ms = s->timeout_ms,
					    .settings = s->settings,
					    .setting_count = s->setting_count };
	h->tuned = r->window.tuned;
	h->is_binary = is_binary;
	h->size = r->window.given.size;
	h->began_ms = os_monotonic_ms();
	h->took_ms = h->tail_ms && r->window.given.ms
			     ? h->began_ms - r->window.given.ms + h->tail_ms
			     : -1;
	atomic_store(&h->cancel, false);
	h->state = AHEAD_LOOKS;
	launch(h);
}

/* false: nothing came. The lock is held, here and below. */
static bool wait_a_slice(struct ahead *h)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += (long)WATCH_SLICE_MS * 1000000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	return pthread_cond_timedwait(&h->news, &h->lock, &until) == 0;
}

static bool ask_unlocked(struct ahead *h, const struct watch *watch)
{
	bool goes_on;

	pthread_mutex_unlock(&h->lock);
	goes_on = watch_ask(watch) == WATCH_GO_ON;
	pthread_mutex_lock(&h->lock);
	return goes_on;
}

/* Waits until it is further than `state`; false: the watch gave up. */
static bool await(struct ahead *h, enum ahead_state state, const struct watch *watch)
{
	while (h->state <= state)
		if (!wait_a_slice(h) && !ask_unlocked(h, watch))
			return false;
	return true;
}

bool ahead_has_window(struct run *r)
{
	struct ahead *h = r->ahead;
	bool has;

	if (!h || !h->has_thread)
		return false;
	pthread_mutex_lock(&h->lock);
	has = h->state >= AHEAD_OPENS && h->window.len;
	pthread_mutex_unlock(&h->lock);
	return has;
}

static bool is_tuned_alike(const struct tuning *a, const struct tuning *b)
{
	return a->size == b->size && a->min == b->min && a->max == b->max && a->target == b->target;
}

bool ahead_window(struct run *r, struct asking *a, const struct machine *vm, struct value *out)
{
	struct ahead *h = r->ahead;
	struct buf asked = { 0 };
	bool same = false;

	if (!h || !h->has_thread)
		return false;
	h->tail_ms = os_monotonic_ms() - h->began_ms + 1;
	pthread_mutex_lock(&h->lock);
	if (await(h, AHEAD_LOOKS, &r->watch) && h->window.len &&
	    is_tuned_alike(&a->tuned, &h->tuned)) {
		struct reader in = reader_of(buf_view(&h->window));

		print_asked(machine_request(vm), &asked);
		same = str_eq(buf_view(&asked), buf_view(&h->asked)) &&
		       value_decode(&in, a->heap, out);
	}
	pthread_mutex_unlock(&h->lock);
	buf_clear(&asked);
	if (!same)
		ahead_drop(r);
	return same;
}

struct stream *ahead_take(struct run *r, uint32_t place, struct str sql)
{
	struct ahead *h = r->ahead;
	bool same;

	if (!h || !h->has_thread)
		return NULL;
	pthread_mutex_lock(&h->lock);
	same = await(h, AHEAD_OPENS, &r->watch) && h->place == place && !h->is_taken &&
	       h->source.kind && (h->state == AHEAD_READS || h->outcome == OUTCOME_OK) &&
	       str_eq(copy_trim_query(buf_view(&h->sql)), sql);
	h->is_taken = same;
	pthread_mutex_unlock(&h->lock);
	if (!same)
		ahead_drop(r);
	return same ? &h->source : NULL;
}

enum outcome ahead_read(struct run *r, struct buf *out, bool *end, const struct watch *watch,
			struct error *err)
{
	struct ahead *h = r->ahead;
	enum outcome o = OUTCOME_OK;

	pthread_mutex_lock(&h->lock);
	while (h->count == 0 && h->state != AHEAD_OVER && o == OUTCOME_OK)
		if (!wait_a_slice(h) && !ask_unlocked(h, watch)) {
			o = error_set(err, OUTCOME_STOPPED, "stopped while rows were copied");
			err->class = ERROR_TRANSIENT;
		}
	if (o == OUTCOME_OK && h->count) {
		struct buf *at = &h->chunks[h->first];

		swap(out, at);
		buf_reset(at);
		if (at->room > 2 * CHUNK_BYTES)
			buf_clear(at);
		h->first = (h->first + 1) % CHUNKS_MAX;
		h->count--;
		h->bytes -= out->len;
		pthread_cond_broadcast(&h->news);
	} else if (o == OUTCOME_OK) {
		o = h->outcome;
		error_take(err, &h->error);
	}
	*end = o == OUTCOME_OK && h->count == 0 && h->state == AHEAD_OVER &&
	       h->outcome == OUTCOME_OK;
	pthread_mutex_unlock(&h->lock);
	return o;
}

void ahead_keep_target(struct run *r, const struct stream_target *t, struct stream *target)
{
	struct ahead *h = r->ahead;

	if (!h || !h->has_thread || h->target.kind)
		return;
	buf_reset(&h->target_text);
	target->c->kind->stream->print_target(&h->target_text, t);
	target->is_kept = false;
	target->set_aside = NULL;
	target->context = NULL;
	swap_streams(&h->target, target);
}

bool ahead_give_target(struct run *r, const struct stream_target *t, const struct connection *c,
		       struct stream *out)
{
	struct ahead *h = r->ahead;
	struct buf text = { 0 };
	bool same;

	if (!h || h->target.c != c || !h->target.kind)
		return false;
	c->kind->stream->print_target(&text, t);
	same = str_eq(buf_view(&text), buf_view(&h->target_text));
	buf_clear(&text);
	if (same)
		swap_streams(&h->target, out);
	return same;
}

void ahead_drop(struct run *r)
{
	struct ahead *h = r->ahead;

	if (!h || !h->has_thread)
		return;
	pthread_mutex_lock(&h->lock);
	atomic_store(&h->cancel, true);
	pthread_cond_broadcast(&h->news);
	pthread_mutex_unlock(&h->lock);
	pthread_join(h->thread, NULL);
	h->has_thread = false;
	stream_close(&h->source, NULL);
	stream_close(&h->target, NULL);
	for (size_t i = 0; i < CHUNKS_MAX; i++)
		buf_reset(&h->chunks[i]);
	h->first = h->count = h->bytes = 0;
	buf_reset(&h->window);
	buf_reset(&h->sql);
	error_clear(&h->error);
	h->is_taken = false;
}

void ahead_free(struct run *r)
{
	struct ahead *h = r->ahead;

	if (!h)
		return;
	ahead_drop(r);
	connection_close(&h->connection);
	machine_free(h->vm);
	for (size_t i = 0; i < CHUNKS_MAX; i++)
		buf_clear(&h->chunks[i]);
	buf_clear(&h->saved);
	buf_clear(&h->asked);
	buf_clear(&h->window);
	buf_clear(&h->sql);
	buf_clear(&h->target_text);
	pthread_cond_destroy(&h->news);
	pthread_mutex_destroy(&h->lock);
	free(h);
	r->ahead = NULL;
}
