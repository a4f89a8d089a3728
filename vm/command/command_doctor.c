/* command_doctor.c - doctor: all that stands in the way of runs, not only the first of it */
#include "vm/command/command.h"

#include "vm/run/doctor.h"
#include "vm/run/setting.h"

#include <jansson.h>

struct report {
	bool json, quiet;
	json_t *list;
	size_t damaged, bundle, wrong; /* of the state; of the bundle; databases */
};

static json_t *words(struct str s)
{
	json_t *t = s.len ? json_stringn(s.ptr, s.len) : json_null();

	return t ? t : json_string("(not UTF-8)");
}

static void add_json(struct report *r, const char *of, struct str name, const char *check,
		     enum finding_grade grade, struct str text, struct str mend)
{
	json_t *o = json_object();

	json_object_set_new(o, "of", json_string(of));
	json_object_set_new(o, "name", words(name));
	json_object_set_new(o, "check", check ? json_string(check) : json_null());
	json_object_set_new(o, "grade", json_string(finding_word(grade)));
	json_object_set_new(o, "text", words(text));
	json_object_set_new(o, "mend", words(mend));
	json_array_append_new(r->list, o);
}

/* Of what the state has: it is in order, or err says why not. */
static void tell(struct report *r, const char *of, struct str name, struct error *err)
{
	*(strcmp(of, "bundle") == 0 ? &r->bundle : &r->damaged) += err->message != NULL;
	if (r->json) {
		add_json(r, of, name, NULL, err->message ? FINDING_WRONG : FINDING_FINE,
			 str_c(err->message ? err->message : ""),
			 str_c(err->hint ? err->hint : ""));
	} else if (err->message) {
		printf("%.*s: %s\n", STR_ARG(name), err->message);
		if (err->hint)
			show_indented(stdout, "    ", str_c(err->hint));
	} else if (!r->quiet) {
		printf("%.*s: in order\n", STR_ARG(name));
	}
	fflush(stdout); /* what comes next may take its time */
	error_clear(err);
}

static void print_finding(const struct finding *at)
{
	static const char indent[] = "             ";
	bool bad = at->grade == FINDING_WARNING || at->grade == FINDING_WRONG;
	const char *end = memchr(at->text.ptr, '\n', at->text.len);
	size_t first = end ? (size_t)(end - at->text.ptr) : at->text.len;
	struct str rest = { at->text.ptr + first + (end != NULL),
			    at->text.len - first - (end != NULL) };

	printf("    %-8s %s%s%.*s\n", check_word(at->check), bad ? finding_word(at->grade) : "",
	       bad ? ": " : "", (int)first, at->text.ptr);
	show_indented(stdout, indent, rest);
	show_indented(stdout, indent, at->mend);
}

/* Of a database; empties the findings. */
static void tell_findings(struct report *r, const char *of, struct str name,
			  const struct connection_kind *kind, struct findings *f)
{
	size_t wrong = findings_count(f, FINDING_WRONG);
	size_t warnings = findings_count(f, FINDING_WARNING);

	for (size_t i = 0; r->json && i < f->list.count; i++)
		add_json(r, of, name, check_word(f->list.at[i].check), f->list.at[i].grade,
			 f->list.at[i].text, f->list.at[i].mend);
	if (!r->json && (!r->quiet || wrong || warnings))
		printf("%.*s%s%s%s: %s\n", STR_ARG(name), kind ? " (" : "", kind ? kind->name : "",
		       kind ? ")" : "",
		       wrong	  ? "not in order"
		       : warnings ? "in order, with a warning"
				  : "in order");
	for (size_t i = 0; !r->json && i < f->list.count; i++)
		if (!r->quiet || f->list.at[i].grade > FINDING_UNKNOWN)
			print_finding(&f->list.at[i]);
	fflush(stdout);
	findings_clear(f);
	*f = (struct findings){ 0 };
}

static void look_at_state(struct context *c, struct report *r)
{
	struct findings f = { 0 };
	enum outcome o = doctor_state(&c->instance, &c->store, &f);

	r->damaged += o == OUTCOME_DAMAGED;
	r->wrong += o == OUTCOME_UNREACHABLE;
	tell_findings(r, "state", STR("state"), NULL, &f);
}

/* One that is not there at all is named by the operator, or else not asked about. */
static enum outcome look_at_bundle(struct context *c, struct report *r, struct error *err)
{
	struct error found = { 0 };
	enum outcome o = context_open_bundle(c, true, &found);

	if (o == OUTCOME_DAMAGED)
		tell(r, "bundle", STR("bundle"), &found);
	else if (o != OUTCOME_OK)
		error_take(err, &found);
	return o == OUTCOME_DAMAGED ? OUTCOME_OK : o;
}

