/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The root of the cgroup hierarchy, wherever it is mounted or not.
 */
#ifndef CGROUP_ROOT_H
#define CGROUP_ROOT_H

/* A descriptor of cgroup v2's root; -errno. */
int cgroup_root(void);

#endif
