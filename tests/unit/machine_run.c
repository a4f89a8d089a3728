/* machine_run.c - what code computes and how it fails: assembled, without compiler or database */
#include "tests/unit/machine_fixture.h"

#define CAUGHT "CAUGHT {class: string, code: string, message: string}\n"

static const struct { const char *what, *source, *result;
} cases[] = {
	{ "ints add", "function f -> int\nINT 2\nINT 40\nADD_INT\nRETURN\nend\n", "42" },
	{ "an int too large fails",
	  "function f -> int\nCONSTANT 9223372036854775807\nINT 1\nADD_INT\nRETURN\nend\n",
	  "! int overflow: the result does not fit into 64 bits" },
	{ "an int too small fails",
	  "function f -> int\nCONSTANT -9223372036854775808\nINT 1\nSUBTRACT_INT\nRETURN\nend\n",
	  "! int overflow: the result does not fit into 64 bits" },
	{ "a product too large fails",
	  "function f -> int\nCONSTANT 4611686018427387904\nINT 2\nMULTIPLY_INT\nRETURN\nend\n",
	  "! int overflow: the result does not fit into 64 bits" },
	{ "division goes towards zero",
	  "function f -> int\nINT -7\nINT 2\nDIVIDE_INT\nRETURN\nend\n", "-3" },
	{ "division by zero fails", "function f -> int\nINT 1\nINT 0\nDIVIDE_INT\nRETURN\nend\n",
	  "! division by zero" },
	{ "the least int divided by -1 fails",
	  "function f -> int\nCONSTANT -9223372036854775808\nINT -1\nDIVIDE_INT\nRETURN\nend\n",
	  "! int overflow: the result does not fit into 64 bits" },
	{ "its remainder is 0",
	  "function f -> int\nCONSTANT -9223372036854775808\nINT -1\nREMAINDER_INT\nRETURN\nend\n",
	  "0" },
	{ "a remainder has the dividend's sign",
	  "function f -> int\nINT -7\nINT 3\nREMAINDER_INT\nRETURN\nend\n", "-1" },
	{ "a remainder by zero fails",
	  "function f -> int\nINT 1\nINT 0\nREMAINDER_INT\nRETURN\nend\n", "! division by zero" },
	{ "the least int can't be negated",
	  "function f -> int\nCONSTANT -9223372036854775808\nNEGATE_INT\nRETURN\nend\n",
	  "! int overflow: the result does not fit into 64 bits" },
	{ "floats add", "function f -> float\nCONSTANT 0.1\nCONSTANT 0.2\nADD_FLOAT\nRETURN\nend\n",
	  "0.30000000000000004" },
	{ "whole floats show a point",
	  "function f -> float\nCONSTANT 1.5\nCONSTANT 2.0\nMULTIPLY_FLOAT\nRETURN\nend\n", "3.0" },
	{ "a float divided by zero fails",
	  "function f -> float\nCONSTANT 1.5\nCONSTANT 0.0\nDIVIDE_FLOAT\nRETURN\nend\n",
	  "! division by zero" },
	{ "durations multiply",
	  "function f -> duration\nCONSTANT 90s\nINT 2\nMULTIPLY_DURATION\nRETURN\nend\n", "3m" },
	{ "a time and a duration make a time",
	  "function f -> timestamp\nCONSTANT @0\nCONSTANT 1s\nADD_TIME\nRETURN\nend\n",
	  "1970-01-01T00:00:01.000000Z" },
	{ "times have a duration between",
	  "function f -> duration\nCONSTANT @5000000\nCONSTANT "
	  "@2000000\nTIME_BETWEEN\nRETURN\nend\n",
	  "3s" },
	{ "a time out of range fails",
	  "function f -> timestamp\nCONSTANT @9223372036854775807\nCONSTANT "
	  "1s\nADD_TIME\nRETURN\nend\n",
	  "! timestamp overflow: the time is out of range" },
	{ "texts join",
	  "function f -> string\nCONSTANT \"a\"\nINT 7\nTO_STRING\nCONSTANT \"c\"\nCONCAT "
	  "3\nRETURN\nend\n",
	  "a7c" },
	{ "none joined is empty", "function f -> string\nCONCAT 0\nRETURN\nend\n", "" },
	{ "equal records are equal",
	  "function f -> bool\nINT 1\nRECORD {a: int}\nINT 1\nRECORD {a: "
	  "int}\nEQUAL\nRETURN\nend\n",
	  "true" },
	{ "null equals null only",
	  "function f -> bool\nNULL\nWIDEN int?\nINT 0\nEQUAL\nRETURN\nend\n", "false" },
	{ "versions have their order",
	  "function f -> bool\nCONSTANT v1.9.0\nCONSTANT v1.10.0\nLESS\nRETURN\nend\n", "true" },
	{ "a release comes after its candidate",
	  "function f -> bool\nCONSTANT v1.0.0\nCONSTANT v1.0.0-rc.1\nLESS_EQUAL\nRETURN\nend\n",
	  "false" },
	{ "a list has its elements",
	  "function f -> bool\nINT 2\nINT 1\nINT 2\nLIST int 2\nIN\nRETURN\nend\n", "true" },
	{ "and no others", "function f -> bool\nINT 3\nINT 1\nINT 2\nLIST int 2\nIN\nRETURN\nend\n",
	  "false" },
	{ "elements count from 0",
	  "function f -> int\nINT 5\nINT 6\nLIST int 2\nINT 1\nLIST_GET\nRETURN\nend\n", "6" },
	{ "there is none behind the last",
	  "function f -> int\nINT 5\nLIST int 1\nINT 1\nLIST_GET\nRETURN\nend\n",
	  "! there is no element 1 in a list of 1" },
	{ "nor before the first",
	  "function f -> int\nINT 5\nLIST int 1\nINT -1\nLIST_GET\nRETURN\nend\n",
	  "! there is no element -1 in a list of 1" },
	{ "appending leaves the old list",
	  "function f -> string\nlocal [int]\nlocal [int]\nINT 1\nLIST int 1\nINT 2\nLIST_APPEND\n"
	  "STORE 0\nLOAD 0\nINT 3\nLIST_APPEND\nSTORE 1\nLOAD 0\nINT "
	  "4\nLIST_APPEND\nTO_STRING\nLOAD 0\nTO_STRING\nLOAD 1\nTO_STRING\n"
	  "CONCAT 3\nRETURN\nend\n",
	  "[1, 2, 4][1, 2][1, 2, 3]" },
	{ "records show their names",
	  "function f -> string\nINT 1\nCONSTANT \"x\"\nRECORD {a: int, b: "
	  "string}\nTO_STRING\nRETURN\nend\n",
	  "{a: 1, b: \"x\"}" },
	{ "a field is taken by its position",
	  "function f -> string\nINT 1\nCONSTANT \"x\"\nRECORD {a: int, b: string}\nFIELD "
	  "1\nRETURN\nend\n",
	  "x" },
	{ "UNWRAP keeps what is there",
	  "function f -> int\nINT 3\nWIDEN int?\nUNWRAP no\nRETURN\nno:\nINT 0\nRETURN\nend\n",
	  "3" },
	{ "UNWRAP jumps at null",
	  "function f -> int\nNULL\nWIDEN int?\nUNWRAP no\nRETURN\nno:\nINT 9\nRETURN\nend\n",
	  "9" },
	{ "a call passes and returns",
	  "function f -> int\nINT 1\nINT 20\nINT 3\nCALL g\nADD_INT\nRETURN\nend\n"
	  "function g int int -> int\nlocal int\nLOAD 0\nLOAD 1\nMULTIPLY_INT\nSTORE 2\nLOAD "
	  "2\nRETURN\nend\n",
	  "61" },
	{ "recursion works",
	  "function f -> int\nINT 10\nCALL g\nRETURN\nend\nfunction g int -> int\nLOAD 0\nINT "
	  "2\nLESS_INT\n"
	  "JUMP_IF_FALSE more\nLOAD 0\nRETURN\nmore:\nLOAD 0\nINT 1\nSUBTRACT_INT\nCALL g\nLOAD "
	  "0\nINT 2\nSUBTRACT_INT\nCALL g\n"
	  "ADD_INT\nRETURN\nend\n",
	  "55" },
	{ "endless recursion fails", "function f -> int\nCALL f\nRETURN\nend\n",
	  "! the calls go too deep: more than 200" },
	{ "recursion with many locals fails",
	  "function f -> int\nLIST int 0\nCALL g\nRETURN\nend\n"
	  "function g [int] -> int\nLOAD 0\nCALL g\nRETURN\nend\n",
	  "! the calls go too deep: more than 200" },
	{ "FAIL fails with its words", "function f\nCONSTANT \"enough\"\nFAIL\nend\n", "! enough" },
	{ "SQL keeps its holes apart",
	  "template t \"a = \" int \" or b = \" string \"\"\nfunction f -> string\nINT 1\nCONSTANT "
	  "\"it's\"\n"
	  "SQL t\nTO_STRING\nRETURN\nend\n",
	  "a = 1 or b = \"it's\"" },
	{ "SQL that is put into itself forever fails",
	  "template q \"\" sql \" and \" sql \"\"\ntemplate t \"x\"\nfunction f\nlocal sql\nSQL t\n"
	  "STORE 0\nagain:\nLOAD 0\nLOAD 0\nSQL q\nSTORE 0\nJUMP again\nend\n",
	  "! the value would be larger than 256 MiB" },
	{ "SQL that nests forever fails",
	  "template q \"not \" sql \"\"\ntemplate t \"x\"\nfunction f\nlocal sql\nSQL t\n"
	  "STORE 0\nagain:\nLOAD 0\nSQL q\nSTORE 0\nJUMP again\nend\n",
	  "! the value would nest more than 64 deep" },
	{ "a text that doubles forever fails",
	  "function f\nlocal string\nCONSTANT \"x\"\nSTORE 0\nagain:\nLOAD 0\nLOAD 0\nCONCAT 2\n"
	  "STORE 0\nJUMP again\nend\n",
	  "! the value would be larger than 256 MiB" },
	{ "params that are not set fail", "param n int\nfunction f -> int\nPARAM n\nRETURN\nend\n",
	  "! the parameters are not known yet" },
	{ "contains",
	  "function f -> bool\nCONSTANT \"abc\"\nCONSTANT \"bc\"\nBUILTIN contains\nRETURN\nend\n",
	  "true" },
	{ "starts_with",
	  "function f -> bool\nCONSTANT \"abc\"\nCONSTANT \"bc\"\nBUILTIN "
	  "starts_with\nRETURN\nend\n",
	  "false" },
	{ "ends_with",
	  "function f -> bool\nCONSTANT \"abc\"\nCONSTANT \"bc\"\nBUILTIN ends_with\nRETURN\nend\n",
	  "true" },
	{ "lower", "function f -> string\nCONSTANT \"AZÄ[\"\nBUILTIN lower\nRETURN\nend\n",
	  "azÄ[" },
	{ "a failure is caught",
	  "function f -> string\nTRY caught\nINT 1\nINT 0\nDIVIDE_INT\nTO_STRING\nRETURN\n"
	  "caught:\n" CAUGHT "TO_STRING\nRETURN\nend\n",
	  "{class: \"failed\", code: \"\", message: \"division by zero\"}" },
	{ "a failure is caught where it was called from, and the innermost catches",
	  "function f -> string\nTRY outer\nTRY inner\nINT 5\nCALL g\nRETURN\n"
	  "inner:\n" CAUGHT "FIELD 2\nRETURN\n"
	  "outer:\n" CAUGHT "FIELD 0\nRETURN\nend\n"
	  "function g int -> string\nCONSTANT \"deep\"\nFAIL\nend\n",
	  "deep" },
	{ "what is raised keeps its class",
	  "function f -> string\nTRY caught\nCONSTANT \"transient\"\nCONSTANT \"42\"\n"
	  "CONSTANT \"no\"\nRAISE\n"
	  "caught:\n" CAUGHT "TO_STRING\nRETURN\nend\n",
	  "{class: \"transient\", code: \"42\", message: \"no\"}" },
	{ "a failure in what catches is none of its own",
	  "function f -> string\nTRY caught\nCONSTANT \"one\"\nFAIL\n"
	  "caught:\n" CAUGHT "POP\n"
	  "CONSTANT \"two\"\nFAIL\nend\n",
	  "! two" },
	{ "come to without a failure, nothing is caught",
	  "function f -> string\nTRY caught\nJUMP caught\n"
	  "caught:\n" CAUGHT "TO_STRING\nRETURN\nend\n",
	  "{class: \"\", code: \"\", message: \"\"}" },
	{ "sort_by keeps the order of equal keys",
	  "function f -> string\nINT 1\nINT 2\nINT 3\nINT 4\nLIST int 4\n"
	  "INT 7\nINT 5\nINT 7\nINT 5\nLIST int 4\nSORT_BY\nTO_STRING\nRETURN\nend\n",
	  "[2, 4, 1, 3]" },
	{ "sort_by wants a key for each",
	  "function f -> string\nINT 1\nLIST int 1\nLIST int 0\nSORT_BY\nTO_STRING\nRETURN\nend\n",
	  "! there are 0 keys for 1 elements" },
	{ "upper", "function f -> string\nCONSTANT \"azä{\"\nBUILTIN upper\nRETURN\nend\n",
	  "AZä{" },
	{ "trim", "function f -> string\nCONSTANT \" \\n a b\\t\"\nBUILTIN trim\nRETURN\nend\n",
	  "a b" },
	{ "split",
	  "function f -> string\nCONSTANT \"a,,b\"\nCONSTANT \",\"\nBUILTIN "
	  "split\nTO_STRING\nRETURN\nend\n",
	  "[\"a\", \"\", \"b\"]" },
	{ "split of nothing",
	  "function f -> string\nCONSTANT \"\"\nCONSTANT \",\"\nBUILTIN "
	  "split\nTO_STRING\nRETURN\nend\n",
	  "[\"\"]" },
	{ "split by nothing fails",
	  "function f -> [string]\nCONSTANT \"a\"\nCONSTANT \"\"\nBUILTIN split\nRETURN\nend\n",
	  "! split: the separator is empty" },
	{ "join",
	  "function f -> string\nCONSTANT \"a\"\nCONSTANT \"b\"\nLIST string 2\nCONSTANT \", "
	  "\"\nBUILTIN join\nRETURN\nend\n",
	  "a, b" },
	{ "len counts characters", "function f -> int\nCONSTANT \"äöü\"\n"
	  "BUILTIN 9\nRETURN\nend\n",
	  "3" },
	{ "len counts elements",
	  "function f -> int\nINT 1\nINT 1\nLIST int 2\nBUILTIN 10\nRETURN\nend\n", "2" },
	{ "replace",
	  "function f -> string\nCONSTANT \"a1b22\"\nCONSTANT \"([0-9]+)\"\nCONSTANT "
	  "\"<$1>\"\nBUILTIN replace\nRETURN\nend\n",
	  "a<1>b<22>" },
	{ "replace that grows",
	  "function f -> string\nCONSTANT \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"\nCONSTANT "
	  "\"a\"\nCONSTANT \"0123456789\"\n"
	  "BUILTIN replace\nBUILTIN 9\nTO_STRING\nRETURN\nend\n",
	  "320" },
	{ "matches",
	  "function f -> bool\nCONSTANT \"MergeTree\"\nCONSTANT \"^Merge\"\nBUILTIN "
	  "matches\nRETURN\nend\n",
	  "true" },
	{ "matches not",
	  "function f -> bool\nCONSTANT \"MergeTree\"\nCONSTANT \"^Tree\"\nBUILTIN "
	  "matches\nRETURN\nend\n",
	  "false" },
	{ "a pattern that is none fails",
	  "function f -> bool\nCONSTANT \"x\"\nCONSTANT \"(\"\nBUILTIN matches\nRETURN\nend\n",
	  "! the regular expression \"(\": missing closing parenthesis" },
	{ "a pattern that never ends is stopped",
	  "function f -> bool\nCONSTANT \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!\"\n"
	  "CONSTANT \"^(([a-z])+.)+[A-Z]([a-z])+$\"\nBUILTIN matches\nRETURN\nend\n",
	  "! the regular expression \"^(([a-z])+.)+[A-Z]([a-z])+$\": match limit exceeded" },
	{ "a class without an end fails",
	  "function f -> bool\nCONSTANT \"x\"\nCONSTANT \"[\"\nBUILTIN matches\nRETURN\nend\n",
	  "! the regular expression \"[\": missing terminating ] for character class" },
	{ "ident",
	  "function f -> string\nCONSTANT \"db\"\nCONSTANT \"t\"\nLIST string 2\nBUILTIN "
	  "ident\nTO_STRING\nRETURN\nend\n",
	  "db.t" },
	{ "an ident of nothing fails",
	  "function f -> ident\nLIST string 0\nBUILTIN ident\nRETURN\nend\n",
	  "! ident: a name has one part or more" },
	{ "sql_join",
	  "template a \"x\"\ntemplate s \" AND \"\nfunction f -> string\nSQL a\nSQL a\nSQL a\nLIST "
	  "sql 3\nSQL s\n"
	  "BUILTIN sql_join\nTO_STRING\nRETURN\nend\n",
	  "x AND x AND x" },
	{ "sql_join of nothing",
	  "template s \" AND \"\nfunction f -> string\nLIST sql 0\nSQL s\nBUILTIN "
	  "sql_join\nTO_STRING\nRETURN\nend\n",
	  "" },
	{ "raw", "function f -> string\nCONSTANT \"now()\"\nBUILTIN raw\nTO_STRING\nRETURN\nend\n",
	  "now()" },
	{ "format_time",
	  "function f -> string\nCONSTANT @1700000000000000\nCONSTANT \"%Y-%m-%d "
	  "%H:%M:%S\"\nBUILTIN format_time\nRETURN\nend\n",
	  "2023-11-14 22:13:20" },
	{ "format_time before 1970",
	  "function f -> string\nCONSTANT @-1\nCONSTANT \"%Y-%m-%d %H:%M:%S\"\nBUILTIN "
	  "format_time\nRETURN\nend\n",
	  "1969-12-31 23:59:59" },
	{ "format_time of nothing",
	  "function f -> string\nCONSTANT @0\nCONSTANT \"\"\nBUILTIN format_time\nRETURN\nend\n",
	  "" },
	{ "format_time refuses widths",
	  "function f -> string\nCONSTANT @0\nCONSTANT \"%999999999d\"\nBUILTIN "
	  "format_time\nRETURN\nend\n",
	  "! format_time: \"%999999999d\" is no format" },
	{ "float", "function f -> float\nINT 3\nBUILTIN float\nRETURN\nend\n", "3.0" },
	{ "int", "function f -> int\nCONSTANT -3.9\nBUILTIN int\nRETURN\nend\n", "-3" },
	{ "int of too much fails", "function f -> int\nCONSTANT 1e19\nBUILTIN int\nRETURN\nend\n",
	  "! int: the number does not fit into 64 bits" },
};

static void computes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fixture f;
		struct buf out = { 0 };
		set_up(&f, cases[i].source);
		run_to_text(&f, &out);
		if (!str_eq(buf_view(&out), str_c(cases[i].result)))
			fail_msg("%s: %s", cases[i].what, buf_view(&out).ptr);
		buf_clear(&out);
		tear_down(&f);
	}
}

/* Each built-in is called by some case above: a new one without a case fails here. */
static void every_builtin_has_a_case(void **state)
{
	(void)state;
	for (uint32_t b = 0; b <= BUILTIN_MAX; b++) {
		bool found = !builtin_table[b].name;
		for (size_t i = 0; !found && i < ARRAY_SIZE(cases); i++) {
			struct fixture f;
			set_up(&f, cases[i].source);
			for (uint32_t pc = 0; pc < f.m.functions[0].code_count; pc++)
				found |= f.m.functions[0].code[pc].op == OP_BUILTIN &&
					 f.m.functions[0].code[pc].a == b;
			tear_down(&f);
		}
		if (!found)
			fail_msg("no case calls %s", builtin_table[b].name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(computes),
		cmocka_unit_test(every_builtin_has_a_case),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
