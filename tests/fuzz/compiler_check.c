/* compiler_check.c - no text breaks the checker; and what it accepts is lowered to images that the
 * verifier proves */
#include "compiler/lint.h"
#include "compiler/stdlib.h"
#include "compiler/write.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static struct str read_module(void *context, struct str name, struct str *path)
{
	(void)context;
	for (const struct stdlib_module *m = stdlib_modules; m->name; m++)
		if (str_eq(name, str_c(m->name))) {
			*path = str_c(m->path);
			return (struct str){ m->text, m->len };
		}
	return (struct str){ NULL, 0 };
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct unit u;
	struct buf out = { 0 };

	unit_init(&u);
	u.read_module = read_module;
	unit_add_text(&u, STR("fuzz.amig"), (struct str){ size ? (const char *)bytes : "", size });
	unit_check(&u);
	lint_files(&u);
	lint_together(&u);
	diags_print_text(&u.diags, &u.sources, false, &out);
	diags_print_sarif(&u.diags, &u.sources, &out);
	diags_print_github(&u.diags, &u.sources, &out);
	diags_fix(&u.diags, &u.sources, 0, &out);
	if (u.diags.error_count == 0) {
		struct written written;
		struct bundle_parts parts = { 0 };
		struct str *shown = arena_array(&u.arena, struct str, u.sources.all.count);

		for (size_t i = 0; i < u.sources.all.count; i++)
			shown[i] = u.sources.all.at[i].path;
		write_images(&u, shown, &written);
		if (u.diags.error_count == 0)
			write_bundle(written.files, written.file_count, &parts);
		bundle_parts_clear(&parts);
		written_clear(&written);
	}
	buf_clear(&out);
	unit_clear(&u);
	return 0;
}
