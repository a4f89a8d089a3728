/* compiler_format.c - what is laid out anew compiles to the same: every source of the project, and
 * programs at random */
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "compiler/stdlib.h"
#include "compiler/write.h"
#include "tests/support/format.h"
#include "tests/support/program.h"
#include "vm/base/os.h"
#include "vm/isa/image.h"

#define PROGRAMS 2000

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

static bool any_migration(void *context, struct str path, struct str name)
{
	(void)context;
	(void)path;
	(void)name;
	return true;
}

/* An image without what tells of places in the source. */
static void write_placeless(struct str image, struct buf *out)
{
	struct module m;
	struct error err = { 0 };
	struct operation *operations;
	struct source *sources;

	if (module_open(&m, image, &err) != OUTCOME_OK)
		fail_msg("%s", err.message);
	operations = arena_array(&m.arena, struct operation, m.operation_count + 1);
	sources = arena_array(&m.arena, struct source, m.source_count + 1);
	for (uint32_t i = 0; i < m.function_count; i++)
		m.functions[i].lines =
			arena_array(&m.arena, uint32_t, m.functions[i].code_count + 1);
	for (uint32_t i = 0; i < m.operation_count; i++) {
		operations[i] = m.operations[i];
		operations[i].line = 0;
	}
	for (uint32_t i = 0; i < m.source_count; i++)
		sources[i].path = m.sources[i].path;
	m.operations = operations;
	m.sources = sources;
	image_write(&m, out);
	module_clear(&m);
}

/* False: it has errors; they are in *words. */
static bool compile(struct str text, struct buf *out, struct buf *words)
{
	struct unit u;
	struct written written = { 0 };
	struct str *shown;
	bool good;

	unit_init(&u);
	u.read_module = read_module;
	u.has_migration = any_migration;
	unit_add_text(&u, STR("t.amig"), text);
	unit_check(&u);
	good = u.diags.error_count == 0;
	diags_print_text(&u.diags, &u.sources, false, words);
	shown = arena_array(&u.arena, struct str, u.sources.all.count);
	for (size_t i = 0; i < u.sources.all.count; i++)
		shown[i] = u.sources.all.at[i].path;
	if (good) {
		write_images(&u, shown, &written);
		good = u.diags.error_count == 0;
	}
	for (uint32_t i = 0; good && i < written.file_count; i++)
		if (written.files[i].head)
			write_placeless(written.files[i].image, out);
	written_clear(&written);
	unit_clear(&u);
	return good;
}

/* Gives whether the text compiles; false, too, where it can't even be laid out. */
static bool formats_to_the_same(const char *name, struct str text)
{
	struct buf once = { 0 }, twice = { 0 }, before = { 0 }, after = { 0 }, words = { 0 };
	bool good = false;

	if (format_text(text, &once)) {
		good = compile(text, &before, &words);
		buf_reset(&words);
		assert_true(format_text(buf_view(&once), &twice));
		if (!str_eq(buf_view(&once), buf_view(&twice)))
			fail_msg("%s changes when it is laid out twice:\n%s\nand\n%s", name,
				once.ptr, twice.ptr);
		if (good != compile(buf_view(&once), &after, &words) ||
			!str_eq(buf_view(&before), buf_view(&after)))
			fail_msg("%s is another program when it is laid out:\n%s\n%s", name,
				once.ptr, words.ptr);
	}
	buf_clear(&once);
	buf_clear(&twice);
	buf_clear(&before);
	buf_clear(&after);
	buf_clear(&words);
	return good;
}

/* ---- the project's own ---- */
static size_t files, compiled;

static int visit(const char *path, const struct stat *is, int type, struct FTW *where)
{
	struct buf text = { 0 };
	struct error err = { 0 };

	(void)is;
	/* not the project's own; the count below tells of a room left out by mistake */
	if (type == FTW_D && where->level == 1 &&
	    (path[where->base] == '.' || strcmp(path + where->base, "build") == 0))
		return FTW_SKIP_SUBTREE;
	if (type != FTW_F || !str_ends(str_c(path), STR(".amig")))
		return FTW_CONTINUE;
	assert_int_equal(os_read_file(path, 0, &text, &err), OUTCOME_OK);
	files++;
	compiled += formats_to_the_same(path, buf_view(&text));
	buf_clear(&text);
	return FTW_CONTINUE;
}

static void every_source_of_the_project_stays_the_same_program(void **state)
{
	(void)state;
	files = compiled = 0;
	assert_int_equal(nftw(".", visit, 16, FTW_PHYS | FTW_ACTIONRETVAL), 0);
	print_message("# %zu files, %zu of them compile\n", files, compiled);
	assert_true(files > 90 && compiled > 30);
}

/* ---- at random ---- */

/* AMIG_TEST_PROGRAMS tries as many. */
static void programs_at_random_stay_the_same(void **state)
{
	const char *wanted = getenv("AMIG_TEST_PROGRAMS");
	uint64_t count = wanted ? strtoull(wanted, NULL, 10) : PROGRAMS;

	(void)state;
	for (uint64_t seed = 0; seed < count; seed++) {
		struct program p;
		struct buf text = { 0 }, ignored = { 0 }, words = { 0 };
		char name[32];

		program_init(&p, seed);
		program_write(&p, &text);
		snprintf(name, sizeof(name), "the program %u", (unsigned)seed);
		if (!formats_to_the_same(name, buf_view(&text))) {
			compile(buf_view(&text), &ignored, &words);
			fail_msg("%s has errors:\n%s\n%s", name, words.ptr, text.ptr);
		}
		buf_clear(&text);
	}
}

/* ---- what an image has of the text ---- */
static void a_condition_is_told_in_one_layout(void **state)
{
	struct buf one = { 0 }, other = { 0 }, words = { 0 };

	(void)state;
	assert_true(compile(STR("migration \"m\" {\n needs db: sqlite\n postcheck \"p\" {\n"
				"  require 1+len( \"a\" )==2\n }\n}\n"),
		&one, &words));
	assert_true(compile(STR("migration \"m\" {\n needs db: sqlite\n postcheck \"p\" {\n"
				"  require 1 + len( # why\n\"a\") == 2\n }\n}\n"),
		&other, &words));
	assert_true(str_eq(buf_view(&one), buf_view(&other)));
	assert_true(str_find(buf_view(&one), STR("1 + len(\"a\") == 2")) >= 0);
	buf_clear(&one);
	buf_clear(&other);
	buf_clear(&words);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_source_of_the_project_stays_the_same_program),
		cmocka_unit_test(programs_at_random_stay_the_same),
		cmocka_unit_test(a_condition_is_told_in_one_layout),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
