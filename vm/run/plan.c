/* plan.c - the flat list of operations of a run, made once; and its rows read back */
#include "vm/run/block.h"
#include "vm/run/host.h"

#define PLAN_OPERATIONS_MAX 1000000

/* The hosts of operations that say `per shard`, or `per replica`, on a connection. */
struct chosen {
	uint32_t need, flags;
	struct cluster_host *hosts;
	size_t count;
};

struct planning {
	struct run *r;
	VEC(struct chosen) chosen;
	VEC(struct operation_row) rows;
	struct block_plan blocks;
};

enum outcome plan_setup(struct run *r, struct error *err)
{
	struct value all = value_null();
	struct value *frozens = arena_array(&r->arena, struct value, r->module.frozen_count + 1);
	enum outcome o;

	if (r->module.migration.setup == NO_INDEX || r->module.frozen_count == 0) {
		r->frozens = frozens;
		return OUTCOME_OK;
	}
	/* The setup function itself reads no frozen: they are what it makes. */
	o = evaluate(r, r->module.migration.setup, NULL, &all, NULL, NULL, err);
	if (o != OUTCOME_OK) {
		error_prefix(err, "cannot compute what the run starts from: ");
		return o;
	}
	if (all.kind != VALUE_RECORD || all.record->count != r->module.frozen_count)
		BUG("setup gave something else than a record of %u", r->module.frozen_count);
	for (uint32_t i = 0; i < r->module.frozen_count; i++)
		frozens[i] = all.record->at[i];
	r->frozens = frozens;
	return OUTCOME_OK;
}

static enum outcome add(struct planning *p, struct operation_row row, bool per_host, bool first,
			struct error *err)
{
	if (p->rows.count >= PLAN_OPERATIONS_MAX)
		return error_set(err, OUTCOME_FAILED, "the plan has more than %d operations",
				 PLAN_OPERATIONS_MAX);
	row.index = (int64_t)p->rows.count;
	row.block = row.at_once = 0;
	block_plan_add(&p->blocks, &p->r->module, &row, per_host, first);
	vec_push(&p->rows, row);
	return OUTCOME_OK;
}

static enum outcome choose_hosts(struct planning *p, const struct operation *op,
				 const struct chosen **out, struct error *err)
{
	struct chosen c = { .need = op->need,
			    .flags = op->flags & (OPERATION_PER_SHARD | OPERATION_PER_REPLICA) };
	enum outcome o;

	for (size_t i = 0; i < p->chosen.count; i++)
		if (p->chosen.at[i].need == c.need && p->chosen.at[i].flags == c.flags) {
			*out = &p->chosen.at[i];
			return OUTCOME_OK;
		}
	o = host_choose(p->r, op, &c.hosts, &c.count, err);
	if (o != OUTCOME_OK)
		return o;
	vec_push(&p->chosen, c);
	*out = &p->chosen.at[p->chosen.count - 1];
	return OUTCOME_OK;
}

/* One of the plan for each host. */
static enum outcome add_for_hosts(struct planning *p, const struct operation *op,
				  struct operation_row row, struct error *err)
{
	const struct chosen *c;
	struct str label = row.label, connection = row.connection;
	struct buf text = { 0 };
	enum outcome o = choose_hosts(p, op, &c, err);

	if (o == OUTCOME_OK && c->count == 0)
		return add(p, row, false, true, err);
	for (size_t i = 0; o == OUTCOME_OK && i < c->count; i++) {
		buf_reset(&text);
		host_print(&c->hosts[i], c->flags & OPERATION_PER_REPLICA, label, &text);
		row.label = arena_str(&p->r->arena, buf_view(&text));
		buf_reset(&text);
		buf_format(&text, "%.*s@%.*s", STR_ARG(connection), STR_ARG(c->hosts[i].name));
		row.connection = arena_str(&p->r->arena, buf_view(&text));
		o = add(p, row, true, i == 0, err);
	}
	buf_clear(&text);
	return o;
}

/* What is planned from here on: so much of it at once. */
static enum outcome begin_block(struct planning *p, const struct machine_request *q,
				struct error *err)
{
	struct buf place = { 0 };

