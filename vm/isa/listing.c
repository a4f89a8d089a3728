/* listing.c - a module as text: what `amigc dump` shows */
#include "vm/isa/module.h"

struct listing {
	const struct module *m;
	struct buf *out;
	struct str text;		/* the source of the function being listed, "" if there is none */
	uint32_t shown;			/* the line of it that was shown last */
};

#define SHOWN_BYTES 60u

/* In quotes, cut where a character begins. */
static void list_text(struct listing *l, struct str text)
{
	size_t len = text.len < SHOWN_BYTES ? text.len : SHOWN_BYTES;
	while (len > 0 && len < text.len && ((unsigned char)text.ptr[len] & 0xc0) == 0x80)
		len--;
	buf_json(l->out, (struct str){ text.ptr, len });
	if (len < text.len)
		buf_text(l->out, "…");
}

static void list_type(struct listing *l, uint32_t type)
{
	types_print(&l->m->types, type, l->out);
}

static void list_name(struct listing *l, uint32_t function)
{
	if (function < l->m->function_count)
		buf_str(l->out, l->m->functions[function].name);
	else
		buf_format(l->out, "function %u", function);
}

static void list_function_row(struct listing *l, const char *word, uint32_t function)
{
	if (function == NO_INDEX)
		return;
	buf_format(l->out, "%s ", word);
	list_name(l, function);
	buf_byte(l->out, '\n');
}

static void list_migration(struct listing *l)
{
	const struct migration *it = &l->m->migration;
	char identity[HASH_HEX_SIZE];
	hash_hex(l->m->identity, identity);
	buf_format(l->out, "migration \"%.*s\"\nidentity %s\n", STR_ARG(it->name), identity);
	if (it->description.len > 0) {
		buf_text(l->out, "description ");
		buf_json(l->out, it->description);
		buf_byte(l->out, '\n');
	}
	if (it->min_version.len > 0 || it->max_version.len > 0)
		buf_format(l->out, "versions %.*s .. %.*s\n", STR_ARG(it->min_version), STR_ARG(it->max_version));
	for (uint32_t i = 0; i < it->depends_count; i++)
		buf_format(l->out, "depends on \"%.*s\"\n", STR_ARG(it->depends[i]));
	list_function_row(l, "leaves", it->leaves);
	list_function_row(l, "setup", it->setup);
	list_function_row(l, "required", it->required);
	list_function_row(l, "plan", it->plan);
}

static void list_tables(struct listing *l)
{
	const struct module *m = l->m;
	for (uint32_t i = 0; i < m->source_count; i++) {
		char hash[HASH_HEX_SIZE];
		hash_hex(m->sources[i].hash, hash);
		buf_format(l->out, "source %.*s %s\n", STR_ARG(m->sources[i].path), hash);
	}
	for (uint32_t i = 0; i < m->need_count; i++)
		buf_format(l->out, "needs %.*s: %.*s%s%.*s\n", STR_ARG(m->needs[i].name), STR_ARG(m->needs[i].kind),
			   m->needs[i].range.len > 0 ? " " : "", STR_ARG(m->needs[i].range));
	for (uint32_t i = 0; i < m->param_count; i++) {
		buf_format(l->out, "param %.*s: ", STR_ARG(m->params[i].name));
		list_type(l, m->params[i].type);
		if (m->params[i].default_value != NO_INDEX) {
			buf_text(l->out, " default ");
			list_name(l, m->params[i].default_value);
		}
		if (m->params[i].check != NO_INDEX) {
			buf_text(l->out, " check ");
			list_name(l, m->params[i].check);
		}
		buf_byte(l->out, '\n');
	}
	for (uint32_t i = 0; i < m->frozen_count; i++) {
		buf_format(l->out, "frozen %.*s: ", STR_ARG(m->frozens[i].name));
		list_type(l, m->frozens[i].type);
		buf_byte(l->out, '\n');
	}
}

