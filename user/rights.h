/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The capabilities that tracing needs, and which of them this process lacks. */
#ifndef RIGHTS_H
#define RIGHTS_H

#include <stddef.h>

/*
 * The names of the missing ones, " and " between, into names; "" if all are there.
 * 0 or -errno.
 */
int rights_missing(char *names, size_t size);

#endif
