/* copy_operand.c - what the operands of a COPY say, and how it is told */
#include "vm/run/copy_operand.h"
#include "vm/run/copy.h"
#include "vm/run/render.h"

#define COLUMNS_MAX 1000

enum operand { OPERAND_FROM, OPERAND_SQL, OPERAND_TO, OPERAND_TABLE, OPERAND_COLUMNS,
	       OPERAND_OPTIONS };

uint32_t copy_need(const struct machine_request *q)
{
	return q->op == OP_COPY ? q->operands[OPERAND_TO].need : q->need;
}

static enum outcome refuse(const char *why, struct error *err)
{
	return error_set(err, OUTCOME_FAILED, "`copy`: %s", why);
}

/* Also what the verifier cannot see of a bundle that amigc has not made. */
static enum outcome check_options(const struct machine_request *q, struct error *err)
{
	if (q->operands[OPERAND_COLUMNS].list->count == 0 ||
	    q->operands[OPERAND_COLUMNS].list->count > COLUMNS_MAX)
		return refuse("it names no columns, or too many", err);
	return OUTCOME_OK;
}

const struct value *copy_option(const struct machine_request *q, enum value_kind kind)
{
	const struct value *options = &q->operands[OPERAND_OPTIONS];

	for (uint32_t i = 0; options->kind == VALUE_RECORD && i < options->record->count; i++)
		if (options->record->at[i].kind == kind)
			return &options->record->at[i];
	return NULL;
}

bool copy_wants_verify(const struct machine_request *q)
{
	const struct value *verify = copy_option(q, VALUE_BOOL);

	return verify && verify->flag;
}

const struct str *copy_texts(struct arena *a, const struct list *list)
{
	struct str *at = arena_array(a, struct str, list->count + 1);

	for (size_t i = 0; i < list->count; i++)
		at[i] = arena_str(a, value_text(list->store->at[i]));
	return at;
}

struct stream_target copy_table(const struct machine_request *q, struct arena *a)
{
	const struct list *table = q->operands[OPERAND_TABLE].list;
	const struct list *columns = q->operands[OPERAND_COLUMNS].list;

	return (struct stream_target){ .table = copy_texts(a, table),
				       .part_count = table->count,
				       .columns = copy_texts(a, columns),
				       .column_count = columns->count };
}

/* Behind a query nothing may stand that would end it. */
struct str copy_trim_query(struct str sql)
{
	sql = str_trim(sql);
	while (str_ends(sql, STR(";")))
		sql = str_trim((struct str){ sql.ptr, sql.len - 1 });
	return sql;
}

enum outcome copy_print_query(struct run *r, const struct machine_request *q,
			      const struct connection *from, struct buf *out, struct error *err)
{
	struct machine_request query = *q;
	enum outcome o;

	query.value = q->operands[OPERAND_SQL];
	o = request_render(r, &query, from->kind, out, err);
	if (o == OUTCOME_OK && copy_trim_query(buf_view(out)).len == 0)
		o = refuse("there is no query", err);
	return o;
}

static void print_options(const struct machine_request *q, struct buf *out)
{
	const struct value *table = copy_option(q, VALUE_IDENT);
	const struct value *limit = copy_option(q, VALUE_INT);

	for (size_t i = 0; table && i < table->list->count; i++) {
		struct str part = value_text(table->list->store->at[i]);

		buf_format(out, "%s%.*s", i ? "." : "; refused rows into ", STR_ARG(part));
	}
	if (table && limit)
		buf_format(out, ", at most %lld", (long long)limit->number);
	buf_text(out, copy_wants_verify(q) ? "; verified */" : " */");
}

enum outcome copy_render(struct run *r, const struct machine_request *q,
			 const struct policy *policy, struct connection *to, struct buf *out,
			 struct error *err)
{
	struct arena arena = { 0 };
	struct buf query = { 0 };
	struct connection *from;
	struct stream_target table;
	enum outcome o = check_options(q, err);

	if (o == OUTCOME_OK)
		o = request_connection(r, q->need, policy, &from, err);
	if (o == OUTCOME_OK && (!from->kind->stream || !to->kind->stream))
		o = refuse("one of the connections has no rows to give or to take", err);
	if (o == OUTCOME_OK)
		o = copy_print_query(r, q, from, &query, err);
	if (o == OUTCOME_OK) {
		table = copy_table(q, &arena);
		buf_reset(out);
		to->kind->stream->print_target(out, &table);
		buf_format(out, "\n/* the rows of %s: %.*s", from->name,
			   STR_ARG(copy_trim_query(buf_view(&query))));
		print_options(q, out);
	}
	buf_clear(&query);
	arena_clear(&arena);
	return o;
}

bool copy_is_comparable(const struct machine_request *q)
{
	return !copy_option(q, VALUE_IDENT);
}
