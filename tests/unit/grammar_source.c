/* grammar_source.c - lines and columns, looked up in any order, against counting them all */
#include "grammar/source.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static struct place counted(struct str text, uint32_t offset)
{
	struct place place = { 1, 1, { 0 } };
	size_t start = 0, end;

	for (uint32_t i = 0; i < offset; i++) {
		if (text.ptr[i] == '\n') {
			place.line++;
			place.column = 1;
			start = i + 1;
		} else {
			place.column += ((unsigned char)text.ptr[i] & 0xc0) != 0x80;
		}
	}
	for (end = start; end < text.len && text.ptr[end] != '\n'; end++)
		;
	end -= end > start && text.ptr[end - 1] == '\r';
	place.line_text = (struct str){ text.ptr + start, end - start };
	return place;
}

static void look_up(struct sources *s, uint32_t source, uint32_t offset)
{
	struct str text = s->all.at[source].text;
	struct place got = source_place(s, source, offset), want = counted(text, offset);

	assert_int_equal(got.line, want.line);
	assert_int_equal(got.column, want.column);
	assert_true(str_eq(got.line_text, want.line_text));
}

static void a_place_is_found_from_any_place_before(void **state UNUSED)
{
	static const char *const texts[] = {
		"", "\n", "one", "one\n", "\n\n\ntwo\nthree", "a\r\nbc\r\n\r\n",
		"ascii\nna\xc3\xafve caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80 end\nascii again\n",
		"\xc3\xa4\n\xc3\xb6\xc3\xbc one long line after it, with \xe2\x82\xac at its end\n",
	};
	struct sources s = { 0 };

	srandom(1);
	for (uint32_t i = 0; i < ARRAY_SIZE(texts); i++) {
		uint32_t len = (uint32_t)strlen(texts[i]);

		assert_int_equal(sources_add(&s, STR("t"), str_c(texts[i])), i);
		for (uint32_t at = 0; at <= len; at++)
			look_up(&s, i, at);
		for (unsigned n = 0; n < 2000; n++)
			look_up(&s, i, (uint32_t)random() % (len + 1));
		assert_int_equal(source_place(&s, i, len + 9).line,
				 counted(str_c(texts[i]), len).line);
	}
	sources_clear(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_place_is_found_from_any_place_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
