/* convert.c - rows through the conversions of their columns */
#include "vm/connection/convert.h"
#include "vm/connection/postgres_binary.h"

#define SHOWN_BYTES 60

const char *convert_plan(struct conversion *c, struct arena *a)
{
	const char *why = convert_is_same(c) ? NULL : convert_rule(c, a);

	if (why || convert_is_same(c) || c->check == convert_array)
		return why;
	c->decode = convert_decoder(c);
	c->encode = convert_encoder(c);
	return NULL;
}

static enum outcome refuse(const struct conversion *c, const char *why, struct error *err)
{
	error_set(err, OUTCOME_FAILED, "column %.*s: %.*s does not go into %.*s: %s",
		  STR_ARG(c->name), STR_ARG(c->from->name), STR_ARG(c->to->name), why);
	error_hint(err, "say in the query what it is to become, as in CAST(… AS …), or make the "
			"column of the table another");
	return err->outcome;
}

static bool is_plain(const struct conversion *c)
{
	return !c->decode && !c->check && !c->encode;
}

/* A text of PostgreSQL can't hold the character U+0000. */
static bool refuses_zero(const struct conversion *c)
{
	return c->from->is_raw && c->to_kind == &postgres_kind && c->to->family != FAMILY_BYTES;
}

enum outcome converter_init(struct converter *c, const struct stream *from, const struct stream *to,
			    struct error *err)
{
	*c = (struct converter){ .count = to->column_count,
				  .passes = true,
				  .can_pack = from->can_be_binary && to->can_be_binary };
	c->columns = arena_array(&c->arena, struct conversion, c->count + 1);
	c->fields = arena_array(&c->arena, struct str, c->count + 1);
	for (size_t i = 0; i < c->count; i++) {
		struct conversion *column = &c->columns[i];
		const char *why;

		*column = (struct conversion){ .name = to->columns[i].name,
					       .from = &from->columns[i].type,
					       .to = &to->columns[i].type,
					       .from_kind = from->kind,
					       .to_kind = to->kind };
		why = convert_plan(column, &c->arena);
		if (why)
			return refuse(column, why, err);
		if (c->can_pack)
			convert_pack_plan(column);
		c->can_pack = column->pack != NULL;
		c->passes = c->passes && is_plain(column);
		if (!column->to->is_nullable) {
			c->refuses_null = true;
			column->by_value |= column->from->is_nullable;
		}
		c->refuses_zero |= refuses_zero(column);
		c->by_value |= column->by_value;
	}
	return OUTCOME_OK;
}

void converter_clear(struct converter *c)
{
	buf_clear(&c->scratch[0]);
	buf_clear(&c->scratch[1]);
	buf_clear(&c->why);
	buf_clear(&c->line);
	buf_clear(&c->spare);
	vec_clear(&c->left_out);
	arena_clear(&c->arena);
	*c = (struct converter){ 0 };
}

bool convert_field(const struct conversion *c, struct str field, struct buf scratch[2],
		   struct buf *out, struct buf *why)
{
	const convert_fn steps[] = { c->decode, c->check, c->encode };
	size_t last = ARRAY_SIZE(steps), turn = 0;

	while (last > 0 && !steps[last - 1])
		last--;
	if (last == 0) {
		buf_str(out, field);
		return true;
	}
	for (size_t i = 0; i < last; i++) {
		struct buf *to = i + 1 == last ? out : &scratch[turn];

		if (!steps[i])
			continue;
		if (to != out)
			buf_reset(to);
		if (!steps[i](c, field, to, why))
			return false;
		if (to != out)
			field = buf_view(to);
		turn = 1 - turn;
	}
	return true;
}

static enum outcome refuse_value(struct converter *c, const struct conversion *column,
				 struct str field, struct error *err)
{
	bool cut = field.len > SHOWN_BYTES;

	if (cut)
		field.len = SHOWN_BYTES;
	while (cut && field.len && ((unsigned char)field.ptr[field.len] & 0xc0) == 0x80)
		field.len--;
	error_set(err, OUTCOME_FAILED,
		  "row %lld, column %.*s (%.*s into %.*s): %.*s%s: %.*s", (long long)c->rows + 1,
		  STR_ARG(column->name), STR_ARG(column->from->name), STR_ARG(column->to->name),
		  STR_ARG(field), cut ? "…" : "", STR_ARG(buf_view(&c->why)));
	return err->outcome;
}

static bool has_zero(struct str field)
{
	for (size_t i = 0; i + 1 < field.len; i++)
		if (field.ptr[i] == '\\' && field.ptr[++i] == '0')
			return true;
	return false;
}

static enum outcome convert_one(struct converter *c, const struct conversion *column,
				struct str field, struct buf *out, struct error *err)
{
	buf_reset(&c->why);
	if (stream_is_null(field)) {
		if (column->to->is_nullable) {
			buf_str(out, field);
			return OUTCOME_OK;
		}
		buf_text(&c->why, "the column of the table can't be NULL");
		return refuse_value(c, column, STR("NULL"), err);
	}
	if (refuses_zero(column) && has_zero(field)) {
		buf_text(&c->why, "a text can't hold the character U+0000 there");
		return refuse_value(c, column, field, err);
	}
	if (is_plain(column)) {
		buf_str(out, field);
		return OUTCOME_OK;
	}
	if (!convert_field(column, field, c->scratch, out, &c->why))
		return refuse_value(c, column, field, err);
	return OUTCOME_OK;
}

/* Nothing is to be looked at but whether it is NULL. */
static bool goes_as_it_is(const struct conversion *c, struct str field)
{
	return is_plain(c) && !refuses_zero(c) && (c->to->is_nullable || !stream_is_null(field));
}

