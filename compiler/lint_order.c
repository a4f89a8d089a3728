/* lint_order.c - the versions of the application that carry migrations, against each other */
#include "compiler/linter.h"
#include "vm/base/semver.h"

#include <stdlib.h>

struct range {
	struct unit_migration *m;
	struct semver least, most;
	struct semver latest;	/* the last `most` up to here, in the order of `least` */
};

static bool range_of(struct unit_migration *m, struct range *out)
{
	const struct migration_syntax *syntax = m->declaration->migration;

	out->m = m;
	return semver_parse(syntax->min_version, &out->least) &&
	       semver_parse(syntax->max_version, &out->most);
}

static struct span place(struct lint *l, const struct range *r)
{
	return lint_syntax(l, r->m)->versions_span;
}

/* ---- dependencies ---- */

/* Whether no release lies between the two: 1.33.9 is followed by 1.33.10, 1.34.0 and 2.0.0. */
static bool follows(struct semver after, struct semver before)
{
	struct semver next[] = { { before.major, before.minor, before.patch + 1, STR("") },
				 { before.major, before.minor + 1, 0, STR("") },
				 { before.major + 1, 0, 0, STR("") } };

	for (size_t i = 0; i < ARRAY_SIZE(next); i++)
		if (semver_compare(after, next[i]) == 0)
			return true;
	return false;
}

static struct span name_in_depends(struct lint *l, struct unit_migration *m, struct str name)
{
	const struct name_list *d = lint_syntax(l, m)->depends;

	while (d->next && !str_eq(d->name.text, name))
		d = d->next;
	return d->name.span;
}

static void tell_late(struct lint *l, const struct range *r, const struct range *needed)
{
	size_t number = lint_warn(l, name_in_depends(l, r->m, needed->m->name),
				  DIAG_LINT_DEPENDENCY_LATE, lint_c(l, needed->m->name));

	if (number != LINT_SILENT)
		diag_note(&l->unit->diags, number, place(l, needed), "it may be open until here");
}

static void look_at_depends(struct lint *l, const struct range *r)
{
	struct range last = { 0 };
	size_t number;

	for (uint32_t i = 0; i < r->m->depends_count; i++) {
		struct range needed;

		if (!range_of(r->m->depends[i], &needed))
			continue;
		if (semver_compare(needed.most, r->least) >= 0)
			tell_late(l, r, &needed);
		if (!last.m || semver_compare(needed.most, last.most) > 0)
			last = needed;
	}
	if (!last.m || semver_compare(last.most, r->least) >= 0 || follows(r->least, last.most))
		return;
	number = lint_warn(l, place(l, r), DIAG_LINT_VERSIONS_GAP, lint_c(l, last.m->name));
	if (number != LINT_SILENT)
		diag_note(&l->unit->diags, number, place(l, &last), "which ends here");
}

/* ---- migrations that know nothing of each other ---- */

static int by_least(const void *a, const void *b)
{
	const struct range *x = a, *y = b;
	int order = semver_compare(x->least, y->least);

	return order ? order : str_compare(x->m->name, y->m->name);
}

/* Marks what a migration depends on, however far away. */
static void mark(struct unit_migration *from, uint32_t with)
{
	VEC(struct unit_migration *) open = { 0 };

	vec_push(&open, from);
	while (open.count) {
		struct unit_migration *m = open.at[--open.count];

		for (uint32_t i = 0; i < m->depends_count; i++) {
			if (m->depends[i]->state == with)
				continue;
			m->depends[i]->state = with;
			vec_push(&open, m->depends[i]);
		}
	}
	vec_clear(&open);
}

/* The nearest one before it that shares versions with it, while neither waits for the other. */
static void look_for_overlap(struct lint *l, const struct range *all, size_t at, uint32_t *stamp)
{
	uint32_t needed;
	size_t number;

	if (at == 0 || semver_compare(all[at - 1].latest, all[at].least) < 0)
		return;
	needed = ++*stamp;
	mark(all[at].m, needed);
	for (size_t i = at; i-- > 0;) {
		if (semver_compare(all[i].most, all[at].least) < 0 || all[i].m->state == needed)
			continue;
		mark(all[i].m, ++*stamp);
		if (all[at].m->state == *stamp)
			return;
		number = lint_warn(l, place(l, &all[at]), DIAG_LINT_VERSIONS_OVERLAP,
				   lint_c(l, all[i].m->name));
		if (number != LINT_SILENT)
			diag_note(&l->unit->diags, number, place(l, &all[i]), "the other one");
		return;
	}
}

void lint_versions(struct lint *l)
{
	const struct unit *u = l->unit;
	VEC(struct range) all = { 0 };
	uint32_t stamp = 0;

	for (size_t i = 0; i < u->migrations.count; i++) {
		struct range r;

		u->migrations.at[i]->state = 0;
		if (range_of(u->migrations.at[i], &r))
			vec_push(&all, r);
	}
	if (all.count)
		qsort(all.at, all.count, sizeof(*all.at), by_least);
	for (size_t i = 0; i < all.count; i++) {
		bool later = i == 0 || semver_compare(all.at[i].most, all.at[i - 1].latest) > 0;

		all.at[i].latest = later ? all.at[i].most : all.at[i - 1].latest;
		look_at_depends(l, &all.at[i]);
		look_for_overlap(l, all.at, i, &stamp);
	}
	vec_clear(&all);
}
