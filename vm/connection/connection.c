/* connection.c - the table of kinds, and what is the same for all of them */
#include "vm/connection/connection.h"
#include <ctype.h>
#include <stdlib.h>

static const struct connection_kind *const kinds[] = {
#define KIND(name) &name##_kind,
#include "vm/connection/kinds.def"
#undef KIND
};

const struct connection_kind *connection_kind_find(struct str name)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (str_eq(name, str_c(kinds[i]->name)))
			return kinds[i];
	return NULL;
}

void result_clear(struct result *r)
{
	if (!r)
		return;
	arena_clear(&r->arena);
	vec_clear(&r->rows);
	*r = (struct result){0};
}

/* libpq's "key=value key='va lue'" form: only what tells where it goes. */
static void redact_pairs(const char *at, struct buf *out)
{
	static const char *const shown[] = { "host", "hostaddr", "port", "dbname", "user" };
	while (*at) {
		at += strspn(at, " \t\r\n");
		const char *key = at;
		at += strcspn(at, "= \t\r\n");
		size_t key_len = (size_t)(at - key);
		at += strspn(at, " \t\r\n");
		if (*at != '=')
			return;
		at++;
		at += strspn(at, " \t\r\n");
		const char *value = at;
		bool quoted = *at == '\'';
		for (at += quoted; *at && (quoted ? *at != '\'' : !isspace((unsigned char)*at));
		     at++)
			if (*at == '\\' && at[1])
				at++;
		at += quoted && *at;
		for (size_t i = 0; i < ARRAY_SIZE(shown); i++) {
			if (!str_eq(str_c(shown[i]), (struct str){ key, key_len }))
				continue;
			buf_format(out, "%s%s=", out->len ? " " : "", shown[i]);
			buf_add(out, value, (size_t)(at - value));
		}
	}
}

/* A password may hold '@', '/', '?' or '#' that should have been escaped: whatever ends in the last
 * '@' is hidden. */
void connection_redact(const char *url, struct buf *out)
{
	const char *scheme = strstr(url, "://");
	if (!scheme) {
		if (strchr(url, '=') && strncmp(url, "sqlite:", 7) != 0 && !strchr("/.", *url))
			redact_pairs(url, out);
		else
			buf_add(out, url, strcspn(url, "?"));
		return;
	}
	const char *authority = scheme + 3, *at = strrchr(authority, '@');
	buf_add(out, url, (size_t)(authority - url));
	if (at) {
		size_t user = strcspn(authority, ":@");
		buf_add(out, authority, user);
		authority = at;
	}
	buf_add(out, authority, strcspn(authority, "?#"));
}

enum outcome connection_open(struct connection *c, const char *name,
			     const struct connection_kind *kind, const char *url,
			     const struct watch *watch, struct error *err)
{
	*c = (struct connection){ .kind = kind, .name = must_strdup(name) };
	enum outcome o = kind->open(c, url, watch, err);
	if (o == OUTCOME_OK)
		return o;
	error_prefix(err, "connection %s: ", name);
	connection_close(c);
	return o;
}

void connection_close(struct connection *c)
{
	if (!c)
		return;
	if (c->kind && c->state)
		c->kind->close(c);
	free(c->name);
	free(c->version_text);
	free(c->cluster);
	*c = (struct connection){0};
}
