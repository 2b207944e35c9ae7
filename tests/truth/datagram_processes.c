/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Sockets that change hands: shared by a fork, left by a parent that ends, given to another
 * program, used by threads, left to the kernel by processes that live shortly, taken from their
 * owner.  A part of datagram.c.
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>

#include "datagram.h"

/* --- who answer, and who ask -------------------------------------------------------------- */

static void serve_some(int sock, const struct sockaddr_in *to)
{
	(void)to;
	for (int i = 0; i < 5; i++) {
		struct sockaddr_in from;
		socklen_t length = sizeof(from);
		long long began = now();
		long ret = recvfrom(sock, data, SIZE, 0, ADDRESS(&from), &length);

		passed("got", sock, began, ret, ADDRESS(&from));
		send_to(sock, (size_t)ret, &from);
	}
}

static void ask_some(int count, const struct sockaddr_in *to)
{
	for (int i = 0; i < count; i++) {
		int sock = new_socket(AF_INET);

		send_to(sock, 10 + (size_t)i, to);
		take(sock, 0, SIZE);
		say_close(sock);
	}
}

/* --- forked, orphaned, given -------------------------------------------------------------- */

#define WORKERS 3

/* Workers share one socket; their parent only bound it. */
static void forked(void)
{
	struct sockaddr_in address;
	int sock = open_peer(&address);
	pid_t workers[WORKERS], client;

	for (int i = 0; i < WORKERS; i++)
		workers[i] = child_that(serve_some, sock, NULL);
	client = child_that(ask_some, 5 * WORKERS, &address);
	for (int i = 0; i < WORKERS; i++)
		wait_for(workers[i]);
	wait_for(client);
	say_close(sock);
}

static pid_t parent;

/* The parent binds and ends at once; its child goes on, and is asked by a child of its own. */
static void serve_alone(int sock, const struct sockaddr_in *to)
{
	pid_t client;

	while (getppid() == parent)
		sched_yield();
	client = child_that(ask_some, 5, to);
	serve_some(sock, NULL);
	wait_for(client);
	say_close(sock);
}

static void orphaned(void)
{
	struct sockaddr_in address;
	int sock = open_peer(&address);

	parent = getpid();
	child_that(serve_alone, sock, &address);
}

/* A descriptor that this program was started with. */
static void given(void)
{
	int sock = atoi(argument);

	say("inherited", now(), sock);
	serve_some(sock, NULL);
	say_close(sock);
}

/* The same, from the start: a program that becomes another one. */
static void becomes(void)
{
	struct sockaddr_in address;
	int sock = open_peer(&address);
	char text[16];

	child_that(ask_some, 5, &address);
	fcntl(sock, F_SETFD, 0);
	snprintf(text, sizeof(text), "%d", sock);
	prctl(PR_SET_NAME, "before");
	execl(own_executable(), "datagram", "given", ip, text, NULL);
	die("exec");
}

/* --- threads ------------------------------------------------------------------------------ */

static void *thread_asks(void *to)
{
	prctl(PR_SET_NAME, "asks");
	ask_some(3, to);
	return NULL;
}

/* Threads with names of their own; the one that began it all has ended before the rest. */
static void *thread_serves(void *to)
{
	pthread_t asking;
	int sock = *(int *)to;
	struct sockaddr_in address;
	socklen_t length = sizeof(address);

	prctl(PR_SET_NAME, "serves");
	getsockname(sock, ADDRESS(&address), &length);
	for (int i = 0; i < 5; i++) {
		if (pthread_create(&asking, NULL, thread_asks, &address))
			die("thread");
		for (int j = 0; j < 3; j++) {
			struct sockaddr_in from;
			long long began = now();

			length = sizeof(from);
			passed("got", sock, began,
			       recvfrom(sock, data, SIZE, 0, ADDRESS(&from), &length),
			       ADDRESS(&from));
			send_to(sock, 1, &from);
		}
		pthread_join(asking, NULL);
	}
	say_close(sock);
	exit(0);
}

static void threads(void)
{
	static int sock;
	struct sockaddr_in address;
	pthread_t serving;

	sock = open_peer(&address);
	if (pthread_create(&serving, NULL, thread_serves, &sock))
		die("thread");
	pthread_exit(NULL);
}

/* --- brief, stolen ------------------------------------------------------------------------ */

/* Processes that live shorter than a millisecond and leave the end to the kernel. */
static void brief_one(int how, const struct sockaddr_in *to)
{
	int sock = new_socket(AF_INET);

	if (how & 1)
		connect_to(sock, to, sizeof(*to));
	send_to(sock, 4, how & 1 ? NULL : to);
	if (how & 2)
		say_close(sock);
	_exit(0);
}

static void brief(void)
{
	struct sockaddr_in address;
	int sock = open_peer(&address);

	for (int i = 0; i < 200; i++) {
		pid_t pid = child_that(brief_one, i, &address);

		take(sock, 0, SIZE);
		wait_for(pid);
	}
	say_close(sock);
}

/* A datagram to a socket that this process has too. */
static void ask_myself(int sock)
{
	struct sockaddr_in address;
	socklen_t length = sizeof(address);
	int asking = new_socket(AF_INET);

	getsockname(sock, ADDRESS(&address), &length);
	exchange(asking, sock, &address, 8);
	say_close(asking);
}

static int way[2];

static void open_and_wait(int unused, const struct sockaddr_in *to)
{
	struct sockaddr_in address;
	int sock = open_peer(&address);

	(void)unused;
	(void)to;
	ask_myself(sock);
	if (write(way[1], &sock, sizeof(sock)) != sizeof(sock))
		die("write");
	for (;;)
		pause();
}

/* One process takes the other's socket, and uses it longer than that one lives. */
static void stolen(void)
{
	int sock, taken;
	pid_t pid;

	if (pipe2(way, O_CLOEXEC))
		die("pipe");
	pid = child_that(open_and_wait, 0, NULL);
	if (read(way[0], &sock, sizeof(sock)) != sizeof(sock))
		die("read");
	taken = (int)syscall(SYS_pidfd_getfd, (int)syscall(SYS_pidfd_open, pid, 0), sock, 0);
	if (taken < 0)
		exit(77);
	say("received", now(), taken);
	ask_myself(taken);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	ask_myself(taken);
	say_close(taken);
}
