/* machine_fixture.h - a machine with a module assembled from text */
#ifndef TESTS_UNIT_MACHINE_FIXTURE_H
#define TESTS_UNIT_MACHINE_FIXTURE_H

#include "vm/isa/assemble.h"
#include "vm/machine/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

struct fixture {
	struct module m;
	char *image;
	struct machine *vm;
	struct heap heap;
};

static inline void set_up(struct fixture *f, const char *source)
{
	struct buf why = { 0 };
	struct error err = { 0 };
	*f = (struct fixture){ 0 };
	if (!assemble_module(str_c(source), &f->m, &f->image, &why))
		fail_msg("%s: %s", source, buf_view(&why).ptr);
	if (module_verify(&f->m, &err) != OUTCOME_OK)
		fail_msg("%s: %s", source, err.message);
	f->vm = machine_new(&f->m);
}

static inline void tear_down(struct fixture *f)
{
	machine_free(f->vm);
	heap_clear(&f->heap);
	module_clear(&f->m);
	free(f->image);
}

/* What came out, or "! why". */
static inline void run_to_text(struct fixture *f, struct buf *out)
{
	machine_start(f->vm, 0, NULL);
	enum machine_state state = machine_run(f->vm, 0);
	if (state == MACHINE_RETURNED)
		value_print(machine_result(f->vm), out);
	else if (state == MACHINE_FAILED)
		buf_format(out, "! %.*s", STR_ARG(machine_failure(f->vm, NULL, NULL, NULL)));
	else
		buf_text(out, "it asks");
}

#endif
