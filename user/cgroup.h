/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the path of a process's control group tells: the container it runs in and
 * the systemd service that it belongs to.  Pure: text in, names out.
 *
 * Whoever may make control groups chose these names, a container's inmates too where
 * their subtree is delegated to them: they can pretend a container within theirs, but
 * neither leave their own service nor put a byte here that a name can't have.
 */
#ifndef CGROUP_H
#define CGROUP_H

#include <stddef.h>

#define CGROUP_NAME_LEN 256 /* NAME_MAX of the kernel, and a NUL */

struct cgroup_place {
	char id[CGROUP_NAME_LEN]; /* of the innermost container: 64 hex digits or its name; "" */
	const char *runtime;      /* what made that container; NULL: the path does not say */
	char service[CGROUP_NAME_LEN]; /* the unit, outside all containers; "": none */
	unsigned int depth; /* how many containers lie one inside the other; 0: id is "" */
};

/*
 * path: as in /proc/PID/cgroup behind the second colon, seen from the host.
 * 0 (nothing found is no failure) or -EINVAL: that is no path.
 */
int cgroup_parse(struct cgroup_place *place, const char *path);

/*
 * Of the text of /proc/PID/cgroup, v1 or v2, the path that says most.
 * 0, -ENOENT (there is none) or -ENAMETOOLONG.
 */
int cgroup_choose(char *path, size_t size, const char *proc_text);

#endif
