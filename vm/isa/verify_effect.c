/* verify_effect.c - what an instruction does to the types on the stack, by its row in opcodes.def
 */
#include "vm/isa/image.h"
#include "vm/isa/verify.h"

#include <pthread.h>

#define UNBOUND UINT32_MAX

static bool mismatch(struct verifier *v, const char *wanted, uint32_t found)
{
	struct buf is = { 0 };
	types_print(v->types, found, &is);
	verify_refuse(v, "expects %s, finds %s", wanted, buf_view(&is).ptr);
	buf_clear(&is);
	return false;
}

static bool expect(struct verifier *v, uint32_t found, uint32_t wanted)
{
	if (types_assignable(v->types, found, wanted))
		return true;
	struct buf text = { 0 };
	types_print(v->types, wanted, &text);
	mismatch(v, buf_view(&text).ptr, found);
	buf_clear(&text);
	return false;
}

/* A variable takes its first type, and widens when it occurs again: values never change, so the
 * wider type is true. */
static bool bind(struct verifier *v, uint32_t *bound, uint32_t found)
{
	if (*bound == UNBOUND || types_assignable(v->types, *bound, found)) {
		*bound = found;
		return true;
	}
	return expect(v, found, *bound);
}

static bool bind_sorted(struct verifier *v, uint32_t *bound, uint32_t found)
{
	switch (types_get(v->types, found)->kind) {
	case TYPE_NEVER:
	case TYPE_INT:
	case TYPE_FLOAT:
	case TYPE_STRING:
	case TYPE_DURATION:
	case TYPE_TIMESTAMP:
	case TYPE_VERSION:
		return bind(v, bound, found);
	default:
		return mismatch(v, "a type that has an order", found);
	}
}

static bool is_sorted(struct verifier *v, uint32_t type)
{
	uint32_t bound = UNBOUND;
	return type == UNBOUND || bind_sorted(v, &bound, type);
}

static uint32_t connection_of(struct verifier *v, uint32_t need)
{
	return types_connection(v->types, v->m->needs[need].kind);
}

/* The type of the thing that operand a names. */
static uint32_t named(struct verifier *v, enum pattern_word word, const struct instruction *at)
{
	const struct function *own = &v->m->functions[v->function];
	switch (word) {
	case WORD_TYPE:		return at->a;
	case WORD_LOCAL:	return own->local_types[at->a];
	case WORD_CONSTANT:	return v->m->constants[at->a].type;
	case WORD_PARAM:	return v->m->params[at->a].type;
	case WORD_FROZEN:	return v->m->frozens[at->a].type;
	case WORD_NEED:		return connection_of(v, at->a);
	case WORD_OWN_RESULT:	return own->result;
	case WORD_ANSWER:	return at->b == SHAPE_EXISTS ? TYPE_BOOL : TYPE_ANY;
	default:		BUG("word %d names no type", (int)word);
	}
}

static uint32_t wrapped(struct verifier *v, enum pattern_wrap wrap, uint32_t type)
{
	switch (wrap) {
	case WRAP_LIST:		return types_list(v->types, type);
	case WRAP_OPTIONAL:	return types_optional(v->types, type);
	case WRAP_NONE:		break;
	}
	return type;
}

/* The part of a found type that a variable in [T] or T? stands for; false: it is no list. */
static bool unwrapped(struct verifier *v, enum pattern_wrap wrap, uint32_t found, uint32_t *part)
{
	const struct type *type = types_get(v->types, found);
	*part = found;
	if (wrap == WRAP_LIST) {
		if (type->kind == TYPE_LIST)
			*part = type->element;
		return type->kind == TYPE_LIST || type->kind == TYPE_NEVER;
	}
	if (wrap == WRAP_OPTIONAL) {
		if (type->kind == TYPE_OPTIONAL)
			*part = type->element;
		else if (type->kind == TYPE_NULL)
			*part = TYPE_NEVER;
	}
	return true;
}

/* One value off the stack against one item that is a single value. */
static bool match(struct verifier *v, const struct pattern_item *item, const struct instruction *at,
		  uint32_t found, uint32_t bound[2], uint32_t *field)
{
	uint32_t part;
	const struct type *type = types_get(v->types, found);
	switch (item->word) {
	case WORD_SCALAR:
		return expect(v, found, wrapped(v, item->wrap, item->number));
	case WORD_VARIABLE:
		if (!unwrapped(v, item->wrap, found, &part))
			return mismatch(v, "a list", found);
		return bind(v, &bound[item->number], part);
	case WORD_SORTED:
		return bind_sorted(v, &bound[0], found);
	case WORD_CONNECTION:
		return type->kind == TYPE_CONNECTION || type->kind == TYPE_NEVER ||
		       mismatch(v, "a connection", found);
	case WORD_RECORD:
		if (type->kind == TYPE_NEVER)
			return true;
		if (type->kind != TYPE_RECORD)
			return mismatch(v, "a record", found);
		if (at->a >= type->field_count)
			return verify_refuse(v, "there is no field %u", at->a);
		*field = type->fields[at->a].type;
		return true;
	default:
		return expect(v, found, wrapped(v, item->wrap, named(v, item->word, at)));
	}
}

