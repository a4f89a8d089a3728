/* lower_effect.c - statements that change the world or wait for it, beside `exec` */
#include "compiler/lower.h"

#define PAUSE_MS 5000 /* between two questions of `pause when` */

/* A time that lies so far ahead, in a local of its own: it is in every checkpoint, so that a wait
 * keeps its clock. */
static struct operand_local lower_deadline(struct body *b, const struct expression *duration)
{
	struct operand_local until = code_local(&b->code, TYPE_TIMESTAMP);

	emit_NOW(&b->code);
	lower_expression(b, duration);
	emit_ADD_TIME(&b->code);
	emit_STORE(&b->code, until);
	return until;
}

static void lower_sleep(struct body *b, const struct statement *s)
{
	struct operand_local until = lower_deadline(b, s->expression);

	body_place(b, s->span);
	emit_LOAD(&b->code, until);
	emit_SLEEP(&b->code);
}

static void lower_wait(struct body *b, const struct statement *s)
{
	struct operand_local until = lower_deadline(b, s->wait.timeout),
			     next = code_local(&b->code, TYPE_TIMESTAMP);
	struct label top = {0}, end = {0}, late = {0};
	struct code *c = &b->code;

	label_place(c, &top);
	if (s->wait.progress) {
		lower_expression(b, s->wait.progress);
		emit_PROGRESS(c);
	}
	lower_jump_if(b, s->wait.condition, &end);
	body_place(b, s->span);
	emit_NOW(c);
	lower_expression(b, s->wait.every);
	emit_ADD_TIME(c);
	emit_STORE(c, next);
	emit_LOAD(c, until);
	emit_LOAD(c, next);
	emit_LESS(c);
	emit_JUMP_IF_TRUE(c, &late);
	emit_LOAD(c, next);
	emit_SLEEP(c);
	emit_JUMP(c, &top);
	label_place(c, &late);
	lower_string(b, arena_format(&b->lower->emit.arena, "waited in vain until %.*s",
				     STR_ARG(lower_text(b->lower, s->wait.condition->span))));
	emit_FAIL(c);
	label_place(c, &end);
}

static void lower_caught(struct body *b, struct symbol *symbol, const struct block *handler)
{
	uint32_t type = symbol->type;

	emit_CAUGHT(&b->code, emit_type(&b->lower->emit, type));
	emit_STORE(&b->code, body_bind(b, symbol));
	lower_block(b, handler);
}

static void lower_try(struct body *b, const struct statement *s)
{
	struct label caught = {0}, end = {0};

	emit_TRY(&b->code, &caught);
	lower_block(b, s->attempt.body);
	emit_JUMP(&b->code, &end);
	label_place(&b->code, &caught);
	body_place(b, s->span);
	lower_caught(b, s->symbol, s->attempt.handler);
	label_place(&b->code, &end);
}

/* A block that something must follow, however it ends: `leave` when it is well, else `give_up`,
 * and it fails as it did. */
static void lower_guarded(struct body *b, const struct block *block, struct span at,
			  void (*leave)(struct code *c), void (*give_up)(struct code *c))
{
	struct type_field fields[] = { { STR("class"), TYPE_STRING },
				       { STR("code"), TYPE_STRING },
				       { STR("message"), TYPE_STRING } };
	uint32_t type = types_record(&b->lower->unit->types, fields, ARRAY_SIZE(fields));
	struct label caught = {0}, end = {0};
	struct operand_local error;
	struct code *c = &b->code;

	emit_TRY(c, &caught);
	lower_block(b, block);
	body_place(b, at);
	leave(c);
	emit_JUMP(c, &end);
	label_place(c, &caught);
	error = code_local(c, type);
	emit_CAUGHT(c, emit_type(&b->lower->emit, type));
	emit_STORE(c, error);
	give_up(c);
	for (uint32_t i = 0; i < ARRAY_SIZE(fields); i++) {
		emit_LOAD(c, error);
		emit_FIELD(c, (struct operand_field){ i });
	}
	emit_RAISE(c);
	label_place(c, &end);
}

/* ---- batches ---- */

