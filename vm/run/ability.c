/* ability.c - statements that bundles may hold and this amigrun does not carry out: refused before
 * anything runs */
#include "vm/run/session.h"

const char *ability_lacks(enum opcode op)
{
	switch ((int)op) {
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
				continue;
			o = ability_refuse(word, err);
			module_place(m, f, pc, &place);
			error_prefix(err, "%.*s: ", STR_ARG(buf_view(&place)));
			buf_clear(&place);
			return o;
		}
	return OUTCOME_OK;
}
