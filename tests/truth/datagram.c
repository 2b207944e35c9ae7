/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * UDP sockets, used in every way that a program may.  Each call is written down (say.h): a
 * send as "sent N", a receive as "got N", with the other end where the program knows it.
 *
 *     datagram NAME IP [ARGUMENT]
 *
 * The names are in the table at the end.  Exit status 77 where the kernel cannot.
 */
#include <fcntl.h>
#include <linux/errqueue.h>
#include <netinet/udp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "ring.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#define UDP_GRO 104
#endif
#ifndef IPPROTO_UDPLITE
#define IPPROTO_UDPLITE 136
#endif

#define SIZE 65536

static const char *ip;
static const char *argument;
static char data[SIZE];
static pid_t parent;

static struct sockaddr_in at(const char *text, int port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };

	if (inet_pton(AF_INET, text, &address.sin_addr) != 1)
		die(text);
	return address;
}

#define ADDRESS(pointer) ((struct sockaddr *)(pointer))

/* --- written down ------------------------------------------------------------------------ */

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

/* --- plain calls -------------------------------------------------------------------------- */

#define BATCH 8

static void many_messages(void)
{
	struct sockaddr_in peers[4], from[BATCH];
	struct mmsghdr messages[BATCH] = { 0 };
	struct iovec parts[BATCH];
	int sock = new_socket(AF_INET), theirs[4], count;
	long long began = now();

	for (int i = 0; i < 4; i++)
		theirs[i] = open_peer(&peers[i]);
	for (int i = 0; i < BATCH; i++) {
		parts[i] = (struct iovec){ data, 10 + i };
		messages[i].msg_hdr = (struct msghdr){ .msg_name = &peers[i / 2],
						       .msg_namelen = sizeof(peers[0]),
						       .msg_iov = &parts[i],
						       .msg_iovlen = 1 };
	}
	want(sendmmsg(sock, messages, BATCH, 0), BATCH, "sendmmsg");
	for (int i = 0; i < BATCH; i++)
		passed("sent", sock, began, messages[i].msg_len, ADDRESS(&peers[i / 2]));
	for (int i = 0; i < 4; i++) {
		for (int j = 0; j < BATCH; j++)
			messages[j].msg_hdr.msg_name = &from[j];
		count = recvmmsg(theirs[i], messages, BATCH, MSG_WAITFORONE, NULL);
		want(count, 2, "recvmmsg");
		for (int j = 0; j < count; j++)
			passed("got", theirs[i], began, messages[j].msg_len, ADDRESS(&from[j]));
		say_close(theirs[i]);
	}
	say_close(sock);
}

static void connect_again(void)
{
	struct sockaddr_in first, second, nowhere = at("192.0.2.1", 9);
	int one = open_peer(&first), two = open_peer(&second), sock = new_socket(AF_INET);

	connect_to(sock, &first, sizeof(first));
	exchange(sock, one, NULL, 10);
	connect_to(sock, &second, sizeof(second));
	exchange(sock, two, NULL, 20);
	want(send_to(sock, 5, &first), 5, "past the connection");
	want(take(one, 0, SIZE), 5, "past the connection");
	disconnect(sock);
	exchange(sock, one, &first, 40);
	connect_to(sock, &nowhere, sizeof(nowhere));
	exchange(sock, two, &second, 50);
	connect_to(sock, &second, sizeof(second));
	exchange(sock, two, NULL, 60);
	say_close(sock);
	say_close(one);
	say_close(two);
}

static void write_and_read(void)
{
	struct sockaddr_in address;
	struct iovec parts[2] = { { data, 3 }, { data, 4 } };
	int theirs = open_peer(&address), sock = new_socket(AF_INET);
	socklen_t length = sizeof(address);
	long long began = now();

	connect_to(sock, &address, sizeof(address));
	passed("sent", sock, began, write(sock, data, 5), NULL);
	passed("sent", sock, began, writev(sock, parts, 2), NULL);
	passed("sent", sock, began, send(sock, data, 0, 0), NULL);
	for (int i = 0; i < 3; i++)
		take(theirs, 0, SIZE);
	getsockname(sock, ADDRESS(&address), &length);
	connect_to(theirs, &address, length);
	for (int i = 0; i < 2; i++)
		send_to(theirs, 9, NULL);
	began = now();
	passed("got", sock, began, read(sock, data, SIZE), NULL);
	passed("got", sock, began, readv(sock, parts, 2), NULL);
	say_close(sock);
	say_close(theirs);
}

