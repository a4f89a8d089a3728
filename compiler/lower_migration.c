/* lower_migration.c - one migration to one image: its parts in order, then what they reached */
#include "compiler/lower.h"
#include "grammar/format.h"
#include "vm/isa/image.h"

/* As module.h says of function.lines. */
#define COLUMN_MAX 1023u
#define LINE_SHIFT 10

/* ---- functions ---- */

static uint32_t source_of(struct lower *l, uint32_t source)
{
	const struct source_text *text = &l->unit->sources.all.at[source];

	if (!l->source_map[source]) {
		vec_push(&l->emit.sources,
			 (struct source){ l->paths ? l->paths[source] : text->path, text->hash });
		l->source_map[source] = (uint32_t)l->emit.sources.count;
	}
	return l->source_map[source] - 1;
}

void body_begin(struct body *b, struct lower *l, struct operand_function function, struct str name,
		uint32_t result, uint32_t source)
{
	*b = (struct body){ .lower = l, .stamp = ++*l->stamps, .result = result, .source = source };
	code_begin(&b->code, &l->emit, function, name, result);
	b->code.source = source_of(l, source);
}

struct operand_local body_bind(struct body *b, struct symbol *s)
{
	struct operand_local local = code_local(&b->code, s->type);

	s->mark = b->stamp;
	s->slot = local.n;
	return local;
}

void body_parameter(struct body *b, struct symbol *s)
{
	body_bind(b, s);
	b->code.param_count++;
}

void body_end(struct body *b)
{
	if (!b->code.dead && b->result != TYPE_NOTHING)
		BUG("%.*s ends without its result", STR_ARG(b->code.name));
	emit_RETURN(&b->code);
	if (b->code.local_types.count > FUNCTION_LOCALS_MAX)
		diag_add(&b->lower->unit->diags, b->lower->migration->declaration->migration->head,
			 DIAG_TOO_MANY_OF,
			 "variables and loops in one function, plan or list of `let`s",
			 FUNCTION_LOCALS_MAX);
	code_end(&b->code);
}

void body_place(struct body *b, struct span at)
{
	struct place place;
	uint32_t column;

	if (at.source != b->source)
		return;
	place = source_place(&b->lower->unit->sources, at.source, at.start);
	column = place.column < COLUMN_MAX ? place.column : COLUMN_MAX;
	b->code.line = place.line << LINE_SHIFT | column;
}

struct operand_function lower_reached(struct lower *l, struct symbol *s)
{
	if (s->mark != l->stamp) {
		s->mark = l->stamp;
		s->slot = emit_function(&l->emit).n;
		vec_push(&l->reached, s);
	}
	return (struct operand_function){ s->slot };
}

/* However it was laid out, it is the same text. */
struct str lower_text(struct lower *l, struct span at)
{
	struct str text = l->unit->sources.all.at[at.source].text;
	struct buf phrase = { 0 };
	char *line;
	size_t len = 0;

	format_phrase((struct str){ text.ptr + at.start, at.end - at.start }, &phrase);
	line = arena_alloc(&l->emit.arena, phrase.len + 1);
	for (size_t i = 0; i < phrase.len; i++) {
		char c = phrase.ptr[i];

		if (c == '\n' || c == '\t' || c == '\r')
			c = ' ';
		if (c != ' ' || (len && line[len - 1] != ' '))
			line[len++] = c;
	}
	buf_clear(&phrase);
	return (struct str){ line, len };
}

static void lower_function(struct lower *l, struct symbol *s)
{
	struct operand_function function = { s->slot };
	struct str name = s->name;
	struct body b;

	if (s->module && s->module->library)
		name = arena_format(&l->emit.arena, "%.*s.%.*s", STR_ARG(s->module->name),
				    STR_ARG(name));
	body_begin(&b, l, function, name, s->type, s->declaration->span.source);
	if (s->kind == SYMBOL_CONST) {
		lower_value(&b, s->value, s->type);
		emit_RETURN(&b.code);
	} else {
		for (uint32_t i = 0; i < s->parameter_count; i++)
			body_parameter(&b, s->parameters[i]);
		lower_block(&b, s->declaration->fn.body);
		body_place(&b, s->declaration->span);
	}
	body_end(&b);
}

/* ---- the parts of a migration ---- */

