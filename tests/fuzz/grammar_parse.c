/* grammar_parse.c - no bytes break the parser, nor the printing of what is wrong with them */
#include "grammar/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct sources sources = {0};
	struct diags diags = {0};
	struct arena arena = {0};
	struct buf out = {0};
	struct str text = { size ? (const char *)bytes : "", size };

	parse(&arena, &sources, sources_add(&sources, STR("fuzz.amig"), text), &diags);
	diags_sort(&diags);
	diags_print_text(&diags, &sources, true, &out);
	diags_print_json(&diags, &sources, &out);
	diags_fix(&diags, &sources, 0, &out);
	buf_clear(&out);
	diags_clear(&diags);
	sources_clear(&sources);
	arena_clear(&arena);
	return 0;
}