/* What is received by read(2) and recv(2) came from somebody who is not asked for. */
static void read_unconnected(void)
{
	struct sockaddr_in address;
	int theirs = open_peer(&address), sock = new_socket(AF_INET);
	long long began;

	for (int i = 0; i < 3; i++)
		send_to(sock, 6, &address);
	began = now();
	passed("unnamed", theirs, began, read(theirs, data, SIZE), NULL);
	passed("unnamed", theirs, began, recv(theirs, data, SIZE, 0), NULL);
	take(theirs, 0, SIZE);
	say_close(sock);
	say_close(theirs);
}

/* MSG_TRUNC: the length is the datagram's; without, what there was room for. */
static void flags(void)
{
	struct sockaddr_in address;
	int theirs = open_peer(&address), sock = new_socket(AF_INET);

	for (int i = 0; i < 4; i++)
		send_to(sock, i == 3 ? 0 : 100, &address);
	want(take(theirs, MSG_PEEK, SIZE), 100, "peek");
	want(take(theirs, MSG_PEEK | MSG_TRUNC, 10), 100, "peek and truncate");
	want(take(theirs, MSG_TRUNC, 10), 100, "truncated");
	want(take(theirs, 0, 10), 10, "cut");
	want(take(theirs, 0, SIZE), 100, "whole");
	want(take(theirs, 0, SIZE), 0, "nothing in it");
	take(theirs, MSG_DONTWAIT, SIZE);
	say_close(sock);
	say_close(theirs);
}

static void failures(void)
{
	struct sockaddr_in address, nowhere = at("192.0.2.1", 9),
				    everybody = at("127.255.255.255", 9);
	int theirs = open_peer(&address), sock = new_socket(AF_INET), other = new_socket(AF_INET);
	int third = new_socket(AF_INET);

	send_to(sock, SIZE - 1, &address); /* EMSGSIZE, and it has a port now */
	send_to(other, 1, NULL);           /* EDESTADDRREQ */
	send_to(other, 1, &nowhere);
	send_to(other, 1, &everybody);
	connect_to(third, &nowhere, sizeof(nowhere));
	send_to(sock, 1, &address);
	take(theirs, 0, SIZE);
	say_close(sock);
	say_close(other);
	say_close(third);
	say_close(theirs);
}

/* A connect that fails leaves a port: the next owner, if any, is who sends. */
static void failed_connect(void)
{
	struct sockaddr_in address, nowhere = at("192.0.2.1", 9);
	int theirs = open_peer(&address), sock = new_socket(AF_INET);

	connect_to(sock, &nowhere, sizeof(nowhere));
	exchange(sock, theirs, &address, 12);
	say_close(sock);
	say_close(theirs);
}

/* An ICMP answer: the error comes with the next call, and is in the queue. */
static void refused(void)
{
	struct sockaddr_in address;
	int theirs = open_peer(&address), sock = new_socket(AF_INET), one = 1;
	struct iovec part = { data, SIZE };
	char control[512];
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control };
	struct pollfd poller = { .fd = sock };

	say_close(theirs);
	connect_to(sock, &address, sizeof(address));
	setsockopt(sock, IPPROTO_IP, IP_RECVERR, &one, sizeof(one));
	for (int i = 0; i < 3; i++) {
		long long began;

		send_to(sock, 10, NULL);
		poll(&poller, 1, 5000);
		if (i == 0)
			send_to(sock, 10, NULL); /* ECONNREFUSED */
		if (i == 1)
			take(sock, 0, SIZE); /* ECONNREFUSED */
		message.msg_controllen = sizeof(control);
		part.iov_len = SIZE;
		began = now();
		passed("error", sock, began, recvmsg(sock, &message, MSG_ERRQUEUE), NULL);
	}
	say_close(sock);
}

