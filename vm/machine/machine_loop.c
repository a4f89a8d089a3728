/*
 * machine_loop.c - dispatch: from one instruction's body to the next
 *
 * Each body ends with its own jump to the next one, through a table of labels (an extension of gcc
 * and clang): the processor then learns which instruction follows which. With one switch for all of
 * them loops of arithmetic took half as long again.
 */
#include "vm/machine/operation_fused.h"

/* The ways into a function that do_CALL() does not know. */
bool enter_function(struct machine *vm)
{
	uint32_t number = vm->cursor.at->a;
	const struct function *f = &vm->m->functions[number];
	size_t base = (size_t)(vm->cursor.sp - vm->values) - f->param_count;
	if (vm->frame_count == MACHINE_FRAMES_MAX)
		return machine_fail_here(vm, "the calls go too deep: more than %d",
					 MACHINE_FRAMES_MAX);
	if (vm->codes == vm->fused)
		machine_fused(vm, number);
	return machine_reserve(vm, &vm->cursor, base + f->local_count + f->max_stack) &&
	       do_CALL(vm, &vm->cursor);
}

_Pragma("GCC diagnostic push")
_Pragma("GCC diagnostic ignored \"-Wpedantic\"")

/* Everything that a body needs often is in c, which stays in registers. */
static struct cursor run(struct machine *vm, struct cursor c, uint64_t *fuel)
{
	uint64_t left = *fuel;
	static const void *const labels[256] = {
#define OPCODE(number, name, a, b, pops, pushes, world, sentence) [number] = &&at_##name,
#define FUSION(number, name, ...) [number] = &&at_##name,
#include "vm/isa/opcodes.def"
#include "vm/machine/fusion.def"
#undef OPCODE
#undef FUSION
	};
#define NEXT() \
	if (left-- == 0) \
		goto used_up; \
	goto *labels[c.at->op]
#define BODY(label, goes_on) \
	label: \
	if (!goes_on) \
		goto out; \
	NEXT();
#define OPCODE(number, name, a, b, pops, pushes, world, sentence) \
	BODY(at_##name, do_##name(vm, &c))
#define FUSION(number, name, ...) BODY(at_##name, do_##name(vm, &c))

	NEXT();
#include "vm/isa/opcodes.def"
#include "vm/machine/fusion.def"
#undef OPCODE
#undef FUSION
#undef BODY
#undef NEXT
used_up:
	left = 0;
out:
	*fuel = left;
	return c;
}

_Pragma("GCC diagnostic pop")

/* The same place in other code of the function. */
static struct cursor moved(struct cursor c, const struct instruction *code)
{
	c.at = code + (c.at - c.code);
	c.code = code;
	return c;
}

void machine_loop(struct machine *vm, uint64_t *fuel)
{
	for (uint32_t i = 0; i < vm->frame_count; i++)
		machine_fused(vm, vm->frames[i].function);
	machine_fused(vm, vm->function);
	struct cursor c = run(vm, moved(vm->cursor, vm->codes[vm->function]), fuel);
	vm->cursor = moved(c, vm->plain[vm->function]);
}
