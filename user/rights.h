/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a process needs to load programs and to see all processes, and what of it this one lacks. */
#ifndef RIGHTS_H
#define RIGHTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The names of the missing ones, " and " between, into names; "" if all are there.
 * 0 or -errno.
 */
int rights_missing(char *names, size_t size);

bool rights_have(int capability);

/*
 * Whether this is the initial user namespace, by root/proc; name (of size bytes): what is there.
 * In any other one capabilities are those of that namespace, which load nothing.
 */
bool rights_are_initial(const char *root, char *name, size_t size);

/*
 * What lockdown(7) holds back, by root/sys: "none", "integrity" or "confidentiality", to mode.
 * 0; -ENOENT: this kernel has none; -errno.
 */
int rights_lockdown(const char *root, char *mode, size_t size);

/*
 * Whether this is the initial pid namespace, by root/proc; name (of size bytes): what is there.
 * In any other one iterators show only the descriptors of its own processes.
 */
bool rights_see_processes(const char *root, char *name, size_t size);

/*
 * Before anything is tried, as a refusal by the kernel names nothing.  Says in one line what is
 * missing and what that means (why, as "tracing needs root"), with the command to run by sudo
 * ("" or "who"); or, if it is less, what will not be seen.  0, -EPERM or -ENOTSUP.
 */
int rights_check(const char *why, const char *command);

/*
 * Says why the kernel did not load the programs, as far as err (-errno) tells; kernel: its version,
 * as KERNEL_VERSION() makes it.  -EPERM or -ENOTSUP.
 */
int rights_refused(int err, uint32_t kernel, const char *command);

#endif
