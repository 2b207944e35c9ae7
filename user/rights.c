// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * See rights.h.  CAP_SYS_ADMIN stands for the first two, as it did before 5.8.
 */
#include "rights.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/version.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "log.h"

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

bool rights_see_processes(const char *root, char *name, size_t size)
{
	char path[512];
	ssize_t len;

	(void)snprintf(path, sizeof(path), "%s/proc/self/ns/pid", root);
	len = readlink(path, name, size - 1);
	name[len > 0 ? len : 0] = 0;
	/* The initial namespaces have fixed inode numbers (include/linux/proc_ns.h). */
	return len <= 0 || !strcmp(name, "pid:[4026531836]");
}

int rights_check(const char *why, const char *command)
{
	char text[128] = "";

	if (rights_missing(text, sizeof(text)) == 0 && text[0]) {
		log_error("%s missing: %s, run it with sudo: sudo porttrace%s%s", text, why,
			  command[0] ? " " : "", command);
		return -EPERM;
	}
	if (access("/sys/kernel/btf/vmlinux", R_OK)) {
		log_error("this kernel has no BTF: /sys/kernel/btf/vmlinux is missing "
			  "(CONFIG_DEBUG_INFO_BTF)");
		return -ENOTSUP;
	}
	if (!rights_see_processes("", text, sizeof(text)))
		log_info("this is not the initial pid namespace: which process outside of it holds "
			 "a socket that is there already is not known");
	return 0;
}

/* Up to 5.10 maps and programs count as locked memory; libbpf has tried to raise the limit. */
static bool memory_is_limited(uint32_t kernel)
{
	struct rlimit limit;

	return kernel < KERNEL_VERSION(5, 11, 0) && !getrlimit(RLIMIT_MEMLOCK, &limit) &&
	       limit.rlim_cur != RLIM_INFINITY;
}

int rights_refused(int err, uint32_t kernel, const char *command)
{
	const char *space = command[0] ? " " : "";

	if ((err == -EPERM || err == -ENOMEM) && memory_is_limited(kernel)) {
		log_error("too little locked memory for this kernel (before 5.11): ulimit -l "
			  "unlimited, or CAP_SYS_RESOURCE: sudo porttrace%s%s",
			  space, command);
		return -EPERM;
	}
	if (err == -EPERM) { /* -EACCES is what the verifier says of a program */
		log_error("the kernel refuses to load the programs (%s): root of the initial user "
			  "namespace is needed, and no lockdown: sudo porttrace%s%s",
			  strerror(-err), space, command);
		return -EPERM;
	}
	log_error("this kernel can't load the programs: %s (-v tells more)", strerror(-err));
	return -ENOTSUP;
}
