/* postgres_catalog.c - what PostgreSQL's catalog says of the columns of a query and of a table */
#include "vm/connection/postgres_binary.h"
#include "vm/connection/postgres_kind.h"
#include "vm/connection/postgres_text.h"
#include "vm/base/sql.h"

#define VARHDRSZ 4
#define OID_OID 26

/* Of c (typ, mod): a domain is what it is made of. */
#define TYPE                                                                                       \
	"format_type(c.typ, c.mod), b.oid, "                                                       \
	"CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE c.mod END, "                              \
	"CASE WHEN b.typtype = 'e' THEN 'e' ELSE b.typcategory END, coalesce(e.oid, 0), "          \
	"CASE WHEN e.typtype = 'e' THEN 'e' ELSE e.typcategory END"
#define TYPE_JOINS                                                                                 \
	" JOIN pg_type AS t ON t.oid = c.typ JOIN pg_type AS b ON b.oid = "                        \
	"CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END "                             \
	"LEFT JOIN pg_type AS e ON e.oid = b.typelem AND b.typcategory = 'A'"
enum { TYPE_NAME, TYPE_OID, TYPE_MOD, TYPE_CATEGORY, TYPE_ELEMENT, TYPE_ELEMENT_CATEGORY,
       TYPE_COLUMNS };

static const struct {
	long oid;
	enum stream_family family;
	int bits, form;
} types[] = {
#define POSTGRES_STREAM(oid, family, bits, form) { oid, FAMILY_##family, bits, BINARY_##form },
#include "vm/connection/postgres_stream_type.def"
#undef POSTGRES_STREAM
};

static void classify(struct stream_type *t, long oid, long mod, char category)
{
	t->family = category == 'e'   ? FAMILY_ENUM
		    : category == 'S' ? FAMILY_TEXT
				      : FAMILY_OTHER;
	t->form = category == 'e' ? BINARY_TEXT : BINARY_NONE;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (types[i].oid == oid) {
			t->family = types[i].family;
			t->bits = types[i].bits;
			t->form = types[i].form;
		}
	t->is_signed = oid != OID_OID;
	if (t->family == FAMILY_DECIMAL && mod >= VARHDRSZ) {
		t->precision = (int)((mod - VARHDRSZ) >> 16 & 0xffff);
		t->scale = (int)((mod - VARHDRSZ) & 0x7ff);
	}
	if (t->family == FAMILY_TIMESTAMP || t->family == FAMILY_INSTANT)
		t->scale = mod >= 0 ? (int)mod : 6;
}

static void read_type(struct stream *out, struct stream_type *t, const PGresult *r, int row,
		      int first)
{
	long oid = strtol(PQgetvalue(r, row, first + TYPE_OID), NULL, 10);
	long mod = strtol(PQgetvalue(r, row, first + TYPE_MOD), NULL, 10);
	long element = strtol(PQgetvalue(r, row, first + TYPE_ELEMENT), NULL, 10);
	struct stream_type *e;

	t->name = arena_str(&out->arena, str_c(PQgetvalue(r, row, first + TYPE_NAME)));
	classify(t, oid, mod, PQgetvalue(r, row, first + TYPE_CATEGORY)[0]);
	if (!element)
		return;
	e = arena_new(&out->arena, struct stream_type);
	e->name = t->name;
	e->is_nullable = true;
	classify(e, element, mod, PQgetvalue(r, row, first + TYPE_ELEMENT_CATEGORY)[0]);
	t->family = FAMILY_ARRAY;
	t->element = e;
}

/* ---- a query ---- */

/* A NOT NULL column is none behind an outer join. */
static bool may_add_nulls(struct str sql)
{
	static const char *const words[] = { "left",   "right", "full",	 "rollup",
					     "cube",   "grouping", "union", "except" };
	struct sql_scan scan = { SQL_POSTGRES, sql };
	struct str text;
	enum sql_token token;

	while ((token = sql_token(&scan, &text)) != SQL_TOKEN_END)
		for (size_t i = 0; token == SQL_TOKEN_WORD && i < ARRAY_SIZE(words); i++)
			if (text.len == strlen(words[i]) &&
			    strncasecmp(text.ptr, words[i], text.len) == 0)
				return true;
	return false;
}

