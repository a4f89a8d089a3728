/* assemble_word.c - the words of a line of assembler text, numbers and types among them */
#include "vm/isa/assembler.h"

bool assembler_wrong(struct assembler *a, const char *format, ...)
{
	va_list args;
	if (a->why->len > 0)
		return false;
	buf_format(a->why, "line %u: ", a->line);
	va_start(args, format);
	buf_vformat(a->why, format, args);
	va_end(args);
	return false;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A text in quotes; *at stands behind the first one. */
static bool read_quoted(struct assembler *a, const char **at, const char *end, struct str *out)
{
	struct buf text = { 0 };
	const char *p = *at;
	for (; p < end && *p != '"'; p++) {
		if (*p != '\\' || p + 1 == end) {
			buf_byte(&text, *p);
			continue;
		}
		p++;
		if (*p == 'x' && end - p > 2 && hex_digit(p[1]) >= 0 && hex_digit(p[2]) >= 0) {
			buf_byte(&text, (char)(hex_digit(p[1]) * 16 + hex_digit(p[2])));
			p += 2;
		} else {
			buf_byte(&text, *p == 'n' ? '\n' : *p == 't' ? '\t' : *p);
		}
	}
	*out = arena_str(&a->m->arena, buf_view(&text));
	buf_clear(&text);
	*at = p + 1;
	return p < end || assembler_wrong(a, "a text without an end");
}

bool assembler_split(struct assembler *a, struct str line)
{
	const char *p = line.ptr, *end = line.ptr + line.len;
	a->count = a->at = 0;
	while (true) {
		while (p < end && (*p == ' ' || *p == '\t' || *p == '\r'))
			p++;
		if (p == end || *p == ';')
			return true;
		if (a->count == WORDS_MAX)
			return assembler_wrong(a, "too many words");
		struct word *w = &a->words[a->count++];
		*w = (struct word){ .quoted = *p == '"' };
		if (w->quoted) {
			p++;
			if (!read_quoted(a, &p, end, &w->text))
				return false;
			continue;
		}
		/* Blanks within brackets belong to a type. */
		const char *start = p;
		for (int open = 0; p < end && (open > 0 || (*p != ' ' && *p != '\t' && *p != '\r'));
		     p++)
			open += (*p == '{' || *p == '[') - (*p == '}' || *p == ']');
		w->text = (struct str){ start, (size_t)(p - start) };
	}
}

bool assembler_take(struct assembler *a, struct str *out)
{
	*out = STR("");
	if (a->at == a->count)
		return assembler_wrong(a, "a word is missing");
	*out = a->words[a->at++].text;
	return true;
}

bool assembler_next(struct assembler *a, const char *word)
{
	if (a->at == a->count || a->words[a->at].quoted ||
	    !str_eq(a->words[a->at].text, str_c(word)))
		return false;
	a->at++;
	return true;
}

bool assembler_number(struct assembler *a, int64_t *out)
{
	struct str text;
	return assembler_take(a, &text) &&
	       (str_to_int(text, out) || assembler_wrong(a, "%.*s is no number", STR_ARG(text)));
}

static bool parse_type(struct assembler *a, const char **p, const char *end, uint32_t *out);

static struct str name_at(const char **p, const char *end)
{
	const char *start = *p;
	while (*p < end && (**p == '_' || (**p >= 'a' && **p <= 'z') ||
			    (**p >= 'A' && **p <= 'Z') || (**p >= '0' && **p <= '9')))
		++*p;
	return (struct str){ start, (size_t)(*p - start) };
}

static void skip(const char **p, const char *end, const char *set)
{
	while (*p < end && strchr(set, **p))
		++*p;
}

static bool parse_record(struct assembler *a, const char **p, const char *end, uint32_t *out)
{
	VEC(struct type_field) fields = { 0 };
	bool right = true;
	for (skip(p, end, " "); right && *p < end && **p != '}'; skip(p, end, ", ")) {
		struct type_field field = { .name = name_at(p, end) };
		skip(p, end, ": ");
		right = parse_type(a, p, end, &field.type);
		vec_push(&fields, field);
	}
	if (right && *p < end)
		*out = types_record(&a->m->types, fields.at, (uint32_t)fields.count);
	right = right && *p < end;
	++*p;
	vec_clear(&fields);
	return right;
}

static bool parse_type(struct assembler *a, const char **p, const char *end, uint32_t *out)
{
	if (*p < end && **p == '[') {
		++*p;
		if (!parse_type(a, p, end, out) || *p == end || *(*p)++ != ']')
			return false;
		*out = types_list(&a->m->types, *out);
	} else if (*p < end && **p == '{') {
		++*p;
		if (!parse_record(a, p, end, out))
			return false;
	} else {
		struct str name = name_at(p, end);
		if (name.len == 0)
			return false;
		if (!types_scalar(name, out))
			*out = types_connection(&a->m->types, name);
	}
	if (*p < end && **p == '?') {
		++*p;
		*out = types_optional(&a->m->types, *out);
	}
	return true;
}

bool assembler_type(struct assembler *a, uint32_t *out)
{
	struct str text;
	if (!assembler_take(a, &text))
		return false;
	const char *p = text.ptr, *end = text.ptr + text.len;
	return (parse_type(a, &p, end, out) && p == end) ||
	       assembler_wrong(a, "%.*s is no type", STR_ARG(text));
}
