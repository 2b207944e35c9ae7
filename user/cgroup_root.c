// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * See cgroup_root.h.  Where it is mounted may be a part of the hierarchy, or nowhere; a mount
 * of our own is all of it, and goes with its descriptor (5.2).  That takes CAP_SYS_ADMIN.
 */
#include "cgroup_root.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stddef.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "unmounted.h"

int cgroup_root(void)
{
	static const char *const mounted[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" };
	int root = unmounted_open("cgroup2");

	for (size_t i = 0; root < 0 && i < sizeof(mounted) / sizeof(mounted[0]); i++) {
		struct statfs about;
		int fd = open(mounted[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if (fd < 0)
			continue;
		if (!fstatfs(fd, &about) && about.f_type == CGROUP2_SUPER_MAGIC)
			return fd;
		close(fd);
	}
	return root;
}
