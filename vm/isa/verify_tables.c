/* verify_tables.c - what the tables of a module name exists and has the type that it must have */
#include "vm/isa/verify.h"

#include "vm/base/semver.h"

/* function(params) -> result, changing nothing unless effects are allowed. */
static bool check_function(struct verifier *v, const char *what, uint32_t function,
			   const uint32_t *params, uint32_t count, uint32_t result, bool effects)
{
	if (function >= v->m->function_count)
		return verify_refuse_table(v, "%s: there is no function %u", what, function);
	const struct function *f = &v->m->functions[function];
	if (f->param_count != count)
		return verify_refuse_table(v, "%s: function %u takes %u values instead of %u", what,
					   function, f->param_count, count);
	for (uint32_t i = 0; i < count; i++)
		if (f->local_types[i] != params[i])
			return verify_refuse_table(
				v, "%s: function %u takes a value of another type (%u)", what,
				function, i);
	if (f->result != result)
		return verify_refuse_table(v, "%s: function %u gives another type", what, function);
	if (!effects && (f->flags & FUNCTION_EFFECT))
		return verify_refuse_table(v, "%s: function %u may change the world", what,
					   function);
	return true;
}

static bool check_version(struct verifier *v, struct str text)
{
	struct semver version;
	return text.len == 0 || semver_parse(text, &version) ||
	       verify_refuse_table(v, "the migration: `%.*s` is no version", STR_ARG(text));
}

/* The type of what setup gives: a record of the frozens, or nothing where there are none. */
static bool check_setup(struct verifier *v)
{
	const struct module *m = v->m;
	uint32_t setup = m->migration.setup;
	if (setup >= m->function_count)
		return verify_refuse_table(v, "the setup: there is no function %u", setup);
	uint32_t result = m->functions[setup].result;
	const struct type *type = types_get(v->types, result);
	if (result == TYPE_NOTHING ? m->frozen_count != 0 : type->kind != TYPE_RECORD)
		return verify_refuse_table(
			v, "the setup: function %u does not give the frozen values", setup);
	if (result != TYPE_NOTHING && type->field_count != m->frozen_count)
		return verify_refuse_table(v, "the setup: it gives %u values, %u are to be frozen",
					   type->field_count, m->frozen_count);
	for (uint32_t i = 0; i < m->frozen_count; i++)
		if (!str_eq(type->fields[i].name, m->frozens[i].name) ||
		    type->fields[i].type != m->frozens[i].type)
			return verify_refuse_table(
				v, "the setup: its value %u is not the frozen value of that place",
				i);
	return check_function(v, "the setup", setup, NULL, 0, result, false);
}

static bool check_end(struct verifier *v, const char *what, uint32_t function)
{
	return function == NO_INDEX ||
	       check_function(v, what, function, NULL, 0, TYPE_NOTHING, true);
}

static bool check_migration(struct verifier *v)
{
	const struct migration *it = &v->m->migration;
	if (it->name.len == 0)
		return verify_refuse_table(v, "the migration has no name");
	if (!check_version(v, it->min_version) || !check_version(v, it->max_version) ||
	    !check_setup(v))
		return false;
	if (it->required != NO_INDEX &&
	    !check_function(v, "`required`", it->required, NULL, 0, TYPE_BOOL, false))
		return false;
	if (it->leaves != NO_INDEX && !check_function(v, "`leaves`", it->leaves, NULL, 0,
						      types_list(v->types, TYPE_IDENT), false))
		return false;
	return check_end(v, "`finally`", it->finally) &&
	       check_end(v, "`on complete`", it->on_complete) &&
	       check_end(v, "`on error`", it->on_error) &&
	       check_function(v, "the plan", it->plan, NULL, 0, TYPE_NOTHING, false);
}

static bool check_params(struct verifier *v)
{
	for (uint32_t i = 0; i < v->m->param_count; i++) {
		const struct param *it = &v->m->params[i];
		if (!types_assignable(v->types, it->type, TYPE_ANY))
			return verify_refuse_table(v, "parameter %u: a connection can't be one", i);
		if (it->default_value != NO_INDEX &&
		    !check_function(v, "a parameter's default", it->default_value, NULL, 0,
				    it->type, false))
			return false;
		if (it->check != NO_INDEX &&
		    !check_function(v, "a parameter's check", it->check, &it->type, 1,
				    types_optional(v->types, TYPE_STRING), false))
			return false;
	}
	for (uint32_t i = 0; i < v->m->frozen_count; i++)
		if (!types_assignable(v->types, v->m->frozens[i].type, TYPE_ANY))
			return verify_refuse_table(v, "frozen value %u: a connection can't be one",
						   i);
	return true;
}

