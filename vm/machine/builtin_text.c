/* builtin_text.c - built-in functions on text */
#include "vm/machine/interpreter.h"

bool builtin_contains(struct machine *vm UNUSED, const struct value *args, struct value *out)
{
	*out = value_bool(str_find(value_text(args[0]), value_text(args[1])) >= 0);
	return true;
}

bool builtin_starts_with(struct machine *vm UNUSED, const struct value *args, struct value *out)
{
	*out = value_bool(str_starts(value_text(args[0]), value_text(args[1])));
	return true;
}

bool builtin_ends_with(struct machine *vm UNUSED, const struct value *args, struct value *out)
{
	*out = value_bool(str_ends(value_text(args[0]), value_text(args[1])));
	return true;
}

/* The letters of one case, from first on, are put into the other: 32 apart in ASCII. */
static struct value with_case(struct machine *vm, struct value v, char first)
{
	struct str text = value_text(v);
	char *made = arena_c(&vm->heap.arena, text);
	for (size_t i = 0; i < text.len; i++)
		if (made[i] >= first && made[i] < first + 26)
			made[i] = (char)(made[i] ^ 32);
	return value_string(&vm->heap, (struct str){ made, text.len });
}

bool builtin_lower(struct machine *vm, const struct value *args, struct value *out)
{
	*out = with_case(vm, args[0], 'A');
	return true;
}

bool builtin_upper(struct machine *vm, const struct value *args, struct value *out)
{
	*out = with_case(vm, args[0], 'a');
	return true;
}

bool builtin_trim(struct machine *vm, const struct value *args, struct value *out)
{
	*out = value_string(&vm->heap, str_trim(value_text(args[0])));
	return true;
}

bool builtin_split(struct machine *vm, const struct value *args, struct value *out)
{
	struct str rest = value_text(args[0]), separator = value_text(args[1]);
	if (separator.len == 0)
		return machine_fail_here(vm, "split: the separator is empty");
	size_t count = 1, filled = 0;
	ptrdiff_t at;
	for (struct str s = rest; (at = str_find(s, separator)) >= 0; count++)
		s = (struct str){ s.ptr + at + separator.len, s.len - (size_t)at - separator.len };
	if (!machine_check_room(vm, count * 4 * sizeof(struct value)))
		return false;
	struct value *parts = arena_array(&vm->heap.arena, struct value, count);
	while ((at = str_find(rest, separator)) >= 0) {
		parts[filled++] = value_string(&vm->heap, (struct str){ rest.ptr, (size_t)at });
		rest = (struct str){ rest.ptr + at + separator.len,
				     rest.len - (size_t)at - separator.len };
	}
	parts[filled++] = value_string(&vm->heap, rest);
	*out = value_list(&vm->heap, parts, filled);
	return true;
}

bool builtin_join(struct machine *vm, const struct value *args, struct value *out)
{
	const struct list *parts = args[0].list;
	struct buf text = { .cap_bytes = VALUE_BYTES_MAX };
	for (size_t i = 0; i < parts->count; i++) {
		if (i > 0)
			buf_str(&text, value_text(args[1]));
		buf_str(&text, value_text(parts->store->at[i]));
	}
	bool fits = !text.failed && machine_check_room(vm, text.len);
	if (fits)
		*out = value_string(&vm->heap, buf_view(&text));
	else
		machine_fail_here(vm, "join: the text would be too long");
	buf_clear(&text);
	return fits;
}

/* Every byte that does not continue a character begins one. */
bool builtin_len_string(struct machine *vm UNUSED, const struct value *args, struct value *out)
{
	struct str text = value_text(args[0]);
	int64_t count = 0;
	for (size_t i = 0; i < text.len; i++)
		count += ((unsigned char)text.ptr[i] & 0xc0) != 0x80;
	*out = value_int(count);
	return true;
}
