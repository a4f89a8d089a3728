/* setting.c - the settings of the state store: read, checked, changed */
#include "vm/run/setting.h"

#include "vm/base/buf.h"

enum setting_kind { SETTING_BOOL, SETTING_COUNT };

static const struct setting_info {
	const char *name;
	enum setting_kind kind;
	const char *fallback;
	int64_t low, high;
	const char *sentence;
} infos[SETTINGS_COUNT] = {
#define SETTING(name, kind, fallback, low, high, sentence) \
	[SETTING_##name] = { #name, SETTING_##kind, fallback, low, high, sentence },
#include "vm/run/setting.def"
#undef SETTING
};

bool setting_is_other(struct str name)
{
	for (size_t i = 0; i < SETTINGS_COUNT; i++)
		if (str_eq(name, str_c(infos[i].name)))
			return false;
	return !str_eq(name, STR(SETTING_STORE_ID));
}

static bool parse(const struct setting_info *info, struct str text, int64_t *out)
{
	text = str_trim(text);
	switch (info->kind) {
	case SETTING_BOOL:
		*out = str_eq(text, STR("true"));
		return *out || str_eq(text, STR("false"));
	case SETTING_COUNT:
		return str_to_int(text, out) && *out >= info->low && *out <= info->high;
	}
	return false;
}

static enum outcome wrong(const struct setting_info *info, struct str text, struct error *err)
{
	error_set(err, OUTCOME_USAGE, "the setting %s can't be \"%.*s\"", info->name,
		  STR_ARG(text));
	if (info->kind == SETTING_BOOL)
		error_hint(err, "it is true or false");
	else
		error_hint(err, "it is a number from %lld to %lld", (long long)info->low,
			   (long long)info->high);
	return OUTCOME_USAGE;
}

/* `amigrun set` has never written it. */
static enum outcome edited(const struct setting_info *info, struct str text, struct error *err)
{
	error_set(err, OUTCOME_DAMAGED,
		  "the state is damaged: table setting, row name = '%s': \"%.*s\" is no value "
		  "of it",
		  info->name, STR_ARG(text));
	error_hint(err, "`amigrun set %s=%s` mends it", info->name, info->fallback);
	return OUTCOME_DAMAGED;
}

enum outcome setting_read(struct store *store, enum setting which, int64_t *out, struct error *err)
{
	const struct setting_info *info = &infos[which];
	struct arena a = { 0 };
	struct str value;
	bool found;
	enum outcome o = store_setting(store, str_c(info->name), &a, &value, &found, err);

	if (o == OUTCOME_OK && !parse(info, found ? value : str_c(info->fallback), out))
		o = edited(info, value, err);
	arena_clear(&a);
	return o;
}

/* One that a migration has set. */
static bool is_there(struct store *store, struct str name)
{
	struct error ignored = { 0 };
	struct arena a = { 0 };
	struct str value;
	bool found = false;

	if (!setting_is_other(name) ||
	    store_setting(store, name, &a, &value, &found, &ignored) != OUTCOME_OK)
		found = false;
	error_clear(&ignored);
	arena_clear(&a);
	return found;
}

enum outcome setting_change(struct store *store, struct str name, struct str value,
			    struct error *err)
{
	struct buf names = { 0 };
	int64_t ignored;

	for (size_t i = 0; i < SETTINGS_COUNT; i++) {
		if (!str_eq(name, str_c(infos[i].name))) {
			buf_format(&names, "%s%s", names.len ? ", " : "", infos[i].name);
			continue;
		}
		buf_clear(&names);
		if (!parse(&infos[i], value, &ignored))
			return wrong(&infos[i], value, err);
		return store_set_setting(store, name, str_trim(value), err);
	}
	if (is_there(store, name)) {
		buf_clear(&names);
		return store_set_setting(store, name, value, err);
	}
	error_set(err, OUTCOME_USAGE, "there is no setting \"%.*s\"", STR_ARG(name));
	error_hint(err, "there are %.*s", STR_ARG(buf_view(&names)));
	buf_clear(&names);
	return OUTCOME_USAGE;
}

enum outcome setting_check(struct str name, struct str value, struct error *err)
{
	int64_t ignored;

	if (name.len == 0 || str_eq(name, STR(SETTING_STORE_ID)))
		return error_set(err, OUTCOME_USAGE, "there is no setting \"%.*s\" to be changed",
				 STR_ARG(name));
	for (size_t i = 0; i < SETTINGS_COUNT; i++)
		if (str_eq(name, str_c(infos[i].name)) && !parse(&infos[i], value, &ignored))
			return wrong(&infos[i], value, err);
	return OUTCOME_OK;
}

enum outcome setting_show(struct store *store, enum setting which, struct arena *a,
			  struct setting_shown *out, struct error *err)
{
	const struct setting_info *info = &infos[which];
	bool found;
	enum outcome o =
		store_setting(store, str_c(info->name), a, &out->value, &found, err);

	out->name = info->name;
	out->sentence = info->sentence;
	out->is_default = !found;
	if (o == OUTCOME_OK && !found)
		out->value = str_c(info->fallback);
	return o;
}
