/* lower_call.c - calls, and the two kinds of text with holes */
#include "compiler/lower.h"

/* ---- texts ---- */

void lower_interpolation(struct body *b, const struct part *parts)
{
	uint32_t count = 0, line = b->code.line;

	for (const struct part *p = parts; p; p = p->next) {
		if (!p->hole && !p->text.len)
			continue;
		if (p->hole)
			lower_expression(b, p->hole);
		else
			lower_string(b, p->text);
		if (p->hole && p->hole->type != TYPE_STRING) {
			body_place(b, p->span);
			emit_TO_STRING(&b->code);
		}
		count = lower_joined_so_far(b, count + 1);
	}
	b->code.line = line;
	if (!count)
		lower_string(b, STR(""));
	else if (count > 1)
		emit_CONCAT(&b->code, (struct operand_count){ count });
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* The ends of the lines that surround the statement in the source are no part of it. Blanks that
 * stand on one line with it are: of sql" AND " they are half the meaning. */
static void trim_ends(struct str *first, struct str *last)
{
	size_t blank = 0, lines = 0;

	for (size_t i = 0; i < first->len && is_space(first->ptr[i]); i++) {
		blank++;
		lines += first->ptr[i] == '\n';
	}
	if (lines)
		*first = (struct str){ first->ptr + blank, first->len - blank };
	blank = lines = 0;
	while (blank < last->len && is_space(last->ptr[last->len - 1 - blank]))
		lines += last->ptr[last->len - 1 - blank++] == '\n';
	if (lines)
		last->len -= blank;
}

void lower_sql(struct body *b, const struct part *parts)
{
	struct emit *e = &b->lower->emit;
	VEC(struct str) pieces = {0};
	VEC(uint32_t) types = {0};
	bool text_open = false;
	uint32_t line = b->code.line;

	for (const struct part *p = parts; p; p = p->next) {
		if (p->hole) {
			if (!text_open)
				vec_push(&pieces, STR(""));
			lower_expression(b, p->hole);
			vec_push(&types, emit_type(e, p->hole->type).n);
			text_open = false;
		} else if (!text_open) {
			vec_push(&pieces, p->text);
			text_open = true;
		} else {
			struct str *open = &pieces.at[pieces.count - 1];

			*open = arena_format(&e->arena, "%.*s%.*s", STR_ARG(*open),
					     STR_ARG(p->text));
		}
	}
	if (!text_open)
		vec_push(&pieces, STR(""));
	trim_ends(&pieces.at[0], &pieces.at[pieces.count - 1]);
	b->code.line = line;
	emit_SQL(&b->code, emit_template(e, pieces.at, types.at, (uint32_t)types.count));
	vec_clear(&pieces);
	vec_clear(&types);
}

/* ---- connections ---- */

struct operand_need lower_need(const struct body *b, const struct symbol *s)
{
	if (s->kind == SYMBOL_NEED)
		return (struct operand_need){ s->number };
	if (s->kind != SYMBOL_PLAN_PARAMETER || s->mark != b->lower->stamp)
		BUG("%.*s is no connection of the migration here", STR_ARG(s->name));
	return (struct operand_need){ s->slot };
}

void lower_connection(struct body *b, const struct symbol *s)
{
	if (s->mark == b->stamp)
		emit_LOAD(&b->code, (struct operand_local){ s->slot });
	else
		emit_CONNECTION(&b->code, lower_need(b, s));
}

/* ---- calls ---- */

void lower_default(struct body *b, const struct parameter *p, uint32_t type)
{
	lower_value(b, p->value, type);
}

static void lower_fn(struct body *b, const struct expression *e)
{
	const struct symbol *fn = e->symbol;

	for (uint32_t i = 0; i < fn->parameter_count; i++) {
		const struct symbol *p = fn->parameters[i];

		if (i < e->call.value_count && e->call.values[i])
			lower_value(b, e->call.values[i], p->type);
		else
			lower_default(b, p->parameter, p->type);
	}
	body_place(b, e->span);
	emit_CALL(&b->code, lower_reached(b->lower, e->symbol));
}

/* ON CLUSTER 'name', or nothing on a connection that has no cluster. */
static void lower_on_cluster(struct body *b)
{
	struct emit *e = &b->lower->emit;
	const struct str with[] = { STR("ON CLUSTER "), STR("") }, without[] = { STR("") };
	const uint32_t string = TYPE_STRING;
	struct label none = {0}, end = {0};

	emit_CLUSTER(&b->code);
	emit_UNWRAP(&b->code, &none);
	emit_SQL(&b->code, emit_template(e, with, &string, 1));
	emit_JUMP(&b->code, &end);
	label_place(&b->code, &none);
	emit_SQL(&b->code, emit_template(e, without, NULL, 0));
	label_place(&b->code, &end);
}

static void lower_special(struct body *b, const struct expression *e)
{
	enum special special = (enum special)e->symbol->number;
	struct code *c = &b->code;

	if (special >= SPECIAL_MAP) {
		lower_list_function(b, e, special);
		return;
	}
	for (uint32_t i = 0; i < e->call.value_count; i++)
		lower_expression(b, e->call.values[i]);
	body_place(b, e->span);
	switch (special) {
	case SPECIAL_VALUE:
	case SPECIAL_ROW:
	case SPECIAL_ROWS:
	case SPECIAL_COLUMN:
	case SPECIAL_EXISTS:
		emit_QUERY(c, (struct operand_shape){ (enum query_shape)special });
		break;
	case SPECIAL_EXEC:
		emit_EXEC(c);
		break;
	case SPECIAL_NOW:
		emit_NOW(c);
		break;
	case SPECIAL_UUID:
		emit_UUID(c);
		break;
	case SPECIAL_SETTING:
		emit_SETTING(c);
		break;
	case SPECIAL_ENV:
		emit_ENV(c);
		break;
	case SPECIAL_APP_VERSION:
		emit_APP_VERSION(c);
		break;
	case SPECIAL_SERVICE_VERSION:
		emit_SERVICE_VERSION(c);
		break;
	case SPECIAL_CLUSTER:
		emit_CLUSTER(c);
		break;
	case SPECIAL_ON_CLUSTER:
		lower_on_cluster(b);
		break;
	case SPECIAL_MAP:
	case SPECIAL_FILTER:
	case SPECIAL_ANY:
	case SPECIAL_ALL:
	case SPECIAL_SORT_BY:
	case SPECIAL_PAIRS:
	case SPECIAL_COUNT:
		BUG("no such call");
	}
}

void lower_call(struct body *b, const struct expression *e)
{
	const struct symbol *s = e->symbol;

	if (s->kind == SYMBOL_FN) {
		lower_fn(b, e);
	} else if (s->kind == SYMBOL_BUILTIN) {
		for (uint32_t i = 0; i < e->call.value_count; i++)
			lower_expression(b, e->call.values[i]);
		body_place(b, e->span);
		emit_BUILTIN(&b->code, (struct operand_builtin){ s->number });
	} else if (s->kind == SYMBOL_SPECIAL) {
		lower_special(b, e);
	} else {
		BUG("%.*s is called", STR_ARG(s->name));
	}
}
