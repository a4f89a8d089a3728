/*
 * lane_state.c - lanes made, put away, and in a checkpoint
 *
 * The parts of its envelope: the cursor; the count of lanes; per lane number and attempt of its
 * open effect (0 none), from, until, machine.
 */
#include "vm/run/envelope.h"
#include "vm/run/host.h"
#include "vm/run/lane.h"

#include <stdlib.h>

#define LANES_FORMAT 1u

static enum watch_wish ask(void *lanes)
{
	struct lanes *all = lanes;

	return atomic_load(&all->cancel) ? WATCH_CANCEL : WATCH_GO_ON;
}

struct lanes *lanes_new(struct run *r)
{
	struct lanes *all = must_alloc(sizeof(*all));
	pthread_condattr_t clock;

	memset(all, 0, sizeof(*all));
	pthread_mutex_init(&all->lock, NULL);
	pthread_condattr_init(&clock);
	pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	pthread_cond_init(&all->news, &clock);
	pthread_condattr_destroy(&clock);
	machine_keep_blobs(r->vm, NULL);
	r->lanes = all;
	return all;
}

struct lane *lanes_add(struct run *r, struct lanes *all, struct machine *vm)
{
	struct lane *l = &all->at[all->count++];

	if (!vm) {
		vm = machine_new(&r->module);
		machine_set_params(vm, r->params);
		machine_set_frozens(vm, r->frozens);
	}
	*l = (struct lane){ .all = all, .vm = vm, .watch = { ask, all } };
	return l;
}

static void clear(struct run *r, struct lane *l)
{
	if (l->has_thread)
		BUG("a lane is put away while its effect is under way");
	for (uint32_t i = 0; l->connections && i < host_places(r); i++)
		if (l->connections[i].kind)
			connection_close(&l->connections[i]);
	if (l->vm != r->vm)
		machine_free(l->vm);
	error_clear(&l->error);
	buf_clear(&l->given.before);
	buf_clear(&l->saved);
	buf_clear(&l->sql);
	buf_clear(&l->text);
	buf_clear(&l->from);
	buf_clear(&l->until);
	buf_clear(&l->window);
}

void lanes_free(struct run *r)
{
	struct lanes *all = r->lanes;

	if (!all)
		return;
	for (size_t i = 0; i < all->count; i++)
		clear(r, &all->at[i]);
	buf_clear(&all->cursor);
	pthread_cond_destroy(&all->news);
	pthread_mutex_destroy(&all->lock);
	free(all);
	r->lanes = NULL;
	machine_keep_blobs(r->vm, r->journal.blobs);
}

void lane_look_at(struct run *r, struct lane *l)
{
	struct lane *before = r->lanes->looked_at;

	if (before == l)
		return;
	if (before) {
		before->given = r->window.given;
		if (machine_stands(before->vm)) {
			buf_reset(&before->saved);
			machine_save(before->vm, &before->saved);
		}
	} else {
		buf_clear(&r->window.given.before);
	}
	r->lanes->looked_at = l;
	r->vm = l->vm;
	r->window.given = l->given;
	l->given = (struct window_given){ 0 };
}

/* ---- in a checkpoint ---- */

bool lanes_are_in(struct str checkpoint)
{
	return str_starts(checkpoint, STR(ENVELOPE_LANES));
}

void lanes_save(struct run *r, struct buf *out)
{
	struct lanes *all = r->lanes;
	struct lane *now = all->looked_at;
	struct buf body = { 0 };

	if (now && machine_stands(now->vm)) {
		buf_reset(&now->saved);
		machine_save(now->vm, &now->saved);
	}
	envelope_put(&body, buf_view(&all->cursor));
	buf_varint(&body, all->count);
	for (size_t i = 0; i < all->count; i++) {
		const struct lane *l = &all->at[i];

		buf_varint(&body, l->open ? (uint64_t)l->attempt.effect.number : 0);
		buf_varint(&body, l->open ? (uint64_t)l->attempt.effect.attempt : 0);
		envelope_put(&body, buf_view(&l->from));
		envelope_put(&body, buf_view(&l->until));
		envelope_put(&body, buf_view(&l->saved));
	}
	envelope_close(r, ENVELOPE_LANES, LANES_FORMAT, buf_view(&body), out);
	buf_clear(&body);
}

static enum outcome restore_lane(struct run *r, struct reader *in, struct error *err)
{
	struct lane *l = lanes_add(r, r->lanes, r->lanes->count ? NULL : r->vm);
	uint64_t number = reader_varint(in), attempt = reader_varint(in);
	struct str saved;

	l->attempt.effect.number = (int64_t)(number & INT64_MAX);
	l->attempt.effect.attempt = (int64_t)(attempt & INT64_MAX);
	l->open = number > 0;
	buf_str(&l->from, envelope_take(in));
	buf_str(&l->until, envelope_take(in));
	saved = envelope_take(in);
	buf_str(&l->saved, saved);
	return machine_restore(l->vm, saved, err);
}

static enum outcome damaged(struct error *err)
{
	return error_set(err, OUTCOME_DAMAGED,
			 "the checkpoint is damaged: its windows can't be read");
}

enum outcome lanes_restore(struct run *r, struct str checkpoint, struct error *err)
{
	struct reader in;
	uint64_t count;
	enum outcome o = OUTCOME_OK;

	if (!envelope_open(r, ENVELOPE_LANES, LANES_FORMAT, checkpoint, &in))
		return damaged(err);
	buf_str(&lanes_new(r)->cursor, envelope_take(&in));
	count = reader_varint(&in);
	if (in.failed || count < 1 || count > LANES_MAX)
		return damaged(err);
	for (uint64_t i = 0; i < count && o == OUTCOME_OK; i++)
		o = restore_lane(r, &in, err);
	if (o == OUTCOME_OK && (in.failed || reader_left(&in)))
		o = damaged(err);
	return o;
}
