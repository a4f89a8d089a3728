/* invariant.c - what must be true whatever happens: no effect is lost, none happens twice or out
 * of order, the index never goes back but in a rollback, nobody writes but the owner, and every run
 * comes to an end */
#include "tests/simulate/database.h"

#include <stdarg.h>
#include <stdio.h>

void violated(const char *format, ...)
{
	va_list args;

	if (world.violation)
		return;
	va_start(args, format);
	vsnprintf(world.words, sizeof(world.words), format, args);
	va_end(args);
	world.violation = world.words;
	trace("VIOLATED: %s", world.words);
}

int ledger_count(int key)
{
	int count = 0;

	for (int t = 0; t < TARGETS; t++)
		count += world.ledgers[t].count[key];
	return count;
}

static bool is_expected(int key)
{
	return world.plan->keys & bit(key);
}

/* Of operations that are carried out at the same time. */
static bool go_at_once(int key, int other)
{
	return world.plan->at_once & bit(key) && world.plan->at_once & bit(other);
}

/* An operation's effects come after those of all operations before it. */
static void check_order(int key)
{
	for (int i = 0; i < key - key % KEYS_A_GROUP; i++)
		if (is_expected(i) && ledger_count(i) == 0 && !go_at_once(key, i))
			violated("effect %d has happened, and effect %d before it has not", key, i);
}

/* What came to its end last is undone first. */
static void check_undone(int key)
{
	for (int i = 0; is_expected(key) && i < KEYS; i++) {
		bool before = go_at_once(key, i) ? database_is_done_before(i / KEYS_A_GROUP,
									   key / KEYS_A_GROUP)
						 : i < key;

		if (i / KEYS_A_GROUP != key / KEYS_A_GROUP && !before && ledger_count(i) &&
		    !(world.plan->may_stay & bit(i)))
			violated("effect %d is undone, and effect %d after it is not", key, i);
	}
}

/* What an operation has read is the same for all of its effects. */
static void check_value(const struct ledger *l, int key)
{
	int first = key - key % KEYS_A_GROUP;

	for (int i = first; i < first + KEYS_A_GROUP; i++)
		if (l->count[i] && l->value[i] != l->value[key])
			violated("effect %d goes by what was read as %lld, effect %d as %lld", i,
				 (long long)l->value[i], key, (long long)l->value[key]);
}

void invariant_change(enum target_id target, const struct change *c)
{
	for (int i = 0; i < KEYS; i++) {
		if (!(c->keys & bit(i)))
			continue;
		if (c->kind == CHANGE_DELETE) {
			check_undone(i);
			continue;
		}
		if (ledger_count(i) > 1)
			violated("effect %d has happened twice", i);
		if (world.plan->locked & bit(i) && !database_has_lock())
			violated("effect %d happens while another run may have the lock", i);
		if (world.plan->approved & bit(i) && world.yes != world.watched[0].run)
			violated("effect %d happens, and nobody has said yes", i);
		check_order(i);
		check_value(&world.ledgers[target], i);
	}
}

static bool lives(int64_t incarnation)
{
	for (int i = 0; i < PROCESSES; i++)
		if (world.processes[i].alive && !world.processes[i].dead &&
		    world.processes[i].incarnation == incarnation)
			return true;
	return false;
}

/* Every worker does what was asked for last, or goes on with what somebody died over. */
static void check_word(bool to_rollback)
{
	if (world.seen->row.active)
		return;
	if (world.seen->row.wanted == WANTED_NOTHING &&
	    !(world.plan->then && world.seen->row.status == STATUS_NOT_STARTED))
		violated("nobody has asked for what is begun");
	if (world.seen->row.wanted == WANTED_ROLLBACK && !to_rollback)
		violated("it is run, and was asked to be undone");
	if (world.seen->row.wanted == WANTED_RUN && to_rollback && !world.seen->backward)
		violated("it is undone, and was asked to be run");
}

void invariant_claimed(int64_t incarnation, int64_t epoch, bool to_rollback)
{
	struct watched *w = world.seen;

	check_word(to_rollback);
	w->claimed = true;
	if (w->lease_until > world.now && w->owner != incarnation && lives(w->owner))
		violated("process %lld takes over what process %lld has for %lld ms more",
			 (long long)incarnation, (long long)w->owner,
			 (long long)((w->lease_until - world.now) / MS));
	w->epoch = epoch;
	w->owner = incarnation;
}

