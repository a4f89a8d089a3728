/* instance.c - the environment as configuration */
#include "vm/run/instance.h"

#include "vm/base/arena.h"
#include "vm/base/buf.h"
#include "vm/base/units.h"

#include <ctype.h>
#include <stdlib.h>

static const char *get(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

enum outcome instance_read(struct instance *out, struct error *err)
{
	const char *grace = get("AMIG_STOP_GRACE");

	*out = (struct instance){ 0 };
	out->state = get("AMIG_STATE");
	if (!out->state)
		out->state = INSTANCE_STATE_DEFAULT;
	out->app_version = get("AMIG_APP_VERSION");
	out->allowed_env = get("AMIG_ALLOW_ENV");
	out->stop_grace_ms = INSTANCE_STOP_GRACE_MS;
	if (grace && !duration_parse(str_c(grace), &out->stop_grace_ms)) {
		error_set(err, OUTCOME_USAGE, "AMIG_STOP_GRACE is \"%s\", which is not a duration",
			  grace);
		error_hint(err, "write it as 500ms, 30s or 5m");
		return OUTCOME_USAGE;
	}
	return OUTCOME_OK;
}

static void add_upper(struct buf *out, struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		buf_byte(out, (char)toupper((unsigned char)s.ptr[i]));
}

const char *instance_url(struct str name, struct str kind, struct error *err)
{
	struct buf own = { 0 }, of_kind = { 0 };
	const char *url = NULL;

	buf_text(&own, "AMIG_");
	add_upper(&own, name);
	buf_text(&own, "_URL");
	buf_text(&of_kind, "AMIG_");
	add_upper(&of_kind, kind);
	if (!str_eq(kind, STR("sqlite")))
		buf_text(&of_kind, "_URL");
	if (!str_eq(name, kind))
		url = get(own.ptr);
	if (!url)
		url = get(of_kind.ptr);
	if (!url) {
		error_set(err, OUTCOME_UNREACHABLE, "the connection %.*s (%.*s) is not configured",
			  STR_ARG(name), STR_ARG(kind));
		error_hint(err, "set %s%s%s", str_eq(name, kind) ? "" : own.ptr,
			   str_eq(name, kind) ? "" : " or ", of_kind.ptr);
	}
	buf_clear(&own);
	buf_clear(&of_kind);
	return url;
}

const char *instance_env(const struct instance *i, struct str name, bool *allowed)
{
	const char *at = i->allowed_env ? i->allowed_env : "";
	const char *value = NULL;

	*allowed = false;
	while (*at && !*allowed) {
		size_t len = strcspn(at, ",");

		*allowed = str_eq(str_trim((struct str){ at, len }), name);
		at += len + (at[len] == ',');
	}
	if (*allowed) {
		char *copy = must_alloc(name.len + 1);

		memcpy(copy, name.ptr, name.len);
		copy[name.len] = 0;
		value = getenv(copy);
		free(copy);
	}
	return value;
}
