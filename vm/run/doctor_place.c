/* doctor_place.c - the databases that runs work on, and the one with the state */
#include "vm/driver/postgres.h"
#include "vm/driver/sqlite.h"
#include "vm/run/doctor.h"

#include <ctype.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- the state ---- */

static void tell_stand(const struct store_stand *stand, struct findings *f)
{
	if (!stand->version)
		finding_add(f, CHECK_TABLES, FINDING_UNKNOWN, NULL,
			    "there are no tables yet: the first start makes them");
	else if (stand->version < stand->newest)
		finding_add(f, CHECK_TABLES, FINDING_WARNING,
			    "end what works with an older amigrun, then start this one: it "
			    "upgrades them, and older ones refuse them from then on",
			    "an upgrade is pending: the tables have version %lld, and this amigrun "
			    "makes %lld of it; migrations are looked at when that is done",
			    (long long)stand->version, (long long)stand->newest);
	else
		finding_add(f, CHECK_TABLES, FINDING_FINE, NULL,
			    "the tables have version %lld, as this amigrun makes them",
			    (long long)stand->version);
}

enum outcome doctor_state(const struct instance *instance, struct store **store,
			  struct findings *f)
{
	const char *where = instance->state;
	bool file = str_starts(str_c(where), STR("sqlite:"));
	const struct connection_kind *kind = file ? &sqlite_kind : &postgres_kind;
	const struct inspection in = {
		.name = "state",
		.url = where,
		.variable = "AMIG_STATE",
		.is_state = true,
	};
	struct store_stand stand;
	struct error err = { 0 };
	enum outcome o;

	*store = NULL;
	if (file || strstr(where, "://"))
		kind->inspect(&in, f);
	if (findings_count(f, FINDING_WRONG))
		return OUTCOME_UNREACHABLE;
	/* Whoever opens a file that is not there makes it. */
	if (file && access(sqlite_path(where), F_OK) != 0) {
		stand = (struct store_stand){ 0 };
		tell_stand(&stand, f);
		return OUTCOME_OK;
	}
	o = store_look(store, where, &stand, &err);
	if (o == OUTCOME_OK)
		tell_stand(&stand, f);
	else
		finding_error(f, CHECK_TABLES, FINDING_WRONG, NULL, &err);
	return o == OUTCOME_OK || o == OUTCOME_DAMAGED ? o : OUTCOME_UNREACHABLE;
}

/* ---- the others ---- */

static struct doctor_place *find_place(struct doctor_places *p, const struct connection_kind *kind,
				       struct str name, const char *url)
{
	for (size_t i = 0; i < p->list.count; i++) {
		struct doctor_place *at = &p->list.at[i];

		if (at->kind == kind && (url ? at->url && strcmp(at->url, url) == 0
					     : !at->url && str_eq(at->names, name)))
			return at;
	}
	return NULL;
}

static bool is_listed(struct str list, struct str name)
{
	while (list.len) {
		const char *comma = memchr(list.ptr, ',', list.len);
		size_t len = comma ? (size_t)(comma - list.ptr) : list.len;
		size_t skip = comma ? len + 2 : len;

		if (str_eq((struct str){ list.ptr, len }, name))
			return true;
		list = (struct str){ list.ptr + skip, list.len - skip };
	}
	return false;
}

static void list(struct arena *a, struct str *names, struct str name)
{
	if (name.len && !is_listed(*names, name))
		*names = arena_format(a, "%.*s%s%.*s", STR_ARG(*names), names->len ? ", " : "",
				      STR_ARG(name));
}

/* needed: by which migration, "" none. */
static void add_place(struct doctor_places *p, struct str name, const struct connection_kind *kind,
		      const char *url, struct str variable, struct str needed)
{
	struct doctor_place *at;

	/* ClickHouse without a server. */
	if (url && kind == &clickhouse_kind && str_starts(str_c(url), STR("chdb:")))
		kind = &chdb_kind;
	at = find_place(p, kind, name, url);
	if (!at) {
		vec_push(&p->list, (struct doctor_place){
					   .kind = kind,
					   .variable = arena_str(&p->arena, variable),
					   .url = url,
				   });
		at = &p->list.at[p->list.count - 1];
	}
	list(&p->arena, &at->names, name);
	list(&p->arena, &at->needed, needed);
}

static bool is_completed(struct store *store, struct str name)
{
	struct arena a = { 0 };
	struct error ignored = { 0 };
	struct migration_row row = { 0 };
	bool found = false, completed;

	completed = store &&
		    store_migration(store, name, &a, &row, &found, &ignored) == OUTCOME_OK &&
		    found && row.status == STATUS_COMPLETED;
	error_clear(&ignored);
	arena_clear(&a);
	return completed;
}

