/* assemble.c - a module from text */
#include "vm/isa/assembler.h"

#include "vm/base/units.h"

#include <stdlib.h>

static bool take_function(struct assembler *a, uint32_t *out)
{
	struct str name;
	if (!assembler_take(a, &name))
		return false;
	for (*out = 0; *out < a->names.count; ++*out)
		if (str_eq(a->names.at[*out], name))
			return true;
	return assembler_wrong(a, "there is no function %.*s", STR_ARG(name));
}

/* By name, or by number whether there is such a thing or not. */
#define FIND(things, member) \
	for (*out = 0; *out < (things).count; ++*out) \
		if (str_eq((things).at[*out] member, name)) \
			return true; \
	break

static bool take_thing(struct assembler *a, enum operand_kind kind, uint32_t *out)
{
	static const char *const shapes[SHAPE_COUNT] = { "value", "row", "rows", "column",
							 "exists" };
	struct str name;
	int64_t number;
	if (!assembler_take(a, &name))
		return false;
	if (str_to_int(name, &number)) {
		*out = (uint32_t)number;
		return true;
	}
	switch (kind) {
	case OPERAND_TEMPLATE:	FIND(a->template_names, );
	case OPERAND_PARAM:	FIND(a->params, .name);
	case OPERAND_FROZEN:	FIND(a->frozens, .name);
	case OPERAND_NEED:	FIND(a->needs, .name);
	case OPERAND_OPERATION:	FIND(a->operations, .label);
	case OPERAND_BUILTIN:
		for (*out = 0; *out <= BUILTIN_MAX; ++*out)
			if (builtin_table[*out].name &&
			    str_eq(str_c(builtin_table[*out].name), name))
				return true;
		break;
	case OPERAND_SHAPE:
		for (*out = 0; *out < SHAPE_COUNT; ++*out)
			if (str_eq(str_c(shapes[*out]), name))
				return true;
		break;
	default:
		break;
	}
	return assembler_wrong(a, "there is no %.*s", STR_ARG(name));
}
#undef FIND

static bool take_constant(struct assembler *a, uint32_t *out)
{
	struct constant c = { .kind = CONSTANT_STRING, .type = TYPE_STRING };
	bool quoted = a->at < a->count && a->words[a->at].quoted;
	if (!assembler_take(a, &c.text))
		return false;
	if (quoted) {
		/* As it is. */
	} else if (str_to_int(c.text, &c.number)) {
		c.kind = CONSTANT_INT;
		c.type = TYPE_INT;
	} else if (c.text.len > 1 && c.text.ptr[0] == 'v') {
		c = (struct constant){
			CONSTANT_VERSION, TYPE_VERSION, 0, { c.text.ptr + 1, c.text.len - 1 }
		};
	} else if (c.text.len > 1 && c.text.ptr[0] == '@') {
		c.kind = CONSTANT_TIMESTAMP;
		c.type = TYPE_TIMESTAMP;
		if (!str_to_int((struct str){ c.text.ptr + 1, c.text.len - 1 }, &c.number))
			return assembler_wrong(a, "@ wants microseconds");
	} else if (duration_parse(c.text, &c.number)) {
		c.kind = CONSTANT_DURATION;
		c.type = TYPE_DURATION;
	} else {
		double real = strtod(arena_c(&a->m->arena, c.text), NULL);
		c.kind = CONSTANT_FLOAT;
		c.type = TYPE_FLOAT;
		memcpy(&c.number, &real, sizeof(real));
	}
	*out = (uint32_t)a->constants.count;
	vec_push(&a->constants, c);
	return true;
}

