/* emit.c - interning what a module uses, and writing its functions */
#include "compiler/emit.h"

void emit_init(struct emit *e, const struct types *from)
{
	*e = (struct emit){ .from = from };
	types_init(&e->types);
}

static void free_room(struct code *c)
{
	vec_clear(&c->local_types);
	vec_clear(&c->code);
	vec_clear(&c->lines);
}

void emit_clear(struct emit *e)
{
	free_room(&e->spare);
	types_clear(&e->types);
	free(e->type_map);
	map_clear(&e->interned);
	buf_clear(&e->key);
	vec_clear(&e->constants);
	vec_clear(&e->templates);
	vec_clear(&e->functions);
	vec_clear(&e->operations);
	vec_clear(&e->sources);
	arena_clear(&e->arena);
	*e = (struct emit){0};
}

static uint32_t bring(struct emit *e, uint32_t type)
{
	const struct type *t = types_get(e->from, type);
	struct type_field *fields;

	switch (t->kind) {
	case TYPE_LIST:
		return types_list(&e->types, emit_type(e, t->element).n);
	case TYPE_OPTIONAL:
		return types_optional(&e->types, emit_type(e, t->element).n);
	case TYPE_CONNECTION:
		return types_connection(&e->types, t->connection);
	case TYPE_RECORD:
		fields = arena_array(&e->arena, struct type_field, t->field_count);
		for (uint32_t i = 0; i < t->field_count; i++)
			fields[i] = (struct type_field){ t->fields[i].name,
							 emit_type(e, t->fields[i].type).n };
		return types_record(&e->types, fields, t->field_count);
	case TYPE_NEVER:
	case TYPE_NOTHING:
	case TYPE_NULL:
	case TYPE_BOOL:
	case TYPE_INT:
	case TYPE_FLOAT:
	case TYPE_STRING:
	case TYPE_BYTES:
	case TYPE_DURATION:
	case TYPE_TIMESTAMP:
	case TYPE_VERSION:
	case TYPE_IDENT:
	case TYPE_SQL: case TYPE_ANY: case TYPE_KIND_COUNT:
		break;
	}
	BUG("a scalar type has the same number everywhere: %u", (unsigned)type);
}

struct operand_type emit_type(struct emit *e, uint32_t type)
{
	uint32_t own;

	if (type < TYPE_SCALAR_COUNT)
		return (struct operand_type){ type };
	if (type >= e->type_map_count) {
		uint32_t count = type * 2 + 16;

		e->type_map = must_realloc(e->type_map, arena_bytes(sizeof(*e->type_map), count));
		memset(e->type_map + e->type_map_count, 0,
		       arena_bytes(sizeof(*e->type_map), count - e->type_map_count));
		e->type_map_count = count;
	}
	if (e->type_map[type])
		return (struct operand_type){ e->type_map[type] - 1 };
	own = bring(e, type);
	e->type_map[type] = own + 1;
	return (struct operand_type){ own };
}

static uint32_t scalar_of(enum constant_kind kind)
{
	switch (kind) {
	case CONSTANT_INT: return TYPE_INT;
	case CONSTANT_FLOAT: return TYPE_FLOAT;
	case CONSTANT_STRING: return TYPE_STRING;
	case CONSTANT_BYTES: return TYPE_BYTES;
	case CONSTANT_DURATION: return TYPE_DURATION;
	case CONSTANT_TIMESTAMP: return TYPE_TIMESTAMP;
	case CONSTANT_VERSION: return TYPE_VERSION;
	case CONSTANT_LIMIT: break;
	}
	BUG("no constants of kind %d", (int)kind);
}

/* Interned values are numbers + 1 in a pointer's clothes: the map holds pointers. */
static uint32_t known(const struct emit *e, struct str key)
{
	return (uint32_t)(uintptr_t)map_get(&e->interned, key);
}

/* Gives the copy of the key that is kept. */
static struct str learn(struct emit *e, struct str key, size_t number)
{
	struct str copy = arena_str(&e->arena, key);

	map_add(&e->interned, copy, (void *)(uintptr_t)(number + 1));
	return copy;
}

struct operand_constant emit_constant_number(struct emit *e, enum constant_kind kind,
					     int64_t number)
{
	char bytes[2 + sizeof(number)] = { 'n', (char)kind };
	struct str key = { bytes, sizeof(bytes) };
	uint32_t found;

	memcpy(bytes + 2, &number, sizeof(number));
	found = known(e, key);
	if (found)
		return (struct operand_constant){ found - 1 };
	learn(e, key, e->constants.count);
	vec_push(&e->constants,
		 (struct constant){ .kind = kind, .type = scalar_of(kind), .number = number });
	return (struct operand_constant){ (uint32_t)e->constants.count - 1 };
}

