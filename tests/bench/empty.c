// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The tracer that does nothing: the least that any program at these places can cost.
 *
 *     empty NAME...
 *
 * Puts a BPF program of two instructions at each place: NAME is one of the kernel's tracepoints
 * (inet_sock_set_state), GROUP/NAME one by the slower way of perf events, as system calls
 * need it (syscalls/sys_enter_bind), or cgroup/NAME a hook of the cgroups, at their root
 * (cgroup/sendmsg4).  Says when all are there, ends with a signal.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "load.h"

#define TRACING "/sys/kernel/tracing/events"

static const struct {
	const char *name;
	enum bpf_prog_type program;
	enum bpf_attach_type place;
} of_cgroups[] = {
	{ "cgroup/sendmsg4", BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_UDP4_SENDMSG },
	{ "cgroup/sendmsg6", BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_UDP6_SENDMSG },
	{ "cgroup/recvmsg4", BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_UDP4_RECVMSG },
	{ "cgroup/recvmsg6", BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_UDP6_RECVMSG },
	{ "cgroup/sock_release", BPF_PROG_TYPE_CGROUP_SOCK, BPF_CGROUP_INET_SOCK_RELEASE },
	{ "cgroup/post_bind4", BPF_PROG_TYPE_CGROUP_SOCK, BPF_CGROUP_INET4_POST_BIND },
	{ "cgroup/post_bind6", BPF_PROG_TYPE_CGROUP_SOCK, BPF_CGROUP_INET6_POST_BIND },
};

static int bpf(enum bpf_cmd command, union bpf_attr *attr)
{
	return (int)syscall(SYS_bpf, command, attr, sizeof(*attr));
}

/* place: of a cgroup's program, else 0. */
static int load(enum bpf_prog_type type, enum bpf_attach_type place)
{
	static const struct bpf_insn insns[] = {
		/* r0 = 1: cgroups allow what it is about */
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 1 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr attr = {
		.prog_type = type,
		.expected_attach_type = place,
		.insns = (__u64)(unsigned long)insns,
		.insn_cnt = sizeof(insns) / sizeof(insns[0]),
		.license = (__u64)(unsigned long)"GPL",
		.prog_name = "empty",
	};

	return bpf(BPF_PROG_LOAD, &attr);
}

static int attach_tracepoint(const char *name)
{
	union bpf_attr attr = { .raw_tracepoint = {
					.name = (__u64)(unsigned long)name,
					.prog_fd = (__u32)load(BPF_PROG_TYPE_RAW_TRACEPOINT, 0),
				} };

	return bpf(BPF_RAW_TRACEPOINT_OPEN, &attr);
}

/* Version 2, which is alone or beside version 1. */
static int cgroups(void)
{
	int root = open("/sys/fs/cgroup/unified", O_RDONLY | O_DIRECTORY);

	return root >= 0 ? root : open("/sys/fs/cgroup", O_RDONLY | O_DIRECTORY);
}

static int attach_cgroup(const char *name)
{
	union bpf_attr attr = { .link_create = { .target_fd = (__u32)cgroups() } };

	for (size_t i = 0; i < sizeof(of_cgroups) / sizeof(of_cgroups[0]); i++) {
		if (strcmp(of_cgroups[i].name, name))
			continue;
		attr.link_create.attach_type = of_cgroups[i].place;
		attr.link_create.prog_fd = (__u32)load(of_cgroups[i].program, of_cgroups[i].place);
		return bpf(BPF_LINK_CREATE, &attr);
	}
	errno = EINVAL;
	return -1;
}

static unsigned int number_of(const char *name)
{
	char path[256];
	unsigned int number = 0;
	FILE *file;

	snprintf(path, sizeof(path), TRACING "/%s/id", name);
	file = fopen(path, "r");
	if (!file || fscanf(file, "%u", &number) != 1)
		die(path);
	fclose(file);
	return number;
}

static int attach_event(const char *name)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_TRACEPOINT,
		.size = sizeof(attr),
		.config = number_of(name),
	};
	int event = (int)syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);

	if (event < 0 || ioctl(event, PERF_EVENT_IOC_SET_BPF, load(BPF_PROG_TYPE_TRACEPOINT, 0)))
		return -1;
	return ioctl(event, PERF_EVENT_IOC_ENABLE, 0);
}

static int attach(const char *name)
{
	if (!strncmp(name, "cgroup/", strlen("cgroup/")))
		return attach_cgroup(name);
	return strchr(name, '/') ? attach_event(name) : attach_tracepoint(name);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (attach(argv[i]) < 0)
			die(argv[i]);
	fputs("empty: tracing\n", stderr);
	pause();
	return 0;
}
