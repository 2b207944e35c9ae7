/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Programs that use sockets as few programs do.  Each makes connections to itself, or to
 * a child, and writes down what it did (say.h):
 *
 *     tricks NAME IP PORT N [ARGUMENT]
 *
 * The names are in the table at the end.  Exit status 77 where the kernel cannot.
 */
#include <linux/sched.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "tricks.h"

#ifndef TCP_FASTOPEN_CONNECT
#define TCP_FASTOPEN_CONNECT 30
#endif

/* --- threads ---------------------------------------------------------------------------- */

static void *both_ends(void *nothing)
{
	int listener = make_listener();

	for (int i = 0; i < count; i++) {
		int ours = call();

		finish(ours, answer(listener));
	}
	say_close(listener);
	exit(0);
	return nothing;
}

/* The leader is a zombie while its thread goes on. */
static void leader_ends(void)
{
	pthread_t thread;

	own_pid();
	own_executable();
	must(pthread_create(&thread, NULL, both_ends, NULL), "pthread_create");
	pthread_exit(NULL);
}

static void *become_another(void *listener)
{
	char number[16];

	snprintf(number, sizeof(number), "%d", (int)(long)listener);
	execl(own_executable(), "tricks", "take-over", arguments[2], arguments[3], arguments[4],
	      number, NULL);
	die("exec");
	return NULL;
}

/* exec by a thread that is not the leader: it takes the leader's pid. */
static void exec_in_thread(void)
{
	int listener = make_listener(), ours = call();
	pthread_t thread;

	finish(ours, answer(listener));
	must(pthread_create(&thread, NULL, become_another, (void *)(long)listener), "pthread_"
										    "create");
	for (;;)
		pause();
}

static void take_over(void)
{
	int listener = atoi(arguments[5]);

	say("inherited", now(), listener);
	for (int i = 0; i < count; i++) {
		int ours = call();

		finish(ours, answer(listener));
	}
	say_close(listener);
}

static _Atomic int to_accept;

static void *accept_some(void *listener)
{
	int epoll = epoll_create1(EPOLL_CLOEXEC), sock;
	struct epoll_event event = { .events = EPOLLIN };

	must(epoll_ctl(epoll, EPOLL_CTL_ADD, (int)(long)listener, &event), "epoll_ctl");
	while (to_accept > 0) {
		long long began;

		if (epoll_wait(epoll, &event, 1, 20) <= 0)
			continue;
		began = now();
		sock = accept4((int)(long)listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (sock < 0)
			continue;
		to_accept--;
		say("accept", began, sock);
		say_close(sock);
	}
	return NULL;
}

static void call_often(int nothing)
{
	for (int i = nothing; i < count; i++)
		drain(call());
}

/* Eight threads, each with an epoll of its own, at one listener that does not block. */
static void epoll_threads(void)
{
	int listener = make_listener();
	pthread_t threads[8];
	pid_t child;

	fcntl(listener, F_SETFL, O_NONBLOCK);
	to_accept = count;
	for (int i = 0; i < 8; i++)
		must(pthread_create(&threads[i], NULL, accept_some, (void *)(long)listener), "pthre"
											     "ad_"
											     "creat"
											     "e");
	child = child_that(call_often, 0);
	for (int i = 0; i < 8; i++)
		pthread_join(threads[i], NULL);
	wait_for(child);
	say_close(listener);
}

static void *elsewhere(void *nothing)
{
	int file = open(arguments[5], O_RDONLY | O_CLOEXEC), listener;

	must(file < 0 || setns(file, CLONE_NEWNET), "setns");
	close(file);
	listener = make_listener();
	for (int i = 0; i < count; i++) {
		int ours = call();

		finish(ours, answer(listener));
	}
	say_close(listener);
	return nothing;
}

/* Two threads in two network namespaces use the same ports. */
static void two_namespaces(void)
{
	pthread_t thread;
	int listener = make_listener();

	must(pthread_create(&thread, NULL, elsewhere, NULL), "pthread_create");
	for (int i = 0; i < count; i++) {
		int ours = call();

		finish(ours, answer(listener));
	}
	pthread_join(thread, NULL);
	say_close(listener);
}

/* --- descriptors that move ------------------------------------------------------------------ */

/* Like fork(), but both have one table of descriptors. */
static pid_t fork_with_files(void)
{
	struct clone_args args = { .flags = CLONE_FILES, .exit_signal = SIGCHLD };
	struct ends ends = { .local = "-", .remote = "-" };
	pid_t parent = own_pid(), pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));

	if (pid < 0)
		exit(77);
	if (pid)
		return pid;
	ends.cookie = parent;
	say_ends("forked", 0, now(), &ends);
	return 0;
}

