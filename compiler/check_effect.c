/* check_effect.c - statements that change the world or wait for it, beside `exec` */
#include "compiler/checker.h"

/* What stands in a transaction or behind a lock must not leave it or wait in it. */
static bool is_inside(struct checker *c, struct span span, const char *statement)
{
	if (!c->inside)
		return false;
	wrong(c, span, DIAG_NOT_INSIDE, statement, c->inside);
	return true;
}

static bool is_in_transaction(struct checker *c, struct span span, const char *statement)
{
	return c->transaction && is_inside(c, span, statement);
}

void check_return_inside(struct checker *c, struct span span)
{
	is_inside(c, span, "`return`");
}

void check_exec_inside(struct checker *c, struct span span, const struct symbol *connection)
{
	if (c->transaction && connection && connection != c->transaction &&
	    connection->kind != SYMBOL_ERROR && c->transaction->kind != SYMBOL_ERROR)
		wrong(c, span, DIAG_NOT_INSIDE, "an effect on another connection", c->inside);
}

static void positive(struct checker *c, struct expression *e, const char *name)
{
	struct folded known;

	check_wanted(c, e, TYPE_DURATION, name);
	if (e->type == TYPE_DURATION && expression_fold(e, &known) && known.number <= 0)
		wrong(c, e->span, DIAG_CLAUSE_RANGE, name, "longer than 0ms");
}

static void check_wait(struct checker *c, struct statement *s)
{
	check_wanted(c, s->wait.condition, TYPE_BOOL, "what is waited for");
	positive(c, s->wait.every, "`every`");
	positive(c, s->wait.timeout, "`timeout`");
	if (!s->wait.progress)
		return;
	if (!(c->allowed & ALLOW_EFFECT))
		wrong(c, s->wait.progress->span, DIAG_PROGRESS_HERE);
	check_wanted(c, s->wait.progress, TYPE_FLOAT, "the progress, from 0.0 to 1.0,");
}

uint32_t error_type(struct unit *u)
{
	const struct type_field fields[] = { { STR("class"), TYPE_STRING },
					     { STR("code"), TYPE_STRING },
					     { STR("message"), TYPE_STRING } };

	return types_record(&u->types, fields, ARRAY_SIZE(fields));
}

static void check_try(struct checker *c, struct statement *s)
{
	struct scope *outer;

	check_block(c, s->attempt.body);
	outer = scope_open(c);
	s->symbol = declare(c, SYMBOL_LET, s->attempt.name, error_type(c->unit));
	check_block(c, s->attempt.handler);
	c->scope = outer;
}

static void check_transaction(struct checker *c, struct statement *s)
{
	const char *inside = c->inside;
	struct symbol *transaction = c->transaction;
	enum type_kind kind;

	s->symbol = c->on;
	if (place_allows(c, s->span, ALLOW_EFFECT, "`transaction`") && !c->on)
		wrong(c, s->span, DIAG_WHICH_CONNECTION, "transaction");
	kind = c->on ? type_kind_of(c->unit, c->on->type) : TYPE_NEVER;
	if (kind == TYPE_CONNECTION &&
	    str_eq(types_get(&c->unit->types, c->on->type)->connection, STR("clickhouse")))
		wrong(c, s->span, DIAG_TRANSACTION_KIND, "clickhouse");
	c->inside = "`transaction`";
	c->transaction = c->on;
	check_block(c, s->block);
	c->transaction = transaction;
	c->inside = inside;
}

static void check_lock(struct checker *c, struct statement *s)
{
	const char *inside = c->inside;

	place_allows(c, s->span, ALLOW_EFFECT, "`with lock`");
	check_wanted(c, s->lock.name, TYPE_STRING, "the name of a lock");
	c->inside = "`with lock`";
	check_block(c, s->lock.body);
	c->inside = inside;
}

static void check_http(struct checker *c, struct statement *s)
{
	static const struct str methods[] = { { "post", 4 }, { "put", 3 }, { "patch", 5 },
					      { "delete", 6 } };
	struct str method = s->http.method.text;
	bool known = method.len == 0;

	if (!(c->allowed & ALLOW_NOTICE))
		place_allows(c, s->span, ALLOW_EFFECT, "`http`");
	for (size_t i = 0; i < ARRAY_SIZE(methods); i++)
		known = known || str_eq(method, methods[i]);
	if (!known)
		suggest(c,
			wrong(c, s->http.method.span, DIAG_HTTP_METHOD, kept(c->unit, method)),
			diag_nearest(method, methods, ARRAY_SIZE(methods)));
	check_wanted(c, s->http.url, TYPE_STRING, "the address");
	if (s->http.body)
		check_wanted(c, s->http.body, TYPE_STRING, "the body");
}

