/* isa_image.c - images and bundles: the same bytes for the same module, and nothing else is let in
 */
#include "tests/support/bundle.h"
#include "vm/base/os.h"
#include "vm/isa/assemble.h"
#include "vm/isa/image.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

static const char source[] =
	"migration \"m\" \"what it does\"\ndepends \"a\"\ndepends \"b\"\nversions \"1.2.0\" "
	"\"1.3.0-rc.1\"\n"
	"need c sqlite \">= 3.0.0\"\nneed d clickhouse\nparam n int default d check k\nparam r {a: "
	"int, b: [string?]}\nfrozen s string\n"
	"setup u\nplan p\nrequired q\nleaves l\ncheck pre \"ok\" e\ncheck health \"disk\" e 1000\n"
	"template t \"one \" [int] \" two \" sql \"\"\n"
	"operation \"copy\" on c capture int options {timeout: duration} forward g rollback g done "
	"h flags 3\n"
	"operation \"drop\" on d capture int forward g irreversible \"gone\"\n"
	"function d -> int\nINT 3\nRETURN\nend\nfunction k int -> string?\nNULL\nRETURN\nend\n"
	"function u -> {s: string}\nCONSTANT \"x\"\nRECORD {s: string}\nRETURN\nend\nfunction q -> "
	"bool\nCONSTANT v1.2.3\nAPP_VERSION\nEQUAL\n"
	"RETURN\nend\nfunction l -> [ident]\nLIST ident 0\nRETURN\nend\n"
	"function e\nlocal float\nCONSTANT 1.5\nSTORE 0\nCONSTANT 5m\nPOP\nCONSTANT "
	"@77\nPOP\nRETURN\nend\n"
	"function g effect int\nRETURN\nend\nfunction h int -> bool\nBOOL 1\nRETURN\nend\nfunction "
	"p\nCONSTANT \"l\"\nNULL\nINT 1\nPLAN 0\nRETURN\nend\n";

static struct module opened(char **image)
{
	struct module m;
	struct buf why = { 0 };
	if (!assemble_module(STR(source), &m, image, &why))
		fail_msg("%s", buf_view(&why).ptr);
	return m;
}

static void what_is_read_is_written_again_the_same(void **state)
{
	(void)state;
	char *image;
	struct module m = opened(&image);
	struct buf again = { 0 };
	image_write(&m, &again);
	assert_true(str_eq(m.bytes, buf_view(&again)));
	assert_int_equal(m.operation_count, 2);
	assert_string_equal(arena_c(&m.arena, m.migration.depends[1]), "b");
	assert_string_equal(arena_c(&m.arena, m.operations[1].rollback_why), "gone");
	assert_int_equal(m.checks[1].every_ms, 1000);
	assert_string_equal(arena_c(&m.arena, m.params[1].name), "r");
	buf_clear(&again);
	module_clear(&m);
	free(image);
}

static void the_head_can_be_read_alone(void **state)
{
	(void)state;
	char *image;
	struct module m = opened(&image), head;
	struct error err = { 0 };
	assert_int_equal(module_open_head(&head, m.bytes, &err), OUTCOME_OK);
	assert_true(str_eq(head.migration.name, STR("m")));
	assert_true(hash_eq(head.identity, m.identity));
	assert_int_equal(head.function_count, 0);
	module_clear(&head);
	module_clear(&m);
	free(image);
}

static void every_flipped_bit_and_every_lost_byte_is_seen(void **state)
{
	(void)state;
	char *image;
	struct module m = opened(&image), other;
	size_t len = m.bytes.len;
	for (size_t i = 0; i < len * 8; i++) {
		struct error err = { 0 };
		image[i / 8] = (char)(image[i / 8] ^ 1 << i % 8);
		assert_int_equal(module_open(&other, (struct str){ image, len }, &err),
				 OUTCOME_DAMAGED);
		assert_non_null(err.message);
		image[i / 8] = (char)(image[i / 8] ^ 1 << i % 8);
		error_clear(&err);
	}
	for (size_t i = 0; i < len; i++) {
		struct error err = { 0 };
		assert_int_equal(module_open(&other, (struct str){ image, i }, &err),
				 OUTCOME_DAMAGED);
		error_clear(&err);
	}
	module_clear(&m);
	free(image);
}

static void a_newer_format_is_refused_by_name(void **state)
{
	(void)state;
	char *image;
	struct module m = opened(&image), other;
	struct error err = { 0 };
	image[8]++;
	assert_int_equal(module_open(&other, m.bytes, &err), OUTCOME_DAMAGED);
	assert_string_equal(err.message, "the module has format 3, this amigrun reads format 2");
	assert_string_equal(err.hint,
			    "it was built by a newer amigc: use the amigrun of that version");
	error_clear(&err);
	module_clear(&m);
	free(image);
}

static struct bundle_entry entry_of(const char *name, struct module *m)
{
	return (struct bundle_entry){ str_c(name), m->bytes, m->identity };
}

static void write_bytes(const struct bundle_entry *entries, uint32_t count, struct buf *out)
{
	struct bundle_parts parts;
	struct buf record = { 0 };

	bundle_write(entries, count, &record, &parts);
	bundle_join(&parts, out);
}

