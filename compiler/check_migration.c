/* check_migration.c - the clauses of a migration */
#include "compiler/checker.h"
#include "vm/base/semver.h"

#define NAME_MAX_BYTES 120

/* The name is the key of its state for ever, a file name and an argument of commands. */
bool migration_name_is_good(struct str name)
{
	if (name.len == 0 || name.len > NAME_MAX_BYTES || name.ptr[0] == '-' || name.ptr[0] == '.')
		return false;
	for (size_t i = 0; i < name.len; i++) {
		char c = name.ptr[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		      c == '_' || c == '-' || c == '.'))
			return false;
	}
	return true;
}

/* ---- versions and needs ---- */

static void check_versions(struct checker *c, const struct migration_syntax *m)
{
	struct semver least, most;

	if (!semver_parse(m->min_version, &least) || !semver_parse(m->max_version, &most))
		return;
	if (semver_compare(least, most) > 0)
		wrong(c, m->versions_span, DIAG_REVERSED, "versions");
}

/* The bounds of ">= 21.6.0, < 24.0.0" leave something between them. */
static void check_range(struct checker *c, const struct need_syntax *need)
{
	struct semver least = { 0 }, most = { 0 }, version;
	bool has_least = false, has_most = false, open = false;
	struct str rest = need->range;

	while (rest.len) {
		ptrdiff_t comma = str_find(rest, STR(","));
		size_t len = comma < 0 ? rest.len : (size_t)comma, skip = 0;
		struct str one = str_trim((struct str){ rest.ptr, len });

		rest = comma < 0 ? STR("") : (struct str){ rest.ptr + len + 1, rest.len - len - 1 };
		while (skip < one.len && memchr("<>=", one.ptr[skip], 3))
			skip++;
		if (!semver_parse(str_trim((struct str){ one.ptr + skip, one.len - skip }),
				  &version))
			return;
		if (one.ptr[0] != '<' && (!has_least || semver_compare(version, least) > 0)) {
			least = version;
			has_least = true;
		}
		if (one.ptr[0] != '>' && (!has_most || semver_compare(version, most) < 0)) {
			most = version;
			has_most = true;
		}
		open = open || (skip == 1 && one.ptr[0] != '=');
	}
	if (has_least && has_most &&
	    (semver_compare(least, most) > 0 || (open && semver_compare(least, most) == 0)))
		wrong(c, need->span, DIAG_RANGE_EMPTY, kept(c->unit, need->range));
}

/* `needs postgres: db` */
static void mend_exchanged(struct checker *c, size_t number, const struct need_syntax *n)
{
	diag_help(&c->unit->diags, number, "the name stands first: `needs %.*s: %.*s`",
		  STR_ARG(n->kind.text), STR_ARG(n->name.text));
	diag_fix(&c->unit->diags, number, n->name.span, "%.*s", STR_ARG(n->kind.text));
	diag_fix(&c->unit->diags, number, n->kind.span, "%.*s", STR_ARG(n->name.text));
}

static void check_needs(struct checker *c, struct migration_syntax *m)
{
	uint32_t count = 0;

	for (struct need_syntax *n = m->needs; n; n = n->next)
		count++;
	c->migration->needs = arena_array(&c->unit->arena, struct symbol *, count + 1);
	for (struct need_syntax *n = m->needs; n; n = n->next) {
		struct name kind = n->kind.text.len ? n->kind : n->name;
		uint32_t type = TYPE_NEVER;

		if (type_is_connection_kind(kind.text)) {
			type = types_connection(&c->unit->types, kind.text);
		} else if (kind.text.len && !n->is_broken) {
			struct str known[8];
			size_t known_count = 0, number = wrong(c, kind.span, DIAG_UNKNOWN_KIND,
							       kept(c->unit, kind.text));

			for (; type_connection_kinds[known_count]; known_count++)
				known[known_count] = str_c(type_connection_kinds[known_count]);
			suggest(c, number, diag_nearest(kind.text, known, known_count));
			if (n->kind.text.len && type_is_connection_kind(n->name.text))
				mend_exchanged(c, number, n);
		}
		check_range(c, n);
		n->symbol =
			declare(c, type == TYPE_NEVER ? SYMBOL_ERROR : SYMBOL_NEED, n->name, type);
		n->symbol->need = n;
		n->symbol->number = c->migration->need_count;
		c->migration->needs[c->migration->need_count++] = n->symbol;
	}
}

/* ---- params ---- */

static bool is_param_type(const struct unit *u, uint32_t type)
{
	const struct type *t = types_get(&u->types, type);

	if (t->kind == TYPE_LIST || t->kind == TYPE_OPTIONAL)
		return types_get(&u->types, t->element)->kind < TYPE_SCALAR_COUNT &&
		       is_param_type(u, t->element);
	return type == TYPE_BOOL || type == TYPE_INT || type == TYPE_FLOAT || type == TYPE_STRING ||
	       type == TYPE_DURATION || type == TYPE_TIMESTAMP || type == TYPE_VERSION;
}

