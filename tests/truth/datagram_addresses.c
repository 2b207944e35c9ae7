/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * With whom a socket speaks: connected, connected again, no longer connected; with nobody, so
 * that calls fail; over IPv6 and IPv4; with many at once.  A part of datagram.c.
 */
#include <poll.h>

#include "datagram.h"

/* --- connected, or to nobody -------------------------------------------------------------- */

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

/* --- IPv6, and many at once --------------------------------------------------------------- */

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
