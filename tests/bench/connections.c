// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The load of the connection benchmark: one client connects, sends, reads the answer
 * and closes, one server accepts, reads, answers and closes, as fast as they can.
 *
 *     connections COUNT
 *
 * Prints the seconds that it took.  The addresses rotate, so that no port has to be
 * used again while it is in TIME_WAIT.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ADDRESSES 64
#define EXCHANGE 100 /* bytes each way */

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void serve(int listener, int count)
{
	char data[EXCHANGE];

	while (count--) {
		int sock = accept(listener, NULL, NULL);

		if (sock < 0 || recv(sock, data, sizeof(data), MSG_WAITALL) != sizeof(data) ||
		    send(sock, data, sizeof(data), 0) != sizeof(data))
			die("serve");
		close(sock);
	}
}

static void ask(struct sockaddr_in address, int count)
{
	char data[EXCHANGE] = "";

	while (count--) {
		int sock = socket(AF_INET, SOCK_STREAM, 0);

		address.sin_addr.s_addr = htonl(INADDR_LOOPBACK + (unsigned int)count % ADDRESSES);
		if (sock < 0 || connect(sock, (struct sockaddr *)&address, sizeof(address)) ||
		    send(sock, data, sizeof(data), 0) != sizeof(data) ||
		    recv(sock, data, sizeof(data), MSG_WAITALL) != sizeof(data))
			die("ask");
		close(sock);
	}
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	int count = argc == 2 ? atoi(argv[1]) : 0;
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t len = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0), status;
	double begin;
	pid_t server;

	if (count <= 0)
		return 2;
	if (listener < 0 || bind(listener, (struct sockaddr *)&address, len) ||
	    listen(listener, 1024) || getsockname(listener, (struct sockaddr *)&address, &len))
		die("listen");
	begin = now();
	server = fork();
	if (server < 0)
		die("fork");
	if (!server) {
		serve(listener, count);
		return 0;
	}
	ask(address, count);
	if (waitpid(server, &status, 0) < 0 || status)
		return 1;
	printf("%.6f\n", now() - begin);
	return 0;
}