void invariant_wrote(const char *what, int64_t epoch)
{
	if (epoch != world.seen->epoch)
		violated("%s of epoch %lld is committed in epoch %lld", what, (long long)epoch,
			 (long long)world.seen->epoch);
}

void invariant_row(int64_t epoch, int64_t run, int64_t index, bool backward)
{
	if (epoch != world.seen->epoch)
		violated("the epoch is %lld after a claim of %lld", (long long)epoch,
			 (long long)world.seen->epoch);
	if (run == world.seen->run && world.seen->backward && !backward)
		violated("a rollback of run %lld goes forward again", (long long)run);
	if (run == world.seen->run && !backward && index < world.seen->index)
		violated("the index goes back from %lld to %lld", (long long)world.seen->index,
			 (long long)index);
	if (run == world.seen->run && world.seen->backward && index > world.seen->index &&
	    !(world.plan->last && index == world.plan->last) &&
	    !go_at_once((int)index * KEYS_A_GROUP, (int)world.seen->index * KEYS_A_GROUP))
		violated("a rollback goes from %lld to %lld", (long long)world.seen->index,
			 (long long)index);
	world.seen->run = run;
	world.seen->index = index;
	world.seen->backward = backward;
}

/* What was asked for is nothing to do. */
static bool is_so_already(const struct row_seen *row)
{
	return row->status ==
	       (row->wanted == WANTED_RUN ? (int)STATUS_COMPLETED : (int)STATUS_ROLLED_BACK);
}

/* After invariant_row(). What an operator has asked for is not forgotten, and what is given back
 * was asked to be. */
void invariant_words(const struct row_seen *now)
{
	const struct row_seen *before = &world.seen->row;

	if (before->wanted != WANTED_NOTHING && now->wanted == WANTED_NOTHING &&
	    !world.seen->claimed && !is_so_already(before))
		violated("what was asked for is forgotten");
	if (before->active && now->active && before->stop && !now->stop && !world.seen->backward)
		violated("that a stop was asked for is forgotten");
	if (before->active && !before->stop &&
	    (now->status == STATUS_STOPPED || now->status == STATUS_NOT_STARTED))
		violated("it is stopped, and nobody has asked for that");
	world.seen->row = *now;
	world.seen->claimed = false;
}

void invariant_doubt(struct str detail)
{
	size_t len = strlen(world.said);

	/* The target was out of reach, so that nothing was asked. */
	if (!world.running || me()->target_cut_until + 60 * SECOND >= world.now)
		return;
	if (len && detail.len > len &&
	    memcmp(detail.ptr + detail.len - len, world.said, len) == 0)
		violated("what was said of %s is not believed", world.said);
	if (!world.plan->doubts)
		violated("%.*s is in doubt, and it could be found out", STR_ARG(detail));
}

/* Nobody has edited the state by hand, and who could reach the store all the time keeps its lease.
 */
void invariant_outcome(enum outcome o, const struct error *err, struct str name)
{
	const struct watched *w = watched_of(name);
	int64_t well_since = me()->store_cut_until > me()->paused_until ? me()->store_cut_until
								   : me()->paused_until;

	if (o == OUTCOME_NOT_NOW && strstr(err->message, "has lost its lease") && w->row.active &&
	    w->owner == me()->incarnation && w->lease_until > world.now &&
	    well_since + 2 * LEASE_LENGTH_MS * MS < world.now)
		violated("process %lld gives up what it has", (long long)me()->incarnation);
	if (o == OUTCOME_DAMAGED || o == OUTCOME_USAGE)
		violated("a run is refused: %s", err->message);
}

void invariant_end(bool completed)
{
	for (int i = 0; i < KEYS; i++) {
		int count = ledger_count(i);

		if (completed && count != is_expected(i))
			violated("the run is completed, and effect %d has happened %d times", i,
				 count);
		if (!completed && count && !(world.plan->may_stay & bit(i)))
			violated("the run is undone, and effect %d is there", i);
	}
	if (completed && world.plan->fails)
		violated("a run is completed that fails");
	if (world.plan->locked && database_has_lock())
		violated("the run has ended, and has the lock still");
	world.over = true;
	trace("the end: %s", completed ? "completed" : "rolled back");
}
