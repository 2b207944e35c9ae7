/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Thousands of processes that live for less than a millisecond, one after the other.
 *
 *     storm BRIEF IP PORT N
 *
 * Starts the program BRIEF (brief.c) N times by vfork and exec, accepts the connection
 * of each, and prints a line for an end, as load.c does:
 *
 *     connect|accept PID CLIENT_PORT SERVER_IP SERVER_PORT BYTES
 */
#include <sys/wait.h>

#include "say.h"
#include "storm.h"

static int start_listener(const char *ip, const char *port)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	int sock = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (inet_pton(AF_INET, ip, &address.sin_addr) != 1)
		die(ip);
	address.sin_port = htons((unsigned short)atoi(port));
	if (sock < 0 || bind(sock, (struct sockaddr *)&address, sizeof(address)) ||
	    listen(sock, 64))
		die("listen");
	return sock;
}

static pid_t start(char **command)
{
	pid_t pid = vfork();

	if (pid == 0) {
		execv(command[0], command);
		_exit(127);
	}
	return pid;
}

static void take(int listener, const char *ip, const char *port)
{
	struct sockaddr_in peer;
	socklen_t length = sizeof(peer);
	int sock = accept(listener, (struct sockaddr *)&peer, &length);
	char byte;

	if (sock < 0)
		die("accept");
	printf("accept %d %d %s %s 0\n", getpid(), ntohs(peer.sin_port), ip, port);
	while (recv(sock, &byte, 1, 0) > 0)
		;
	close(sock);
}

int main(int argc, char **argv)
{
	int count = argc == 5 ? atoi(argv[4]) : 0, pipes[2], listener;
	char number[16];
	char *command[] = { argv[1], number, argv[2], argv[3], NULL };
	struct brief brief;

	if (count == 0 || pipe(pipes))
		return 2;
	snprintf(number, sizeof(number), "%d", pipes[1]);
	listener = start_listener(argv[2], argv[3]);
	while (count-- > 0) {
		pid_t pid = start(command);
		int status;

		if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
			die("brief");
		if (read(pipes[0], &brief, sizeof(brief)) != sizeof(brief))
			die("read");
		printf("connect %d %d %s %s 0\n", brief.pid, (int)brief.port, argv[2], argv[3]);
		take(listener, argv[2], argv[3]);
	}
	return 0;
}
