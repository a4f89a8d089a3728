/* lint_text.c - what an operation sends, as text that can be read without a database */
#include "compiler/linter.h"
#include "compiler/type.h"

/* A template that is put together of others is followed this far; and this much is read of it. */
#define FRAGMENT_DEPTH_MAX 8
#define TEXT_CAP_BYTES ((size_t)64 << 10)

struct writing {
	struct lint *l;
	struct lint_effect *effect;
	struct buf out;
	unsigned depth;
};

static void write_sql(struct writing *w, const struct expression *e);

/* ---- holes ---- */

static void write_quoted(struct buf *out, char quote, struct str text)
{
	buf_byte(out, quote);
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] == quote)
			buf_byte(out, quote);
		if (text.ptr[i] && text.ptr[i] != '\\')
			buf_byte(out, text.ptr[i]);
	}
	buf_byte(out, quote);
}

static const struct expression *value_of(const struct expression *e)
{
	for (unsigned i = 0; i < FRAGMENT_DEPTH_MAX; i++) {
		const struct symbol *s = e->symbol;

		if ((e->kind != EXPRESSION_NAME && e->kind != EXPRESSION_FIELD) || !s || !s->value)
			break;
		if (s->kind != SYMBOL_CONST && s->kind != SYMBOL_LET && s->kind != SYMBOL_FROZEN &&
		    s->kind != SYMBOL_PLAN_LET)
			break;
		e = s->value;
	}
	return e;
}

static bool is_builtin(const struct expression *e, const char *name)
{
	return e->kind == EXPRESSION_CALL && e->symbol && e->symbol->kind == SYMBOL_BUILTIN &&
	       str_eq(e->symbol->name, str_c(name));
}

/* ident(schema, "account"): what stands before the last part need not be known, for tables are told
 * from each other by that. */
static bool write_known_ident(struct writing *w, const struct expression *e)
{
	const struct expression *list;
	const struct argument *last;
	struct folded part;

	e = value_of(e);
	if (!is_builtin(e, "ident") || e->call.value_count != 1)
		return false;
	list = e->call.values[0];
	last = list->kind == EXPRESSION_LIST ? list->elements : NULL;
	while (last && last->next)
		last = last->next;
	if (!last || !expression_fold(value_of(last->value), &part) || part.kind != TYPE_STRING)
		return false;
	for (const struct argument *a = list->elements; a; a = a->next) {
		bool is_known = expression_fold(value_of(a->value), &part) &&
				part.kind == TYPE_STRING;

		write_quoted(&w->out, '"', is_known ? part.text : STR("hole"));
		if (a->next)
			buf_byte(&w->out, '.');
	}
	return true;
}

/* The same expression is the same name, another one another: enough to compare them. */
static void write_ident(struct writing *w, const struct expression *e)
{
	struct lint *l = w->l;
	const struct source_text *t = &l->unit->sources.all.at[e->span.source];
	struct str text = { t->text.ptr + e->span.start, e->span.end - e->span.start };
	struct str name;

	if (write_known_ident(w, e))
		return;
	name = arena_format(&l->arena, "hole %zu", l->holes.count + 1);
	if (map_has(&l->holes, text))
		name = *(struct str *)map_get(&l->holes, text);
	else {
		struct str *kept = arena_new(&l->arena, struct str);

		*kept = name;
		map_add(&l->holes, text, kept);
	}
	write_quoted(&w->out, '"', name);
}

static void write_scalar(struct writing *w, const struct expression *e, enum type_kind kind)
{
	struct folded known;
	bool is_known = expression_fold(value_of(e), &known);

	if (kind == TYPE_INT)
		buf_format(&w->out, "%lld", is_known ? (long long)known.number : 1LL);
	else if (kind == TYPE_FLOAT)
		buf_text(&w->out, "1.5");
	else if (kind == TYPE_DURATION)
		buf_format(&w->out, "%lld", is_known ? (long long)known.number / 1000 : 1LL);
	else if (kind == TYPE_BOOL)
		buf_text(&w->out, "TRUE");
	else if (kind == TYPE_STRING && is_known)
		write_quoted(&w->out, '\'', known.text);
	else
		buf_text(&w->out, "'hole'");
}

static void write_fragment(struct writing *w, const struct expression *e)
{
	struct str text;

	e = value_of(e);
	if (e->kind == EXPRESSION_FIELD && e->field.base->symbol &&
	    e->field.base->symbol->kind == SYMBOL_WINDOW) {
		buf_text(&w->out, "TRUE"); /* the condition of a window of `batches` */
	} else if (e->kind == EXPRESSION_CALL && e->symbol && e->symbol->kind == SYMBOL_SPECIAL &&
		   e->symbol->number == SPECIAL_ON_CLUSTER) {
		if (w->effect->dialect == SQL_CLICKHOUSE)
			buf_text(&w->out, " ON CLUSTER 'hole' ");
	} else if (is_builtin(e, "raw") && e->call.value_count == 1 &&
		   expression_text(value_of(e->call.values[0]), &text)) {
		buf_str(&w->out, text);
	} else {
		write_sql(w, e);
	}
}

static void write_hole(struct writing *w, const struct expression *e)
{
	const struct types *types = &w->l->unit->types;
	const struct type *type = types_get(types, e->type);
	enum type_kind kind = type->kind;

	if (kind == TYPE_SQL)
		write_fragment(w, e);
	else if (kind == TYPE_IDENT)
		write_ident(w, e);
	else if (kind == TYPE_LIST && types_get(types, type->element)->kind == TYPE_IDENT)
		buf_text(&w->out, "(\"hole\")");
	else if (kind == TYPE_LIST)
		buf_text(&w->out, "('hole')");
	else
		write_scalar(w, e, kind);
}

