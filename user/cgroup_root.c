// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * See cgroup_root.h.  Where it is mounted may be a part of the hierarchy, or nowhere; a mount
 * of our own is all of it, and goes with its descriptor (5.2).
 */
#include "cgroup_root.h"

#include <errno.h>
#include <sys/mount.h>
#include <unistd.h>

int cgroup_root(void)
{
	int context = fsopen("cgroup2", FSOPEN_CLOEXEC), root;

	if (context < 0)
		return -errno;
	root = fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0)
		       ? -1
		       : fsmount(context, FSMOUNT_CLOEXEC, 0);
	if (root < 0)
		root = -errno;
	close(context);
	return root;
}
