/* connection.c - the table of kinds, and what is the same for all of them */
#include "vm/connection/connection.h"
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

const struct connection_kind *connection_kind_at(size_t i)
{
	return i < ARRAY_SIZE(kinds) ? kinds[i] : NULL;
}

void result_clear(struct result *r)
{
	if (!r)
		return;
	arena_clear(&r->arena);
	vec_clear(&r->rows);
	*r = (struct result){0};
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

enum outcome connection_open_host(struct connection *c, const char *name,
				  const struct connection_kind *kind, const char *url,
				  struct str host, const struct watch *watch, struct error *err)
{
	*c = (struct connection){ .kind = kind, .name = must_strdup(name) };
	enum outcome o = kind->open_host(c, url, host, watch, err);
	if (o == OUTCOME_OK)
		return o;
	error_prefix(err, "connection %s: ", name);
	connection_close(c);
	return o;
}

enum outcome connection_give_id(const struct statement *s, struct error *err, enum outcome o)
{
	if (o != OUTCOME_OK && !err->query_id)
		err->query_id = must_strdup(s->query_id);
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
