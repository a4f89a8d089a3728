/*
 * program_effect.h - the statements of program.h that change the world or wait for it
 */
#ifndef TESTS_SUPPORT_PROGRAM_EFFECT_H
#define TESTS_SUPPORT_PROGRAM_EFFECT_H

/* ---- their values ---- */
static void program_duration(struct program *p)
{
	static const char *const some[] = { "5s", "250ms", "1.5h", "(1m+ 250ms)", "2d * 3" };

	buf_text(p->out, PROGRAM_ONE_OF(p, some));
}

/* At least 1, for most counts must be. */
static void program_count(struct program *p)
{
	static const char *const some[] = { "1", "10", "1_000", "(2 + 3)", "2KB" };

	buf_text(p->out, PROGRAM_ONE_OF(p, some));
}

static void program_ident(struct program *p)
{
	static const char *const open[] = { "(ident", "ident" };
	uint32_t plain = program_random(p, 2), parts = 1 + program_random(p, 2);

	if (!plain)
		p->inside++;
	buf_text(p->out, open[plain]);
	program_open(p, "(");
	for (uint32_t i = 0; i < parts; i++) {
		if (i)
			program_sign(p, ",");
		program_expression_string(p);
	}
	program_close(p, ")");
	if (!plain)
		program_close(p, ")");
}

/* What may stand where a template is meant. */
static void program_sql_value(struct program *p)
{
	switch (program_random(p, 6)) {
	case 0:
		program_open(p, "(");
		program_sql(p);
		program_close(p, ")");
		break;
	case 1:
		buf_text(p->out, "raw");
		program_open(p, "(");
		program_expression_string(p);
		program_close(p, ")");
		break;
	case 2:
		program_if_expression(p, program_sql);
		break;
	default:
		program_sql(p);
	}
}

static void program_plain_string(struct program *p)
{
	static const char *const some[] = { "\"a\"", "\"\"\"a b\"\"\"", "\"\\u{e9}\\n\"",
		"\"a \\\"word\\\" { #\"" };

	buf_text(p->out, PROGRAM_ONE_OF(p, some));
}

/* ---- the statements ---- */
static void program_exec(struct program *p)
{
	const struct program_connection *c =
		p->within == PROGRAM_TRANSACTION ? p->on : program_connection(p);

	if (p->on && (!c || program_chance(p, 2))) {
		buf_text(p->out, "exec");
		program_blanks(p, 1);
		program_sql_value(p);
	} else if (c) {
		program_ask(p, c, "exec");
	} else {
		buf_text(p->out, "log \"no connection\"");
	}
	program_lines(p);
}

static void program_sleep(struct program *p)
{
	buf_text(p->out, "sleep");
	program_blanks(p, 1);
	program_duration(p);
	program_lines(p);
}

static void program_wait(struct program *p)
{
	buf_text(p->out, "wait until");
	program_blanks(p, 1);
	program_expression_bool(p);
	program_blanks(p, 1);
	buf_text(p->out, "every 1s  timeout\t");
	program_duration(p);
	if (p->may == PROGRAM_EFFECTS && program_chance(p, 2))
		buf_text(p->out, " progress 0.5");
	program_lines(p);
}

static void program_try(struct program *p, uint32_t depth)
{
	struct program_scope scope;
	char name[16], message[24];

	program_name(p, name);
	buf_text(p->out, "try");
	program_block(p, depth);
	program_blanks(p, 1);
	buf_text(p->out, "catch");
	program_blanks(p, 1);
	buf_text(p->out, name);
	scope = program_enter(p);
	snprintf(message, sizeof(message), "%s.message", name);
	program_know(&p->strings, message);
	program_block(p, depth);
	program_leave(p, scope);
	program_lines(p);
}

static void program_within(struct program *p, uint32_t depth, bool is_lock)
{
	unsigned before = p->within;

	p->within = is_lock ? PROGRAM_LOCK : PROGRAM_TRANSACTION;
	program_block(p, depth);
	p->within = before;
	program_lines(p);
}

static void program_lock(struct program *p, uint32_t depth)
{
	buf_text(p->out, "with lock");
	program_blanks(p, 1);
	program_template(p, "", "a lock");
	program_within(p, depth, true);
}

static void program_transaction(struct program *p, uint32_t depth)
{
	buf_text(p->out, "transaction");
	program_within(p, depth, false);
}

static void program_http(struct program *p)
{
	static const char *const methods[] = { "post", "put", "patch", "delete" };

	buf_text(p->out, "http");
	program_blanks(p, 1);
	buf_text(p->out, PROGRAM_ONE_OF(p, methods));
	program_blanks(p, 1);
	program_expression_string(p);
	if (program_chance(p, 2)) {
		program_blanks(p, 1);
		buf_text(p->out, "body");
		program_blanks(p, 1);
		if (program_chance(p, 4))
			program_if_expression(p, program_expression_string);
		else
			program_expression_string(p);
	}
	program_lines(p);
}

static void program_set(struct program *p)
{
	buf_text(p->out, "set");
	program_blanks(p, 1);
	buf_text(p->out, "setting");
	program_blanks(p, 1);
	program_template(p, "", "a");
	program_sign(p, "=");
	switch (program_random(p, 5)) {
	case 0:
		program_expression_bool(p);
		break;
	case 1:
		program_expression_int(p);
		break;
	case 2:
		buf_text(p->out, program_chance(p, 2) ? "1.5" : "-2.5e-3");
		break;
	case 3:
		program_duration(p);
		break;
	default:
		program_expression_string(p);
	}
	program_lines(p);
}

/* ---- windows and copies ---- */

