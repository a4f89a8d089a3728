/* clause.c - the clauses of operations and migrations, each put where it belongs, once */
#include "grammar/tree.h"

static const char *const words[] = {
#define CLAUSE(name, text) [CLAUSE_##name] = text,
#include "grammar/clauses.def"
#undef CLAUSE
};

struct clause clause_of(enum clause_kind kind, struct span span)
{
	return (struct clause){ .kind = kind, .span = span };
}

struct clause clause_value(enum clause_kind kind, struct span span, struct expression *first,
	struct expression *second, struct expression *third)
{
	return (struct clause){ .kind = kind, .span = span, .value = { first, second, third } };
}

struct action *action_new(struct parser *p, struct span span, struct expression *sql,
	struct block *block)
{
	struct action *action = arena_new(p->arena, struct action);

	action->span = span;
	action->sql = sql;
	action->block = block;
	return action;
}

/* What was said before in the same words can go, with its line where it has one of its own. */
static void mend_line(struct parser *p, size_t number, struct span second)
{
	struct str text = p->scan.text;
	uint32_t start = second.start, end = second.end;

	while (start && (text.ptr[start - 1] == ' ' || text.ptr[start - 1] == '\t'))
		start--;
	while (end < text.len && (text.ptr[end] == ' ' || text.ptr[end] == '\t' ||
					 text.ptr[end] == '\r'))
		end++;
	if (start == 0 || text.ptr[start - 1] != '\n' || end >= text.len || text.ptr[end] != '\n')
		return;
	diag_help(p->diags, number, "remove it");
	diag_fix(p->diags, number, (struct span){ second.source, start, end + 1 }, "%s", "");
}

/* False and a message when the clause was given before. */
static bool see(struct parser *p, struct span *seen, const struct clause *clause)
{
	size_t number;

	if (!seen[clause->kind].end) {
		seen[clause->kind] = clause->span;
		return true;
	}
	number = diag_add(p->diags, clause->span, DIAG_CLAUSE_TWICE, words[clause->kind]);
	diag_note(p->diags, number, seen[clause->kind], "first here");
	if (str_eq(scan_text(&p->scan, seen[clause->kind]), scan_text(&p->scan, clause->span)))
		mend_line(p, number, clause->span);
	return false;
}

/* ---- operations ---- */
struct operation_body *operation_body_new(struct parser *p)
{
	struct operation_body *body = arena_new(p->arena, struct operation_body);

	body->operation = arena_new(p->arena, struct operation_syntax);
	return body;
}

struct operation_body *operation_body_error(struct operation_body *body, struct span span)
{
	body->seen[CLAUSE_ERROR] = span;
	/* A span at the very start would look like none. */
	body->seen[CLAUSE_ERROR].end += !span.end;
	return body;
}

static void set_rollback(struct operation_syntax *o, const struct clause *clause)
{
	if (clause->kind == CLAUSE_ROLLBACK) {
		o->rollback_kind = ROLLBACK_ACTION;
		o->rollback = clause->action;
	} else if (clause->kind == CLAUSE_IRREVERSIBLE) {
		o->rollback_kind = ROLLBACK_IS_IRREVERSIBLE;
		o->irreversible = clause->value.first;
	} else {
		o->rollback_kind = ROLLBACK_IS_NOTHING;
	}
}

static void set_value(struct operation_syntax *o, const struct clause *clause)
{
	struct expression *first = clause->value.first;

	if (clause->kind == CLAUSE_ON)
		o->on = first;
	else if (clause->kind == CLAUSE_TIMEOUT)
		o->timeout = first;
	else if (clause->kind == CLAUSE_WEIGHT)
		o->weight = first;
	else if (clause->kind == CLAUSE_DONE_WHEN)
		o->done_when = first;
	else
		o->retry = first;
	o->backoff_min = clause->kind == CLAUSE_RETRY ? clause->value.second : o->backoff_min;
	o->backoff_max = clause->kind == CLAUSE_RETRY ? clause->value.third : o->backoff_max;
}

