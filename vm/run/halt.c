/*
 * halt.c - `halt`, which stops the run with an instruction, and `approval`, which waits for a yes
 *
 * Both put what an operator is to do into the migration's row. The machine has gone behind a `halt`
 * when its commit is durable; at an `approval` it stays until it was given, so that whoever goes on
 * with the run waits on.
 */
#include "vm/base/mutant.h"
#include "vm/base/os.h"
#include "vm/run/session.h"

#define LOOK_MS 2000 /* also if nothing was heard */

static enum outcome begin(struct run *r, struct act *a, struct error *err)
{
	enum outcome o = journal_operation(r, a,
					   a->backward ? OPERATION_STATUS_ROLLING_BACK
						       : OPERATION_STATUS_RUNNING,
					   false, err);

	if (o == OUTCOME_OK)
		journal_migration(r, r->status);
	return o;
}

/* What it says is told, and stored, when the run is settled. */
enum step_end halt_stop(struct run *r, struct act *a, struct error *err)
{
	if (begin(r, a, err) != OUTCOME_OK)
		return STEP_LOST;
	buf_reset(&r->halt);
	buf_str(&r->halt, value_text(machine_request(r->vm)->value));
	machine_answer(r->vm, value_null(), STR(""));
	journal_checkpoint(r, r->vm);
	return STEP_STOPPED;
}

static enum outcome ask(struct run *r, struct act *a, bool first, struct error *err)
{
	struct str label = r->plan[a->index].label;
	struct str next = value_text(machine_request(r->vm)->value);
	struct buf text = { 0 };
	enum outcome o = begin(r, a, err);

	if (o != OUTCOME_OK)
		return o;
	buf_format(&text, "approve \"%.*s\": %.*s", STR_ARG(label), STR_ARG(next));
	journal_checkpoint(r, r->vm);
	journal_instruct(r, buf_view(&text));
	r->journal.step.ask = true;
	if (first)
		journal_event(r, EVENT_APPROVAL_AWAITED, "%.*s", STR_ARG(buf_view(&text)));
	else
		session_tell(r, EVENT_APPROVAL_AWAITED, STR(""), buf_view(&text));
	buf_clear(&text);
	o = journal_commit(r, err);
	a->begun = true;
	return o;
}

/* Until there are news, or it is time to look anyway. */
static bool rest(struct run *r)
{
	int64_t until = os_monotonic_ms() + LOOK_MS;

	r->stop.news = false;
	while (!r->stop.news && os_monotonic_ms() < until)
		if (!stop_sleep(r, WATCH_SLICE_MS))
			return false;
	return true;
}

enum step_end approval_wait(struct run *r, struct act *a, struct error *err)
{
	enum approval now;

	if (store_approval(r->store, r->id, a->index, &now, err) != OUTCOME_OK)
		return STEP_LOST;
	if (now != APPROVAL_GIVEN && ask(r, a, now == APPROVAL_UNASKED, err) != OUTCOME_OK)
		return STEP_LOST;
	while (now != APPROVAL_GIVEN && !mutant(MUTANT_NO_YES)) {
		if (!rest(r))
			return STEP_STOPPED;
		if (store_approval(r->store, r->id, a->index, &now, err) != OUTCOME_OK)
			return STEP_LOST;
	}
	machine_answer(r->vm, value_null(), STR(""));
	journal_instruct(r, STR(""));
	return STEP_DONE;
}
