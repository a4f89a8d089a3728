/* module_tables.c - reads the tables of a module image; trusts nothing */
#include "vm/isa/image.h"

#include "vm/base/semver.h"

struct parse {
	struct module *m;
	struct reader r;
	const char *section;
	struct error *err;
	bool refused;
};

static void PRINTF_LIKE(2, 3) refuse(struct parse *p, const char *format, ...)
{
	if (p->refused)
		return;
	p->refused = true;
	struct buf why = { 0 };
	va_list args;
	va_start(args, format);
	buf_vformat(&why, format, args);
	va_end(args);
	error_set(p->err, OUTCOME_DAMAGED, "the module is damaged: %s: %s", p->section,
		  buf_view(&why).ptr);
	buf_clear(&why);
}

static uint32_t take_u32(struct parse *p)
{
	uint64_t v = reader_varint(&p->r);
	if (v > UINT32_MAX) {
		refuse(p, "a number is too large");
		return 0;
	}
	return (uint32_t)v;
}

static uint32_t take_index(struct parse *p)
{
	uint64_t v = reader_varint(&p->r);
	if (v > UINT32_MAX) {
		refuse(p, "a position is too large");
		return NO_INDEX;
	}
	return v == 0 ? NO_INDEX : (uint32_t)(v - 1);
}

/* Every element takes some bytes, so that a count can't ask for much more memory than the image
 * has. */
static uint32_t take_count(struct parse *p, size_t element_bytes)
{
	uint32_t count = take_u32(p);
	if (count > reader_left(&p->r) / element_bytes) {
		refuse(p, "%u elements don't fit into it", count);
		return 0;
	}
	return count;
}

static struct str take_text(struct parse *p)
{
	struct str text = reader_sized(&p->r);
	if (!p->r.failed && !str_is_utf8(text))
		refuse(p, "a text is not UTF-8");
	return text;
}

static struct hash take_hash(struct parse *p)
{
	struct hash hash = { 0 };
	struct str bytes = reader_bytes(&p->r, sizeof(hash.bytes));
	if (bytes.len == sizeof(hash.bytes))
		memcpy(hash.bytes, bytes.ptr, sizeof(hash.bytes));
	return hash;
}

static uint32_t take_type(struct parse *p)
{
	uint32_t type = take_u32(p);
	if (type < p->m->types.all.count)
		return type;
	refuse(p, "there is no type %u", type);
	return TYPE_NEVER;
}

/* A type that a value can have. */
static uint32_t take_value_type(struct parse *p)
{
	uint32_t type = take_type(p);
	if (type == TYPE_NOTHING)
		refuse(p, "`nothing` where a value is wanted");
	return type;
}

static bool going(const struct parse *p)
{
	return !p->refused && !p->r.failed;
}

static void read_migration(struct parse *p)
{
	struct migration *it = &p->m->migration;
	it->name = take_text(p);
	it->description = take_text(p);
	it->min_version = take_text(p);
	it->max_version = take_text(p);
	it->depends_count = take_count(p, 1);
	struct str *depends = arena_array(&p->m->arena, struct str, it->depends_count);
	for (uint32_t i = 0; i < it->depends_count && going(p); i++)
		depends[i] = take_text(p);
	it->depends = depends;
	it->leaves = take_index(p);
	it->setup = take_index(p);
	it->required = take_index(p);
	it->plan = take_index(p);
	it->finally = take_index(p);
	it->on_complete = take_index(p);
	it->on_error = take_index(p);
}

static bool is_name(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
		if (!letter && (i == 0 || c < '0' || c > '9'))
			return false;
	}
	return s.len > 0;
}

struct measure { uint32_t parts, depth; };

static void grow(struct measure *whole, struct measure part)
{
	whole->parts = whole->parts > TYPE_PARTS_MAX ? whole->parts : whole->parts + part.parts;
	if (whole->depth < part.depth + 1)
		whole->depth = part.depth + 1;
}

