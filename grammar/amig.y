/*
 * amig.y - the sentences of the language
 *
 * Newlines are tokens here only where they end something (scan.h). What ends with a newline is a
 * statement, a clause or a declaration; each of these lists recovers by itself: `error` stands for
 * a broken one, whose rest is skipped by depth of brackets: `$<uint32_t>0` is the depth that the
 * `{` in front of the list bears, behind a NEWLINE or right behind an item that was whole before
 * the rest of its line was seen. Where a name is known or a block follows, the recovery is nearer
 * (…_error): the name stays known, and the errors in the block are found as well.
 */
%require "3.8"
%language "c"
%define api.pure full
%define api.prefix {amig_}
%define api.token.prefix {T_}
%define api.value.type union
%define api.location.type {struct span}
%define parse.error custom
%define parse.lac full
%locations
%expect 0
%param {struct parser *p}

%code requires {
#include "grammar/tree.h"
}

%code provides {
int amig_lex(AMIG_STYPE *value, AMIG_LTYPE *place, struct parser *p);
void amig_error(const AMIG_LTYPE *place, struct parser *p, const char *text);
}

%code {
#include "grammar/rules.h"
}

/* Tokens that are signs keep their character as number. */
%token NEWLINE "the end of the line"
%token INVALID "something that can't be read"
%token <struct token> INT "a number" FLOAT "a float" DURATION "a duration" VERSION "a version"
%token NAME "a name"
%token STRING_BEGIN "a string" SQL_BEGIN "an SQL template" TEMPLATE_END "the end of the string"
%token HOLE_BEGIN "`${`" HOLE_END "`}` of `${`"
%token EQUAL "`==`" NOT_EQUAL "`!=`" LESS_EQUAL "`<=`" GREATER_EQUAL "`>=`" OTHERWISE "`??`"
%token RANGE "`..`"
%token GIVES "`->`" MAPS "`=>`"
%token <uint32_t> LBRACE "`{`"
%token '}' "`}`" '(' "`(`" ')' "`)`" '[' "`[`" ']' "`]`" '=' "`=`" '<' "`<`" '>' "`>`" '+' "`+`"
%token '-' "`-`" '*' "`*`" '/' "`/`"
%token '%' "`%`" '.' "`.`" ',' "`,`" ':' "`:`" '?' "`?`"
%token AND "`and`" AS "`as`" ELSE "`else`" EXEC "`exec`" FAIL "`fail`" FALSE_WORD "`false`"
%token IN "`in`" LOG "`log`" MATCHES "`matches`"
%token NOT "`not`" NULL_WORD "`null`" OR "`or`" PROGRESS "`progress`" REQUIRE "`require`"
%token RETURN "`return`" SLEEP "`sleep`" TRUE_WORD "`true`"
%token <uint32_t> FOR "`for`" IF "`if`" LET "`let`" OPERATION "`operation`" VAR "`var`"
%token <uint32_t> WHILE "`while`"
%token APPROVAL "`approval`" BACKOFF "`backoff`" BATCHES "`batches`" BODY "`body`" BY "`by`"
%token CATCH "`catch`" COLUMNS "`columns`" COMPLETE "`complete`" COPY "`copy`" EXPECT "`expect`"
%token FINALLY "`finally`" FOLLOW "`follow`" GIVEN "`given`" HALT "`halt`" HTTP "`http`"
%token INTO "`into`" LIMIT "`limit`" LOCK "`lock`" MAX "`max`" MIN "`min`" PARALLEL "`parallel`"
%token PAUSE "`pause`" PER "`per`" REJECT "`reject`" REPLICA "`replica`" RUN "`run`" SET "`set`"
%token SETTING "`setting`" SHARD "`shard`" SIZE "`size`" TARGET "`target`" TEST "`test`"
%token TRY "`try`" UNTIL "`until`" VERIFY "`verify`" WAIT "`wait`" WITH "`with`"
%token CONST "`const`" CONTINUE "`continue`" DEPENDS "`depends`" DONE "`done`"
%token DOUBT "`doubt`" ERROR_WORD "`error`"
%token EVERY "`every`" FN "`fn`" FORWARD "`forward`" HEALTHCHECK "`healthcheck`"
%token IDEMPOTENT "`idempotent`" INCLUDE "`include`"
%token IRREVERSIBLE "`irreversible`" LEAVES "`leaves`" MIGRATION "`migration`" NEEDS "`needs`"
%token NO "`no`" NOTHING "`nothing`" OF "`of`"
%token ON "`on`" ONE "`one`" OPERATIONS "`operations`" PARAM "`param`" POSTCHECK "`postcheck`"
%token PRECHECK "`precheck`" REQUIRED "`required`" RETRY "`retry`" ROLLBACK "`rollback`"
%token SETTINGS "`settings`" TIMEOUT "`timeout`"
%token TRANSACTION "`transaction`" TYPE "`type`" UNDO "`undo`" USE "`use`" VERSIONS "`versions`"
%token WEIGHT "`weight`" WHEN "`when`"
%token WITHIN "`within`" ALLOW "`allow`"
%token END 0 "the end of the file"

