/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The cache of processes that use sockets, by (pid, start).  Filled by the kernel
 * side's records; /proc is asked only for what those left out, and believed only if
 * the start is the same.
 */
#ifndef PROCESSES_H
#define PROCESSES_H

#include <stdbool.h>

#include "process.h"

struct processes;

/* want_args: look for arguments that the kernel side could not read.  NULL: no memory. */
struct processes *processes_new(bool want_args);
void processes_free(struct processes *processes);

/* News of a process.  boot_to_real: see clock.h.  0 or -ENOMEM. */
int processes_update(struct processes *processes, const struct pt_process *news,
		     uint64_t boot_to_real);

/* The same before its turn, for a process that is not known at all. */
int processes_foresee(struct processes *processes, const struct pt_process *news,
		      uint64_t boot_to_real);

/* It ended; it is forgotten when nothing holds it, though not at once. */
void processes_exit(struct processes *processes, const struct pt_who *who);

/* It made a child at that boot time: its descriptors may be shared since. */
void processes_fork(struct processes *processes, const struct pt_who *who, uint64_t time);

/*
 * The process, made and looked up in /proc if it is not known.  NULL: who is
 * nobody, or no memory.  It lives until processes_reap() unless held.
 */
struct process *processes_find(struct processes *processes, const struct pt_who *who,
			       uint64_t boot_to_real);

/* Keep a process; NULL is allowed for both. */
struct process *processes_hold(struct process *process);
void processes_release(struct processes *processes, struct process *process);

/*
 * Forget what ended some time ago and is not held.  Nothing else frees a process, so
 * an event may point to as many as it likes until then.
 */
void processes_reap(struct processes *processes);

/* Look for all of its arguments, once; whoever wants them always did already.  NULL is allowed. */
void processes_find_args(struct processes *processes, struct process *process);

/* Whether it lives now, by /proc: it may have exited without that being told yet. */
bool processes_lives(const struct process *process);

size_t processes_count(const struct processes *processes);

/* It has ended. */
bool processes_exited(const struct process *process);

/* Boot time of its latest fork, 0: none since it is known. */
uint64_t processes_forked(const struct process *process);

#endif