static void a_bundle_finds_its_modules(void **state)
{
	(void)state;
	char *image, path[] = "/tmp/isa_image_XXXXXX";
	struct module m = opened(&image);
	struct bundle_entry entries[] = { entry_of("a", &m), entry_of("b", &m),
					  entry_of("bb", &m) };
	struct buf bytes = { 0 };
	struct error err = { 0 };
	struct bundle b;
	write_bytes(entries, 3, &bytes);
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(os_write_file(path, buf_view(&bytes), &err), OUTCOME_OK);
	assert_int_equal(bundle_read(&b, path, &err), OUTCOME_OK);
	assert_int_equal(b.count, 3);
	assert_null(bundle_find(&b, STR("c")));
	assert_null(bundle_find(&b, STR("")));
	const struct bundle_entry *found = bundle_find(&b, STR("bb"));
	assert_non_null(found);
	assert_true(str_eq(found->image, m.bytes));
	assert_true(hash_eq(found->identity, m.identity));
	bundle_clear(&b);
	unlink(path);
	assert_int_equal(bundle_read(&b, path, &err), OUTCOME_UNREACHABLE);
	error_clear(&err);
	buf_clear(&bytes);
	module_clear(&m);
	free(image);
}

static void a_damaged_bundle_is_refused(void **state)
{
	(void)state;
	char *image;
	struct module m = opened(&image);
	struct bundle_entry sorted[] = { entry_of("a", &m), entry_of("b", &m) };
	struct bundle_entry unsorted[] = { entry_of("b", &m), entry_of("a", &m) };
	struct bundle_entry twice[] = { entry_of("a", &m), entry_of("a", &m) };
	struct buf bytes = { 0 };
	struct error err = { 0 };
	struct bundle b;
	write_bytes(sorted, 2, &bytes);
	for (size_t i = 0; i < bytes.len; i += i < 200 ? 1 : 37) {
		bytes.ptr[i] ^= 16;
		assert_int_equal(bundle_open(&b, buf_view(&bytes), &err), OUTCOME_DAMAGED);
		bytes.ptr[i] ^= 16;
		error_clear(&err);
		assert_int_equal(bundle_open(&b, (struct str){ bytes.ptr, i }, &err),
				 OUTCOME_DAMAGED);
		error_clear(&err);
	}
	bytes.ptr[8]++;
	assert_int_equal(bundle_open(&b, buf_view(&bytes), &err), OUTCOME_DAMAGED);
	assert_string_equal(err.message, "the bundle has format 3, this amigrun reads format 2");
	error_clear(&err);
	buf_reset(&bytes);
	write_bytes(unsorted, 2, &bytes);
	assert_int_equal(bundle_open(&b, buf_view(&bytes), &err), OUTCOME_DAMAGED);
	assert_string_equal(err.message, "the bundle is damaged: its index is not sorted");
	error_clear(&err);
	buf_reset(&bytes);
	write_bytes(twice, 2, &bytes);
	assert_int_equal(bundle_open(&b, buf_view(&bytes), &err), OUTCOME_DAMAGED);
	error_clear(&err);
	buf_clear(&bytes);
	module_clear(&m);
	free(image);
}

/* What assembles and gets right hashes, but no tables that go together. */
static void tables_that_are_wrong_are_refused(void **state)
{
	static const struct { const char *what, *source, *refusal;
	} cases[] = {
		{ "too many locals", "LOCALS", "has 0 parameters and 4097 locals" },
		{ "a field twice", "frozen a {x: int, x: int}\n", "two fields `x`" },
		{ "a field without a name", "frozen a {: int}\n", "no proper name" },
		{ "a type too large", "TYPES", "is too large" },
		{ "a text that is not UTF-8", "migration \"\\xff\"\n", "a text is not UTF-8" },
		{ "nothing as a value", "frozen a nothing\n", "`nothing` where a value is wanted" },
		{ "a constant that is no version", "function f\nCONSTANT v1.2\nPOP\nRETURN\nend\n",
		  "`1.2` is no version" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct buf text = { 0 }, why = { 0 };
		struct module m;
		char *image;
		if (strcmp(cases[i].source, "LOCALS") == 0) {
			buf_text(&text, "function f\n");
			for (uint32_t l = 0; l <= FUNCTION_LOCALS_MAX; l++)
				buf_text(&text, "local int\n");
			buf_text(&text, "RETURN\nend\n");
		} else if (strcmp(cases[i].source, "TYPES") == 0) {
			buf_text(&text, "frozen a ");
			for (uint32_t l = 0; l <= TYPE_NEST_MAX; l++)
				buf_byte(&text, '[');
			buf_text(&text, "int");
			for (uint32_t l = 0; l <= TYPE_NEST_MAX; l++)
				buf_byte(&text, ']');
			buf_byte(&text, '\n');
		} else {
			buf_text(&text, cases[i].source);
		}
		if (assemble_module(buf_view(&text), &m, &image, &why))
			fail_msg("%s was let through", cases[i].what);
		if (!strstr(buf_view(&why).ptr, cases[i].refusal))
			fail_msg("%s: %s", cases[i].what, buf_view(&why).ptr);
		buf_clear(&text);
		buf_clear(&why);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_read_is_written_again_the_same),
		cmocka_unit_test(the_head_can_be_read_alone),
		cmocka_unit_test(every_flipped_bit_and_every_lost_byte_is_seen),
		cmocka_unit_test(a_newer_format_is_refused_by_name),
		cmocka_unit_test(a_bundle_finds_its_modules),
		cmocka_unit_test(a_damaged_bundle_is_refused),
		cmocka_unit_test(tables_that_are_wrong_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