static uint32_t read_record(struct parse *p, const struct measure *measures, struct measure *mine)
{
	uint32_t count = take_count(p, 2);
	if (count > TYPE_PARTS_MAX)
		refuse(p, "a record of %u fields", count);
	if (!going(p))
		return TYPE_NEVER;
	struct type_field *fields = arena_array(&p->m->arena, struct type_field, count);
	for (uint32_t i = 0; i < count && going(p); i++) {
		fields[i].name = take_text(p);
		fields[i].type = take_value_type(p);
		grow(mine, measures[fields[i].type]);
		if (!is_name(fields[i].name))
			refuse(p, "field %u of a record has no proper name", i);
		for (uint32_t j = 0; j < i; j++)
			if (str_eq(fields[i].name, fields[j].name))
				refuse(p, "a record has two fields `%.*s`",
				       STR_ARG(fields[i].name));
	}
	return going(p) ? types_record(&p->m->types, fields, count) : TYPE_NEVER;
}

static uint32_t read_type(struct parse *p, const struct measure *measures, struct measure *mine)
{
	struct types *types = &p->m->types;
	uint8_t kind = reader_u8(&p->r);
	uint32_t element;
	struct str connection;
	switch (kind) {
	case TYPE_LIST:
	case TYPE_OPTIONAL:
		element = take_value_type(p);
		grow(mine, measures[element]);
		return kind == TYPE_LIST ? types_list(types, element)
					 : types_optional(types, element);
	case TYPE_RECORD:
		return read_record(p, measures, mine);
	case TYPE_CONNECTION:
		connection = take_text(p);
		if (!is_name(connection))
			refuse(p, "a connection kind has no proper name");
		return types_connection(types, connection);
	default:
		refuse(p, "there is no kind %u of type", kind);
		return TYPE_NEVER;
	}
}

static void read_types(struct parse *p)
{
	types_init(&p->m->types);
	uint32_t count = take_count(p, 2);
	struct measure *measures =
		arena_array(&p->m->arena, struct measure, (size_t)count + TYPE_SCALAR_COUNT);
	for (uint32_t i = 0; i < TYPE_SCALAR_COUNT; i++)
		measures[i].parts = 1;
	for (uint32_t i = 0; i < count && going(p); i++) {
		struct measure *mine = &measures[TYPE_SCALAR_COUNT + i];
		mine->parts = 1;
		uint32_t type = read_type(p, measures, mine);
		if (going(p) && type != TYPE_SCALAR_COUNT + i)
			refuse(p, "type %u is not new", TYPE_SCALAR_COUNT + i);
		if (mine->parts > TYPE_PARTS_MAX || mine->depth > TYPE_NEST_MAX)
			refuse(p, "type %u is too large", TYPE_SCALAR_COUNT + i);
	}
}

static void read_constant(struct parse *p, struct constant *it)
{
	static const uint32_t type_of[CONSTANT_LIMIT] = {
		[CONSTANT_INT] = TYPE_INT,		[CONSTANT_FLOAT] = TYPE_FLOAT,
		[CONSTANT_STRING] = TYPE_STRING,	[CONSTANT_BYTES] = TYPE_BYTES,
		[CONSTANT_DURATION] = TYPE_DURATION,	[CONSTANT_TIMESTAMP] = TYPE_TIMESTAMP,
		[CONSTANT_VERSION] = TYPE_VERSION,
	};
	uint8_t kind = reader_u8(&p->r);
	if (kind >= CONSTANT_LIMIT) {
		refuse(p, "there is no kind %u of constant", kind);
		return;
	}
	it->kind = (enum constant_kind)kind;
	it->type = type_of[kind];
	struct semver version;
	switch (it->kind) {
	case CONSTANT_INT:
	case CONSTANT_FLOAT:
	case CONSTANT_DURATION:
	case CONSTANT_TIMESTAMP:
		it->number = (int64_t)reader_u64(&p->r);
		break;
	case CONSTANT_STRING:
		it->text = take_text(p);
		break;
	case CONSTANT_BYTES:
		it->text = reader_sized(&p->r);
		break;
	case CONSTANT_VERSION:
		it->text = take_text(p);
		if (going(p) && !semver_parse(it->text, &version))
			refuse(p, "`%.*s` is no version", STR_ARG(it->text));
		break;
	case CONSTANT_LIMIT:
		break;
	}
}

static void read_constants(struct parse *p)
{
	p->m->constant_count = take_count(p, 2);
	struct constant *all = arena_array(&p->m->arena, struct constant, p->m->constant_count);
	for (uint32_t i = 0; i < p->m->constant_count && going(p); i++)
		read_constant(p, &all[i]);
	p->m->constants = all;
}

