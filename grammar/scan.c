/* scan.c - tokens from shapes: numbers, words, brackets */
#include "grammar/scan.h"
#include "grammar/amig.tab.h"
#include "grammar/foreign.h"
#include "vm/base/semver.h"
#include "vm/base/units.h"
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

struct keyword {
	struct str word;
	int token;
	unsigned flags;
};

enum { RESERVED = SCAN_RESERVED, CLAUSE = SCAN_CLAUSE };

static const struct keyword keywords[] = {
#define KEYWORD(word, token, class) { { word, sizeof(word) - 1 }, T_##token, class },
#include "grammar/keywords.def"
#undef KEYWORD
};

struct span scan_span(const struct scan *s, uint32_t start, uint32_t end)
{
	return (struct span){ s->source, start, end };
}

struct str scan_text(const struct scan *s, struct span span)
{
	return (struct str){ s->text.ptr + span.start, span.end - span.start };
}

static struct str matched(const struct scan *s)
{
	return (struct str){ s->text.ptr + s->start, s->end - s->start };
}

static const char *matched_c(const struct scan *s)
{
	return arena_c(s->arena, matched(s));
}

static struct span here(const struct scan *s)
{
	return scan_span(s, s->start, s->end);
}

void scan_advance(struct scan *s, uint32_t length)
{
	s->start = s->end;
	s->end += length;
}

/* The matched text without its underscores. */
static struct str digits(const struct scan *s)
{
	struct str text = matched(s);
	char *out;
	size_t len = 0;

	if (!memchr(text.ptr, '_', text.len))
		return arena_str(s->arena, text);
	out = arena_alloc(s->arena, text.len + 1);
	for (size_t i = 0; i < text.len; i++)
		if (text.ptr[i] != '_')
			out[len++] = text.ptr[i];
	return (struct str){ out, len };
}

/* The last part of `2024-01-05`: it was told of the one before. */
static bool is_date(const struct scan *s)
{
	const struct diag *last =
		s->diags->all.count ? &s->diags->all.at[s->diags->all.count - 1] : NULL;

	return s->current.kind == '-' && last && last->code == DIAG_LEADING_ZERO &&
	       last->span.source == s->source && last->span.end + 1 == s->start;
}

int scan_int(struct scan *s)
{
	struct str text = matched(s);
	uint64_t number = 0;
	/* The least int has no positive counterpart: its digits are right behind a sign only. */
	bool negated = s->current.kind == '-' && s->current.span.end == s->start;
	bool fits = true;

	for (size_t i = 0; i < text.len && fits; i++) {
		uint64_t digit = (uint64_t)(text.ptr[i] - '0');

		if (text.ptr[i] == '_')
			continue;
		fits = number <= ((uint64_t)INT64_MAX + negated - digit) / 10;
		number = number * 10 + digit;
	}
	if (!fits) {
		diag_add(s->diags, here(s), DIAG_NUMBER_TOO_LARGE, matched_c(s));
		number = 0;
	} else if (text.len > 1 && text.ptr[0] == '0' && !s->muted && !is_date(s)) {
		size_t refused = diag_add(s->diags, here(s), DIAG_LEADING_ZERO);

		if (s->current.kind == '-')
			diag_help(s->diags, refused, "times come from queries and now(); a number "
						     "is written without zeros in front");
	}
	s->token.number = number > INT64_MAX ? INT64_MIN : (int64_t)number;
	return T_INT;
}

int scan_float(struct scan *s)
{
	struct str text = digits(s);

	errno = 0;
	s->token.real = strtod(text.ptr, NULL);
	if (errno == ERANGE && s->token.real > 1)
		diag_add(s->diags, here(s), DIAG_NUMBER_TOO_LARGE, matched_c(s));
	return T_FLOAT;
}

static struct str unit_of(struct str number)
{
	while (number.len && strchr("0123456789._", number.ptr[0]))
		number = (struct str){ number.ptr + 1, number.len - 1 };
	return number;
}