struct operand_constant emit_constant_text(struct emit *e, enum constant_kind kind, struct str text)
{
	const size_t before = 2;	/* bytes of the key */
	uint32_t found;

	buf_reset(&e->key);
	buf_byte(&e->key, 't');
	buf_byte(&e->key, (char)kind);
	buf_str(&e->key, text);
	found = known(e, buf_view(&e->key));
	if (!found) {
		struct str kept = learn(e, buf_view(&e->key), e->constants.count);

		vec_push(&e->constants,
			 (struct constant){ .kind = kind, .type = scalar_of(kind),
					    .text = { kept.ptr + before, text.len } });
		found = (uint32_t)e->constants.count;
	}
	return (struct operand_constant){ found - 1 };
}

struct operand_template emit_template(struct emit *e, const struct str *pieces,
				      const uint32_t *hole_types, uint32_t hole_count)
{
	uint32_t found;

	buf_reset(&e->key);
	buf_byte(&e->key, 's');
	for (uint32_t i = 0; i <= hole_count; i++)
		buf_sized(&e->key, pieces[i]);
	for (uint32_t i = 0; i < hole_count; i++)
		buf_varint(&e->key, hole_types[i]);
	found = known(e, buf_view(&e->key));
	if (!found) {
		struct str *copies = arena_array(&e->arena, struct str, (size_t)hole_count + 1);
		uint32_t *types = arena_array(&e->arena, uint32_t, hole_count);

		for (uint32_t i = 0; i <= hole_count; i++)
			copies[i] = arena_str(&e->arena, pieces[i]);
		if (hole_count)
			memcpy(types, hole_types, sizeof(*types) * hole_count);
		learn(e, buf_view(&e->key), e->templates.count);
		vec_push(&e->templates, (struct template){ hole_count, copies, types });
		found = (uint32_t)e->templates.count;
	}
	return (struct operand_template){ found - 1 };
}

struct operand_function emit_function(struct emit *e)
{
	vec_push(&e->functions, (struct function){0});
	return (struct operand_function){ (uint32_t)e->functions.count - 1 };
}

void code_begin(struct code *c, struct emit *e, struct operand_function function, struct str name,
		uint32_t result)
{
	*c = e->spare;
	e->spare = (struct code){0};
	c->emit = e;
	c->name = name;
	c->number = function.n;
	c->result = emit_type(e, result).n;
}

struct operand_local code_local(struct code *c, uint32_t type)
{
	vec_push(&c->local_types, emit_type(c->emit, type).n);
	return (struct operand_local){ (uint32_t)c->local_types.count - 1 };
}

static void *keep(struct emit *e, const void *from, size_t size, size_t count)
{
	void *copy = arena_alloc(&e->arena, arena_bytes(size, count));

	if (count)
		memcpy(copy, from, size * count);
	return copy;
}

void code_end(struct code *c)
{
	struct emit *e = c->emit;

	e->functions.at[c->number] = (struct function){
		.name = arena_str(&e->arena, c->name),
		.flags = c->flags,
		.param_count = c->param_count,
		.local_count = (uint32_t)c->local_types.count,
		.local_types = keep(e, c->local_types.at, sizeof(*c->local_types.at),
				    c->local_types.count),
		.result = c->result,
		.code_count = (uint32_t)c->code.count,
		.code = keep(e, c->code.at, sizeof(*c->code.at), c->code.count),
		.lines = keep(e, c->lines.at, sizeof(*c->lines.at), c->lines.count),
		.source = c->source,
	};
	free_room(&e->spare);
	e->spare = (struct code){ .local_types = c->local_types, .code = c->code,
				  .lines = c->lines };
	e->spare.local_types.count = e->spare.code.count = e->spare.lines.count = 0;
	*c = (struct code){0};
}

void code_add(struct code *c, enum opcode op, uint32_t a, uint32_t b)
{
	if (c->dead)
		return;
	vec_push(&c->code, (struct instruction){ .op = (uint8_t)op, .b = (uint16_t)b, .a = a });
	vec_push(&c->lines, c->line);
	c->dead = op == OP_RETURN || op == OP_FAIL || op == OP_JUMP;
}

void code_add_jump(struct code *c, enum opcode op, struct label *to)
{
	if (c->dead)
		return;
	if (to->placed) {
		code_add(c, op, to->at, 0);
		return;
	}
	code_add(c, op, to->chain, 0);
	to->chain = (uint32_t)c->code.count;
}

void label_place(struct code *c, struct label *l)
{
	uint32_t at = (uint32_t)c->code.count, jump = l->chain;

	if (jump)
		c->dead = false;
	while (jump) {
		struct instruction *i = &c->code.at[jump - 1];

		jump = i->a;
		i->a = at;
	}
	l->placed = true;
	l->at = at;
}
