/* part.c - small parts of clauses and declarations: names, versions, params */
#include "grammar/tree.h"

struct names names_add(struct parser *p, struct names list, struct name name)
{
	struct name_list *n = arena_new(p->arena, struct name_list);

	n->name = name;
	LIST_ADD(&list, n);
	list.count++;
	return list;
}

struct holes holes_add(struct parser *p, struct holes list, struct span open,
	struct expression *value, struct span close)
{
	struct hole *hole = arena_new(p->arena, struct hole);

	hole->open = open;
	hole->value = value;
	hole->close = close;
	LIST_ADD(&list, hole);
	return list;
}

struct name plain_name(struct parser *p, const struct expression *string)
{
	return (struct name){ expression_plain(p, string, "the name of a migration"),
		string->span };
}

/* Whether the sign stands before the place. */
static bool is_behind(const struct parser *p, struct span span, const char *sign)
{
	const char *text = p->scan.text.ptr;
	uint32_t at = span.start;

	while (at && (text[at - 1] == ' ' || text[at - 1] == '\t'))
		at--;
	return at >= 2 && memcmp(text + at - 2, sign, 2) == 0;
}

struct str bad_version(struct parser *p, struct span span)
{
	struct str text = scan_text(&p->scan, span);
	const char *rest = memchr(text.ptr, '.', text.len) ? ".0" : ".0.0";
	size_t number = diag_add(p->diags, span, DIAG_BAD_VERSION, arena_c(p->arena, text));

	diag_help(p->diags, number, "a version has three numbers: %.*s%s", STR_ARG(text), rest);
	if (is_behind(p, span, "..") || is_behind(p, span, "<="))
		diag_help(p->diags, number,
			"a version has three numbers: %.*s%s, or the last one that is meant by "
			"%.*s, for it belongs to the range",
			STR_ARG(text), rest, STR_ARG(text));
	else if (span.end >= p->scan.text.len || p->scan.text.ptr[span.end] != '.')
		diag_fix(p->diags, number,
			(struct span){ span.source, span.end, span.end }, "%s", rest);
	return (struct str){ 0 };
}

/* Without a version, which was reported, there is no condition. */
struct str comparator(struct parser *p, const char *sign, struct str version)
{
	if (!version.len)
		return version;
	return arena_format(p->arena, "%s %.*s", sign, STR_ARG(version));
}

struct str comparators(struct parser *p, struct str left, struct str right)
{
	if (!left.len || !right.len)
		return left.len ? left : right;
	return arena_format(p->arena, "%.*s, %.*s", STR_ARG(left), STR_ARG(right));
}

struct param_syntax *param_new(struct parser *p, const struct expression *doc)
{
	struct param_syntax *param = arena_new(p->arena, struct param_syntax);

	if (doc)
		param->doc = expression_plain(p, doc, "the documentation of a param");
	return param;
}

struct param_syntax *param_within(struct parser *p, struct span span, struct param_syntax *param,
	struct expression *min, struct expression *max)
{
	if (param->within_min)
		diag_add(p->diags, span, DIAG_CLAUSE_TWICE, "within");
	param->within_min = min;
	param->within_max = max;
	return param;
}

struct param_syntax *param_one_of(struct parser *p, struct span span, struct param_syntax *param,
	struct expression *list)
{
	if (param->one_of)
		diag_add(p->diags, span, DIAG_CLAUSE_TWICE, "one of");
	param->one_of = list;
	return param;
}

struct clause clause_versions(struct span span, struct str min, struct str max)
{
	struct clause clause = clause_of(CLAUSE_VERSIONS, span);

	clause.versions.min = min;
	clause.versions.max = max;
	return clause;
}

struct clause clause_need(struct parser *p, struct span span, struct name name, struct name kind,
	struct str range)
{
	struct clause clause = clause_of(CLAUSE_NEEDS, span);

	clause.need = arena_new(p->arena, struct need_syntax);
	clause.need->span = span;
	clause.need->name = name;
	clause.need->kind = kind;
	clause.need->range = range;
	return clause;
}

struct clause clause_per(struct span span, enum per_syntax per)
{
	struct clause clause = clause_of(CLAUSE_PER, span);

	clause.per = per;
	return clause;
}

struct clause clause_need_broken(struct parser *p, struct span span, struct name name)
{
	struct clause clause =
		clause_need(p, span, name, (struct name){ 0 }, (struct str){ 0 });

	clause.need->is_broken = true;
	return clause;
}

struct clause clause_allow(struct parser *p, struct span span, struct name code,
	const struct expression *why)
{
	struct clause clause = clause_of(CLAUSE_ALLOW, span);

	clause.allow = arena_new(p->arena, struct allow_syntax);
	clause.allow->span = span;
	clause.allow->code = code;
	clause.allow->why = expression_plain(p, why, "the reason of `allow`");
	return clause;
}

struct clause clause_param(struct span span, struct param_syntax *param, struct name name,
	struct type_syntax *type, struct expression *value)
{
	struct clause clause = clause_of(CLAUSE_PARAM, span);

	clause.param = param;
	param->span = span;
	param->name = name;
	param->type = type;
	param->value = value;
	return clause;
}

/* ---- declarations ---- */
struct declaration *declaration_new(struct parser *p, enum declaration_kind kind, struct span span,
	struct name name)
{
	struct declaration *d = arena_new(p->arena, struct declaration);

	d->kind = kind;
	d->span = span;
	d->name = name;
	d->doc = scan_doc_before(&p->scan, span.start);
	return d;
}

struct declaration *declaration_const(struct parser *p, struct span span, struct name name,
	struct type_syntax *type, struct expression *value)
{
	struct declaration *d = declaration_new(p, DECLARATION_CONST, span, name);

	d->constant.type = type;
	d->constant.value = value;
	return d;
}

struct declaration *declaration_type(struct parser *p, struct span span, struct name name,
	struct type_syntax *type)
{
	struct declaration *d = declaration_new(p, DECLARATION_TYPE, span, name);

	d->type = type;
	return d;
}

struct declaration *declaration_fn(struct parser *p, enum declaration_kind kind, struct span span,
	struct name name, struct parameters parameters, struct type_syntax *result,
	struct block *body)
{
	struct declaration *d = declaration_new(p, kind, span, name);

	d->fn.parameters = parameters.first;
	d->fn.result = result;
	d->fn.body = body;
	return d;
}

struct declaration *declaration_migration(struct parser *p, struct span span, struct span head,
	const struct expression *name, struct migration_body *body)
{
	struct declaration *d =
		declaration_new(p, DECLARATION_MIGRATION, span, plain_name(p, name));

	if (p->migrations++)
		diag_add(p->diags, name->span, DIAG_MIGRATION_TWICE);
	d->migration = body->migration;
	d->migration->head = head;
	return d;
}