static void shared_files(void)
{
	int listener = make_listener();

	for (int i = 0; i < count; i++) {
		int ours = call(), theirs;
		pid_t child;

		child = fork_with_files();
		if (child == 0) { /* accepts, and closes what the other one has made */
			answer(listener);
			say_close(ours);
			_exit(0);
		}
		wait_for(child);
		theirs = ours + 1; /* the lowest free one: the child's is this one's too */
		say("inherited", now(), theirs);
		drain(theirs);
	}
	say_close(listener);
}

static void steal(int listener)
{
#ifdef SYS_pidfd_getfd
	int parent = (int)syscall(SYS_pidfd_open, getppid(), 0), mine, ours;

	mine = (int)syscall(SYS_pidfd_getfd, parent, listener, 0);
	if (mine < 0)
		_exit(77);
	close(listener); /* what was inherited */
	say("received", now(), mine);
	for (int i = 0; i < count; i++) {
		ours = call();
		finish(ours, answer(mine));
	}
	say_close(mine);
#else
	_exit(77 + 0 * listener);
#endif
}

static void stolen(void)
{
	int listener = make_listener();

	wait_for(child_that(steal, listener));
	say_close(listener);
}

static void hold(void)
{
	int sock = atoi(arguments[5]), pipe = atoi(arguments[6]);
	char byte;

	say("inherited", now(), sock);
	while (read(pipe, &byte, 1) > 0)
		;
	say_close(sock);
}

/* A program that was started by vfork() has the connection, and closes it last. */
static void kept_by_program(void)
{
	int listener = make_listener();

	for (int i = 0; i < count; i++) {
		int ours = call(), theirs = answer(listener), pipes[2];
		char sock[16], end[16];
		pid_t child;

		must(pipe(pipes), "pipe");
		fcntl(pipes[1], F_SETFD, FD_CLOEXEC);
		fcntl(theirs, F_SETFD, FD_CLOEXEC);
		fcntl(listener, F_SETFD, FD_CLOEXEC);
		snprintf(sock, sizeof(sock), "%d", ours);
		snprintf(end, sizeof(end), "%d", pipes[0]);
		child = vfork();
		if (child == 0) {
			execl(own_executable(), "tricks", "hold", arguments[2], arguments[3], "0",
			      sock, end, NULL);
			_exit(127);
		}
		close(pipes[0]);
		say_close(ours);
		close(pipes[1]);
		drain(theirs);
		wait_for(child);
	}
	say_close(listener);
}

/* Closed by what takes their number, and by close_range(2). */
static void overwritten(void)
{
	int listener = make_listener();

	for (int i = 0; i < count; i++) {
		int first = call(), second, theirs = answer(listener), others;
		struct ends ends = ends_of(first);
		long long began;

		second = call();
		others = answer(listener);
		began = now();
		dup2(second, first);
		say_ends("close", 0, began, &ends);
		drain(theirs);
		close(second); /* first is it now */
		ends = ends_of(first);
		began = now();
		if (syscall(SYS_close_range, first, first, 0))
			close(first);
		say_ends("close", 0, began, &ends);
		drain(others);
	}
	say_close(listener);
}

/* --- connects --------------------------------------------------------------------------- */