static void corked(void)
{
	struct sockaddr_in address;
	int theirs = open_peer(&address), sock = new_socket(AF_INET), on = 1, off = 0;
	long long began = now();

	connect_to(sock, &address, sizeof(address));
	passed("sent", sock, began, send(sock, data, 10, MSG_MORE), NULL);
	passed("sent", sock, began, send(sock, data, 20, MSG_MORE), NULL);
	passed("sent", sock, began, send(sock, data, 30, 0), NULL);
	want(take(theirs, 0, SIZE), 60, "corked");
	setsockopt(sock, IPPROTO_UDP, UDP_CORK, &on, sizeof(on));
	passed("sent", sock, began, send(sock, data, 1, 0), NULL);
	passed("sent", sock, began, send(sock, data, 2, 0), NULL);
	setsockopt(sock, IPPROTO_UDP, UDP_CORK, &off, sizeof(off));
	want(take(theirs, 0, SIZE), 3, "uncorked");
	say_close(sock);
	say_close(theirs);
}

/* One call, many datagrams: the call counts. */
static void segments(void)
{
	struct sockaddr_in address;
	int theirs = open_peer(&address), sock = new_socket(AF_INET), size = 100, one = 1;
	long got = 0;

	if (setsockopt(sock, IPPROTO_UDP, UDP_SEGMENT, &size, sizeof(size)) ||
	    setsockopt(theirs, IPPROTO_UDP, UDP_GRO, &one, sizeof(one)))
		exit(77);
	want(send_to(sock, 1050, &address), 1050, "segments");
	while (got < 1050)
		got += take(theirs, 0, SIZE);
	one = 0;
	setsockopt(theirs, IPPROTO_UDP, UDP_GRO, &one, sizeof(one));
	send_to(sock, 950, &address);
	for (got = 0; got < 950;)
		got += take(theirs, 0, SIZE);
	say_close(sock);
	say_close(theirs);
}

/* By a pipe and from a file, without copying. */
static void spliced(void)
{
	struct sockaddr_in address;
	int theirs = open_peer(&address), sock = new_socket(AF_INET), ends[2];
	int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	long long began = now();
	long got = 0, sent;

	connect_to(sock, &address, sizeof(address));
	if (pipe2(ends, O_CLOEXEC) || write(ends[1], data, 500) != 500 || file < 0)
		die("pipe");
	want(passed("sent", sock, began, splice(ends[0], NULL, sock, NULL, 500, 0), NULL), 500,
	     "splice");
	want(take(theirs, 0, SIZE), 500, "spliced");
	began = now();
	sent = passed("sent", sock, began, sendfile(sock, file, NULL, 1000), NULL);
	want(sent, 1000, "sendfile");
	while (got < sent)
		got += take(theirs, 0, SIZE);
	say_close(sock);
	say_close(theirs);
	close(file);
}

/* --- addresses ------------------------------------------------------------------------------ */

static long send6(int sock, size_t size, const struct sockaddr_in6 *to)
{
	long long began = now();

	return passed("sent", sock, began, sendto(sock, data, size, 0, ADDRESS(to), sizeof(*to)),
		      ADDRESS(to));
}

static struct sockaddr_in6 six(const char *text, int port)
{
	struct sockaddr_in6 address = { .sin6_family = AF_INET6, .sin6_port = htons(port) };

	if (inet_pton(AF_INET6, text, &address.sin6_addr) != 1)
		die(text);
	return address;
}

/* One socket of IPv6 speaks with IPv6 and IPv4, connected and not. */
static void dual_stack(void)
{
	struct sockaddr_in four;
	struct sockaddr_in6 any = six("::", 0), mapped, loopback;
	int theirs = open_peer(&four), sock = new_socket(AF_INET6), other = new_socket(AF_INET6);
	socklen_t length = sizeof(loopback);
	char text[64];

	snprintf(text, sizeof(text), "::ffff:%s", ip);
	mapped = six(text, ntohs(four.sin_port));
	bind_to(sock, &any, sizeof(any));
	getsockname(sock, ADDRESS(&loopback), &length);
	loopback.sin6_addr = in6addr_loopback;
	send6(sock, 10, &mapped);
	want(take(theirs, 0, SIZE), 10, "mapped");
	send6(other, 11, &loopback);
	want(take(sock, 0, SIZE), 11, "six");
	send6(other, 12, &mapped);
	want(take(theirs, 0, SIZE), 12, "mapped");
	connect_to(other, &mapped, sizeof(mapped));
	passed("sent", other, now(), send(other, data, 13, 0), NULL);
	want(take(theirs, 0, SIZE), 13, "connected");
	connect_to(other, &loopback, sizeof(loopback)); /* a socket that was of IPv4 */
	passed("sent", other, now(), send(other, data, 14, 0), NULL);
	disconnect(other);
	send6(other, 15, &loopback);
	say_close(sock);
	say_close(other);
	say_close(theirs);
}

