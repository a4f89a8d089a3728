/* machine.c - life cycle, questions and answers */
#include "vm/machine/blobs_inside.h"
#include "vm/machine/interpreter.h"

#include <stdlib.h>

#define ROOM_FIRST 256u

struct machine *machine_new(const struct module *m)
{
	if (!m->verified)
		BUG("a module must be verified before it runs");
	struct machine *vm = must_alloc(sizeof(*vm));
	memset(vm, 0, sizeof(*vm));
	vm->m = m;
	vm->room = ROOM_FIRST;
	vm->values = must_alloc(vm->room * sizeof(*vm->values));
	vm->threshold = HEAP_FIRST_THRESHOLD;
	vm->heap_max = MACHINE_HEAP_MAX_BYTES;
	vm->constants = arena_array(&vm->constant_heap.arena, struct value, m->constant_count);
	vm->pieces = arena_array(&vm->constant_heap.arena, struct value *, m->template_count);
	vm->type_count = m->types.all.count;
	vm->names = arena_array(&vm->constant_heap.arena, const struct str *, vm->type_count);
	vm->fused = arena_array(&vm->constant_heap.arena, const struct instruction *,
				m->function_count);
	vm->plain = arena_array(&vm->constant_heap.arena, const struct instruction *,
				m->function_count);
	for (uint32_t i = 0; i < m->function_count; i++)
		vm->plain[i] = m->functions[i].code;
	vm->codes = vm->plain;
	return vm;
}

void machine_free(struct machine *vm)
{
	if (!vm)
		return;
	regexes_clear(vm);
	for (size_t i = 0; i < ORIGINS_KEPT; i++)
		free((void *)(uintptr_t)vm->origins[i].ptr);
	heap_clear(&vm->heap);
	heap_clear(&vm->constant_heap);
	heap_clear(&vm->param_heap);
	heap_clear(&vm->frozen_heap);
	free(vm->failure);
	free(vm->values);
	free(vm);
}

void machine_limit_heap(struct machine *vm, size_t bytes)
{
	vm->heap_max = bytes;
	if (vm->threshold > bytes)
		vm->threshold = bytes;
}

void machine_set_params(struct machine *vm, const struct value *params)
{
	heap_clear(&vm->param_heap);
	blobs_forget_places(vm->blobs);
	vm->params = arena_array(&vm->param_heap.arena, struct value, vm->m->param_count);
	for (uint32_t i = 0; i < vm->m->param_count; i++) {
		if (!value_is(params[i], &vm->m->types, vm->m->params[i].type))
			BUG("parameter %u is not of its type", i);
		vm->params[i] = params[i];
	}
	value_copy_all(&vm->param_heap, vm->params, vm->m->param_count, false);
}

void machine_set_frozens(struct machine *vm, const struct value *frozens)
{
	heap_clear(&vm->frozen_heap);
	blobs_forget_places(vm->blobs);
	vm->frozens = arena_array(&vm->frozen_heap.arena, struct value, vm->m->frozen_count);
	for (uint32_t i = 0; i < vm->m->frozen_count; i++) {
		if (!value_is(frozens[i], &vm->m->types, vm->m->frozens[i].type))
			BUG("frozen value %u is not of its type", i);
		vm->frozens[i] = frozens[i];
	}
	value_copy_all(&vm->frozen_heap, vm->frozens, vm->m->frozen_count, false);
}

bool machine_reserve(struct machine *vm, struct cursor *c, size_t needed)
{
	if (needed > MACHINE_STACK_MAX)
		return machine_fail(vm, c, "the calls go too deep: they need more than %d values",
				    MACHINE_STACK_MAX);
	if (needed <= vm->room)
		return true;
	ptrdiff_t sp = c->sp - vm->values, locals = c->locals - vm->values;
	while (vm->room < needed)
		vm->room *= 2;
	vm->values = must_realloc(vm->values, vm->room * sizeof(*vm->values));
	c->sp = vm->values + sp;
	c->locals = vm->values + locals;
	return true;
}