/* What is broken behind a name is the clause itself, not a clause that left its end out. */
%precedence LEFT_OUT
%precedence error
%left OR
%left AND
%precedence NOT
%nonassoc EQUAL NOT_EQUAL '<' LESS_EQUAL '>' GREATER_EQUAL IN MATCHES
%left OTHERWISE
%left '+' '-'
%left '*' '/' '%'

%nterm <struct name> name key
%nterm <struct type_syntax *> type type_opt result_opt
%nterm <struct fields> type_fields type_fields_opt
%nterm <struct expression *> expression unary postfix plain braced string sql if_expression lambda
%nterm <struct expression *> argument_value range_end string_opt
%nterm <struct expression *> value_opt on_opt every_opt
%nterm <struct expression *> value_error clause_error top_error
%nterm <struct holes> holes
%nterm <struct argument *> argument
%nterm <struct arguments> arguments arguments_opt elements elements_opt record_fields
%nterm <struct arguments> record_fields_opt
%nterm <struct names> lambda_names strings
%nterm <struct condition *> condition
%nterm <struct parameters> parameters parameters_opt batch_keys
%nterm <struct parameter *> batch_key
%nterm <struct batches_syntax *> batches_head
%nterm <struct copy_syntax *> copy_head
%nterm <struct names> names
%nterm <struct statement *> effect_statement test_statement
%nterm <struct statements> test_statements
%nterm <struct block *> test_block
%nterm <struct arguments> with_opt
%nterm <struct statements> statements plan_statements
%nterm <struct statement *> statement let if_statement plan_statement plan_if operation
%nterm <struct statement *> simple_statement
%nterm <struct block *> block plan_block
%nterm <struct clause> operation_clause migration_clause
%nterm <struct operation_body *> operation_clauses
%nterm <struct migration_body *> migration_clauses migration_clauses_opt
%nterm <struct action *> action
%nterm <struct check_syntax *> check
%nterm <int> check_kind
%nterm <struct str> version range_opt comparators comparator
%nterm <struct param_syntax *> param_tail
%nterm <struct declaration *> declaration
%nterm <struct declarations> declarations

%%

file:
	%empty
|	declarations			{ p->file->first = $1.first; }
declarations:
	declaration			{ $$ = (struct declarations){0}; LIST_ADD(&$$, $1); }
|	declarations NEWLINE declaration	{ $$ = $1; LIST_ADD(&$$, $3); }
|	declarations error		{ $$ = $1; RECOVER_DECLARATION(); }
declaration:
	USE name			{ $$ = declaration_new(p, DECLARATION_USE, @$, $2); }
|	CONST name type_opt '=' expression	{ $$ = declaration_const(p, @$, $2, $3, $5); }
|	CONST name type_opt '=' top_error	{ $$ = declaration_const(p, @$, $2, $3, $5); }
|	TYPE name '=' type		{ $$ = declaration_type(p, @$, $2, $4); }
|	FN name '(' parameters_opt ')' result_opt block
		{ $$ = declaration_fn(p, DECLARATION_FN, @$, $2, $4, $6, $7); }
|	FN name top_head_error block	{ $$ = declaration_new(p, DECLARATION_ERROR, @$, $2); }
|	OPERATIONS name top_head_error plan_block
		{ $$ = declaration_new(p, DECLARATION_ERROR, @$, $2); }
|	MIGRATION top_head_error LBRACE migration_clauses_opt '}'
		{ $$ = declaration_new(p, DECLARATION_ERROR, @$, (struct name){0}); }
|	OPERATIONS name '(' parameters_opt ')' plan_block
		{ $$ = declaration_fn(p, DECLARATION_OPERATIONS, @$, $2, $4, NULL, $6); }
|	MIGRATION string LBRACE migration_clauses_opt '}'
		{ $$ = declaration_migration(p, @$, between(@1, @2), $2, $4); }
|	TEST string test_block		{ $$ = declaration_test(p, @$, $2, $3); }
|	TEST top_head_error test_block
		{ $$ = declaration_new(p, DECLARATION_ERROR, @$, (struct name){0}); }
|	error
	{
		$$ = declaration_new(p, DECLARATION_ERROR, @$, (struct name){0});
		RECOVER_DECLARATION();
	}
result_opt:
	%empty				{ $$ = NULL; }
|	GIVES type			{ $$ = $2; }
parameters_opt:
	%empty				{ $$ = (struct parameters){0}; }
