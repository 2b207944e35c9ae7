/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Tracepoints as perf events.  Their numbers are in tracefs; where
 * that is not mounted it is opened without being mounted anywhere.
 */
#ifndef TRACEPOINT_H
#define TRACEPOINT_H

/* A directory's descriptor of tracefs's events, or -errno. */
int tracepoint_directory(void);

/*
 * A perf event of a tracepoint in it ("syscalls/sys_exit_bind"), on all CPUs, for a program to be
 * attached; or -errno.
 */
int tracepoint_open(int directory, const char *name);

#endif