	p->blocks.open = false;
	p->blocks.wanted = q->op == OP_PARALLEL ? q->value.number : 0;
	if (q->op != OP_PARALLEL || (p->blocks.wanted >= 1 && p->blocks.wanted <= AT_ONCE_MAX))
		return OUTCOME_OK;
	module_place(&p->r->module, q->function, q->pc, &place);
	error_set(err, OUTCOME_FAILED, "%.*s: `parallel` is %lld, and must be 1 to %d",
		  STR_ARG(buf_view(&place)), (long long)p->blocks.wanted, AT_ONCE_MAX);
	buf_clear(&place);
	return err->outcome;
}

static enum outcome planned(void *context, const struct machine_request *q, struct error *err)
{
	struct planning *p = context;
	struct run *r = p->r;
	const struct operation *op;
	struct operation_row row = { .operation = q->operation, .rows = -1 };
	struct buf bytes = { 0 };

	if (q->op != OP_PLAN)
		return begin_block(p, q, err);
	op = &r->module.operations[q->operation];
	row.label = arena_str(&r->arena, value_text(q->value));
	row.connection = op->need == NO_INDEX
				 ? STR("")
				 : arena_str(&r->arena, r->module.needs[op->need].name);
	value_encode(q->options, &bytes);
	row.options = arena_str(&r->arena, buf_view(&bytes));
	buf_reset(&bytes);
	encode_values(q->captures, op->capture_count, &bytes);
	row.captures = arena_str(&r->arena, buf_view(&bytes));
	buf_clear(&bytes);
	if (op->flags & (OPERATION_PER_SHARD | OPERATION_PER_REPLICA))
		return add_for_hosts(p, op, row, err);
	return add(p, row, false, true, err);
}

enum outcome plan_make(struct run *r, struct error *err)
{
	struct planning p = { .r = r };
	enum outcome o = evaluate(r, r->module.migration.plan, NULL, NULL, planned, &p, err);

	if (o != OUTCOME_OK)
		error_prefix(err, "cannot make the plan: ");
	r->plan = arena_array(&r->arena, struct operation_row,
			      p.rows.count + (size_t)r->endings.count + 1);
	r->count = (int64_t)p.rows.count;
	for (int e = 0; e < ENDING_COUNT; e++) {
		int64_t at = ending_at(r, (enum ending)e);

		if (at < 0)
			continue;
		r->plan[at] = ending_row(r, (enum ending)e);
		r->plan[at].index = at;
	}
	if (p.rows.count)
		memcpy(r->plan, p.rows.at, p.rows.count * sizeof(*r->plan));
	block_plan_end(r->plan, r->count);
	vec_clear(&p.rows);
	vec_clear(&p.chosen);
	return o;
}

enum outcome plan_captures(struct run *r, const struct operation_row *row, const struct value **out,
			   struct error *err)
{
	struct value *values;
	const struct operation *op = ending_operation(r, row->operation);
	enum outcome o =
		decode_values(r, row->captures, op->capture_count, &values, "captured values", err);

	*out = values;
	for (uint32_t i = 0; o == OUTCOME_OK && i < op->capture_count; i++)
		if (!value_is(values[i], &r->module.types, op->capture_types[i]))
			o = error_set(
				err, OUTCOME_DAMAGED,
				"operation %lld \"%.*s\" has a captured value of another type",
				(long long)row->index, STR_ARG(row->label));
	return o;
}

enum outcome plan_act(struct run *r, int64_t index, bool backward, struct act *out,
		      struct error *err)
{
	const struct operation_row *row = &r->plan[index];
	struct reader reader = reader_of(row->options);
	struct value options;

	if (!ending_operation(r, row->operation))
		return error_set(err, OUTCOME_DAMAGED,
				 "operation %lld of the stored plan is not one of its module",
				 (long long)index);
	*out = (struct act){ .index = index,
			     .backward = backward,
			     .attempts = row->attempts,
			     .rows = -1,
			     .operation = ending_operation(r, row->operation) };
	out->function = backward ? out->operation->rollback : out->operation->forward;
	if (!value_decode(&reader, &r->heap, &options) ||
	    (options.kind == VALUE_RECORD &&
	     !value_is(options, &r->module.types, out->operation->options)))
		return error_set(err, OUTCOME_DAMAGED,
				 "the options of operation %lld of the stored plan are damaged",
				 (long long)index);
	policy_read(r, out->operation, options, &out->policy, &r->arena);
	return OUTCOME_OK;
}
