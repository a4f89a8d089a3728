/* operation_try.c - failing, and outliving a failure */
#include "vm/machine/interpreter.h"

#include <stdio.h>

bool raise_failure(struct machine *vm)
{
	const struct value *operands = vm->cursor.sp - 3;
	struct str class = value_text(operands[0]), code = value_text(operands[1]),
		   message = value_text(operands[2]);

	machine_fail_here(vm, "%.*s", (int)(message.len < 1 << 20 ? message.len : 1 << 20),
			  message.ptr);
	machine_failed_as(vm, class, code);
	vm->thrown = true;
	return false;
}

void machine_failed_as(struct machine *vm, struct str class, struct str code)
{
	snprintf(vm->failure_class, sizeof(vm->failure_class), "%.*s", STR_ARG(class));
	snprintf(vm->failure_code, sizeof(vm->failure_code), "%.*s", STR_ARG(code));
}

/* Where a failure at pc goes on in its function: the innermost region of a TRY that pc lies in
 * begins last. NO_INDEX: nowhere. */
static uint32_t handler(const struct machine *vm, uint32_t function, uint32_t pc)
{
	const struct instruction *code = vm->m->functions[function].code;

	for (uint32_t at = pc; at-- > 0;)
		if (code[at].op == OP_TRY && code[at].a > pc)
			return code[at].a;
	return NO_INDEX;
}

/* The frame that outlives a failure where the machine is. count: how many wait below it. */
static uint32_t find_handler(const struct machine *vm, uint32_t *count, uint32_t *function,
			     size_t *base)
{
	uint32_t pc = (uint32_t)(vm->cursor.at - vm->cursor.code);

	*count = vm->frame_count;
	*function = vm->function;
	*base = (size_t)(vm->cursor.locals - vm->values);
	for (;;) {
		uint32_t target = handler(vm, *function, pc);
		const struct frame *f;

		if (target != NO_INDEX || *count == 0)
			return target;
		f = &vm->frames[--*count];
		*function = f->function;
		*base = f->base;
		pc = f->pc;
	}
}

/* The handler of a block that only gives something back when it ends in a failure, and then fails
 * as it did: where it does that. NO_INDEX: it is one of the author's. */
static uint32_t fails_again(const struct function *f, uint32_t handler)
{
	const struct instruction *at = &f->code[handler];

	if (f->code_count - handler < 5 || at[0].op != OP_CAUGHT || at[1].op != OP_STORE ||
	    (at[2].op != OP_UNLOCK && at[2].op != OP_ABANDON) || at[3].op != OP_LOAD)
		return NO_INDEX;
	for (uint32_t pc = handler + 4; pc < f->code_count; pc++)
		if (f->code[pc].op == OP_RAISE)
			return pc;
	return NO_INDEX;
}

bool machine_outlives(const struct machine *vm)
{
	uint32_t pc = (uint32_t)(vm->cursor.at - vm->cursor.code);
	uint32_t count = vm->frame_count, function = vm->function;

	for (;;) {
		uint32_t target = handler(vm, function, pc);

		if (target != NO_INDEX) {
			pc = fails_again(&vm->m->functions[function], target);
			if (pc == NO_INDEX)
				return true;
		} else if (count == 0) {
			return false;
		} else {
			function = vm->frames[--count].function;
			pc = vm->frames[count].pc;
		}
	}
}

bool machine_abandons(const struct machine *vm, struct str out[3])
{
	const struct instruction *code = vm->m->functions[vm->request.function].code;
	uint32_t pc = vm->request.pc;
	struct value v;

	if (vm->request.op != OP_ABANDON || pc == 0 || code[pc - 1].op != OP_STORE)
		return false;
	v = vm->cursor.locals[code[pc - 1].a];
	if (v.kind != VALUE_RECORD || v.record->count != 3)
		return false;
	for (uint32_t i = 0; i < 3; i++) {
		if (v.record->at[i].kind != VALUE_STRING)
			return false;
		out[i] = value_text(v.record->at[i]);
	}
	return true;
}

static struct value caught(struct machine *vm, uint32_t type, struct str class, struct str code,
			   struct str message)
{
	const struct value parts[] = { value_string(&vm->heap, class),
				       value_string(&vm->heap, code),
				       value_string(&vm->heap, message) };

	return value_record(&vm->heap, machine_names(vm, type), parts, ARRAY_SIZE(parts));
}

bool machine_catch(struct machine *vm)
{
	uint32_t count, function, target;
	const struct instruction *at;
	size_t base;

	target = find_handler(vm, &count, &function, &base);
	if (target == NO_INDEX)
		return false;
	vm->frame_count = count;
	vm->function = function;
	vm->cursor.code = vm->m->functions[function].code;
	vm->cursor.locals = vm->values + base;
	vm->cursor.sp = vm->cursor.locals + vm->m->functions[function].local_count;
	at = vm->cursor.code + target;
	*vm->cursor.sp++ = caught(vm, at->a, str_c(vm->failure_class), str_c(vm->failure_code),
				  str_c(vm->failure ? vm->failure : ""));
	vm->cursor.at = at + 1;
	free(vm->failure);
	vm->failure = NULL;
	vm->thrown = false;
	vm->state = MACHINE_PAUSED;
	return true;
}

/* Come to without a failure, there is nothing to tell. */
bool make_caught(struct machine *vm)
{
	*vm->cursor.sp++ = caught(vm, vm->cursor.at->a, STR(""), STR(""), STR(""));
	vm->cursor.at++;
	return true;
}
