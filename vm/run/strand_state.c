/*
 * strand_state.c - strands made, put away, and in a checkpoint
 *
 * The parts of its envelope: how many operations are in the middle; per operation its index and its
 * machine. Which effects are open is in the journal, one of an operation at most.
 */
#include "vm/run/envelope.h"
#include "vm/run/block.h"
#include "vm/run/host.h"
#include "vm/run/strand.h"

#include <stdlib.h>

#define STRANDS_FORMAT 1u

struct strands *strands_new(struct run *r)
{
	struct strands *all = must_alloc(sizeof(*all));
	pthread_condattr_t clock;
	size_t size;

	memset(all, 0, sizeof(*all));
	all->r = r;
	block_of(r, r->index, &all->begin, &all->end);
	size = arena_bytes(sizeof(bool), (size_t)(all->end - all->begin));
	all->given = must_alloc(size);
	memset(all->given, 0, size);
	pthread_mutex_init(&all->lock, NULL);
	pthread_condattr_init(&clock);
	pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	pthread_cond_init(&all->news, &clock);
	pthread_condattr_destroy(&clock);
	all->turn = true;
	r->strands = all;
	return all;
}

static struct machine *new_machine(struct run *r)
{
	struct machine *vm = machine_new(&r->module);

	machine_set_params(vm, r->params);
	machine_set_frozens(vm, r->frozens);
	return vm;
}

struct strand *strands_add(struct run *r, struct strands *all)
{
	struct strand *s = &all->at[all->count++];
	size_t places = (size_t)host_places(r) + 1;

	s->all = all;
	s->mine.vm = new_machine(r);
	s->connections = arena_array(&r->arena, struct connection, places);
	s->borrowed = arena_array(&r->arena, bool, places);
	return s;
}

static void clear(struct run *r, struct strand *s)
{
	if (s->has_thread)
		BUG("a strand is put away while its thread runs");
	for (uint32_t i = 0; i < host_places(r); i++)
		if (s->connections[i].kind)
			connection_close(&s->connections[i]);
	machine_free(s->mine.vm);
	buf_clear(&s->mine.window.given.before);
	buf_clear(&s->mine.sql);
	buf_clear(&s->mine.failed_sql);
	buf_clear(&s->saved);
	buf_clear(&s->durable);
	error_clear(&s->error);
}

void strands_free(struct run *r)
{
	struct strands *all = r->strands;

	if (!all)
		return;
	if (all->holder)
		turn_give(all);
	for (size_t i = 0; i < all->count; i++)
		clear(r, &all->at[i]);
	for (size_t i = 0; i < all->loaded_count; i++)
		buf_clear(&all->loaded[i].machine);
	pthread_cond_destroy(&all->news);
	pthread_mutex_destroy(&all->lock);
	free(all->given);
	free(all);
	r->strands = NULL;
}

/* ---- in a checkpoint ---- */

static void put(struct buf *body, uint64_t *count, int64_t index, const struct buf *machine)
{
	if (!machine->len)
		return;
	buf_varint(body, (uint64_t)index);
	envelope_put(body, buf_view(machine));
	++*count;
}

static void save(const struct run *r, struct buf *out)
{
	const struct strands *all = r->strands;
	struct buf machines = { 0 }, parts = { 0 };
	uint64_t count = 0;

	for (size_t i = 0; i < all->loaded_count; i++)
		if (!all->loaded[i].taken)
			put(&machines, &count, all->loaded[i].index, &all->loaded[i].machine);
	for (size_t i = 0; i < all->count; i++) {
		const struct strand *s = &all->at[i];

		put(&machines, &count, s->act.index, s == all->holder ? &s->saved : &s->durable);
	}
	if (count && !all->undone) {
		buf_varint(&parts, count);
		buf_str(&parts, buf_view(&machines));
		envelope_close(r, ENVELOPE_STRANDS, STRANDS_FORMAT, buf_view(&parts), out);
	}
	buf_clear(&machines);
	buf_clear(&parts);
}

void strands_save(struct run *r, struct buf *out)
{
	struct strand *s = r->strands->holder;

	if (s && machine_stands(r->vm)) {
		buf_reset(&s->saved);
		machine_save(r->vm, &s->saved);
	}
	save(r, out);
}

void strands_save_without(struct run *r, struct buf *out)
{
	if (r->strands->holder)
		buf_reset(&r->strands->holder->saved);
	save(r, out);
}

static void copy(struct buf *to, const struct buf *from)
{
	buf_reset(to);
	buf_str(to, buf_view(from));
}

void strands_committed(struct run *r)
{
	struct strand *s = r->strands->holder;

	if (s)
		copy(&s->durable, &s->saved);
}

void strands_forget(struct run *r)
{
	struct strand *s = r->strands->holder;

	if (s)
		copy(&s->saved, &s->durable);
}

bool strands_are_in(struct str checkpoint)
{
	return str_starts(checkpoint, STR(ENVELOPE_STRANDS));
}

static enum outcome damaged(const char *why, struct error *err)
{
	return error_set(err, OUTCOME_DAMAGED, "the checkpoint is damaged: %s", why);
}

/* One that has not come to its end, and is there once. */
static bool can_be(const struct strands *all, uint64_t index)
{
	const struct run *r = all->r;

	for (size_t i = 0; i < all->loaded_count; i++)
		if (all->loaded[i].index == (int64_t)index)
			return false;
	return index >= (uint64_t)all->begin && index < (uint64_t)all->end &&
	       !r->plan[index].completion;
}

static enum outcome restore_one(struct run *r, struct reader *in, struct machine *vm,
				struct error *err)
{
	struct strands *all = r->strands;
	uint64_t index = reader_varint(in);
	struct str machine = envelope_take(in);
	struct loaded *l;

	if (in->failed || !can_be(all, index))
		return damaged("it has an operation that is not under way in its block", err);
	l = &all->loaded[all->loaded_count++];
	*l = (struct loaded){ .index = (int64_t)index };
	buf_str(&l->machine, machine);
	return machine_restore(vm, machine, err);
}

enum outcome strands_restore(struct run *r, struct str checkpoint, struct error *err)
{
	struct machine *vm;
	struct reader in;
	uint64_t count;
	enum outcome o = OUTCOME_OK;

	if (!envelope_open(r, ENVELOPE_STRANDS, STRANDS_FORMAT, checkpoint, &in))
		return damaged("its operations can't be read", err);
	if (r->phase != PHASE_FORWARD || !block_is_at(r))
		return damaged("operations at once are under way only in their block", err);
	strands_new(r);
	count = reader_varint(&in);
	if (in.failed || count < 1 || count > AT_ONCE_MAX)
		return damaged("its operations can't be counted", err);
	vm = new_machine(r);
	for (uint64_t i = 0; i < count && o == OUTCOME_OK; i++)
		o = restore_one(r, &in, vm, err);
	machine_free(vm);
	return o == OUTCOME_OK && reader_left(&in) ? damaged("something is behind it", err) : o;
}