static void check_set(struct checker *c, struct statement *s)
{
	struct str name = STR("of this name");
	uint32_t type;

	place_allows(c, s->span, ALLOW_EFFECT, "`set setting`");
	check_wanted(c, s->set.name, TYPE_STRING, "the name of a setting");
	expression_text(s->set.name, &name);
	type = check_value(c, s->set.value);
	if (type == TYPE_NEVER || type == TYPE_BOOL || type == TYPE_INT || type == TYPE_FLOAT ||
	    type == TYPE_STRING || type == TYPE_DURATION)
		return;
	if (!unfinished(c, s->set.value))
		wrong(c, s->set.value->span, DIAG_SETTING_TYPE, kept(c->unit, name),
		      type_text(c->unit, type));
}

/* ---- batches ---- */

/* The type of a key; several keys are a record of them. */
static uint32_t key_type(struct checker *c, const struct batches_syntax *b)
{
	struct type_field fields[2];
	uint32_t count = 0;

	for (struct parameter *k = b->keys; k && count < ARRAY_SIZE(fields); k = k->next) {
		uint32_t type = k->type ? type_resolve(c->unit, c->module->scope, k->type)
					: TYPE_INT;

		if (type != TYPE_NEVER && type != TYPE_INT && type != TYPE_STRING &&
		    type != TYPE_TIMESTAMP) {
			wrong(c, k->type->span, DIAG_KEY_TYPE, type_text(c->unit, type));
			type = TYPE_NEVER;
		}
		if (count && str_eq(fields[0].name, k->name.text))
			wrong(c, k->name.span, DIAG_FIELD_TWICE, kept(c->unit, k->name.text));
		fields[count++] = (struct type_field){ k->name.text, type };
	}
	return count == 1 ? fields[0].type : types_record(&c->unit->types, fields, count);
}

static uint32_t window_type(struct checker *c, uint32_t key)
{
	const struct type_field fields[] = {
		{ STR("after"), types_optional(&c->unit->types, key) },
		{ STR("upto"), key },
		{ STR("where"), TYPE_SQL },
		{ STR("end"), key },
		{ STR("size"), TYPE_INT },
	};

	return key == TYPE_NEVER ? TYPE_NEVER
				 : types_record(&c->unit->types, fields, ARRAY_SIZE(fields));
}

static void check_count(struct checker *c, struct expression *e, const char *name)
{
	struct folded known;

	if (!e)
		return;
	check_wanted(c, e, TYPE_INT, name);
	if (e->type == TYPE_INT && expression_fold(e, &known) && known.number < 1)
		wrong(c, e->span, DIAG_CLAUSE_RANGE, name, "at least 1");
}

/* amigrun's LANES_MAX. */
static void check_lanes(struct checker *c, struct expression *e)
{
	struct folded known;

	check_count(c, e, "`parallel`");
	if (e && e->type == TYPE_INT && expression_fold(e, &known) && known.number > 64)
		wrong(c, e->span, DIAG_CLAUSE_RANGE, "`parallel`", "at most 64");
}

static void check_bounds(struct checker *c, const struct batches_syntax *b)
{
	struct folded least, most;

	if (b->min && b->max && expression_fold(b->min, &least) && expression_fold(b->max, &most) &&
	    least.kind == most.kind && least.number > most.number)
		wrong(c, b->max->span, DIAG_REVERSED, "min … max");
}

static void check_batches(struct checker *c, struct statement *s)
{
	struct batches_syntax *b = s->batches;
	const struct scope *lane = c->lane;
	const char *inside = c->inside;
	struct scope *outer;
	uint32_t window;

	if (place_allows(c, s->span, ALLOW_EFFECT, "`batches`") &&
	    !is_inside(c, s->span, "`batches`") && !c->on)
		wrong(c, s->span, DIAG_WHICH_CONNECTION, "batches");
	b->on = c->on;
	check_wanted(c, b->table, TYPE_IDENT, "the table of `batches`");
	check_count(c, b->size, "`size`");
	check_count(c, b->min, "`min`");
	check_count(c, b->max, "`max`");
	check_lanes(c, b->parallel);
	check_bounds(c, b);
	if (b->target)
		positive(c, b->target, "`target`");
	if (b->pause)
		check_wanted(c, b->pause, TYPE_BOOL, "`pause when`");
	window = window_type(c, key_type(c, b));
	outer = scope_open(c);
	s->symbol = declare(c, SYMBOL_WINDOW, b->name, window);
	if (b->parallel) {
		c->lane = c->scope;
		c->inside = "a window of `batches … parallel`";
	}
	check_block(c, b->body);
	c->lane = lane;
	c->inside = inside;
	c->scope = outer;
}

