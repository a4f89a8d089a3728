/* lower_statement.c - statements of blocks */
#include "compiler/lower.h"

void lower_let(struct body *b, const struct statement *s)
{
	lower_value(b, s->let.value, s->symbol->type);
	body_place(b, s->span);
	emit_STORE(&b->code, body_bind(b, s->symbol));
}

void loop_over(struct body *b, struct loop *loop, struct operand_local list,
	       struct symbol *element, struct span at)
{
	struct code *c = &b->code;

	body_place(b, at);
	*loop = (struct loop){ .list = list, .index = code_local(c, TYPE_INT) };
	lower_int(b, 0);
	emit_STORE(c, loop->index);
	label_place(c, &loop->top);
	emit_LOAD(c, loop->index);
	emit_LOAD(c, loop->list);
	emit_LIST_LENGTH(c);
	emit_LESS_INT(c);
	emit_JUMP_IF_FALSE(c, &loop->end);
	emit_LOAD(c, loop->list);
	emit_LOAD(c, loop->index);
	emit_LIST_GET(c);
	emit_STORE(c, body_bind(b, element));
}

bool loop_begin(struct body *b, struct loop *loop, const struct expression *list,
		struct symbol *element, struct span at)
{
	struct operand_local kept;

	*loop = (struct loop){0};
	lower_expression(b, list);
	if (types_get(&b->lower->unit->types, list->type)->element == TYPE_NEVER) {
		emit_POP(&b->code);
		return false;
	}
	body_place(b, at);
	kept = code_local(&b->code, list->type);
	emit_STORE(&b->code, kept);
	loop_over(b, loop, kept, element, at);
	return true;
}

void loop_end(struct body *b, struct loop *loop, struct span at)
{
	struct code *c = &b->code;

	body_place(b, at);
	emit_LOAD(c, loop->index);
	lower_int(b, 1);
	emit_ADD_INT(c);
	emit_STORE(c, loop->index);
	emit_JUMP(c, &loop->top);
	label_place(c, &loop->end);
}

static void lower_for(struct body *b, const struct statement *s)
{
	struct loop loop;

	if (!loop_begin(b, &loop, s->loop.list, s->symbol, s->span))
		return;
	lower_block(b, s->loop.body);
	loop_end(b, &loop, s->span);
}

static void lower_while(struct body *b, const struct statement *s)
{
	struct label top = {0}, end = {0};

	label_place(&b->code, &top);
	lower_condition(b, s->repeat.condition, &end);
	lower_block(b, s->repeat.body);
	emit_JUMP(&b->code, &top);
	label_place(&b->code, &end);
}

static void lower_branch(struct body *b, const struct statement *s)
{
	struct label otherwise = {0}, end = {0};

	lower_condition(b, s->branch.condition, &otherwise);
	lower_block(b, s->branch.then);
	if (s->branch.otherwise)
		emit_JUMP(&b->code, &end);
	label_place(&b->code, &otherwise);
	if (s->branch.otherwise)
		lower_block(b, s->branch.otherwise);
	label_place(&b->code, &end);
}

static void lower_require(struct body *b, const struct statement *s)
{
	struct label holds = {0};

	lower_jump_if(b, s->require.condition, &holds);
	body_place(b, s->span);
	if (s->require.message)
		lower_expression(b, s->require.message);
	else
		lower_string(b, lower_text(b->lower, s->require.condition->span));
	body_place(b, s->span);
	emit_FAIL(&b->code);
	label_place(&b->code, &holds);
}

static void lower_exec(struct body *b, const struct statement *s)
{
	lower_connection(b, s->symbol);
	lower_expression(b, s->expression);
	body_place(b, s->span);
	emit_EXEC(&b->code);
	emit_POP(&b->code);
}

static void lower_return(struct body *b, const struct statement *s)
{
	/* The type of the result is the module's; a value is widened to what the function's symbol
	 * says. */
	if (s->expression)
		lower_value(b, s->expression, b->result);
	body_place(b, s->span);
	emit_RETURN(&b->code);
}

static void lower_statement(struct body *b, const struct statement *s)
{
	struct code *c = &b->code;

	body_place(b, s->span);
	switch (s->kind) {
	case STATEMENT_LET: case STATEMENT_VAR:
		lower_let(b, s);
		break;
	case STATEMENT_ASSIGN:
		lower_value(b, s->assign.value, s->symbol->type);
		body_place(b, s->span);
		emit_STORE(c, (struct operand_local){ s->symbol->slot });
		break;
	case STATEMENT_EXPRESSION:
		lower_expression(b, s->expression);
		if (s->expression->type != TYPE_NOTHING)
			emit_POP(c);
		break;
	case STATEMENT_EXEC:
		lower_exec(b, s);
		break;
	case STATEMENT_IF:
		lower_branch(b, s);
		break;
	case STATEMENT_FOR:
		lower_for(b, s);
		break;
	case STATEMENT_WHILE:
		lower_while(b, s);
		break;
	case STATEMENT_RETURN:
		lower_return(b, s);
		break;
	case STATEMENT_REQUIRE:
		lower_require(b, s);
		break;
	case STATEMENT_FAIL:
		lower_expression(b, s->expression);
		body_place(b, s->span);
		emit_FAIL(c);
		break;
	case STATEMENT_LOG:
		lower_expression(b, s->expression);
		body_place(b, s->span);
		emit_LOG(c);
		break;
	case STATEMENT_PROGRESS:
		lower_expression(b, s->expression);
		body_place(b, s->span);
		emit_PROGRESS(c);
		break;
	case STATEMENT_SLEEP: case STATEMENT_WAIT: case STATEMENT_HALT: case STATEMENT_TRY:
	case STATEMENT_TRANSACTION: case STATEMENT_LOCK: case STATEMENT_BATCHES:
	case STATEMENT_COPY: case STATEMENT_HTTP: case STATEMENT_SET:
		lower_effect(b, s);
		break;
	case STATEMENT_OPERATION: case STATEMENT_INCLUDE: case STATEMENT_APPROVAL:
	case STATEMENT_PARALLEL: case STATEMENT_GIVEN: case STATEMENT_RUN:
	case STATEMENT_EXPECT: case STATEMENT_ERROR:
		BUG("a statement of kind %d in a block", (int)s->kind);
	}
}

void lower_block(struct body *b, const struct block *block)
{
	for (const struct statement *s = block->first; s; s = s->next)
		lower_statement(b, s);
}