static enum outcome last_answer(struct postgres *session, const struct watch *watch, PGresult **out,
				struct error *err)
{
	enum outcome failed = OUTCOME_OK;

	*out = NULL;
	for (;;) {
		PGresult *answer;
		enum outcome o = postgres_result(session, watch, &answer, err);

		if (o != OUTCOME_OK || !answer) {
			PQclear(answer);
			o = o == OUTCOME_OK ? failed : o;
			if (o != OUTCOME_OK) {
				PQclear(*out);
				*out = NULL;
			}
			return o;
		}
		if (failed == OUTCOME_OK && postgres_result_failed(answer))
			failed = postgres_fail(session, answer, err);
		PQclear(*out);
		*out = answer;
	}
}

/* The extended protocol takes one whole statement, and nothing that goes on behind it. */
static enum outcome prepare(struct postgres *session, struct str sql, const struct watch *watch,
			    PGresult **out, struct error *err)
{
	struct buf text = { 0 };
	enum outcome o;

	*out = NULL;
	if (memchr(sql.ptr, 0, sql.len))
		return error_set(err, OUTCOME_FAILED,
				 "a PostgreSQL statement cannot hold the character U+0000");
	buf_str(&text, sql);
	session->shift = 0;
	session->sent = true;
	if (!PQsendPrepare(session->pg, "", text.ptr, 0, NULL)) {
		o = postgres_fail(session, NULL, err);
	} else {
		o = last_answer(session, watch, out, err);
		PQclear(*out);
		*out = NULL;
	}
	buf_clear(&text);
	if (o != OUTCOME_OK)
		return o;
	session->sent = true;
	if (!PQsendDescribePrepared(session->pg, ""))
		return postgres_fail(session, NULL, err);
	return last_answer(session, watch, out, err);
}

static enum outcome look_up(struct postgres *session, const PGresult *described,
			    const struct watch *watch, PGresult **out, struct error *err)
{
	struct buf sql = { 0 };
	enum outcome o;

	buf_text(&sql, "SELECT " TYPE ", coalesce(a.attnotnull, false) FROM (VALUES ");
	for (int i = 0; i < PQnfields(described); i++)
		buf_format(&sql, "%s(%d, %u::oid, %d, %u::oid, %d)", i ? ", " : "", i,
			   PQftype(described, i), PQfmod(described, i), PQftable(described, i),
			   PQftablecol(described, i));
	buf_text(&sql, ") AS c (n, typ, mod, rel, att)" TYPE_JOINS
		       " LEFT JOIN pg_attribute AS a ON a.attrelid = c.rel AND a.attnum = c.att "
		       "ORDER BY c.n");
	o = postgres_query(session, sql.ptr, watch, out, err);
	buf_clear(&sql);
	return o;
}

enum outcome postgres_describe_query(struct postgres *session, struct str sql,
				     const struct watch *watch, struct stream *out,
				     struct error *err)
{
	PGresult *described, *types_of = NULL;
	bool nulls = may_add_nulls(sql);
	enum outcome o = prepare(session, sql, watch, &described, err);

	if (o == OUTCOME_OK && PQnfields(described) == 0)
		o = error_set(err, OUTCOME_FAILED, "the statement gives no rows to copy");
	if (o == OUTCOME_OK)
		o = look_up(session, described, watch, &types_of, err);
	if (o == OUTCOME_OK) {
		out->column_count = (size_t)PQnfields(described);
		out->columns = arena_array(&out->arena, struct stream_column, out->column_count);
	}
	out->can_be_binary = o == OUTCOME_OK;
	for (size_t i = 0; o == OUTCOME_OK && i < out->column_count; i++) {
		struct stream_column *column = &out->columns[i];

		column->name = arena_str(&out->arena, str_c(PQfname(described, (int)i)));
		read_type(out, &column->type, types_of, (int)i, 0);
		column->type.is_nullable =
			nulls || PQgetvalue(types_of, (int)i, TYPE_COLUMNS)[0] != 't';
		column->type.oid = PQftype(described, (int)i);
		out->can_be_binary &= column->type.form != BINARY_NONE;
	}
	PQclear(described);
	PQclear(types_of);
	return o;
}

