/* command_worker.c - `amigrun worker`: takes what is to be run, one after the other, for ever */
#include "vm/command/command.h"

#include "vm/base/os.h"

#define REFUSED_WAIT_MS 1000  /* after a claim that somebody else has won, or that can't be now */
#define STORE_WAIT_MIN_MS 500 /* until a store that is out of reach is tried again */
#define STORE_WAIT_MAX_MS 10000

static void wait_ms(int64_t ms)
{
	int64_t until = os_monotonic_ms() + ms;

	while (!run_is_told_to_end() && os_monotonic_ms() < until)
		os_sleep_ms(until - os_monotonic_ms());
}

static void say(const struct context *c, const char *word, struct str name)
{
	if (!c->options.quiet)
		fprintf(stderr, "worker: %.*s: %s\n", STR_ARG(name), word);
}

static enum outcome carry_out(struct context *c, const struct work *w, struct error *err)
{
	struct run_options options = context_run_options(c);
	struct bar bar;
	enum outcome o;

	say(c, w->what == WANTED_ROLLBACK ? "is to be rolled back" : "is to be run", w->name);
	options.release_on_signal = true;
	bar_init(&bar, c->options.quiet || c->options.json);
	options.listener = bar.listener.hear ? &bar.listener : NULL;
	o = work_do(c->store, &c->instance, c->has_bundle ? &c->bundle : NULL, w, &options, err);
	bar_end(&bar);
	return o;
}

/* The bundle may have been replaced since, or be about to be: without it what was begun goes on all
 * the same. What is wrong with it is said when it changes. */
static void open_bundle(struct context *c, struct buf *told)
{
	struct error err = { 0 };

	if (context_open_bundle(c, true, &err) == OUTCOME_OK) {
		buf_clear(told);
	} else if (!str_eq(buf_view(told), str_c(err.message))) {
		show_error(&err, c->options.json);
		buf_clear(told);
		buf_text(told, err.message);
	}
	error_clear(&err);
}

/* Does one thing, or waits for one. */
static enum outcome turn(struct context *c, struct buf *told, struct error *err)
{
	struct work w;
	bool heard, later;
	enum outcome o;

	open_bundle(c, told);
	o = work_find(c->store, c->has_bundle ? &c->bundle : NULL, &c->instance, &w, err);
	if (o == OUTCOME_OK && w.name.len) {
		o = carry_out(c, &w, err);
		if (o != OUTCOME_OK && !run_is_told_to_end()) {
			show_error(err, c->options.json);
			if (o == OUTCOME_NOT_NOW || o == OUTCOME_USAGE || o == OUTCOME_DAMAGED ||
			    o == OUTCOME_UNREACHABLE)
				wait_ms(REFUSED_WAIT_MS);
		}
		/* Of all refusals one passes by itself: so many may run at once. */
		later = o == OUTCOME_NOT_NOW && err->class == ERROR_TRANSIENT;
		error_clear(err);
		o = later ? OUTCOME_OK : work_forget(c->store, &w, err);
	} else if (o == OUTCOME_OK && !run_is_told_to_end()) {
		o = store_hear(c->store, (int)w.again_in_ms + 1, &heard, err);
	}
	work_clear(&w);
	context_close_bundle(c);
	return o;
}

/* Opens the store anew, at longer and longer intervals. */
static void reopen(struct context *c, struct error *err)
{
	int64_t wait = STORE_WAIT_MIN_MS;

	store_close(c->store);
	c->store = NULL;
	while (!c->store && !run_is_told_to_end()) {
		show_error(err, c->options.json);
		error_clear(err);
		wait_ms(wait);
		wait = wait * 2 < STORE_WAIT_MAX_MS ? wait * 2 : STORE_WAIT_MAX_MS;
		if (context_open_store(c, err) == OUTCOME_OK &&
		    store_listen(c->store, err) != OUTCOME_OK) {
			store_close(c->store);
			c->store = NULL;
		}
	}
	error_clear(err);
}

enum outcome command_worker(struct context *c, struct error *err)
{
	struct buf told = { 0 };
	enum outcome o = context_open_store(c, err);

	if (o == OUTCOME_OK)
		o = store_listen(c->store, err);
	if (o != OUTCOME_OK)
		return o;
	run_catch_signals();
	while (!run_is_told_to_end())
		if (turn(c, &told, err) != OUTCOME_OK)
			reopen(c, err);
	buf_clear(&told);
	return OUTCOME_OK;
}