static bool take_operand(struct assembler *a, enum operand_kind kind, uint32_t *out)
{
	int64_t number = 0;
	struct fixup fixup = { .pc = (uint32_t)a->now->code.count, .line = a->line };
	switch (kind) {
	case OPERAND_NONE:
		return true;
	case OPERAND_COUNT:
	case OPERAND_NUMBER:
	case OPERAND_FLAG:
	case OPERAND_LOCAL:
	case OPERAND_FIELD:
		if (!assembler_number(a, &number))
			return false;
		*out = (uint32_t)number;
		return true;
	case OPERAND_CONSTANT:
		return take_constant(a, out);
	case OPERAND_TYPE:
		return assembler_type(a, out);
	case OPERAND_TARGET:
		if (!assembler_take(a, &fixup.label))
			return false;
		vec_push(&a->fixups, fixup);
		return true;
	case OPERAND_FUNCTION:
		return take_function(a, out);
	default:
		return take_thing(a, kind, out);
	}
}

static void emit(struct assembler *a, struct instruction i)
{
	vec_push(&a->now->code, i);
	vec_push(&a->now->lines, a->line << 10 | 1);
}

static bool read_instruction(struct assembler *a, struct str name)
{
	uint32_t x = 0, y = 0;
	for (uint32_t op = 0; op < 256; op++) {
		const struct opcode_info *info = &opcode_table[op];
		if (!info->name || !str_eq(str_c(info->name), name))
			continue;
		if (!take_operand(a, info->a, &x) || !take_operand(a, info->b, &y))
			return false;
		emit(a, (struct instruction){ (uint8_t)op, 0, (uint16_t)y, x });
		return true;
	}
	return assembler_wrong(a, "there is no instruction %.*s", STR_ARG(name));
}

static bool read_raw(struct assembler *a)
{
	int64_t op, x, y;
	if (!assembler_number(a, &op) || !assembler_number(a, &x) || !assembler_number(a, &y))
		return false;
	emit(a, (struct instruction){ (uint8_t)op, 0, (uint16_t)y, (uint32_t)x });
	return true;
}

static bool read_function(struct assembler *a)
{
	uint32_t type;
	vec_push(&a->drafts, (struct draft){ .f = { .result = TYPE_NOTHING } });
	struct draft *d = a->now = &a->drafts.at[a->drafts.count - 1];
	if (!assembler_take(a, &d->f.name))
		return false;
	d->f.flags = assembler_next(a, "effect") ? FUNCTION_EFFECT : 0;
	while (a->at < a->count && !assembler_next(a, "->")) {
		if (!assembler_type(a, &type))
			return false;
		vec_push(&d->locals, type);
	}
	d->f.param_count = (uint32_t)d->locals.count;
	if (a->at < a->count && !assembler_type(a, &d->f.result))
		return false;
	a->labels.count = a->fixups.count = 0;
	return true;
}

static bool end_function(struct assembler *a)
{
	for (size_t i = 0; i < a->fixups.count; i++) {
		const struct fixup *fixup = &a->fixups.at[i];
		int64_t number;
		size_t l = 0;
		while (l < a->labels.count && !str_eq(a->labels.at[l].name, fixup->label))
			l++;
		a->line = fixup->line;
		if (l == a->labels.count && !str_to_int(fixup->label, &number))
			return assembler_wrong(a, "there is no label %.*s", STR_ARG(fixup->label));
		a->now->code.at[fixup->pc].a =
			l < a->labels.count ? a->labels.at[l].pc : (uint32_t)number;
	}
	a->now = NULL;
	return true;
}

static bool read_code(struct assembler *a)
{
	struct str word;
	uint32_t type;
	if (!assembler_take(a, &word))
		return false;
	if (str_eq(word, STR("end")))
		return end_function(a);
	if (str_eq(word, STR("RAW")))
		return read_raw(a);
	if (str_eq(word, STR("local"))) {
		if (!assembler_type(a, &type))
			return false;
		vec_push(&a->now->locals, type);
		return true;
	}
	if (word.len > 1 && word.ptr[word.len - 1] == ':') {
		struct label label = { { word.ptr, word.len - 1 }, (uint32_t)a->now->code.count };
		vec_push(&a->labels, label);
		return true;
	}
	return read_instruction(a, word);
}