/* ---- a table ---- */

enum { TABLE_COLUMN = TYPE_COLUMNS, TABLE_NOT_NULL, TABLE_DEFAULT, TABLE_GENERATED, TABLE_ALLOWED };

static bool is_yes(const PGresult *r, int row, int column)
{
	return PQgetvalue(r, row, column)[0] == 't';
}

static int find_row(const PGresult *r, struct str name)
{
	for (int i = 0; i < PQntuples(r); i++)
		if (str_eq(str_c(PQgetvalue(r, i, TABLE_COLUMN)), name))
			return i;
	return -1;
}

static bool is_listed(const struct stream_target *t, struct str name)
{
	for (size_t i = 0; i < t->column_count; i++)
		if (str_eq(t->columns[i], name))
			return true;
	return false;
}

/* What is not given must be made up by the table. */
static enum outcome check_others(const PGresult *r, const struct stream_target *t,
				 struct error *err)
{
	for (int i = 0; i < PQntuples(r); i++) {
		struct str name = str_c(PQgetvalue(r, i, TABLE_COLUMN));

		if (!is_listed(t, name) && is_yes(r, i, TABLE_NOT_NULL) &&
		    !is_yes(r, i, TABLE_DEFAULT))
			return error_set(err, OUTCOME_FAILED,
					 "column %.*s of the table can't be NULL, has no default "
					 "and is not among the columns that are copied",
					 STR_ARG(name));
	}
	return OUTCOME_OK;
}

static enum outcome take_column(const PGresult *r, struct str name, struct stream *out,
				struct stream_column *column, struct error *err)
{
	int row = find_row(r, name);

	if (row < 0)
		return error_set(err, OUTCOME_FAILED, "the table has no column %.*s",
				 STR_ARG(name));
	if (is_yes(r, row, TABLE_GENERATED))
		return error_set(err, OUTCOME_FAILED,
				 "column %.*s is generated by the server and can't be given",
				 STR_ARG(name));
	if (!is_yes(r, row, TABLE_ALLOWED))
		return error_set(err, OUTCOME_FAILED,
				 "the role may not insert into column %.*s: GRANT INSERT is "
				 "missing",
				 STR_ARG(name));
	column->name = arena_str(&out->arena, name);
	read_type(out, &column->type, r, row, 0);
	column->type.is_nullable = !is_yes(r, row, TABLE_NOT_NULL);
	return OUTCOME_OK;
}

enum outcome postgres_describe_table(struct postgres *session, const struct stream_target *t,
				     const struct watch *watch, struct stream *out,
				     struct error *err)
{
	static const char sql[] =
		"SELECT " TYPE ", c.name, c.required OR t.typnotnull, c.has_default, c.generated, "
		"c.allowed FROM (SELECT attnum AS n, atttypid AS typ, atttypmod AS mod, attname AS "
		"name, attnotnull AS required, atthasdef OR attidentity <> '' AS has_default, "
		"attgenerated <> '' AS generated, has_column_privilege(attrelid, attnum, 'INSERT') "
		"AS allowed FROM pg_attribute WHERE attrelid = to_regclass($1) AND attnum > 0 AND "
		"NOT attisdropped) AS c" TYPE_JOINS " ORDER BY c.n";
	struct buf name = { 0 };
	PGresult *r = NULL;
	enum outcome o;

	for (size_t i = 0; i < t->part_count; i++) {
		buf_text(&name, i ? "." : "");
		postgres_text_ident(&name, t->table[i]);
	}
	o = postgres_query_params(session, sql, 1, (const char *const[]){ name.ptr }, watch, &r,
				  err);
	buf_clear(&name);
	if (o == OUTCOME_OK && PQntuples(r) == 0)
		o = error_set(err, OUTCOME_FAILED, "there is no such table");
	if (o == OUTCOME_OK) {
		out->column_count = t->column_count;
		out->columns = arena_array(&out->arena, struct stream_column, t->column_count + 1);
	}
	for (size_t i = 0; o == OUTCOME_OK && i < t->column_count; i++)
		o = take_column(r, t->columns[i], out, &out->columns[i], err);
	if (o == OUTCOME_OK)
		o = check_others(r, t, err);
	PQclear(r);
	return o;
}
