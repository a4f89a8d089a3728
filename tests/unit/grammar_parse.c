/* grammar_parse.c - what a text means as a tree, and what is said about a text that means nothing
 */
#include "grammar/parse.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>

struct parsed {
	struct sources sources;
	struct diags diags;
	struct arena arena;
	struct file *file;
};

static void parse_text(struct parsed *p, struct str text)
{
	*p = (struct parsed){ 0 };
	p->file = parse(&p->arena, &p->sources, sources_add(&p->sources, STR("t.amig"), text),
		&p->diags);
	diags_sort(&p->diags);
}

static void drop(struct parsed *p)
{
	diags_clear(&p->diags);
	sources_clear(&p->sources);
	arena_clear(&p->arena);
}

/* ---- a tree as a line ---- */
static const char *const operators[] = { "or", "and", "not", "==", "!=", "<", "<=", ">", ">=", "in",
	"matches", "+", "-", "*", "/", "%", "neg", "??" };

static void show(const struct expression *e, struct buf *out);

static void show_type(const struct type_syntax *t, struct buf *out)
{
	if (!t)
		return;
	if (t->kind == SYNTAX_NAMED)
		buf_str(out, t->name.text);
	if (t->kind == SYNTAX_LIST)
		buf_byte(out, '[');
	if (t->kind == SYNTAX_LIST || t->kind == SYNTAX_OPTIONAL)
		show_type(t->element, out);
	if (t->kind == SYNTAX_LIST)
		buf_byte(out, ']');
	if (t->kind == SYNTAX_OPTIONAL)
		buf_byte(out, '?');
	for (const struct field_syntax *f = t->fields; f; f = f->next) {
		buf_format(out, "%s%.*s:", f == t->fields ? "{" : ",", STR_ARG(f->name.text));
		show_type(f->type, out);
	}
	if (t->kind == SYNTAX_RECORD)
		buf_byte(out, '}');
}

static void show_arguments(const struct argument *a, struct buf *out)
{
	for (; a; a = a->next) {
		buf_byte(out, ' ');
		if (a->name.text.len)
			buf_format(out, "%.*s:", STR_ARG(a->name.text));
		show(a->value, out);
	}
}

static void show_parts(const struct part *part, struct buf *out)
{
	for (; part; part = part->next) {
		if (part->hole) {
			buf_text(out, "<");
			show(part->hole, out);
			buf_text(out, ">");
		} else {
			buf_str(out, part->text);
		}
	}
}

static void show_condition(const struct condition *c, struct buf *out)
{
	if (c->let.text.len)
		buf_format(out, "let %.*s=", STR_ARG(c->let.text));
	show(c->value, out);
}

static void show_compound(const struct expression *e, struct buf *out)
{
	switch ((int)e->kind) {
	case EXPRESSION_FIELD:
		show(e->field.base, out);
		buf_format(out, ".%.*s", STR_ARG(e->field.name.text));
		break;
	case EXPRESSION_INDEX:
		show(e->index.base, out);
		buf_byte(out, '[');
		show(e->index.index, out);
		buf_byte(out, ']');
		break;
	case EXPRESSION_CALL:
		buf_text(out, "(call ");
		show(e->call.callee, out);
		show_arguments(e->call.arguments, out);
		buf_byte(out, ')');
		break;
	case EXPRESSION_AS:
		buf_text(out, "(as ");
		show(e->as.value, out);
		buf_byte(out, ' ');
		show_type(e->as.type, out);
		buf_byte(out, ')');
		break;
	case EXPRESSION_IF:
		buf_text(out, "(if ");
		show_condition(e->branch.condition, out);
		buf_byte(out, ' ');
		show(e->branch.then, out);
		buf_byte(out, ' ');
		show(e->branch.otherwise, out);
		buf_byte(out, ')');
		break;
	case EXPRESSION_LAMBDA:
		buf_text(out, "(\\");
		for (uint32_t i = 0; i < e->lambda.count; i++)
			buf_format(out, "%.*s ", STR_ARG(e->lambda.parameters[i].text));
		show(e->lambda.body, out);
		buf_byte(out, ')');
		break;
	}
}

