// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Who has a port, asked in the moment when a bind failed: iterators for one port of one
 * namespace.  Nothing is remembered here; the ledger in user space knows which of the
 * sockets were there at that moment.
 */
#include "timewait.bpf.h"

/* Set by user space: what is looked for. */
volatile __u32 sought_netns;
volatile __u16 sought_port;

/*
 * Every descriptor of the sockets with that port: a child that inherited one, or who got it
 * over a Unix socket, is found too.
 */
SEC("iter/task_file")
int port_files(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct seq_file *seq = ctx->meta->seq;
	struct sock *sk = ctx->file ? file_sock(ctx->file) : NULL;
	struct pt_who holder;
	struct known now;

	note_reader();
	if (!task || !sk || COMMON(FROM_NUMBER, sk, skc_num) != sought_port)
		return 0;
	known_old(sk, &now);
	if (now.netns != sought_netns)
		return 0;
	holder = task_who(task);
	write_process(seq, task);
	write_open(seq, (__u64)sk, &now, &holder, ctx->fd + 1);
	return 0;
}

/* What is left of its connections: in the namespace of whoever opened the iterator. */
SEC("iter/tcp")
int port_waits(struct bpf_iter__tcp *ctx)
{
	struct sock *sk = (struct sock *)ctx->sk_common;
	struct inet_timewait_sock *tw = (struct inet_timewait_sock *)sk;
	struct pt_socket open = {};
	struct known now;

	if (!sk || COMMON(FROM_NUMBER, sk, skc_state) != TCP_TIME_WAIT ||
	    COMMON(FROM_NUMBER, sk, skc_num) != sought_port)
		return 0;
	known_old(sk, &now);
	fill_socket(&open, PT_OPEN, (__u64)sk, &now);
	open.state_old = TCP_TIME_WAIT;
	open.state_new = READ(tw, tw_substate); /* or FIN_WAIT2 */
	open.duration = timewait_left(tw);
	bpf_seq_write(ctx->meta->seq, &open, sizeof(open));
	return 0;
}
