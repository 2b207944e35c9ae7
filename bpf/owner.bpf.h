/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Remembers what is known of a socket: its owner, and what has been told of it.
 *
 * The owner is taken from the current task in process context only; in a softirq
 * the current task is whoever was on the CPU.  No fact hangs on a single hook: the
 * kernel skips a program that would interrupt itself on its CPU.  So each hook
 * notes what it told, and the next hook that sees the socket tells what is missing.
 */
#pragma once

#include "process.bpf.h"
#include "sock.bpf.h"
#include "thread.bpf.h"

static __always_inline void known_forget(const void *sock)
{
	__u64 key = (__u64)sock;

	bpf_map_delete_elem(&sockets, &key);
}

static __always_inline bool end_was_missed(const struct known *known)
{
	return !known->told_close && (known->established || known->told_listen || known->told_bind);
}

/*
 * Another socket is at this address now: tell the end of the one before, if no hook did.
 * How and when that was is not known.
 */
static __noinline int bury(const void *sock, struct known *known)
{
	struct pt_socket *event;

	if (end_was_missed(known) && !known->local_port) {
		count(lost_map); /* of which connection this is, nobody would know */
	} else if (end_was_missed(known)) {
		event = emit_begin(PT_CLOSE, sock, known);
		if (event) {
			event->flags |= PT_LATE | PT_GONE;
			count(late);
			emit_end(event);
		}
	}
	known_forget(sock);
	return 0;
}

/*
 * An entry that was made before the socket had a cookie: only ports can tell that it is not this
 * one's.  A connection that is thrown away forgets the remote one; one of UDP is made again.
 */
static __always_inline bool has_other_ports(const void *sock, const struct known *known)
{
	struct sock *sk = (struct sock *)sock;
	__u16 remote_port = bpf_ntohs(COMMON(FROM_NUMBER, sk, skc_dport));

	return (known->local_port && known->local_port != sock_local_port(FROM_NUMBER, sk)) ||
	       (known->kind == PT_CONNECTION && known->remote_port && remote_port &&
		known->remote_port != remote_port);
}

/*
 * The entry of a socket, NULL if there is none.  cookie: the socket's, 0 if it has none
 * yet.  An address is used again as soon as a socket is freed, a cookie never: an entry
 * with another one was left by a socket whose end was missed.
 */
static __always_inline struct known *known_find(const void *sock, __u64 cookie)
{
	__u64 key = (__u64)sock;
	struct known *known = bpf_map_lookup_elem(&sockets, &key);

	if (!known)
		return NULL;
	if (known->cookie ? known->cookie != cookie : has_other_ports(sock, known)) {
		bury(sock, known);
		return NULL;
	}
	known->cookie = cookie;
	return known;
}

static __always_inline void known_put(const void *sock, const struct known *fresh, __u64 how)
{
	__u64 key = (__u64)sock;
	int err = map_update(&sockets, &key, fresh, how);

	if (err && err != -EEXIST) /* with BPF_NOEXIST another hook may be faster */
		count(lost_map);
}

/* The same, and what is known then. */
static __always_inline struct known *known_add(const void *sock, const struct known *fresh,
					       __u64 how)
{
	__u64 key = (__u64)sock;

	known_put(sock, fresh, how);
	return bpf_map_lookup_elem(&sockets, &key);
}

/* A connection whose beginning no hook saw: nobody is known to own it.  sk: from the context. */
static __always_inline void known_guess(struct sock *sk, __u64 cookie, struct known *fresh)
{
	__builtin_memset(fresh, 0, sizeof(*fresh));
	fresh->cookie = cookie;
	fresh->kind = PT_CONNECTION;
	fresh->attribution = PT_BY_UNKNOWN;
	fresh->established = true;
	sock_read_ends(FROM_CONTEXT, sk, fresh);
}

/* Process context: make the current process the owner. */
static __always_inline void known_own(enum sock_from from, struct sock *sk, struct known *known,
				      enum pt_attribution how)
{
	bool kernels = sock_is_kernels(from, sk);
	struct pt_who nobody = {};

	if (kernels) {
		known->owner = nobody;
	} else {
		tell_current();
		known->owner = task_who(current_task());
		/* A thread of the kernel that works for a process: io_uring before 5.12. */
		if (!known->owner.tgid)
			how = PT_BY_UNKNOWN;
	}
	barrier(); /* emit_begin() on another CPU reads them the other way round */
	known->attribution = kernels ? PT_BY_KERNEL : how;
}

/*
 * Who reads the iterators, so the tracer.  These hold each file that they show for a moment: a
 * process that closes it meanwhile leaves the last reference, and so the socket's end, to it.
 */
volatile __u32 reader_tgid;

static __always_inline void note_reader(void)
{
	reader_tgid = bpf_get_current_pid_tgid() >> 32;
}

/* Process context: the current process ends this socket. */
static __always_inline void note_closer(struct known *known)
{
	if (known->closer.tgid || bpf_get_current_pid_tgid() >> 32 == reader_tgid)
		return;
	known->closer = task_who(current_task());
	if (!known->closer.tgid) /* io_uring's and others' last references end in a kworker */
		known->left_behind = true;
	else if (!same_process(&known->closer, &known->owner))
		tell_current();
}
