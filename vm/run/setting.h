/* setting.h - the settings of the state store, by the rows of setting.def */
#ifndef VM_RUN_SETTING_H
#define VM_RUN_SETTING_H

#include "vm/store/store.h"

#define SETTING_STORE_ID "store_id" /* the store's own, among the others */

enum setting {
#define SETTING(name, kind, fallback, low, high, sentence) SETTING_##name,
#include "vm/run/setting.def"
#undef SETTING
	SETTINGS_COUNT
};

/* A BOOL is 0 or 1. OUTCOME_USAGE: what is stored (edited by hand) can't be understood. */
enum outcome setting_read(struct store *store, enum setting which, int64_t *out,
			  struct error *err) MUST_USE;
/* One of these, or one that a migration has made. OUTCOME_USAGE: there is no such setting, or not
 * of such a value. */
enum outcome setting_change(struct store *store, struct str name, struct str value,
			    struct error *err) MUST_USE;

/* Whether a migration may make it that: one of these to a value that it can have, or one of a name
 * that amigrun itself does not use. */
enum outcome setting_check(struct str name, struct str value, struct error *err) MUST_USE;

/* Of a name that amigrun itself does not use: of migrations. */
bool setting_is_other(struct str name);

struct setting_shown {
	const char *name, *sentence;
	struct str value; /* as it is stored */
	bool is_default;
};
enum outcome setting_show(struct store *store, enum setting which, struct arena *a,
			  struct setting_shown *out, struct error *err) MUST_USE;

#endif
