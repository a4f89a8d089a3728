/* fusion.c - a function's code with its sequences of fusion.def marked */
#include "vm/machine/interpreter.h"

#define SEQUENCE_MAX 5

static const struct sequence { uint8_t number, count, ops[SEQUENCE_MAX]; } sequences[] = {
#define FUSION(number, name, ...) \
	{ number, sizeof((uint8_t[]){ __VA_ARGS__ }), { __VA_ARGS__ } },
#include "vm/machine/fusion.def"
#undef FUSION
};

static bool stands(const struct sequence *s, const struct instruction *at, uint32_t left)
{
	if (s->count > left)
		return false;
	for (uint8_t i = 0; i < s->count; i++)
		if (at[i].op != s->ops[i])
			return false;
	return true;
}

const struct instruction *machine_fused(struct machine *vm, uint32_t number)
{
	const struct function *f = &vm->m->functions[number];
	if (vm->fused[number])
		return vm->fused[number];
	struct instruction *code =
		arena_array(&vm->constant_heap.arena, struct instruction, f->code_count);
	memcpy(code, f->code, f->code_count * sizeof(*code));
	for (uint32_t pc = 0; pc < f->code_count; pc++) {
		uint8_t longest = 0;
		for (size_t i = 0; i < ARRAY_SIZE(sequences); i++) {
			if (sequences[i].count > longest &&
			    stands(&sequences[i], f->code + pc, f->code_count - pc)) {
				longest = sequences[i].count;
				code[pc].op = sequences[i].number;
			}
		}
	}
	vm->fused[number] = code;
	return code;
}
