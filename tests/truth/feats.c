/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * More programs like those of tricks.c: what becomes of a socket while its process does
 * something else.
 *
 *     feats NAME IP PORT N [ARGUMENT]
 *
 * The names are in the table at the end.  Exit status 77 where the kernel cannot.
 */
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "tricks.h"

/* --- who connects ------------------------------------------------------------------------ */

/* A child of vfork() connects before it becomes another program, which closes. */
static void vforked(void)
{
	int listener = make_listener();

	fcntl(listener, F_SETFD, FD_CLOEXEC);
	for (int i = 0; i < count; i++) {
		int theirs;
		pid_t child = vfork();

		if (child == 0) {
			int sock = socket(AF_INET, SOCK_STREAM, 0);
			char number[16];

			if (connect(sock, (struct sockaddr *)&address, sizeof(address)))
				_exit(1);
			snprintf(number, sizeof(number), "%d", sock);
			execl(own_executable(), "feats", "called", arguments[2], arguments[3], "0",
			      number, NULL);
			_exit(127);
		}
		theirs = answer(listener);
		drain(theirs);
		wait_for(child);
	}
	say_close(listener);
}

/* What vforked() became: vfork()'s child may write nothing down. */
static void called(void)
{
	int sock = atoi(arguments[5]);

	say("connect", 0, sock);
	say_close(sock);
}

/* A connect that does not wait; a child ends it, or its parent does. */
static void poll_and_close(int sock)
{
	struct pollfd poller = { .fd = sock, .events = POLLOUT };

	say("inherited", now(), sock);
	must(poll(&poller, 1, 10000) != 1, "poll");
	say_close(sock);
}

static void handed_on(void)
{
	int listener = make_listener();

	for (int i = 0; i < count; i++) {
		int sock = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), theirs;
		long long began = now();
		pid_t child;

		if (connect(sock, (struct sockaddr *)&address, sizeof(address)) &&
		    errno != EINPROGRESS)
			die("connect");
		say("connect", began, sock);
		child = child_that(poll_and_close, sock);
		theirs = answer(listener);
		say_close(sock);
		wait_for(child);
		drain(theirs);
	}
	say_close(listener);
}

/* --- who is killed ------------------------------------------------------------------------ */

static int way[2];

static void half_close(int listener)
{
	int ours = call();

	(void)listener;
	shutdown(ours, SHUT_WR);
	must(write(way[1], "x", 1) != 1, "write");
	for (;;)
		pause();
}

static void be_left(int listener)
{
	int theirs = answer(listener);
	char byte;

	must(recv(theirs, &byte, 1, 0) != 0, "recv"); /* CLOSE_WAIT */
	must(write(way[1], "x", 1) != 1, "write");
	for (;;)
		pause();
}

/* One end is half closed, and both processes are killed, either first. */
static void killed_half_closed(void)
{
	int listener = make_listener();

	must(pipe2(way, O_CLOEXEC), "pipe");
	for (int i = 0; i < count; i++) {
		pid_t pids[2] = { child_that(half_close, listener), child_that(be_left, listener) };
		char bytes[2];

		for (int got = 0; got < 2;)
			got += (int)read(way[0], bytes, 1);
		for (int j = 0; j < 2; j++) {
			kill(pids[(i + j) & 1], SIGKILL);
			waitpid(pids[(i + j) & 1], NULL, 0);
		}
	}
	say_close(listener);
}

/* --- sockets that become something else --------------------------------------------------- */

