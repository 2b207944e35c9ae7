/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A small program that does one thing with sockets and writes it down (say.h).
 *
 *     play serve FD              a connection that it was given: read to the end, close
 *     play accept FD N           accept N connections, serve each
 *     play listen IP PORT N      bind, listen, print a line, accept N connections
 *     play connect IP PORT N     connect N times from IP's loopback, close each
 *     play fork IP PORT N        listen; a child that is forked for each connection serves it
 */
#include <signal.h>
#include <sys/wait.h>

#include "say.h"

static struct sockaddr_in address_of(const char *ip, const char *port)
{
	struct sockaddr_in address = { .sin_family = AF_INET };

	if (inet_pton(AF_INET, ip, &address.sin_addr) != 1)
		die(ip);
	address.sin_port = htons((unsigned short)atoi(port));
	return address;
}

static void serve(int sock)
{
	char buffer[512];

	while (recv(sock, buffer, sizeof(buffer), 0) > 0)
		;
	say_close(sock);
}

static int accept_one(int listener)
{
	long long began = now();
	int sock = accept(listener, NULL, NULL);

	if (sock < 0)
		die("accept");
	say("accept", began, sock);
	return sock;
}

static int start_listener(const char *ip, const char *port)
{
	struct sockaddr_in address = address_of(ip, port);
	int sock = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	long long began = now();

	if (sock < 0 || bind(sock, (struct sockaddr *)&address, sizeof(address)))
		die("bind");
	say("bind", began, sock);
	began = now();
	if (listen(sock, 1024))
		die("listen");
	say("listen", began, sock);
	printf("listening %d\n", own_pid());
	fflush(stdout);
	return sock;
}

static void connect_one(const char *ip, const char *port)
{
	struct sockaddr_in address = address_of(ip, port);
	int sock = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	long long began = now();

	if (sock < 0 || connect(sock, (struct sockaddr *)&address, sizeof(address)))
		die("connect");
	say("connect", began, sock);
	if (send(sock, "hello", 5, 0) != 5)
		die("send");
	say_close(sock);
}

static void fork_for(int sock, int listener)
{
	pid_t child = fork();

	if (child < 0)
		die("fork");
	if (child == 0) {
		close(listener);
		say("inherited", now(), sock);
		serve(sock);
		_exit(0);
	}
	close(sock);
}

int main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[1] : "";
	int count = argc > 3 ? atoi(argv[argc - 1]) : 1, listener;

	if (strcmp(what, "serve") == 0) {
		say("inherited", now(), atoi(argv[2]));
		serve(atoi(argv[2]));
		return 0;
	}
	if (strcmp(what, "connect") == 0) {
		while (count-- > 0)
			connect_one(argv[2], argv[3]);
		return 0;
	}
	if (strcmp(what, "accept") == 0) {
		listener = atoi(argv[2]);
		say("inherited", now(), listener);
	} else if (argc == 5) {
		listener = start_listener(argv[2], argv[3]);
	} else {
		return 2;
	}
	while (count-- > 0) {
		if (strcmp(what, "fork") == 0)
			fork_for(accept_one(listener), listener);
		else
			serve(accept_one(listener));
	}
	while (wait(NULL) > 0)
		;
	say_close(listener);
	return 0;
}