static void add_option(struct body *b, struct type_field *fields, uint32_t *count, const char *name,
		       const struct expression *e, uint32_t type)
{
	if (!e)
		return;
	lower_value(b, e, type);
	fields[(*count)++] = (struct type_field){ str_c(name), type };
}

static void lower_record(struct body *b, const struct type_field *fields, uint32_t count)
{
	if (count == 0)
		emit_NULL(&b->code);
	else
		emit_RECORD(&b->code, emit_type(&b->lower->emit,
						types_record(&b->lower->unit->types, fields,
							     count)));
}

static void lower_keys(struct body *b, const struct parameter *keys)
{
	uint32_t count = 0;

	for (; keys; keys = keys->next, count++)
		lower_string(b, keys->name.text);
	emit_LIST(&b->code, emit_type(&b->lower->emit, TYPE_STRING),
		  (struct operand_count){ count });
}

/* In a record whose fields are all there, null where the author says nothing. */
static void add_maybe(struct body *b, struct type_field *field, const char *name,
		      const struct expression *e, uint32_t type)
{
	uint32_t maybe = types_optional(&b->lower->unit->types, type);

	if (e) {
		lower_value(b, e, maybe);
	} else {
		emit_NULL(&b->code);
		emit_WIDEN(&b->code, emit_type(&b->lower->emit, maybe));
	}
	*field = (struct type_field){ str_c(name), maybe };
}

/* As window.c takes them apart, by their places. */
static void lower_batch_options(struct body *b, const struct batches_syntax *x)
{
	struct type_field fields[6];

	add_maybe(b, &fields[0], "size", x->size, TYPE_INT);
	add_maybe(b, &fields[1], "min", x->min, TYPE_INT);
	add_maybe(b, &fields[2], "max", x->max, TYPE_INT);
	add_maybe(b, &fields[3], "target", x->target, TYPE_DURATION);
	add_maybe(b, &fields[4], "parallel", x->parallel, TYPE_INT);
	emit_BOOL(&b->code, (struct operand_flag){ x->follow });
	fields[5] = (struct type_field){ STR("follow"), TYPE_BOOL };
	lower_record(b, fields, ARRAY_SIZE(fields));
}

static void lower_pause(struct body *b, const struct expression *pause)
{
	struct operand_local until, untold;
	struct label top = {0}, told = {0}, end = {0};

	if (!pause)
		return;
	until = code_local(&b->code, TYPE_TIMESTAMP);
	untold = code_local(&b->code, TYPE_BOOL);
	emit_BOOL(&b->code, (struct operand_flag){ true });
	emit_STORE(&b->code, untold);
	label_place(&b->code, &top);
	lower_jump_unless(b, pause, &end);
	emit_LOAD(&b->code, untold);
	emit_JUMP_IF_FALSE(&b->code, &told);
	lower_string(b, STR("it waits: `pause when` holds"));
	emit_LOG(&b->code);
	emit_BOOL(&b->code, (struct operand_flag){ false });
	emit_STORE(&b->code, untold);
	label_place(&b->code, &told);
	emit_NOW(&b->code);
	lower_duration(b, PAUSE_MS);
	emit_ADD_TIME(&b->code);
	emit_STORE(&b->code, until);
	emit_LOAD(&b->code, until);
	emit_SLEEP(&b->code);
	emit_JUMP(&b->code, &top);
	label_place(&b->code, &end);
}

/* The window before is asked with, so that the place in the table is in every checkpoint. */
static void lower_batches(struct body *b, const struct statement *s)
{
	const struct batches_syntax *x = s->batches;
	uint32_t type = types_optional(&b->lower->unit->types, s->symbol->type);
	struct operand_local window = code_local(&b->code, type);
	struct operand_type own = emit_type(&b->lower->emit, type);
	struct label top = {0}, end = {0};
	struct code *c = &b->code;

	emit_NULL(c);
	emit_WIDEN(c, own);
	emit_STORE(c, window);
	label_place(c, &top);
	lower_pause(b, x->pause);
	body_place(b, s->span);
	lower_connection(b, x->on);
	lower_expression(b, x->table);
	lower_keys(b, x->keys);
	lower_batch_options(b, x);
	emit_LOAD(c, window);
	body_place(b, s->span);
	emit_WINDOW(c, own);
	emit_STORE(c, window);
	emit_LOAD(c, window);
	emit_UNWRAP(c, &end);
	emit_STORE(c, body_bind(b, s->symbol));
	lower_block(b, x->body);
	emit_JUMP(c, &top);
	label_place(c, &end);
}

