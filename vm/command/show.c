/* show.c - errors, times and indented text for people */
#include "vm/command/command.h"

#include <jansson.h>

static void show_json(const struct error *err)
{
	json_t *all = json_object(), *e = json_object();

	json_object_set_new(e, "outcome", json_string(outcome_words(err->outcome)));
	json_object_set_new(e, "exit_status", json_integer(err->outcome));
	json_object_set_new(e, "message", json_string(err->message ? err->message : ""));
	if (err->hint)
		json_object_set_new(e, "hint", json_string(err->hint));
	if (err->code[0])
		json_object_set_new(e, "code", json_string(err->code));
	if (err->query_id)
		json_object_set_new(e, "query_id", json_string(err->query_id));
	json_object_set_new(all, "error", e);
	json_dumpf(all, stderr, JSON_COMPACT);
	fputc('\n', stderr);
	json_decref(all);
}

void show_error(const struct error *err, bool json)
{
	if (json) {
		show_json(err);
		return;
	}
	fprintf(stderr, "amigrun: %s", err->message ? err->message : outcome_words(err->outcome));
	if (err->code[0])
		fprintf(stderr, " (code %s)", err->code);
	fputc('\n', stderr);
	if (err->hint)
		fprintf(stderr, "hint: %s\n", err->hint);
}

void show_time(int64_t us, struct buf *out)
{
	if (us)
		timestamp_print(out, us / 1000000 * 1000000);
}

void show_at_once(int64_t block, int64_t at_once)
{
	if (block)
		printf(", up to %lld at once in block %lld", (long long)at_once, (long long)block);
}

void show_indented(FILE *out, const char *indent, struct str s)
{
	while (s.len) {
		const char *end = memchr(s.ptr, '\n', s.len);
		size_t len = end ? (size_t)(end - s.ptr) : s.len;

		fprintf(out, "%s%.*s\n", indent, (int)len, s.ptr);
		len += end != NULL;
		s = (struct str){ s.ptr + len, s.len - len };
	}
}
