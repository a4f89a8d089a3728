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

/* Leaves what is there if the variable is not set. */
static enum outcome read_duration(const char *name, int64_t *ms, struct error *err)
{
	const char *text = get(name);

	if (!text || duration_parse(str_c(text), ms))
		return OUTCOME_OK;
	error_set(err, OUTCOME_USAGE, "%s is \"%s\", which is not a duration", name, text);
	error_hint(err, "write it as 500ms, 30s or 5m");
	return OUTCOME_USAGE;
}

enum outcome instance_read(struct instance *out, struct error *err)
{
	*out = (struct instance){ 0 };
	out->state = get("AMIG_STATE");
	if (!out->state)
		out->state = INSTANCE_STATE_DEFAULT;
	out->app_version = get("AMIG_APP_VERSION");
	out->allowed_env = get("AMIG_ALLOW_ENV");
	out->local = get("AMIG_ALLOW_LOCAL");
	out->authority = get("AMIG_HTTP_CA");
	out->proxy = get("AMIG_HTTP_PROXY");
	out->stop_grace_ms = INSTANCE_STOP_GRACE_MS;
	out->lease_ms = INSTANCE_LEASE_MS;
	if (read_duration("AMIG_STOP_GRACE", &out->stop_grace_ms, err) != OUTCOME_OK ||
	    read_duration("AMIG_LEASE", &out->lease_ms, err) != OUTCOME_OK)
		return OUTCOME_USAGE;
	if (out->lease_ms < INSTANCE_LEASE_MIN_MS || out->lease_ms > INSTANCE_LEASE_MAX_MS)
		return error_set(err, OUTCOME_USAGE, "AMIG_LEASE must be from %dms to %dh",
				 INSTANCE_LEASE_MIN_MS, INSTANCE_LEASE_MAX_MS / 3600000);
	return OUTCOME_OK;
}

static void add_upper(struct buf *out, struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		buf_byte(out, (char)toupper((unsigned char)s.ptr[i]));
}

const char *instance_find(struct str name, struct str kind, struct buf *variable)
{
	struct buf of_kind = { 0 };
	const char *url = NULL;

	buf_text(&of_kind, "AMIG_");
	add_upper(&of_kind, kind);
	if (!str_eq(kind, STR("sqlite")) && !str_eq(kind, STR("chdb")))
		buf_text(&of_kind, "_URL");
	if (!str_eq(name, kind)) {
		buf_text(variable, "AMIG_");
		add_upper(variable, name);
		buf_text(variable, "_URL");
		url = get(variable->ptr);
	}
	if (!url) {
		url = get(of_kind.ptr);
		if (url)
			buf_reset(variable);
		buf_format(variable, "%s%s", variable->len ? " or " : "", of_kind.ptr);
	}
	buf_clear(&of_kind);
	return url;
}

const char *instance_url(struct str name, struct str kind, struct error *err)
{
	struct buf variable = { 0 };
	const char *url = instance_find(name, kind, &variable);

	if (!url) {
		error_set(err, OUTCOME_UNREACHABLE, "the connection %.*s (%.*s) is not configured",
			  STR_ARG(name), STR_ARG(kind));
		error_hint(err, "set %s", variable.ptr);
	}
	buf_clear(&variable);
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
