// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * See child.h.
 */
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOT_EXECUTABLE 126
#define NOT_FOUND 127

/* In the new process: wait, become argv. */
__attribute__((noreturn)) static void become(int gate, char **argv)
{
	char go;

	/* Nobody will open it any more: the tracer could not begin. */
	if (read(gate, &go, 1) != 1)
		_exit(EXIT_FAILURE);
	(void)execvp(argv[0], argv);
	(void)dprintf(STDERR_FILENO, "porttrace: run: %s: %s\n", argv[0], strerror(errno));
	_exit(errno == ENOENT ? NOT_FOUND : NOT_EXECUTABLE);
}

int child_start(struct child *child, char **argv)
{
	int ends[2], err;

	*child = (struct child){ .gate = -1 };
	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	child->pid = fork();
	if (child->pid < 0) {
		err = -errno;
		close(ends[0]);
		close(ends[1]);
		return err;
	}
	if (!child->pid) {
		close(ends[1]);
		become(ends[0], argv);
	}
	close(ends[0]);
	child->gate = ends[1];
	return 0;
}

void child_release(struct child *child)
{
	(void)!write(child->gate, "", 1);
	close(child->gate);
	child->gate = -1;
}

bool child_ended(struct child *child)
{
	if (!child->ended && waitpid(child->pid, &child->status, WNOHANG) == child->pid)
		child->ended = true;
	return child->ended;
}

int child_exit_status(const struct child *child)
{
	return WIFSIGNALED(child->status) ? 128 + WTERMSIG(child->status)
					  : WEXITSTATUS(child->status);
}

void child_free(struct child *child)
{
	if (child->gate >= 0)
		close(child->gate);
	child->gate = -1;
	if (child->pid > 0 && !child->ended)
		child->ended = waitpid(child->pid, &child->status, 0) == child->pid;
}
