/* params.c - the values that the operator may set: --param before what is stored, that before the
 * default */
#include "vm/run/session.h"

struct given {
	struct str (*stored)[2];
	size_t stored_count;
};

/* *stored: it is a row of the state. */
static bool find_text(const struct run *r, const struct given *given, struct str name,
		      struct str *out, bool *stored)
{
	*stored = false;
	for (size_t i = r->options->param_count; i-- > 0;)
		if (str_eq(r->options->params[i].name, name)) {
			*out = r->options->params[i].value;
			return true;
		}
	for (size_t i = 0; i < given->stored_count; i++)
		if (str_eq(given->stored[i][0], name)) {
			*out = given->stored[i][1];
			*stored = true;
			return true;
		}
	return false;
}

static enum outcome refuse_unknown(const struct run *r, struct str name, struct error *err)
{
	struct buf names = { 0 };

	for (uint32_t i = 0; i < r->module.param_count; i++) {
		if (str_eq(r->module.params[i].name, name)) {
			buf_clear(&names);
			return OUTCOME_OK;
		}
		buf_format(&names, "%s%.*s", i ? ", " : "", STR_ARG(r->module.params[i].name));
	}
	error_set(err, OUTCOME_USAGE, "\"%.*s\" has no parameter %.*s", STR_ARG(r->name),
		  STR_ARG(name));
	if (names.len)
		error_hint(err, "its parameters are %.*s", STR_ARG(buf_view(&names)));
	else
		error_hint(err, "it has no parameters");
	buf_clear(&names);
	return OUTCOME_USAGE;
}

static enum outcome parse(struct run *r, const struct param *p, struct str text, struct value *out,
			  struct error *err)
{
	struct buf reason = { 0 }, type = { 0 };
	bool ok = value_parse(text, &r->module.types, p->type, &r->heap, out, &reason);

	if (!ok) {
		types_print(&r->module.types, p->type, &type);
		error_set(err, OUTCOME_USAGE, "parameter %.*s cannot be \"%.*s\": %.*s",
			  STR_ARG(p->name), STR_ARG(text), STR_ARG(buf_view(&reason)));
		error_hint(err, "it is of type %.*s", STR_ARG(buf_view(&type)));
	}
	buf_clear(&reason);
	buf_clear(&type);
	return ok ? OUTCOME_OK : OUTCOME_USAGE;
}

static enum outcome check(struct run *r, const struct param *p, const struct value *v,
			  struct error *err)
{
	struct value refusal = value_null();
	enum outcome o;

	if (p->check == NO_INDEX)
		return OUTCOME_OK;
	o = evaluate(r, p->check, v, &refusal, NULL, NULL, err);
	if (o == OUTCOME_OK && refusal.kind == VALUE_STRING)
		o = error_set(err, OUTCOME_USAGE, "parameter %.*s is refused: %.*s",
			      STR_ARG(p->name), STR_ARG(value_text(refusal)));
	return o;
}

/* A row that somebody has edited: nobody has asked for that value now. */
static enum outcome edited(const struct run *r, struct str name, struct error *err)
{
	struct buf type = { 0 };

	if (err->hint)
		buf_format(&type, "; %s", err->hint);
	error_prefix(err,
		     "the state is damaged: table parameter, row migration = '%.*s', name = "
		     "'%.*s': ",
		     STR_ARG(r->name), STR_ARG(name));
	error_hint(err, "write another value there, or delete the row: the migration's default "
			"counts then%s",
		   type.ptr ? type.ptr : "");
	buf_clear(&type);
	err->outcome = OUTCOME_DAMAGED;
	return OUTCOME_DAMAGED;
}

static enum outcome collect(struct run *r, const struct given *given, uint32_t i, struct value *out,
			    struct error *err)
{
	const struct param *p = &r->module.params[i];
	struct str text;
	bool stored;
	enum outcome o;

	if (find_text(r, given, p->name, &text, &stored)) {
		o = parse(r, p, text, out, err);
	} else if (p->default_value != NO_INDEX) {
		o = evaluate(r, p->default_value, NULL, out, NULL, NULL, err);
	} else {
		o = error_set(err, OUTCOME_USAGE, "parameter %.*s has no value and no default",
			      STR_ARG(p->name));
		error_hint(err, "give it with --param %.*s=VALUE", STR_ARG(p->name));
	}
	if (o == OUTCOME_OK)
		o = check(r, p, out, err);
	return o == OUTCOME_USAGE && stored ? edited(r, p->name, err) : o;
}

enum outcome params_collect(struct run *r, struct error *err)
{
	struct given given = { 0 };
	struct value *values;
	enum outcome o = store_parameters(r->store, r->name, &r->arena, &given.stored,
					  &given.stored_count, err);

	for (size_t i = 0; o == OUTCOME_OK && i < r->options->param_count; i++)
		o = refuse_unknown(r, r->options->params[i].name, err);
	if (o != OUTCOME_OK)
		return o;
	values = arena_array(&r->arena, struct value, r->module.param_count + 1);
	for (uint32_t i = 0; i < r->module.param_count; i++) {
		o = collect(r, &given, i, &values[i], err);
		if (o != OUTCOME_OK)
			return o;
	}
	/* Only now: defaults and checks see none of them. */
	r->params = values;
	return OUTCOME_OK;
}

/* One at a time: that another has neither value nor default is no damage. */
enum outcome params_look(struct run *r, struct error *err)
{
	struct given given = { 0 };
	enum outcome o = store_parameters(r->store, r->name, &r->arena, &given.stored,
					  &given.stored_count, err);

	for (uint32_t i = 0; i < r->module.param_count && o == OUTCOME_OK; i++) {
		struct str text;
		struct value ignored;
		bool stored;

		if (!find_text(r, &given, r->module.params[i].name, &text, &stored))
			continue;
		o = collect(r, &given, i, &ignored, err);
		if (o != OUTCOME_OK && o != OUTCOME_DAMAGED && o != OUTCOME_UNREACHABLE) {
			error_clear(err);
			o = OUTCOME_OK;
		}
	}
	return o;
}