/* There may be several; the order is nobody's concern. */
static void add_allow(struct allow_syntax **allows, struct allow_syntax *allow)
{
	allow->next = *allows;
	*allows = allow;
}

void operation_add(struct parser *p, struct operation_body *body, struct clause clause)
{
	struct operation_syntax *o = body->operation;

	if (clause.kind == CLAUSE_ALLOW) {
		add_allow(&o->allows, clause.allow);
		return;
	}
	if (!see(p, body->seen, &clause))
		return;
	switch ((int)clause.kind) {
	case CLAUSE_SETTINGS:
		o->settings = clause.arguments.first;
		o->settings_span = clause.span;
		break;
	case CLAUSE_IDEMPOTENT:
		o->idempotent = true;
		break;
	case CLAUSE_IN_DOUBT:
		o->in_doubt_undo = true;
		break;
	case CLAUSE_CONTINUE:
		o->continue_on_error = true;
		break;
	case CLAUSE_NO_TRANSACTION:
		o->no_transaction = true;
		break;
	case CLAUSE_PER:
		o->per = clause.per;
		break;
	case CLAUSE_FORWARD:
		o->forward = clause.action;
		break;
	case CLAUSE_ROLLBACK:
	case CLAUSE_ROLLBACK_NOTHING:
	case CLAUSE_IRREVERSIBLE:
		set_rollback(o, &clause);
		break;
	default:
		set_value(o, &clause);
	}
}

static void check_rollback(struct parser *p, const struct operation_body *body, struct span place,
	const char *label)
{
	static const enum clause_kind kinds[] = { CLAUSE_ROLLBACK, CLAUSE_ROLLBACK_NOTHING,
		CLAUSE_IRREVERSIBLE };
	struct span first = { 0 }, second = { 0 };
	size_t number;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct span seen = body->seen[kinds[i]];

		if (!seen.end)
			continue;
		if (!first.end || seen.start < first.start) {
			second = first;
			first = seen;
		} else if (!second.end || seen.start < second.start) {
			second = seen;
		}
	}
	if (second.end) {
		number = diag_add(p->diags, second, DIAG_ROLLBACK_TWICE, label);
		diag_note(p->diags, number, first, "first here");
	} else if (!first.end) {
		diag_add(p->diags, place, DIAG_NO_ROLLBACK, label);
	}
}

/* Whether a clause of the operation stands in one of its blocks, which was said. */
static bool has_clause_in_block(const struct parser *p, struct span span)
{
	const struct diags *diags = p->diags;

	for (size_t i = diags->all.count; i > 0; i--) {
		const struct diag *d = &diags->all.at[i - 1];

		if (d->code == DIAG_NOT_IN_BLOCK && d->span.source == span.source &&
			d->span.start >= span.start && d->span.end <= span.end)
			return true;
	}
	return false;
}

struct statement *operation_end(struct parser *p, struct span span, struct span head,
	struct expression *label, struct expression *on, struct operation_body *body)
{
	struct statement *s = statement_new(p, STATEMENT_OPERATION, span);
	struct operation_syntax *o = body->operation;
	const char *text = arena_c(p->arena, scan_text(&p->scan, label->span));
	struct span place = { head.source, head.start, label->span.end };

	o->span = span;
	o->head = head;
	o->label = label;
	o->doc = scan_doc_before(&p->scan, span.start);
	if (on && o->on) {
		size_t number = diag_add(p->diags, body->seen[CLAUSE_ON], DIAG_CLAUSE_TWICE,
			words[CLAUSE_ON]);

		diag_note(p->diags, number, on->span, "first here");
		if (str_eq(on->name.text, o->on->name.text))
			mend_line(p, number, body->seen[CLAUSE_ON]);
	}
	if (on)
		o->on = on;
	/* A clause that was not understood, or not read any more, may be the one that seems to be
	 * missing. */
	if (!body->seen[CLAUSE_ERROR].end && !p->scan.failed && !has_clause_in_block(p, span)) {
		if (!o->forward)
			diag_add(p->diags, place, DIAG_NO_FORWARD, text);
		check_rollback(p, body, place, text);
	}
	s->operation = o;
	return s;
}