|	parameters
|	parameters ','
parameters:
	name ':' type value_opt	{ $$ = (struct parameters){0}; parameter_add(p, &$$, $1, $3, $4); }
|	parameters ',' name ':' type value_opt	{ $$ = $1; parameter_add(p, &$$, $3, $5, $6); }
value_opt:
	%empty %prec LEFT_OUT		{ $$ = NULL; }
|	'=' expression			{ $$ = $2; }
/* ---- a migration ---- */
migration_clauses_opt:
	%empty				{ $$ = migration_body_new(p); }
|	migration_clauses
migration_clauses:
	migration_clause		{ $$ = migration_body_new(p); migration_add(p, $$, $1); }
|	migration_clauses NEWLINE migration_clause	{ $$ = $1; migration_add(p, $$, $3); }
|	error				{ $$ = migration_body_new(p); RECOVER($<uint32_t>0); }
|	migration_clauses NEWLINE error	{ $$ = $1; RECOVER($<uint32_t>0); }
|	migration_clauses error		{ $$ = $1; RECOVER($<uint32_t>0); }
migration_clause:
	DEPENDS ON strings		{ $$ = clause_of(CLAUSE_DEPENDS, @$); $$.names = $3; }
|	VERSIONS version RANGE version	{ $$ = clause_versions(@$, $2, $4); }
|	NEEDS name range_opt	{ $$ = clause_need(p, @$, $2, (struct name){0}, $3); }
|	NEEDS name ':' name range_opt	{ $$ = clause_need(p, @$, $2, $4, $5); }
|	NEEDS name clause_error	{ $$ = clause_need_broken(p, @$, $2); }
|	PARAM name ':' type clause_error
		{ $$ = clause_param(@$, arena_new(p->arena, struct param_syntax), $2, $4, $5); }
|	PARAM name ':' type value_opt param_tail	{ $$ = clause_param(@$, $6, $2, $4, $5); }
|	REQUIRED WHEN expression	{ $$ = clause_value(CLAUSE_REQUIRED, @$, $3, NULL, NULL); }
|	check				{ $$ = clause_of(CLAUSE_CHECK, @$); $$.check = $1; }
|	LEAVES elements			{ $$ = clause_of(CLAUSE_LEAVES, @$); $$.arguments = $2; }
|	FINALLY block			{ $$ = clause_of(CLAUSE_FINALLY, @1); $$.block = $2; }
|	ON COMPLETE block
		{ $$ = clause_of(CLAUSE_ON_COMPLETE, between(@1, @2)); $$.block = $3; }
|	ON ERROR_WORD block
		{ $$ = clause_of(CLAUSE_ON_ERROR, between(@1, @2)); $$.block = $3; }
|	ALLOW name string		{ $$ = clause_allow(p, @$, $2, $3); }
|	plan_statement			{ $$ = clause_of(CLAUSE_PLAN, @$); $$.statement = $1; }
strings:
	string				{ $$ = names_add(p, (struct names){0}, plain_name(p, $1)); }
|	strings ',' string		{ $$ = names_add(p, $1, plain_name(p, $3)); }
version:
	VERSION				{ $$ = scan_text(&p->scan, @1); }
|	FLOAT				{ $$ = bad_version(p, @1); }
|	INT				{ $$ = bad_version(p, @1); }
range_opt:
	%empty %prec LEFT_OUT		{ $$ = (struct str){0}; }
|	comparators
|	version RANGE version
		{ $$ = comparators(p, comparator(p, ">=", $1), comparator(p, "<=", $3)); }
comparators:
	comparator
|	comparators comparator		{ $$ = comparators(p, $1, $2); }
|	comparators ',' comparator	{ $$ = comparators(p, $1, $3); }
comparator:
	'<' version			{ $$ = comparator(p, "<", $2); }
|	LESS_EQUAL version		{ $$ = comparator(p, "<=", $2); }
|	'>' version			{ $$ = comparator(p, ">", $2); }
|	GREATER_EQUAL version		{ $$ = comparator(p, ">=", $2); }
|	EQUAL version			{ $$ = comparator(p, "==", $2); }
param_tail:
	string_opt			{ $$ = param_new(p, $1); }
|	param_tail WITHIN expression RANGE expression	{ $$ = param_within(p, @2, $1, $3, $5); }
|	param_tail ONE OF expression	{ $$ = param_one_of(p, between(@2, @3), $1, $4); }
string_opt:
	%empty %prec LEFT_OUT		{ $$ = NULL; }
|	string
check:
	check_kind string every_opt block
		{ $$ = check_new(p, $1, @$, between(@1, @3), $2, $3, $4); }
|	check_kind check_head_error block	{ $$ = NULL; }
check_kind:
	PRECHECK			{ $$ = CHECK_SYNTAX_PRE; }
