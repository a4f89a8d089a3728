/* write.c - the bundle of a unit's migrations */
#include "compiler/command.h"
#include "compiler/lower.h"

/* What is handed out has passed the verifier that amigrun will hold against it. */
static struct hash prove(struct str image, struct str name)
{
	struct module m;
	struct error err = {0};
	struct hash identity;

	if (module_open(&m, image, &err) != OUTCOME_OK || module_verify(&m, &err) != OUTCOME_OK)
		BUG("the image of %.*s is refused: %s", STR_ARG(name), err.message);
	identity = m.identity;
	module_clear(&m);
	return identity;
}

void write_bundle(struct unit *u, const struct str *shown, struct buf *out)
{
	size_t count = u->migrations.count;
	struct buf *images = must_alloc(arena_bytes(sizeof(*images), count + 1));
	struct bundle_entry *entries = must_alloc(arena_bytes(sizeof(*entries), count + 1));
	uint32_t stamp = 0;

	for (size_t i = 0; i < count; i++) {
		const struct unit_migration *m = u->migrations.at[i];

		images[i] = (struct buf){0};
		lower_migration(u, m, shown, &stamp, &images[i]);
		entries[i] = (struct bundle_entry){ m->name, buf_view(&images[i]), {{0}} };
		if (!u->diags.error_count)
			entries[i].identity = prove(entries[i].image, m->name);
	}
	if (!u->diags.error_count)
		bundle_write(entries, (uint32_t)count, out);
	for (size_t i = 0; i < count; i++)
		buf_clear(&images[i]);
	free(images);
	free(entries);
}