static void show(const struct expression *e, struct buf *out)
{
	switch (e->kind) {
	case EXPRESSION_NULL:
		buf_text(out, "null");
		break;
	case EXPRESSION_BOOL:
		buf_text(out, e->flag ? "true" : "false");
		break;
	case EXPRESSION_INT:
		buf_format(out, "%lld", (long long)e->number);
		break;
	case EXPRESSION_FLOAT:
		buf_format(out, "f%g", e->real);
		break;
	case EXPRESSION_DURATION:
		buf_format(out, "%lldms", (long long)e->number);
		break;
	case EXPRESSION_VERSION:
		buf_format(out, "v%.*s", STR_ARG(e->text));
		break;
	case EXPRESSION_STRING:
		buf_byte(out, '\'');
		show_parts(e->parts, out);
		buf_byte(out, '\'');
		break;
	case EXPRESSION_SQL:
		buf_text(out, "sql'");
		show_parts(e->parts, out);
		buf_byte(out, '\'');
		break;
	case EXPRESSION_NAME:
		buf_str(out, e->name.text);
		break;
	case EXPRESSION_LIST:
		buf_text(out, "[list");
		show_arguments(e->elements, out);
		buf_byte(out, ']');
		break;
	case EXPRESSION_RECORD:
		buf_text(out, "{record");
		show_arguments(e->elements, out);
		buf_byte(out, '}');
		break;
	case EXPRESSION_UNARY:
	case EXPRESSION_BINARY:
		buf_format(out, "(%s ", operators[e->binary.operator]);
		show(e->binary.left, out);
		if (e->binary.right) {
			buf_byte(out, ' ');
			show(e->binary.right, out);
		}
		buf_byte(out, ')');
		break;
	case EXPRESSION_ERROR:
		buf_text(out, "error");
		break;
	case EXPRESSION_FIELD:
	case EXPRESSION_INDEX:
	case EXPRESSION_CALL:
	case EXPRESSION_AS:
	case EXPRESSION_IF:
	case EXPRESSION_LAMBDA:
		show_compound(e, out);
	}
}

/* ---- expressions ---- */
struct expression_case {
	const char *text, *tree;
};

static const struct expression_case expressions[] = {
	{ "1 + 2 * 3 - 4", "(- (+ 1 (* 2 3)) 4)" },
	{ "a or b and not c == d", "(or a (and b (not (== c d))))" },
	{ "a ?? b + c < d", "(< (?? a (+ b c)) d)" },
	{ "-a.b[1](2) as [int]?", "(neg (as (call a.b[1] 2) [int]?))" },
	{ "a + b as int ?? 3", "(?? (+ a (as b int)) 3)" },
	{ "a matches \"x\" and b in [1, 2,]", "(and (matches a 'x') (in b [list 1 2]))" },
	{ "if a { 1 } else if let x = b { x } else { {a: 1, in: 2} }",
		"(if a 1 (if let x=b x {record a:1 in:2}))" },
	{ "map(l, x => x + 1)", "(call map l (\\x (+ x 1)))" },
	{ "f(l, (a, b) => {a: b}, on: 3)", "(call f l (\\a b {record a:b}) on:3)" },
	{ "1_000", "1000" },
	{ "1.5GiB", "1610612736" },
	{ "250ms + 2d", "(+ 250ms 172800000ms)" },
	{ "1.33.0-rc.1", "v1.33.0-rc.1" },
	{ "1.5e3", "f1500" },
	{ "-9223372036854775808", "-9223372036854775808" },
	{ "on + size + timeout.retry + nothing", "(+ (+ (+ on size) timeout.retry) nothing)" },
	{ "r.if.let", "r.if.let" },
	{ "\"a${b + \"c${d}\"}e\\n\\u{41}\\$\"", "'a<(+ b 'c<d>')>e\nA$'" },
	{ "\"\"\"\n    one\n      two ${x}\n\n    three\n  \"\"\"", "'one\n  two <x>\n\nthree'" },
	{ "\"\"\"\r\n  a\r\n  b\r\n  \"\"\"", "'a\nb'" },
	{ "sql\"a \\\" \\d \\\\ \\${x} ${x}\"", "sql'a \" \\d \\\\ ${x} <x>'" },
	{ "\"\"", "''" },
	{ "(a\n  + b\n)", "(+ a b)" },
	{ "a +\n  b", "(+ a b)" },
};

