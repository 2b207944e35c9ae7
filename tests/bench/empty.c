// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The tracer that does nothing: the least that any program at these places can cost.
 *
 *     empty NAME...
 *
 * Puts a BPF program of two instructions at each tracepoint: NAME is one of the kernel's
 * (inet_sock_set_state), or GROUP/NAME for the slower way by perf events, as system calls
 * need it (syscalls/sys_enter_bind).  Says when all are there, ends with a signal.
 */
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "load.h"

#define TRACING "/sys/kernel/tracing/events"

static int bpf(enum bpf_cmd command, union bpf_attr *attr)
{
	return (int)syscall(SYS_bpf, command, attr, sizeof(*attr));
}

static int load(enum bpf_prog_type type)
{
	static const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr attr = {
		.prog_type = type,
		.insns = (__u64)(unsigned long)insns,
		.insn_cnt = sizeof(insns) / sizeof(insns[0]),
		.license = (__u64)(unsigned long)"GPL",
		.prog_name = "empty",
	};

	return bpf(BPF_PROG_LOAD, &attr);
}

static int attach(const char *name)
{
	union bpf_attr attr = { .raw_tracepoint = {
					.name = (__u64)(unsigned long)name,
					.prog_fd = (__u32)load(BPF_PROG_TYPE_RAW_TRACEPOINT),
				} };

	return bpf(BPF_RAW_TRACEPOINT_OPEN, &attr);
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

	if (event < 0 || ioctl(event, PERF_EVENT_IOC_SET_BPF, load(BPF_PROG_TYPE_TRACEPOINT)))
		return -1;
	return ioctl(event, PERF_EVENT_IOC_ENABLE, 0);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if ((strchr(argv[i], '/') ? attach_event(argv[i]) : attach(argv[i])) < 0)
			die(argv[i]);
	fputs("empty: tracing\n", stderr);
	pause();
	return 0;
}