|	HEALTHCHECK			{ $$ = CHECK_SYNTAX_HEALTH; }
|	POSTCHECK			{ $$ = CHECK_SYNTAX_POST; }
every_opt:
	%empty				{ $$ = NULL; }
|	EVERY expression		{ $$ = $2; }
/* ---- the plan ---- */
plan_block:
	LBRACE '}'				{ $$ = block_new(p, @$, (struct statements){0}); }
|	LBRACE plan_statements '}'		{ $$ = block_new(p, @$, $2); }
plan_statements:
	plan_statement			{ $$ = (struct statements){0}; LIST_ADD(&$$, $1); }
|	plan_statements NEWLINE plan_statement	{ $$ = $1; LIST_ADD(&$$, $3); }
|	error				{ $$ = (struct statements){0}; RECOVER($<uint32_t>0); }
|	plan_statements NEWLINE error	{ $$ = $1; RECOVER($<uint32_t>0); }
|	plan_statements error		{ $$ = $1; RECOVER($<uint32_t>0); }
plan_statement:
	let
|	operation
|	INCLUDE plain			{ $$ = statement_of(p, STATEMENT_INCLUDE, @$, $2); }
|	FOR name IN expression plan_block	{ $$ = statement_for(p, @$, $2, $4, $5); }
|	FOR head_error plan_block	{ $$ = statement_new(p, STATEMENT_ERROR, @$); }
|	APPROVAL string string		{ $$ = statement_approval(p, @$, $2, $3); }
|	PARALLEL expression plan_block	{ $$ = statement_parallel(p, @$, $2, $3); }
|	plan_if
plan_if:
	IF condition plan_block	{ $$ = statement_if(p, @$, $2, $3, NULL); }
|	IF condition plan_block ELSE plan_block	{ $$ = statement_if(p, @$, $2, $3, $5); }
|	IF condition plan_block ELSE plan_if
		{ $$ = statement_if(p, @$, $2, $3, block_of(p, $5)); }
|	IF head_error plan_block	{ $$ = statement_new(p, STATEMENT_ERROR, @$); }
|	IF head_error plan_block ELSE plan_block
		{ $$ = statement_new(p, STATEMENT_ERROR, @$); }
|	IF head_error plan_block ELSE plan_if	{ $$ = statement_new(p, STATEMENT_ERROR, @$); }
operation:
	OPERATION string on_opt LBRACE '}'
		{ $$ = operation_end(p, @$, between(@1, @3), $2, $3, operation_body_new(p)); }
|	OPERATION string on_opt LBRACE operation_clauses '}'
		{ $$ = operation_end(p, @$, between(@1, @3), $2, $3, $5); }
|	OPERATION head_error LBRACE '}'	{ $$ = statement_new(p, STATEMENT_ERROR, @$); }
|	OPERATION head_error LBRACE operation_clauses '}'
		{ $$ = statement_new(p, STATEMENT_ERROR, @$); }
on_opt:
	%empty				{ $$ = NULL; }
|	ON name				{ $$ = expression_name(p, $2); }
operation_clauses:
	operation_clause		{ $$ = operation_body_new(p); operation_add(p, $$, $1); }
|	operation_clauses NEWLINE operation_clause	{ $$ = $1; operation_add(p, $$, $3); }
|	error	{ $$ = operation_body_error(operation_body_new(p), @1); RECOVER($<uint32_t>0); }
|	operation_clauses NEWLINE error
		{ $$ = operation_body_error($1, @3); RECOVER($<uint32_t>0); }
|	operation_clauses error	{ $$ = operation_body_error($1, @2); RECOVER($<uint32_t>0); }
operation_clause:
	ON name	{ $$ = clause_value(CLAUSE_ON, @$, expression_name(p, $2), NULL, NULL); }
|	TIMEOUT expression		{ $$ = clause_value(CLAUSE_TIMEOUT, @$, $2, NULL, NULL); }
|	RETRY expression		{ $$ = clause_value(CLAUSE_RETRY, @$, $2, NULL, NULL); }
|	RETRY expression BACKOFF expression range_end
		{ $$ = clause_value(CLAUSE_RETRY, @$, $2, $4, $5); }
|	SETTINGS LBRACE record_fields_opt '}'
		{ $$ = clause_of(CLAUSE_SETTINGS, @$); $$.arguments = $3; }
