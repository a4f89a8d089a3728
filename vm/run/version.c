/* version.c - whether the application and the servers are of versions that the migration is made
 * for */
#include "vm/run/session.h"

/* One comparator: ">= 21.6.0". An operator that is not known admits nothing. */
static bool admits(struct str comparator, struct semver v)
{
	struct str c = str_trim(comparator);
	size_t len = 0;
	struct semver bound;
	int order;

	while (len < c.len && strchr("<>=!", c.ptr[len]))
		len++;
	if (!semver_parse(str_trim((struct str){ c.ptr + len, c.len - len }), &bound))
		return false;
	order = semver_compare(v, bound);
	c.len = len;
	if (str_eq(c, STR(">=")))
		return order >= 0;
	if (str_eq(c, STR("<=")))
		return order <= 0;
	if (str_eq(c, STR(">")))
		return order > 0;
	if (str_eq(c, STR("<")))
		return order < 0;
	if (str_eq(c, STR("!=")))
		return order != 0;
	return (str_eq(c, STR("==")) || str_eq(c, STR("=")) || len == 0) && order == 0;
}

bool version_in_range(struct semver v, struct str range)
{
	while (str_trim(range).len) {
		ptrdiff_t comma = str_find(range, STR(","));
		size_t len = comma < 0 ? range.len : (size_t)comma;

		if (!admits((struct str){ range.ptr, len }, v))
			return false;
		len += comma >= 0;
		range = (struct str){ range.ptr + len, range.len - len };
	}
	return true;
}

bool version_suits(const struct migration *m, const char *app_version)
{
	struct semver app, bound;

	if (!m->min_version.len && !m->max_version.len)
		return true;
	if (!app_version || !semver_parse(str_c(app_version), &app))
		return false;
	if (m->min_version.len && semver_parse(m->min_version, &bound) &&
	    semver_compare(app, bound) < 0)
		return false;
	return !m->max_version.len || !semver_parse(m->max_version, &bound) ||
	       semver_compare(app, bound) <= 0;
}

enum outcome version_check_app(const struct run *r, struct error *err)
{
	const struct migration *m = &r->module.migration;
	struct semver app;
	const char *text = r->instance->app_version;
	bool inside;

	if (r->options->ignore_app_version || (!m->min_version.len && !m->max_version.len))
		return OUTCOME_OK;
	if (!text) {
		error_set(err, OUTCOME_NOT_NOW,
			  "the migration is for application versions %.*s - %.*s, but the "
			  "application's "
			  "version is not known",
			  STR_ARG(m->min_version), STR_ARG(m->max_version));
		error_hint(err, "set AMIG_APP_VERSION, or pass --ignore-app-version");
		return OUTCOME_NOT_NOW;
	}
	if (!semver_parse(str_c(text), &app)) {
		error_set(err, OUTCOME_USAGE, "AMIG_APP_VERSION is \"%s\", which is not a version",
			  text);
		error_hint(err, "write it as 1.33.0 or 1.33.0-rc.1");
		return OUTCOME_USAGE;
	}
	inside = version_suits(m, text);
	if (!inside) {
		error_set(err, OUTCOME_NOT_NOW,
			  "Migration is not available on this application version: it is for "
			  "%.*s - %.*s, this is %s",
			  STR_ARG(m->min_version), STR_ARG(m->max_version), text);
		error_hint(err, "run it on a version of that range, or pass --ignore-app-version");
	}
	return inside ? OUTCOME_OK : OUTCOME_NOT_NOW;
}

/* --accept NAME=VERSION: a server of exactly this version passes. */
static bool is_accepted(const struct run *r, const struct need *need, const char *version_text,
			struct semver v)
{
	for (size_t i = 0; i < r->options->accept_count; i++) {
		const struct run_assignment *a = &r->options->accepts[i];
		struct semver accepted;

		if (!str_eq(a->name, need->name))
			continue;
		if (str_eq(a->value, str_c(version_text)))
			return true;
		if (semver_of_server(a->value, &accepted) && semver_compare(accepted, v) == 0)
			return true;
	}
	return false;
}

static enum outcome accept_version(struct run *r, const struct need *need, const char *version,
				   struct error *err)
{
	struct buf detail = { 0 };
	struct event_row event;
	enum outcome o;
	char who[300];

	buf_format(&detail, "%.*s %s, although the migration needs %.*s", STR_ARG(need->name),
		   version, STR_ARG(need->range));
	event = (struct event_row){ .kind = str_c(run_event_word(EVENT_VERSION_ACCEPTED)),
				    .who = str_c(session_owner(who, sizeof(who))),
				    .detail = buf_view(&detail) };
	o = store_add_event(r->store, r->name, &event, err);
	if (o == OUTCOME_OK)
		session_tell(r, EVENT_VERSION_ACCEPTED, need->name, buf_view(&detail));
	buf_clear(&detail);
	return o;
}

enum outcome version_check_services(struct run *r, struct error *err)
{
	for (uint32_t i = 0; i < r->module.need_count; i++) {
		const struct need *need = &r->module.needs[i];
		struct connection *c;
		struct semver v;
		enum outcome o;

		if (!need->range.len)
			continue;
		o = session_connection(r, i, &c, err);
		if (o != OUTCOME_OK)
			return o;
		if (!semver_of_server(str_c(c->version_text), &v))
			return error_set(err, OUTCOME_NOT_NOW,
					 "%s calls its version \"%s\", which cannot be understood",
					 c->name, c->version_text);
		if (version_in_range(v, need->range))
			continue;
		if (!is_accepted(r, need, c->version_text, v)) {
			error_set(err, OUTCOME_NOT_NOW,
				  "Service %s is in version %s. Expected range: %.*s.", c->name,
				  c->version_text, STR_ARG(need->range));
			error_hint(err,
				   "upgrade the server; or, if you know that it will do, pass "
				   "--accept %s=%s",
				   c->name, c->version_text);
			return OUTCOME_NOT_NOW;
		}
		o = accept_version(r, need, c->version_text, err);
		if (o != OUTCOME_OK)
			return o;
	}
	return OUTCOME_OK;
}
