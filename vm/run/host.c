/*
 * host.c - operations `per shard` and `per replica`: on which hosts, and connections to them
 *
 * The plan has an operation for each host, made when the run starts: which hosts there are, and
 * which replica stands for its shard, never changes in a run. The row's connection is
 * "NAME@HOST:PORT", and so are those of its effects. While such an operation is carried out,
 * whatever it asks of NAME goes to the host. Connections to hosts have places behind those of the
 * needs.
 */
#include "vm/run/host.h"

#include <stdlib.h>

/* ---- the plan ---- */

static bool same_shard(const struct cluster_host *a, const struct cluster_host *b)
{
	return a->shard == b->shard;
}

/* Whether it can be worked with at this moment; why not is added to `why`. */
static bool answers(struct run *r, const struct connection *c, struct str host, struct buf *why)
{
	struct connection probe = { 0 };
	struct error err = { 0 };
	const char *url = instance_url(str_c(c->name), str_c(c->kind->name), &err);
	bool good = url && connection_open_host(&probe, c->name, c->kind, url, host, &r->watch,
						&err) == OUTCOME_OK;

	if (!good)
		buf_format(why, "\n%.*s: %s", STR_ARG(host), err.message);
	connection_close(&probe);
	error_clear(&err);
	return good;
}

/* Of each shard the first replica that answers, moved to the front of all. */
static enum outcome choose(struct run *r, const struct connection *c, struct cluster_host *all,
			   size_t *count, struct error *err)
{
	size_t chosen = 0, first;
	struct buf why = { 0 };
	enum outcome o = OUTCOME_OK;

	for (size_t i = 0; i < *count && o == OUTCOME_OK; i = first) {
		const struct cluster_host *healthy = NULL;
		int64_t shard = all[i].shard;

		buf_reset(&why);
		for (first = i; first < *count && same_shard(&all[first], &all[i]); first++)
			if (!healthy && answers(r, c, all[first].name, &why))
				healthy = &all[first];
		if (healthy)
			all[chosen++] = *healthy;
		else
			o = error_set(err, OUTCOME_UNREACHABLE,
				      "no replica of shard %lld of the cluster \"%s\" can be "
				      "reached:%.*s",
				      (long long)shard, c->cluster, STR_ARG(buf_view(&why)));
	}
	buf_clear(&why);
	*count = chosen;
	return o;
}

enum outcome host_choose(struct run *r, const struct operation *op, struct cluster_host **out,
			 size_t *count, struct error *err)
{
	struct connection *c;
	enum outcome o = session_connection(r, op->need, &c, err);

	*count = 0;
	if (o != OUTCOME_OK || !c->kind->hosts)
		return o;
	o = c->kind->hosts(c, &r->watch, &r->arena, out, count, err);
	if (o == OUTCOME_OK && op->flags & OPERATION_PER_SHARD)
		o = choose(r, c, *out, count, err);
	return o;
}

void host_print(const struct cluster_host *h, bool every, struct str label, struct buf *out)
{
	buf_format(out, "%.*s (shard %lld, ", STR_ARG(label), (long long)h->shard);
	if (every)
		buf_format(out, "replica %lld, ", (long long)h->replica);
	buf_format(out, "%.*s)", STR_ARG(h->name));
}

/* ---- places ---- */

static struct str host_in(struct str connection)
{
	const char *at = memchr(connection.ptr, '@', connection.len);

	if (!at)
		return STR("");
	return (struct str){ at + 1, connection.len - (size_t)(at + 1 - connection.ptr) };
}

static const struct run_host *find(const struct run *r, struct str connection)
{
	for (uint32_t i = 0; i < r->host_count; i++)
		if (str_eq(r->hosts[i].connection, connection))
			return &r->hosts[i];
	return NULL;
}

static void *grown(struct run *r, void *old, size_t size, size_t count)
{
	char *more = arena_alloc(&r->arena, arena_bytes(size, count));

	memcpy(more, old, size * ((size_t)r->module.need_count + 1));
	return more;
}

void host_prepare(struct run *r)
{
	size_t places;

	r->hosts = arena_array(&r->arena, struct run_host, (size_t)r->count + 1);
	r->host_count = 0;
	for (int64_t i = 0; i < r->count; i++) {
		const struct operation_row *row = &r->plan[i];
		struct str host = host_in(row->connection);

		if (!host.len || row->operation >= r->module.operation_count ||
		    find(r, row->connection))
			continue;
		r->hosts[r->host_count++] = (struct run_host){
			.need = r->module.operations[row->operation].need,
			.connection = row->connection,
			.host = host,
		};
	}
	if (!r->host_count)
		return;
	places = (size_t)r->module.need_count + r->host_count + 1;
	r->connections = grown(r, r->connections, sizeof(*r->connections), places);
	r->markings = grown(r, r->markings, sizeof(*r->markings), places);
	r->fences = grown(r, r->fences, sizeof(*r->fences), places);
}

uint32_t host_places(const struct run *r)
{
	return r->module.need_count + r->host_count;
}

uint32_t host_place(const struct run *r, uint32_t need)
{
	if (!r->here || r->here->need != need)
		return need;
	return r->module.need_count + (uint32_t)(r->here - r->hosts);
}

uint32_t host_find(const struct run *r, struct str connection)
{
	const struct run_host *h = find(r, connection);

	if (h)
		return r->module.need_count + (uint32_t)(h - r->hosts);
	for (uint32_t i = 0; i < r->module.need_count; i++)
		if (str_eq(r->module.needs[i].name, connection))
			return i;
	return NO_INDEX;
}

const struct run_host *host_enter(struct run *r, int64_t index)
{
	const struct run_host *before = r->here;

	r->here = r->host_count ? find(r, r->plan[index].connection) : NULL;
	return before;
}

const struct run_host *host_at(const struct run *r, uint32_t place)
{
	return place < r->module.need_count ? NULL : &r->hosts[place - r->module.need_count];
}
