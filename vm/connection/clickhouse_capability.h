/*
 * clickhouse_capability.h - what a server of ClickHouse can, by clickhouse_capability.def
 *
 * A server and the engine in this process are asked the same question, when they are connected to.
 */
#ifndef VM_CONNECTION_CLICKHOUSE_CAPABILITY_H
#define VM_CONNECTION_CLICKHOUSE_CAPABILITY_H

#include "vm/connection/connection.h"

enum clickhouse_can {
#define CLICKHOUSE_SETTING(name, value, when)
#define CLICKHOUSE_CAPABILITY(NAME, question) CLICKHOUSE_CAN_##NAME,
#include "vm/connection/clickhouse_capability.def"
};

enum clickhouse_when { FOR_READ = 1, FOR_CHANGE = 2, FOR_ALWAYS = 3 };

struct clickhouse_setting {
	const char *name, *value;
	enum clickhouse_when when;
};

struct clickhouse_capabilities {
	uint64_t settings;	/* rows of the table that the server knows */
	unsigned can;		/* a bit for each enum clickhouse_can */
	bool readonly;		/* the user's profile: no setting may be sent */
};

void clickhouse_capability_ask(struct buf *sql);
/* From the answer: also the version and the time zone, which are the caller's to free. false: that
 * is no answer of such a server. */
bool clickhouse_capability_learn(const struct result *r, struct clickhouse_capabilities *out,
				 char **version, char **time_zone);
bool clickhouse_can(const struct clickhouse_capabilities *of, enum clickhouse_can what);
/* The setting of this row; NULL at the table's end. */
const struct clickhouse_setting *clickhouse_setting_at(size_t i);
/* Whether it goes with a statement of this sort to that server. */
bool clickhouse_setting_goes(const struct clickhouse_capabilities *of, size_t i,
			     enum clickhouse_when when);

#endif