static bool read_template(struct assembler *a)
{
	struct str name, *pieces = arena_array(&a->m->arena, struct str, WORDS_MAX);
	uint32_t *types = arena_array(&a->m->arena, uint32_t, WORDS_MAX), holes = 0;
	if (!assembler_take(a, &name) || !assembler_take(a, &pieces[0]))
		return false;
	while (a->at < a->count) {
		if (!assembler_type(a, &types[holes]) || !assembler_take(a, &pieces[++holes]))
			return false;
	}
	struct template t = { holes, pieces, types };
	vec_push(&a->templates, t);
	vec_push(&a->template_names, name);
	return true;
}

static bool read_param(struct assembler *a)
{
	struct param p = { .default_value = NO_INDEX, .check = NO_INDEX };
	if (!assembler_take(a, &p.name) || !assembler_type(a, &p.type))
		return false;
	if (assembler_next(a, "default") && !take_function(a, &p.default_value))
		return false;
	if (assembler_next(a, "check") && !take_function(a, &p.check))
		return false;
	vec_push(&a->params, p);
	return true;
}

static bool read_operation_clause(struct assembler *a, struct operation *o, uint32_t *captures)
{
	int64_t number;
	if (assembler_next(a, "on"))
		return take_thing(a, OPERAND_NEED, &o->need);
	if (assembler_next(a, "options"))
		return assembler_type(a, &o->options);
	if (assembler_next(a, "capture"))
		return assembler_type(a, &captures[o->capture_count++]);
	if (assembler_next(a, "forward"))
		return take_function(a, &o->forward);
	if (assembler_next(a, "done"))
		return take_function(a, &o->done_when);
	if (assembler_next(a, "rollback")) {
		o->rollback_kind = ROLLBACK_CODE;
		return take_function(a, &o->rollback);
	}
	if (assembler_next(a, "irreversible")) {
		o->rollback_kind = ROLLBACK_IRREVERSIBLE;
		return assembler_take(a, &o->rollback_why);
	}
	if (assembler_next(a, "flags") && assembler_number(a, &number)) {
		o->flags = (uint32_t)number;
		return true;
	}
	return assembler_wrong(a, "an operation has no such clause");
}

static bool read_operation(struct assembler *a)
{
	uint32_t *captures = arena_array(&a->m->arena, uint32_t, WORDS_MAX);
	struct operation o = { .need = NO_INDEX,
			       .options = NO_INDEX,
			       .forward = NO_INDEX,
			       .rollback = NO_INDEX,
			       .rollback_kind = ROLLBACK_NOTHING,
			       .done_when = NO_INDEX,
			       .capture_types = captures,
			       .line = a->line << 10 | 1 };
	if (!assembler_take(a, &o.label))
		return false;
	while (a->at < a->count)
		if (!read_operation_clause(a, &o, captures))
			return false;
	vec_push(&a->operations, o);
	return true;
}

static bool read_check(struct assembler *a)
{
	struct check c = { .kind = CHECK_POST };
	if (assembler_next(a, "pre"))
		c.kind = CHECK_PRE;
	else if (assembler_next(a, "health"))
		c.kind = CHECK_HEALTH;
	else if (!assembler_next(a, "post"))
		return assembler_wrong(a, "a check is pre, health or post");
	if (!assembler_take(a, &c.label) || !take_function(a, &c.function))
		return false;
	if (a->at < a->count && !assembler_number(a, &c.every_ms))
		return false;
	vec_push(&a->checks, c);
	return true;
}

static bool read_migration(struct assembler *a)
{
	struct migration *m = &a->m->migration;
	return assembler_take(a, &m->name) &&
	       (a->at == a->count || assembler_take(a, &m->description));
}

static bool read_depends(struct assembler *a)
{
	struct str name;
	if (!assembler_take(a, &name))
		return false;
	vec_push(&a->depends, name);
	return true;
}

static bool read_versions(struct assembler *a)
{
	return assembler_take(a, &a->m->migration.min_version) &&
	       assembler_take(a, &a->m->migration.max_version);
}

