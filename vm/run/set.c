/*
 * set.c - `set setting`: a setting of the state store, changed by the commit of its own step
 *
 * What it was before an operation changed it is kept with the run, and put back in the commit that
 * says that the operation is undone; not if somebody has changed it since.
 */
#include "vm/run/session.h"
#include "vm/run/setting.h"

static bool has_it(const struct function *f)
{
	for (uint32_t pc = 0; pc < f->code_count; pc++)
		if (f->code[pc].op == OP_SET_SETTING)
			return true;
	return false;
}

void set_init(struct run *r)
{
	r->sets = false;
	for (uint32_t i = 0; i < r->module.function_count; i++)
		r->sets = r->sets || has_it(&r->module.functions[i]);
}

void set_restore(struct run *r, const struct act *a)
{
	r->journal.step.setting_index = a->index;
	r->journal.step.restore_settings = r->sets;
}

enum step_end set_change(struct run *r, struct act *a, struct error *err)
{
	struct journal *j = &r->journal;
	const struct value *operands = machine_request(r->vm)->operands;

	buf_reset(&j->setting);
	buf_reset(&j->setting_value);
	buf_str(&j->setting, value_text(operands[0]));
	buf_str(&j->setting_value, value_text(operands[1]));
	if (setting_check(buf_view(&j->setting), buf_view(&j->setting_value), err) != OUTCOME_OK) {
		err->outcome = OUTCOME_FAILED;
		return STEP_FAILED;
	}
	if (journal_operation(r, a,
			      a->backward ? OPERATION_STATUS_ROLLING_BACK
					  : OPERATION_STATUS_RUNNING,
			      false, err) != OUTCOME_OK)
		return STEP_LOST;
	journal_migration(r, r->status);
	j->step.setting = buf_view(&j->setting);
	j->step.setting_value = buf_view(&j->setting_value);
	j->step.setting_index = a->index;
	j->step.keep_setting = !a->backward && a->index < r->count;
	journal_event(r, EVENT_SETTING_CHANGED, "%.*s = %.*s", STR_ARG(j->step.setting),
		      STR_ARG(j->step.setting_value));
	machine_answer(r->vm, value_null(), STR(""));
	journal_checkpoint(r, r->vm);
	if (journal_commit(r, err) != OUTCOME_OK)
		return STEP_LOST;
	a->begun = true;
	r->touched = true;
	return STEP_DONE;
}
