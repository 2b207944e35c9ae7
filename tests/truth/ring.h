/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * io_uring without a library: one request at a time, and its result.
 */
#pragma once

#include <linux/io_uring.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "say.h"

/* The system's header may be older than its kernel. */
enum {
	OP_SOCKET = 45,
	OP_SEND_ZC = 47,
	OP_BIND = 56,
	OP_LISTEN = 57,
	ACCEPT_MULTISHOT = 1 /* in ioprio */
};

static struct {
	int file;
	struct io_uring_params params;
	char *submit, *complete;
	struct io_uring_sqe *entries;
	unsigned int pending; /* submitted, and the kernel was not told */
	__u8 flags;           /* of each request: enum io_uring_sqe_flags_bit */
	int more;             /* the latest result is not its request's last one */
} ring;

static char *map(size_t size, off_t what)
{
	char *address = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
			     ring.file, what);

	if (address == MAP_FAILED)
		die("mmap");
	return address;
}

static void start_ring(int sqpoll)
{
	if (sqpoll) {
		ring.params.flags = IORING_SETUP_SQPOLL;
		ring.params.sq_thread_idle = 2000;
	}
	ring.file = (int)syscall(SYS_io_uring_setup, 8, &ring.params);
	if (ring.file < 0) {
		perror("io_uring_setup");
		exit(77);
	}
	ring.submit = map(ring.params.sq_off.array + ring.params.sq_entries * sizeof(unsigned int),
			  IORING_OFF_SQ_RING);
	ring.complete =
		map(ring.params.cq_off.cqes + ring.params.cq_entries * sizeof(struct io_uring_cqe),
		    IORING_OFF_CQ_RING);
	ring.entries =
		(void *)map(ring.params.sq_entries * sizeof(struct io_uring_sqe), IORING_OFF_SQES);
}

static _Atomic unsigned int *counter(char *base, unsigned int offset)
{
	return (_Atomic unsigned int *)(base + offset);
}

static void submit(const struct io_uring_sqe *entry)
{
	_Atomic unsigned int *tail = counter(ring.submit, ring.params.sq_off.tail);
	unsigned int place = *tail & (ring.params.sq_entries - 1);

	ring.entries[place] = *entry;
	ring.entries[place].flags |= ring.flags;
	((unsigned int *)(ring.submit + ring.params.sq_off.array))[place] = place;
	atomic_fetch_add(tail, 1);
	atomic_thread_fence(memory_order_seq_cst);
	ring.pending = 1;
}

/* Wait for an end: its result. */
static int next_result(void)
{
	_Atomic unsigned int *head = counter(ring.complete, ring.params.cq_off.head);
	unsigned int flags = IORING_ENTER_GETEVENTS;
	struct io_uring_cqe *completed;
	int result;

	if (ring.params.flags & IORING_SETUP_SQPOLL &&
	    *counter(ring.submit, ring.params.sq_off.flags) & IORING_SQ_NEED_WAKEUP)
		flags |= IORING_ENTER_SQ_WAKEUP;
	while (*head == *counter(ring.complete, ring.params.cq_off.tail)) {
		if (syscall(SYS_io_uring_enter, ring.file, ring.pending, 1, flags, NULL, 0) < 0 &&
		    errno != EINTR)
			die("io_uring_enter");
		ring.pending = 0;
	}
	completed = (struct io_uring_cqe *)(ring.complete + ring.params.cq_off.cqes) +
		    (*head & (ring.params.cq_entries - 1));
	result = completed->res;
	ring.more = (int)(completed->flags & IORING_CQE_F_MORE);
	atomic_fetch_add(head, 1);
	return result;
}

static int do_one(const struct io_uring_sqe *entry)
{
	submit(entry);
	return next_result();
}

static UNUSED void about(struct io_uring_sqe *entry, const struct sockaddr_in *address)
{
	if (entry->opcode == OP_LISTEN) {
		entry->len = 64;
	} else if (address) {
		entry->addr = (unsigned long)address;
		entry->off = sizeof(*address);
	}
}

static UNUSED int do_call(int operation, int sock, const struct sockaddr_in *address)
{
	struct io_uring_sqe entry = { .opcode = (__u8)operation, .fd = sock };

	about(&entry, address);
	return do_one(&entry);
}

/* On what is in slot 0. */
static UNUSED int do_slot(int operation, const struct sockaddr_in *address)
{
	struct io_uring_sqe entry = { .opcode = (__u8)operation, .flags = IOSQE_FIXED_FILE };

	about(&entry, address);
	return do_one(&entry);
}

/* 77: this io_uring has no such operation. */
static UNUSED void must(int result, const char *what)
{
	if (result >= 0)
		return;
	fprintf(stderr, "%s: %s\n", what, strerror(-result));
	exit(result == -EINVAL ? 77 : 1);
}