static void begin(struct body *b, struct lower *l, struct str name, uint32_t result)
{
	body_begin(b, l, emit_function(&l->emit), name, result, l->migration->module->source);
	body_place(b, l->migration->declaration->span);
}

/* A function that gives the value of one expression. */
static uint32_t lower_giving(struct lower *l, struct str name, const struct expression *e,
			     uint32_t type)
{
	struct body b;
	uint32_t number;

	begin(&b, l, name, type);
	number = b.code.number;
	lower_value(&b, e, type);
	emit_RETURN(&b.code);
	body_end(&b);
	return number;
}

/* In setup the migration's lets are locals; everywhere else they are frozens. */
static uint32_t lower_setup(struct lower *l, struct frozen *frozens)
{
	const struct unit_migration *m = l->migration;
	struct type_field *fields = arena_array(&l->emit.arena, struct type_field, m->frozen_count);
	uint32_t type = TYPE_NOTHING, number;
	struct body b;

	for (uint32_t i = 0; i < m->frozen_count; i++) {
		const struct symbol *s = m->frozens[i];

		fields[i] = (struct type_field){ s->name, s->type };
		frozens[i] = (struct frozen){ s->name, emit_type(&l->emit, s->type).n };
	}
	if (m->frozen_count)
		type = types_record(&l->unit->types, fields, m->frozen_count);
	begin(&b, l, STR("setup"), type);
	number = b.code.number;
	for (const struct statement *s = m->declaration->migration->plan; s; s = s->next) {
		if (s->kind == STATEMENT_LET)
			lower_let(&b, s);
	}
	body_place(&b, m->declaration->migration->head);
	if (m->frozen_count) {
		for (uint32_t i = 0; i < m->frozen_count; i++)
			lower_symbol(&b, m->frozens[i]);
		emit_RECORD(&b.code, emit_type(&l->emit, type));
		emit_RETURN(&b.code);
	}
	body_end(&b);
	return number;
}

/* `finally` and the like: a block that may change something. */
static uint32_t lower_end(struct lower *l, const char *name, const struct block *block)
{
	struct body b;
	uint32_t number;

	if (!block)
		return NO_INDEX;
	begin(&b, l, str_c(name), TYPE_NOTHING);
	b.code.flags = FUNCTION_EFFECT;
	number = b.code.number;
	lower_block(&b, block);
	body_end(&b);
	return number;
}

static uint32_t lower_leaves(struct lower *l, const struct argument *leaves)
{
	uint32_t list = types_list(&l->unit->types, TYPE_IDENT), number, count = 0;
	struct operand_type element = emit_type(&l->emit, TYPE_IDENT);
	struct body b;

	begin(&b, l, STR("leaves"), list);
	number = b.code.number;
	for (const struct argument *a = leaves; a; a = a->next, count++)
		lower_value(&b, a->value, TYPE_IDENT);
	emit_LIST(&b.code, element, (struct operand_count){ count });
	emit_RETURN(&b.code);
	body_end(&b);
	return number;
}

/* ---- parameters ---- */

static void lower_refusal(struct body *b, struct label *bad, const char *words, struct str what,
			  uint32_t result)
{
	if (!bad->chain)
		return;
	label_place(&b->code, bad);
	lower_string(b, arena_format(&b->lower->emit.arena, "%s %.*s", words, STR_ARG(what)));
	lower_widen(b, TYPE_STRING, result);
	emit_RETURN(&b->code);
}

static void lower_less(struct body *b, uint32_t type, struct label *to)
{
	if (type == TYPE_INT)
		emit_LESS_INT(&b->code);
	else
		emit_LESS(&b->code);
	emit_JUMP_IF_TRUE(&b->code, to);
}

/* function(value) -> string?: null, or why the value is refused. An absent value of an optional
 * type is never refused. */
