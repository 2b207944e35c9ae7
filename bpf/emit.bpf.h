/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Into the ring: filter, reserve, fill what every event has, submit, wake up.
 * The one place where events are counted.
 */
#pragma once

#include "config.bpf.h"
#include "maps.bpf.h"

/* Atomic: a softirq may come between the load and the store of the same CPU. */
#define count(member)                                              \
	do {                                                       \
		struct pt_counts *counts_ = my_counts();           \
		if (counts_)                                       \
			__sync_fetch_and_add(&counts_->member, 1); \
	} while (0)

static __always_inline struct pt_counts *my_counts(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&counts, &zero);
}

/*
 * Waking the consumer costs more than the record itself, so that is done once for
 * each wake_bytes that wait.  More than one record falls into the window: another
 * CPU may have taken the one that crosses the line.  What is below is drained by
 * the consumer's timer.
 */
static __always_inline __u64 wake_flags(void)
{
	__u64 waiting = bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA);

	return waiting >= wake_bytes && waiting % wake_bytes < 512 ? BPF_RB_FORCE_WAKEUP
								   : BPF_RB_NO_WAKEUP;
}

/* Set by a loss, taken by the next event: user space then doubts what it believes. */
bool after_loss;

/* Set by user space: from now on nothing is told.  Taking the hooks off takes its time. */
volatile bool stopped;

/* A record about processes found no room. */
static __always_inline void count_lost_process(void)
{
	count(lost_processes);
	after_loss = true;
}

static __always_inline bool port_wanted(__u16 port)
{
	return ports[port / 64] & (1ULL << port % 64);
}

/*
 * Nothing will be told of a connection or listener between such ports: nor need anybody remember
 * it.  0: not known, or there is none.
 */
static __always_inline bool ports_unwanted(__u16 local_port, __u16 remote_port)
{
	return only_ports && local_port && !port_wanted(local_port) &&
	       !(remote_port && port_wanted(remote_port));
}

static __always_inline bool wanted(const struct known *known)
{
	bool ipv4 = known->flags & PT_IPV4;

	/* A listener on "::" may take IPv4 too: that is looked at in user space. */
	if (only_family && known->remote_port && ipv4 != (only_family == AF_INET))
		return false;
	return !only_ports || port_wanted(known->local_port) || port_wanted(known->remote_port);
}

/* What every record of a socket has; the rest of it must be zero. */
static __always_inline void fill_socket(struct pt_socket *event, enum pt_type type, __u64 sock,
					const struct known *known)
{
	event->type = type;
	event->attribution = known->attribution;
	event->kind = known->kind;
	event->flags = known->flags;
	event->local_port = known->local_port;
	event->remote_port = known->remote_port;
	event->netns = known->netns;
	event->share = known->share;
	event->device = known->device;
	barrier(); /* accept's return sets the owner first, then the attribution */
	if (event->attribution != PT_BY_INHERIT)
		event->owner = known->owner;
	event->time = bpf_ktime_get_boot_ns();
	event->sock = sock;
	event->cookie = known->cookie;
	__builtin_memcpy(event->local_ip, known->local_ip, sizeof(event->local_ip));
	__builtin_memcpy(event->remote_ip, known->remote_ip, sizeof(event->remote_ip));
}

/*
 * Begin an event of a socket: NULL if nobody asked for it or there is no room, and
 * that is counted.  Else the caller fills what is special and calls emit_end().  size: of the
 * record, a constant.
 */
static __always_inline struct pt_socket *
emit_begin_sized(enum pt_type type, __u64 size, const void *sock, const struct known *known)
{
	struct pt_counts *mine = my_counts();
	struct pt_socket *event = NULL;

	if (!mine || stopped)
		return NULL;
	__sync_fetch_and_add(&mine->seen, 1);
	if (!wanted(known)) {
		__sync_fetch_and_add(&mine->filtered, 1);
		return NULL;
	}
	/* The last eighth is for what is rare and what names the processes. */
	if (type == PT_BIND || type == PT_LISTEN ||
	    bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) < limit_bytes)
		event = bpf_ringbuf_reserve(&ring, size, 0);
	if (!event) {
		__sync_fetch_and_add(&mine->lost_ring, 1);
		after_loss = true;
		return NULL;
	}
	__builtin_memset(event, 0, size);
	fill_socket(event, type, (__u64)sock, known);
	if (after_loss) {
		after_loss = false;
		event->flags |= PT_AFTER_LOSS;
	}
	return event;
}

static __always_inline struct pt_socket *emit_begin(enum pt_type type, const void *sock,
						    const struct known *known)
{
	return emit_begin_sized(type, sizeof(struct pt_socket), sock, known);
}

static __always_inline void emit_end(struct pt_socket *event)
{
	bpf_ringbuf_submit(event, wake_flags());
}

/* Wakes for the sake of one record: 64 at once, then one each 10 ms. */
#define URGENT_PAUSE 10000000ULL
#define URGENT_BURST (64 * URGENT_PAUSE)

__u64 urgent_at; /* boot time up to which wakes have been spent */

/*
 * The same for what somebody waits for, and whose explanation is the better the sooner it is
 * looked for: the consumer is woken, but not by each turn of a loop that tries again.
 */
static __always_inline void emit_urgent(struct pt_socket *event)
{
	__u64 flags = wake_flags(), at = urgent_at;

	if (at + URGENT_BURST < event->time)
		at = event->time - URGENT_BURST;
	if (at + URGENT_PAUSE <= event->time) {
		urgent_at = at + URGENT_PAUSE;
		flags = BPF_RB_FORCE_WAKEUP;
	}
	bpf_ringbuf_submit(event, flags);
}
