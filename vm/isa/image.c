/* image.c - writes a module image */
#include "vm/isa/image.h"

#include <endian.h>

_Static_assert(sizeof(struct instruction) == 8, "an instruction has 8 bytes, used in place");
_Static_assert(BYTE_ORDER == LITTLE_ENDIAN,
	       "code and lines are used in place, so the machine must be little-endian");

/* A position that may be missing: 0 for NO_INDEX, else one more. */
static void put_index(struct buf *out, uint32_t index)
{
	buf_varint(out, index == NO_INDEX ? 0 : (uint64_t)index + 1);
}

static void put_hash(struct buf *out, struct hash hash)
{
	buf_add(out, hash.bytes, sizeof(hash.bytes));
}

static void write_migration(const struct module *m, struct buf *out)
{
	const struct migration *it = &m->migration;
	buf_sized(out, it->name);
	buf_sized(out, it->description);
	buf_sized(out, it->min_version);
	buf_sized(out, it->max_version);
	buf_varint(out, it->depends_count);
	for (uint32_t i = 0; i < it->depends_count; i++)
		buf_sized(out, it->depends[i]);
	put_index(out, it->leaves);
	put_index(out, it->setup);
	put_index(out, it->required);
	put_index(out, it->plan);
	put_index(out, it->finally);
	put_index(out, it->on_complete);
	put_index(out, it->on_error);
}

static void write_types(const struct module *m, struct buf *out)
{
	uint32_t count = (uint32_t)m->types.all.count;
	buf_varint(out, count > TYPE_SCALAR_COUNT ? count - TYPE_SCALAR_COUNT : 0);
	for (uint32_t i = TYPE_SCALAR_COUNT; i < count; i++) {
		const struct type *it = types_get(&m->types, i);
		buf_u8(out, (uint8_t)it->kind);
		if (it->kind == TYPE_LIST || it->kind == TYPE_OPTIONAL) {
			buf_varint(out, it->element);
		} else if (it->kind == TYPE_CONNECTION) {
			buf_sized(out, it->connection);
		} else {
			buf_varint(out, it->field_count);
			for (uint32_t f = 0; f < it->field_count; f++) {
				buf_sized(out, it->fields[f].name);
				buf_varint(out, it->fields[f].type);
			}
		}
	}
}

static void write_constants(const struct module *m, struct buf *out)
{
	buf_varint(out, m->constant_count);
	for (uint32_t i = 0; i < m->constant_count; i++) {
		const struct constant *it = &m->constants[i];
		buf_u8(out, (uint8_t)it->kind);
		switch (it->kind) {
		case CONSTANT_INT:
		case CONSTANT_FLOAT:
		case CONSTANT_DURATION:
		case CONSTANT_TIMESTAMP:
			buf_u64(out, (uint64_t)it->number);
			break;
		case CONSTANT_STRING:
		case CONSTANT_BYTES:
		case CONSTANT_VERSION:
			buf_sized(out, it->text);
			break;
		case CONSTANT_LIMIT:
			BUG("constant %u has no kind", i);
		}
	}
}

static void write_templates(const struct module *m, struct buf *out)
{
	buf_varint(out, m->template_count);
	for (uint32_t i = 0; i < m->template_count; i++) {
		const struct template *it = &m->templates[i];
		buf_varint(out, it->hole_count);
		for (uint32_t p = 0; p <= it->hole_count; p++)
			buf_sized(out, it->pieces[p]);
		for (uint32_t h = 0; h < it->hole_count; h++)
			buf_varint(out, it->hole_types[h]);
	}
}

static void write_functions(const struct module *m, struct buf *out)
{
	buf_varint(out, m->function_count);
	for (uint32_t i = 0; i < m->function_count; i++) {
		const struct function *it = &m->functions[i];
		buf_sized(out, it->name);
		buf_varint(out, it->flags);
		buf_varint(out, it->param_count);
		buf_varint(out, it->local_count);
		for (uint32_t l = 0; l < it->local_count; l++)
			buf_varint(out, it->local_types[l]);
		buf_varint(out, it->result);
		buf_varint(out, it->code_count);
		buf_varint(out, it->source);
	}
}

static void write_code(const struct module *m, struct buf *out)
{
	for (uint32_t i = 0; i < m->function_count; i++)
		buf_add(out, m->functions[i].code,
			m->functions[i].code_count * sizeof(struct instruction));
}

static void write_lines(const struct module *m, struct buf *out)
{
	for (uint32_t i = 0; i < m->function_count; i++) {
		const struct function *it = &m->functions[i];
		if (it->lines)
			buf_add(out, it->lines, it->code_count * sizeof(*it->lines));
		for (uint32_t pc = 0; !it->lines && pc < it->code_count; pc++)
			buf_u32(out, 0);
	}
}

static void write_sources(const struct module *m, struct buf *out)
{
	buf_varint(out, m->source_count);
	for (uint32_t i = 0; i < m->source_count; i++) {
		buf_sized(out, m->sources[i].path);
		put_hash(out, m->sources[i].hash);
	}
}