|	WEIGHT expression		{ $$ = clause_value(CLAUSE_WEIGHT, @$, $2, NULL, NULL); }
|	DONE WHEN expression		{ $$ = clause_value(CLAUSE_DONE_WHEN, @$, $3, NULL, NULL); }
|	IDEMPOTENT			{ $$ = clause_of(CLAUSE_IDEMPOTENT, @$); }
|	IN DOUBT UNDO			{ $$ = clause_of(CLAUSE_IN_DOUBT, @$); }
|	CONTINUE ON ERROR_WORD		{ $$ = clause_of(CLAUSE_CONTINUE, @$); }
|	NO TRANSACTION			{ $$ = clause_of(CLAUSE_NO_TRANSACTION, @$); }
|	PER SHARD			{ $$ = clause_per(@$, PER_SHARD); }
|	PER REPLICA			{ $$ = clause_per(@$, PER_REPLICA); }
|	FORWARD action			{ $$ = clause_of(CLAUSE_FORWARD, @$); $$.action = $2; }
|	ROLLBACK action			{ $$ = clause_of(CLAUSE_ROLLBACK, @$); $$.action = $2; }
|	ROLLBACK NOTHING		{ $$ = clause_of(CLAUSE_ROLLBACK_NOTHING, @$); }
|	IRREVERSIBLE string	{ $$ = clause_value(CLAUSE_IRREVERSIBLE, @$, $2, NULL, NULL); }
|	ALLOW name string		{ $$ = clause_allow(p, @$, $2, $3); }
range_end:
	RANGE expression		{ $$ = $2; }
action:
	plain				{ $$ = action_new(p, @$, $1, NULL); }
|	block				{ $$ = action_new(p, @$, NULL, $1); }
/* ---- statements ---- */
block:
	LBRACE '}'				{ $$ = block_new(p, @$, (struct statements){0}); }
|	LBRACE statements '}'		{ $$ = block_new(p, @$, $2); }
statements:
	statement			{ $$ = (struct statements){0}; LIST_ADD(&$$, $1); }
|	statements NEWLINE statement	{ $$ = $1; LIST_ADD(&$$, $3); }
|	error	{ $$ = statements_error(p, (struct statements){0}, @1); RECOVER($<uint32_t>0); }
|	statements NEWLINE error	{ $$ = statements_error(p, $1, @3); RECOVER($<uint32_t>0); }
|	statements error	{ $$ = statements_error(p, $1, @2); RECOVER($<uint32_t>0); }
statement:
	let
|	VAR name type_opt '=' expression
		{ $$ = statement_let(p, STATEMENT_VAR, @$, $2, $3, $5); }
|	name '=' expression		{ $$ = statement_assign(p, @$, $1, $3); }
|	plain				{ $$ = statement_of(p, STATEMENT_EXPRESSION, @$, $1); }
|	simple_statement
|	effect_statement
|	if_statement
|	FOR name IN expression block	{ $$ = statement_for(p, @$, $2, $4, $5); }
|	FOR name IN batches_head block	{ $$ = statement_batches(p, @$, $2, $4, $5); }
|	WHILE condition block		{ $$ = statement_while(p, @$, $2, $3); }
|	VAR name type_opt '=' value_error
		{ $$ = statement_let(p, STATEMENT_VAR, @$, $2, $3, $5); }
|	FOR head_error block		{ $$ = statement_new(p, STATEMENT_ERROR, @$); }
|	WHILE head_error block		{ $$ = statement_new(p, STATEMENT_ERROR, @$); }
let:
	LET name type_opt '=' expression
		{ $$ = statement_let(p, STATEMENT_LET, @$, $2, $3, $5); }
|	LET name type_opt '=' value_error
		{ $$ = statement_let(p, STATEMENT_LET, @$, $2, $3, $5); }
simple_statement:
	EXEC expression			{ $$ = statement_of(p, STATEMENT_EXEC, @$, $2); }
|	RETURN				{ $$ = statement_of(p, STATEMENT_RETURN, @$, NULL); }
|	RETURN expression		{ $$ = statement_of(p, STATEMENT_RETURN, @$, $2); }
|	FAIL expression			{ $$ = statement_of(p, STATEMENT_FAIL, @$, $2); }
|	LOG expression			{ $$ = statement_of(p, STATEMENT_LOG, @$, $2); }
|	PROGRESS expression		{ $$ = statement_of(p, STATEMENT_PROGRESS, @$, $2); }
|	REQUIRE expression		{ $$ = statement_require(p, @$, $2, NULL); }
|	REQUIRE expression ELSE expression	{ $$ = statement_require(p, @$, $2, $4); }
effect_statement:
	SLEEP expression		{ $$ = statement_of(p, STATEMENT_SLEEP, @$, $2); }
|	HALT string			{ $$ = statement_of(p, STATEMENT_HALT, @$, $2); }
|	WAIT UNTIL expression EVERY expression TIMEOUT expression
		{ $$ = statement_wait(p, @$, $3, $5, $7, NULL); }
|	WAIT UNTIL expression EVERY expression TIMEOUT expression PROGRESS expression
		{ $$ = statement_wait(p, @$, $3, $5, $7, $9); }