/* ---- copy, http, settings ---- */

static void lower_copy(struct body *b, const struct copy_syntax *copy, struct span at)
{
	struct type_field fields[3];
	uint32_t count = 0, columns = 0;

	lower_connection(b, copy->from->symbol);
	lower_expression(b, copy->sql);
	lower_connection(b, copy->to->symbol);
	lower_expression(b, copy->table);
	for (const struct name_list *n = copy->columns; n; n = n->next, columns++)
		lower_string(b, n->name.text);
	emit_LIST(&b->code, emit_type(&b->lower->emit, TYPE_STRING),
		  (struct operand_count){ columns });
	add_option(b, fields, &count, "reject", copy->reject, TYPE_IDENT);
	add_option(b, fields, &count, "limit", copy->limit, TYPE_INT);
	if (copy->verify.end) {
		emit_BOOL(&b->code, (struct operand_flag){ true });
		fields[count++] = (struct type_field){ STR("verify"), TYPE_BOOL };
	}
	lower_record(b, fields, count);
	body_place(b, at);
	emit_COPY(&b->code);
	emit_POP(&b->code);
}

static void lower_http(struct body *b, const struct statement *s)
{
	lower_string(b, s->http.method.text);
	lower_expression(b, s->http.url);
	if (s->http.body)
		lower_expression(b, s->http.body);
	else
		emit_NULL(&b->code);
	body_place(b, s->span);
	emit_HTTP(&b->code);
}

static void lower_truth(struct body *b, const struct expression *e)
{
	struct label no = {0}, end = {0};

	lower_jump_unless(b, e, &no);
	lower_string(b, STR("true"));
	emit_JUMP(&b->code, &end);
	label_place(&b->code, &no);
	lower_string(b, STR("false"));
	label_place(&b->code, &end);
}

static void lower_set(struct body *b, const struct statement *s)
{
	lower_expression(b, s->set.name);
	if (s->set.value->type == TYPE_BOOL)
		lower_truth(b, s->set.value);
	else
		lower_expression(b, s->set.value);
	if (s->set.value->type != TYPE_STRING && s->set.value->type != TYPE_BOOL)
		emit_TO_STRING(&b->code);
	body_place(b, s->span);
	emit_SET_SETTING(&b->code);
}

void lower_effect(struct body *b, const struct statement *s)
{
	struct code *c = &b->code;

	switch ((int)s->kind) {
	case STATEMENT_SLEEP:
		lower_sleep(b, s);
		break;
	case STATEMENT_WAIT:
		lower_wait(b, s);
		break;
	case STATEMENT_HALT:
		lower_expression(b, s->expression);
		body_place(b, s->span);
		emit_HALT(c);
		break;
	case STATEMENT_TRY:
		lower_try(b, s);
		break;
	case STATEMENT_TRANSACTION:
		lower_connection(b, s->symbol);
		emit_TRANSACTION(c);
		lower_guarded(b, s->block, s->span, emit_COMMIT, emit_ABANDON);
		break;
	case STATEMENT_LOCK:
		lower_expression(b, s->lock.name);
		body_place(b, s->span);
		emit_LOCK(c);
		lower_guarded(b, s->lock.body, s->span, emit_UNLOCK, emit_UNLOCK);
		break;
	case STATEMENT_BATCHES:
		lower_batches(b, s);
		break;
	case STATEMENT_COPY:
		lower_copy(b, s->copy, s->span);
		break;
	case STATEMENT_HTTP:
		lower_http(b, s);
		break;
	case STATEMENT_SET:
		lower_set(b, s);
		break;
	default:
		BUG("a statement of kind %d has no effect", (int)s->kind);
	}
}
