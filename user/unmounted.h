/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * File systems of the kernel's that may not be mounted anywhere: a mount of our own that nobody
 * else sees and that goes with its descriptor (Linux 5.2).  That takes CAP_SYS_ADMIN.
 */
#ifndef UNMOUNTED_H
#define UNMOUNTED_H

/* A descriptor of the root of one, type as "tracefs"; -errno. */
int unmounted_open(const char *type);

#endif