|	TRY block CATCH name block	{ $$ = statement_try(p, @$, $2, $4, $5); }
|	TRANSACTION block		{ $$ = statement_transaction(p, @$, $2); }
|	WITH LOCK string block		{ $$ = statement_lock(p, @$, $3, $4); }
|	HTTP name expression		{ $$ = statement_http(p, @$, $2, $3, NULL); }
|	HTTP name expression BODY expression	{ $$ = statement_http(p, @$, $2, $3, $5); }
|	SET SETTING string '=' expression	{ $$ = statement_set(p, @$, $3, $5); }
|	copy_head			{ $$ = statement_copy(p, @$, $1); }
batches_head:
	BATCHES OF expression BY batch_keys	{ $$ = batches_new(p, $3, $5); }
|	batches_head SIZE expression	{ $$ = batches_value(p, $1, &$1->size, @2, $3); }
|	batches_head MIN expression	{ $$ = batches_value(p, $1, &$1->min, @2, $3); }
|	batches_head MAX expression	{ $$ = batches_value(p, $1, &$1->max, @2, $3); }
|	batches_head TARGET expression	{ $$ = batches_value(p, $1, &$1->target, @2, $3); }
|	batches_head PAUSE WHEN expression	{ $$ = batches_value(p, $1, &$1->pause, @2, $4); }
|	batches_head PARALLEL expression
		{ $$ = batches_value(p, $1, &$1->parallel, @2, $3); }
|	batches_head FOLLOW		{ $$ = $1; $$->follow = true; }
batch_keys:
	batch_key			{ $$ = (struct parameters){0}; LIST_ADD(&$$, $1); }
|	'(' batch_key ',' batch_key ')'
		{ $$ = (struct parameters){0}; LIST_ADD(&$$, $2); LIST_ADD(&$$, $4); }
batch_key:
	name				{ $$ = batch_key(p, $1, NULL); }
|	name ':' type			{ $$ = batch_key(p, $1, $3); }
copy_head:
	COPY name expression INTO name expression COLUMNS '(' names ')'
		{ $$ = copy_new(p, $2, $3, $5, $6, $9); }
|	copy_head REJECT INTO expression LIMIT expression
		{ $$ = copy_reject(p, $1, @2, $4, $6); }
|	copy_head VERIFY		{ $$ = copy_verify(p, $1, @2); }
names:
	name				{ $$ = names_add(p, (struct names){0}, $1); }
|	names ',' name			{ $$ = names_add(p, $1, $3); }
/* ---- tests by the author ---- */
test_block:
	LBRACE '}'				{ $$ = block_new(p, @$, (struct statements){0}); }
|	LBRACE test_statements '}'		{ $$ = block_new(p, @$, $2); }
test_statements:
	test_statement			{ $$ = (struct statements){0}; LIST_ADD(&$$, $1); }
|	test_statements NEWLINE test_statement	{ $$ = $1; LIST_ADD(&$$, $3); }
|	error	{ $$ = statements_error(p, (struct statements){0}, @1); RECOVER($<uint32_t>0); }
|	test_statements NEWLINE error	{ $$ = statements_error(p, $1, @3); RECOVER($<uint32_t>0); }
|	test_statements error	{ $$ = statements_error(p, $1, @2); RECOVER($<uint32_t>0); }
test_statement:
	let
|	GIVEN name expression		{ $$ = statement_given(p, @$, $2, $3); }
|	RUN string with_opt		{ $$ = statement_run(p, @$, $2, $3); }
|	EXPECT expression		{ $$ = statement_of(p, STATEMENT_EXPECT, @$, $2); }
with_opt:
	%empty				{ $$ = (struct arguments){0}; }
|	WITH LBRACE record_fields_opt '}'	{ $$ = $3; }
if_statement:
	IF condition block	{ $$ = statement_if(p, @$, $2, $3, NULL); }
|	IF condition block ELSE block	{ $$ = statement_if(p, @$, $2, $3, $5); }
|	IF condition block ELSE if_statement
		{ $$ = statement_if(p, @$, $2, $3, block_of(p, $5)); }
|	IF head_error block		{ $$ = statement_new(p, STATEMENT_ERROR, @$); }
|	IF head_error block ELSE block	{ $$ = statement_new(p, STATEMENT_ERROR, @$); }
|	IF head_error block ELSE if_statement	{ $$ = statement_new(p, STATEMENT_ERROR, @$); }
condition:
	expression			{ $$ = condition_new(p, (struct name){0}, $1); }
|	LET name '=' expression		{ $$ = condition_new(p, $2, $4); }
/* ---- types ---- */
type_opt:
	%empty				{ $$ = NULL; }
|	':' type			{ $$ = $2; }
type:
	name				{ $$ = type_new(p, SYNTAX_NAMED, @$); $$->name = $1; }
|	'[' type ']'			{ $$ = type_new(p, SYNTAX_LIST, @$); $$->element = $2; }
|	LBRACE type_fields_opt '}'
		{ $$ = type_new(p, SYNTAX_RECORD, @$); $$->fields = $2.first; }