static bool read_need(struct assembler *a)
{
	struct need n = { .range = STR("") };
	if (!assembler_take(a, &n.name) || !assembler_take(a, &n.kind) ||
	    (a->at < a->count && !assembler_take(a, &n.range)))
		return false;
	vec_push(&a->needs, n);
	return true;
}

static bool read_frozen(struct assembler *a)
{
	struct frozen f = { 0 };
	if (!assembler_take(a, &f.name) || !assembler_type(a, &f.type))
		return false;
	vec_push(&a->frozens, f);
	return true;
}

static bool read_setup(struct assembler *a)	{ return take_function(a, &a->m->migration.setup); }
static bool read_required(struct assembler *a)
{
	return take_function(a, &a->m->migration.required);
}
static bool read_plan(struct assembler *a)	{ return take_function(a, &a->m->migration.plan); }
static bool read_leaves(struct assembler *a)
{
	return take_function(a, &a->m->migration.leaves);
}

static bool read_finally(struct assembler *a)
{
	return take_function(a, &a->m->migration.finally);
}
static bool read_on_complete(struct assembler *a)
{
	return take_function(a, &a->m->migration.on_complete);
}
static bool read_on_error(struct assembler *a)
{
	return take_function(a, &a->m->migration.on_error);
}

static bool read_line(struct assembler *a)
{
	static const struct { const char *word; bool (*read)(struct assembler *a);
	} lines[] = {
		{ "migration", read_migration }, { "depends", read_depends },
		{ "versions", read_versions },	 { "need", read_need },
		{ "param", read_param },	 { "frozen", read_frozen },
		{ "template", read_template },	 { "operation", read_operation },
		{ "check", read_check },	 { "setup", read_setup },
		{ "required", read_required },	 { "plan", read_plan },
		{ "leaves", read_leaves },	 { "function", read_function },
		{ "finally", read_finally },	 { "on_complete", read_on_complete },
		{ "on_error", read_on_error },
	};
	if (a->count == 0)
		return true;
	if (a->now)
		return read_code(a);
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		if (assembler_next(a, lines[i].word))
			return lines[i].read(a);
	return assembler_wrong(a, "no line begins with %.*s", STR_ARG(a->words[0].text));
}

static bool each_line(struct assembler *a, struct str text, bool (*visit)(struct assembler *a))
{
	for (a->line = 1; text.len > 0; a->line++) {
		const char *newline = memchr(text.ptr, '\n', text.len);
		size_t len = newline ? (size_t)(newline - text.ptr) : text.len;
		if (!assembler_split(a, (struct str){ text.ptr, len }) || !visit(a))
			return false;
		len += newline != NULL;
		text = (struct str){ text.ptr + len, text.len - len };
	}
	return true;
}

static bool note_function(struct assembler *a)
{
	struct str name;
	if (!assembler_next(a, "function"))
		return true;
	if (!assembler_take(a, &name))
		return false;
	vec_push(&a->names, name);
	return true;
}

static uint32_t add_empty_function(struct assembler *a, const char *name)
{
	struct draft d = { .f = { .name = str_c(name), .result = TYPE_NOTHING } };
	vec_push(&d.code, (struct instruction){ .op = OP_RETURN });
	vec_push(&d.lines, 0);
	vec_push(&a->drafts, d);
	return (uint32_t)a->drafts.count - 1;
}

/* Copies what was collected into the module's arena. */
#define KEEP(vec, type) \
	(arena_keep(&a->m->arena, (vec).at, sizeof(type), (vec).count))

static void *arena_keep(struct arena *arena, const void *from, size_t size, size_t count)
{
	void *to = arena_alloc(arena, arena_bytes(size, count));
	if (count > 0)
		memcpy(to, from, size * count);
	return to;
}