/* The words that may follow in any order, each at most once: `names[i]` is written by `write`. */
static void program_options(struct program *p, uint32_t count,
			    void (*write)(struct program *p, uint32_t option))
{
	uint32_t first = program_random(p, count), step = program_chance(p, 2) ? 1 : count - 1;

	for (uint32_t i = 0; i < count; i++)
		write(p, (first + i * step) % count);
}

static void program_batches_option(struct program *p, uint32_t option)
{
	/* `size` must be there; `max` is above `min`, whatever both are. */
	static const char *const words[] = { "size 10", "min 1", "max 2KB", "target", "pause when",
		"parallel", "follow" };

	if (option && !program_chance(p, 3))
		return;
	program_blanks(p, 1);
	buf_text(p->out, words[option]);
	program_blanks(p, 1);
	if (option == 3)
		program_duration(p);
	else if (option == 4)
		program_expression_bool(p);
	else if (option == 5)
		buf_text(p->out, program_chance(p, 2) ? "4" : "(2 + 3)");
	p->at_once |= option == 5;
}

static void program_batches(struct program *p, uint32_t depth)
{
	static const char *const keys[] = { "id", "id : int", "( team, id: string )",
		"at:timestamp", "(a: int,b)" };
	struct program_scope scope = program_enter(p);
	uint32_t key = program_random(p, 5), within = p->within;
	char name[16], field[24];

	program_name(p, name);
	buf_format(p->out, "for %s in  batches", name);
	program_blanks(p, 1);
	buf_text(p->out, "of");
	program_blanks(p, 1);
	program_ident(p);
	program_blanks(p, 1);
	buf_text(p->out, "by");
	program_blanks(p, 1);
	buf_text(p->out, keys[key]);
	p->at_once = false;
	program_options(p, 7, program_batches_option);
	/* Its windows may do no more than that. */
	p->within = p->at_once ? PROGRAM_TRANSACTION : within;
	snprintf(field, sizeof(field), "%s.upto", name);
	if (key < 2)
		program_know(&p->ints, field);
	program_block(p, depth);
	p->within = within;
	program_lines(p);
	program_leave(p, scope);
}

static void program_copy_option(struct program *p, uint32_t option)
{
	if (program_chance(p, 2))
		return;
	program_blanks(p, 1);
	if (option == 0) {
		buf_text(p->out, "verify");
		return;
	}
	buf_text(p->out, "reject");
	program_blanks(p, 1);
	buf_text(p->out, "into");
	program_blanks(p, 1);
	program_ident(p);
	program_blanks(p, 1);
	buf_text(p->out, "limit");
	program_blanks(p, 1);
	program_count(p);
}

/* Two connections, or one that is both; it may be neither that of the operation. */
static void program_copy(struct program *p)
{
	static const char *const columns[] = { "id", "columns", "limit", "verify", "into" };
	uint32_t first = program_random(p, 5), count = 1 + program_random(p, 4);

	if (!p->connection_count)
		return;
	buf_text(p->out, "copy");
	program_blanks(p, 1);
	buf_text(p->out, program_connection(p)->name);
	program_blanks(p, 1);
	program_sql_value(p);
	program_blanks(p, 1);
	buf_text(p->out, "into");
	program_blanks(p, 1);
	buf_text(p->out, program_connection(p)->name);
	program_blanks(p, 1);
	program_ident(p);
	program_blanks(p, 1);
	buf_text(p->out, "columns");
	program_blanks(p, 0);
	program_open(p, "(");
	for (uint32_t i = 0; i < count; i++) {
		if (i)
			program_sign(p, ",");
		buf_text(p->out, columns[(first + i) % 5]);
	}
	program_close(p, ")");
	program_options(p, 2, program_copy_option);
	program_lines(p);
}

/* ---- which of them ---- */
static void program_halt(struct program *p)
{
	buf_text(p->out, "halt");
	program_blanks(p, 1);
	program_template(p, "", "do something");
	program_lines(p);
}

/* Those that have no block. */
static void program_change(struct program *p)
{
	switch (program_random(p, 6)) {
	case 0:
		program_http(p);
		break;
	case 1:
		program_set(p);
		break;
	case 2:
		program_copy(p);
		break;
	case 3:
		if (p->within == PROGRAM_FREE)
			program_halt(p);
		break;
	default:
		program_exec(p);
	}
}

/* What holds something while its block runs, or goes along a table. */
static void program_hold(struct program *p, uint32_t depth)
{
	switch (p->within != PROGRAM_FREE ? 4 : program_random(p, 4)) {
	case 0:
		program_lock(p, depth);
		break;
	case 1:
		if (p->on && p->on->kind != PROGRAM_CLICKHOUSE)
			program_transaction(p, depth);
		break;
	case 2:
		if (p->on)
			program_batches(p, depth);
		break;
	case 3:
		if (program_chance(p, 3))
			buf_text(p->out, "return");
		program_lines(p);
		break;
	default:
		program_exec(p);
	}
}

/* One that may stand where it would. */
static void program_effect(struct program *p, uint32_t depth)
{
	uint32_t what = program_random(p, depth > 3 ? 6 : 10);

	if (p->within == PROGRAM_TRANSACTION)
		program_exec(p);
	else if (what == 0)
		program_sleep(p);
	else if (what == 1)
		program_wait(p);
	else if (what == 6)
		program_try(p, depth);
	else if (p->may == PROGRAM_EFFECTS && what < 6)
		program_change(p);
	else if (p->may == PROGRAM_EFFECTS)
		program_hold(p, depth);
	else if (p->may == PROGRAM_NOTICES)
		program_http(p);
}

#endif
