/* ability.c - statements that bundles may hold and this amigrun does not carry out: refused before
 * anything runs */
#include "vm/run/session.h"

const char *ability_lacks(enum opcode op)
{
	switch ((int)op) {
	case OP_SET_SETTING:	return "set setting";
	case OP_PARALLEL:
	case OP_PARALLEL_END:	return "parallel";
	default:		return NULL;
	}
}

enum outcome ability_refuse(const char *word, struct error *err)
{
	error_set(err, OUTCOME_FAILED, "this amigrun does not carry out `%s`", word);
	error_hint(err, "write the migration without it, or run it with an amigrun that does");
	return OUTCOME_FAILED;
}

/* `copy` with something behind it: its options are the record in front of the instruction. */
static const char *lacking_option(const struct module *m, const struct function *f, uint32_t pc)
{
	const struct type *options;

	if (f->code[pc].op != OP_COPY || pc == 0 || f->code[pc - 1].op != OP_RECORD)
		return NULL;
	options = types_get(&m->types, f->code[pc - 1].a);
	for (uint32_t i = 0; i < options->field_count; i++)
		if (str_eq(options->fields[i].name, STR("reject")))
			return "reject into";
		else if (str_eq(options->fields[i].name, STR("verify")))
			return "copy … verify";
	return NULL;
}

enum outcome ability_check(const struct run *r, struct error *err)
{
	const struct module *m = &r->module;
	const char *word;
	struct buf place = { 0 };
	enum outcome o;

	for (uint32_t f = 0; f < m->function_count; f++)
		for (uint32_t pc = 0; pc < m->functions[f].code_count; pc++) {
			word = ability_lacks((enum opcode)m->functions[f].code[pc].op);
			if (!word)
				word = lacking_option(m, &m->functions[f], pc);
			if (!word)
				continue;
			o = ability_refuse(word, err);
			module_place(m, f, pc, &place);
			error_prefix(err, "%.*s: ", STR_ARG(buf_view(&place)));
			buf_clear(&place);
			return o;
		}
	return OUTCOME_OK;
}
