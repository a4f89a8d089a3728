/*
 * inspect.h - what an operator should know of a database before anything is run on it
 *
 * A kind opens the database by itself, looks, and changes nothing. All that it finds goes into a
 * list: what is in order, what can't be known, and what is not in order with the way to mend it.
 */
#ifndef VM_CONNECTION_INSPECT_H
#define VM_CONNECTION_INSPECT_H

#include "vm/base/semver.h"
#include "vm/connection/connection.h"

enum checked {
#define CHECK(name, word) CHECK_##name,
#include "vm/connection/check.def"
#undef CHECK
	CHECK_COUNT
};
const char *check_word(enum checked c);

enum finding_grade {
	FINDING_FINE,
	FINDING_UNKNOWN, /* it can't be known, or not yet */
	FINDING_WARNING, /* runs go, and something will not be as it should */
	FINDING_WRONG,	 /* runs that need it will fail */
};
const char *finding_word(enum finding_grade g);

struct finding {
	enum checked check;
	enum finding_grade grade;
	struct str text, mend; /* mend: "" nothing is to be done */
};

struct findings {
	struct arena arena;
	VEC(struct finding) list;
};
void findings_clear(struct findings *f);
size_t findings_count(const struct findings *f, enum finding_grade grade);

struct inspection {
	const char *name, *url;	     /* as for connection_open() */
	const char *variable;	     /* that holds the URL, for what is to be mended */
	bool is_state;		     /* the state store's, not a target */
	const char *state_user;	     /* of the state's sessions, if of this kind; or NULL */
	const struct watch *watch;
};

/* ---- for the kinds ---- */
void finding_add(struct findings *f, enum checked check, enum finding_grade grade, const char *mend,
		 const char *format, ...) PRINTF_LIKE(5, 6);
/* An error's message, with its hint, else `mend`. Empties err. */
void finding_error(struct findings *f, enum checked check, enum finding_grade grade,
		   const char *mend, struct error *err);
/* least: the first version that amig works with. */
void finding_version(struct findings *f, const char *product, const char *version,
		     struct semver least);
/* server_us: the clock that was read between two looks at this machine's; grain_us: how coarse. */
void finding_clock(struct findings *f, int64_t server_us, int64_t before_us, int64_t after_us,
		   int64_t grain_us);
void finding_disk(struct findings *f, struct str where, int64_t free_bytes);
/* Opens it; a failure is a finding. */
bool inspect_open(const struct inspection *in, const struct connection_kind *kind,
		  struct connection *c, struct findings *f);
#define INSPECT_ID_SIZE 60
/* A query id of our own, that no other look at the same server has. */
void inspect_id(char out[INSPECT_ID_SIZE]);
/* One of our own questions. */
enum outcome inspect_ask(struct connection *c, const char *sql, const struct watch *watch,
			 struct result *out, struct error *err) MUST_USE;

#endif
