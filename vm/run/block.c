/* block.c - see block.h */
#include "vm/run/block.h"

#include "vm/base/mutant.h"
#include "vm/run/strand.h"

#define CALLS_MAX 64

/* ---- while the plan is made ---- */

/* The locks that a run has are told by how far in it is, and are its own whoever of it asks: two
 * operations at once would both be in the block of one lock. A `transaction` has the run from its
 * first statement to its commit. What an operator is to do, or to say yes to, is one thing of the
 * whole run. */
static bool is_for_one(uint32_t op)
{
	return op == OP_LOCK || op == OP_TRANSACTION || op == OP_HALT || op == OP_APPROVAL;
}

static bool has_one(const struct module *m, uint32_t function, unsigned depth)
{
	const struct function *f;

	if (function == NO_INDEX || depth > CALLS_MAX)
		return false;
	f = &m->functions[function];
	for (uint32_t pc = 0; pc < f->code_count; pc++)
		if (is_for_one(f->code[pc].op) ||
		    (f->code[pc].op == OP_CALL && has_one(m, f->code[pc].a, depth + 1)))
			return true;
	return false;
}

static bool goes_alone(const struct module *m, const struct operation_row *row)
{
	const struct operation *op = &m->operations[row->operation];

	return has_one(m, op->forward, 0) || has_one(m, op->rollback, 0);
}

void block_plan_add(struct block_plan *p, const struct module *m, struct operation_row *row,
		    bool per_host, bool first)
{
	int64_t wanted = p->wanted ? p->wanted : per_host ? AT_ONCE_MAX : 0;

	if (!p->wanted && first)
		p->open = false;
	if (wanted < 2 || goes_alone(m, row)) {
		p->open = false;
		return;
	}
	if (!p->open)
		p->count++;
	p->open = true;
	row->block = p->count;
	row->at_once = wanted;
}

void block_plan_end(struct operation_row *plan, int64_t count)
{
	int64_t dropped = 0;

	for (int64_t i = 0, end; i < count; i = end) {
		for (end = i + 1; end < count && plan[i].block && plan[end].block == plan[i].block;)
			end++;
		if (plan[i].block && end == i + 1) {
			plan[i].block = plan[i].at_once = 0;
			dropped++;
		}
		for (int64_t k = i; k < end && plan[k].block; k++)
			plan[k].block -= dropped;
	}
}

/* ---- forward ---- */

bool block_is_at(const struct run *r)
{
	return r->index < r->count && r->plan[r->index].block;
}

void block_of(const struct run *r, int64_t index, int64_t *begin, int64_t *end)
{
	const struct operation_row *plan = r->plan;

	*begin = index;
	*end = index + 1;
	while (plan[index].block && *begin > 0 && plan[*begin - 1].block == plan[index].block)
		--*begin;
	while (plan[index].block && *end < r->count && plan[*end].block == plan[index].block)
		++*end;
}

void block_step(struct run *r, int64_t index)
{
	if (!r->plan[index].block) {
		r->index = index + 1;
		return;
	}
	r->plan[index].completion = ++r->completions;
	while (block_is_at(r) && r->plan[r->index].block == r->plan[index].block &&
	       r->plan[r->index].completion)
		r->index++;
}

void block_step_back(struct run *r, int64_t index)
{
	if (r->plan[index].completion && r->plan[index].completion == r->completions) {
		r->completions--;
		r->plan[index].completion = 0;
	}
}

int block_progress(const struct run *r)
{
	struct progress p = r->progress;
	int64_t begin, end, done = 0;

	if (!p.before)
		return 0;
	if (!block_is_at(r))
		return progress_percent(&p, r->index, r->share);
	block_of(r, r->index, &begin, &end);
	for (int64_t i = begin; i < end; i++)
		if (r->plan[i].status == OPERATION_STATUS_DONE)
			done += p.before[i + 1] - p.before[i];
	return progress_between(&p, begin, (double)done + strands_share(r));
}

/* ---- backward ---- */

/* What is half done comes first, then what came to its end last. */
static bool is_before(const struct operation_row *a, const struct operation_row *b)
{
	if (mutant(MUTANT_UNDO_ORDER))
		return a->index > b->index;
	if (!a->completion || !b->completion)
		return !a->completion && (b->completion || a->index > b->index);
	return a->completion > b->completion;
}

static int64_t next_of_block(const struct run *r, int64_t index)
{
	int64_t begin, end, next = -1;

	block_of(r, index, &begin, &end);
	for (int64_t i = begin; i < end; i++) {
		const struct operation_row *o = &r->plan[i];

		if (o->status != OPERATION_STATUS_PENDING &&
		    o->status != OPERATION_STATUS_ROLLED_BACK &&
		    (next < 0 || is_before(o, &r->plan[next])))
			next = i;
	}
	return next;
}

static int64_t from(const struct run *r, int64_t index)
{
	while (index >= 0 && r->plan[index].block) {
		int64_t begin, end, next = next_of_block(r, index);

		if (next >= 0)
			return next;
		block_of(r, index, &begin, &end);
		index = begin - 1;
	}
	return index;
}

int64_t block_undo_first(const struct run *r)
{
	return from(r, r->index < r->count ? r->index : r->count - 1);
}

int64_t block_undo_next(const struct run *r, int64_t index)
{
	return from(r, r->plan[index].block ? index : index - 1);
}