static void every_expression_becomes_its_tree(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(expressions); i++) {
		struct parsed p;
		struct buf text = { 0 }, tree = { 0 };

		buf_format(&text, "const x = %s", expressions[i].text);
		parse_text(&p, buf_view(&text));
		assert_int_equal(p.diags.error_count, 0);
		show(p.file->first->constant.value, &tree);
		assert_string_equal(tree.ptr, expressions[i].tree);
		buf_clear(&text);
		buf_clear(&tree);
		drop(&p);
	}
}

/* ---- what is wrong ---- */
struct error_case {
	const char *text, *errors;
};

static const struct error_case errors[] = {
	{ "const a = 1\r\nconst b = 2", "" },
	{ "const a = \"x", "E0104@1:11 " },
	{ "const a = \"x ${b\nconst c = 1", "E0104@1:11 " },
	{ "const a = sql\"\"\"x\n\nconst b = 1", "E0104@1:11 " },
	{ "fn f() {\n  let a = 1\n", "E0105@1:8 " },
	{ "const a = f(\nconst b = 1\n", "E0201@1:13 " },
	{ "const a = 9223372036854775808\nconst b = 1 - 9223372036854775808",
		"E0108@1:11 E0108@2:15 " },
	{ "const a = 5x\nconst b = 1.2.3.4", "E0109@1:11 E0110@2:11 " },
	{ "const a = \"\\q\"", "E0106@1:12 " },
	{ "const a = 'x';\nconst b = 1 -- c", "E0112@1:11 E0114@1:14 E0113@2:13 " },
	{ "const a = a && b || !c", "E0115@1:13 E0115@1:18 E0115@1:21 " },
	{ "const a = ]\nconst = 2\nconst c = 3", "E0201@1:11 E0201@2:7 " },
	{ "const a = {b: 1, b: 2}\nfn f(a: int, a: int) {\n}", "E0205@1:18 E0205@2:14 " },
	{ "fn f() {\n  let if = 1\n  if a = 1 {\n    let x = )\n  }\n  let y = 1 2\n}",
		"E0203@2:7 E0215@3:8 E0201@4:13 E0201@6:13 " },
	{ "fn f() {\n  let x = if a { 1 }\n  return x\n}", "E0210@2:20 " },
	{ "fn f() {\n  operation \"x\" { }\n  try { a\n  b }\n  sleep 5s\n}",
		"E0213@2:3 E0201@4:6 " },
	{ "migration \"m\" {\n  exec sql\"x\"\n  finally {\n    a\n  }\n  versions 1.2 .. 2.0.0\n}",
		"E0212@2:3 E0110@6:12 " },
	{ "migration \"a ${b}\" {\n}\nmigration \"c\" {\n}", "E0209@1:14 E0211@3:11 " },
	{ "operations o() {\n  operation \"a\" {\n    timeout 1s\n    timeout 2s\n  }\n}",
		"E0206@2:3 E0207@2:3 E0204@4:5 " },
	{ "operations o() {\n  operation \"a\" {\n    forward sql\"\"\n    rollback nothing\n    "
	  "irreversible \"x\"\n  }\n}",
		"E0208@5:5 " },
	{ "operations o() {\n  operation a {\n    nonsense here\n  }\n  operation \"b\" {\n    "
	  "forward sql\"\"\n    rollback nothing\n  }\n}",
		"E0201@2:13 E0201@3:5 " },
	{ "operations o() {\n  operation \"a {\n    forward sql\"\"\n    rollback nothing\n  "
	  "}\n}\nconst b = }",
		"E0104@2:13 E0116@7:11 " },
	{ "migration \"m\" {\n  param n: int = +\n  needs c >> 1.0.0\n  let x = n +\n  let y = "
	  "(1\n  leaves x\n}",
		"E0201@2:18 E0201@3:12 E0201@4:14 E0201@5:13 " },
	{ "const a = \xc3\xa9 1", "E0111@1:11 " },
};

static void every_mistake_is_reported_once_where_it_is(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		struct parsed p;
		struct buf found = { 0 };

		parse_text(&p, str_c(errors[i].text));
		buf_text(&found, "");
		for (size_t k = 0; k < p.diags.all.count; k++) {
			struct place place =
				source_place(&p.sources, 0, p.diags.all.at[k].span.start);

			buf_format(&found, "%s@%u:%u ", diag_code_text(p.diags.all.at[k].code),
				place.line, place.column);
		}
		if (!str_eq(buf_view(&found), str_c(errors[i].errors)))
			print_error("%s\n", errors[i].text);
		assert_string_equal(found.ptr ? found.ptr : "", errors[i].errors);
		buf_clear(&found);
		drop(&p);
	}
}

