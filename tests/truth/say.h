/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How the C programs here write down what they did: a line for each call, appended
 * to the file that $TRUTH_LOG names by one write, so that many processes may share it.
 *
 *     BEGAN ENDED PID NAME WHAT ERRNO NETNS COOKIE LOCAL REMOTE EXECUTABLE
 *
 * with tabs between.  truth.py reads it.  The pid is the one of the initial namespace:
 * /proc, mounted there, tells it even to those who live in another one.
 */
#pragma once

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#ifndef SO_COOKIE
#define SO_COOKIE 57
#endif

#define UNUSED __attribute__((unused))

static UNUSED void die(const char *what)
{
	perror(what);
	exit(1);
}

static UNUSED long long now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_REALTIME, &time);
	return time.tv_sec * 1000000000LL + time.tv_nsec;
}

/* Of a process that may have been forked since, and may be in a pid namespace. */
static UNUSED int own_pid(void)
{
	static int pid, inner;
	char text[32] = "";

	if (inner == getpid())
		return pid;
	inner = getpid();
	if (readlink("/proc/self", text, sizeof(text) - 1) < 0)
		die("/proc/self");
	pid = atoi(text);
	return pid;
}

/* Of the thread: each may be in another one. */
static UNUSED unsigned long own_netns(void)
{
	static __thread unsigned long inode;
	struct stat info;

	if (inode == 0 && stat("/proc/thread-self/ns/net", &info) == 0)
		inode = info.st_ino;
	return inode;
}

/* The name of the thread group leader; /proc/self/comm is that, prctl the thread's. */
static UNUSED void own_name(char *name, size_t size)
{
	int file = open("/proc/self/comm", O_RDONLY | O_CLOEXEC);
	ssize_t length = file < 0 ? 0 : read(file, name, size - 1);

	name[length > 0 ? length - 1 : 0] = '\0';
	close(file);
}

static UNUSED const char *own_executable(void)
{
	static char path[256];

	if (!path[0] && readlink("/proc/self/exe", path, sizeof(path) - 1) < 0)
		die("/proc/self/exe");
	return path;
}

/* "ip port", "-" where there is no such end. */
static UNUSED void write_end(char *text, size_t size, const struct sockaddr *address)
{
	const struct sockaddr_in *four = (const void *)address;
	const struct sockaddr_in6 *six = (const void *)address;
	char ip[INET6_ADDRSTRLEN];

	snprintf(text, size, "-");
	if (address->sa_family == AF_INET && inet_ntop(AF_INET, &four->sin_addr, ip, sizeof(ip)))
		snprintf(text, size, "%s %d", ip, ntohs(four->sin_port));
	if (address->sa_family == AF_INET6 && inet_ntop(AF_INET6, &six->sin6_addr, ip, sizeof(ip)))
		snprintf(text, size, "%s %d", ip, ntohs(six->sin6_port));
}

/* Both ends of a socket, taken before it is closed. */
struct ends {
	char local[80], remote[80];
	long long cookie; /* negative: the socket has no descriptor to ask for it */
};

static UNUSED struct ends ends_of(int sock)
{
	struct ends ends = { .local = "-", .remote = "-" };
	struct sockaddr_storage address;
	socklen_t length = sizeof(address);
	int saved = errno;

	if (getsockname(sock, (struct sockaddr *)&address, &length) == 0)
		write_end(ends.local, sizeof(ends.local), (struct sockaddr *)&address);
	length = sizeof(address);
	if (getpeername(sock, (struct sockaddr *)&address, &length) == 0)
		write_end(ends.remote, sizeof(ends.remote), (struct sockaddr *)&address);
	length = sizeof(ends.cookie);
	if (getsockopt(sock, SOL_SOCKET, SO_COOKIE, &ends.cookie, &length))
		ends.cookie = 0;
	errno = saved;
	return ends;
}

static UNUSED int say_file(void)
{
	static int file = -1;

	if (file < 0) {
		const char *path = getenv("TRUTH_LOG");

		file = open(path ? path : "/dev/stdout", O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC,
			    0666);
		if (file < 0)
			die("TRUTH_LOG");
	}
	return file;
}

static UNUSED int say_text(char *line, size_t size, const char *what, int error, long long began,
			   const struct ends *ends)
{
	char name[32];

	own_name(name, sizeof(name));
	return snprintf(line, size, "%lld\t%lld\t%d\t%s\t%s\t%d\t%lu\t%lld\t%s\t%s\t%s\n", began,
			now(), own_pid(), name, what, error, own_netns(), ends->cookie, ends->local,
			ends->remote, own_executable());
}

static UNUSED void say_ends(const char *what, int error, long long began, const struct ends *ends)
{
	char line[768];
	int length = say_text(line, sizeof(line), what, error, began, ends);

	if (write(say_file(), line, length) != length)
		die("write");
}

static UNUSED void say(const char *what, long long began, int sock)
{
	struct ends ends = ends_of(sock);

	say_ends(what, 0, began, &ends);
}

/* Close and say so. */
static UNUSED void say_close(int sock)
{
	struct ends ends = ends_of(sock);
	long long began = now();

	close(sock);
	say_ends("close", 0, began, &ends);
}
