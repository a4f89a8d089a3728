/* statement.c - nodes of statements and blocks */
#include "grammar/tree.h"

struct statement *statement_new(struct parser *p, enum statement_kind kind, struct span span)
{
	struct statement *s = arena_new(p->arena, struct statement);

	s->kind = kind;
	s->span = span;
	return s;
}

struct statement *statement_of(struct parser *p, enum statement_kind kind, struct span span,
	struct expression *e)
{
	struct statement *s = statement_new(p, kind, span);

	s->expression = e;
	return s;
}

struct statement *statement_let(struct parser *p, enum statement_kind kind, struct span span,
	struct name name, struct type_syntax *type, struct expression *value)
{
	struct statement *s = statement_new(p, kind, span);

	s->let.name = name;
	s->let.type = type;
	s->let.value = value;
	return s;
}

struct statement *statement_assign(struct parser *p, struct span span, struct name name,
	struct expression *value)
{
	struct statement *s = statement_new(p, STATEMENT_ASSIGN, span);

	s->assign.name = name;
	s->assign.value = value;
	return s;
}

struct statement *statement_if(struct parser *p, struct span span, struct condition *condition,
	struct block *then, struct block *otherwise)
{
	struct statement *s = statement_new(p, STATEMENT_IF, span);

	s->branch.condition = condition;
	s->branch.then = then;
	s->branch.otherwise = otherwise;
	return s;
}

struct statement *statement_for(struct parser *p, struct span span, struct name name,
	struct expression *list, struct block *body)
{
	struct statement *s = statement_new(p, STATEMENT_FOR, span);

	s->loop.name = name;
	s->loop.list = list;
	s->loop.body = body;
	return s;
}

struct statement *statement_while(struct parser *p, struct span span, struct condition *condition,
	struct block *body)
{
	struct statement *s = statement_new(p, STATEMENT_WHILE, span);

	s->repeat.condition = condition;
	s->repeat.body = body;
	return s;
}

struct statement *statement_require(struct parser *p, struct span span,
	struct expression *condition, struct expression *message)
{
	struct statement *s = statement_new(p, STATEMENT_REQUIRE, span);

	s->require.condition = condition;
	s->require.message = message;
	return s;
}

struct statements statements_error(struct parser *p, struct statements list, struct span span)
{
	struct statement *s = statement_new(p, STATEMENT_ERROR, span);

	LIST_ADD(&list, s);
	return list;
}

struct block *block_new(struct parser *p, struct span span, struct statements statements)
{
	struct block *b = arena_new(p->arena, struct block);

	b->span = span;
	b->first = statements.first;
	return b;
}

struct block *block_of(struct parser *p, struct statement *only)
{
	return block_new(p, only->span, (struct statements){ only, only });
}
