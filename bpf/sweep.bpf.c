// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A look at sockets and flows that are known already, by their keys: which of them are gone,
 * and nobody told; and after a loss, all of them once more.
 *
 * User space reads the keys from the map and runs these programs on them, some at a time
 * (user/probe_walk.c).  Not iterators over the maps' elements: hardened kernels refuse those
 * (seen on 6.18), and what they print goes another way than the ring, out of order.
 */

/* What a run takes: the most that the kernel passes to such a program (MAX_BPF_FUNC_ARGS). */
#define SWEEP_WORDS 12

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

/*
 * Whether the entry of a socket is still the one that was copied.  One that is deleted
 * meanwhile goes to another socket at once, and the copy is of that one.
 */
static __always_inline struct known *still_known(__u64 sock, const struct known *copy)
{
	struct known *known = bpf_map_lookup_elem(&sockets, &sock);

	return known && known->cookie == copy->cookie ? known : NULL;
}

/* What a socket is now, as the snapshot told it.  false: no room. */
static __always_inline bool recall(__u64 sock, const struct known *known)
{
	struct pt_socket *open = NULL;

	if (bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) < limit_bytes)
		open = bpf_ringbuf_reserve(&ring, sizeof(*open), 0);
	if (!open)
		return false;
	__builtin_memset(open, 0, sizeof(*open));
	fill_open(open, sock, known, &known->owner, 0);
	bpf_ringbuf_submit(open, BPF_RB_NO_WAKEUP);
	return true;
}

/*
 * 1: there was no room for what it should tell.  What is true of the socket now is asked before
 * the entry: a hook that tells deletes that first.  A global function, for the verifier's sake.
 */
__noinline int sweep_socket(__u64 sock)
{
	struct known *known = bpf_map_lookup_elem(&sockets, &sock), copy;
	struct pt_socket *close;
	bool gone, missed;

	if (!known)
		return 0;
	copy = *known;
	gone = sock_is_gone((struct sock *)sock, &copy);
	known = still_known(sock, &copy);
	if (!known)
		return 0;
	if (!gone)
		return recalling && !known->told_close && !recall(sock, &copy);
	missed = end_was_missed(known);
	if (bpf_map_delete_elem(&sockets, &sock) || !missed)
		return 0;
	/* How and when it ended is not known any more. */
	close = emit_begin(PT_CLOSE, (void *)sock, &copy);
	if (!close)
		return 0;
	close->flags |= PT_LATE | PT_GONE;
	count(late);
	emit_end(close);
	return 0;
}

/* words: sockets; 0: none.  The number of those that there was no room for. */
SEC("raw_tp")
int sweep_sockets(const __u64 *words)
{
	int no_room = 0;

#pragma unroll
	for (int i = 0; i < SWEEP_WORDS; i++)
		no_room += sweep_socket(words[i]);
	return no_room;
}

/* Without a cookie a flow is known by the socket's address, see flow_is_new(). */
static __always_inline bool flow_belongs(const struct flow *flow, __u64 sock)
{
	struct known *known = bpf_map_lookup_elem(&sockets, &sock);

	return known && (known->cookie == flow->id || !known->cookie);
}

/* Flows of sockets that are gone leave the table.  words: three for each, the key and the value. */
SEC("raw_tp")
int sweep_flows(const __u64 *words)
{
#pragma unroll
	for (int i = 0; i < SWEEP_WORDS; i += 3) {
		struct flow flow = { .id = words[i], .tag = words[i + 1] };

		if (flow.id && !flow_belongs(&flow, words[i + 2]))
			bpf_map_delete_elem(&flows, &flow);
	}
	return 0;
}