void machine_reset(struct machine *vm)
{
	vm->state = MACHINE_IDLE;
	free(vm->failure);
	vm->failure = NULL;
	vm->thrown = false;
	vm->frame_count = 0;
	vm->result = value_null();
	vm->request = (struct machine_request){ 0 };
	heap_clear(&vm->heap);
	blobs_forget_places(vm->blobs);
	vm->threshold = vm->heap_max < HEAP_FIRST_THRESHOLD ? vm->heap_max : HEAP_FIRST_THRESHOLD;
}

void machine_start(struct machine *vm, uint32_t function, const struct value *args)
{
	if (function >= vm->m->function_count)
		BUG("there is no function %u", function);
	const struct function *f = &vm->m->functions[function];
	machine_reset(vm);
	vm->function = function;
	vm->cursor = (struct cursor){ f->code, vm->values, vm->values, f->code };
	vm->state = MACHINE_PAUSED;
	if (!machine_reserve(vm, &vm->cursor, (size_t)f->local_count + f->max_stack))
		return;
	for (uint32_t i = 0; i < f->local_count; i++)
		vm->values[i] = i < f->param_count ? args[i] : value_null();
	for (uint32_t i = 0; i < f->param_count; i++)
		if (!value_is(args[i], &vm->m->types, f->local_types[i]))
			BUG("argument %u of function %u is not of its type", i, function);
	value_copy_all(&vm->heap, vm->values, f->param_count, false);
	vm->cursor.sp += f->local_count;
}

enum machine_state machine_run(struct machine *vm, uint64_t fuel)
{
	uint64_t left = fuel ? fuel : UINT64_MAX;
	vm->codes = left < MACHINE_FUSED_FUEL_MIN ? vm->plain : vm->fused;
	while (vm->state == MACHINE_PAUSED && left > 0) {
		machine_loop(vm, &left);
		if (vm->state == MACHINE_FAILED)
			machine_catch(vm);
	}
	return vm->state;
}

bool machine_fail_here(struct machine *vm, const char *format, ...)
{
	const struct cursor *c = &vm->cursor;
	struct buf why = { 0 };
	va_list args;
	va_start(args, format);
	buf_vformat(&why, format, args);
	va_end(args);
	free(vm->failure);
	vm->failure = must_strdup(buf_view(&why).ptr);
	buf_clear(&why);
	vm->failed_function = vm->function;
	vm->failed_pc = (uint32_t)(c->at - c->code);
	machine_failed_as(vm, STR("failed"), STR(""));
	vm->state = MACHINE_FAILED;
	return false;
}

bool throw_failure(struct machine *vm)
{
	struct str message = value_text(vm->cursor.sp[-1]);
	machine_fail_here(vm, "%.*s", (int)(message.len < 1 << 20 ? message.len : 1 << 20),
			  message.ptr);
	vm->thrown = true;
	return false;
}

struct str machine_failure(const struct machine *vm, uint32_t *function, uint32_t *pc, bool *thrown)
{
	if (function)
		*function = vm->failed_function;
	if (pc)
		*pc = vm->failed_pc;
	if (thrown)
		*thrown = vm->thrown;
	return str_c(vm->failure ? vm->failure : "");
}

struct value machine_result(const struct machine *vm)
{
	return vm->result;
}

struct heap *machine_heap(struct machine *vm)
{
	return &vm->heap;
}

/* How many operands a question has on the stack. */
static size_t operand_count(const struct machine *vm, const struct instruction *at)
{
	switch (at->op) {
	case OP_QUERY:
	case OP_EXEC:
	case OP_SET_SETTING:
		return 2;
	case OP_HTTP:
		return 3;
	case OP_WINDOW:
		return 5;
	case OP_COPY:
		return 6;
	case OP_SETTING:
	case OP_ENV:
	case OP_SERVICE_VERSION:
	case OP_CLUSTER:
	case OP_LOG:
	case OP_PROGRESS:
	case OP_SLEEP:
	case OP_HALT:
	case OP_LOCK:
	case OP_TRANSACTION:
	case OP_APPROVAL:
	case OP_PARALLEL:
		return 1;
	case OP_PLAN:
		return 2 + (size_t)vm->m->operations[at->a].capture_count;
	default:
		return 0;
	}
}

