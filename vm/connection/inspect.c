/* inspect.c - what is found in a database, and what is the same for all kinds */
#include "vm/connection/inspect.h"

#include "vm/base/os.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define ASK_TIMEOUT_MS 10000
/* Machines whose clocks are kept are much nearer; what is shown to people is not yet wrong. */
#define CLOCK_FAR_US 5000000
#define DISK_LITTLE_BYTES ((int64_t)1 << 30)

const char *check_word(enum checked c)
{
	static const char *const words[CHECK_COUNT] = {
#define CHECK(name, word) word,
#include "vm/connection/check.def"
#undef CHECK
	};

	return words[c];
}

const char *finding_word(enum finding_grade g)
{
	switch (g) {
	case FINDING_FINE:
		return "fine";
	case FINDING_UNKNOWN:
		return "unknown";
	case FINDING_WARNING:
		return "warning";
	case FINDING_WRONG:
		return "wrong";
	}
	return "wrong";
}

void findings_clear(struct findings *f)
{
	vec_clear(&f->list);
	arena_clear(&f->arena);
}

size_t findings_count(const struct findings *f, enum finding_grade grade)
{
	size_t n = 0;

	for (size_t i = 0; i < f->list.count; i++)
		n += f->list.at[i].grade == grade;
	return n;
}

static void add(struct findings *f, enum checked check, enum finding_grade grade, const char *mend,
		struct str text)
{
	vec_push(&f->list, (struct finding){
				   .check = check,
				   .grade = grade,
				   .text = arena_str(&f->arena, text),
				   .mend = arena_str(&f->arena, str_c(mend ? mend : "")),
			   });
}

void finding_add(struct findings *f, enum checked check, enum finding_grade grade, const char *mend,
		 const char *format, ...)
{
	struct buf text = { 0 };
	va_list args;

	va_start(args, format);
	buf_vformat(&text, format, args);
	va_end(args);
	add(f, check, grade, mend, buf_view(&text));
	buf_clear(&text);
}

void finding_error(struct findings *f, enum checked check, enum finding_grade grade,
		   const char *mend, struct error *err)
{
	add(f, check, grade, err->hint ? err->hint : mend,
	    str_c(err->message ? err->message : outcome_words(err->outcome)));
	error_clear(err);
}

void finding_version(struct findings *f, const char *product, const char *version,
		     struct semver least)
{
	struct semver is;

	if (!semver_of_server(str_c(version), &is))
		finding_add(f, CHECK_VERSION, FINDING_UNKNOWN, NULL,
			    "%s says that it is \"%s\", which is no version", product, version);
	else if (semver_compare(is, least) < 0)
		finding_add(f, CHECK_VERSION, FINDING_WRONG, "use a newer one",
			    "%s %s is older than %u.%u, the first that amig works with", product,
			    version, least.major, least.minor);
	else
		finding_add(f, CHECK_VERSION, FINDING_FINE, NULL, "%s %s", product, version);
}

void finding_clock(struct findings *f, int64_t server_us, int64_t before_us, int64_t after_us,
		   int64_t grain_us)
{
	int64_t early = server_us + grain_us - before_us, late = server_us - after_us;
	/* It was read at some moment between the two: so far it is off at the least. */
	int64_t off = early < 0 ? early : late > 0 ? late : 0;

	if (off > -CLOCK_FAR_US && off < CLOCK_FAR_US)
		finding_add(f, CHECK_CLOCK, FINDING_FINE, NULL,
			    "its clock goes as this machine's does");
	else
		finding_add(f, CHECK_CLOCK, FINDING_WARNING,
			    "nothing is decided by this machine's clock, but the times that people "
			    "see will not fit together: let NTP set both",
			    "its clock is %.1f s %s this machine's",
			    (double)(off < 0 ? -off : off) / 1e6, off < 0 ? "behind" : "ahead of");
}

void finding_disk(struct findings *f, struct str where, int64_t free_bytes)
{
	bool little = free_bytes < DISK_LITTLE_BYTES;

	finding_add(f, CHECK_DISK, little ? FINDING_WARNING : FINDING_FINE,
		    little ? "make room: what runs out of it fails" : NULL,
		    "%.1f GiB are free on %.*s", (double)free_bytes / (1 << 30), STR_ARG(where));
}

bool inspect_open(const struct inspection *in, const struct connection_kind *kind,
		  struct connection *c, struct findings *f)
{
	struct error err = { 0 };
	struct buf mend = { 0 };

	/* Not connection_open(): what the finding is of is said already. */
	*c = (struct connection){ .kind = kind, .name = must_strdup(in->name) };
	if (kind->open(c, in->url, in->watch, &err) == OUTCOME_OK)
		return true;
	connection_close(c);
	buf_format(&mend, err.class == ERROR_PERMANENT
			   ? "see whether the user, the password and the database in %s are right"
			   : "see whether the server runs and lets this machine in, and whether %s "
			     "names it",
		   in->variable);
	finding_error(f, CHECK_REACH, FINDING_WRONG, mend.ptr, &err);
	buf_clear(&mend);
	return false;
}

void inspect_id(char out[INSPECT_ID_SIZE])
{
	char id[37];

	os_uuid(id);
	snprintf(out, INSPECT_ID_SIZE, "amig:doctor:%s", id);
}

enum outcome inspect_ask(struct connection *c, const char *sql, const struct watch *watch,
			 struct result *out, struct error *err)
{
	char query_id[INSPECT_ID_SIZE];
	const struct statement s = {
		.sql = str_c(sql),
		.query_id = query_id,
		.timeout_ms = ASK_TIMEOUT_MS,
	};

	inspect_id(query_id);
	*out = (struct result){ 0 };
	return c->kind->query(c, &s, watch, out, err);
}
