/*
 * builtin_regex.c - `matches` and `replace`
 *
 * PCRE2 with bounds on the steps and memory of one match, so that no pattern can hang a run.
 * Compiled patterns are kept.
 */
#include "vm/machine/interpreter.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>

#define MATCH_STEPS_MAX 5000000u
#define MATCH_DEPTH_MAX 1000000u
#define MATCH_HEAP_MAX_KIB (64u << 10)
#define SHOWN_BYTES 80u

static bool refuse(struct machine *vm, struct str pattern, int code)
{
	PCRE2_UCHAR8 why[256];
	if (pcre2_get_error_message(code, why, sizeof(why)) < 0)
		why[0] = '\0';
	return machine_fail_here(vm, "the regular expression \"%.*s\": %s",
				 (int)(pattern.len < SHOWN_BYTES ? pattern.len : SHOWN_BYTES),
				 pattern.ptr, (char *)why);
}

static void clear(struct regex *regex)
{
	pcre2_code_free(regex->code);
	free((void *)(uintptr_t)regex->pattern.ptr);
	*regex = (struct regex){ 0 };
}

void regexes_clear(struct machine *vm)
{
	for (size_t i = 0; i < REGEXES_KEPT; i++)
		clear(&vm->regexes[i]);
}

static const pcre2_code *compiled(struct machine *vm, struct str pattern)
{
	int problem;
	size_t at;
	for (size_t i = 0; i < REGEXES_KEPT; i++)
		if (vm->regexes[i].code && str_eq(vm->regexes[i].pattern, pattern))
			return vm->regexes[i].code;
	pcre2_compile_context *limits = pcre2_compile_context_create(NULL);
	if (limits)
		pcre2_set_max_pattern_length(limits, 1 << 16);
	pcre2_code *code =
		pcre2_compile((PCRE2_SPTR)pattern.ptr, pattern.len,
			      PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C, &problem, &at, limits);
	pcre2_compile_context_free(limits);
	if (!code) {
		refuse(vm, pattern, problem);
		return NULL;
	}
	struct regex *regex = &vm->regexes[vm->next_regex++ % REGEXES_KEPT];
	clear(regex);
	char *copy = must_alloc(pattern.len);
	memcpy(copy, pattern.ptr, pattern.len);
	*regex = (struct regex){ { copy, pattern.len }, code };
	return code;
}

static pcre2_match_context *limits(void)
{
	pcre2_match_context *context = pcre2_match_context_create(NULL);
	if (!context)
		BUG("no memory for a match");
	pcre2_set_match_limit(context, MATCH_STEPS_MAX);
	pcre2_set_depth_limit(context, MATCH_DEPTH_MAX);
	pcre2_set_heap_limit(context, MATCH_HEAP_MAX_KIB);
	return context;
}

bool builtin_matches(struct machine *vm, const struct value *args, struct value *out)
{
	struct str text = value_text(args[0]), pattern = value_text(args[1]);
	const pcre2_code *code = compiled(vm, pattern);
	if (!code)
		return false;
	pcre2_match_context *context = limits();
	pcre2_match_data *data = pcre2_match_data_create(1, NULL);
	if (!data)
		BUG("no memory for a match");
	int found = pcre2_match(code, (PCRE2_SPTR)text.ptr, text.len, 0, 0, data, context);
	pcre2_match_data_free(data);
	pcre2_match_context_free(context);
	if (found < 0 && found != PCRE2_ERROR_NOMATCH)
		return refuse(vm, pattern, found);
	*out = value_bool(found != PCRE2_ERROR_NOMATCH);
	return true;
}

bool builtin_replace(struct machine *vm, const struct value *args, struct value *out)
{
	struct str text = value_text(args[0]), pattern = value_text(args[1]),
		   with = value_text(args[2]);
	const pcre2_code *code = compiled(vm, pattern);
	if (!code)
		return false;
	pcre2_match_context *context = limits();
	size_t room = text.len + with.len + 64, len;
	char *made = NULL;
	int found;
	for (;;) {
		made = must_realloc(made, room);
		len = room;
		found = pcre2_substitute(code, (PCRE2_SPTR)text.ptr, text.len, 0,
					 PCRE2_SUBSTITUTE_GLOBAL | PCRE2_SUBSTITUTE_UNSET_EMPTY |
						 PCRE2_SUBSTITUTE_OVERFLOW_LENGTH,
					 NULL, context, (PCRE2_SPTR)with.ptr, with.len,
					 (PCRE2_UCHAR8 *)made, &len);
		if (found != PCRE2_ERROR_NOMEMORY || len <= room || len > VALUE_BYTES_MAX)
			break;
		room = len;
	}
	bool going = found >= 0 && machine_check_room(vm, len);
	if (going)
		*out = value_string(&vm->heap, (struct str){ made, len });
	else if (found < 0)
		refuse(vm, pattern, found);
	free(made);
	pcre2_match_context_free(context);
	return going;
}