/* ---- templates ---- */

static void write_parts(struct writing *w, const struct expression *e)
{
	for (const struct part *p = e->parts; p; p = p->next) {
		if (w->out.len > TEXT_CAP_BYTES) {
			w->effect->incomplete = true;
			return;
		}
		if (w->depth == 1)
			vec_push(&w->effect->places, (struct lint_place){ w->out.len, p });
		if (p->hole)
			write_hole(w, p->hole);
		else
			buf_str(&w->out, p->text);
	}
}

static void write_sql(struct writing *w, const struct expression *e)
{
	e = value_of(e);
	if (e->kind != EXPRESSION_SQL || w->depth == FRAGMENT_DEPTH_MAX) {
		w->effect->incomplete = true;
		return;
	}
	w->depth++;
	write_parts(w, e);
	w->depth--;
}

/* ---- effects ---- */

struct reading {
	struct lint *l;
	const struct operation_syntax *operation;
	bool backward;
	struct lint_effects *out;
	struct span transaction;	/* the last one that was met; they do not nest */
};

static bool dialect_of(const struct unit *u, const struct symbol *connection,
		       enum sql_dialect *dialect)
{
	static const struct { const char *kind; enum sql_dialect dialect;
	} dialects[] = {
		{ "postgres", SQL_POSTGRES },
		{ "clickhouse", SQL_CLICKHOUSE },
		{ "sqlite", SQL_SQLITE },
	};
	const struct type *type = connection ? types_get(&u->types, connection->type) : NULL;

	for (size_t i = 0; type && type->kind == TYPE_CONNECTION && i < ARRAY_SIZE(dialects); i++) {
		if (!str_eq(type->connection, str_c(dialects[i].kind)))
			continue;
		*dialect = dialects[i].dialect;
		return true;
	}
	return false;
}

static void add(const struct reading *r, const struct expression *sql,
		const struct symbol *connection)
{
	struct lint_effect effect = { .operation = r->operation, .sql = sql,
				      .backward = r->backward };
	struct writing w = { .l = r->l, .effect = &effect };

	if (sql && sql->span.start >= r->transaction.start && sql->span.end <= r->transaction.end)
		effect.transaction = r->transaction;
	if (!sql || !dialect_of(r->l->unit, connection, &effect.dialect))
		return;
	write_sql(&w, sql);
	effect.incomplete = effect.incomplete || w.out.failed;
	effect.text = arena_str(&r->l->arena, buf_view(&w.out));
	buf_clear(&w.out);
	vec_push(&r->out->all, effect);
}

static void add_exec(void *context, struct statement *s)
{
	struct reading *r = context;

	if (s->kind == STATEMENT_TRANSACTION)
		r->transaction = s->span;
	else if (s->kind == STATEMENT_EXEC)
		add(r, s->expression, s->symbol);
}

static void add_call(void *context, struct expression *e)
{
	const struct reading *r = context;

	if (e->kind == EXPRESSION_CALL && e->symbol && e->symbol->kind == SYMBOL_SPECIAL &&
	    e->symbol->number == SPECIAL_EXEC && e->call.value_count == 2)
		add(r, e->call.values[1], e->call.values[0]->symbol);
}

static void read_action(struct reading *r, struct action *action)
{
	struct walk walk = { .expression = add_call, .statement = add_exec, .context = r };

	if (!action)
		return;
	if (action->sql)
		add(r, action->sql, operation_connection(r->operation));
	walk_action(&walk, action);
}

void lint_effects_read(struct lint *l, const struct operation_syntax *o, struct lint_effects *out)
{
	struct reading r = { .l = l, .operation = o, .out = out };

	read_action(&r, o->forward);
	r.backward = true;
	read_action(&r, o->rollback);
}

void lint_effects_clear(struct lint_effects *effects)
{
	for (size_t i = 0; i < effects->all.count; i++)
		vec_clear(&effects->all.at[i].places);
	vec_clear(&effects->all);
}

/* ---- places ---- */

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* The text of a part has lost its indentation and its escapes: what stands at an offset is found
 * again by counting the bytes before it that are no white space. */
static uint32_t find_in_part(struct str source, const struct part *p, size_t offset)
{
	size_t before = 0;
	uint32_t at = p->span.start;

	for (size_t i = 0; i < offset && i < p->text.len; i++)
		before += !is_space(p->text.ptr[i]);
	for (; at < p->span.end; at++) {
		char c = source.ptr[at], next = at + 1 < p->span.end ? source.ptr[at + 1] : '\0';

		if (is_space(c) || (c == '\\' && (next == '"' || next == '$')))
			continue;
		if (before-- == 0)
			break;
	}
	return at < p->span.end ? at : p->span.start;
}

/* The first byte that the one at the offset comes from, or what follows the last one. */
static uint32_t find(const struct lint_effect *e, struct str source, size_t offset, bool end)
{
	const struct lint_place *place = &e->places.at[0];

	for (size_t i = 0; i < e->places.count && e->places.at[i].at <= offset; i++)
		place = &e->places.at[i];
	if (place->part->hole)
		return end ? place->part->span.end : place->part->span.start;
	return find_in_part(source, place->part, offset - place->at) + end;
}

struct span lint_span(const struct lint *l, const struct lint_effect *e, struct str piece)
{
	struct span span = e->sql->span;
	struct str source = l->unit->sources.all.at[span.source].text;
	size_t offset = (size_t)(piece.ptr - e->text.ptr);
	uint32_t start, end;

	if (!e->places.count || !piece.len)
		return span;
	start = find(e, source, offset, false);
	end = find(e, source, offset + piece.len - 1, true);
	return (struct span){ span.source, start, end > start ? end : start + 1 };
}