static uint32_t lower_param_check(struct lower *l, const struct param_syntax *p, uint32_t type)
{
	struct types *types = &l->unit->types;
	uint32_t result = types_optional(types, TYPE_STRING), number;
	struct label fine = {0}, outside = {0}, none_of = {0};
	struct operand_local value;
	struct span range = p->span;
	struct body b;

	begin(&b, l, arena_format(&l->emit.arena, "%.*s/check", STR_ARG(p->name.text)), result);
	number = b.code.number;
	value = code_local(&b.code, type);
	b.code.param_count = 1;
	body_place(&b, p->span);
	if (types_get(types, type)->kind == TYPE_OPTIONAL) {
		emit_LOAD(&b.code, value);
		emit_UNWRAP(&b.code, &fine);
		emit_POP(&b.code);
	}
	if (p->within_min) {
		emit_LOAD(&b.code, value);
		lower_value(&b, p->within_min, type);
		lower_less(&b, type, &outside);
		lower_value(&b, p->within_max, type);
		emit_LOAD(&b.code, value);
		lower_less(&b, type, &outside);
		range.start = p->within_min->span.start;
		range.end = p->within_max->span.end;
	}
	if (p->one_of) {
		emit_LOAD(&b.code, value);
		lower_value(&b, p->one_of, types_list(types, type));
		emit_IN(&b.code);
		emit_JUMP_IF_FALSE(&b.code, &none_of);
	}
	label_place(&b.code, &fine);
	emit_NULL(&b.code);
	lower_widen(&b, TYPE_NULL, result);
	emit_RETURN(&b.code);
	lower_refusal(&b, &outside, "must be within", lower_text(l, range), result);
	if (p->one_of)
		lower_refusal(&b, &none_of, "must be one of", lower_text(l, p->one_of->span),
			      result);
	body_end(&b);
	return number;
}

static struct param lower_param(struct lower *l, const struct symbol *s)
{
	const struct param_syntax *p = s->param;
	struct param out = {
		.name = s->name,
		.doc = p->doc,
		.type = emit_type(&l->emit, s->type).n,
		.default_value = NO_INDEX,
		.check = NO_INDEX,
	};

	if (p->value)
		out.default_value = lower_giving(
			l, arena_format(&l->emit.arena, "%.*s/default", STR_ARG(s->name)), p->value,
			s->type);
	if (p->within_min || p->one_of)
		out.check = lower_param_check(l, p, s->type);
	return out;
}

/* ---- checks ---- */

static struct check lower_check(struct lower *l, const struct check_syntax *syntax)
{
	static const enum check_kind kinds[] = {
		[CHECK_SYNTAX_PRE] = CHECK_PRE,
		[CHECK_SYNTAX_HEALTH] = CHECK_HEALTH,
		[CHECK_SYNTAX_POST] = CHECK_POST,
	};
	static const char *const words[] = {
		[CHECK_PRE] = "precheck",
		[CHECK_HEALTH] = "healthcheck",
		[CHECK_POST] = "postcheck",
	};
	struct check out = { .kind = kinds[syntax->kind] };
	struct folded every;
	struct body b;

	if (!expression_text(syntax->label, &out.label))
		BUG("the label of a check has holes");
	begin(&b, l, arena_format(&l->emit.arena, "%s %.*s", words[out.kind], STR_ARG(out.label)),
	      TYPE_NOTHING);
	out.function = b.code.number;
	lower_block(&b, syntax->body);
	body_place(&b, syntax->head);
	body_end(&b);
	if (out.kind == CHECK_HEALTH) {
		out.every_ms = HEALTHCHECK_EVERY_MS;
		if (syntax->every && expression_fold(syntax->every, &every))
			out.every_ms = every.number;
	}
	return out;
}

/* ---- the whole ---- */

static void lower_head(struct lower *l, struct module *out)
{
	const struct migration_syntax *syntax = l->migration->declaration->migration;
	struct str *depends;
	uint32_t count = 0;

	for (const struct name_list *d = syntax->depends; d; d = d->next)
		count++;
	depends = arena_array(&l->emit.arena, struct str, count);
	count = 0;
	for (const struct name_list *d = syntax->depends; d; d = d->next)
		depends[count++] = d->name.text;
	out->migration = (struct migration){
		.name = l->migration->name,
		.description = l->migration->declaration->doc,
		.min_version = syntax->min_version,
		.max_version = syntax->max_version,
		.depends_count = count,
		.depends = depends,
		.leaves = NO_INDEX,
		.required = NO_INDEX,
	};
}

static void lower_needs(struct lower *l, struct module *out)
{
	const struct unit_migration *m = l->migration;
	struct need *needs = arena_array(&l->emit.arena, struct need, m->need_count);

	for (uint32_t i = 0; i < m->need_count; i++) {
		const struct need_syntax *n = m->needs[i]->need;

		needs[i] =
			(struct need){ n->name.text, n->kind.text.len ? n->kind.text : n->name.text,
				       n->range };
	}
	out->needs = needs;
	out->need_count = m->need_count;
}