static void look_at_places(struct context *c, struct report *r)
{
	struct doctor_places places;
	struct findings f = { 0 };
	struct error found = { 0 };

	if (doctor_find_places(c->store, c->has_bundle ? &c->bundle : NULL,
			       str_c(c->options.name ? c->options.name : ""), &places,
			       &found) != OUTCOME_OK)
		tell(r, "bundle", STR("bundle"), &found);
	for (size_t i = 0; i < places.list.count; i++) {
		const struct doctor_place *p = &places.list.at[i];

		doctor_place(p, c->store, &f);
		r->wrong += findings_count(&f, FINDING_WRONG) > 0;
		tell_findings(r, "connection", p->names, p->kind, &f);
	}
	doctor_places_clear(&places);
}

static enum outcome look_at_settings(struct context *c, struct report *r, struct error *err)
{
	for (size_t i = 0; i < SETTINGS_COUNT; i++) {
		struct error found = { 0 };
		int64_t ignored;
		enum outcome o = setting_read(c->store, (enum setting)i, &ignored, &found);

		if (o == OUTCOME_DAMAGED) {
			tell(r, "settings", STR("settings"), &found);
		} else if (o != OUTCOME_OK) {
			error_take(err, &found);
			return o;
		}
	}
	return OUTCOME_OK;
}

/* A store that cannot be reached any more ends it; all else is told and the next one looked at.
 * known: to the state; of the others only what is wrong is told. */
static enum outcome look_at_migration(struct context *c, struct report *r, struct str name,
				      bool known, struct error *err)
{
	struct error found = { 0 };
	enum outcome o;

	if (c->options.name && !str_eq(name, str_c(c->options.name)))
		return OUTCOME_OK;
	o = doctor_migration(c->store, &c->instance, c->has_bundle ? &c->bundle : NULL, name,
			     &found);
	if (o == OUTCOME_UNREACHABLE)
		error_take(err, &found);
	else if (known || found.message)
		tell(r, "migration", name, &found);
	return o == OUTCOME_UNREACHABLE ? o : OUTCOME_OK;
}

static bool is_among(const struct str *names, size_t count, struct str name)
{
	for (size_t i = 0; i < count; i++)
		if (str_eq(names[i], name))
			return true;
	return false;
}

static enum outcome look_at_migrations(struct context *c, struct report *r, bool *any,
				       struct error *err)
{
	struct arena a = { 0 };
	struct str *names;
	size_t count;
	enum outcome o = store_names(c->store, &a, &names, &count, err);

	for (size_t i = 0; i < count && o == OUTCOME_OK; i++) {
		*any = *any || str_eq(names[i], str_c(c->options.name));
		o = look_at_migration(c, r, names[i], true, err);
	}
	for (uint32_t i = 0; c->has_bundle && i < c->bundle.count && o == OUTCOME_OK; i++)
		if (!is_among(names, count, c->bundle.entries[i].name))
			o = look_at_migration(c, r, c->bundle.entries[i].name, false, err);
	arena_clear(&a);
	return o;
}

static enum outcome judge(const struct report *r, struct error *err)
{
	if (r->damaged) {
		error_set(err, OUTCOME_DAMAGED, "the state is damaged at %zu place%s", r->damaged,
			  r->damaged == 1 ? "" : "s");
		error_hint(err, "docs/state.md says how each is mended");
		return OUTCOME_DAMAGED;
	}
	if (r->bundle)
		return error_set(err, OUTCOME_DAMAGED, "the bundle is damaged");
	if (!r->wrong)
		return OUTCOME_OK;
	return error_set(err, OUTCOME_UNREACHABLE, "%zu database%s can't be worked with", r->wrong,
			 r->wrong == 1 ? "" : "s");
}

enum outcome command_doctor(struct context *c, struct error *err)
{
	struct report r = { .json = c->options.json,
			    .quiet = c->options.quiet,
			    .list = json_array() };
	bool any = !c->options.name;
	enum outcome o = look_at_bundle(c, &r, err);

	if (o == OUTCOME_OK) {
		look_at_state(c, &r);
		look_at_places(c, &r);
	}
	any = any || (c->has_bundle && bundle_find(&c->bundle, str_c(c->options.name)));
	if (o == OUTCOME_OK && c->store)
		o = look_at_migrations(c, &r, &any, err);
	if (o == OUTCOME_OK && !any && !r.wrong && !r.damaged)
		o = error_set(err, OUTCOME_USAGE, "there is no migration \"%s\"",
			      c->options.name);
	if (o == OUTCOME_OK && c->store && !c->options.name)
		o = look_at_settings(c, &r, err);
	if (r.json && o == OUTCOME_OK) {
		json_dumpf(r.list, stdout, JSON_INDENT(2));
		fputc('\n', stdout);
	}
	json_decref(r.list);
	return o == OUTCOME_OK ? judge(&r, err) : o;
}
