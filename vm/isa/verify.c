/* verify.c - proves a module: operands here, tables and flow in the files beside */
#include "vm/isa/verify.h"

static void PRINTF_LIKE(3, 0)
	refuse(struct verifier *v, const char *place, const char *format, va_list args)
{
	struct buf why = { 0 };
	if (!v->err)
		return;
	buf_vformat(&why, format, args);
	error_set(v->err, OUTCOME_DAMAGED, "the module is damaged: %s%s", place,
		  buf_view(&why).ptr);
	buf_clear(&why);
}

bool verify_refuse(struct verifier *v, const char *format, ...)
{
	const struct function *f = &v->m->functions[v->function];
	const char *name = opcode_table[f->code[v->pc].op].name;
	struct buf place = { 0 };
	buf_format(&place, "function %u (%.*s), instruction %u (%s): ", v->function,
		   STR_ARG(f->name), v->pc, name ? name : "?");
	va_list args;
	va_start(args, format);
	refuse(v, buf_view(&place).ptr, format, args);
	va_end(args);
	buf_clear(&place);
	return false;
}

bool verify_refuse_table(struct verifier *v, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	refuse(v, "", format, args);
	va_end(args);
	return false;
}

/* Whether the module has such a thing. */
static bool is_within(const struct verifier *v, enum operand_kind kind, uint32_t operand)
{
	const struct module *m = v->m;
	const struct function *f = &m->functions[v->function];
	switch (kind) {
	case OPERAND_NONE:	return operand == 0;
	case OPERAND_COUNT:
	case OPERAND_NUMBER:
	case OPERAND_FIELD:	return true;
	case OPERAND_FLAG:	return operand <= 1;
	case OPERAND_LOCAL:	return operand < f->local_count;
	case OPERAND_CONSTANT:	return operand < m->constant_count;
	case OPERAND_TYPE:	return operand < m->types.all.count && operand != TYPE_NOTHING;
	case OPERAND_TARGET:	return operand < f->code_count;
	case OPERAND_FUNCTION:	return operand < m->function_count;
	case OPERAND_BUILTIN:	return operand <= BUILTIN_MAX && builtin_table[operand].name;
	case OPERAND_TEMPLATE:	return operand < m->template_count;
	case OPERAND_PARAM:	return operand < m->param_count;
	case OPERAND_FROZEN:	return operand < m->frozen_count;
	case OPERAND_NEED:	return operand < m->need_count;
	case OPERAND_OPERATION:	return operand < m->operation_count;
	case OPERAND_SHAPE:	return operand < SHAPE_COUNT;
	}
	return false;
}

static bool is_error(const struct verifier *v, uint32_t type)
{
	static const char *const names[] = { "class", "code", "message" };
	const struct type *t = types_get(v->types, type);
	if (t->kind != TYPE_RECORD || t->field_count != ARRAY_SIZE(names))
		return false;
	for (uint32_t i = 0; i < t->field_count; i++)
		if (!str_eq(t->fields[i].name, str_c(names[i])) || t->fields[i].type != TYPE_STRING)
			return false;
	return true;
}

static bool is_window(const struct verifier *v, uint32_t type)
{
	static const char *const names[] = { "after", "upto", "where", "end", "size" };
	const struct type *t = types_get(v->types, type), *after;
	if (t->kind != TYPE_OPTIONAL)
		return false;
	t = types_get(v->types, t->element);
	if (t->kind != TYPE_RECORD || t->field_count != ARRAY_SIZE(names))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!str_eq(t->fields[i].name, str_c(names[i])))
			return false;
	after = types_get(v->types, t->fields[0].type);
	return after->kind == TYPE_OPTIONAL && after->element == t->fields[1].type &&
	       t->fields[2].type == TYPE_SQL && t->fields[3].type == t->fields[1].type &&
	       t->fields[4].type == TYPE_INT;
}

static bool check_instruction(struct verifier *v)
{
	const struct module *m = v->m;
	const struct instruction *at = &m->functions[v->function].code[v->pc];
	const struct opcode_info *info = &opcode_table[at->op];
	if (!info->name)
		return verify_refuse(v, "there is no instruction %u", at->op);
	if (at->zero != 0)
		return verify_refuse(v, "its second byte is not zero");
	if (!is_within(v, info->a, at->a))
		return verify_refuse(v, "its operand a is %u: the module has no such thing", at->a);
	if (!is_within(v, info->b, at->b))
		return verify_refuse(v, "its operand b is %u: the module has no such thing", at->b);
	if (at->op == OP_AS && !types_assignable(v->types, at->a, TYPE_ANY))
		return verify_refuse(v, "no query gives a connection");
	if (at->op == OP_PLAN && v->function != m->migration.plan)
		return verify_refuse(v, "only the migration's plan may plan");
	if ((at->op == OP_PARALLEL || at->op == OP_PARALLEL_END) &&
	    v->function != m->migration.plan)
		return verify_refuse(v, "only the migration's plan has operations");
	if (at->op == OP_CAUGHT && !is_error(v, at->a))
		return verify_refuse(v, "what is caught has class, code and message");
	if (at->op == OP_WINDOW && !is_window(v, at->a))
		return verify_refuse(v, "a window is null or has after, upto, where, end, size");
	if (at->op == OP_CALL && at->a == m->migration.plan)
		return verify_refuse(v, "the plan can't be called");
	return true;
}

static bool check_function(struct verifier *v)
{
	const struct function *f = &v->m->functions[v->function];
	if (f->source >= v->m->source_count)
		return verify_refuse_table(v, "function %u: there is no source %u", v->function,
					   f->source);
	for (v->pc = 0; v->pc < f->code_count; v->pc++)
		if (!check_instruction(v))
			return false;
	return true;
}

enum outcome module_verify(struct module *m, struct error *err)
{
	struct verifier v = { .m = m, .types = &m->types, .err = err };
	verify_prepare();
	bool proved = verify_tables(&v);
	for (v.function = 0; proved && v.function < m->function_count; v.function++)
		proved = check_function(&v);
	for (uint32_t i = 0; proved && i < m->function_count; i++) {
		v.work = VERIFY_WORK_MAX;
		proved = verify_tries(&v, i) && verify_flow(&v, i);
		m->functions[i].max_stack = v.max_stack;
	}
	arena_clear(&v.arena);
	m->verified = proved;
	return proved ? OUTCOME_OK : OUTCOME_DAMAGED;
}

bool module_frame(const struct module *m, uint32_t function, uint32_t pc, struct arena *a,
		  struct frame_map *out)
{
	if (!m->verified || function >= m->function_count ||
	    pc >= m->functions[function].code_count)
		return false;
	/* Proving it once has put every type that comes up into the table: the copy is only read.
	 */
	struct types types = m->types;
	struct verifier v = { .m = m, .types = &types };
	verify_prepare();
	bool reached = verify_flow_at(&v, function, pc, a, out);
	arena_clear(&v.arena);
	if (types.all.count != m->types.all.count)
		BUG("proving function %u again made a new type", function);
	return reached;
}
