/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Programs at the places where porttrace has its own, by system calls alone. */
#pragma once

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

static inline int bpf(enum bpf_cmd command, union bpf_attr *attr)
{
	return (int)syscall(SYS_bpf, command, attr, sizeof(*attr));
}

/* place: of a cgroup's program, else 0. */
static inline int load_insns(enum bpf_prog_type type, enum bpf_attach_type place,
			     const struct bpf_insn *insns, size_t count)
{
	union bpf_attr attr = {
		.prog_type = type,
		.expected_attach_type = place,
		.insns = (__u64)(unsigned long)insns,
		.insn_cnt = (__u32)count,
		.license = (__u64)(unsigned long)"GPL",
		.prog_name = "empty",
	};

	return bpf(BPF_PROG_LOAD, &attr);
}

static inline int load_empty(enum bpf_prog_type type, enum bpf_attach_type place)
{
	static const struct bpf_insn insns[] = {
		/* r0 = 1: cgroups allow what it is about */
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 1 },
		{ .code = BPF_JMP | BPF_EXIT },
	};

	return load_insns(type, place, insns, sizeof(insns) / sizeof(insns[0]));
}

static inline int attach_tracepoint(const char *name, int program)
{
	union bpf_attr attr = { .raw_tracepoint = {
					.name = (__u64)(unsigned long)name,
					.prog_fd = (__u32)program,
				} };

	return bpf(BPF_RAW_TRACEPOINT_OPEN, &attr);
}

/* Version 2, which is alone or beside version 1. */
static inline int cgroups(void)
{
	int root = open("/sys/fs/cgroup/unified", O_RDONLY | O_DIRECTORY);

	return root >= 0 ? root : open("/sys/fs/cgroup", O_RDONLY | O_DIRECTORY);
}

static inline int attach_cgroup(const char *name)
{
	union bpf_attr attr = { .link_create = { .target_fd = (__u32)cgroups() } };

	for (size_t i = 0; i < sizeof(of_cgroups) / sizeof(of_cgroups[0]); i++) {
		if (strcmp(of_cgroups[i].name, name))
			continue;
		attr.link_create.attach_type = of_cgroups[i].place;
		attr.link_create.prog_fd =
			(__u32)load_empty(of_cgroups[i].program, of_cgroups[i].place);
		return bpf(BPF_LINK_CREATE, &attr);
	}
	errno = EINVAL;
	return -1;
}

static inline unsigned int number_of(const char *name)
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

static inline int attach_event(const char *name)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_TRACEPOINT,
		.size = sizeof(attr),
		.config = number_of(name),
	};
	int event = (int)syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);

	if (event < 0 ||
	    ioctl(event, PERF_EVENT_IOC_SET_BPF, load_empty(BPF_PROG_TYPE_TRACEPOINT, 0)))
		return -1;
	return ioctl(event, PERF_EVENT_IOC_ENABLE, 0);
}

/*
 * A program of two instructions at a place: NAME is one of the kernel's tracepoints
 * (inet_sock_set_state), GROUP/NAME one by the slower way of perf events, as system calls
 * need it (syscalls/sys_enter_bind), cgroup/NAME a hook of the cgroups, at their root
 * (cgroup/sendmsg4).
 */
static inline void attach_empty(const char *name)
{
	int link;

	if (!strncmp(name, "cgroup/", strlen("cgroup/")))
		link = attach_cgroup(name);
	else if (strchr(name, '/'))
		link = attach_event(name);
	else
		link = attach_tracepoint(name, load_empty(BPF_PROG_TYPE_RAW_TRACEPOINT, 0));
	if (link < 0)
		die(name);
}
