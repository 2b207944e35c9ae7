/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the parts of datagram.c share: the program's arguments, and the calls that they make and
 * write down (say.h), a send as "sent N", a receive as "got N", with the other end where the
 * program knows it.
 */
#pragma once

#include <netinet/in.h>
#include <sys/wait.h>

#include "say.h"

#define SIZE 65536

static const char *ip;
static const char *argument; /* "": none */
static char data[SIZE];      /* of every send and receive: what is in it does not matter */

#define ADDRESS(pointer) ((struct sockaddr *)(pointer))

static struct sockaddr_in at(const char *text, int port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };

	if (inet_pton(AF_INET, text, &address.sin_addr) != 1)
		die(text);
	return address;
}

/* --- calls, written down ------------------------------------------------------------------ */

/* other: as the program knows it, or NULL.  Returns ret. */
static long passed(const char *what, int sock, long long began, long ret,
		   const struct sockaddr *other)
{
	int error = ret < 0 ? errno : 0;
	struct ends ends = ends_of(sock);
	char text[32];

	if (other)
		write_end(ends.remote, sizeof(ends.remote), other);
	snprintf(text, sizeof(text), "%s %ld", what, ret);
	say_ends(text, error, began, &ends);
	errno = error;
	return ret;
}

static int new_socket(int family)
{
	int sock = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct timeval patience = { .tv_sec = 10 };

	if (sock < 0 || setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)))
		die("socket");
	return sock;
}

static void bind_to(int sock, const void *address, socklen_t length)
{
	long long began = now();

	if (bind(sock, address, length))
		die("bind");
	say("bind", began, sock);
}

/* A socket that is bound to a port of the kernel's choice, and its address. */
static int open_peer(struct sockaddr_in *address)
{
	int sock = new_socket(AF_INET);
	socklen_t length = sizeof(*address);

	*address = at(ip, 0);
	bind_to(sock, address, length);
	if (getsockname(sock, ADDRESS(address), &length))
		die("getsockname");
	return sock;
}

static int connect_to(int sock, const void *address, socklen_t length)
{
	long long began = now();
	int failed = connect(sock, address, length), error = errno;
	struct ends ends = ends_of(sock);

	if (((const struct sockaddr *)address)->sa_family == AF_UNSPEC) {
		say_ends("disconnect", failed ? error : 0, began, &ends);
		return failed;
	}
	if (failed)
		write_end(ends.remote, sizeof(ends.remote), address);
	say_ends("connect", failed ? error : 0, began, &ends);
	return failed;
}

static void disconnect(int sock)
{
	struct sockaddr nowhere = { .sa_family = AF_UNSPEC };

	if (connect_to(sock, &nowhere, sizeof(nowhere)))
		die("disconnect");
}

static long send_to(int sock, size_t size, const struct sockaddr_in *to)
{
	long long began = now();

	return passed("sent", sock, began,
		      sendto(sock, data, size, 0, ADDRESS(to), to ? sizeof(*to) : 0), ADDRESS(to));
}

static long take(int sock, int flags, size_t size)
{
	struct sockaddr_storage from;
	socklen_t length = sizeof(from);
	long long began = now();
	long ret = recvfrom(sock, data, size, flags, ADDRESS(&from), &length);

	if (flags & MSG_PEEK)
		return passed("peeked", sock, began, ret, ret < 0 ? NULL : ADDRESS(&from));
	return passed("got", sock, began, ret, ret < 0 ? NULL : ADDRESS(&from));
}

static void want(long got, long wanted, const char *what)
{
	if (got == wanted)
		return;
	fprintf(stderr, "%s: %ld, not %ld: %s\n", what, got, wanted, strerror(errno));
	exit(1);
}

/* --- there and back; children ------------------------------------------------------------- */

/* One datagram there, and one back. */
static void exchange(int ours, int theirs, const struct sockaddr_in *to, size_t size)
{
	struct sockaddr_in from;
	socklen_t length = sizeof(from);
	long long began;

	want(send_to(ours, size, to), (long)size, "send");
	began = now();
	want(passed("got", theirs, began, recvfrom(theirs, data, SIZE, 0, ADDRESS(&from), &length),
		    ADDRESS(&from)),
	     (long)size, "receive");
	want(send_to(theirs, size + 1, &from), (long)size + 1, "answer");
	want(take(ours, 0, SIZE), (long)size + 1, "receive the answer");
}

/* A process that does FUNCTION(sock, to) and ends. */
static pid_t child_that(void (*function)(int, const struct sockaddr_in *), int sock,
			const struct sockaddr_in *to)
{
	struct ends ends = { .local = "-", .remote = "-", .cookie = (unsigned long)own_pid() };
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (pid)
		return pid;
	say_ends("forked", 0, now(), &ends);
	function(sock, to);
	_exit(0);
}

static void wait_for(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid || status)
		die("a child");
}
