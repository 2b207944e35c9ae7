/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What tricks.c and feats.c share: connections to the address that they were given, each call
 * written down, and children.
 */
#pragma once

#include <netinet/in.h>
#include <sys/wait.h>

#include "say.h"

static struct sockaddr_in address;
static int count;
static char **arguments;

static UNUSED void must(int failed, const char *what)
{
	if (failed)
		die(what);
}

static UNUSED int make_listener(void)
{
	int sock = socket(AF_INET, SOCK_STREAM, 0), one = 1;
	long long began = now();

	must(setsockopt(sock, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)), "SO_REUSEPORT");
	must(bind(sock, (struct sockaddr *)&address, sizeof(address)), "bind");
	say("bind", began, sock);
	began = now();
	must(listen(sock, 1024), "listen");
	say("listen", began, sock);
	return sock;
}

static UNUSED int call_on(int sock)
{
	long long began = now();

	must(connect(sock, (struct sockaddr *)&address, sizeof(address)), "connect");
	say("connect", began, sock);
	return sock;
}

static UNUSED int call(void)
{
	return call_on(socket(AF_INET, SOCK_STREAM, 0));
}

static UNUSED int answer(int listener)
{
	long long began = now();
	int sock = accept(listener, NULL, NULL);

	must(sock < 0, "accept");
	say("accept", began, sock);
	return sock;
}

/* The other end closes first: this one reads to the end. */
static UNUSED void drain(int sock)
{
	char buffer[64];

	while (recv(sock, buffer, sizeof(buffer), 0) > 0)
		;
	say_close(sock);
}

static UNUSED void finish(int ours, int theirs)
{
	say_close(ours);
	drain(theirs);
}

/* A process that does FUNCTION(argument) and ends. */
static UNUSED pid_t child_that(void (*function)(int), int argument)
{
	pid_t parent = own_pid(), pid = fork();
	struct ends ends = { .local = "-", .remote = "-" };

	must(pid < 0, "fork");
	if (pid)
		return pid;
	ends.cookie = parent;
	say_ends("forked", 0, now(), &ends);
	function(argument);
	_exit(0);
}

static UNUSED void wait_for(pid_t pid)
{
	int status;

	must(waitpid(pid, &status, 0) != pid, "waitpid");
	if (status)
		exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

struct trick {
	const char *name; /* the first argument; address, port and count follow */
	void (*function)(void);
};

/* Play the one of these that was asked for; the exit status. */
static int play(const struct trick *tricks, size_t size, int argc, char **argv)
{
	address.sin_family = AF_INET;
	if (argc < 5 || inet_pton(AF_INET, argv[2], &address.sin_addr) != 1)
		return 2;
	address.sin_port = htons((unsigned short)atoi(argv[3]));
	count = atoi(argv[4]);
	arguments = argv;
	for (size_t i = 0; i < size; i++) {
		if (strcmp(argv[1], tricks[i].name) == 0) {
			tricks[i].function();
			return 0;
		}
	}
	return 2;
}
