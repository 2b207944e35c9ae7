// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * An object of its own, for those who only ask: what is there now.  Iterators, no hooks;
 * nothing is remembered here.  Each socket is told once for each descriptor that holds it,
 * and once more without: user space puts these together.
 */
#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "old.bpf.h"
#include "timewait.bpf.h"

/* TCP is of interest. */
const volatile bool see_tcp = true;

/* Only those that listen or are bound, and of UDP are not connected. */
const volatile bool only_listening = false;

static __always_inline bool asked_for(const struct known *known)
{
	bool busy = known->kind == PT_CONNECTION ||
		    (known->kind == PT_DATAGRAM && known->remote_port);

	return wanted(known) && !(only_listening && busy) &&
	       (see_tcp || known->kind == PT_DATAGRAM);
}

SEC("iter/task_file")
int list_files(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct sock *sk = task ? file_sock(ctx->file) : NULL;
	struct known now;

	if (!sk || !(COMMON(FROM_NUMBER, sk, skc_num) || COMMON(FROM_NUMBER, sk, skc_dport)))
		return 0;
	known_old(sk, &now);
	now.attribution = PT_BY_SNAPSHOT;
	if (asked_for(&now))
		write_holder(ctx->meta->seq, task, ctx->fd, sk, &now);
	return 0;
}

/* How the owner is known, of a socket that no descriptor leads to. */
static __always_inline enum pt_attribution without_descriptor(struct sock *sk)
{
	if (sock_is_kernels(FROM_NUMBER, sk))
		return PT_BY_KERNEL;
	/* Closed by its process, and not yet at the end of the protocol. */
	if (COMMON(FROM_NUMBER, sk, skc_flags) & 1UL << SOCK_DEAD)
		return PT_BY_UNKNOWN;
	return READ(sk, sk_socket) ? PT_BY_UNKNOWN : PT_BY_INHERIT;
}

SEC("iter/tcp")
int list_sockets(struct bpf_iter__tcp *ctx)
{
	struct sock *sk = (struct sock *)ctx->sk_common;
	struct pt_socket open = {};
	struct known now;
	__u8 state;

	if (!sk)
		return 0;
	known_old(sk, &now);
	state = COMMON(FROM_NUMBER, sk, skc_state);
	if (state == TCP_NEW_SYN_RECV)
		now.attribution = PT_BY_INHERIT;
	else if (state != TCP_TIME_WAIT)
		now.attribution = without_descriptor(sk);
	if (now.attribution == PT_BY_INHERIT)
		now.flags |= PT_PASSIVE; /* who began it waits for accept(2) at the other end */
	if (!asked_for(&now))
		return 0;
	fill_socket(&open, PT_OPEN, (__u64)sk, &now);
	open.state_new = state;
	if (state == TCP_TIME_WAIT) {
		struct inet_timewait_sock *tw = (struct inet_timewait_sock *)sk;

		open.state_old = TCP_TIME_WAIT;
		open.state_new = READ(tw, tw_substate); /* or FIN_WAIT2 */
		open.duration = timewait_left(tw);
	}
	bpf_seq_write(ctx->meta->seq, &open, sizeof(open));
	return 0;
}

SEC("iter/udp")
int list_datagrams(struct bpf_iter__udp *ctx)
{
	struct sock *sk = (struct sock *)ctx->udp_sk;
	struct pt_socket open = {};
	struct known now;

	if (!sk || !sock_is_udp(FROM_NUMBER, sk)) /* UDP-Lite is in the same table */
		return 0;
	known_old(sk, &now);
	now.attribution = sock_is_kernels(FROM_NUMBER, sk) ? PT_BY_KERNEL : PT_BY_UNKNOWN;
	if (!asked_for(&now))
		return 0;
	fill_socket(&open, PT_OPEN, (__u64)sk, &now);
	open.state_new = COMMON(FROM_NUMBER, sk, skc_state);
	bpf_seq_write(ctx->meta->seq, &open, sizeof(open));
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
