// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * See rights.h.  CAP_SYS_ADMIN stands for the first two, as it did before 5.8.
 */
#include "rights.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef CAP_PERFMON
#define CAP_PERFMON 38
#define CAP_BPF 39
#endif

static const struct {
	int number;
	const char *name;
} needed[] = {
	{ CAP_BPF, "CAP_BPF" },
	{ CAP_PERFMON, "CAP_PERFMON" },
};

int rights_missing(char *names, size_t size)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
	size_t len = 0;

	if (syscall(SYS_capget, &header, data))
		return -errno;
	names[0] = 0;
	if (data[CAP_TO_INDEX(CAP_SYS_ADMIN)].effective & CAP_TO_MASK(CAP_SYS_ADMIN))
		return 0;
	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]) && len < size; i++) {
		int number = needed[i].number;

		if (!(data[CAP_TO_INDEX(number)].effective & CAP_TO_MASK(number)))
			len += (size_t)snprintf(names + len, size - len, "%s%s", len ? " and " : "",
						needed[i].name);
	}
	return 0;
}
