/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The calls that a program makes through io_uring (ring.h): in its own thread, in one of the
 * kernel's, and where the request waits for a datagram.  A part of datagram.c.
 */
#include "datagram.h"
#include "ring.h"

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
