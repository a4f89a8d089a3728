/*
 * lane_state.c - lanes made, put away, and in a checkpoint
 *
 *   "amln" u8 format  module identity (16)  u64 XXH3 of the rest
 *   0 (it refers to no blobs)  the cursor
 *   count of lanes; per lane: number and attempt of its open effect (0 none), from, until, machine
 *
 * Texts have their length before them; all numbers are LEB128. The head is as that of a machine's
 * own checkpoint, so that who sweeps the blobs can read how many there are.
 */
#include "vm/run/lane.h"

#include "vm/run/host.h"

#include <stdlib.h>

#define LANES_MAGIC "amln"
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

static void put(struct buf *out, struct str s)
{
	buf_varint(out, s.len);
	buf_str(out, s);
}

bool lanes_are_in(struct str checkpoint)
{
	return str_starts(checkpoint, STR(LANES_MAGIC));
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
	buf_varint(&body, 0);
	put(&body, buf_view(&all->cursor));
	buf_varint(&body, all->count);
	for (size_t i = 0; i < all->count; i++) {
		const struct lane *l = &all->at[i];

		buf_varint(&body, l->open ? (uint64_t)l->attempt.effect.number : 0);
		buf_varint(&body, l->open ? (uint64_t)l->attempt.effect.attempt : 0);
		put(&body, buf_view(&l->from));
		put(&body, buf_view(&l->until));
		put(&body, buf_view(&l->saved));
	}
	buf_text(out, LANES_MAGIC);
	buf_u8(out, LANES_FORMAT);
	buf_add(out, r->module.identity.bytes, sizeof(r->module.identity.bytes));
	buf_u64(out, hash_64(buf_view(&body)));
	buf_str(out, buf_view(&body));
	buf_clear(&body);
}

static struct str take(struct reader *in)
{
	uint64_t len = reader_varint(in);

	return in->failed || len > reader_left(in) ? STR("") : reader_bytes(in, (size_t)len);
}

static enum outcome restore_lane(struct run *r, struct reader *in, struct error *err)
{
	struct lane *l = lanes_add(r, r->lanes, r->lanes->count ? NULL : r->vm);
	uint64_t number = reader_varint(in), attempt = reader_varint(in);
	struct str saved;

	l->attempt.effect.number = (int64_t)(number & INT64_MAX);
	l->attempt.effect.attempt = (int64_t)(attempt & INT64_MAX);
	l->open = number > 0;
	buf_str(&l->from, take(in));
	buf_str(&l->until, take(in));
	saved = take(in);
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
	struct reader in = reader_of(checkpoint);
	struct hash identity = { 0 };
	struct str bytes;
	uint64_t hash, count;
	enum outcome o = OUTCOME_OK;

	reader_bytes(&in, sizeof(LANES_MAGIC) - 1);
	if (reader_u8(&in) != LANES_FORMAT)
		return damaged(err);
	bytes = reader_bytes(&in, sizeof(identity.bytes));
	if (bytes.len == sizeof(identity.bytes))
		memcpy(identity.bytes, bytes.ptr, bytes.len);
	hash = reader_u64(&in);
	if (in.failed || !hash_eq(identity, r->module.identity) ||
	    hash != hash_64((struct str){ (const char *)in.at, reader_left(&in) }) ||
	    reader_varint(&in) != 0)
		return damaged(err);
	buf_str(&lanes_new(r)->cursor, take(&in));
	count = reader_varint(&in);
	if (in.failed || count < 1 || count > LANES_MAX)
		return damaged(err);
	for (uint64_t i = 0; i < count && o == OUTCOME_OK; i++)
		o = restore_lane(r, &in, err);
	if (o == OUTCOME_OK && (in.failed || reader_left(&in)))
		o = damaged(err);
	return o;
}
