/*
 * verify_flow.c - follows every path of a function
 *
 * A block begins at the first instruction and at every target of a jump. Its state is what all ways
 * there agree on: the types on the stack, each widened to what holds on every way, and the locals
 * that every way has stored to. Widening and forgetting only go one way, so the search ends; a
 * budget of work ends it early for code that no compiler writes.
 */
#include "vm/isa/verify.h"

#include <stdlib.h>

struct block {
	bool seen, queued;
	struct flow_state state;
};

struct flow {
	struct verifier *v;
	const struct function *function;
	struct arena *arena;		/* the verifier's */
	uint32_t *block_of; /* by instruction: number of its block + 1, 0 none begins there */
	struct block *blocks;
	uint32_t *queue;		/* instructions at which blocks begin */
	uint32_t queued;
	uint32_t words;			/* of flow_state.stored */
	struct flow_state now;
};

static void init(struct flow *f, struct verifier *v, uint32_t function)
{
	*f = (struct flow){ .v = v, .function = &v->m->functions[function], .arena = &v->arena };
	arena_reset(f->arena);
	v->function = function;
	v->max_stack = 0;
	v->work = VERIFY_WORK_MAX;
	f->block_of = arena_array(f->arena, uint32_t, f->function->code_count);
	uint32_t count = 1;
	f->block_of[0] = 1;
	for (uint32_t pc = 0; pc < f->function->code_count; pc++) {
		const struct instruction *at = &f->function->code[pc];
		if (opcode_table[at->op].a == OPERAND_TARGET && f->block_of[at->a] == 0)
			f->block_of[at->a] = ++count;
	}
	f->blocks = arena_array(f->arena, struct block, count);
	f->queue = arena_array(f->arena, uint32_t, count);
	f->words = (f->function->local_count + 63) / 64;
	/* An instruction adds one value at the most, and a block is entered at one depth only. */
	uint32_t deepest = f->function->code_count + 2;
	f->now.stack = arena_array(f->arena, uint32_t,
				   deepest < FUNCTION_STACK_MAX ? deepest : FUNCTION_STACK_MAX);
	f->now.stored = arena_array(f->arena, uint64_t, f->words);
}

static void copy_state(const struct flow *f, struct flow_state *to, const struct flow_state *from)
{
	to->depth = from->depth;
	if (from->depth > 0)
		memcpy(to->stack, from->stack, from->depth * sizeof(*to->stack));
	if (f->words > 0)
		memcpy(to->stored, from->stored, f->words * sizeof(*to->stored));
}

static bool spend(struct flow *f, uint64_t work)
{
	if (work > f->v->work)
		return verify_refuse(f->v, "the function is too tangled to be proved");
	f->v->work -= work;
	return true;
}

static void enqueue(struct flow *f, struct block *b, uint32_t pc)
{
	if (!b->queued)
		f->queue[f->queued++] = pc;
	b->queued = true;
}

static bool merge_stack(struct flow *f, struct flow_state *known, uint32_t pc, bool *changed)
{
	struct verifier *v = f->v;
	if (known->depth != f->now.depth)
		return verify_refuse(
			v,
			"comes to instruction %u with %u values on the stack, another way with %u",
			pc, f->now.depth, known->depth);
	for (uint32_t i = 0; i < known->depth; i++) {
		if (types_assignable(v->types, f->now.stack[i], known->stack[i]))
			continue;
		if (types_assignable(v->types, known->stack[i], f->now.stack[i])) {
			known->stack[i] = f->now.stack[i];
			*changed = true;
			continue;
		}
		struct buf types = { 0 };
		types_print(v->types, f->now.stack[i], &types);
		buf_text(&types, ", another way with ");
		types_print(v->types, known->stack[i], &types);
		verify_refuse(v, "comes to instruction %u with %s on the stack", pc,
			      buf_view(&types).ptr);
		buf_clear(&types);
		return false;
	}
	return true;
}

/* The present state flows into the block at pc. */
static bool merge(struct flow *f, uint32_t pc)
{
	struct block *b = &f->blocks[f->block_of[pc] - 1];
	bool changed = false;
	if (!spend(f, (uint64_t)f->now.depth + f->words + 1))
		return false;
	if (!b->seen) {
		b->seen = true;
		b->state.stack = arena_array(f->arena, uint32_t, f->now.depth);
		b->state.stored = arena_array(f->arena, uint64_t, f->words);
		copy_state(f, &b->state, &f->now);
		enqueue(f, b, pc);
		return true;
	}
	if (!merge_stack(f, &b->state, pc, &changed))
		return false;
	for (uint32_t w = 0; w < f->words; w++) {
		uint64_t both = b->state.stored[w] & f->now.stored[w];
		changed |= both != b->state.stored[w];
		b->state.stored[w] = both;
	}
	if (changed)
		enqueue(f, b, pc);
	return true;
}

