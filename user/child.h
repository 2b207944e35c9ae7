/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A command that waits at a gate until somebody opens it: so that it is watched from its
 * first instruction on.
 */
#ifndef CHILD_H
#define CHILD_H

#include <stdbool.h>
#include <sys/types.h>

struct child {
	pid_t pid;
	int gate; /* -1: open */
	bool ended;
	int status; /* as waitpid(2) gives it, once it has ended */
};

/*
 * Make the process that will be argv (its program is looked for in PATH, the last element
 * is NULL).  Before signals are blocked: it inherits what holds now.  0 or -errno.
 */
int child_start(struct child *child, char **argv);

/* Let it run.  It says itself on stderr if it can't, and ends with 126 or 127. */
void child_release(struct child *child);

/* After SIGCHLD: whether it has ended. */
bool child_ended(struct child *child);

/* Its exit status as a shell gives it: 128 and the signal that killed it. */
int child_exit_status(const struct child *child);

/* If it is still at the gate it ends without having run anything. */
void child_free(struct child *child);

#endif