/* A listener is shut down, and listens again; then it connects. */
static void listens_again(void)
{
	int one = 1;
	struct sockaddr nowhere = { .sa_family = AF_UNSPEC };
	struct sockaddr_in other = address, own = address;
	int peer = socket(AF_INET, SOCK_STREAM, 0), sock = socket(AF_INET, SOCK_STREAM, 0), theirs;
	socklen_t length = sizeof(other);
	struct ends ends;
	long long began = now();

	other.sin_port = 0;
	must(bind(peer, (struct sockaddr *)&other, sizeof(other)), "bind");
	say("bind", began, peer);
	began = now();
	must(listen(peer, 8), "listen");
	say("listen", began, peer);
	getsockname(peer, (struct sockaddr *)&other, &length);
	setsockopt(sock, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	began = now();
	must(bind(sock, (struct sockaddr *)&own, sizeof(own)), "bind");
	say("bind", began, sock);
	for (int i = 0; i < count; i++) {
		began = now();
		must(listen(sock, 8), "listen");
		say("listen", began, sock);
		theirs = call();
		finish(theirs, answer(sock));
		ends = ends_of(sock);
		began = now();
		must(shutdown(sock, SHUT_RDWR), "shutdown"); /* it stops, and keeps its port */
		say_ends("close", 0, began, &ends);
	}
	began = now();
	must(connect(sock, (struct sockaddr *)&other, sizeof(other)), "connect");
	say("connect", began, sock);
	theirs = answer(peer);
	ends = ends_of(sock);
	began = now();
	must(connect(sock, &nowhere, sizeof(nowhere)), "connect to nowhere");
	say_ends("close", 0, began, &ends);
	drain(theirs);
	close(sock);
	say_close(peer);
}

/* --- threads --------------------------------------------------------------------------------- */

static void *with_own_files(void *started)
{
	int listener;

	must(unshare(CLONE_FILES), "unshare");
	prctl(PR_SET_NAME, "own-files");
	listener = make_listener();
	if (started) {
		int ours = call(), theirs = answer(listener);
		char byte;

		printf("listening %d\n", own_pid());
		fflush(stdout);
		must(read(STDIN_FILENO, &byte, 1) != 1, "read");
		finish(ours, theirs);
	}
	for (int i = 0; i < count; i++) {
		int ours = call();

		finish(ours, answer(listener));
	}
	say_close(listener);
	return NULL;
}

/* A thread with descriptors of its own: its numbers mean other files elsewhere. */
static void own_files(void)
{
	pthread_t thread;
	int taken[8];

	for (int i = 0; i < 8; i++)
		taken[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	must(pthread_create(&thread, NULL, with_own_files, NULL), "pthread_create");
	for (int i = 0; i < 8; i++)
		close(taken[i]);
	pthread_join(thread, NULL);
}

static void own_files_older(void)
{
	pthread_t thread;

	must(pthread_create(&thread, NULL, with_own_files, "older"), "pthread_create");
	pthread_join(thread, NULL);
}

/* exec while other threads are in accept(2). */
static _Atomic int served;

static void *accept_for_ever(void *listener)
{
	for (;;) {
		drain(answer((int)(long)listener));
		served++;
	}
	return NULL;
}

static void exec_beside_accept(void)
{
	int listener;
	pthread_t threads[3];
	char number[16];

	prctl(PR_SET_NAME, "before");
	listener = make_listener();
	for (int i = 0; i < 3; i++)
		must(pthread_create(&threads[i], NULL, accept_for_ever, (void *)(long)listener),
		     "pthread_create");
	for (int i = 0; i < count; i++)
		say_close(call());
	while (served < count)
		sched_yield();
	snprintf(number, sizeof(number), "%d", listener);
	execl(own_executable(), "feats", "goes-on", arguments[2], arguments[3], arguments[4],
	      number, NULL);
	die("exec");
}

static void goes_on(void)
{
	int listener = atoi(arguments[5]);

	say("inherited", now(), listener);
	for (int i = 0; i < count; i++) {
		int ours = call();

		finish(ours, answer(listener));
	}
	say_close(listener);
}

/* A program that is in no file: fexecve(3) of memory. */
static void from_memory(void)
{
	int memory = (int)syscall(SYS_memfd_create, "nowhere", 0);
	int file = open(own_executable(), O_RDONLY | O_CLOEXEC);
	char buffer[4096];
	char *words[] = { "feats", "in-memory", arguments[2], arguments[3], arguments[4], NULL };
	ssize_t size;

	while ((size = read(file, buffer, sizeof(buffer))) > 0)
		must(write(memory, buffer, (size_t)size) != size, "write");
	fexecve(memory, words, environ);
	die("fexecve");
}

static void in_memory(void)
{
	int listener = make_listener();

	for (int i = 0; i < count; i++) {
		int ours = call();

		finish(ours, answer(listener));
	}
	say_close(listener);
}

static const struct trick feats[] = {
	{ "vforked", vforked },
	{ "called", called },
	{ "handed-on", handed_on },
	{ "killed-half-closed", killed_half_closed },
	{ "listens-again", listens_again },
	{ "own-files", own_files },
	{ "own-files-older", own_files_older },
	{ "exec-beside-accept", exec_beside_accept },
	{ "goes-on", goes_on },
	{ "from-memory", from_memory },
	{ "in-memory", in_memory },
};

int main(int argc, char **argv)
{
	return play(feats, sizeof(feats) / sizeof(feats[0]), argc, argv);
}
