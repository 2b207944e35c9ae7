// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * See rights.h.  CAP_SYS_ADMIN stands for the first two, as it did before 5.8.
 */
#include "rights.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/version.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "log.h"
#include "unmounted.h"

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

/* The capabilities that are in effect, a bit each; 0 or -errno. */
static int read_capabilities(uint64_t *bits)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &header, data))
		return -errno;
	*bits = data[0].effective | (uint64_t)data[1].effective << 32;
	return 0;
}

static bool has(uint64_t bits, int capability)
{
	return bits >> capability & 1;
}

bool rights_have(int capability)
{
	uint64_t bits = 0;

	return !read_capabilities(&bits) && has(bits, capability);
}

int rights_missing(char *names, size_t size)
{
	uint64_t bits = 0;
	size_t len = 0;
	int err = read_capabilities(&bits);

	if (err)
		return err;
	names[0] = 0;
	if (has(bits, CAP_SYS_ADMIN))
		return 0;
	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]) && len < size; i++)
		if (!has(bits, needed[i].number))
			len += (size_t)snprintf(names + len, size - len, "%s%s", len ? " and " : "",
						needed[i].name);
	return 0;
}

/* Whether a namespace is the initial one, which has a fixed number (linux/proc_ns.h). */
static bool is_initial(const char *root, const char *kind, uint32_t number, char *name, size_t size)
{
	char path[512], initial[64];
	ssize_t len;

	(void)snprintf(path, sizeof(path), "%s/proc/self/ns/%s", root, kind);
	(void)snprintf(initial, sizeof(initial), "%s:[%u]", kind, number);
	len = readlink(path, name, size - 1);
	name[len > 0 ? len : 0] = 0;
	return len <= 0 || !strcmp(name, initial);
}

bool rights_see_processes(const char *root, char *name, size_t size)
{
	return is_initial(root, "pid", 0xeffffffc, name, size);
}

bool rights_are_initial(const char *root, char *name, size_t size)
{
	return is_initial(root, "user", 0xeffffffd, name, size);
}

/* Where securityfs is mounted nowhere it is looked at all the same, by who may. */
static int open_lockdown(const char *root)
{
	char path[512];
	int fd, security;

	(void)snprintf(path, sizeof(path), "%s/sys/kernel/security/lockdown", root);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	if (root[0])
		return -errno;
	security = unmounted_open("securityfs");
	if (security < 0)
		return security;
	fd = openat(security, "lockdown", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		fd = -errno;
	close(security);
	return fd;
}

/* The file says "none [integrity] confidentiality": the one in brackets holds. */
int rights_lockdown(const char *root, char *mode, size_t size)
{
	char text[128], *begin, *end;
	int fd = open_lockdown(root);
	ssize_t len;

	if (fd < 0)
		return fd;
	len = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[len > 0 ? len : 0] = 0;
	begin = strchr(text, '[');
	end = begin ? strchr(begin, ']') : NULL;
	if (!end)
		return -EIO;
	*end = 0;
	(void)snprintf(mode, size, "%s", begin + 1);
	return 0;
}

int rights_check(const char *why, const char *command)
{
	char text[128] = "";

	if (rights_missing(text, sizeof(text)) == 0 && text[0]) {
		log_error("%s missing: %s, run it with sudo: sudo porttrace%s%s", text, why,
			  command[0] ? " " : "", command);
		return -EPERM;
	}
	if (!rights_are_initial("", text, sizeof(text))) {
		log_error("this is not the initial user namespace (%s), whose root alone may load "
			  "programs: run it outside, with sudo: sudo porttrace%s%s",
			  text, command[0] ? " " : "", command);
		return -EPERM;
	}
	if (access("/sys/kernel/btf/vmlinux", R_OK)) {
		log_error("this kernel has no BTF: /sys/kernel/btf/vmlinux is missing "
			  "(CONFIG_DEBUG_INFO_BTF)");
		return -ENOTSUP;
	}
	if (!rights_lockdown("", text, sizeof(text)) && !strcmp(text, "confidentiality")) {
		log_error("lockdown=confidentiality: this kernel lets nobody read its memory; boot "
			  "with lockdown=integrity");
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
		log_error("the kernel refuses to load the programs (%s): all rights of root are "
			  "needed: sudo porttrace%s%s",
			  strerror(-err), space, command);
		return -EPERM;
	}
	log_error("this kernel can't load the programs: %s (-v tells more)", strerror(-err));
	return -ENOTSUP;
}
