/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What an iterator tells of a socket that exists already, for snapshot.bpf.c and
 * list.bpf.c.  Which sockets those are, and what is remembered of them, is their part.
 */
#pragma once

#include "process.bpf.h"
#include "sock.bpf.h"

/* The descriptor that the iterator was at before: the process is told once. */
struct {
	__u32 tgid;
	__u32 fd;
} visited;

/* The rest of it must be zero. */
static __always_inline void fill_open(struct pt_socket *open, __u64 sock, const struct known *known,
				      const struct pt_who *holder, __u32 fd)
{
	fill_socket(open, PT_OPEN, sock, known);
	open->owner = *holder;
	open->fd = fd;
	if (open->share & PT_REUSEPORT)
		open->uid = sock_user((struct sock *)sock);
	open->state_new = COMMON(FROM_NUMBER, (struct sock *)sock, skc_state);
}

static __always_inline void write_open(struct seq_file *seq, __u64 sock, const struct known *known,
				       const struct pt_who *holder, __u32 fd)
{
	struct pt_socket open = {};

	fill_open(&open, sock, known, holder, fd);
	bpf_seq_write(seq, &open, sizeof(open));
}

static __always_inline void write_process(struct seq_file *seq, struct task_struct *task)
{
	__u32 zero = 0;
	struct pt_process *process = bpf_map_lookup_elem(&scratch, &zero);
	struct told told = {};

	if (!process)
		return;
	read_process(task, process); /* without arguments: another's memory is not read here */
	bpf_seq_write(seq, process, sizeof(*process));
	/* Its end will be told; and all of it, when it does something. */
	told.start = process->who.start;
	bpf_map_update_elem(&processes, &process->who.tgid, &told, BPF_NOEXIST);
}

/* What a socket is by its state; owner and facts are the caller's. */
static __always_inline void known_old(struct sock *sk, struct known *old)
{
	__u8 state = COMMON(FROM_NUMBER, sk, skc_state);

	__builtin_memset(old, 0, sizeof(*old));
	old->cookie = COMMON(FROM_NUMBER, sk, skc_cookie.counter);
	sock_read_ends(FROM_NUMBER, sk, old);
	if (state == TCP_LISTEN) {
		old->kind = PT_LISTENER;
		old->told_listen = true;
	} else if (state == TCP_CLOSE) {
		old->kind = PT_BOUND;
		old->told_close = old->remote_port;
		old->told_bind = !old->remote_port;
	} else if (state == TCP_SYN_SENT) {
		old->kind = PT_CONNECTION;
		old->flags |= PT_ACTIVE;
		old->connecting = true;
	} else {
		old->kind = PT_CONNECTION;
		old->established = true;
	}
	/* Those that may be one; what is left of a connection has no protocol to read. */
	if ((state == TCP_CLOSE || state == TCP_ESTABLISHED) && sock_is_udp(FROM_NUMBER, sk)) {
		old->kind = PT_DATAGRAM;
		old->established = old->told_close = false;
		old->told_bind = true;
		if (old->remote_port)
			old->flags |= PT_ACTIVE;
	}
}

/* A descriptor that holds a socket, and before the first one of a process the process. */
static __always_inline void write_holder(struct seq_file *seq, struct task_struct *task, __u32 fd,
					 struct sock *sk, const struct known *known)
{
	struct pt_who holder = task_who(task);

	/* The same descriptor again: there was no room, and nothing of it was kept. */
	if (visited.tgid != holder.tgid || visited.fd == fd)
		write_process(seq, task);
	visited.tgid = holder.tgid;
	visited.fd = fd;
	write_open(seq, (__u64)sk, known, &holder, fd + 1);
}