static bool is_unit(struct str number)
{
	static const char *const units[] = { "ms", "s", "m", "h", "d", "B", "KB", "MB", "GB", "TB",
		"KiB", "MiB", "GiB", "TiB" };

	number = unit_of(number);
	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		if (str_eq(number, str_c(units[i])))
			return true;
	return false;
}

/* The next number and its unit of `1h30m`, from `text`; false: there is none. */
static bool take_duration(struct str *text, int64_t *ms, struct str *unit)
{
	size_t digits = 0, end;

	while (digits < text->len && isdigit((unsigned char)text->ptr[digits]))
		digits++;
	for (end = digits; end < text->len && text->ptr[end] > '9'; end++)
		;
	if (!digits || !duration_parse((struct str){ text->ptr, end }, ms))
		return false;
	*unit = (struct str){ text->ptr + digits, end - digits };
	*text = (struct str){ text->ptr + end, text->len - end };
	return true;
}

/* `1h30m`: one number with one unit, in the smallest of those that were written. */
static bool help_compound(struct scan *s, size_t number, struct str text)
{
	static const struct {
		const char *name;
		int64_t ms;
	} units[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 },
		{ "d", 86400000 } };
	size_t least = ARRAY_SIZE(units);
	int64_t total = 0, one;
	struct str unit;

	while (text.len) {
		if (!take_duration(&text, &one, &unit) || one > INT64_MAX - total)
			return false;
		total += one;
		for (size_t i = 0; i < least; i++)
			if (str_eq(unit, str_c(units[i].name)))
				least = i;
	}
	if (least == ARRAY_SIZE(units))
		return false;
	total /= units[least].ms;
	diag_help(s->diags, number, "one number has one unit: `%lld%s`", (long long)total,
		units[least].name);
	diag_fix(s->diags, number, here(s), "%lld%s", (long long)total, units[least].name);
	return true;
}

int scan_quantity(struct scan *s)
{
	struct str text = digits(s), unit = unit_of(matched(s));
	const char *ours;
	size_t number;

	if (duration_parse(text, &s->token.number))
		return T_DURATION;
	if (size_parse(text, &s->token.number))
		return T_INT;
	s->token.number = 0;
	if (is_unit(text)) {
		diag_add(s->diags, here(s), DIAG_NUMBER_TOO_LARGE, matched_c(s));
		return T_INVALID;
	}
	number = diag_add(s->diags, here(s), DIAG_UNKNOWN_UNIT, matched_c(s));
	if (unit.len && s->text.ptr[s->end - unit.len - 1] == '_')
		unit = (struct str){ "", 0 };
	if (help_compound(s, number, matched(s)))
		return T_INVALID;
	if (s->current.kind == T_LET || s->current.kind == T_VAR || s->current.kind == T_CONST ||
		s->current.kind == T_PARAM || s->current.kind == T_FN ||
		s->current.kind == T_FOR) {
		diag_help(s->diags, number, "a name does not begin with a digit");
	} else if (s->current.kind == T_MIGRATION || s->current.kind == T_ON ||
		   s->current.kind == T_RUN) {
		diag_help(s->diags, number, "the name of a migration stands in quotes");
		diag_fix(s->diags, number, here(s), "\"%s\"", matched_c(s));
	} else if (text.len > 1 && text.ptr[0] == '0' && strchr("xXbBoO", text.ptr[1])) {
		diag_help(s->diags, number, "numbers are decimal");
	}
	ours = foreign_unit(unit);
	if (ours) {
		diag_help(s->diags, number, "did you mean `%s`?", ours);
		diag_fix(s->diags, number, scan_span(s, s->end - (uint32_t)unit.len, s->end), "%s",
			ours);
	}
	return T_INVALID;
}

static bool has_leading_zero(struct str version)
{
	bool begins = true;

	for (size_t i = 0; i < version.len && version.ptr[i] != '-'; i++) {
		char next = i + 1 < version.len ? version.ptr[i + 1] : '.';

		if (begins && version.ptr[i] == '0' && next >= '0' && next <= '9')
			return true;
		begins = version.ptr[i] == '.';
	}
	return false;
}