/* What needs no conversion is taken over with its tabs, several columns at a time. */
static enum outcome convert_line(struct converter *c, struct str line, struct buf *out,
				 struct error *err)
{
	const char *kept = line.ptr, *end = line.ptr + line.len;
	struct str field;
	size_t n = 0;

	for (; stream_field(&line, &field); n++) {
		enum outcome o;

		if (n == c->count)
			break;
		if (goes_as_it_is(&c->columns[n], field))
			continue;
		buf_add(out, kept, (size_t)(field.ptr - kept));
		kept = field.ptr + field.len;
		o = convert_one(c, &c->columns[n], field, out, err);
		if (o != OUTCOME_OK)
			return o;
	}
	if (n != c->count || line.ptr)
		return error_set(err, OUTCOME_FAILED,
				 "row %lld has not the %zu fields that the query promised",
				 (long long)c->rows + 1, c->count);
	buf_add(out, kept, (size_t)(end - kept));
	buf_byte(out, '\n');
	return OUTCOME_OK;
}

static int64_t count_lines(struct str rows)
{
	int64_t n = 0;

	while (rows.len) {
		const char *at = memchr(rows.ptr, '\n', rows.len);

		if (!at)
			break;
		n++;
		rows.len -= (size_t)(at + 1 - rows.ptr);
		rows.ptr = at + 1;
	}
	return n;
}

int64_t converter_count(struct converter *c, struct str rows)
{
	int64_t n = 0;

	if (!c->from_tuples)
		return count_lines(rows);
	while (postgres_tuple(&rows, c->count, c->fields))
		n++;
	return n;
}

static bool holds(struct str rows, const char *two)
{
	return memmem(rows.ptr, rows.len, two, 2) != NULL;
}

int64_t converter_number(const struct converter *c, int64_t nth)
{
	int64_t number = c->first + nth + 1;

	for (size_t i = 0; i < c->left_out.count && c->left_out.at[i] <= number; i++)
		number++;
	return number;
}

/* One row, or nothing of it. */
static enum outcome add_line(struct converter *c, struct str line, struct buf *out, int64_t *count,
			     struct error *err)
{
	size_t before = out->len;
	enum outcome o = convert_line(c, line, out, err);

	c->rows++;
	if (o == OUTCOME_OK) {
		++*count;
		return o;
	}
	out->len = before;
	if (!c->leave_out)
		return o;
	vec_push(&c->left_out, c->rows);
	return c->leave_out(c->context, c->rows, line, err);
}

static bool print_tuple(struct converter *c)
{
	buf_reset(&c->line);
	for (size_t i = 0; i < c->count; i++) {
		const int form = c->columns[i].from->form;

		buf_text(&c->line, i ? "\t" : "");
		if (!c->fields[i].ptr)
			buf_text(&c->line, "\\N");
		else if (!postgres_binary_print(form, c->fields[i], &c->line))
			return false;
	}
	return true;
}

/* What can't be packed is converted as text, to say why; and where nothing is to be packed. */
static enum outcome add_tuple(struct converter *c, struct buf *out, int64_t *count,
			      struct error *err)
{
	size_t before = out->len;
	int64_t converted = 0;
	enum outcome o;

	if (c->packs && convert_pack_row(c, out)) {
		c->rows++;
		++*count;
		return OUTCOME_OK;
	}
	out->len = before;
	if (!print_tuple(c))
		return error_set(err, OUTCOME_FAILED, "row %lld is not what the query promised",
				 (long long)c->rows + 1);
	if (!c->packs)
		return add_line(c, buf_view(&c->line), out, count, err);
	buf_reset(&c->spare);
	o = add_line(c, buf_view(&c->line), &c->spare, &converted, err);
	if (converted)
		BUG("a row that can be converted and not packed");
	return o;
}

static enum outcome add_tuples(struct converter *c, struct str tuples, struct buf *out,
			       int64_t *count, struct error *err)
{
	while (tuples.len) {
		enum outcome o;

		if (!postgres_tuple(&tuples, c->count, c->fields))
			return error_set(err, OUTCOME_FAILED,
					 "row %lld has not the %zu fields that the query promised",
					 (long long)c->rows + 1, c->count);
		o = add_tuple(c, out, count, err);
		if (o != OUTCOME_OK)
			return o;
	}
	return OUTCOME_OK;
}

enum outcome converter_rows(struct converter *c, struct str rows, struct buf *out, struct str *view,
			    int64_t *count, struct error *err)
{
	*count = 0;
	*view = rows;
	c->first = c->rows;
	c->left_out.count = 0;
	if (c->from_tuples) {
		enum outcome o;

		buf_reset(out);
		o = add_tuples(c, rows, out, count, err);
		*view = buf_view(out);
		return o;
	}
	if (c->passes && !(c->refuses_null && holds(rows, "\\N")) &&
	    !(c->refuses_zero && holds(rows, "\\0"))) {
		*count = count_lines(rows);
		c->rows += *count;
		return OUTCOME_OK;
	}
	buf_reset(out);
	while (rows.len) {
		const char *end = memchr(rows.ptr, '\n', rows.len);
		struct str line = { rows.ptr, end ? (size_t)(end - rows.ptr) : rows.len };
		enum outcome o = add_line(c, line, out, count, err);

		if (o != OUTCOME_OK)
			return o;
		rows.ptr += line.len + (end != NULL);
		rows.len -= line.len + (end != NULL);
	}
	*view = buf_view(out);
	return OUTCOME_OK;
}
