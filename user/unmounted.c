// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * See unmounted.h.
 */
#include "unmounted.h"

#include <errno.h>
#include <sys/mount.h>
#include <unistd.h>

int unmounted_open(const char *type)
{
	int context = fsopen(type, FSOPEN_CLOEXEC), root;

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
