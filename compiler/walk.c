/* walk.c - see walk.h */
#include "compiler/walk.h"

static void arguments(const struct walk *w, struct argument *first)
{
	for (struct argument *a = first; a; a = a->next)
		walk_expression(w, a->value);
}

static void parts(const struct walk *w, struct part *first)
{
	for (struct part *p = first; p; p = p->next)
		walk_expression(w, p->hole);
}

static void condition(const struct walk *w, struct condition *c)
{
	if (c)
		walk_expression(w, c->value);
}

static void block(const struct walk *w, struct block *b)
{
	if (b)
		walk_statements(w, b->first);
}

static void below(const struct walk *w, struct expression *e)
{
	switch (e->kind) {
	case EXPRESSION_STRING:
	case EXPRESSION_SQL:
		parts(w, e->parts);
		break;
	case EXPRESSION_LIST:
	case EXPRESSION_RECORD:
		arguments(w, e->elements);
		break;
	case EXPRESSION_UNARY:
	case EXPRESSION_BINARY:
		walk_expression(w, e->binary.left);
		walk_expression(w, e->binary.right);
		break;
	case EXPRESSION_FIELD:
		walk_expression(w, e->field.base);
		break;
	case EXPRESSION_INDEX:
		walk_expression(w, e->index.base);
		walk_expression(w, e->index.index);
		break;
	case EXPRESSION_CALL:
		walk_expression(w, e->call.callee);
		arguments(w, e->call.arguments);
		break;
	case EXPRESSION_AS:
		walk_expression(w, e->as.value);
		break;
	case EXPRESSION_IF:
		condition(w, e->branch.condition);
		walk_expression(w, e->branch.then);
		walk_expression(w, e->branch.otherwise);
		break;
	case EXPRESSION_LAMBDA:
		walk_expression(w, e->lambda.body);
		break;
	case EXPRESSION_NULL:
	case EXPRESSION_BOOL:
	case EXPRESSION_INT:
	case EXPRESSION_FLOAT:
	case EXPRESSION_DURATION:
	case EXPRESSION_VERSION:
	case EXPRESSION_NAME:
	case EXPRESSION_ERROR:
		break;
	}
}

void walk_expression(const struct walk *w, struct expression *e)
{
	if (!e || !w->expression)
		return;
	w->expression(w->context, e);
	below(w, e);
}

static void batches(const struct walk *w, struct batches_syntax *b)
{
	walk_expression(w, b->table);
	walk_expression(w, b->size);
	walk_expression(w, b->min);
	walk_expression(w, b->max);
	walk_expression(w, b->target);
	walk_expression(w, b->pause);
	walk_expression(w, b->parallel);
	block(w, b->body);
}

static void copy(const struct walk *w, struct copy_syntax *c)
{
	walk_expression(w, c->from);
	walk_expression(w, c->sql);
	walk_expression(w, c->to);
	walk_expression(w, c->table);
	walk_expression(w, c->reject);
	walk_expression(w, c->limit);
}

/* Those that are a few expressions and perhaps a block. */
static void simple_statement(const struct walk *w, struct statement *s)
{
	switch ((int)s->kind) {
	case STATEMENT_WAIT:
		walk_expression(w, s->wait.condition);
		walk_expression(w, s->wait.every);
		walk_expression(w, s->wait.timeout);
		walk_expression(w, s->wait.progress);
		break;
	case STATEMENT_LOCK:
		walk_expression(w, s->lock.name);
		block(w, s->lock.body);
		break;
	case STATEMENT_HTTP:
		walk_expression(w, s->http.url);
		walk_expression(w, s->http.body);
		break;
	case STATEMENT_SET:
		walk_expression(w, s->set.name);
		walk_expression(w, s->set.value);
		break;
	case STATEMENT_APPROVAL:
		walk_expression(w, s->approval.label);
		walk_expression(w, s->approval.text);
		break;
	case STATEMENT_PARALLEL:
		walk_expression(w, s->parallel.count);
		block(w, s->parallel.body);
		break;
	case STATEMENT_GIVEN:
		walk_expression(w, s->given.connection);
		walk_expression(w, s->given.sql);
		break;
	}
}

