// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Sockets that are older than the tracer.  These run once the hooks are attached,
 * and never overwrite what a hook has learnt.  User space reads the same records
 * from them as from the ring.
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
	else if (old.kind != PT_DATAGRAM && !BPF_CORE_READ(sk, sk_socket))
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

/* Set by user space: tell all that is known once more, because records were lost. */
volatile bool recalling;

/*
 * The kernel may skip each hook that would have seen a socket's end.  Then the memory at
 * its address is free, or another socket's, which has another cookie.
 */
static __always_inline bool sock_is_gone(struct sock *sk, const struct known *known)
{
	__u64 cookie = COMMON(FROM_NUMBER, sk, skc_cookie.counter);

	return (known->cookie && known->cookie != cookie) ||
	       !COMMON(FROM_NUMBER, sk, skc_refcnt.refs.counter);
}

/* How and when it ended is not known any more. */
static __always_inline void write_missed_close(struct seq_file *seq, __u64 sock,
					       const struct known *known)
{
	struct pt_socket close = {};

	count(seen);
	if (!wanted(known)) {
		count(filtered);
		return;
	}
	fill_socket(&close, PT_CLOSE, sock, known);
	close.flags |= PT_LATE | PT_GONE;
	count(late);
	bpf_seq_write(seq, &close, sizeof(close));
}

/*
 * Whether the entry of a socket is still the one that was copied.  One that is deleted
 * meanwhile goes to another socket at once, and the copy is of that one.
 */
static __always_inline struct known *still_known(__u64 sock, const struct known *copy)
{
	struct known *known = bpf_map_lookup_elem(&sockets, &sock);

	return known && known->cookie == copy->cookie ? known : NULL;
}

/* What is true of the socket now is asked before the entry: a hook that tells deletes that first. */
static __always_inline void sweep(struct seq_file *seq, __u64 sock, const struct known *copy)
{
	bool gone = sock_is_gone((struct sock *)sock, copy);
	struct known *known = still_known(sock, copy);
	bool missed;

	if (!known)
		return;
	if (!gone) {
		if (recalling && !known->told_close)
			write_open(seq, sock, copy, &copy->owner, 0);
		return;
	}
	missed = end_was_missed(known);
	if (!bpf_map_delete_elem(&sockets, &sock) && missed)
		write_missed_close(seq, sock, copy);
}

/* All sockets that are known: find those whose end was missed. */
SEC("iter/bpf_map_elem")
int known_sockets(struct bpf_iter__bpf_map_elem *ctx)
{
	struct known *value = ctx->value, copy;
	__u64 *key = ctx->key;

	if (!key || !value)
		return 0;
	bpf_probe_read_kernel(&copy, sizeof(copy), value);
	sweep(ctx->meta->seq, *key, &copy);
	return 0;
}

/* Without a cookie a flow is known by the socket's address, see flow_is_new(). */
static __always_inline bool flow_belongs(const struct flow *flow, __u64 sock)
{
	struct known *known = bpf_map_lookup_elem(&sockets, &sock);

	return known && (known->cookie == flow->id || !known->cookie);
}

/* Flows of sockets that are gone leave the table. */
SEC("iter/bpf_map_elem")
int known_flows(struct bpf_iter__bpf_map_elem *ctx)
{
	struct flow *key = ctx->key, flow;
	__u64 *value = ctx->value, sock;

	if (!key || !value)
		return 0;
	bpf_probe_read_kernel(&flow, sizeof(flow), key);
	bpf_probe_read_kernel(&sock, sizeof(sock), value);
	if (!flow_belongs(&flow, sock))
		bpf_map_delete_elem(&flows, &flow);
	return 0;
}