/* <0, 0, >0 of two folded values of one type; false: they have no order that is known here. */
static bool compare_known(const struct folded *a, const struct folded *b, int *order)
{
	struct semver x, y;

	if (a->kind != b->kind)
		return false;
	if (a->kind == TYPE_INT || a->kind == TYPE_DURATION)
		*order = (a->number > b->number) - (a->number < b->number);
	else if (a->kind == TYPE_FLOAT)
		*order = (a->real > b->real) - (a->real < b->real);
	else if (a->kind == TYPE_STRING)
		*order = str_compare(a->text, b->text);
	else if (a->kind == TYPE_VERSION && semver_parse(a->text, &x) && semver_parse(b->text, &y))
		*order = semver_compare(x, y);
	else
		return false;
	return true;
}

static void check_within(struct checker *c, struct param_syntax *p, uint32_t type)
{
	struct folded value, least, most;
	int order;

	if (!p->within_min)
		return;
	check_wanted(c, p->within_min, type, "a bound of `within`");
	check_wanted(c, p->within_max, type, "a bound of `within`");
	if (type != TYPE_NEVER && type != TYPE_INT && type != TYPE_FLOAT && type != TYPE_STRING &&
	    type != TYPE_DURATION && type != TYPE_TIMESTAMP && type != TYPE_VERSION) {
		wrong(c, p->within_min->span, DIAG_WITHIN_TYPE, type_text(c->unit, type));
		return;
	}
	if (!expression_fold(p->within_min, &least) || !expression_fold(p->within_max, &most))
		return;
	if (compare_known(&least, &most, &order) && order > 0)
		wrong(c, p->within_max->span, DIAG_REVERSED, "within");
	else if (p->value && expression_fold(p->value, &value) &&
		 ((compare_known(&value, &least, &order) && order < 0) ||
		  (compare_known(&value, &most, &order) && order > 0)))
		wrong(c, p->value->span, DIAG_DEFAULT_OUTSIDE, kept(c->unit, p->name.text));
}

static void check_one_of(struct checker *c, struct param_syntax *p, uint32_t type)
{
	struct folded value, one;
	int order = 1;

	if (!p->one_of)
		return;
	check_wanted(c, p->one_of,
		     type == TYPE_NEVER ? TYPE_NEVER : type_list(c->unit, p->one_of->span, type),
		     "`one of`");
	if (p->one_of->kind != EXPRESSION_LIST || !p->value || !expression_fold(p->value, &value))
		return;
	for (const struct argument *a = p->one_of->elements; a; a = a->next)
		if (!expression_fold(a->value, &one) || !compare_known(&value, &one, &order) ||
		    order == 0)
			return;
	wrong(c, p->value->span, DIAG_DEFAULT_OUTSIDE, kept(c->unit, p->name.text));
}

/* `= 5 in [1, 2]` is read as a question. */
static void check_param_default(struct checker *c, struct param_syntax *p, uint32_t type)
{
	size_t before = c->unit->diags.all.count;

	if (!p->value)
		return;
	check_wanted(c, p->value, type,
		     phrase(c, "the default of `%.*s`", STR_ARG(p->name.text)));
	if (c->unit->diags.all.count == before + 1 && p->value->kind == EXPRESSION_BINARY &&
	    p->value->binary.operator == OPERATOR_IN)
		diag_help(&c->unit->diags, before,
			  "the values that are allowed stand behind `one of`: `= 5 one of [1, 5]`");
}

/* Their defaults and bounds see constants only: they must be known before anything runs. */
static void check_params(struct checker *c, struct migration_syntax *m)
{
	struct checker plain = *c;
	uint32_t count = 0;

	plain.scope = c->module->scope;
	plain.place = "a param";
	plain.allowed = 0;
	for (struct param_syntax *p = m->params; p; p = p->next)
		count++;
	c->migration->params = arena_array(&c->unit->arena, struct symbol *, count + 1);
	for (struct param_syntax *p = m->params; p; p = p->next) {
		uint32_t type =
			p->type ? type_resolve(c->unit, c->module->scope, p->type) : TYPE_NEVER;

		if (type != TYPE_NEVER && !is_param_type(c->unit, type)) {
			wrong(c, p->type->span, DIAG_PARAM_TYPE, type_text(c->unit, type));
			type = TYPE_NEVER;
		}
		check_param_default(&plain, p, type);
		check_within(&plain, p, type);
		check_one_of(&plain, p, type);
		p->symbol = declare(c, SYMBOL_PARAM, p->name, type);
		p->symbol->param = p;
		p->symbol->number = c->migration->param_count;
		c->migration->params[c->migration->param_count++] = p->symbol;
	}
}

/* ---- lets, checks, the rest ---- */

