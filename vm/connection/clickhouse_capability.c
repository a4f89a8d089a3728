/* clickhouse_capability.c - the one question that is asked at connect, and its answer */
#include "vm/connection/clickhouse_capability.h"

static const struct clickhouse_setting settings[] = {
#define CLICKHOUSE_SETTING(name, value, when) { #name, value, FOR_##when },
#define CLICKHOUSE_CAPABILITY(NAME, question)
#include "vm/connection/clickhouse_capability.def"
};

static const char *const questions[] = {
#define CLICKHOUSE_SETTING(name, value, when)
#define CLICKHOUSE_CAPABILITY(NAME, question) question,
#include "vm/connection/clickhouse_capability.def"
};

enum cell { CELL_OF_VERSION, CELL_OF_TIME_ZONE, CELL_OF_SETTINGS, CELL_OF_CAPABILITIES, CELLS };

void clickhouse_capability_ask(struct buf *sql)
{
	buf_text(sql, "SELECT version(), timezone(), concat(' ', "
		      "arrayStringConcat(groupArray(concat(name, '=', value)), ' '), ' '), "
		      "concat(''");
	for (size_t i = 0; i < ARRAY_SIZE(questions); i++)
		buf_format(sql, ", toString((%s))", questions[i]);
	buf_text(sql, ") FROM system.settings WHERE name IN ('readonly'");
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++)
		buf_format(sql, ", '%s'", settings[i].name);
	buf_byte(sql, ')');
}

bool clickhouse_capability_learn(const struct result *r, struct clickhouse_capabilities *out,
				 char **version, char **time_zone)
{
	const struct str *row = r->rows.count == 1 ? r->rows.at[0] : NULL;
	struct buf word = { 0 };

	if (!row || r->column_count != CELLS ||
	    row[CELL_OF_CAPABILITIES].len != ARRAY_SIZE(questions))
		return false;
	*version = must_strdup(row[CELL_OF_VERSION].ptr);
	*time_zone = must_strdup(row[CELL_OF_TIME_ZONE].ptr);
	*out = (struct clickhouse_capabilities){ 0 };
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
		buf_reset(&word);
		buf_format(&word, " %s=", settings[i].name);
		if (str_find(row[CELL_OF_SETTINGS], buf_view(&word)) >= 0)
			out->settings |= (uint64_t)1 << i;
	}
	out->readonly = str_find(row[CELL_OF_SETTINGS], STR(" readonly=1 ")) >= 0;
	for (size_t i = 0; i < ARRAY_SIZE(questions); i++)
		out->can |= (unsigned)(row[CELL_OF_CAPABILITIES].ptr[i] == '1') << i;
	buf_clear(&word);
	return true;
}

bool clickhouse_can(const struct clickhouse_capabilities *of, enum clickhouse_can what)
{
	return of->can >> what & 1;
}

const struct clickhouse_setting *clickhouse_setting_at(size_t i)
{
	return i < ARRAY_SIZE(settings) ? &settings[i] : NULL;
}

bool clickhouse_setting_goes(const struct clickhouse_capabilities *of, size_t i,
			     enum clickhouse_when when)
{
	return of->settings >> i & 1 && settings[i].when & when;
}
