/* policy.c - how an operation is carried out: its options record read by the names of its type */
#include "vm/run/session.h"

static void read_settings(const struct value *v, struct policy *out, struct arena *a)
{
	const struct list *list = v->list;

	out->settings = arena_array(a, struct connection_setting, list->count + 1);
	out->setting_count = list->count;
	for (size_t i = 0; i < list->count; i++) {
		const struct record *pair = list->store->at[i].record;

		out->settings[i].name = arena_str(a, value_text(pair->at[0]));
		out->settings[i].value = arena_str(a, value_text(pair->at[1]));
	}
}

void policy_read(const struct run *r, const struct operation *op, struct value options,
		 struct policy *out, struct arena *a)
{
	const struct type *type = types_get(&r->module.types, op->options);

	*out = (struct policy){ .retry = retry_default(), .weight = 1 };
	if (options.kind != VALUE_RECORD || type->kind != TYPE_RECORD)
		return;
	for (uint32_t i = 0; i < type->field_count && i < options.record->count; i++) {
		struct str name = type->fields[i].name;
		const struct value *v = &options.record->at[i];

		if (str_eq(name, STR("timeout")))
			out->timeout_ms = v->number;
		else if (str_eq(name, STR("retry")))
			out->retry.times = v->number;
		else if (str_eq(name, STR("backoff_min")))
			out->retry.backoff_min_ms = v->number;
		else if (str_eq(name, STR("backoff_max")))
			out->retry.backoff_max_ms = v->number;
		else if (str_eq(name, STR("weight")))
			out->weight = v->number;
		else if (str_eq(name, STR("settings")))
			read_settings(v, out, a);
	}
	if (out->weight < 1)
		out->weight = 1;
	if (out->weight > PROGRESS_WEIGHT_MAX)
		out->weight = PROGRESS_WEIGHT_MAX;
}
