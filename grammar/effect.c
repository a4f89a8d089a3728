/* effect.c - nodes of the statements that change the world or wait for it, and of tests */
#include "grammar/tree.h"

struct statement *statement_wait(struct parser *p, struct span span, struct expression *condition,
	struct expression *every, struct expression *timeout, struct expression *progress)
{
	struct statement *s = statement_new(p, STATEMENT_WAIT, span);

	s->wait.condition = condition;
	s->wait.every = every;
	s->wait.timeout = timeout;
	s->wait.progress = progress;
	return s;
}

struct statement *statement_try(struct parser *p, struct span span, struct block *body,
	struct name name, struct block *handler)
{
	struct statement *s = statement_new(p, STATEMENT_TRY, span);

	s->attempt.body = body;
	s->attempt.name = name;
	s->attempt.handler = handler;
	return s;
}

struct statement *statement_transaction(struct parser *p, struct span span, struct block *block)
{
	struct statement *s = statement_new(p, STATEMENT_TRANSACTION, span);

	s->block = block;
	return s;
}

struct statement *statement_lock(struct parser *p, struct span span, struct expression *name,
	struct block *body)
{
	struct statement *s = statement_new(p, STATEMENT_LOCK, span);

	s->lock.name = name;
	s->lock.body = body;
	return s;
}

struct statement *statement_http(struct parser *p, struct span span, struct name method,
	struct expression *url, struct expression *body)
{
	struct statement *s = statement_new(p, STATEMENT_HTTP, span);

	s->http.method = method;
	s->http.url = url;
	s->http.body = body;
	return s;
}

struct statement *statement_set(struct parser *p, struct span span, struct expression *name,
	struct expression *value)
{
	struct statement *s = statement_new(p, STATEMENT_SET, span);

	s->set.name = name;
	s->set.value = value;
	return s;
}

struct statement *statement_approval(struct parser *p, struct span span, struct expression *label,
	struct expression *text)
{
	struct statement *s = statement_new(p, STATEMENT_APPROVAL, span);

	s->approval.label = label;
	s->approval.text = text;
	return s;
}

struct statement *statement_parallel(struct parser *p, struct span span, struct expression *count,
	struct block *body)
{
	struct statement *s = statement_new(p, STATEMENT_PARALLEL, span);

	s->parallel.count = count;
	s->parallel.body = body;
	return s;
}

/* ---- batches ---- */
struct batches_syntax *batches_new(struct parser *p, struct expression *table,
	struct parameters keys)
{
	struct batches_syntax *b = arena_new(p->arena, struct batches_syntax);

	b->table = table;
	b->keys = keys.first;
	return b;
}

struct batches_syntax *batches_value(struct parser *p, struct batches_syntax *b,
	struct expression **place, struct span word, struct expression *value)
{
	if (*place)
		diag_add(p->diags, word, DIAG_CLAUSE_TWICE,
			arena_c(p->arena, scan_text(&p->scan, word)));
	*place = value;
	return b;
}

struct parameter *batch_key(struct parser *p, struct name name, struct type_syntax *type)
{
	struct parameter *key = arena_new(p->arena, struct parameter);

	key->name = name;
	key->type = type;
	return key;
}

struct statement *statement_batches(struct parser *p, struct span span, struct name name,
	struct batches_syntax *b, struct block *body)
{
	struct statement *s = statement_new(p, STATEMENT_BATCHES, span);

	b->name = name;
	b->body = body;
	if (!b->size)
		diag_add(p->diags, (struct span){ span.source, span.start, body->span.start },
			DIAG_BATCHES_SIZE);
	s->batches = b;
	return s;
}

/* ---- copy ---- */
struct copy_syntax *copy_new(struct parser *p, struct name from, struct expression *sql,
	struct name to, struct expression *table, struct names columns)
{
	struct copy_syntax *copy = arena_new(p->arena, struct copy_syntax);

	copy->from = expression_name(p, from);
	copy->sql = sql;
	copy->to = expression_name(p, to);
	copy->table = table;
	copy->columns = columns.first;
	return copy;
}

struct copy_syntax *copy_reject(struct parser *p, struct copy_syntax *copy, struct span word,
	struct expression *table, struct expression *limit)
{
	if (copy->reject)
		diag_add(p->diags, word, DIAG_CLAUSE_TWICE, "reject");
	copy->reject = table;
	copy->limit = limit;
	return copy;
}

struct copy_syntax *copy_verify(struct parser *p, struct copy_syntax *copy, struct span word)
{
	if (copy->verify.end)
		diag_add(p->diags, word, DIAG_CLAUSE_TWICE, "verify");
	copy->verify = word;
	return copy;
}

struct statement *statement_copy(struct parser *p, struct span span, struct copy_syntax *copy)
{
	struct statement *s = statement_new(p, STATEMENT_COPY, span);

	s->copy = copy;
	return s;
}

/* ---- tests ---- */
struct statement *statement_given(struct parser *p, struct span span, struct name connection,
	struct expression *sql)
{
	struct statement *s = statement_new(p, STATEMENT_GIVEN, span);

	s->given.connection = expression_name(p, connection);
	s->given.sql = sql;
	return s;
}

struct statement *statement_run(struct parser *p, struct span span, struct expression *migration,
	struct arguments params)
{
	struct statement *s = statement_new(p, STATEMENT_RUN, span);

	s->run.migration = plain_name(p, migration);
	s->run.params = params.first;
	return s;
}

struct declaration *declaration_test(struct parser *p, struct span span,
	const struct expression *label, struct block *block)
{
	struct name name = { expression_plain(p, label, "the name of a test"), label->span };
	struct declaration *d = declaration_new(p, DECLARATION_TEST, span, name);

	d->test = block;
	return d;
}