bool ask(struct machine *vm)
{
	const struct instruction *at = vm->cursor.at;
	size_t count = operand_count(vm, at);
	const struct value *operands = vm->cursor.sp - count;
	struct machine_request q = { .op = (enum opcode)at->op,
				     .need = NO_INDEX,
				     .operation = NO_INDEX,
				     .function = vm->function,
				     .pc = (uint32_t)(at - vm->cursor.code) };
	q.operands = operands;
	q.operand_count = (uint32_t)count;
	if (count && operands[0].kind == VALUE_CONNECTION)
		q.need = operands[0].need;
	if (at->op == OP_QUERY || at->op == OP_EXEC) {
		q.value = operands[1];
		q.shape = (enum query_shape)at->b;
		q.ends = at->op == OP_EXEC && vm->frame_count == 0 && at[1].op == OP_POP &&
			 at[2].op == OP_RETURN;
	} else if (at->op == OP_PLAN) {
		q.operation = at->a;
		q.value = operands[0];
		q.options = operands[1];
		q.captures = operands + 2;
	} else if (count == 1) {
		q.value = operands[0];
	}
	vm->request = q;
	vm->state = MACHINE_ASKS;
	return false;
}

const struct machine_request *machine_request(const struct machine *vm)
{
	return &vm->request;
}

/* Origin n is kept until ORIGINS_KEPT more have come: `as` follows its query closely. */
static uint32_t keep_origin(struct machine *vm, struct str origin)
{
	if (origin.len == 0)
		return 0;
	vm->last_origin = vm->last_origin == UINT32_MAX ? 1 : vm->last_origin + 1;
	struct str *slot = &vm->origins[vm->last_origin % ORIGINS_KEPT];
	free((void *)(uintptr_t)slot->ptr);
	char *copy = must_alloc(origin.len);
	memcpy(copy, origin.ptr, origin.len);
	*slot = (struct str){ copy, origin.len };
	return vm->last_origin;
}

struct str machine_origin(const struct machine *vm, uint32_t origin)
{
	if (origin == 0 || origin > vm->last_origin || vm->last_origin - origin >= ORIGINS_KEPT)
		return STR("");
	return vm->origins[origin % ORIGINS_KEPT];
}

static bool is_answer(const struct machine *vm, struct value answer)
{
	const struct machine_request *q = &vm->request;
	switch (q->op) {
	case OP_QUERY:		return q->shape == SHAPE_EXISTS ? answer.kind == VALUE_BOOL :
				       answer.kind != VALUE_CONNECTION;
	case OP_EXEC:
	case OP_COPY:		return answer.kind == VALUE_NULL || answer.kind == VALUE_INT;
	case OP_WINDOW:
		return value_is(answer, &vm->m->types,
				vm->m->functions[q->function].code[q->pc].a);
	case OP_NOW:		return answer.kind == VALUE_TIMESTAMP;
	case OP_UUID:		return answer.kind == VALUE_STRING;
	case OP_APP_VERSION:
	case OP_SERVICE_VERSION:	return answer.kind == VALUE_VERSION;
	case OP_SETTING:
	case OP_ENV:
	case OP_CLUSTER:	return answer.kind == VALUE_NULL || answer.kind == VALUE_STRING;
	default:		return true;
	}
}

void machine_answer(struct machine *vm, struct value answer, struct str origin)
{
	if (vm->state != MACHINE_ASKS || !is_answer(vm, answer))
		BUG("an answer of kind %d in state %d to %s", (int)answer.kind, (int)vm->state,
		    opcode_table[vm->request.op].name);
	if (!machine_check_value(vm, answer))
		return;
	struct cursor *c = &vm->cursor;
	c->sp -= operand_count(vm, c->at);
	if (opcode_table[c->at->op].pushes[0]) {
		answer.origin = keep_origin(vm, origin);
		*c->sp++ = answer;
	}
	c->at++;
	vm->state = MACHINE_PAUSED;
}

void machine_answer_failure(struct machine *vm, struct str class, struct str code,
			    struct str message)
{
	machine_fail_here(vm, "%.*s", STR_ARG(message));
	machine_failed_as(vm, class, code);
	machine_catch(vm);
}
