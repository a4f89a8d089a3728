/*
 * listing_plan.c - the plan's skeleton: its operations, and the loops, ifs and parallels around
 * them
 *
 * They are read from the code. A jump back makes a loop of what lies between; a jump ahead past a
 * PLAN, but for the one that leaves a loop, makes an if, and an else where a jump stands before its
 * target. Whatever else the code jumps about for (a setting's value, a `??`) has no PLAN in it.
 */
#include "vm/isa/listing.h"

struct block {
	uint32_t end;
	uint32_t line;
};

struct skeleton {
	struct listing *l;
	const struct function *f;
	uint32_t *plans;		/* how many PLANs stand before an instruction */
	uint32_t *loop_end, *else_end;	/* of the block that begins at it; 0 none does */
	VEC(struct block) open;		/* the innermost last; each lies in the one before */
};

static uint32_t line_of(const struct skeleton *s, uint32_t pc)
{
	return s->f->lines ? s->f->lines[pc] >> 10 : 0;
}

static bool has_plan(const struct skeleton *s, uint32_t from, uint32_t end)
{
	return from < end && s->plans[end] > s->plans[from];
}

static void begin_line(struct skeleton *s, uint32_t line)
{
	if (line)
		buf_format(s->l->out, "%6u | ", line);
	else
		buf_text(s->l->out, "       | ");
	for (size_t i = 0; i < s->open.count; i++)
		buf_text(s->l->out, "  ");
}

/* The source line at which a block begins, or its word where there is no source. */
static void open_block(struct skeleton *s, const char *word, uint32_t line, uint32_t end)
{
	struct str text = line ? str_trim(listing_line(s->l, s->f->source, line)) : STR("");
	ptrdiff_t inner = str_starts(text, STR("}")) ? str_find(text, STR("if ")) : 0;

	/* Of `} else if … {` the else has a line of its own. */
	if (inner > 0)
		text = (struct str){ text.ptr + inner, text.len - (size_t)inner };
	begin_line(s, line);
	if (text.len)
		buf_str(s->l->out, text);
	else
		buf_text(s->l->out, word);
	buf_byte(s->l->out, '\n');
	if (s->open.count && s->open.at[s->open.count - 1].end < end)
		end = s->open.at[s->open.count - 1].end;
	vec_push(&s->open, (struct block){ end, line });
}

/* `a and b` has two jumps to where the same if ends. */
static bool is_open(const struct skeleton *s, uint32_t line, uint32_t end)
{
	const struct block *last = s->open.count ? &s->open.at[s->open.count - 1] : NULL;

	return last && last->end == end && last->line == line;
}

static void branch(struct skeleton *s, uint32_t pc)
{
	const struct instruction *code = s->f->code;
	uint32_t end = code[pc].a, after;

	if (end <= pc + 1)
		return;
	after = code[end - 1].op == OP_JUMP ? code[end - 1].a : end;
	/* That is the jump back of a loop that this one leaves. */
	if (after <= pc)
		return;
	if (after > end && has_plan(s, end, after))
		s->else_end[end] = after;
	if ((has_plan(s, pc + 1, end) || s->else_end[end]) && !is_open(s, line_of(s, pc), end))
		open_block(s, "if", line_of(s, pc), end);
}

/* They do not nest. */
static uint32_t parallel_end(const struct skeleton *s, uint32_t pc)
{
	while (pc < s->f->code_count && s->f->code[pc].op != OP_PARALLEL_END)
		pc++;
	return pc;
}

static void print_step(struct skeleton *s, uint32_t pc)
{
	const struct instruction *at = &s->f->code[pc];

	while (s->open.count && s->open.at[s->open.count - 1].end <= pc)
		s->open.count--;
	if (s->else_end[pc])
		open_block(s, "else", 0, s->else_end[pc]);
	if (has_plan(s, pc, s->loop_end[pc]))
		open_block(s, "for", line_of(s, pc), s->loop_end[pc]);
	if (at->op == OP_PLAN && at->a < s->l->m->operation_count) {
		begin_line(s, line_of(s, pc));
		listing_operation_name(s->l, &s->l->m->operations[at->a]);
		buf_byte(s->l->out, '\n');
	} else if (at->op == OP_PARALLEL) {
		open_block(s, "parallel", line_of(s, pc), parallel_end(s, pc));
	} else if (opcode_table[at->op].a == OPERAND_TARGET && at->op != OP_JUMP) {
		branch(s, pc);
	}
}

static void find_loops(struct skeleton *s)
{
	for (uint32_t pc = 0; pc < s->f->code_count; pc++) {
		const struct instruction *at = &s->f->code[pc];

		s->plans[pc + 1] = s->plans[pc] + (at->op == OP_PLAN);
		if (at->op == OP_JUMP && at->a <= pc)
			s->loop_end[at->a] = pc + 1;
	}
}

void listing_plan(struct listing *l)
{
	const struct module *m = l->m;
	struct arena a = { 0 };
	struct skeleton s = { .l = l };

	/* In a module that was not verified a jump may lead anywhere. */
	if (!m->verified || m->operation_count == 0)
		return;
	s.f = &m->functions[m->migration.plan];
	s.plans = arena_array(&a, uint32_t, (size_t)s.f->code_count + 1);
	s.loop_end = arena_array(&a, uint32_t, s.f->code_count);
	s.else_end = arena_array(&a, uint32_t, s.f->code_count);
	find_loops(&s);
	buf_text(l->out, "\nplan\n");
	for (uint32_t pc = 0; pc < s.f->code_count; pc++)
		print_step(&s, pc);
	vec_clear(&s.open);
	arena_clear(&a);
}