static void check_frozens(struct checker *c, struct migration_syntax *m)
{
	uint32_t count = 0;

	for (struct statement *s = m->plan; s; s = s->next)
		count += s->kind == STATEMENT_LET;
	c->migration->frozens = arena_array(&c->unit->arena, struct symbol *, count + 1);
	c->place = "a `let` of the migration";
	for (struct statement *s = m->plan; s; s = s->next) {
		if (s->kind != STATEMENT_LET)
			continue;
		check_let(c, s, SYMBOL_FROZEN);
		s->symbol->number = c->migration->frozen_count;
		c->migration->frozens[c->migration->frozen_count++] = s->symbol;
	}
}

static void check_every(struct checker *c, struct expression *every)
{
	size_t errors = c->unit->diags.error_count;
	unsigned allowed = c->allowed;
	struct folded known;

	c->allowed = 0;
	c->place = "`every`";
	check_wanted(c, every, TYPE_DURATION, "`every`");
	c->allowed = allowed;
	if (c->unit->diags.error_count > errors || every->type != TYPE_DURATION)
		return;
	if (!expression_fold(every, &known))
		wrong(c, every->span, DIAG_NOT_KNOWN, "`every`");
	else if (known.number <= 0)
		wrong(c, every->span, DIAG_CLAUSE_RANGE, "`every`", "longer than 0ms");
}

static void check_check(struct checker *c, struct check_syntax *check, struct map *labels)
{
	static const char *const places[] = { "a precheck", "a healthcheck", "a postcheck" };
	struct str text;
	const struct expression *before;

	if (check->label && expression_text(check->label, &text)) {
		before = map_add(labels, text, check->label);
		if (before)
			diag_note(
				&c->unit->diags,
				wrong(c, check->label->span, DIAG_LABEL_TWICE, kept(c->unit, text)),
				before->span, "the first one");
	}
	if (check->every && check->kind != CHECK_SYNTAX_HEALTH)
		wrong(c, check->every->span, DIAG_EVERY_ONCE, places[check->kind]);
	else if (check->every)
		check_every(c, check->every);
	check_plain(c, check->label, "the label of a check");
	c->place = places[check->kind];
	check_block(c, check->body);
}

/* What is done at the end of a run; on the only connection, if there is one. */
static void check_end(struct checker *c, struct block *block, const char *place, unsigned allows)
{
	unsigned allowed = c->allowed;

	c->place = place;
	c->allowed |= allows;
	c->on = c->migration->need_count == 1 ? c->migration->needs[0] : NULL;
	check_block(c, block);
	c->on = NULL;
	c->allowed = allowed;
}

static void check_clauses(struct checker *c, struct migration_syntax *m)
{
	struct map labels = { 0 };

	if (m->required) {
		c->place = "`required when`";
		check_wanted(c, m->required, TYPE_BOOL, "`required when`");
	}
	for (struct check_syntax *check = m->checks; check; check = check->next)
		check_check(c, check, &labels);
	for (struct argument *a = m->leaves; a; a = a->next) {
		c->place = "`leaves`";
		check_wanted(c, a->value, TYPE_IDENT, "what is left");
	}
	check_end(c, m->finally, "`finally`", ALLOW_EFFECT);
	check_end(c, m->on_complete, "`on complete`", ALLOW_NOTICE);
	check_end(c, m->on_error, "`on error`", ALLOW_NOTICE);
	map_clear(&labels);
}

/* Everything but the `let`s of the top, which are frozen already. */
static void check_top(struct checker *c, struct migration_syntax *m)
{
	c->planning = true;
	c->place = "the plan";
	for (struct statement *s = m->plan; s; s = s->next) {
		struct statement *next = s->next;

		if (s->kind == STATEMENT_LET)
			continue;
		s->next = NULL;
		check_plan(c, s);
		s->next = next;
	}
	c->planning = false;
}

void check_migration(struct unit *u, struct unit_module *m, struct declaration *d)
{
	struct unit_migration *migration = arena_new(&u->arena, struct unit_migration);
	struct checker c = { .unit = u, .module = m, .migration = migration, .result = TYPE_NOTHING,
			     .allowed = ALLOW_CALL | ALLOW_READ };

	if (!d->migration)
		return;
	*migration = (struct unit_migration){ .name = d->name.text, .declaration = d, .module = m };
	c.scope = unit_scope(u, m->scope);
	if (m->library) {
		wrong(&c, d->migration->head, DIAG_LIBRARY_MIGRATION);
		return;
	}
	if (!migration_name_is_good(d->name.text))
		wrong(&c, d->name.span, DIAG_MIGRATION_NAME, kept(u, d->name.text));
	vec_push(&u->migrations, migration);
	check_versions(&c, d->migration);
	check_needs(&c, d->migration);
	check_params(&c, d->migration);
	check_frozens(&c, d->migration);
	check_top(&c, d->migration);
	check_clauses(&c, d->migration);
	migration->operation_count = c.operation_count;
	map_clear(&c.labels);
}
