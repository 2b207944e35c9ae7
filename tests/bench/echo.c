// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The load of the UDP benchmark.
 *
 *     echo loop COUNT       one process sends to itself: nothing but the system calls
 *     echo server COUNT     a client that keeps 16 datagrams under way, and an echo server
 *     echo connected COUNT  the same, and the client's socket is connected
 *     echo query COUNT      a client that asks from a new socket each time, as resolvers do
 *
 * Prints the seconds that COUNT exchanges took (of datagrams that went there and, but for
 * loop, came back), the server's pid, and the seconds of CPU of both.
 */
#include <arpa/inet.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "load.h"

#define SIZE 100
#define WINDOW 16

static int bound(struct sockaddr_in *address)
{
	int sock = socket(AF_INET, SOCK_DGRAM, 0);
	socklen_t len = sizeof(*address);

	*address = (struct sockaddr_in){ .sin_family = AF_INET,
					 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	if (sock < 0 || bind(sock, (struct sockaddr *)address, len) ||
	    getsockname(sock, (struct sockaddr *)address, &len))
		die("bind");
	return sock;
}

/* to NULL: it is connected. */
static void pass(int sock, const struct sockaddr_in *to)
{
	static const char data[SIZE];

	if (sendto(sock, data, SIZE, 0, (const struct sockaddr *)to, to ? sizeof(*to) : 0) != SIZE)
		die("sendto");
}

static void take(int sock, struct sockaddr_in *from)
{
	socklen_t len = sizeof(*from);
	char data[SIZE];

	if (recvfrom(sock, data, SIZE, 0, (struct sockaddr *)from, &len) != SIZE)
		die("recvfrom");
}

static void serve(int sock)
{
	struct sockaddr_in from;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		take(sock, &from);
		pass(sock, &from);
	}
}

static void loop(int count)
{
	struct sockaddr_in here, from;
	int sock = bound(&here);

	while (count--) {
		pass(sock, &here);
		take(sock, &from);
	}
}

static void converse(const struct sockaddr_in *server, int count, bool connected)
{
	const struct sockaddr_in *to = connected ? NULL : server;
	struct sockaddr_in here, from;
	int sock = bound(&here), sent = 0;

	if (connected && connect(sock, (const struct sockaddr *)server, sizeof(*server)))
		die("connect");
	for (int got = 0; got < count; got++) {
		for (; sent < count && sent < got + WINDOW; sent++)
			pass(sock, to);
		take(sock, &from);
	}
}

static void query(const struct sockaddr_in *server, int count)
{
	struct sockaddr_in from;

	while (count--) {
		int sock = socket(AF_INET, SOCK_DGRAM, 0);

		if (sock < 0)
			die("socket");
		pass(sock, server);
		take(sock, &from);
		close(sock);
	}
}

int main(int argc, char **argv)
{
	int count = argc == 3 ? atoi(argv[2]) : 0, sock;
	struct sockaddr_in server;
	double begin, took;
	pid_t child;

	if (count <= 0)
		return 2;
	sock = bound(&server);
	child = fork();
	if (child < 0)
		die("fork");
	if (!child)
		serve(sock);
	begin = now();
	if (!strcmp(argv[1], "loop"))
		loop(count);
	else if (!strcmp(argv[1], "query"))
		query(&server, count);
	else
		converse(&server, count, !strcmp(argv[1], "connected"));
	took = now() - begin;
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	printf("%.6f %d %.6f\n", took, child, family_cpu_seconds());
	return 0;
}