static bool check_option(struct verifier *v, uint32_t operation, const struct type_field *field)
{
	static const struct { const char *name; uint32_t type; } known[] = {
		{ "timeout", TYPE_DURATION },		{ "retry", TYPE_INT },
		{ "backoff_min", TYPE_DURATION },	{ "backoff_max", TYPE_DURATION },
		{ "weight", TYPE_INT },
	};
	const struct type_field setting[] = { { STR("name"), TYPE_STRING },
					      { STR("value"), TYPE_STRING } };
	struct type_field copy = *field;
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (str_eq(copy.name, str_c(known[i].name)) && types_assignable(v->types, copy.type,
		    types_optional(v->types, known[i].type)))
			return true;
	uint32_t settings = types_list(v->types, types_record(v->types, setting, 2));
	if (str_eq(copy.name, STR("settings")) && types_assignable(v->types, copy.type, settings))
		return true;
	return verify_refuse_table(v,
				   "operation %u: its option `%.*s` is unknown or of another type",
				   operation, STR_ARG(copy.name));
}

static bool check_options(struct verifier *v, uint32_t operation)
{
	uint32_t options = v->m->operations[operation].options;
	if (options == NO_INDEX || options == TYPE_NULL)
		return true;
	if (types_get(v->types, options)->kind != TYPE_RECORD)
		return verify_refuse_table(v, "operation %u: its options are no record", operation);
	for (uint32_t i = 0; i < types_get(v->types, options)->field_count; i++)
		if (!check_option(v, operation, &types_get(v->types, options)->fields[i]))
			return false;
	return true;
}

static bool check_operation(struct verifier *v, uint32_t number)
{
	const struct operation *it = &v->m->operations[number];
	uint32_t count = it->capture_count;
	const uint32_t *types = it->capture_types;
	if (it->need != NO_INDEX && it->need >= v->m->need_count)
		return verify_refuse_table(v, "operation %u: there is no connection %u", number,
					   it->need);
	for (uint32_t i = 0; i < count; i++)
		if (!types_assignable(v->types, types[i], TYPE_ANY))
			return verify_refuse_table(v, "operation %u: it captures a connection",
						   number);
	if ((it->rollback_kind == ROLLBACK_CODE) != (it->rollback != NO_INDEX))
		return verify_refuse_table(v, "operation %u: its rollback is code and is not",
					   number);
	if (!check_options(v, number) || !check_function(v, "an operation's forward", it->forward,
							 types, count, TYPE_NOTHING, true))
		return false;
	if (it->rollback != NO_INDEX && !check_function(v, "an operation's rollback", it->rollback,
							types, count, TYPE_NOTHING, true))
		return false;
	return it->done_when == NO_INDEX ||
	       check_function(v, "an operation's `done when`", it->done_when, types, count,
			      TYPE_BOOL, false);
}

/* What can be written into SQL: scalars, null among them where the type says so, and lists of such.
 */
static bool is_hole(const struct types *types, uint32_t type, bool in_list)
{
	const struct type *it = types_get(types, type);
	switch (it->kind) {
	case TYPE_LIST:
		return !in_list && is_hole(types, it->element, true);
	case TYPE_OPTIONAL:
		return is_hole(types, it->element, true);
	case TYPE_NOTHING:
	case TYPE_ANY:
	case TYPE_RECORD:
	case TYPE_CONNECTION:
		return false;
	default:
		return true;
	}
}

static bool check_templates(struct verifier *v)
{
	for (uint32_t i = 0; i < v->m->template_count; i++) {
		const struct template *it = &v->m->templates[i];
		for (uint32_t h = 0; h < it->hole_count; h++)
			if (!is_hole(v->types, it->hole_types[h], false))
				return verify_refuse_table(v,
							   "template %u: hole %u has a type that "
							   "SQL has no literal for",
							   i, h);
	}
	return true;
}

bool verify_tables(struct verifier *v)
{
	if (!check_migration(v) || !check_params(v) || !check_templates(v))
		return false;
	for (uint32_t i = 0; i < v->m->operation_count; i++)
		if (!check_operation(v, i))
			return false;
	for (uint32_t i = 0; i < v->m->check_count; i++) {
		const struct check *it = &v->m->checks[i];
		if (!check_function(v, "a check", it->function, NULL, 0, TYPE_NOTHING, false))
			return false;
		if (it->kind == CHECK_HEALTH && it->every_ms <= 0)
			return verify_refuse_table(v, "check %u: it is to be done every %lld ms", i,
						   (long long)it->every_ms);
	}
	return true;
}
