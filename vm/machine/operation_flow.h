/* operation_flow.h - bodies of locals, stack, jumps, calls and questions to the world */
#ifndef VM_MACHINE_OPERATION_FLOW_H
#define VM_MACHINE_OPERATION_FLOW_H

#include "vm/machine/operation_number.h"

static inline bool push(struct cursor *c, struct value v)
{
	*c->sp++ = v;
	return done(c);
}

static inline bool do_CONSTANT(struct machine *vm, struct cursor *c)
{
	struct value v = vm->constants[c->at->a];
	if (v.kind == VALUE_NULL)
		return heavy(vm, c, make_constant);
	return push(c, v);
}

static inline bool do_INT(struct machine *vm UNUSED, struct cursor *c)
{
	return push(c, value_int((int32_t)c->at->a));
}

static inline bool do_BOOL(struct machine *vm UNUSED, struct cursor *c)
{
	return push(c, value_bool(c->at->a != 0));
}

static inline bool do_NULL(struct machine *vm UNUSED, struct cursor *c)
{
	return push(c, value_null());
}

static inline bool do_LOAD(struct machine *vm UNUSED, struct cursor *c)
{
	value_move(c->sp++, &c->locals[c->at->a]);
	return done(c);
}

static inline bool do_STORE(struct machine *vm UNUSED, struct cursor *c)
{
	value_move(&c->locals[c->at->a], --c->sp);
	return done(c);
}

static inline bool do_POP(struct machine *vm UNUSED, struct cursor *c)
{
	c->sp--;
	return done(c);
}

static inline bool do_DUP(struct machine *vm UNUSED, struct cursor *c)
{
	return push(c, c->sp[-1]);
}

static inline bool do_WIDEN(struct machine *vm UNUSED, struct cursor *c)
{
	return done(c);
}

static inline bool do_PARAM(struct machine *vm, struct cursor *c)
{
	if (!vm->params)
		return machine_fail(vm, c, "the parameters are not known yet");
	return push(c, vm->params[c->at->a]);
}

static inline bool do_FROZEN(struct machine *vm, struct cursor *c)
{
	if (!vm->frozens)
		return machine_fail(vm, c, "the migration's values are not known yet");
	return push(c, vm->frozens[c->at->a]);
}

static inline bool do_CONNECTION(struct machine *vm UNUSED, struct cursor *c)
{
	return push(c, value_connection(c->at->a));
}

static inline bool jump(struct cursor *c, bool taken)
{
	c->at = taken ? c->code + c->at->a : c->at + 1;
	return true;
}

static inline bool do_JUMP(struct machine *vm UNUSED, struct cursor *c)
{
	return jump(c, true);
}

static inline bool do_JUMP_IF_FALSE(struct machine *vm UNUSED, struct cursor *c)
{
	c->sp--;
	return jump(c, !c->sp->flag);
}

static inline bool do_JUMP_IF_TRUE(struct machine *vm UNUSED, struct cursor *c)
{
	c->sp--;
	return jump(c, c->sp->flag);
}

static inline bool do_UNWRAP(struct machine *vm UNUSED, struct cursor *c)
{
	bool is_null = c->sp[-1].kind == VALUE_NULL;
	c->sp -= is_null;
	return jump(c, is_null);
}

static inline bool do_CALL(struct machine *vm, struct cursor *c)
{
	const struct function *f = &vm->m->functions[c->at->a];
	const struct instruction *code = vm->codes[c->at->a];
	struct value *locals = c->sp - f->param_count;
	struct value *end = vm->values + vm->room;
	if (!code || vm->frame_count == MACHINE_FRAMES_MAX ||
	    end - locals < (ptrdiff_t)f->local_count + f->max_stack)
		return heavy(vm, c, enter_function);
	vm->frames[vm->frame_count++] = (struct frame){ vm->function, (uint32_t)(c->at - c->code),
							 (size_t)(c->locals - vm->values) };
	vm->function = c->at->a;
	for (c->locals = locals, locals += f->local_count; c->sp < locals;)
		*c->sp++ = value_null();
	c->code = c->at = code;
	return true;
}

static inline bool do_RETURN(struct machine *vm, struct cursor *c)
{
	const struct function *from = &vm->m->functions[vm->function];
	bool gives = from->result != TYPE_NOTHING;
	const struct value *result = c->sp - 1;
	if (vm->frame_count == 0) {
		vm->result = gives ? *result : value_null();
		vm->state = MACHINE_RETURNED;
		return false;
	}
	const struct frame *to = &vm->frames[--vm->frame_count];
	c->sp = c->locals;
	c->locals = vm->values + to->base;
	c->code = vm->codes[to->function];
	c->at = c->code + to->pc;
	vm->function = to->function;
	if (gives)
		value_move(c->sp++, result);
	return done(c);
}

static inline bool do_FAIL(struct machine *vm, struct cursor *c)
{
	return heavy(vm, c, throw_failure);
}

static inline bool do_RAISE(struct machine *vm, struct cursor *c)
{
	return heavy(vm, c, raise_failure);
}

/* Where a failure goes on is read off the code when there is one. */
static inline bool do_TRY(struct machine *vm UNUSED, struct cursor *c)
{
	return done(c);
}

static inline bool do_BUILTIN(struct machine *vm, struct cursor *c)
{
	return heavy(vm, c, call_builtin);
}

/* The questions: the operands stay on the stack until the answer, so that a saved state asks again.
 */
#define ASK_BODY(name) \
	static inline bool do_##name(struct machine *vm, struct cursor *c) \
	{ \
		return heavy(vm, c, ask); \
	}

ASK_BODY(QUERY)
ASK_BODY(EXEC)
ASK_BODY(NOW)
ASK_BODY(UUID)
ASK_BODY(SETTING)
ASK_BODY(ENV)
ASK_BODY(APP_VERSION)
ASK_BODY(SERVICE_VERSION)
ASK_BODY(CLUSTER)
ASK_BODY(LOG)
ASK_BODY(PROGRESS)
ASK_BODY(SLEEP)
ASK_BODY(HALT)
ASK_BODY(LOCK)
ASK_BODY(UNLOCK)
ASK_BODY(TRANSACTION)
ASK_BODY(COMMIT)
ASK_BODY(ABANDON)
ASK_BODY(WINDOW)
ASK_BODY(COPY)
ASK_BODY(HTTP)
ASK_BODY(SET_SETTING)
ASK_BODY(APPROVAL)
ASK_BODY(PLAN)
ASK_BODY(PARALLEL)
ASK_BODY(PARALLEL_END)
#undef ASK_BODY

#endif
