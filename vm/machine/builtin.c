/* builtin.c - calls of built-in functions, and those that are not about text */
#include "vm/machine/interpreter.h"

#include <time.h>

static const struct { builtin_fn body; } bodies[BUILTIN_MAX + 1] = {
#define BUILTIN(number, name, c_name, signature, doc) [number] = { builtin_##c_name },
#include "stdlib/builtins.def"
#undef BUILTIN
};

/* A colon stands behind each parameter's name and nowhere else. */
static size_t param_count(const char *signature)
{
	size_t count = 0;
	for (; *signature; signature++)
		count += *signature == ':';
	return count;
}

bool call_builtin(struct machine *vm)
{
	uint32_t number = vm->cursor.at->a;
	size_t count = param_count(builtin_table[number].signature);
	struct value result = value_null();
	if (!bodies[number].body(vm, vm->cursor.sp - count, &result) ||
	    !machine_check_value(vm, result))
		return false;
	vm->cursor.sp -= count;
	*vm->cursor.sp++ = result;
	vm->cursor.at++;
	return true;
}

bool builtin_len_list(struct machine *vm UNUSED, const struct value *args, struct value *out)
{
	*out = value_int((int64_t)args[0].list->count);
	return true;
}

bool builtin_ident(struct machine *vm, const struct value *args, struct value *out)
{
	const struct list *parts = args[0].list;
	if (parts->count == 0)
		return machine_fail_here(vm, "ident: a name has one part or more");
	for (size_t i = 0; i < parts->count; i++)
		if (parts->store->at[i].text->len == 0)
			return machine_fail_here(vm, "ident: part %zu of the name is empty", i + 1);
	*out = value_ident(&vm->heap, parts->store->at, parts->count);
	return true;
}

bool builtin_sql_join(struct machine *vm, const struct value *args, struct value *out)
{
	const struct list *fragments = args[0].list;
	struct value empty = value_string(&vm->heap, STR(""));
	size_t holes = fragments->count ? 2 * fragments->count - 1 : 0, count = 2 * holes + 1;
	if (!machine_check_room(vm, count * sizeof(struct value)))
		return false;
	struct value *pieces = arena_array(&vm->heap.arena, struct value, count);
	for (size_t i = 0; i < count; i++) {
		if (i % 2 == 0)
			pieces[i] = empty;
		else
			pieces[i] = i / 2 % 2 == 0 ? fragments->store->at[i / 4] : args[1];
	}
	*out = value_sql(&vm->heap, pieces, count);
	return true;
}

bool builtin_raw(struct machine *vm, const struct value *args, struct value *out)
{
	*out = value_sql(&vm->heap, args, 1);
	return true;
}

/* strftime with nothing between the % and its letter: no widths that ask for gigabytes, no locale's
 * alternatives. */
static bool is_time_format(struct str format)
{
	for (size_t i = 0; i < format.len; i++) {
		if (format.ptr[i] == '\0')
			return false;
		if (format.ptr[i] != '%')
			continue;
		if (++i == format.len ||
		    !strchr("aAbBcCdDeFgGhHIjmMnpRsStTuUVwWxXyYzZ%", format.ptr[i]))
			return false;
	}
	return true;
}

bool builtin_format_time(struct machine *vm, const struct value *args, struct value *out)
{
	struct str format = value_text(args[1]);
	int64_t us = args[0].number;
	time_t seconds = (time_t)(us / 1000000 - (us % 1000000 < 0));
	struct tm parts;
	if (!is_time_format(format))
		return machine_fail_here(vm, "format_time: \"%.*s\" is no format",
					 (int)(format.len < 80 ? format.len : 80), format.ptr);
	if (format.len > 1000 || !gmtime_r(&seconds, &parts))
		return machine_fail_here(
			vm, "format_time: the format is too long or the time out of range");
	/* A format that gives nothing can't be told from one that does not fit: a mark behind it
	 * makes it give something. */
	char marked[1002], text[32000];
	memcpy(marked, format.ptr, format.len);
	memcpy(marked + format.len, ".", 2);
	_Pragma("GCC diagnostic push")
	_Pragma("GCC diagnostic ignored \"-Wformat-nonliteral\"")
	size_t len = strftime(text, sizeof(text), marked, &parts);
	_Pragma("GCC diagnostic pop")
	if (len == 0)
		return machine_fail_here(vm, "format_time: the text would be too long");
	*out = value_string(&vm->heap, (struct str){ text, len - 1 });
	return true;
}

bool builtin_float_of_int(struct machine *vm UNUSED, const struct value *args, struct value *out)
{
	*out = value_float((double)args[0].number);
	return true;
}

bool builtin_int_of_float(struct machine *vm, const struct value *args, struct value *out)
{
	double real = args[0].real;
	/* 2^63 as a double is exact; NaN fails both. */
	if (!(real >= -9223372036854775808.0 && real < 9223372036854775808.0))
		return machine_fail_here(vm, "int: the number does not fit into 64 bits");
	*out = value_int((int64_t)real);
	return true;
}
