/*
 * listing.c - a module as text: its tables, its plan, then each function's code beside the source
 * lines that it comes from
 *
 * Nothing here depends on where or when it is made. A module that was not verified is listed as far
 * as it makes sense.
 */
#include "vm/isa/listing.h"

#include "vm/base/units.h"

#define LINE_BYTES_MAX 160u

static const char *const shapes[SHAPE_COUNT] = {
	[SHAPE_VALUE] = "value",   [SHAPE_ROW] = "row",	      [SHAPE_ROWS] = "rows",
	[SHAPE_COLUMN] = "column", [SHAPE_EXISTS] = "exists",
};

/* On one line, in quotes. */
static void quote(struct listing *l, struct str text)
{
	buf_json(l->out, text);
}

static void print_type(struct listing *l, uint32_t type)
{
	if (type < l->m->types.all.count)
		types_print(&l->m->types, type, l->out);
	else
		buf_format(l->out, "type %u", type);
}

static void print_function(struct listing *l, uint32_t number)
{
	buf_format(l->out, "f%u", number);
	if (number < l->m->function_count)
		buf_format(l->out, " %.*s", STR_ARG(l->m->functions[number].name));
}

static void print_types(struct listing *l, const uint32_t *types, uint32_t count)
{
	buf_byte(l->out, '(');
	for (uint32_t i = 0; i < count; i++) {
		if (i)
			buf_text(l->out, ", ");
		print_type(l, types[i]);
	}
	buf_byte(l->out, ')');
}

/* ---- tables ---- */

static void print_versions(struct listing *l)
{
	const struct migration *m = &l->m->migration;

	if (m->min_version.len || m->max_version.len)
		buf_format(l->out, "  versions %.*s .. %.*s\n", STR_ARG(m->min_version),
			   STR_ARG(m->max_version));
	for (uint32_t i = 0; i < m->depends_count; i++)
		buf_format(l->out, "  depends on %.*s\n", STR_ARG(m->depends[i]));
}

static void print_role(struct listing *l, const char *role, uint32_t function)
{
	if (function == NO_INDEX)
		return;
	buf_format(l->out, "  %s ", role);
	print_function(l, function);
	buf_byte(l->out, '\n');
}

static void print_head(struct listing *l)
{
	const struct migration *m = &l->m->migration;

	buf_text(l->out, "migration ");
	quote(l, m->name);
	if (m->description.len) {
		buf_byte(l->out, ' ');
		quote(l, m->description);
	}
	buf_byte(l->out, '\n');
	print_versions(l);
	print_role(l, "setup", m->setup);
	print_role(l, "required", m->required);
	print_role(l, "plan", m->plan);
	print_role(l, "leaves", m->leaves);
	print_role(l, "finally", m->finally);
	print_role(l, "on_complete", m->on_complete);
	print_role(l, "on_error", m->on_error);
	for (uint32_t i = 0; i < l->m->source_count; i++)
		buf_format(l->out, "  source %.*s\n", STR_ARG(l->m->sources[i].path));
	for (uint32_t i = 0; i < l->m->need_count; i++) {
		const struct need *n = &l->m->needs[i];

		buf_format(l->out, "  needs %.*s: %.*s%s%.*s\n", STR_ARG(n->name), STR_ARG(n->kind),
			   n->range.len ? " " : "", STR_ARG(n->range));
	}
}

static void print_values(struct listing *l)
{
	for (uint32_t i = 0; i < l->m->param_count; i++) {
		const struct param *p = &l->m->params[i];

		buf_format(l->out, "  param %.*s: ", STR_ARG(p->name));
		print_type(l, p->type);
		buf_byte(l->out, ' ');
		quote(l, p->doc);
		buf_byte(l->out, '\n');
		print_role(l, "  default", p->default_value);
		print_role(l, "  check", p->check);
	}
	for (uint32_t i = 0; i < l->m->frozen_count; i++) {
		buf_format(l->out, "  let %.*s: ", STR_ARG(l->m->frozens[i].name));
		print_type(l, l->m->frozens[i].type);
		buf_byte(l->out, '\n');
	}
}

static void print_checks(struct listing *l)
{
	static const char *const kinds[] = {
		[CHECK_PRE] = "precheck",
		[CHECK_HEALTH] = "healthcheck",
		[CHECK_POST] = "postcheck",
	};

	for (uint32_t i = 0; i < l->m->check_count; i++) {
		const struct check *c = &l->m->checks[i];

		buf_format(l->out, "  %s ", kinds[c->kind]);
		quote(l, c->label);
		if (c->kind == CHECK_HEALTH) {
			buf_text(l->out, " every ");
			duration_print(l->out, c->every_ms);
		}
		buf_text(l->out, ": ");
		print_function(l, c->function);
		buf_byte(l->out, '\n');
	}
}

void listing_operation_name(struct listing *l, const struct operation *o)
{
	buf_text(l->out, "operation ");
	quote(l, o->label);
	if (o->need < l->m->need_count)
		buf_format(l->out, " on %.*s", STR_ARG(l->m->needs[o->need].name));
}

