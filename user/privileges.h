/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Gives up what is not needed once everything is loaded: capabilities, the chance of
 * getting them back, and most system calls.  There is no way back.
 */
#ifndef PRIVILEGES_H
#define PRIVILEGES_H

#include <stdbool.h>
#include <stddef.h>

struct privileges_config {
	bool override; /* files are opened again that another user may own: CAP_DAC_OVERRIDE */
	bool chown;    /* files are made for another group: CAP_CHOWN */
};

enum privileges_step {
	PRIVILEGES_CAPABILITIES,
	PRIVILEGES_NO_NEW,
	PRIVILEGES_SYSTEM_CALLS,
	PRIVILEGES_STEPS,
};

/*
 * Of this process; a command that it is to start must have been forked before.  errors:
 * of each step 0 or -errno; all are tried.
 */
void privileges_drop(const struct privileges_config *config, int errors[PRIVILEGES_STEPS]);

/* "the capabilities": what a step gives up. */
const char *privileges_step_name(enum privileges_step step);

/*
 * A system call was refused since the last time: its name, which is valid until the next
 * call.  NULL: none.
 */
const char *privileges_refused(char *name, size_t size);

#endif