static void list_operation(struct listing *l, uint32_t number)
{
	static const char *const flags[] = { "idempotent", "in doubt undo", "no transaction", "continue on error" };
	const struct operation *it = &l->m->operations[number];
	buf_format(l->out, "\noperation %u ", number);
	buf_json(l->out, it->label);
	if (it->need != NO_INDEX && it->need < l->m->need_count)
		buf_format(l->out, " on %.*s", STR_ARG(l->m->needs[it->need].name));
	for (uint32_t bit = 0; bit < ARRAY_SIZE(flags); bit++)
		if (it->flags >> bit & 1)
			buf_format(l->out, ", %s", flags[bit]);
	buf_byte(l->out, '\n');
	for (uint32_t i = 0; i < it->capture_count; i++) {
		buf_format(l->out, "  capture %u: ", i);
		list_type(l, it->capture_types[i]);
		buf_byte(l->out, '\n');
	}
	if (it->options != NO_INDEX) {
		buf_text(l->out, "  options ");
		list_type(l, it->options);
		buf_byte(l->out, '\n');
	}
	list_function_row(l, "  forward", it->forward);
	if (it->rollback_kind == ROLLBACK_NOTHING)
		buf_text(l->out, "  rollback nothing\n");
	if (it->rollback_kind == ROLLBACK_IRREVERSIBLE) {
		buf_text(l->out, "  irreversible ");
		buf_json(l->out, it->rollback_why);
		buf_byte(l->out, '\n');
	}
	list_function_row(l, "  rollback", it->rollback);
	list_function_row(l, "  done when", it->done_when);
}

static void list_checks(struct listing *l)
{
	static const char *const words[] = { "precheck", "healthcheck", "postcheck" };
	for (uint32_t i = 0; i < l->m->check_count; i++) {
		const struct check *it = &l->m->checks[i];
		buf_format(l->out, "\n%s ", words[it->kind]);
		buf_json(l->out, it->label);
		buf_byte(l->out, ' ');
		list_name(l, it->function);
		if (it->kind == CHECK_HEALTH)
			buf_format(l->out, " every %lld ms", (long long)it->every_ms);
		buf_byte(l->out, '\n');
	}
}

static void list_constant(struct listing *l, const struct constant *it)
{
	double real;
	switch (it->kind) {
	case CONSTANT_INT:
		buf_format(l->out, "%lld", (long long)it->number);
		break;
	case CONSTANT_FLOAT:
		memcpy(&real, &it->number, sizeof(real));
		buf_format(l->out, "%.17g (float)", real);
		break;
	case CONSTANT_DURATION:
		buf_format(l->out, "%lld ms", (long long)it->number);
		break;
	case CONSTANT_TIMESTAMP:
		buf_format(l->out, "@%lld", (long long)it->number);
		break;
	case CONSTANT_VERSION:
		buf_format(l->out, "v%.*s", STR_ARG(it->text));
		break;
	case CONSTANT_BYTES:
		buf_format(l->out, "%zu bytes", it->text.len);
		break;
	case CONSTANT_STRING:
		list_text(l, it->text);
		break;
	case CONSTANT_LIMIT:
		break;
	}
}

static void list_template(struct listing *l, const struct template *it)
{
	struct buf text = { 0 };
	for (uint32_t i = 0; i <= it->hole_count; i++) {
		buf_str(&text, it->pieces[i]);
		if (i == it->hole_count)
			break;
		buf_text(&text, "${");
		types_print(&l->m->types, it->hole_types[i], &text);
		buf_byte(&text, '}');
	}
	list_text(l, buf_view(&text));
	buf_clear(&text);
}

