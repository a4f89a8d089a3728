/*
 * compute.c - runs the setup of a bundle's migration on the machine alone: no database, no state
 *
 * Usage: compute BUNDLE MIGRATION. Prints what the migration's `let`s come to, a line each. A
 * `let` that asks the world for something is refused.
 */
#include "vm/machine/machine.h"

#include <stdio.h>

/* As much at a time as the runner gives. */
#define FUEL 1000000

static int refuse(const char *what)
{
	fprintf(stderr, "compute: %s\n", what);
	return 1;
}

static void print_values(const struct module *m, struct value values)
{
	struct buf line = { 0 };

	for (uint32_t i = 0; i < m->frozen_count; i++) {
		buf_reset(&line);
		value_print(values.record->at[i], &line);
		printf("%.*s\n", STR_ARG(buf_view(&line)));
	}
	buf_clear(&line);
}

static int run_setup(const struct module *m)
{
	struct machine *vm = machine_new(m);
	enum machine_state state;
	struct buf why = { 0 };
	uint32_t function, pc;
	int status = 0;

	machine_start(vm, m->migration.setup, NULL);
	do
		state = machine_run(vm, FUEL);
	while (state == MACHINE_PAUSED);
	if (state == MACHINE_FAILED) {
		struct str message = machine_failure(vm, &function, &pc, NULL);

		module_place(m, function, pc, &why);
		buf_format(&why, ": %.*s", STR_ARG(message));
		status = refuse(why.ptr);
	} else if (state != MACHINE_RETURNED) {
		status = refuse("the migration asks the world for something");
	} else {
		print_values(m, machine_result(vm));
	}
	buf_clear(&why);
	machine_free(vm);
	return status;
}

int main(int argc, char **argv)
{
	struct bundle bundle = { 0 };
	struct module m = { 0 };
	struct error err = { 0 };
	const struct bundle_entry *entry;
	int status;

	if (argc != 3)
		return refuse("usage: compute BUNDLE MIGRATION");
	if (bundle_read(&bundle, argv[1], &err) != OUTCOME_OK)
		status = refuse(err.message);
	else if (!(entry = bundle_find(&bundle, str_c(argv[2]))))
		status = refuse("the bundle has no such migration");
	else if (module_open(&m, entry->image, &err) != OUTCOME_OK ||
		 module_verify(&m, &err) != OUTCOME_OK)
		status = refuse(err.message);
	else
		status = run_setup(&m);
	module_clear(&m);
	bundle_clear(&bundle);
	error_clear(&err);
	return status;
}