static bool pop(struct verifier *v, struct flow_state *s, uint32_t *found)
{
	if (s->depth == 0)
		return verify_refuse(v, "takes more from the stack than there is");
	*found = s->stack[--s->depth];
	return true;
}

/* count values of the types that `types` names, the last one on top. */
static bool pop_types(struct verifier *v, struct flow_state *s, const uint32_t *types,
		      uint32_t count)
{
	for (uint32_t i = count; i > 0; i--) {
		uint32_t found = TYPE_NEVER;
		if (!pop(v, s, &found) || !expect(v, found, types[i - 1]))
			return false;
	}
	return true;
}

static bool pop_fields(struct verifier *v, struct flow_state *s, uint32_t record)
{
	if (types_get(v->types, record)->kind != TYPE_RECORD)
		return verify_refuse(v, "makes a record of type %u, which is none", record);
	for (uint32_t i = types_get(v->types, record)->field_count; i > 0; i--) {
		uint32_t found = TYPE_NEVER;
		if (!pop(v, s, &found) ||
		    !expect(v, found, types_get(v->types, record)->fields[i - 1].type))
			return false;
	}
	return true;
}

static bool pop_options(struct verifier *v, struct flow_state *s, uint32_t options)
{
	uint32_t found = TYPE_NEVER;
	if (!pop(v, s, &found))
		return false;
	return found == TYPE_NULL || expect(v, found, options == NO_INDEX ? TYPE_NULL : options);
}

/* Values against items that all are single: found lie at s->stack[s->depth..], matched bottom
 * first. */
static bool pop_run(struct verifier *v, struct flow_state *s, const struct pattern_item *items,
		    uint32_t count, const struct instruction *at, uint32_t bound[2],
		    uint32_t *field)
{
	if (s->depth < count)
		return verify_refuse(v, "takes more from the stack than there is");
	s->depth -= count;
	for (uint32_t i = 0; i < count; i++)
		if (!match(v, &items[i], at, s->stack[s->depth + i], bound, field))
			return false;
	return true;
}

static bool pop_builtin(struct verifier *v, struct flow_state *s, const struct instruction *at,
			uint32_t bound[2])
{
	struct pattern params;
	struct pattern_item result;
	if (!signature_parse(builtin_table[at->a].signature, &params, &result))
		BUG("builtins.def, row %u: no signature", at->a);
	return pop_run(v, s, params.items, params.count, at, bound, NULL);
}

static bool pop_repeated(struct verifier *v, struct flow_state *s, const struct pattern_item *item,
			 const struct instruction *at)
{
	uint32_t count = item->repeat == REPEAT_A ? at->a : at->b;
	uint32_t type = item->word == WORD_SCALAR ? item->number : named(v, item->word, at);
	if (count > s->depth)
		return verify_refuse(v, "takes more from the stack than there is");
	for (uint32_t i = 0; i < count; i++)
		if (!expect(v, s->stack[--s->depth], type))
			return false;
	return true;
}

static bool is_single(const struct pattern_item *item)
{
	return item->repeat == REPEAT_ONCE && item->word != WORD_PARAMS &&
	       item->word != WORD_HOLES && item->word != WORD_FIELDS &&
	       item->word != WORD_OPTIONS && item->word != WORD_CAPTURES &&
	       item->word != WORD_OWN_RESULT;
}

static bool pop_item(struct verifier *v, struct flow_state *s, const struct pattern_item *item,
		     const struct instruction *at, uint32_t bound[2])
{
	const struct module *m = v->m;
	uint32_t result;
	if (item->repeat != REPEAT_ONCE)
		return pop_repeated(v, s, item, at);
	switch (item->word) {
	case WORD_PARAMS:
		if (opcode_table[at->op].a == OPERAND_BUILTIN)
			return pop_builtin(v, s, at, bound);
		return pop_types(v, s, m->functions[at->a].local_types,
				 m->functions[at->a].param_count);
	case WORD_HOLES:
		return pop_types(v, s, m->templates[at->a].hole_types,
				 m->templates[at->a].hole_count);
	case WORD_FIELDS:
		return pop_fields(v, s, at->a);
	case WORD_OPTIONS:
		return pop_options(v, s, m->operations[at->a].options);
	case WORD_CAPTURES:
		return pop_types(v, s, m->operations[at->a].capture_types,
				 m->operations[at->a].capture_count);
	case WORD_OWN_RESULT:
		result = m->functions[v->function].result;
		return result == TYPE_NOTHING || pop_types(v, s, &result, 1);
	default:
		BUG("item %d is a single one", (int)item->word);
	}
}

