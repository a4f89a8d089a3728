/*
 * verify_try.c - the regions of TRY: from behind it to its target
 *
 * They lie in each other or apart, and are entered through their TRY only, so that what is stored
 * there is stored everywhere in the region: the way to the target can be taken from any place in
 * it. The machine finds the region of a failure by looking at the code alone.
 */
#include "vm/isa/verify.h"

struct regions {
	struct verifier *v;
	const struct function *f;
	struct arena arena;
	uint32_t *of;	  /* by instruction: its innermost TRY + 1, 0 none */
	uint32_t *parent; /* by TRY: that around it + 1 */
};

static bool is_caught(const struct regions *r, uint32_t pc)
{
	uint32_t target = r->f->code[pc].a;

	return target > pc && r->f->code[target].op == OP_CAUGHT;
}

/* Sets of[] and parent[]. */
static bool lay_out(struct regions *r)
{
	const struct function *f = r->f;
	uint32_t open = 0;

	for (uint32_t pc = 0; pc < f->code_count; pc++) {
		while (open && f->code[open - 1].a == pc)
			open = r->parent[open - 1];
		r->of[pc] = open;
		if (f->code[pc].op != OP_TRY)
			continue;
		r->v->pc = pc;
		if (!is_caught(r, pc))
			return verify_refuse(r->v, "its target is no CAUGHT behind it");
		if (open && f->code[pc].a > f->code[open - 1].a)
			return verify_refuse(r->v, "its region leaves the one that it lies in");
		r->parent[pc] = open;
		open = pc + 1;
	}
	return true;
}

static bool is_within(struct regions *r, uint32_t pc, uint32_t region)
{
	for (uint32_t at = r->of[pc]; at != region; at = r->parent[at - 1]) {
		if (at == 0)
			return false;
		if (r->v->work == 0)
			return verify_refuse(r->v, "the function is too tangled to be proved");
		r->v->work--;
	}
	return true;
}

static bool check_jumps(struct regions *r)
{
	for (uint32_t pc = 0; pc < r->f->code_count; pc++) {
		const struct instruction *at = &r->f->code[pc];

		r->v->pc = pc;
		if (opcode_table[at->op].a != OPERAND_TARGET || r->of[at->a] == 0)
			continue;
		if (!is_within(r, pc, r->of[at->a]))
			return verify_refuse(r->v, "jumps into the region of a TRY");
	}
	return true;
}

static bool has_try(const struct function *f)
{
	for (uint32_t pc = 0; pc < f->code_count; pc++)
		if (f->code[pc].op == OP_TRY)
			return true;
	return false;
}

bool verify_tries(struct verifier *v, uint32_t function)
{
	struct regions r = { .v = v, .f = &v->m->functions[function] };
	bool good;

	if (!has_try(r.f))
		return true;
	v->function = function;
	r.of = arena_array(&r.arena, uint32_t, r.f->code_count);
	r.parent = arena_array(&r.arena, uint32_t, r.f->code_count);
	good = lay_out(&r) && check_jumps(&r);
	arena_clear(&r.arena);
	return good;
}