static void expect_only(struct str text, const char *code)
{
	struct parsed p;

	parse_text(&p, text);
	assert_int_equal(p.diags.all.count, 1);
	assert_string_equal(diag_code_text(p.diags.all.at[0].code), code);
	drop(&p);
}

static void bytes_that_are_no_text_are_one_error(void **state)
{
	(void)state;
	expect_only((struct str){ "const a\0 = 1", 12 }, "E0102");
	expect_only(STR("const a = 1\n# \xff\nconst ="), "E0101");
}

static void nesting_ends_at_its_limit(void **state)
{
	static const char *const opening[] = { "(", "[", "- ", "not ", "{a: ", "f(", "\"${" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(opening); i++) {
		struct buf text = { 0 };

		buf_text(&text, "const a = ");
		for (int k = 0; k < 40000; k++)
			buf_text(&text, opening[i]);
		buf_text(&text, "1");
		expect_only(buf_view(&text), "E0107");
		buf_clear(&text);
	}
	for (int depth = PARSE_DEPTH_MAX; depth <= PARSE_DEPTH_MAX + 1; depth++) {
		struct buf text = { 0 };
		struct parsed p;

		buf_text(&text, "const a = ");
		for (int k = 0; k < depth; k++)
			buf_byte(&text, '(');
		buf_text(&text, "1");
		for (int k = 0; k < depth; k++)
			buf_byte(&text, ')');
		parse_text(&p, buf_view(&text));
		assert_int_equal(p.diags.error_count, depth > PARSE_DEPTH_MAX);
		drop(&p);
		buf_clear(&text);
	}
}

static void long_chains_are_refused_not_followed(void **state)
{
	struct buf text = { 0 };

	(void)state;
	buf_text(&text, "const a = 1");
	for (int i = 0; i < PARSE_DEPTH_MAX + 5; i++)
		buf_text(&text, " + 1");
	expect_only(buf_view(&text), "E0107");
	buf_clear(&text);
}

static void fill_word(struct buf *out, const char *text, const char *word)
{
	for (; *text; text++) {
		if (*text == '@')
			buf_text(out, word);
		else
			buf_byte(out, *text);
	}
}

static void words_of_clauses_are_names_everywhere_else(void **state)
{
	enum { RESERVED, CLAUSE, LATER };
	static const struct {
		const char *word;
		int class;
	} words[] = {
#define KEYWORD(word, token, class) { word, class },
#include "grammar/keywords.def"
#undef KEYWORD
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		struct buf text = { 0 };
		struct parsed p;

		if (i)
			assert_true(strcmp(words[i - 1].word, words[i].word) < 0);
		fill_word(&text, "fn f(@: int) {\n  let @ = @.@\n  @ = f(@: 1)\n  @(1)\n}",
			words[i].word);
		parse_text(&p, buf_view(&text));
		assert_int_equal(p.diags.error_count == 0, words[i].class != RESERVED);
		drop(&p);
		buf_reset(&text);
		fill_word(&text, "const x = {@: r.@}", words[i].word);
		parse_text(&p, buf_view(&text));
		assert_int_equal(p.diags.error_count, 0);
		drop(&p);
		buf_clear(&text);
	}
}

/* Whatever begins the next line, if it can be what is missing. */
static void a_line_that_ends_with_an_operator_goes_on(void **state)
{
	static const struct {
		const char *word;
		bool is_name;
	} words[] = {
#define KEYWORD(word, token, class) { word, class },
#define RESERVED false
#define CLAUSE true
#define LATER true
#include "grammar/keywords.def"
#undef KEYWORD
#undef RESERVED
#undef CLAUSE
#undef LATER
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		struct buf text = { 0 };
		struct parsed p;

		fill_word(&text,
			"fn f() {\n  c.\n    @(1)\n  let a = c.\n    @\n  if c.\n    @ {\n  }\n"
			"  wait until c.\n    @ every 1s timeout 2s\n}\n",
			words[i].word);
		if (words[i].is_name)
			fill_word(&text,
				"fn g() {\n  let a = 1 +\n    @\n  if 1 <\n    @ {\n  }\n"
				"  wait until 1 <\n    @ every 1s timeout 2s\n"
				"  copy a b +\n    @ into c d +\n    @ columns (e)\n}",
				words[i].word);
		parse_text(&p, buf_view(&text));
		if (p.diags.error_count)
			print_error("%s\n", text.ptr);
		assert_int_equal(p.diags.error_count, 0);
		drop(&p);
		buf_clear(&text);
	}
}