|	type '?'			{ $$ = type_optional(p, @$, $1); }
type_fields_opt:
	%empty				{ $$ = (struct fields){0}; }
|	type_fields
|	type_fields ','
type_fields:
	key ':' type			{ $$ = (struct fields){0}; field_add(p, &$$, $1, $3); }
|	type_fields ',' key ':' type	{ $$ = $1; field_add(p, &$$, $3, $5); }
/* ---- expressions ---- */
expression:
	unary
|	expression OR expression	{ $$ = BINARY(OR, @$, $1, $3); }
|	expression AND expression	{ $$ = BINARY(AND, @$, $1, $3); }
|	NOT expression			{ $$ = UNARY(NOT, @$, $2); }
|	expression EQUAL expression	{ $$ = BINARY(EQUAL, @$, $1, $3); }
|	expression NOT_EQUAL expression	{ $$ = BINARY(NOT_EQUAL, @$, $1, $3); }
|	expression '<' expression	{ $$ = BINARY(LESS, @$, $1, $3); }
|	expression LESS_EQUAL expression	{ $$ = BINARY(LESS_EQUAL, @$, $1, $3); }
|	expression '>' expression	{ $$ = BINARY(GREATER, @$, $1, $3); }
|	expression GREATER_EQUAL expression	{ $$ = BINARY(GREATER_EQUAL, @$, $1, $3); }
|	expression IN expression	{ $$ = BINARY(IN, @$, $1, $3); }
|	expression MATCHES expression	{ $$ = BINARY(MATCHES, @$, $1, $3); }
|	expression OTHERWISE expression	{ $$ = BINARY(OTHERWISE, @$, $1, $3); }
|	expression '+' expression	{ $$ = BINARY(ADD, @$, $1, $3); }
|	expression '-' expression	{ $$ = BINARY(SUBTRACT, @$, $1, $3); }
|	expression '*' expression	{ $$ = BINARY(MULTIPLY, @$, $1, $3); }
|	expression '/' expression	{ $$ = BINARY(DIVIDE, @$, $1, $3); }
|	expression '%' expression	{ $$ = BINARY(REMAINDER, @$, $1, $3); }
unary:
	postfix
|	'-' unary			{ $$ = UNARY(NEGATE, @$, $2); }
postfix:
	plain
|	braced
/* What may stand where a block could: it begins neither with `{` nor with `if`. */
plain:
	name				{ $$ = expression_name(p, $1); }
|	INT				{ $$ = expression_int(p, EXPRESSION_INT, @$, $1.number); }
|	DURATION	{ $$ = expression_int(p, EXPRESSION_DURATION, @$, $1.number); }
|	FLOAT	{ $$ = expression_new(p, EXPRESSION_FLOAT, @$); $$->real = $1.real; }
|	VERSION
	{
		$$ = expression_new(p, EXPRESSION_VERSION, @$);
		$$->text = scan_text(&p->scan, @1);
	}
|	NULL_WORD			{ $$ = expression_new(p, EXPRESSION_NULL, @$); }
|	TRUE_WORD	{ $$ = expression_new(p, EXPRESSION_BOOL, @$); $$->flag = true; }
|	FALSE_WORD			{ $$ = expression_new(p, EXPRESSION_BOOL, @$); }
|	string
|	sql
|	'(' expression ')'		{ $$ = $2; }
|	'[' elements_opt ']'		{ $$ = expression_elements(p, EXPRESSION_LIST, @$, $2); }
|	plain '.' key			{ $$ = expression_field(p, @$, $1, $3); }
|	plain '[' expression ']'	{ $$ = expression_index(p, @$, $1, $3); }
|	plain '(' arguments_opt ')'	{ $$ = expression_call(p, @$, $1, $3); }
|	plain AS type			{ $$ = expression_as(p, @$, $1, $3); }
braced:
	LBRACE record_fields_opt '}'	{ $$ = expression_elements(p, EXPRESSION_RECORD, @$, $2); }
|	if_expression
|	braced '.' key			{ $$ = expression_field(p, @$, $1, $3); }
|	braced '[' expression ']'	{ $$ = expression_index(p, @$, $1, $3); }
|	braced AS type			{ $$ = expression_as(p, @$, $1, $3); }
if_expression:
	IF condition LBRACE expression '}' ELSE LBRACE expression '}'
		{ $$ = expression_if(p, @$, $2, $4, $8); }
|	IF condition LBRACE expression '}' ELSE if_expression
		{ $$ = expression_if(p, @$, $2, $4, $7); }
string:
	STRING_BEGIN holes TEMPLATE_END
		{ $$ = expression_template(p, EXPRESSION_STRING, @1, $2, @3); }