static void read_templates(struct parse *p)
{
	p->m->template_count = take_count(p, 2);
	struct template *all = arena_array(&p->m->arena, struct template, p->m->template_count);
	for (uint32_t i = 0; i < p->m->template_count && going(p); i++) {
		uint32_t holes = take_count(p, 2);
		struct str *pieces = arena_array(&p->m->arena, struct str, (size_t)holes + 1);
		uint32_t *types = arena_array(&p->m->arena, uint32_t, holes);
		for (uint32_t h = 0; h <= holes && going(p); h++)
			pieces[h] = take_text(p);
		for (uint32_t h = 0; h < holes && going(p); h++)
			types[h] = take_value_type(p);
		all[i] = (struct template){ holes, pieces, types };
	}
	p->m->templates = all;
}

static void read_functions(struct parse *p)
{
	p->m->function_count = take_count(p, 8);
	p->m->functions = arena_array(&p->m->arena, struct function, p->m->function_count);
	for (uint32_t i = 0; i < p->m->function_count && going(p); i++) {
		struct function *it = &p->m->functions[i];
		it->name = take_text(p);
		it->flags = take_u32(p);
		it->param_count = take_u32(p);
		it->local_count = take_count(p, 1);
		uint32_t *types = arena_array(&p->m->arena, uint32_t, it->local_count);
		for (uint32_t l = 0; l < it->local_count && going(p); l++)
			types[l] = take_value_type(p);
		it->local_types = types;
		it->result = take_type(p);
		it->code_count = take_u32(p);
		it->source = take_u32(p);
		if (it->flags & ~(uint32_t)FUNCTION_EFFECT)
			refuse(p, "function %u has unknown flags", i);
		if (it->param_count > it->local_count || it->local_count > FUNCTION_LOCALS_MAX)
			refuse(p, "function %u has %u parameters and %u locals", i, it->param_count,
			       it->local_count);
	}
}

/* Gives each function its part of the code and of the places, which stay in the image. */
static void share_code(struct parse *p, struct str code, struct str lines)
{
	size_t at = 0, all = code.len / sizeof(struct instruction);
	if (code.len % sizeof(struct instruction) != 0 || lines.len != all * sizeof(uint32_t))
		refuse(p, "code and lines don't fit each other");
	for (uint32_t i = 0; i < p->m->function_count && going(p); i++) {
		struct function *it = &p->m->functions[i];
		if (it->code_count == 0 || it->code_count > all - at) {
			refuse(p, "function %u has no code or more than there is", i);
			return;
		}
		/* The image is 8-aligned and so is each section. */
		it->code =
			(const struct instruction *)(const void *)(code.ptr +
								   at * sizeof(struct instruction));
		it->lines = (const uint32_t *)(const void *)(lines.ptr + at * sizeof(uint32_t));
		at += it->code_count;
	}
	if (going(p) && at != all)
		refuse(p, "there is code behind the last function");
}

static void read_sources(struct parse *p)
{
	p->m->source_count = take_count(p, 17);
	struct source *all = arena_array(&p->m->arena, struct source, p->m->source_count);
	for (uint32_t i = 0; i < p->m->source_count && going(p); i++) {
		all[i].path = take_text(p);
		all[i].hash = take_hash(p);
	}
	p->m->sources = all;
}

static void read_needs(struct parse *p)
{
	p->m->need_count = take_count(p, 3);
	struct need *all = arena_array(&p->m->arena, struct need, p->m->need_count);
	for (uint32_t i = 0; i < p->m->need_count && going(p); i++) {
		all[i].name = take_text(p);
		all[i].kind = take_text(p);
		all[i].range = take_text(p);
		if (!is_name(all[i].kind))
			refuse(p, "need %u is of no kind", i);
	}
	p->m->needs = all;
}

static void read_params(struct parse *p)
{
	p->m->param_count = take_count(p, 5);
	struct param *all = arena_array(&p->m->arena, struct param, p->m->param_count);
	for (uint32_t i = 0; i < p->m->param_count && going(p); i++) {
		all[i].name = take_text(p);
		all[i].doc = take_text(p);
		all[i].type = take_value_type(p);
		all[i].default_value = take_index(p);
		all[i].check = take_index(p);
	}
	p->m->params = all;
}

static void read_frozens(struct parse *p)
{
	p->m->frozen_count = take_count(p, 2);
	struct frozen *all = arena_array(&p->m->arena, struct frozen, p->m->frozen_count);
	for (uint32_t i = 0; i < p->m->frozen_count && going(p); i++) {
		all[i].name = take_text(p);
		all[i].type = take_value_type(p);
	}
	p->m->frozens = all;
}