/* The patterns of opcodes.def, a constant table once they have been read. */
static struct {
	struct pattern pops, pushes;
} patterns[256];

static void read_patterns(void)
{
	for (uint32_t op = 0; op < ARRAY_SIZE(patterns); op++) {
		const struct opcode_info *info = &opcode_table[op];
		if (info->name && (!pattern_parse(info->pops, &patterns[op].pops) ||
				   !pattern_parse(info->pushes, &patterns[op].pushes)))
			BUG("opcodes.def, %s: no pattern", info->name);
	}
}

void verify_prepare(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, read_patterns);
}

bool verify_pops(struct verifier *v, struct flow_state *s, uint32_t bound[2], uint32_t *field)
{
	const struct instruction *at = &v->m->functions[v->function].code[v->pc];
	const struct pattern *pops = &patterns[at->op].pops;
	bound[0] = bound[1] = UNBOUND;
	*field = TYPE_NEVER;
	uint32_t end = pops->count;
	while (end > 0) {
		if (!is_single(&pops->items[end - 1])) {
			if (!pop_item(v, s, &pops->items[--end], at, bound))
				return false;
			continue;
		}
		uint32_t first = end;
		while (first > 0 && is_single(&pops->items[first - 1]))
			first--;
		if (!pop_run(v, s, &pops->items[first], end - first, at, bound, field))
			return false;
		end = first;
	}
	return at->op != OP_SORT_BY || is_sorted(v, bound[1]);
}

/* A loop can put a list into itself and so build a deeper type each time round. */
static bool is_too_deep(const struct types *types, uint32_t type)
{
	for (int depth = 0; depth < (int)TYPE_NEST_MAX + 8; depth++) {
		const struct type *it = types_get(types, type);
		if (it->kind != TYPE_LIST && it->kind != TYPE_OPTIONAL)
			return false;
		type = it->element;
	}
	return true;
}

static bool push(struct verifier *v, struct flow_state *s, uint32_t type)
{
	if (type == TYPE_NOTHING)
		return true;
	if (is_too_deep(v->types, type))
		return verify_refuse(v, "makes a type that nests too deep");
	if (s->depth == FUNCTION_STACK_MAX)
		return verify_refuse(v, "needs a stack of more than %u values", FUNCTION_STACK_MAX);
	s->stack[s->depth++] = type;
	if (s->depth > v->max_stack)
		v->max_stack = s->depth;
	return true;
}

static uint32_t variable(const uint32_t bound[2], uint32_t number)
{
	return bound[number] == UNBOUND ? (uint32_t)TYPE_NEVER : bound[number];
}

static bool push_result(struct verifier *v, struct flow_state *s, const struct instruction *at,
			const uint32_t bound[2])
{
	struct pattern params;
	struct pattern_item result;
	if (opcode_table[at->op].a != OPERAND_BUILTIN)
		return push(v, s, v->m->functions[at->a].result);
	if (!signature_parse(builtin_table[at->a].signature, &params, &result))
		BUG("builtins.def, row %u: no signature", at->a);
	uint32_t type =
		result.word == WORD_VARIABLE ? variable(bound, result.number) : result.number;
	return push(v, s, wrapped(v, result.wrap, type));
}

bool verify_pushes(struct verifier *v, struct flow_state *s, const uint32_t bound[2],
		   uint32_t field)
{
	const struct instruction *at = &v->m->functions[v->function].code[v->pc];
	const struct pattern *pushes = &patterns[at->op].pushes;
	for (uint32_t i = 0; i < pushes->count; i++) {
		const struct pattern_item *item = &pushes->items[i];
		uint32_t type;
		if (item->word == WORD_RESULT) {
			if (!push_result(v, s, at, bound))
				return false;
			continue;
		}
		if (item->word == WORD_SCALAR)
			type = item->number;
		else if (item->word == WORD_VARIABLE)
			type = variable(bound, item->number);
		else if (item->word == WORD_FIELD)
			type = field;
		else
			type = named(v, item->word, at);
		if (!push(v, s, wrapped(v, item->wrap, type)))
			return false;
	}
	return true;
}