static void documentation_is_attached_to_what_follows(void **state)
{
	struct parsed p;

	(void)state;
	parse_text(&p, STR("## The file.\n\n## One\n## two.\nconst a = 1\n\n## Lost.\n\nconst b = "
			   "2 ## not this\nconst c = 3\n"));
	assert_int_equal(p.diags.error_count, 0);
	assert_true(str_eq(p.file->doc, STR("The file.")));
	assert_true(str_eq(p.file->first->doc, STR("One\ntwo.")));
	assert_int_equal(p.file->first->next->doc.len, 0);
	assert_int_equal(p.file->first->next->next->doc.len, 0);
	drop(&p);
}

static void a_broken_value_keeps_its_name(void **state)
{
	struct parsed p;

	(void)state;
	parse_text(&p, STR("migration \"m\" {\n  let a = (1 2)\n  let b = a\n}"));
	assert_int_equal(p.diags.error_count, 1);
	assert_true(str_eq(p.file->first->migration->plan->let.name.text, STR("a")));
	assert_int_equal(p.file->first->migration->plan->let.value->kind, EXPRESSION_ERROR);
	assert_true(str_eq(p.file->first->migration->plan->next->let.name.text, STR("b")));
	drop(&p);
}

static void the_printed_form_is_that_of_the_design(void **state)
{
	struct parsed p;
	struct buf out = { 0 };

	(void)state;
	parse_text(&p, STR("operations o(c: clickhouse) {\n\toperation \"drop the view\" on c "
			   "{\n\t\tforward sql\"\"\n\t}\n}"));
	diags_print_text(&p.diags, &p.sources, false, &out);
	assert_string_equal(out.ptr,
		"error[E0207]: operation \"drop the view\" says nothing about how to undo it\n"
		" --> t.amig:2:2\n"
		"  |\n"
		"2 |     operation \"drop the view\" on c {\n"
		"  |     ^^^^^^^^^^^^^^^^^^^^^^^^^\n"
		"  = help: add `rollback sql\"…\"`, `rollback nothing`, or `irreversible "
		"\"why\"`\n");
	buf_reset(&out);
	diags_print_json(&p.diags, &p.sources, &out);
	assert_non_null(
		strstr(out.ptr, "\"line\":2,\"column\":2,\"end_line\":2,\"end_column\":27"));
	drop(&p);
	parse_text(&p, STR("const a = \"日本é\" 5"));
	buf_reset(&out);
	diags_print_text(&p.diags, &p.sources, false, &out);
	assert_non_null(strstr(out.ptr, "1 | const a = \"日本é\" 5\n  |                   ^\n"));
	buf_clear(&out);
	drop(&p);
}

static void near_names_are_suggested_far_ones_not(void **state)
{
	static const struct str names[] = { { "events", 6 }, { "fresh", 5 }, { "db", 2 } };

	(void)state;
	assert_true(str_eq(diag_nearest(STR("evnets"), names, 3).name, STR("events")));
	assert_true(str_eq(diag_nearest(STR("fresh_"), names, 3).name, STR("fresh")));
	assert_int_equal(diag_nearest(STR("backup"), names, 3).name.len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_expression_becomes_its_tree),
		cmocka_unit_test(every_mistake_is_reported_once_where_it_is),
		cmocka_unit_test(bytes_that_are_no_text_are_one_error),
		cmocka_unit_test(nesting_ends_at_its_limit),
		cmocka_unit_test(long_chains_are_refused_not_followed),
		cmocka_unit_test(words_of_clauses_are_names_everywhere_else),
		cmocka_unit_test(a_line_that_ends_with_an_operator_goes_on),
		cmocka_unit_test(documentation_is_attached_to_what_follows),
		cmocka_unit_test(a_broken_value_keeps_its_name),
		cmocka_unit_test(the_printed_form_is_that_of_the_design),
		cmocka_unit_test(near_names_are_suggested_far_ones_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