static void finish(struct assembler *a)
{
	struct module *m = a->m;
	if (m->migration.setup == NO_INDEX)
		m->migration.setup = add_empty_function(a, "setup");
	if (m->migration.plan == NO_INDEX)
		m->migration.plan = add_empty_function(a, "plan");
	if (m->migration.name.len == 0)
		m->migration.name = STR("assembled");
	m->function_count = (uint32_t)a->drafts.count;
	m->functions = arena_array(&m->arena, struct function, m->function_count);
	for (uint32_t i = 0; i < m->function_count; i++) {
		struct draft *d = &a->drafts.at[i];
		d->f.local_count = (uint32_t)d->locals.count;
		d->f.code_count = (uint32_t)d->code.count;
		d->f.local_types = KEEP(d->locals, uint32_t);
		d->f.code = KEEP(d->code, struct instruction);
		d->f.lines = KEEP(d->lines, uint32_t);
		m->functions[i] = d->f;
	}
	struct source *source = arena_new(&m->arena, struct source);
	source->path = STR("assembled");
	m->sources = source;
	m->source_count = 1;
	m->constants = KEEP(a->constants, struct constant);
	m->constant_count = (uint32_t)a->constants.count;
	m->templates = KEEP(a->templates, struct template);
	m->template_count = (uint32_t)a->templates.count;
	m->needs = KEEP(a->needs, struct need);
	m->need_count = (uint32_t)a->needs.count;
	m->params = KEEP(a->params, struct param);
	m->param_count = (uint32_t)a->params.count;
	m->frozens = KEEP(a->frozens, struct frozen);
	m->frozen_count = (uint32_t)a->frozens.count;
	m->operations = KEEP(a->operations, struct operation);
	m->operation_count = (uint32_t)a->operations.count;
	m->checks = KEEP(a->checks, struct check);
	m->check_count = (uint32_t)a->checks.count;
	m->migration.depends = KEEP(a->depends, struct str);
	m->migration.depends_count = (uint32_t)a->depends.count;
}
#undef KEEP

static void clear(struct assembler *a)
{
	for (size_t i = 0; i < a->drafts.count; i++) {
		vec_clear(&a->drafts.at[i].locals);
		vec_clear(&a->drafts.at[i].code);
		vec_clear(&a->drafts.at[i].lines);
	}
	vec_clear(&a->drafts);
	vec_clear(&a->names);
	vec_clear(&a->labels);
	vec_clear(&a->fixups);
	vec_clear(&a->constants);
	vec_clear(&a->templates);
	vec_clear(&a->template_names);
	vec_clear(&a->needs);
	vec_clear(&a->params);
	vec_clear(&a->frozens);
	vec_clear(&a->operations);
	vec_clear(&a->checks);
	vec_clear(&a->depends);
}

bool assemble(struct str text, struct module *m, struct buf *why)
{
	struct assembler a = { .m = m, .why = why };
	*m = (struct module){ .migration = { .setup = NO_INDEX,
					     .required = NO_INDEX,
					     .plan = NO_INDEX,
					     .leaves = NO_INDEX,
					     .finally = NO_INDEX,
					     .on_complete = NO_INDEX,
					     .on_error = NO_INDEX } };
	types_init(&m->types);
	text = arena_str(&m->arena, text);
	bool right = each_line(&a, text, note_function) && each_line(&a, text, read_line);
	if (right && a.now)
		right = assembler_wrong(&a, "a function without an end");
	if (right)
		finish(&a);
	else
		module_clear(m);
	clear(&a);
	return right;
}

bool assemble_module(struct str text, struct module *m, char **image, struct buf *why)
{
	struct module draft;
	struct buf bytes = { 0 };
	struct error err = { 0 };
	*image = NULL;
	if (!assemble(text, &draft, why))
		return false;
	image_write(&draft, &bytes);
	module_clear(&draft);
	size_t len = bytes.len;
	*image = buf_take(&bytes);
	if (module_open(m, (struct str){ *image, len }, &err) == OUTCOME_OK)
		return true;
	buf_text(why, err.message);
	error_clear(&err);
	free(*image);
	*image = NULL;
	return false;
}
