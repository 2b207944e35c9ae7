/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What /proc says of one process: for sockets older than the tracer and for paths
 * that were too long.
 */
#ifndef PROCFS_H
#define PROCFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "porttrace/wire.h"

/* A process's entry, held open: it can't become another process's meanwhile. */
struct procfs {
	int fd;
	char name[PT_COMM_LEN];
	uint32_t parent_pid;
	uint32_t uid; /* effective */
};

/*
 * Open /proc/PID if that process began at start (CLOCK_BOOTTIME ns).
 * 0, -ENOENT (it is gone, or another has its pid), or another -errno.
 */
int procfs_open(struct procfs *proc, uint32_t pid, uint64_t start);
void procfs_close(struct procfs *proc);

/* The program's path, to be freed; NULL: not to be had. */
char *procfs_executable(const struct procfs *proc);

/* The arguments, each with its NUL, at most limit bytes, to be freed; NULL: not to be had. */
char *procfs_args(const struct procfs *proc, size_t limit, size_t *len);

/* The text of /proc/PID/cgroup, for cgroup_choose(), to be freed; NULL: not to be had. */
char *procfs_cgroup(const struct procfs *proc);

/*
 * Read name, parent and start (clock ticks since boot) from the text of
 * /proc/PID/stat.  0 or -EBADMSG.
 */
int procfs_parse_stat(const char *text, char name[PT_COMM_LEN], uint32_t *parent_pid,
		      uint64_t *start_ticks);

#endif