static void statement(const struct walk *w, struct statement *s)
{
	switch (s->kind) {
	case STATEMENT_LET:
	case STATEMENT_VAR:
		walk_expression(w, s->let.value);
		break;
	case STATEMENT_ASSIGN:
		walk_expression(w, s->assign.value);
		break;
	case STATEMENT_EXPRESSION:
	case STATEMENT_EXEC:
	case STATEMENT_RETURN:
	case STATEMENT_FAIL:
	case STATEMENT_LOG:
	case STATEMENT_PROGRESS:
	case STATEMENT_SLEEP:
	case STATEMENT_HALT:
	case STATEMENT_INCLUDE:
	case STATEMENT_EXPECT:
		walk_expression(w, s->expression);
		break;
	case STATEMENT_IF:
		condition(w, s->branch.condition);
		block(w, s->branch.then);
		block(w, s->branch.otherwise);
		break;
	case STATEMENT_FOR:
		walk_expression(w, s->loop.list);
		block(w, s->loop.body);
		break;
	case STATEMENT_WHILE:
		condition(w, s->repeat.condition);
		block(w, s->repeat.body);
		break;
	case STATEMENT_REQUIRE:
		walk_expression(w, s->require.condition);
		walk_expression(w, s->require.message);
		break;
	case STATEMENT_TRY:
		block(w, s->attempt.body);
		block(w, s->attempt.handler);
		break;
	case STATEMENT_TRANSACTION:
		block(w, s->block);
		break;
	case STATEMENT_BATCHES:
		if (s->batches)
			batches(w, s->batches);
		break;
	case STATEMENT_COPY:
		if (s->copy)
			copy(w, s->copy);
		break;
	case STATEMENT_OPERATION:
		walk_operation(w, s->operation);
		break;
	case STATEMENT_RUN:
		arguments(w, s->run.params);
		break;
	case STATEMENT_WAIT:
	case STATEMENT_LOCK:
	case STATEMENT_HTTP:
	case STATEMENT_SET:
	case STATEMENT_APPROVAL:
	case STATEMENT_PARALLEL:
	case STATEMENT_GIVEN:
		simple_statement(w, s);
		break;
	case STATEMENT_ERROR:
		break;
	}
}

void walk_statements(const struct walk *w, struct statement *first)
{
	for (struct statement *s = first; s; s = s->next) {
		if (w->statement)
			w->statement(w->context, s);
		statement(w, s);
	}
}

void walk_action(const struct walk *w, struct action *action)
{
	if (!action)
		return;
	walk_expression(w, action->sql);
	block(w, action->block);
}

void walk_operation(const struct walk *w, struct operation_syntax *o)
{
	if (!o)
		return;
	walk_expression(w, o->label);
	walk_expression(w, o->on);
	walk_expression(w, o->timeout);
	walk_expression(w, o->retry);
	walk_expression(w, o->backoff_min);
	walk_expression(w, o->backoff_max);
	walk_expression(w, o->weight);
	walk_expression(w, o->done_when);
	arguments(w, o->settings);
	walk_action(w, o->forward);
	walk_action(w, o->rollback);
}

static void migration(const struct walk *w, struct migration_syntax *m)
{
	for (struct param_syntax *p = m->params; p; p = p->next) {
		walk_expression(w, p->value);
		walk_expression(w, p->within_min);
		walk_expression(w, p->within_max);
		walk_expression(w, p->one_of);
	}
	walk_expression(w, m->required);
	for (struct check_syntax *c = m->checks; c; c = c->next) {
		walk_expression(w, c->every);
		block(w, c->body);
	}
	walk_statements(w, m->plan);
	arguments(w, m->leaves);
	block(w, m->finally);
	block(w, m->on_complete);
	block(w, m->on_error);
}

void walk_declaration(const struct walk *w, struct declaration *d)
{
	switch (d->kind) {
	case DECLARATION_CONST:
		walk_expression(w, d->constant.value);
		break;
	case DECLARATION_FN:
	case DECLARATION_OPERATIONS:
		for (struct parameter *p = d->fn.parameters; p; p = p->next)
			walk_expression(w, p->value);
		block(w, d->fn.body);
		break;
	case DECLARATION_MIGRATION:
		if (d->migration)
			migration(w, d->migration);
		break;
	case DECLARATION_TEST:
		block(w, d->test);
		break;
	case DECLARATION_USE:
	case DECLARATION_TYPE:
	case DECLARATION_ERROR:
		break;
	}
}
