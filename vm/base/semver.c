#include "vm/base/semver.h"

static bool number(struct str *s, uint32_t *out)
{
	uint64_t value = 0;
	size_t digits = 0;

	while (digits < s->len && s->ptr[digits] >= '0' && s->ptr[digits] <= '9') {
		value = value * 10 + (uint64_t)(s->ptr[digits] - '0');
		if (value > UINT32_MAX)
			return false;
		digits++;
	}
	if (digits == 0)
		return false;
	s->ptr += digits;
	s->len -= digits;
	*out = (uint32_t)value;
	return true;
}

static bool skip(struct str *s, char c)
{
	if (s->len == 0 || s->ptr[0] != c)
		return false;
	s->ptr++;
	s->len--;
	return true;
}

/* Dot-separated identifiers of letters, digits and hyphens, none empty. */
static bool is_prerelease(struct str s)
{
	bool in_identifier = false;

	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];
		bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
			     (c >= 'A' && c <= 'Z') || c == '-';

		if (!plain && (c != '.' || !in_identifier))
			return false;
		in_identifier = plain;
	}
	return in_identifier;
}

bool semver_parse(struct str text, struct semver *out)
{
	*out = (struct semver){ .pre = STR("") };
	if (!number(&text, &out->major) || !skip(&text, '.') || !number(&text, &out->minor) ||
	    !skip(&text, '.') || !number(&text, &out->patch))
		return false;
	if (text.len == 0)
		return true;
	if (!skip(&text, '-') || !is_prerelease(text))
		return false;
	out->pre = text;
	return true;
}

bool semver_of_server(struct str text, struct semver *out)
{
	text = str_trim(text);
	*out = (struct semver){ .pre = STR("") };
	if (!number(&text, &out->major))
		return false;
	if (skip(&text, '.') && number(&text, &out->minor) && skip(&text, '.') &&
	    !number(&text, &out->patch))
		out->patch = 0;
	return true;
}

static struct str next_identifier(struct str *s)
{
	ptrdiff_t dot = str_find(*s, STR("."));
	struct str head = { s->ptr, dot < 0 ? s->len : (size_t)dot };
	size_t used = dot < 0 ? s->len : head.len + 1;

	s->ptr += used;
	s->len -= used;
	return head;
}

static bool is_numeric(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] < '0' || s.ptr[i] > '9')
			return false;
	return true;
}

static int compare_identifier(struct str a, struct str b)
{
	bool a_numeric = is_numeric(a), b_numeric = is_numeric(b);

	if (a_numeric != b_numeric)
		return a_numeric ? -1 : 1;
	if (!a_numeric)
		return str_compare(a, b);
	while (a.len > 1 && a.ptr[0] == '0')
		skip(&a, '0');
	while (b.len > 1 && b.ptr[0] == '0')
		skip(&b, '0');
	if (a.len != b.len)
		return a.len < b.len ? -1 : 1;
	return str_compare(a, b);
}

static int compare_prerelease(struct str a, struct str b)
{
	if (a.len == 0 || b.len == 0)
		return (a.len == 0) - (b.len == 0);	/* without one is the later */
	while (a.len > 0 && b.len > 0) {
		int order = compare_identifier(next_identifier(&a), next_identifier(&b));

		if (order != 0)
			return order;
	}
	return (a.len > 0) - (b.len > 0);
}

int semver_compare(struct semver a, struct semver b)
{
	if (a.major != b.major)
		return a.major < b.major ? -1 : 1;
	if (a.minor != b.minor)
		return a.minor < b.minor ? -1 : 1;
	if (a.patch != b.patch)
		return a.patch < b.patch ? -1 : 1;
	return compare_prerelease(a.pre, b.pre);
}

void semver_print(struct buf *out, struct semver v)
{
	buf_format(out, "%u.%u.%u", v.major, v.minor, v.patch);
	if (v.pre.len) {
		buf_byte(out, '-');
		buf_str(out, v.pre);
	}
}