sql:
	SQL_BEGIN holes TEMPLATE_END	{ $$ = expression_template(p, EXPRESSION_SQL, @1, $2, @3); }
holes:
	%empty				{ $$ = (struct holes){0}; }
|	holes HOLE_BEGIN expression HOLE_END	{ $$ = holes_add(p, $1, @2, $3, @4); }
elements_opt:
	%empty				{ $$ = (struct arguments){0}; }
|	elements
|	elements ','
elements:
	expression
	{
		$$ = (struct arguments){0};
		argument_add(p, &$$, argument_new(p, (struct name){0}, $1));
	}
|	elements ',' expression
		{ $$ = $1; argument_add(p, &$$, argument_new(p, (struct name){0}, $3)); }
record_fields_opt:
	%empty				{ $$ = (struct arguments){0}; }
|	record_fields
|	record_fields ','
record_fields:
	key ':' expression
		{ $$ = (struct arguments){0}; argument_add(p, &$$, argument_new(p, $1, $3)); }
|	record_fields ',' key ':' expression
		{ $$ = $1; argument_add(p, &$$, argument_new(p, $3, $5)); }
arguments_opt:
	%empty				{ $$ = (struct arguments){0}; }
|	arguments
|	arguments ','
arguments:
	argument			{ $$ = (struct arguments){0}; argument_add(p, &$$, $1); }
|	arguments ',' argument		{ $$ = $1; argument_add(p, &$$, $3); }
argument:
	argument_value			{ $$ = argument_new(p, (struct name){0}, $1); }
|	name ':' argument_value		{ $$ = argument_new(p, $1, $3); }
argument_value:
	expression
|	lambda
lambda:
	name MAPS expression
		{ $$ = expression_lambda(p, @$, names_add(p, (struct names){0}, $1), $3); }
|	'(' lambda_names ')' MAPS expression	{ $$ = expression_lambda(p, @$, $2, $5); }
lambda_names:
	name ',' name	{ $$ = names_add(p, names_add(p, (struct names){0}, $1), $3); }
|	lambda_names ',' name		{ $$ = names_add(p, $1, $3); }
/* ---- recovery near the error ---- */
value_error:
	error	{ $$ = expression_new(p, EXPRESSION_ERROR, @$); RECOVER($<uint32_t>-3); }
clause_error:
	error	{ $$ = expression_new(p, EXPRESSION_ERROR, @$); RECOVER(1); }
top_error:
	error	{ $$ = expression_new(p, EXPRESSION_ERROR, @$); RECOVER(0); }
head_error:
	error				{ RECOVER_BLOCK($<uint32_t>0); }
check_head_error:
	error				{ RECOVER_BLOCK(1); }
top_head_error:
	error				{ RECOVER_BLOCK(0); }
/* ---- words ---- */
name:
	NAME				{ $$ = name_of(p, @$); }
|	word				{ $$ = name_of(p, @$); }
key:
	name
|	reserved			{ $$ = name_of(p, @$); }
word:
	APPROVAL | BATCHES | BODY | BY | CATCH | COLUMNS | COMPLETE | COPY | EXPECT | FINALLY
|	FOLLOW | GIVEN | HALT | HTTP | INTO | LIMIT | LOCK | MAX | MIN | PARALLEL | PAUSE | PER
|	REJECT | REPLICA | RUN | SET | SETTING | SHARD | SIZE | TARGET | TEST | TRY | UNTIL
|	VERIFY | WAIT | WITH
|	BACKOFF | CONST | CONTINUE | DEPENDS | DONE | DOUBT | ERROR_WORD | EVERY | FN | FORWARD
|	HEALTHCHECK | IDEMPOTENT | INCLUDE | IRREVERSIBLE | LEAVES | MIGRATION | NEEDS | NO | OF
|	ON | ONE | OPERATION | OPERATIONS | PARAM | POSTCHECK | PRECHECK | REQUIRED | RETRY
|	ROLLBACK | SETTINGS | TIMEOUT | TRANSACTION | TYPE | UNDO | USE | VERSIONS | WEIGHT
|	WHEN | WITHIN | ALLOW
reserved:
	AND | AS | ELSE | EXEC | FAIL | FALSE_WORD | FOR | IF | IN | LET | LOG | MATCHES | NOT
|	NULL_WORD | OR | PROGRESS | REQUIRE | RETURN | SLEEP | TRUE_WORD | VAR | WHILE

%%

static int yyreport_syntax_error(const yypcontext_t *context, struct parser *p)
{
	yysymbol_kind_t kinds[YYNTOKENS];
	struct expectation e = {0};
	int count = yypcontext_expected_tokens(context, kinds, YYNTOKENS);

	for (int i = 0; i < count; i++)
		e.names[e.count++] = yysymbol_name(kinds[i]);
	report_syntax(p, &e, yysymbol_name(yypcontext_token(context)));
	return 0;
}