/* ---- migrations ---- */
struct migration_body *migration_body_new(struct parser *p)
{
	struct migration_body *body = arena_new(p->arena, struct migration_body);

	body->migration = arena_new(p->arena, struct migration_syntax);
	return body;
}

#define ADD(first, last, item) \
	do { \
		if (last) \
			(last)->next = (item); \
		else \
			(first) = (item); \
		(last) = (item); \
	} while (0)

static void add_param(struct parser *p, struct migration_body *body, struct param_syntax *param)
{
	if (!param->doc.len)
		param->doc = scan_doc_before(&p->scan, param->span.start);
	ADD(body->migration->params, body->last_param, param);
}

static void add_names(struct migration_body *body, struct names names)
{
	if (body->depends.last)
		body->depends.last->next = names.first;
	else
		body->depends.first = names.first;
	body->depends.last = names.last;
	body->migration->depends = body->depends.first;
}

static void add_leaves(struct migration_body *body, struct arguments leaves)
{
	if (body->leaves.last)
		body->leaves.last->next = leaves.first;
	else
		body->leaves.first = leaves.first;
	body->leaves.last = leaves.last;
	body->migration->leaves = body->leaves.first;
}

static struct block **block_place(struct migration_syntax *m, enum clause_kind kind)
{
	if (kind == CLAUSE_FINALLY)
		return &m->finally;
	return kind == CLAUSE_ON_COMPLETE ? &m->on_complete : &m->on_error;
}

void migration_add(struct parser *p, struct migration_body *body, struct clause clause)
{
	struct migration_syntax *m = body->migration;

	switch ((int)clause.kind) {
	case CLAUSE_DEPENDS:
		add_names(body, clause.names);
		break;
	case CLAUSE_VERSIONS:
		if (!see(p, body->seen, &clause))
			break;
		m->min_version = clause.versions.min;
		m->max_version = clause.versions.max;
		m->versions_span = clause.span;
		break;
	case CLAUSE_NEEDS:
		ADD(m->needs, body->last_need, clause.need);
		break;
	case CLAUSE_PARAM:
		add_param(p, body, clause.param);
		break;
	case CLAUSE_REQUIRED:
		if (!see(p, body->seen, &clause))
			break;
		m->required = clause.value.first;
		m->required_span = clause.span;
		break;
	case CLAUSE_CHECK:
		if (clause.check)
			ADD(m->checks, body->last_check, clause.check);
		break;
	case CLAUSE_LEAVES:
		add_leaves(body, clause.arguments);
		break;
	case CLAUSE_FINALLY:
	case CLAUSE_ON_COMPLETE:
	case CLAUSE_ON_ERROR:
		if (see(p, body->seen, &clause))
			*block_place(m, clause.kind) = clause.block;
		break;
	case CLAUSE_ALLOW:
		add_allow(&m->allows, clause.allow);
		break;
	default:
		ADD(m->plan, body->last_statement, clause.statement);
	}
}

struct check_syntax *check_new(struct parser *p, int kind, struct span span, struct span head,
	struct expression *label, struct expression *every, struct block *body)
{
	struct check_syntax *check = arena_new(p->arena, struct check_syntax);

	expression_plain(p, label, "the label of a check");
	check->kind = kind == CHECK_SYNTAX_PRE	    ? CHECK_SYNTAX_PRE
		      : kind == CHECK_SYNTAX_HEALTH ? CHECK_SYNTAX_HEALTH
						    : CHECK_SYNTAX_POST;
	check->span = span;
	check->head = head;
	check->label = label;
	check->every = every;
	check->body = body;
	return check;
}
