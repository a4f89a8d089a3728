/* diag.c - diagnostics as they are collected */
#include "grammar/diag.h"
#include <stdlib.h>

struct row {
	const char *code, *message, *help, *explanation;
	enum severity severity;
};

static const struct row rows[] = {
#define DIAG(code, severity, name, message, help, explanation) \
	{ #code, message, help, explanation, SEVERITY_##severity },
#include "grammar/diag.def"
#undef DIAG
};

#define LIMIT_DEFAULT 200

/* What makes a diagnostic another one. Of those that count what was left out each source has one,
 * wherever it stands. */
struct place_key {
	uint32_t code, source, start, end;
};

static struct place_key key_of(enum diag_code code, struct span span)
{
	if (code == DIAG_TOO_MANY)
		span.start = span.end = UINT32_MAX;
	return (struct place_key){ code, span.source, span.start, span.end };
}

/* Its number + 1; 0: there is none. */
static size_t find(const struct diags *d, enum diag_code code, struct span span)
{
	struct place_key key = key_of(code, span);

	return (size_t)(uintptr_t)map_get(&d->known,
		(struct str){ (const char *)&key, sizeof(key) });
}

static void learn(struct diags *d, size_t number)
{
	const struct diag *diag = &d->all.at[number];
	struct place_key *key = arena_new(&d->arena, struct place_key);

	*key = key_of(diag->code, diag->span);
	map_add(&d->known, (struct str){ (const char *)key, sizeof(*key) },
		(void *)(uintptr_t)(number + 1));
}

/* After their numbers have changed. */
static void learn_all(struct diags *d)
{
	map_clear(&d->known);
	for (size_t i = 0; i < d->all.count; i++)
		learn(d, i);
}

static size_t append(struct diags *d, enum diag_code code, struct span span, struct str message)
{
	struct diag diag = { .code = code,
		.span = span,
		.message = message,
		.help = str_c(rows[code].help) };

	vec_push(&d->all, diag);
	learn(d, d->all.count - 1);
	return d->all.count - 1;
}

static void count(struct diags *d, enum diag_code code, struct span span)
{
	if (rows[code].severity == SEVERITY_WARNING) {
		d->warning_count++;
		return;
	}
	while (d->per_source.count <= span.source)
		vec_push(&d->per_source, 0);
	d->per_source.at[span.source]++;
	d->error_count++;
}

static struct str fill(struct diags *d, enum diag_code code, va_list args)
{
	struct buf text = { 0 };
	struct str message;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	/* The messages of diag.def are literals, but a compiler can't see that through the table.
	 */
	buf_vformat(&text, rows[code].message, args);
#pragma GCC diagnostic pop
	message = arena_str(&d->arena, buf_view(&text));
	buf_clear(&text);
	return message;
}

static struct str fill_with(struct diags *d, enum diag_code code, ...)
{
	struct str message;
	va_list args;

	va_start(args, code);
	message = fill(d, code, args);
	va_end(args);
	return message;
}

/* The errors of a source beyond the limit are counted in one diagnostic at its end. */
static size_t leave_out(struct diags *d, struct span span)
{
	unsigned extra =
		++d->per_source.at[span.source] - (unsigned)(d->limit ? d->limit : LIMIT_DEFAULT);
	size_t i = find(d, DIAG_TOO_MANY, span);

	d->error_count++;
	if (i == 0)
		i = append(d, DIAG_TOO_MANY, span, (struct str){ 0 }) + 1;
	if (span.start >= d->all.at[i - 1].span.start)
		d->all.at[i - 1].span = span;
	d->all.at[i - 1].message = fill_with(d, DIAG_TOO_MANY, extra);
	return i - 1;
}

size_t diag_add(struct diags *d, struct span span, enum diag_code code, ...)
{
	struct str message;
	va_list args;
	size_t number = find(d, code, span);

	if (number)
		return number - 1;
	if (rows[code].severity == SEVERITY_ERROR && span.source < d->per_source.count &&
		d->per_source.at[span.source] >= (d->limit ? d->limit : LIMIT_DEFAULT))
		return leave_out(d, span);
	va_start(args, code);
	message = fill(d, code, args);
	va_end(args);
	number = append(d, code, span, message);
	count(d, code, span);
	return number;
}

/* What is said further of one that was left out is left out too. */
static bool was_left_out(const struct diags *d, size_t number)
{
	return d->all.at[number].code == DIAG_TOO_MANY;
}

void diag_help(struct diags *d, size_t number, const char *format, ...)
{
	struct buf text = { 0 };
	va_list args;

	if (was_left_out(d, number))
		return;
	va_start(args, format);
	buf_vformat(&text, format, args);
	va_end(args);
	d->all.at[number].help = arena_str(&d->arena, buf_view(&text));
	buf_clear(&text);
}

void diag_note(struct diags *d, size_t number, struct span span, const char *format, ...)
{
	struct buf text = { 0 };
	struct diag_note note = { .span = span };
	va_list args;

	if (was_left_out(d, number))
		return;
	va_start(args, format);
	buf_vformat(&text, format, args);
	va_end(args);
	note.text = arena_str(&d->arena, buf_view(&text));
	buf_clear(&text);
	for (size_t i = 0; i < d->all.at[number].notes.count; i++)
		if (str_eq(d->all.at[number].notes.at[i].text, note.text) &&
			d->all.at[number].notes.at[i].span.start == span.start)
			return;
	vec_push(&d->all.at[number].notes, note);
}

void diag_fix(struct diags *d, size_t number, struct span span, const char *format, ...)
{
	struct diag *diag = &d->all.at[number];
	struct diag_edit edit = { .span = span };
	struct buf text = { 0 };
	va_list args;
	size_t at = 0;

	if (was_left_out(d, number))
		return;
	va_start(args, format);
	buf_vformat(&text, format, args);
	va_end(args);
	edit.text = arena_str(&d->arena, buf_view(&text));
	buf_clear(&text);
	while (at < diag->fix.count && diag->fix.at[at].span.start <= span.start) {
		/* Two of one place, or the same said twice: the first one stays alone. */
		if (diag->fix.at[at].span.end > span.start ||
			diag->fix.at[at].span.start == span.start)
			return;
		at++;
	}
	if (at < diag->fix.count && diag->fix.at[at].span.start < span.end)
		return;
	vec_push(&diag->fix, edit);
	for (size_t i = diag->fix.count - 1; i > at; i--)
		diag->fix.at[i] = diag->fix.at[i - 1];
	diag->fix.at[at] = edit;
}

static void drop(struct diags *d, size_t number)
{
	d->per_source.at[d->all.at[number].span.source]--;
	d->error_count--;
	vec_clear(&d->all.at[number].notes);
	vec_clear(&d->all.at[number].fix);
	for (size_t i = number; i + 1 < d->all.count; i++)
		d->all.at[i] = d->all.at[i + 1];
	d->all.count--;
}

void diag_blame(struct diags *d, size_t number)
{
	struct span open = d->all.at[number].span;
	bool is_told = false;

	for (size_t i = 0; i < number && !was_left_out(d, number);) {
		const struct diag *one = &d->all.at[i];

		if (!one->blames_block || one->span.source != open.source ||
			one->span.start < open.start) {
			i++;
			continue;
		}
		if (!is_told)
			diag_note(d, number, one->span, "it should be closed before this");
		is_told = true;
		drop(d, i);
		number--;
	}
	learn_all(d);
}

static int compare(const void *left, const void *right)
{
	const struct diag *a = left, *b = right;

	if (a->span.source != b->span.source)
		return a->span.source < b->span.source ? -1 : 1;
	if (a->span.start != b->span.start)
		return a->span.start < b->span.start ? -1 : 1;
	if (a->code != b->code)
		return a->code < b->code ? -1 : 1;
	return a->span.end < b->span.end ? -1 : a->span.end > b->span.end;
}

void diags_sort(struct diags *d)
{
	if (d->all.count)
		qsort(d->all.at, d->all.count, sizeof(*d->all.at), compare);
	learn_all(d);
}

void diags_clear(struct diags *d)
{
	for (size_t i = 0; i < d->all.count; i++) {
		vec_clear(&d->all.at[i].notes);
		vec_clear(&d->all.at[i].fix);
	}
	vec_clear(&d->all);
	vec_clear(&d->per_source);
	map_clear(&d->known);
	arena_clear(&d->arena);
	d->error_count = d->warning_count = 0;
}

const char *diag_code_text(enum diag_code code)
{
	return rows[code].code;
}

enum severity diag_severity(enum diag_code code)
{
	return rows[code].severity;
}

enum diag_code diag_code_find(struct str code)
{
	unsigned i = 0;

	while (i < DIAG_COUNT && !str_eq(code, str_c(rows[i].code)))
		i++;
	return (enum diag_code)i;
}

const char *diag_explanation(enum diag_code code)
{
	return rows[code].explanation;
}
