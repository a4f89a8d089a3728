/* grammar_format.c - how a text is laid out, and that doing it twice changes nothing */
#include "grammar/parse.h"
#include "tests/support/format.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>

static void assert_format(const char *text, const char *expected)
{
	struct buf once = { 0 }, twice = { 0 };

	if (!format_text(str_c(text), &once))
		fail_msg("this has errors: %s", text);
	assert_string_equal(once.ptr ? once.ptr : "", expected);
	assert_true(format_text(buf_view(&once), &twice));
	assert_string_equal(twice.ptr ? twice.ptr : "", expected);
	buf_clear(&once);
	buf_clear(&twice);
}

/* In a migration's operation, where most of the language can be said. */
static void assert_body(const char *text, const char *expected)
{
	struct buf in = { 0 }, out = { 0 };

	buf_format(&in, "fn f() {\n%s\n}\n", text);
	buf_format(&out, "fn f() {\n%s\n}\n", expected);
	assert_format(in.ptr, out.ptr);
	buf_clear(&in);
	buf_clear(&out);
}

static void spaces_stand_where_they_should(void **state)
{
	static const struct {
		const char *text, *expected;
	} cases[] = {
		{ "let  x=1+2 *3", "  let x = 1 + 2 * 3" },
		{ "let x : int ? = f ( a , b:2 )", "  let x: int? = f(a, b: 2)" },
		{ "let x = -1 - -2", "  let x = -1 - -2" },
		{ "let x = - -1", "  let x = - -1" },
		{ "let x = -9223372036854775808", "  let x = -9223372036854775808" },
		{ "let x = [ -1,2 ,- y ] [0]", "  let x = [-1, 2, -y][0]" },
		{ "let x={a:1,b :[]}", "  let x = { a: 1, b: [] }" },
		{ "let x = { }", "  let x = {}" },
		{ "let x = a . b . c ( ) . d", "  let x = a.b.c().d" },
		{ "let x = 1.2.3-rc .major", "  let x = 1.2.3-rc .major" },
		{ "let x = not(a)and(b or(c))", "  let x = not (a) and (b or (c))" },
		{ "let x = a as[ int ]", "  let x = a as [int]" },
		{ "let x: int? ? = a??b", "  let x: int? ? = a ?? b" },
		{ "let x = f(y=>y+1, (a ,b)=>a)", "  let x = f(y => y + 1, (a, b) => a)" },
		{ "let x = if a{1}else{2}", "  let x = if a { 1 } else { 2 }" },
		{ "let x = c.exec (sql\"a\")", "  let x = c.exec(sql\"a\")" },
		{ "let x = weight(1) + weight (1)", "  let x = weight(1) + weight (1)" },
		{ "let x = weight -1", "  let x = weight -1" },
		{ "let x = weight-1", "  let x = weight - 1" },
		{ "return(1)", "  return (1)" },
		{ "return-1", "  return -1" },
		{ "let x = \"a${ b }c${d+1}\"", "  let x = \"a${b}c${d + 1}\"" },
		{ "let x = sql\"${ {a:1}.a }\"", "  let x = sql\"${{ a: 1 }.a}\"" },
		{ "let x = sql\"${ \"a${ \"b\" }\" }\"", "  let x = sql\"${\"a${\"b\"}\"}\"" },
		{ "let\tx = 1.5 .y", "  let x = 1.5.y" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_body(cases[i].text, cases[i].expected);
}

static void lines_stay_and_are_indented(void **state)
{
	(void)state;
	assert_format("", "");
	assert_format("\n\n", "");
	assert_format("\n\nuse a\n\n\n\nuse b", "use a\n\nuse b\n");
	assert_format("fn f(){\n\n\n\treturn 1\n\n}\n\n", "fn f() {\n  return 1\n}\n");
	assert_format("use a\r\nuse b\r\n", "use a\nuse b\n");
	assert_body("if a {\nlog \"x\"\n}\n\nelse if b {\n}\nelse {\nlog \"y\" }",
		"  if a {\n    log \"x\"\n  } else if b {\n  } else {\n    log \"y\"\n  }");
	assert_body("if a { log \"x\" }\nif b { log \"x\"\nlog \"y\" } else { log \"z\" }",
		"  if a { log \"x\" }\n  if b {\n    log \"x\"\n    log \"y\"\n"
		"  } else { log \"z\" }");
	assert_body("if a { f(1,\n2) }\nif a {f() # c\n}",
		"  if a { f(1,\n    2) }\n  if a {\n    f()  # c\n  }");
	assert_body("if a {\n} # why\nelse {\n}", "  if a {\n  }  # why\n  else {\n  }");
	assert_body("require a ==\nb\nelse \"no\"", "  require a ==\n    b\n    else \"no\"");
	assert_body("let x = f(\na,\n[\n1,\n2\n],\n{\na: 1,\nb:\n2 }\n)",
		"  let x = f(\n    a,\n    [\n      1,\n      2\n    ],\n    {\n      a: 1,\n"
		"      b:\n        2 }\n  )");
	assert_body("let x = {a: 1,\nfail\t: 2}", "  let x = { a: 1,\n    fail: 2 }");
	assert_format("migration \"m\" {\noperation \"o\" on a {\nweight-9223372036854775808\n"
		      "forward sql\"a\"\nrollback nothing\n}\n}\n",
		"migration \"m\" {\n  operation \"o\" on a {\n    weight -9223372036854775808\n"
		"    forward  sql\"a\"\n    rollback nothing\n  }\n}\n");
	assert_body("let x = f([{\na: 1\n}\n])", "  let x = f([{\n    a: 1\n  }\n  ])");
}

static void comments_stay_with_what_they_stood_before(void **state)
{
	(void)state;
	assert_format("#a\n\n\n# b  \nuse a#c\n# d", "#a\n\n# b\nuse a  #c\n# d\n");
	assert_format("## doc\n##more\nfn f() {}", "## doc\n##more\nfn f() {}\n");
	assert_format("# only", "# only\n");
	assert_body("# a\n\nlet x = 1\n#b\n\n", "  # a\n\n  let x = 1\n  #b");
	assert_body("let x = f( # a\n# b\n1, # c\n\n2 # d\n# e\n)",
		"  let x = f(  # a\n    # b\n    1,  # c\n\n    2  # d\n    # e\n  )");
	assert_body("let x = 1 # a\nlet long = 2# b\n\nlog \"\" # c\nlog \"x\"",
		"  let x    = 1  # a\n  let long = 2  # b\n\n  log \"\"  # c\n  log \"x\"");
	assert_body("let x = 1 + # a\n2 # b", "  let x = 1 +  # a\n    2  # b");
}

static void columns_are_found_by_words(void **state)
{
	(void)state;
	assert_body("let a = 1\nlet long = 2\nlet b=3\nvar v = 0\nlet c: int = 1\n\n"
		    "let d = 4\nx = 5",
		"  let a    = 1\n  let long = 2\n  let b    = 3\n  var v = 0\n"
		"  let c: int = 1\n\n"
		"  let d = 4\n  x = 5");
	/* What is not one whole line takes no part, nor does what a comment or an empty line cuts
	 * off. */
	assert_body("let a = 1\nlet long = f(\n1)\nlet b = 2\n# c\nlet long = 3",
		"  let a = 1\n  let long = f(\n    1)\n  let b = 2\n  # c\n  let long = 3");
	assert_body("let a = {let: 1}\nlet bcd = \"é\"",
		"  let a   = { let: 1 }\n  let bcd = \"é\"");
	assert_format("migration \"m\" {\ndepends on \"a\"\nversions 1.0.0 .. 2.0.0\n"
		      "needs a: sqlite\nparam p: int\noperation \"o\" on a {\nforward sql\"a\"\n"
		      "rollback nothing\n}\noperation \"p\" on a {\nforward sql\"a\"\n"
		      "rollback {\nexec sql\"b\"\n}\n}\n}\n",
		"migration \"m\" {\n  depends on \"a\"\n  versions   1.0.0 .. 2.0.0\n"
		"  needs      a: sqlite\n  param p: int\n  operation \"o\" on a {\n"
		"    forward  sql\"a\"\n    rollback nothing\n  }\n  operation \"p\" on a {\n"
		"    forward sql\"a\"\n    rollback {\n      exec sql\"b\"\n    }\n  }\n}\n");
	assert_body("forward = 1\nrollback = 2", "  forward = 1\n  rollback = 2");
}

static void templates_move_with_their_statement(void **state)
{
	(void)state;
	assert_body("let x = \"\"\"\na\n  b ${ c }\n\n \t\n\"\"\"",
		"  let x = \"\"\"\n    a\n      b ${c}\n\n     \t\n  \"\"\"");
	assert_body("      let x = \"\"\" \t\n  a\n  b\"\"\"",
		"  let x = \"\"\"\n    a\n    b\"\"\"");
	assert_body("let x = \"\"\"a\n\t b\n\"\"\"", "  let x = \"\"\"a\n    b\n  \"\"\"");
	assert_body("let x = \"\"\"a\n   \"\"\"", "  let x = \"\"\"a\n  \"\"\"");
	assert_body("let x = \"\"\"\n   \"\"\"", "  let x = \"\"\"\n   \"\"\"");
	assert_body("let x = \"\"\"\r\n a\r\n  b\r\n\"\"\"",
		"  let x = \"\"\"\n    a\n     b\n  \"\"\"");
	assert_body("let x = \"\"\"\n a\r\r\n b\r\r\n\"\"\"",
		"  let x = \"\"\"\n    a\r\r\n    b\r\r\n  \"\"\"");
	assert_body("let x = f(sql\"\"\"\n${ # why\nc\n} d ${ \"\"\"\ne\n\"\"\" }\n\"\"\", 1)",
		"  let x = f(sql\"\"\"\n    ${  # why\n      c\n    } d ${\"\"\"\n      e\n"
		"    \"\"\"}\n  \"\"\", 1)");
}

/* ---- the text of templates ---- */
static const struct part *parts_of(struct sources *sources, struct arena *arena, struct str text)
{
	struct diags diags = { 0 };
	const struct file *file =
		parse(arena, sources, sources_add(sources, STR("t.amig"), text), &diags);
	const struct declaration *d = file->first;

	assert_int_equal(diags.error_count, 0);
	diags_clear(&diags);
	assert_int_equal(d->fn.body->first->kind, STATEMENT_LET);
	return d->fn.body->first->let.value->parts;
}

static void assert_same_text(struct str before, struct str after)
{
	struct sources sources = { 0 };
	struct arena arena = { 0 };
	const struct part *a = parts_of(&sources, &arena, before);
	const struct part *b = parts_of(&sources, &arena, after);

	for (; a && b; a = a->next, b = b->next)
		if (!str_eq(a->text, b->text) || !a->hole != !b->hole)
			fail_msg("another text:\n%.*s\nof\n%.*s\nwas\n%.*s", STR_ARG(b->text),
				STR_ARG(after), STR_ARG(a->text));
	assert_true(!a && !b);
	sources_clear(&sources);
	arena_clear(&arena);
}

static void texts_of_templates_stay_the_same(void **state)
{
	static const char *const pieces[] = { " ", "\n", "\t", "\r\n", "a", "${b}", "\n  ", "\r",
		"\\t", "${\n  c\n}", "\"" };
	enum { LENGTH = 5 };
	uint32_t total = 1, tried = 0;

	(void)state;
	for (size_t i = 0; i < LENGTH; i++)
		total *= ARRAY_SIZE(pieces);
	for (uint32_t n = 0; n < total; n += 3) {
		struct buf text = { 0 }, once = { 0 }, twice = { 0 };
		uint32_t rest = n;

		buf_text(&text, "fn f() {\n let x = \"\"\"");
		for (size_t i = 0; i < LENGTH; i++, rest /= ARRAY_SIZE(pieces))
			buf_text(&text, pieces[rest % ARRAY_SIZE(pieces)]);
		buf_text(&text, "\"\"\"\n}");
		if (format_text(buf_view(&text), &once)) {
			tried++;
			assert_same_text(buf_view(&text), buf_view(&once));
			assert_true(format_text(buf_view(&once), &twice));
			assert_string_equal(once.ptr, twice.ptr);
		}
		buf_clear(&text);
		buf_clear(&once);
		buf_clear(&twice);
	}
	assert_true(tried > total / 6);
}

static void what_has_errors_is_left_alone(void **state)
{
	static const char *const texts[] = { "fn f( {\n}", "use a;\n", "const a = 'x'\n",
		"const a = \"\"\"x\n", "\xff" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct buf out = { 0 };

		assert_false(format_text(str_c(texts[i]), &out));
		assert_int_equal(out.len, 0);
		buf_clear(&out);
	}
}

/* Each of many lines is indented by more than it holds. */
static void a_text_that_would_grow_too_large_is_refused(void **state)
{
	struct buf text = { 0 }, out = { 0 };

	(void)state;
	buf_text(&text, "const a = ");
	for (int i = 0; i < 90; i++)
		buf_text(&text, "[\n");
	for (int i = 0; i < 100000; i++)
		buf_text(&text, "1,\n");
	for (int i = 0; i < 90; i++)
		buf_text(&text, "]");
	assert_false(format_text(buf_view(&text), &out));
	assert_int_equal(out.len, 0);
	buf_clear(&text);
	buf_clear(&out);
}

static void a_phrase_is_one_line(void **state)
{
	struct buf out = { 0 };

	(void)state;
	format_phrase(STR("a==b # why\n and\nf( \"x${ y }\" )"), &out);
	assert_string_equal(out.ptr, "a == b and f(\"x${y}\")");
	buf_clear(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spaces_stand_where_they_should),
		cmocka_unit_test(lines_stay_and_are_indented),
		cmocka_unit_test(comments_stay_with_what_they_stood_before),
		cmocka_unit_test(columns_are_found_by_words),
		cmocka_unit_test(templates_move_with_their_statement),
		cmocka_unit_test(texts_of_templates_stay_the_same),
		cmocka_unit_test(what_has_errors_is_left_alone),
		cmocka_unit_test(a_text_that_would_grow_too_large_is_refused),
		cmocka_unit_test(a_phrase_is_one_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