/* connect(2) to nowhere ends a connection, and another one begins on the same socket. */
static void called_again(void)
{
	struct sockaddr nowhere = { .sa_family = AF_UNSPEC };
	int listener = make_listener(), sock = -1;

	for (int i = 0; i < count; i++) {
		struct ends ends;
		long long began;
		int theirs;

		if (sock < 0)
			sock = socket(AF_INET, SOCK_STREAM, 0);
		call_on(sock);
		theirs = answer(listener);
		ends = ends_of(sock);
		began = now();
		must(connect(sock, &nowhere, sizeof(nowhere)), "connect to nowhere");
		say_ends("close", 0, began, &ends);
		drain(theirs);
	}
	close(sock);
	say_close(listener);
}

static void call_with(int sock)
{
	shutdown(call_on(sock), SHUT_WR);
	close(sock);
}

/* A parent makes the socket, its child connects. */
static void fork_before_connect(void)
{
	int listener = make_listener();

	for (int i = 0; i < count; i++) {
		int sock = socket(AF_INET, SOCK_STREAM, 0);
		pid_t child = child_that(call_with, sock);
		int theirs = answer(listener);

		wait_for(child);
		say("inherited", now(), sock);
		say_close(sock);
		drain(theirs);
	}
	say_close(listener);
}

/* The parent's connect(2) sends nothing, its child's first send does. */
static void send_first(int sock)
{
	must(send(sock, "x", 1, 0) != 1, "send");
}

static void late_connect(void)
{
	int listener = make_listener(), one = 1, length = 16;

	must(setsockopt(listener, IPPROTO_TCP, TCP_FASTOPEN, &length, sizeof(length)), "fastopen");
	for (int i = 0; i < count; i++) {
		int sock = socket(AF_INET, SOCK_STREAM, 0), theirs;
		long long began = now();

		must(setsockopt(sock, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &one, sizeof(one)), "TCP_"
											     "FASTO"
											     "PEN_"
											     "CONNE"
											     "CT");
		must(connect(sock, (struct sockaddr *)&address, sizeof(address)), "connect");
		wait_for(child_that(send_first, sock));
		theirs = answer(listener);
		say("connect", began, sock);
		say_close(sock);
		drain(theirs);
	}
	say_close(listener);
}

/* What a checkpoint does: connections appear and vanish without a packet. */
static void repaired(void)
{
	for (int i = 0; i < count; i++) {
		int sock = socket(AF_INET, SOCK_STREAM, 0), one = 1;

		if (setsockopt(sock, IPPROTO_TCP, TCP_REPAIR, &one, sizeof(one)))
			exit(77);
		say_close(call_on(sock));
	}
}

static void shut(int sock)
{
	say("inherited", now(), sock);
	shutdown(sock, SHUT_RDWR);
}

/* A child ends the traffic, the parent closes. */
static void shut_by_child(void)
{
	int listener = make_listener();

	for (int i = 0; i < count; i++) {
		int ours = call(), theirs = answer(listener);

		wait_for(child_that(shut, i % 2 ? ours : theirs));
		say_close(ours);
		drain(theirs);
	}
	say_close(listener);
}

static const struct trick tricks[] = {
	{ "leader-ends", leader_ends },
	{ "exec-in-thread", exec_in_thread },
	{ "take-over", take_over },
	{ "epoll-threads", epoll_threads },
	{ "two-namespaces", two_namespaces },
	{ "shared-files", shared_files },
	{ "stolen", stolen },
	{ "kept-by-program", kept_by_program },
	{ "hold", hold },
	{ "overwritten", overwritten },
	{ "called-again", called_again },
	{ "fork-before-connect", fork_before_connect },
	{ "late-connect", late_connect },
	{ "repaired", repaired },
	{ "shut-by-child", shut_by_child },
};

int main(int argc, char **argv)
{
	return play(tricks, sizeof(tricks) / sizeof(tricks[0]), argc, argv);
}