static bool check_world(struct flow *f, const struct instruction *at)
{
	struct verifier *v = f->v;
	bool effect = opcode_table[at->op].world == WORLD_EFFECT;
	if (at->op == OP_CALL)
		effect = (v->m->functions[at->a].flags & FUNCTION_EFFECT) != 0;
	if (effect && !(f->function->flags & FUNCTION_EFFECT))
		return verify_refuse(v, "changes the world in a function that may not");
	return true;
}

static bool check_local(struct flow *f, const struct instruction *at)
{
	uint64_t bit = UINT64_C(1) << (at->a % 64);
	if (at->op == OP_STORE)
		f->now.stored[at->a / 64] |= bit;
	else if (!(f->now.stored[at->a / 64] & bit))
		return verify_refuse(f->v, "local %u is not stored to on every way here", at->a);
	return true;
}

/* One instruction. *ends: none follows it. jumps: whether its target takes part. */
static bool step(struct flow *f, bool jumps, bool *ends)
{
	struct verifier *v = f->v;
	const struct instruction *at = &f->function->code[v->pc];
	const struct opcode_info *info = &opcode_table[at->op];
	uint32_t bound[2], field;
	if (!spend(f, 1) || !check_world(f, at) || !verify_pops(v, &f->now, bound, &field))
		return false;
	if (info->a == OPERAND_LOCAL && !check_local(f, at))
		return false;
	if (at->op == OP_TRY && f->now.depth > 0)
		return verify_refuse(v, "begins with %u values on the stack", f->now.depth);
	if (info->a == OPERAND_TARGET && jumps && !merge(f, at->a))
		return false;
	*ends = info->world == WORLD_END || at->op == OP_JUMP;
	if (*ends)
		return true;
	if (!verify_pushes(v, &f->now, bound, field))
		return false;
	if (v->pc + 1 == f->function->code_count)
		return verify_refuse(v,
				     "the function does not end here, but there is no more of it");
	return true;
}

static bool run_block(struct flow *f, uint32_t pc)
{
	struct block *b = &f->blocks[f->block_of[pc] - 1];
	b->queued = false;
	copy_state(f, &f->now, &b->state);
	if (!spend(f, f->now.depth))
		return false;
	for (f->v->pc = pc;;) {
		bool ends;
		if (!step(f, true, &ends))
			return false;
		if (ends)
			return true;
		f->v->pc++;
		if (f->block_of[f->v->pc] != 0)
			return merge(f, f->v->pc);
	}
}

static bool run(struct flow *f)
{
	for (uint32_t p = 0; p < f->function->param_count; p++)
		f->now.stored[p / 64] |= UINT64_C(1) << (p % 64);
	f->v->pc = 0;
	if (!merge(f, 0))
		return false;
	while (f->queued > 0)
		if (!run_block(f, f->queue[--f->queued]))
			return false;
	return true;
}

bool verify_flow(struct verifier *v, uint32_t function)
{
	struct flow f;
	init(&f, v, function);
	return run(&f);
}

bool verify_flow_at(struct verifier *v, uint32_t function, uint32_t pc, struct arena *a,
		    struct frame_map *out)
{
	struct flow f;
	init(&f, v, function);
	bool reached = run(&f), ends = false;
	uint32_t from = pc;
	while (reached && f.block_of[from] == 0)
		from--;
	reached = reached && f.blocks[f.block_of[from] - 1].seen;
	if (reached)
		copy_state(&f, &f.now, &f.blocks[f.block_of[from] - 1].state);
	for (v->pc = from; reached && v->pc < pc; v->pc++)
		reached = step(&f, false, &ends) && !ends;
	if (reached) {
		uint32_t *stack = arena_array(a, uint32_t, f.now.depth);
		uint64_t *stored = arena_array(a, uint64_t, f.words);
		struct flow_state kept = { .stack = stack, .stored = stored };
		copy_state(&f, &kept, &f.now);
		*out = (struct frame_map){ kept.depth, stack, stored };
	}
	return reached;
}