static void multicast(void)
{
	struct sockaddr_in any = at("0.0.0.0", 0), group = at("239.1.2.3", 0), all;
	int first = new_socket(AF_INET), second = new_socket(AF_INET), sock = new_socket(AF_INET);
	struct ip_mreqn join = { .imr_multiaddr = group.sin_addr, .imr_ifindex = 1 };
	int one = 1;
	socklen_t length = sizeof(any);

	setsockopt(first, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	setsockopt(second, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	bind_to(first, &any, sizeof(any));
	getsockname(first, ADDRESS(&any), &length);
	bind_to(second, &any, sizeof(any));
	setsockopt(first, IPPROTO_IP, IP_ADD_MEMBERSHIP, &join, sizeof(join));
	setsockopt(second, IPPROTO_IP, IP_ADD_MEMBERSHIP, &join, sizeof(join));
	setsockopt(sock, IPPROTO_IP, IP_MULTICAST_IF, &join, sizeof(join));
	setsockopt(sock, SOL_SOCKET, SO_BROADCAST, &one, sizeof(one));
	group.sin_port = any.sin_port;
	want(send_to(sock, 20, &group), 20, "multicast");
	want(take(first, 0, SIZE), 20, "first");
	want(take(second, 0, SIZE), 20, "second");
	all = at("127.255.255.255", ntohs(any.sin_port));
	want(send_to(sock, 21, &all), 21, "broadcast");
	want(take(first, 0, SIZE), 21, "first");
	want(take(second, 0, SIZE), 21, "second");
	say_close(sock);
	say_close(first);
	say_close(second);
}

/* --- io_uring ------------------------------------------------------------------------------- */

static struct io_uring_sqe request(int operation, int sock, const void *address, unsigned int size)
{
	return (struct io_uring_sqe){
		.opcode = (__u8)operation, .fd = sock, .addr = (unsigned long)address, .len = size
	};
}

static long ring_does(const char *what, struct io_uring_sqe entry, const struct sockaddr *other)
{
	long long began = now();
	int result = do_one(&entry);

	errno = result < 0 ? -result : 0;
	return passed(what, entry.fd, began, result, other);
}

static int ring_call(const char *what, int operation, int sock, const struct sockaddr_in *address)
{
	long long began = now();
	int result = do_call(operation, sock, address);
	struct ends ends = ends_of(sock);

	if (result == -EINVAL)
		exit(77);
	if (result < 0)
		write_end(operation == OP_BIND ? ends.local : ends.remote, sizeof(ends.remote),
			  ADDRESS(address));
	say_ends(what, -result, began, &ends);
	return result;
}

static void by_ring(int sqpoll)
{
	struct sockaddr_in address = at(ip, 0), peer;
	struct iovec part = { data, 50 };
	struct msghdr message = {
		.msg_name = &peer, .msg_namelen = sizeof(peer), .msg_iov = &part, .msg_iovlen = 1
	};
	struct io_uring_sqe entry;
	int theirs = new_socket(AF_INET), sock = new_socket(AF_INET), other = new_socket(AF_INET);
	socklen_t length = sizeof(address);

	start_ring(sqpoll);
	ring_call("bind", OP_BIND, theirs, &address);
	getsockname(theirs, ADDRESS(&address), &length);
	ring_call("bind", OP_BIND, other, &address); /* EADDRINUSE */
	peer = address;
	ring_does("sent", request(IORING_OP_SENDMSG, sock, &message, 1), ADDRESS(&peer));
	message.msg_name = &peer;
	part.iov_len = SIZE;
	want(ring_does("got", request(IORING_OP_RECVMSG, theirs, &message, 1), ADDRESS(&peer)), 50,
	     "recvmsg");
	ring_call("connect", IORING_OP_CONNECT, sock, &address);
	want(ring_does("sent", request(IORING_OP_SEND, sock, data, 51), NULL), 51, "send");
	want(ring_does("sent", request(IORING_OP_WRITE, sock, data, 52), NULL), 52, "write");
	want(ring_does("got", request(IORING_OP_RECV, theirs, data, SIZE), ADDRESS(&peer)), 51,
	     "recv");
	want(ring_does("got", request(IORING_OP_READ, theirs, data, SIZE), ADDRESS(&peer)), 52,
	     "read");
	/* To an address without struct msghdr. */
	entry = request(IORING_OP_SEND, other, data, 53);
	entry.addr2 = (unsigned long)&address;
	entry.addr_len = sizeof(address);
	want(ring_does("sent", entry, ADDRESS(&address)), 53, "send with address");
	want(take(theirs, 0, SIZE), 53, "from other");
	say_close(sock);
	say_close(other);
	say_close(theirs);
}

static void ring_plain(void)
{
	by_ring(0);
}

static void ring_thread(void)
{
	by_ring(1);
}

/* The request waits in the kernel; the datagram that ends it is sent by another process. */
static void send_one(int sock, const struct sockaddr_in *to)
{
	sock = new_socket(AF_INET);
	send_to(sock, 33, to);
	say_close(sock);
}

static void ring_waits(void)
{
	struct sockaddr_in address, from;
	struct iovec part = { data, SIZE };
	struct msghdr message = {
		.msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &part, .msg_iovlen = 1
	};
	struct io_uring_sqe entry;
	int theirs = open_peer(&address);
	long long began = now();
	pid_t pid;

	start_ring(0);
	fcntl(theirs, F_SETFL, 0);
	for (int i = 0; i < 4; i++) {
		entry = request(IORING_OP_RECVMSG, theirs, &message, 1);
		entry.flags = i & 1 ? IOSQE_ASYNC : 0;
		message.msg_namelen = sizeof(from);
		submit(&entry);
		if (syscall(SYS_io_uring_enter, ring.file, 1, 0, 0, NULL, 0) != 1)
			die("io_uring_enter");
		ring.pending = 0;
		pid = child_that(send_one, -1, &address);
		want(passed("got", theirs, began, next_result(), ADDRESS(&from)), 33, "waited");
		wait_for(pid);
	}
	say_close(theirs);
}

static void ring_without_copy(void)
{
	struct sockaddr_in address;
	int theirs = open_peer(&address), sock = new_socket(AF_INET);
	struct io_uring_sqe entry = request(OP_SEND_ZC, sock, data, 3000);
	int result;

	start_ring(0);
	connect_to(sock, &address, sizeof(address));
	result = (int)ring_does("sent", entry, NULL);
	if (result == -EINVAL)
		exit(77);
	want(result, 3000, "send_zc");
	if (ring.more)
		next_result();
	want(take(theirs, 0, SIZE), 3000, "received");
	say_close(sock);
	say_close(theirs);
}

/* --- several processes ------------------------------------------------------------------------ */

#define WORKERS 3

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

static const struct {
	const char *name;
	void (*play)(void);
} tricks[] = {
	{ "messages", many_messages },
	{ "again", connect_again },
	{ "write", write_and_read },
	{ "unnamed", read_unconnected },
	{ "flags", flags },
	{ "failures", failures },
	{ "failed-connect", failed_connect },
	{ "refused", refused },
	{ "corked", corked },
	{ "segments", segments },
	{ "spliced", spliced },
	{ "dual", dual_stack },
	{ "multicast", multicast },
	{ "ring", ring_plain },
	{ "ring-thread", ring_thread },
	{ "ring-waits", ring_waits },
	{ "ring-zc", ring_without_copy },
	{ "forked", forked },
	{ "orphaned", orphaned },
	{ "given", given },
	{ "becomes", becomes },
	{ "threads", threads },
	{ "brief", brief },
	{ "stolen", stolen },
};

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	ip = argv[2];
	argument = argc > 3 ? argv[3] : "";
	for (size_t i = 0; i < sizeof(tricks) / sizeof(tricks[0]); i++)
		if (strcmp(tricks[i].name, argv[1]) == 0) {
			tricks[i].play();
			return 0;
		}
	return 2;
}
