/*
 * semver.h - versions: 1.33.0, 1.33.0-rc.1
 *
 * Order is that of semver.org 2.0.0 section 11; build metadata is not accepted.
 */
#ifndef VM_BASE_SEMVER_H
#define VM_BASE_SEMVER_H

#include "vm/base/buf.h"

struct semver {
	uint32_t major, minor, patch;
	struct str pre;		/* after the '-', "" if none; borrowed */
};

bool semver_parse(struct str text, struct semver *out);		/* exactly x.y.z[-pre] */
/* What servers answer: "15.6 (Debian …)" → 15.6.0, "18.16.1.1" → 18.16.1, "16.0.0.2-alpha"
 * → 16.0.0. */
bool semver_of_server(struct str text, struct semver *out);
int semver_compare(struct semver a, struct semver b);
void semver_print(struct buf *out, struct semver v);

#endif