static void write_needs(const struct module *m, struct buf *out)
{
	buf_varint(out, m->need_count);
	for (uint32_t i = 0; i < m->need_count; i++) {
		buf_sized(out, m->needs[i].name);
		buf_sized(out, m->needs[i].kind);
		buf_sized(out, m->needs[i].range);
	}
}

static void write_params(const struct module *m, struct buf *out)
{
	buf_varint(out, m->param_count);
	for (uint32_t i = 0; i < m->param_count; i++) {
		buf_sized(out, m->params[i].name);
		buf_sized(out, m->params[i].doc);
		buf_varint(out, m->params[i].type);
		put_index(out, m->params[i].default_value);
		put_index(out, m->params[i].check);
	}
}

static void write_frozens(const struct module *m, struct buf *out)
{
	buf_varint(out, m->frozen_count);
	for (uint32_t i = 0; i < m->frozen_count; i++) {
		buf_sized(out, m->frozens[i].name);
		buf_varint(out, m->frozens[i].type);
	}
}

static void write_operations(const struct module *m, struct buf *out)
{
	buf_varint(out, m->operation_count);
	for (uint32_t i = 0; i < m->operation_count; i++) {
		const struct operation *it = &m->operations[i];
		buf_sized(out, it->label);
		put_index(out, it->need);
		buf_varint(out, it->flags);
		put_index(out, it->options);
		buf_varint(out, it->capture_count);
		for (uint32_t c = 0; c < it->capture_count; c++)
			buf_varint(out, it->capture_types[c]);
		put_index(out, it->forward);
		buf_u8(out, (uint8_t)it->rollback_kind);
		put_index(out, it->rollback);
		buf_sized(out, it->rollback_why);
		put_index(out, it->done_when);
		buf_u32(out, it->line);
	}
}

static void write_checks(const struct module *m, struct buf *out)
{
	buf_varint(out, m->check_count);
	for (uint32_t i = 0; i < m->check_count; i++) {
		buf_u8(out, (uint8_t)m->checks[i].kind);
		buf_sized(out, m->checks[i].label);
		put_index(out, m->checks[i].function);
		buf_u64(out, (uint64_t)m->checks[i].every_ms);
	}
}

static void write_section(const struct module *m, enum section_id id, struct buf *out)
{
	switch (id) {
	case SECTION_MIGRATION:		write_migration(m, out); break;
	case SECTION_TYPES:		write_types(m, out); break;
	case SECTION_CONSTANTS:		write_constants(m, out); break;
	case SECTION_TEMPLATES:		write_templates(m, out); break;
	case SECTION_FUNCTIONS:		write_functions(m, out); break;
	case SECTION_CODE:		write_code(m, out); break;
	case SECTION_LINES:		write_lines(m, out); break;
	case SECTION_SOURCES:		write_sources(m, out); break;
	case SECTION_NEEDS:		write_needs(m, out); break;
	case SECTION_PARAMS:		write_params(m, out); break;
	case SECTION_FROZENS:		write_frozens(m, out); break;
	case SECTION_OPERATIONS:	write_operations(m, out); break;
	case SECTION_CHECKS:		write_checks(m, out); break;
	case SECTION_END:		break;
	}
}

/* The head and the table of sections come last, into their place: the sections are written where
 * they stay. */
void image_write(const struct module *m, struct buf *out)
{
	static const char unknown[IMAGE_HEAD_BYTES + SECTION_COUNT * SECTION_ENTRY_BYTES];
	size_t start = out->len, begin;
	struct buf head = { 0 };

	if (start % 8 != 0)
		BUG("an image begins at byte %zu", start);
	buf_add(out, unknown, sizeof(unknown));
	buf_text(&head, MODULE_MAGIC);
	buf_u32(&head, MODULE_FORMAT);
	buf_u32(&head, SECTION_COUNT);
	buf_add(&head, unknown, IMAGE_HEAD_BYTES - head.len);
	for (uint32_t id = 1; id <= SECTION_COUNT; id++) {
		begin = out->len;
		write_section(m, (enum section_id)id, out);
		buf_u32(&head, id);
		buf_u32(&head, 0);
		buf_u64(&head, begin - start);
		buf_u64(&head, out->len - begin);
		put_hash(&head, hash_of((struct str){ out->ptr + begin, out->len - begin }));
		buf_align(out, 8);
	}
	if (!out->failed) {
		uint64_t size = htole64(out->len - start);
		char *at = memcpy(out->ptr + start, head.ptr, head.len);
		struct hash hash = hash_of((struct str){ at + IMAGE_HASHED_FROM,
							 out->len - start - IMAGE_HASHED_FROM });

		memcpy(at + IMAGE_HEAD_BYTES - sizeof(hash) - sizeof(size), &size, sizeof(size));
		memcpy(at + IMAGE_HEAD_BYTES - sizeof(hash), hash.bytes, sizeof(hash.bytes));
	}
	buf_clear(&head);
}
