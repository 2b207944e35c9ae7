/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The system calls that send and receive, in each of their ways: many messages at once, without
 * addresses, peeked and cut, corked, segmented, spliced.  A part of datagram.c.  Those that fail
 * are in datagram_addresses.c.
 */
#include <netinet/udp.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

#include "datagram.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#define UDP_GRO 104
#endif

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
