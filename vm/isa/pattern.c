/* pattern.c - parses stack effects and signatures */
#include "vm/isa/pattern.h"

static const struct { const char *text; enum pattern_word word;
} words[] = {
	{ "sorted", WORD_SORTED },
	{ "record", WORD_RECORD },
	{ "connection", WORD_CONNECTION },
	{ "type", WORD_TYPE },
	{ "local", WORD_LOCAL },
	{ "constant", WORD_CONSTANT },
	{ "param", WORD_PARAM },
	{ "frozen", WORD_FROZEN },
	{ "need", WORD_NEED },
	{ "field", WORD_FIELD },
	{ "params", WORD_PARAMS },
	{ "result", WORD_RESULT },
	{ "own_result", WORD_OWN_RESULT },
	{ "holes", WORD_HOLES },
	{ "fields", WORD_FIELDS },
	{ "options", WORD_OPTIONS },
	{ "captures", WORD_CAPTURES },
	{ "answer", WORD_ANSWER },
};

static bool parse_word(struct str text, struct pattern_item *out)
{
	if (str_eq(text, STR("T")) || str_eq(text, STR("U"))) {
		out->word = WORD_VARIABLE;
		out->number = text.ptr[0] == 'U';
		return true;
	}
	if (types_scalar(text, &out->number)) {
		out->word = WORD_SCALAR;
		return out->number != TYPE_NOTHING && out->number != TYPE_NEVER;
	}
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (str_eq(text, str_c(words[i].text))) {
			out->word = words[i].word;
			return true;
		}
	}
	return false;
}

static bool parse_item(struct str text, struct pattern_item *out)
{
	*out = (struct pattern_item){ 0 };
	if (text.len > 2 && text.ptr[1] == '*' && (text.ptr[0] == 'a' || text.ptr[0] == 'b')) {
		out->repeat = text.ptr[0] == 'a' ? REPEAT_A : REPEAT_B;
		text = (struct str){ text.ptr + 2, text.len - 2 };
	}
	if (text.len > 2 && text.ptr[0] == '[' && text.ptr[text.len - 1] == ']') {
		out->wrap = WRAP_LIST;
		text = (struct str){ text.ptr + 1, text.len - 2 };
	} else if (text.len > 1 && text.ptr[text.len - 1] == '?') {
		out->wrap = WRAP_OPTIONAL;
		text.len--;
	}
	return parse_word(text, out);
}

bool pattern_parse(const char *text, struct pattern *out)
{
	*out = (struct pattern){ 0 };
	while (*text) {
		size_t len = strcspn(text, " ");
		if (len == 0 || out->count == PATTERN_ITEMS_MAX)
			return false;
		if (!parse_item((struct str){ text, len }, &out->items[out->count++]))
			return false;
		text += len;
		if (*text == ' ' && *++text == '\0')
			return false;
	}
	return true;
}

/* Signatures know values only: scalars, variables, lists and optionals of them. */
static bool parse_plain(struct str text, struct pattern_item *out)
{
	return parse_item(text, out) && out->repeat == REPEAT_ONCE &&
	       (out->word == WORD_SCALAR || out->word == WORD_VARIABLE);
}

bool signature_parse(const char *text, struct pattern *params, struct pattern_item *result)
{
	*params = (struct pattern){ 0 };
	if (*text++ != '(')
		return false;
	while (*text != ')') {
		if (params->count > 0) {
			if (text[0] != ',' || text[1] != ' ')
				return false;
			text += 2;
		}
		size_t name = strcspn(text, ":,)");
		if (name == 0 || text[name] != ':' || text[name + 1] != ' ' ||
		    params->count == PATTERN_ITEMS_MAX)
			return false;
		text += name + 2;
		size_t len = strcspn(text, ",)");
		if (!parse_plain((struct str){ text, len }, &params->items[params->count++]))
			return false;
		text += len;
	}
	return strncmp(text, ") -> ", 5) == 0 && parse_plain(str_c(text + 5), result);
}