static void lower_parts(struct lower *l, struct module *out)
{
	const struct unit_migration *m = l->migration;
	const struct migration_syntax *syntax = m->declaration->migration;
	struct arena *arena = &l->emit.arena;
	struct frozen *frozens = arena_array(arena, struct frozen, m->frozen_count);
	struct param *params = arena_array(arena, struct param, m->param_count);
	struct check *checks;

	out->migration.setup = lower_setup(l, frozens);
	out->frozens = frozens;
	out->frozen_count = m->frozen_count;
	if (syntax->required)
		out->migration.required =
			lower_giving(l, STR("required"), syntax->required, TYPE_BOOL);
	if (syntax->leaves)
		out->migration.leaves = lower_leaves(l, syntax->leaves);
	for (uint32_t i = 0; i < m->param_count; i++)
		params[i] = lower_param(l, m->params[i]);
	out->params = params;
	out->param_count = m->param_count;
	for (const struct check_syntax *c = syntax->checks; c; c = c->next)
		out->check_count++;
	checks = arena_array(arena, struct check, out->check_count);
	out->checks = checks;
	for (const struct check_syntax *c = syntax->checks; c; c = c->next)
		*checks++ = lower_check(l, c);
	out->migration.finally = lower_end(l, "finally", syntax->finally);
	out->migration.on_complete = lower_end(l, "on complete", syntax->on_complete);
	out->migration.on_error = lower_end(l, "on error", syntax->on_error);
	out->migration.plan = lower_plan(l).n;
	for (size_t i = 0; i < l->reached.count; i++)
		lower_function(l, l->reached.at[i]);
}

/* An image holds types up to a size. What an author writes is smaller, but the record of all `let`s
 * may not be. */
static bool has_large_type(struct emit *e)
{
	size_t count = e->types.all.count;
	uint32_t *parts = arena_array(&e->arena, uint32_t, count),
		 *depths = arena_array(&e->arena, uint32_t, count);

	for (uint32_t i = 0; i < count; i++) {
		const struct type *t = types_get(&e->types, i);

		parts[i] = 1;
		if (t->kind == TYPE_LIST || t->kind == TYPE_OPTIONAL) {
			parts[i] += parts[t->element];
			depths[i] = depths[t->element] + 1;
		}
		for (uint32_t f = 0; t->kind == TYPE_RECORD && f < t->field_count; f++) {
			uint32_t field = t->fields[f].type;

			parts[i] += parts[field];
			if (depths[i] < depths[field] + 1)
				depths[i] = depths[field] + 1;
		}
		if (parts[i] > TYPE_PARTS_MAX || depths[i] > TYPE_NEST_MAX)
			return true;
	}
	return false;
}

void lower_migration(struct unit *u, const struct unit_migration *m, const struct str *paths,
		     uint32_t *stamp, struct buf *image)
{
	struct lower l = {
		.unit = u, .migration = m, .paths = paths, .stamps = stamp, .stamp = ++*stamp
	};
	struct module out = {0};

	emit_init(&l.emit, &u->types);
	l.source_map = arena_array(&l.emit.arena, uint32_t, u->sources.all.count);
	source_of(&l, m->module->source);
	lower_head(&l, &out);
	lower_needs(&l, &out);
	lower_parts(&l, &out);
	if (has_large_type(&l.emit))
		diag_add(&u->diags, m->declaration->migration->head, DIAG_TOO_MANY_OF,
			 "parts in a type, or in those of all its `let`s", TYPE_PARTS_MAX);
	out.types = l.emit.types;
	out.constant_count = (uint32_t)l.emit.constants.count;
	out.constants = l.emit.constants.at;
	out.template_count = (uint32_t)l.emit.templates.count;
	out.templates = l.emit.templates.at;
	out.function_count = (uint32_t)l.emit.functions.count;
	out.functions = l.emit.functions.at;
	out.operation_count = (uint32_t)l.emit.operations.count;
	out.operations = l.emit.operations.at;
	out.source_count = (uint32_t)l.emit.sources.count;
	out.sources = l.emit.sources.at;
	image_write(&out, image);
	vec_clear(&l.reached);
	emit_clear(&l.emit);
}
