// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Sockets that are older than the tracer.  These run once the hooks are attached,
 * and never overwrite what a hook has learnt.  User space reads the same records
 * from them as from the ring.  What became of the sockets since is sweep.bpf.c's part.
 */
#include "old.bpf.h"

/* Remember an old socket; false: a hook was faster, and knew all that there is to tell. */
static __always_inline bool remember(struct sock *sk, struct known *old)
{
	struct known *known = known_find(sk, old->cookie);

	if (!known)
		return known_add(sk, old, BPF_NOEXIST);
	if (known->attribution == PT_BY_SNAPSHOT || known->older)
		return true; /* another descriptor of it, or the iterator tries again */
	if (known->attribution != PT_BY_UNKNOWN)
		return false;
	known->owner = old->owner;
	known->attribution = old->attribution;
	old->flags |= known->flags & (PT_ACTIVE | PT_PASSIVE);
	return true;
}

static __always_inline void visit_file(struct seq_file *seq, struct task_struct *task, __u32 fd,
				       struct file *file)
{
	struct sock *sk = file_sock(file);
	struct pt_who holder = task_who(task);
	struct known old;

	if (!sk || !(COMMON(FROM_NUMBER, sk, skc_num) || COMMON(FROM_NUMBER, sk, skc_dport)))
		return;
	known_old(sk, &old);
	old.owner = holder;
	old.attribution = PT_BY_SNAPSHOT;
	/* Told from what was read here: an entry may be given to another socket at any time. */
	if (remember(sk, &old))
		write_holder(seq, task, fd, sk, &old);
}

SEC("iter/task_file")
int old_files(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;

	note_reader();
	if (task && file)
		visit_file(ctx->meta->seq, task, ctx->fd, file);
	return 0;
}

/* Those without a descriptor: not accepted yet, closing, or the kernel's own. */
static __always_inline void visit_sock(struct seq_file *seq, struct sock *sk)
{
	struct known old;
	__u8 state = COMMON(FROM_NUMBER, sk, skc_state);

	if (state == TCP_TIME_WAIT || state == TCP_NEW_SYN_RECV)
		return;
	/* Most were met by their descriptor: those are not read again. */
	if (known_find(sk, COMMON(FROM_NUMBER, sk, skc_cookie.counter)))
		return;
	known_old(sk, &old);
	if (sock_is_kernels(FROM_NUMBER, sk))
		old.attribution = PT_BY_KERNEL;
	else if (old.kind != PT_DATAGRAM && !READ(sk, sk_socket))
		old.attribution = PT_BY_INHERIT;
	if (known_add(sk, &old, BPF_NOEXIST))
		write_open(seq, (__u64)sk, &old, &old.owner, 0);
}

SEC("iter/tcp")
int old_sockets(struct bpf_iter__tcp *ctx)
{
	struct sock_common *common = ctx->sk_common;

	if (common)
		visit_sock(ctx->meta->seq, (struct sock *)common);
	return 0;
}

SEC("iter/udp")
int old_datagrams(struct bpf_iter__udp *ctx)
{
	struct sock *sk = (struct sock *)ctx->udp_sk;

	if (sk && sock_is_udp(FROM_NUMBER, sk))
		visit_sock(ctx->meta->seq, sk);
	return 0;
}