int scan_version(struct scan *s)
{
	struct semver version;

	if (has_leading_zero(matched(s)))
		diag_help(s->diags,
			diag_add(s->diags, here(s), DIAG_BAD_VERSION, matched_c(s)),
			"its numbers are written without zeros in front");
	else if (!semver_parse(matched(s), &version))
		diag_add(s->diags, here(s), DIAG_BAD_VERSION, matched_c(s));
	return T_VERSION;
}

int scan_word(struct scan *s)
{
	struct str word = matched(s);
	size_t low = 0, high = ARRAY_SIZE(keywords);

	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = word.ptr[0] - keywords[middle].word.ptr[0];

		if (order == 0)
			order = str_compare(word, keywords[middle].word);

		if (order == 0) {
			int kind = keywords[middle].token;

			s->token.flags |= keywords[middle].flags;
			if (kind == T_NOTHING && s->current.kind != T_ROLLBACK)
				return T_NAME;
			return kind;
		}
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return T_NAME;
}

int scan_sign(struct scan *s)
{
	return s->text.ptr[s->start];
}

/* ---- brackets ---- */
static struct bracket *top(struct scan *s)
{
	return s->depth ? &s->brackets[s->depth - 1] : NULL;
}

/* How far the line of `offset` is indented, and whether nothing else stands before it there. */
static uint32_t indent_of(const struct scan *s, uint32_t offset, bool *is_first)
{
	uint32_t start = offset, end;

	while (start > 0 && s->text.ptr[start - 1] != '\n')
		start--;
	end = start;
	while (end < offset && (s->text.ptr[end] == ' ' || s->text.ptr[end] == '\t'))
		end++;
	*is_first = end == offset;
	return end - start;
}

static bool is_template(int kind)
{
	return kind == T_STRING_BEGIN || kind == T_SQL_BEGIN;
}

int scan_open(struct scan *s, int kind)
{
	bool is_first;

	if (s->depth == PARSE_DEPTH_MAX) {
		diag_add(s->diags, here(s), DIAG_TOO_DEEP);
		s->failed = true;
		return T_INVALID;
	}
	s->brackets[s->depth++] = (struct bracket){
		.kind = kind,
		.span = here(s),
		.indent = kind == T_LBRACE ? indent_of(s, s->start, &is_first) : 0,
		.triple = is_template(kind) && s->end - s->start >= 3 &&
			  s->text.ptr[s->end - 2] == '"',
	};
	s->token.depth = s->depth;
	return kind;
}

bool scan_in_triple(const struct scan *s)
{
	return s->depth > 0 && s->brackets[s->depth - 1].triple;
}

static int unpaired(struct scan *s, int kind)
{
	if (!s->skipping)
		diag_add(s->diags, here(s), DIAG_UNPAIRED, matched_c(s));
	s->token.depth = s->depth;
	/* A `}` too many at the end of a block may well be meant for the file: the parser sees it
	 * and recovers. */
	return kind == '}' ? T_INVALID : kind;
}

int scan_close(struct scan *s, int kind)
{
	struct bracket *b = top(s);
	uint32_t indent;
	bool is_first;

	if (kind == '}') {
		/* Parentheses end with the block that they stand in, or one that is missing would
		 * swallow the file. */
		while (b && (b->kind == '(' || b->kind == '[')) {
			s->depth--;
			b = top(s);
		}
		if (!b)
			return unpaired(s, kind);
		if (b->kind == T_HOLE_BEGIN)
			kind = T_HOLE_END;
		indent = indent_of(s, s->start, &is_first);
		if (kind == '}' && is_first && indent < b->indent && !s->suspect.kind)
			s->suspect = *b;
	} else if (kind != T_TEMPLATE_END && (!b || b->kind != (kind == ')' ? '(' : '['))) {
		s->token.depth = s->depth;
		return kind;
	}
	s->token.depth = s->depth--;
	return kind;
}

const struct bracket *scan_unclosed(const struct scan *s)
{
	if (s->depth == 0)
		return NULL;
	return s->suspect.kind ? &s->suspect : &s->brackets[s->depth - 1];
}
