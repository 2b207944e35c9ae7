/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Many processes that do nothing but hold sockets:
 *
 *     crowd PROCESSES SOCKETS
 *
 * Each holds SOCKETS of them (at least 4): two listeners on an address of its own,
 * connections between them.  Each writes down what it holds (say.h); when all are
 * there, a line is printed, and when stdin ends, all of them end.
 */
#include <signal.h>
#include <sys/wait.h>

#include "say.h"

static char text[1 << 16];
static int used;

static void note(const char *what, int sock)
{
	struct ends ends = ends_of(sock);

	used += say_text(text + used, sizeof(text) - used, what, 0, now(), &ends);
}

static int start_listener(struct sockaddr_in *address, int port)
{
	int sock = socket(AF_INET, SOCK_STREAM, 0);

	address->sin_port = htons((unsigned short)port);
	if (sock < 0 || bind(sock, (struct sockaddr *)address, sizeof(*address)) ||
	    listen(sock, 16))
		die("listen");
	note("listen", sock);
	return sock;
}

static void hold(int number, int sockets)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(0x7f100000 + number) };
	int listener;

	start_listener(&address, 7001);
	listener = start_listener(&address, 7000);
	for (int i = 2; i + 1 < sockets; i += 2) {
		int ours = socket(AF_INET, SOCK_STREAM, 0), theirs;

		if (connect(ours, (struct sockaddr *)&address, sizeof(address)))
			die("connect");
		theirs = accept(listener, NULL, NULL);
		if (theirs < 0)
			die("accept");
		note("connect", ours);
		note("accept", theirs);
	}
	if (write(say_file(), text, used) != used)
		die("write");
}

int main(int argc, char **argv)
{
	int processes = argc == 3 ? atoi(argv[1]) : 0, pipes[2], failed = 0;
	pid_t *pids = calloc(processes + 1, sizeof(*pids));
	char byte = 0;

	if (processes == 0 || !pids || pipe(pipes))
		return 2;
	say_file();
	for (int i = 0; i < processes; i++) {
		pids[i] = fork();
		if (pids[i] < 0)
			die("fork");
		if (pids[i] == 0) {
			hold(i, atoi(argv[2]));
			if (write(pipes[1], &byte, 1) != 1)
				die("write");
			for (;;)
				pause();
		}
		/* One after the other, so that a failure is found. */
		if (i % 64 == 63 && waitpid(-1, NULL, WNOHANG) > 0) {
			failed = 1;
			processes = i + 1;
		}
	}
	for (int i = 0; i < processes && !failed; i++)
		if (read(pipes[0], &byte, 1) != 1)
			die("read");
	puts(failed ? "failed" : "all are there");
	fflush(stdout);
	while (read(0, &byte, 1) > 0)
		;
	for (int i = 0; i < processes; i++)
		kill(pids[i], SIGKILL);
	while (wait(NULL) > 0)
		;
	return failed;
}
