/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What of this machine decides what can be traced here, apart from the hooks
 * themselves: kernel, rights, and what an admin may have switched off.  Reads files and
 * prints nothing.
 */
#ifndef DOCTOR_H
#define DOCTOR_H

#include <stddef.h>

enum doctor_verdict {
	DOCTOR_GOOD,
	DOCTOR_NOTE,   /* it works, with what advice says */
	DOCTOR_RIGHTS, /* a right is missing: EXIT_RIGHTS */
	DOCTOR_KERNEL, /* this kernel cannot: EXIT_KERNEL */
	DOCTOR_VERDICTS,
};

struct doctor_check {
	const char *name;
	enum doctor_verdict verdict;
	char value[160];    /* what was found */
	const char *advice; /* what it means or what to do; NULL: nothing */
};

#define DOCTOR_CHECKS 9

/*
 * Look at everything; checks has room for DOCTOR_CHECKS.  root: "" or a folder in whose
 * /proc, /sys and so on to look instead (for tests).  The number of checks.
 */
size_t doctor_examine(struct doctor_check *checks, const char *root);

const char *doctor_verdict_name(enum doctor_verdict verdict);

#endif
