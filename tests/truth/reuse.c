/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Two processes with the same pid, one after the other, again and again.
 *
 *     reuse ROUNDS COMMAND... [-- COMMAND...]
 *
 * Runs the commands in turn, each under the pid that the first one had (clone3's
 * set_tid); it is free, since the one before was waited for.  Exit status 77 where the
 * kernel does not allow that.  Prints how often the pid was used.
 */
#include <linux/sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "say.h"

static pid_t start(char **command, pid_t wanted)
{
	struct clone_args args = {
		.exit_signal = SIGCHLD,
		.set_tid = wanted ? (unsigned long)&wanted : 0,
		.set_tid_size = wanted ? 1 : 0,
	};
	pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));

	if (pid == 0) {
		execv(command[0], command);
		_exit(127);
	}
	return pid;
}

int main(int argc, char **argv)
{
	int rounds = argc > 2 ? atoi(argv[1]) : 0, used = 0;
	char **first = &argv[2], **second = first;
	pid_t wanted = 0;

	for (int i = 2; i < argc; i++) {
		if (strcmp(argv[i], "--") == 0) {
			argv[i] = NULL;
			second = &argv[i + 1];
		}
	}
	while (used < rounds) {
		pid_t pid = start(used % 2 ? second : first, wanted);
		int status;

		if (pid < 0) {
			if (errno == EEXIST) /* another process got it in between */
				break;
			perror("clone3");
			return 77;
		}
		wanted = pid;
		if (waitpid(pid, &status, 0) != pid || status)
			die("the command");
		used++;
	}
	printf("%d\n", used);
	return 0;
}