static void print_operation(struct listing *l, const struct operation *o)
{
	static const char *const flags[] = { " idempotent", " in-doubt-undo", " no-transaction",
					     " continue-on-error", " per-shard", " per-replica" };

	buf_text(l->out, "  ");
	listing_operation_name(l, o);
	for (uint32_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		buf_text(l->out, o->flags & (1u << i) ? flags[i] : "");
	buf_text(l->out, "\n    options ");
	print_type(l, o->options);
	buf_text(l->out, ", captures ");
	print_types(l, o->capture_types, o->capture_count);
	buf_byte(l->out, '\n');
	print_role(l, "  forward", o->forward);
	print_role(l, "  done when", o->done_when);
	if (o->rollback_kind == ROLLBACK_CODE) {
		print_role(l, "  rollback", o->rollback);
	} else if (o->rollback_kind == ROLLBACK_NOTHING) {
		buf_text(l->out, "    rollback nothing\n");
	} else {
		buf_text(l->out, "    irreversible ");
		quote(l, o->rollback_why);
		buf_byte(l->out, '\n');
	}
}

/* ---- code ---- */

static void print_constant(struct listing *l, const struct constant *c)
{
	double real;

	switch (c->kind) {
	case CONSTANT_INT: case CONSTANT_TIMESTAMP:
		buf_format(l->out, "%lld", (long long)c->number);
		break;
	case CONSTANT_FLOAT:
		memcpy(&real, &c->number, sizeof(real));
		buf_format(l->out, "%.17g", real);
		break;
	case CONSTANT_DURATION:
		duration_print(l->out, c->number);
		break;
	case CONSTANT_STRING: case CONSTANT_BYTES:
		quote(l, c->text);
		break;
	case CONSTANT_VERSION:
		buf_str(l->out, c->text);
		break;
	case CONSTANT_LIMIT:
		break;
	}
}

static void print_template(struct listing *l, const struct template *t)
{
	struct buf text = {0};
	struct listing inner = *l;

	inner.out = &text;
	for (uint32_t i = 0; i <= t->hole_count; i++) {
		buf_str(&text, t->pieces[i]);
		if (i == t->hole_count)
			break;
		buf_text(&text, "${");
		print_type(&inner, t->hole_types[i]);
		buf_byte(&text, '}');
	}
	quote(l, buf_view(&text));
	buf_clear(&text);
}

/* What operands name by its number, and the code shows by its value. */
static void print_constants(struct listing *l)
{
	const struct module *m = l->m;

	if (m->constant_count)
		buf_text(l->out, "\nconstants\n");
	for (uint32_t i = 0; i < m->constant_count; i++) {
		buf_format(l->out, "%6u  ", i);
		print_type(l, m->constants[i].type);
		buf_byte(l->out, ' ');
		print_constant(l, &m->constants[i]);
		buf_byte(l->out, '\n');
	}
	if (m->template_count)
		buf_text(l->out, "\ntemplates\n");
	for (uint32_t i = 0; i < m->template_count; i++) {
		buf_format(l->out, "%6u  ", i);
		print_template(l, &m->templates[i]);
		buf_byte(l->out, '\n');
	}
}

static void print_local(struct listing *l, const struct function *f, uint32_t local)
{
	buf_format(l->out, "%%%u", local);
	if (local >= f->local_count)
		return;
	buf_text(l->out, ": ");
	print_type(l, f->local_types[local]);
}

/* What a number names in a table; the number itself where the table has no such entry. */
static void print_named(struct listing *l, enum operand_kind kind, uint32_t n)
{
	const struct module *m = l->m;

	if (kind == OPERAND_CONSTANT && n < m->constant_count)
		print_constant(l, &m->constants[n]);
	else if (kind == OPERAND_TEMPLATE && n < m->template_count)
		print_template(l, &m->templates[n]);
	else if (kind == OPERAND_BUILTIN && n <= BUILTIN_MAX && builtin_table[n].name)
		buf_format(l->out, "%s%s", builtin_table[n].name, builtin_table[n].signature);
	else if (kind == OPERAND_PARAM && n < m->param_count)
		buf_str(l->out, m->params[n].name);
	else if (kind == OPERAND_FROZEN && n < m->frozen_count)
		buf_str(l->out, m->frozens[n].name);
	else if (kind == OPERAND_NEED && n < m->need_count)
		buf_str(l->out, m->needs[n].name);
	else if (kind == OPERAND_OPERATION && n < m->operation_count)
		quote(l, m->operations[n].label);
	else if (kind == OPERAND_SHAPE && n < SHAPE_COUNT)
		buf_text(l->out, shapes[n]);
	else
		buf_format(l->out, "%u", n);
}

static void print_operand(struct listing *l, const struct function *f, enum operand_kind kind,
			  uint32_t n)
{
	switch (kind) {
	case OPERAND_NONE:
		return;
	case OPERAND_NUMBER:
		buf_format(l->out, "%d", (int)n);
		return;
	case OPERAND_FLAG:
		buf_text(l->out, n ? "true" : "false");
		return;
	case OPERAND_TARGET:
		buf_format(l->out, "-> %u", n);
		return;
	case OPERAND_LOCAL:
		print_local(l, f, n);
		return;
	case OPERAND_TYPE:
		print_type(l, n);
		return;
	case OPERAND_FUNCTION:
		print_function(l, n);
		return;
	case OPERAND_COUNT:
	case OPERAND_FIELD:
	case OPERAND_CONSTANT:
	case OPERAND_BUILTIN:
	case OPERAND_TEMPLATE:
	case OPERAND_PARAM:
	case OPERAND_FROZEN:
	case OPERAND_NEED:
	case OPERAND_OPERATION:
	case OPERAND_SHAPE: print_named(l, kind, n); return;
	}
}

static void print_instruction(struct listing *l, const struct function *f, uint32_t pc,
			      bool is_target)
{
	const struct instruction *at = &f->code[pc];
	const struct opcode_info *info = &opcode_table[at->op];
	bool operands = info->a != OPERAND_NONE || info->b != OPERAND_NONE;

	buf_format(l->out, "%c%5u  %-*s", is_target ? '>' : ' ', pc, operands ? 18 : 0,
		   info->name ? info->name : "?");
	print_operand(l, f, info->a, at->a);
	if (info->a != OPERAND_NONE && info->b != OPERAND_NONE)
		buf_text(l->out, ", ");
	print_operand(l, f, info->b, at->b);
	buf_byte(l->out, '\n');
}

/* ---- source lines ---- */

static void lines_read(struct lines *lines, struct str text)
{
	lines->text = text;
	if (text.len)
		vec_push(&lines->starts, 0);
	for (size_t i = 0; i + 1 < text.len; i++)
		if (text.ptr[i] == '\n')
			vec_push(&lines->starts, i + 1);
}

struct str listing_line(const struct listing *l, uint32_t source, uint32_t line)
{
	const struct lines *lines;
	size_t start, end;

	if (source >= l->m->source_count)
		return STR("");
	lines = &l->sources[source];
	if (line < 1 || line > lines->starts.count)
		return STR("");
	start = lines->starts.at[line - 1];
	end = line < lines->starts.count ? lines->starts.at[line] : lines->text.len;
	while (end > start &&
	       (lines->text.ptr[end - 1] == '\n' || lines->text.ptr[end - 1] == '\r'))
		end--;
	if (end - start > LINE_BYTES_MAX)
		end = start + LINE_BYTES_MAX;
	while (end < lines->text.len && end > start &&
	       ((unsigned char)lines->text.ptr[end] & 0xc0) == 0x80)
		end--;
	return (struct str){ lines->text.ptr + start, end - start };
}

static void print_line(struct listing *l, uint32_t source, uint32_t line)
{
	struct str text = listing_line(l, source, line);

	buf_format(l->out, "%4u |%s%.*s\n", line, text.len ? " " : "", STR_ARG(text));
}

/* Whether something jumps to each instruction; the caller's. */
static bool *targets_of(const struct function *f)
{
	bool *targets = must_alloc((size_t)f->code_count + 1);

	memset(targets, 0, (size_t)f->code_count + 1);
	for (uint32_t pc = 0; pc < f->code_count; pc++)
		if (opcode_table[f->code[pc].op].a == OPERAND_TARGET &&
		    f->code[pc].a < f->code_count)
			targets[f->code[pc].a] = true;
	return targets;
}

static void print_code(struct listing *l, uint32_t number)
{
	const struct function *f = &l->m->functions[number];
	uint32_t shown = 0;
	bool *targets = targets_of(f);

	buf_byte(l->out, '\n');
	print_function(l, number);
	print_types(l, f->local_types, f->param_count);
	buf_text(l->out, " -> ");
	print_type(l, f->result);
	buf_text(l->out, f->flags & FUNCTION_EFFECT ? ", with effects" : "");
	if (f->source < l->m->source_count)
		buf_format(l->out, "  # %.*s", STR_ARG(l->m->sources[f->source].path));
	buf_byte(l->out, '\n');
	for (uint32_t pc = 0; pc < f->code_count; pc++) {
		uint32_t line = f->lines[pc] >> 10;

		if (line && line != shown && f->source < l->m->source_count)
			print_line(l, f->source, line);
		shown = line ? line : shown;
		print_instruction(l, f, pc, targets[pc]);
	}
	free(targets);
}

void module_list(const struct module *m, struct str (*source)(void *context, struct str path),
		 void *context, struct buf *out)
{
	struct lines *sources =
		must_alloc(arena_bytes(sizeof(*sources), (size_t)m->source_count + 1));
	struct listing l = { m, sources, out };

	for (uint32_t i = 0; i < m->source_count; i++) {
		sources[i] = (struct lines){0};
		if (source)
			lines_read(&sources[i], source(context, m->sources[i].path));
	}
	print_head(&l);
	print_values(&l);
	print_checks(&l);
	for (uint32_t i = 0; i < m->operation_count; i++)
		print_operation(&l, &m->operations[i]);
	listing_plan(&l);
	print_constants(&l);
	for (uint32_t i = 0; i < m->function_count; i++)
		print_code(&l, i);
	for (uint32_t i = 0; i < m->source_count; i++)
		vec_clear(&sources[i].starts);
	free(sources);
}