/* ---- copy ---- */

static void check_side(struct checker *c, struct expression *e)
{
	struct symbol *symbol = name_connection(c, e);

	if (!symbol) {
		symbol = scope_find(c->scope, NAMES_VALUE, e->name.text);
		if (!symbol || symbol->kind != SYMBOL_ERROR)
			wrong(c, e->span, DIAG_NOT_A_NEED,
			      phrase(c, "`%.*s`", STR_ARG(e->name.text)));
		e->type = TYPE_NEVER;
		return;
	}
	e->symbol = symbol;
	e->type = symbol->type;
}

static void check_copy(struct checker *c, struct statement *s)
{
	struct copy_syntax *copy = s->copy;
	struct symbol *outer = c->receiver;
	struct map seen = { 0 };

	if (place_allows(c, s->span, ALLOW_EFFECT, "`copy`"))
		is_in_transaction(c, s->span, "`copy`");
	check_side(c, copy->from);
	check_side(c, copy->to);
	c->receiver = copy->from->symbol;
	check_wanted(c, copy->sql, TYPE_SQL, "what `copy` reads");
	c->receiver = outer;
	check_wanted(c, copy->table, TYPE_IDENT, "the table that `copy` fills");
	for (struct name_list *n = copy->columns; n; n = n->next)
		if (map_add(&seen, n->name.text, n))
			wrong(c, n->name.span, DIAG_FIELD_TWICE, kept(c->unit, n->name.text));
	map_clear(&seen);
	if (copy->reject) {
		check_wanted(c, copy->reject, TYPE_IDENT, "the table of refused rows");
		check_count(c, copy->limit, "`limit`");
	}
}

/* What a window of lanes can't have, beside what may not stand in any block that holds something:
 * `return`, `halt`, locks, transactions, `batches`. */
static void check_in_lane(struct checker *c, const struct statement *s)
{
	static const struct {
		enum statement_kind kind;
		const char *words;
	} refused[] = { { STATEMENT_TRY, "`try`" },
			{ STATEMENT_COPY, "`copy`" },
			{ STATEMENT_HTTP, "`http`" },
			{ STATEMENT_SET, "`set setting`" } };

	for (size_t i = 0; c->lane && i < ARRAY_SIZE(refused); i++)
		if (s->kind == refused[i].kind)
			is_inside(c, s->span, refused[i].words);
}

void check_effect(struct checker *c, struct statement *s)
{
	check_in_lane(c, s);
	switch ((int)s->kind) {
	case STATEMENT_SLEEP:
		is_in_transaction(c, s->span, "`sleep`");
		positive(c, s->expression, "`sleep`");
		break;
	case STATEMENT_WAIT:
		is_in_transaction(c, s->span, "`wait`");
		check_wait(c, s);
		break;
	case STATEMENT_HALT:
		if (place_allows(c, s->span, ALLOW_EFFECT, "`halt`"))
			is_inside(c, s->span, "`halt`");
		check_wanted(c, s->expression, TYPE_STRING, "the instruction");
		break;
	case STATEMENT_TRY:
		is_in_transaction(c, s->span, "`try`");
		check_try(c, s);
		break;
	case STATEMENT_TRANSACTION:
		is_inside(c, s->span, "`transaction`");
		check_transaction(c, s);
		break;
	case STATEMENT_LOCK:
		is_inside(c, s->span, "`with lock`");
		check_lock(c, s);
		break;
	case STATEMENT_BATCHES:
		check_batches(c, s);
		break;
	case STATEMENT_COPY:
		check_copy(c, s);
		break;
	case STATEMENT_HTTP:
		is_in_transaction(c, s->span, "`http`");
		check_http(c, s);
		break;
	case STATEMENT_SET:
		is_in_transaction(c, s->span, "`set setting`");
		check_set(c, s);
		break;
	default:
		BUG("statement of kind %d", (int)s->kind);
	}
}