static enum outcome add_needs(struct doctor_places *p, struct store *store,
			      const struct bundle_entry *e, struct error *err)
{
	struct module m = { 0 };
	enum outcome o = module_open(&m, e->image, err);
	bool done = is_completed(store, e->name);

	for (uint32_t i = 0; o == OUTCOME_OK && i < m.need_count; i++) {
		const struct need *need = &m.needs[i];
		const struct connection_kind *kind = connection_kind_find(need->kind);
		struct buf variable = { 0 };
		const char *url = instance_find(need->name, need->kind, &variable);

		/* `http` has no place; nobody misses what a completed one needed. */
		if (kind && (url || !done))
			add_place(p, need->name, kind, url, buf_view(&variable),
				  done ? STR("") : e->name);
		buf_clear(&variable);
	}
	module_clear(&m);
	return o;
}

static void add_kinds(struct doctor_places *p)
{
	const struct connection_kind *kind;

	for (size_t i = 0; (kind = connection_kind_at(i)) != NULL; i++) {
		struct buf variable = { 0 };
		const char *url = instance_find(str_c(kind->name), str_c(kind->name), &variable);

		if (url)
			add_place(p, str_c(kind->name), kind, url, buf_view(&variable), STR(""));
		buf_clear(&variable);
	}
}

static const struct connection_kind *kind_of_url(const char *url)
{
	static const struct {
		const char *scheme;
		const struct connection_kind *kind;
	} schemes[] = {
		{ "postgresql://", &postgres_kind }, { "postgres://", &postgres_kind },
		{ "http://", &clickhouse_kind },     { "https://", &clickhouse_kind },
		{ "sqlite:", &sqlite_kind },	     { "chdb:", &chdb_kind },
	};

	for (size_t i = 0; i < ARRAY_SIZE(schemes); i++)
		if (str_starts(str_c(url), str_c(schemes[i].scheme)))
			return schemes[i].kind;
	return NULL;
}

/* AMIG_<NAME>_URL=…, where no migration at hand says of which kind NAME is. */
static void add_named(struct doctor_places *p)
{
	for (char **at = environ; *at; at++) {
		const char *equals = strchr(*at, '=');
		struct str variable = { *at, equals ? (size_t)(equals - *at) : 0 };
		const struct connection_kind *kind = equals ? kind_of_url(equals + 1) : NULL;
		struct buf name = { 0 };

		if (!kind || !str_starts(variable, STR("AMIG_")) ||
		    !str_ends(variable, STR("_URL")) ||
		    variable.len <= strlen("AMIG_") + strlen("_URL"))
			continue;
		for (size_t i = strlen("AMIG_"); i < variable.len - strlen("_URL"); i++)
			buf_byte(&name, (char)tolower((unsigned char)variable.ptr[i]));
		add_place(p, buf_view(&name), kind, equals + 1, variable, STR(""));
		buf_clear(&name);
	}
}

enum outcome doctor_find_places(struct store *store, const struct bundle *bundle, struct str name,
				struct doctor_places *out, struct error *err)
{
	enum outcome o = OUTCOME_OK;

	*out = (struct doctor_places){ 0 };
	for (uint32_t i = 0; bundle && i < bundle->count && o == OUTCOME_OK; i++)
		if (!name.len || str_eq(bundle->entries[i].name, name))
			o = add_needs(out, store, &bundle->entries[i], err);
	if (!name.len) {
		add_kinds(out);
		add_named(out);
	}
	return o;
}

void doctor_places_clear(struct doctor_places *p)
{
	vec_clear(&p->list);
	arena_clear(&p->arena);
}

/* NULL: the state is not in PostgreSQL, or not open. */
static const char *state_user(struct store *store)
{
	if (!store || strcmp(store_kind(store), postgres_kind.name) != 0)
		return NULL;
	return PQuser(((struct postgres *)store_session(store))->pg);
}

void doctor_place(const struct doctor_place *p, struct store *store, struct findings *f)
{
	struct arena a = { 0 };

	if (p->url) {
		const struct inspection in = {
			.name = arena_c(&a, p->names),
			.url = p->url,
			.variable = arena_c(&a, p->variable),
			.state_user = state_user(store),
		};

		p->kind->inspect(&in, f);
	} else {
		finding_add(f, CHECK_REACH, FINDING_WRONG,
			    arena_c(&a, arena_format(&a, "set %.*s", STR_ARG(p->variable))),
			    "it is not configured, and %.*s cannot run without it",
			    STR_ARG(p->needed));
	}
	arena_clear(&a);
}
