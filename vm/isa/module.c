/* module.c - opens a module image: header, hashes, sections */
#include "vm/isa/image.h"

#include <stdlib.h>

static struct hash read_hash(struct reader *r)
{
	struct hash hash = { 0 };
	struct str bytes = reader_bytes(r, sizeof(hash.bytes));
	if (bytes.len == sizeof(hash.bytes))
		memcpy(hash.bytes, bytes.ptr, sizeof(hash.bytes));
	return hash;
}

/* The header; r stands at the section table afterwards. */
enum outcome format_read(struct reader *r, const char *thing, struct error *err)
{
	uint32_t format = reader_u32(r);
	if (format == MODULE_FORMAT)
		return OUTCOME_OK;
	error_set(err, OUTCOME_DAMAGED, "the %s has format %u, this amigrun reads format %u",
		  thing, format, MODULE_FORMAT);
	error_hint(err, format > MODULE_FORMAT
				? "it was built by a newer amigc: use the amigrun of that version"
				: "build it again with this version's amigc");
	return OUTCOME_DAMAGED;
}

static enum outcome read_head(struct module *m, struct reader *r, struct error *err)
{
	struct str bytes = m->bytes;
	if ((uintptr_t)bytes.ptr % 8 != 0)
		BUG("a module image must be 8-aligned");
	if (bytes.len < IMAGE_HEAD_BYTES || !str_starts(bytes, STR(MODULE_MAGIC)))
		return error_set(err, OUTCOME_DAMAGED,
				 "this is no module: it does not begin as one");
	reader_bytes(r, sizeof(MODULE_MAGIC) - 1);
	if (format_read(r, "module", err) != OUTCOME_OK)
		return OUTCOME_DAMAGED;
	uint32_t sections = reader_u32(r);
	uint64_t size = reader_u64(r);
	m->identity = read_hash(r);
	if (size != bytes.len)
		return error_set(err, OUTCOME_DAMAGED,
				 "the module is damaged: it should have %llu bytes, has %zu",
				 (unsigned long long)size, bytes.len);
	if (sections != SECTION_COUNT || reader_left(r) < SECTION_COUNT * SECTION_ENTRY_BYTES)
		return error_set(err, OUTCOME_DAMAGED,
				 "the module is damaged: it has %u sections instead of %u",
				 sections, SECTION_COUNT);
	return OUTCOME_OK;
}

static const char *section_name(uint32_t id)
{
	switch ((enum section_id)id) {
#define SECTION(id, name, sentence) case SECTION_##name: return #name;
#include "vm/isa/section.def"
#undef SECTION
	case SECTION_END: break;
	}
	return "?";
}

/* One entry of the section table. *end is where the section before it ended. */
static enum outcome read_section(struct module *m, struct reader *r, uint32_t id, uint64_t *end,
				 bool hashed, struct str *out, struct error *err)
{
	uint32_t told = reader_u32(r), zero = reader_u32(r);
	uint64_t offset = reader_u64(r), length = reader_u64(r);
	struct hash hash = read_hash(r);
	uint64_t begin = (*end + 7) & ~UINT64_C(7);
	if (told != id || zero != 0 || offset != begin || offset > m->bytes.len ||
	    length > m->bytes.len - offset)
		return error_set(err, OUTCOME_DAMAGED,
				 "the module is damaged: section %u (%s) is not where it should be",
				 id, section_name(id));
	for (uint64_t i = *end; i < begin; i++)
		if (m->bytes.ptr[i] != 0)
			return error_set(err, OUTCOME_DAMAGED,
					 "the module is damaged: bytes between its sections");
	*out = (struct str){ m->bytes.ptr + offset, (size_t)length };
	*end = offset + length;
	if (hashed && !hash_eq(hash_of(*out), hash))
		return error_set(err, OUTCOME_DAMAGED,
				 "the module is damaged: section %u (%s) has changed", id,
				 section_name(id));
	return OUTCOME_OK;
}

static enum outcome read_sections(struct module *m, struct reader *r,
				  struct str sections[SECTION_END], struct error *err)
{
	uint64_t end = IMAGE_HEAD_BYTES + SECTION_COUNT * SECTION_ENTRY_BYTES;
	for (uint32_t id = 1; id <= SECTION_COUNT; id++) {
		enum outcome outcome = read_section(m, r, id, &end, true, &sections[id], err);
		if (outcome != OUTCOME_OK)
			return outcome;
	}
	if (((end + 7) & ~UINT64_C(7)) != m->bytes.len)
		return error_set(err, OUTCOME_DAMAGED,
				 "the module is damaged: bytes behind its last section");
	struct str hashed = { m->bytes.ptr + IMAGE_HASHED_FROM, m->bytes.len - IMAGE_HASHED_FROM };
	if (!hash_eq(hash_of(hashed), m->identity))
		return error_set(err, OUTCOME_DAMAGED,
				 "the module is damaged: its hash is not that of its bytes");
	return OUTCOME_OK;
}

enum outcome module_open(struct module *m, struct str bytes, struct error *err)
{
	struct str sections[SECTION_END] = { { 0 } };
	*m = (struct module){ .bytes = bytes };
	struct reader r = reader_of(bytes);
	enum outcome outcome = read_head(m, &r, err);
	if (outcome == OUTCOME_OK)
		outcome = read_sections(m, &r, sections, err);
	if (outcome == OUTCOME_OK)
		outcome = tables_read(m, sections, err);
	if (outcome != OUTCOME_OK)
		module_clear(m);
	return outcome;
}

enum outcome module_open_head(struct module *m, struct str bytes, struct error *err)
{
	struct str section;
	*m = (struct module){ .bytes = bytes };
	struct reader r = reader_of(bytes);
	uint64_t end = IMAGE_HEAD_BYTES + SECTION_COUNT * SECTION_ENTRY_BYTES;
	enum outcome outcome = read_head(m, &r, err);
	if (outcome == OUTCOME_OK)
		outcome = read_section(m, &r, SECTION_MIGRATION, &end, true, &section, err);
	if (outcome == OUTCOME_OK)
		outcome = tables_read_migration(m, section, err);
	if (outcome != OUTCOME_OK)
		module_clear(m);
	return outcome;
}

void module_clear(struct module *m)
{
	if (!m)
		return;
	types_clear(&m->types);
	arena_clear(&m->arena);
	*m = (struct module){ 0 };
}

void module_place(const struct module *m, uint32_t function, uint32_t pc, struct buf *out)
{
	if (function >= m->function_count)
		return;
	const struct function *f = &m->functions[function];
	struct str path = f->source < m->source_count ? m->sources[f->source].path : f->name;
	uint32_t place = f->lines && pc < f->code_count ? f->lines[pc] : 0;
	buf_str(out, path);
	if (place)
		buf_format(out, ":%u:%u", place >> 10, place & 1023);
}