static void read_operation(struct parse *p, struct operation *it)
{
	it->label = take_text(p);
	it->need = take_index(p);
	it->flags = take_u32(p);
	it->options = take_index(p);
	if (it->options != NO_INDEX && it->options >= p->m->types.all.count)
		refuse(p, "there is no type %u", it->options);
	it->capture_count = take_count(p, 1);
	uint32_t *types = arena_array(&p->m->arena, uint32_t, it->capture_count);
	for (uint32_t c = 0; c < it->capture_count && going(p); c++)
		types[c] = take_value_type(p);
	it->capture_types = types;
	it->forward = take_index(p);
	uint8_t kind = reader_u8(&p->r);
	it->rollback_kind = (enum rollback_kind)kind;
	if (kind > ROLLBACK_IRREVERSIBLE)
		refuse(p, "there is no kind %u of rollback", kind);
	it->rollback = take_index(p);
	it->rollback_why = take_text(p);
	it->done_when = take_index(p);
	it->line = reader_u32(&p->r);
}

static void read_operations(struct parse *p)
{
	p->m->operation_count = take_count(p, 13);
	struct operation *all = arena_array(&p->m->arena, struct operation, p->m->operation_count);
	for (uint32_t i = 0; i < p->m->operation_count && going(p); i++)
		read_operation(p, &all[i]);
	p->m->operations = all;
}

static void read_checks(struct parse *p)
{
	p->m->check_count = take_count(p, 11);
	struct check *all = arena_array(&p->m->arena, struct check, p->m->check_count);
	for (uint32_t i = 0; i < p->m->check_count && going(p); i++) {
		uint8_t kind = reader_u8(&p->r);
		if (kind > CHECK_POST)
			refuse(p, "there is no kind %u of check", kind);
		all[i].kind = (enum check_kind)kind;
		all[i].label = take_text(p);
		all[i].function = take_index(p);
		all[i].every_ms = (int64_t)reader_u64(&p->r);
	}
	p->m->checks = all;
}

static bool read_table(struct parse *p, const char *section, struct str bytes,
		       void (*read)(struct parse *p))
{
	if (p->refused)
		return false;
	p->section = section;
	p->r = reader_of(bytes);
	read(p);
	if (!p->refused && p->r.failed)
		refuse(p, "it ends too early");
	if (!p->refused && reader_left(&p->r) > 0)
		refuse(p, "%zu bytes are left over", reader_left(&p->r));
	return !p->refused;
}

enum outcome tables_read_migration(struct module *m, struct str section, struct error *err)
{
	struct parse p = { .m = m, .err = err };
	return read_table(&p, "MIGRATION", section, read_migration) ? OUTCOME_OK : OUTCOME_DAMAGED;
}

enum outcome tables_read(struct module *m, const struct str sections[SECTION_END],
			 struct error *err)
{
	struct parse p = { .m = m, .err = err };
	/* The order matters: types are looked up by what follows. */
	read_table(&p, "TYPES", sections[SECTION_TYPES], read_types);
	read_table(&p, "MIGRATION", sections[SECTION_MIGRATION], read_migration);
	read_table(&p, "CONSTANTS", sections[SECTION_CONSTANTS], read_constants);
	read_table(&p, "TEMPLATES", sections[SECTION_TEMPLATES], read_templates);
	read_table(&p, "FUNCTIONS", sections[SECTION_FUNCTIONS], read_functions);
	if (!p.refused) {
		p.section = "CODE";
		share_code(&p, sections[SECTION_CODE], sections[SECTION_LINES]);
	}
	read_table(&p, "SOURCES", sections[SECTION_SOURCES], read_sources);
	read_table(&p, "NEEDS", sections[SECTION_NEEDS], read_needs);
	read_table(&p, "PARAMS", sections[SECTION_PARAMS], read_params);
	read_table(&p, "FROZENS", sections[SECTION_FROZENS], read_frozens);
	read_table(&p, "OPERATIONS", sections[SECTION_OPERATIONS], read_operations);
	read_table(&p, "CHECKS", sections[SECTION_CHECKS], read_checks);
	return p.refused ? OUTCOME_DAMAGED : OUTCOME_OK;
}