static void list_operand(struct listing *l, enum operand_kind kind, uint32_t operand, const struct function *f)
{
	static const char *const shapes[SHAPE_COUNT] = { "value", "row", "rows", "column", "exists" };
	const struct module *m = l->m;
	if (kind == OPERAND_NONE)
		return;
	buf_byte(l->out, ' ');
	switch (kind) {
	case OPERAND_NONE:
	case OPERAND_COUNT:
	case OPERAND_FLAG:
	case OPERAND_FIELD:
	case OPERAND_TARGET:
		buf_format(l->out, "%u", operand);
		return;
	case OPERAND_NUMBER:
		buf_format(l->out, "%d", (int)(int32_t)operand);
		return;
	case OPERAND_LOCAL:
		buf_format(l->out, "%u: ", operand);
		list_type(l, f->local_types[operand]);
		return;
	case OPERAND_CONSTANT:	list_constant(l, &m->constants[operand]); return;
	case OPERAND_TYPE:	list_type(l, operand); return;
	case OPERAND_FUNCTION:	list_name(l, operand); return;
	case OPERAND_BUILTIN:
		buf_format(l->out, "%s%s", builtin_table[operand].name, builtin_table[operand].signature);
		return;
	case OPERAND_TEMPLATE:	list_template(l, &m->templates[operand]); return;
	case OPERAND_PARAM:	buf_str(l->out, m->params[operand].name); return;
	case OPERAND_FROZEN:	buf_str(l->out, m->frozens[operand].name); return;
	case OPERAND_NEED:	buf_str(l->out, m->needs[operand].name); return;
	case OPERAND_OPERATION:
		buf_format(l->out, "%u ", operand);
		buf_json(l->out, m->operations[operand].label);
		return;
	case OPERAND_SHAPE:	buf_text(l->out, shapes[operand]); return;
	}
}

/* The source line that the code now comes from, once where it changes. */
static void list_source_line(struct listing *l, uint32_t line)
{
	if (line == 0 || line == l->shown || l->text.len == 0)
		return;
	l->shown = line;
	struct str rest = l->text;
	for (uint32_t at = 1; at < line; at++) {
		const char *newline = memchr(rest.ptr, '\n', rest.len);
		if (!newline)
			return;
		rest.len -= (size_t)(newline + 1 - rest.ptr);
		rest.ptr = newline + 1;
	}
	const char *newline = rest.len > 0 ? memchr(rest.ptr, '\n', rest.len) : NULL;
	if (newline)
		rest.len = (size_t)(newline - rest.ptr);
	buf_format(l->out, "%5u | %.*s\n", line, STR_ARG(rest));
}

static void list_code(struct listing *l, const struct function *f)
{
	for (uint32_t pc = 0; pc < f->code_count; pc++) {
		const struct instruction *at = &f->code[pc];
		const struct opcode_info *info = &opcode_table[at->op];
		uint32_t place = f->lines ? f->lines[pc] : 0;
		list_source_line(l, place >> 10);
		bool bare = info->a == OPERAND_NONE && info->b == OPERAND_NONE;
		buf_format(l->out, "  %5u  %-*s", pc, bare ? 0 : 15, info->name);
		list_operand(l, info->a, at->a, f);
		list_operand(l, info->b, at->b, f);
		buf_byte(l->out, '\n');
	}
}

static void list_function(struct listing *l, uint32_t number)
{
	const struct function *f = &l->m->functions[number];
	buf_format(l->out, "\nfunction %u %.*s(", number, STR_ARG(f->name));
	for (uint32_t i = 0; i < f->param_count; i++) {
		buf_text(l->out, i ? ", " : "");
		list_type(l, f->local_types[i]);
	}
	buf_byte(l->out, ')');
	if (f->result != TYPE_NOTHING) {
		buf_text(l->out, " -> ");
		list_type(l, f->result);
	}
	buf_format(l->out, "%s; %u locals, stack %u\n", f->flags & FUNCTION_EFFECT ? " effect" : "", f->local_count,
		   f->max_stack);
	list_code(l, f);
}

void module_list(const struct module *m, struct str (*source)(void *ctx, struct str path), void *ctx, struct buf *out)
{
	struct listing l = { .m = m, .out = out };
	if (!m->verified)
		BUG("a module must be verified before it is listed");
	list_migration(&l);
	list_tables(&l);
	for (uint32_t i = 0; i < m->operation_count; i++)
		list_operation(&l, i);
	list_checks(&l);
	for (uint32_t i = 0; i < m->function_count; i++) {
		l.text = source ? source(ctx, m->sources[m->functions[i].source].path) : STR("");
		l.shown = 0;
		list_function(&l, i);
	}
}
