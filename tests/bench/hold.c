// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Connections that do nothing:
 *
 *     hold CONNECTIONS
 *
 * Both ends are here, in as many processes as the limit of descriptors makes necessary.
 * When all are there a line is printed, and when stdin ends, all end.
 */
#include <arpa/inet.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "load.h"

#define MOST_PROCESSES 256
#define SPARE 16   /* descriptors for other things */
#define MOST 20000 /* connections of one process: they need a port each */

static void hold(int number, int count)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(0x7f200000 + (unsigned int)number),
	};
	socklen_t len = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	if (listener < 0 || bind(listener, (struct sockaddr *)&address, len) ||
	    listen(listener, 16) || getsockname(listener, (struct sockaddr *)&address, &len))
		die("listen");
	while (count--) {
		int sock = socket(AF_INET, SOCK_STREAM, 0);

		if (sock < 0 || connect(sock, (struct sockaddr *)&address, sizeof(address)) ||
		    accept(listener, NULL, NULL) < 0)
			die("connection");
	}
	close(listener);
}

static pid_t start(int number, int count, int done)
{
	pid_t pid = fork();
	char byte = 0;

	if (pid < 0)
		die("fork");
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	hold(number, count);
	if (write(done, &byte, 1) != 1)
		die("write");
	for (;;)
		pause();
}

int main(int argc, char **argv)
{
	int count = argc == 2 ? atoi(argv[1]) : 0, pipes[2], processes = 0, most;
	pid_t pids[MOST_PROCESSES];
	struct rlimit limit;
	char byte;

	if (count <= 0 || pipe(pipes) || getrlimit(RLIMIT_NOFILE, &limit))
		return 2;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	most = limit.rlim_max > 2 * MOST + SPARE ? MOST : ((int)limit.rlim_max - SPARE) / 2;
	for (; count > 0 && processes < MOST_PROCESSES; count -= most, processes++)
		pids[processes] = start(processes, count < most ? count : most, pipes[1]);
	close(pipes[1]); /* a child that fails is the end of the file */
	for (int i = 0; i < processes; i++)
		if (count > 0 || read(pipes[0], &byte, 1) != 1)
			return 1;
	puts("all are there");
	fflush(stdout);
	while (read(0, &byte, 1) > 0)
		;
	for (int i = 0; i < processes; i++)
		kill(pids[i], SIGKILL);
	while (wait(NULL) > 0)
		;
	return 0;
}
