/*
 * watch.h - how whoever waits for a database stays responsive
 *
 * While something runs, the waiting side calls ask() at least every WATCH_SLICE_MS; its answer says
 * what to do. The runner renews leases, shows progress and hears stop requests in there. A NULL
 * watch asks for nothing.
 */
#ifndef VM_DRIVER_WATCH_H
#define VM_DRIVER_WATCH_H

#include "vm/base/attr.h"

#define WATCH_SLICE_MS 100

enum watch_wish {
	WATCH_GO_ON,
	WATCH_CANCEL, /* cancel what runs on the server, wait for its end, report what it says */
	WATCH_ABANDON, /* give up at once: the outcome is unknown */
};

struct watch {
	enum watch_wish (*ask)(void *context);
	void *context;
};

static inline enum watch_wish watch_ask(const struct watch *w)
{
	return w && w->ask ? w->ask(w->context) : WATCH_GO_ON;
}

#endif
