/*
 * doctor.h - what stands in the way of runs: in the state store, in the databases, in what the
 * state has of migrations
 *
 * Changes nothing, and tells all of it, not only the first.
 */
#ifndef VM_RUN_DOCTOR_H
#define VM_RUN_DOCTOR_H

#include "vm/connection/inspect.h"
#include "vm/run/run.h"

/* The state store. OUTCOME_UNREACHABLE, OUTCOME_DAMAGED: it can't be worked with, which is among
 * the findings. *store NULL with OUTCOME_OK: there is nothing in it yet, or nothing that can be
 * looked at before it is upgraded. */
enum outcome doctor_state(const struct instance *instance, struct store **store,
			  struct findings *f);

/* A database, and who needs it. */
struct doctor_place {
	const struct connection_kind *kind;
	struct str names;    /* of connections: "old, new" */
	struct str needed;   /* by migrations that are not completed; "": by none that is known */
	struct str variable; /* that names it, or that is to */
	const char *url;     /* NULL: nothing is configured */
};
struct doctor_places {
	struct arena arena;
	VEC(struct doctor_place) list;
};
/* Every database that the environment names, and that the migrations of a bundle (NULL: none is
 * there) need; with a name, those that this migration needs. store: or NULL. */
enum outcome doctor_find_places(struct store *store, const struct bundle *bundle, struct str name,
				struct doctor_places *out, struct error *err) MUST_USE;
void doctor_places_clear(struct doctor_places *p);
/* store: or NULL. */
void doctor_place(const struct doctor_place *p, struct store *store, struct findings *f);

/* What a start, a resume or a rollback would refuse of what the state has about a migration, of
 * which the bundle (NULL: none is there) may have the next run. OUTCOME_DAMAGED: err says what is
 * wrong, and where. */
enum outcome doctor_migration(struct store *store, const struct instance *instance,
			      const struct bundle *bundle, struct str name,
			      struct error *err) MUST_USE;

#endif
