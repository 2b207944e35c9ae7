// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The life of a TCP socket as its changes of state show it.  Programs only: what
 * is known of a socket is in owner.bpf.h, what is told in tell.bpf.h.
 *
 * These run in any context.  Process context for certain: CLOSE to SYN_SENT, CLOSE
 * to LISTEN, anything to FIN_WAIT1 or LAST_ACK, LISTEN to CLOSE.
 */

/* Process context: connect(2), a send with MSG_FASTOPEN, io_uring, the kernel itself. */
static __always_inline void began_connect(struct sock *sk, __u64 cookie)
{
	struct known *before = known_find(sk, cookie);
	struct known fresh = {};

	if (before) { /* it was bound, or connected before */
		fresh.creator = before->creator;
		fresh.told_bind = before->told_bind;
		fresh.share = before->share;
	}
	if (!fresh.told_bind)
		fresh.share = PT_ANY_PORT;
	fresh.cookie = cookie;
	fresh.since = bpf_ktime_get_boot_ns();
	fresh.kind = PT_CONNECTION;
	fresh.flags = PT_ACTIVE;
	fresh.connecting = true;
	fresh.state = TCP_SYN_SENT;
	known_own(FROM_CONTEXT, sk, &fresh, PT_BY_CONNECT);
	thread_call_works(CALL_CONNECT, connect_number, sk, fresh.since);
	call_is_on(sk);
	sock_read_ends(FROM_CONTEXT, sk, &fresh);
	known_put(sk, &fresh, BPF_ANY);
}

/* Any context.  The socket's SYN was answered. */
static __always_inline void connected(struct sock *sk, struct known *known)
{
	__u64 told = 0;

	sock_read_ends(FROM_CONTEXT, sk, known);
	known->established = true;
	/* Its beginning was missed: connect(2)'s return knows the owner, it tells. */
	if (known->attribution != PT_BY_UNKNOWN)
		told = tell_connect(sk, known, 0, known->since, 0);
	known->since = told ?: bpf_ktime_get_boot_ns();
}

static __always_inline void established(struct sock *sk, __u64 cookie, int old)
{
	struct known *known = known_find(sk, cookie);
	struct known fresh;

	if (known)
		known->state = TCP_ESTABLISHED;
	if (known && known->connecting) { /* also by SYN_RECV: simultaneous open */
		connected(sk, known);
		return;
	}
	if (known && known->told_accept) /* TCP Fast Open: accepted in SYN_RECV */
		return;
	known_guess(sk, cookie, &fresh);
	if (old == TCP_SYN_SENT) {
		fresh.flags |= PT_ACTIVE;
		fresh.connecting = true;
	} else {
		fresh.flags |= PT_PASSIVE;
		fresh.attribution = PT_BY_INHERIT;
	}
	fresh.state = TCP_ESTABLISHED;
	fresh.since = bpf_ktime_get_boot_ns();
	/* Who waits in accept(2) on another CPU can have it before this: that is not overwritten. */
	known_put(sk, &fresh, BPF_NOEXIST);
}

/*
 * Process context.  The port is checked only after this, and may be chosen only
 * then: listen(2)'s return tells.  io_uring has no such return.
 */
static __always_inline void began_listen(struct sock *sk, __u64 cookie)
{
	struct known *before = known_find(sk, cookie);
	struct known fresh = {};

	if (before) { /* it was bound */
		fresh.creator = before->creator;
		fresh.told_bind = before->told_bind;
		fresh.share = before->share;
	}
	if (!sk->__sk_common.skc_num)
		fresh.share = PT_ANY_PORT;
	fresh.cookie = cookie;
	fresh.since = before ? before->since : bpf_ktime_get_boot_ns();
	fresh.kind = PT_LISTENER;
	fresh.state = TCP_LISTEN;
	known_own(FROM_CONTEXT, sk, &fresh, PT_BY_LISTEN);
	thread_call_works(CALL_LISTEN, listen_number, sk, fresh.since);
	sock_read_ends(FROM_CONTEXT, sk, &fresh);
	if (!call_on(sk) && fresh.local_port)
		tell_listen(sk, &fresh, 0, 0);
	known_put(sk, &fresh, BPF_ANY);
}

/*
 * Only accept(2) gives a connection that the other end began a struct socket: one that
 * has it and was not told was accepted where no hook sees it.  Who did that is not
 * known; who closes it, or the listener's owner, need not be the same.
 */
static __always_inline void tell_missed_accept(struct sock *sk, struct known *known)
{
	if (known->attribution != PT_BY_INHERIT || known->told_accept || !READ(sk, sk_socket))
		return;
	known->attribution = sock_is_kernels(FROM_CONTEXT, sk) ? PT_BY_KERNEL : PT_BY_UNKNOWN;
	tell_accept(sk, known, PT_LATE);
}

/* Who sent the first FIN, two bits for each state after it. */
#define FIRST_FIN(state, side) ((__u64)(side) << 2 * (state))
static const __u64 first_fins =
	FIRST_FIN(TCP_CLOSE_WAIT, PT_REMOTE) | FIRST_FIN(TCP_LAST_ACK, PT_REMOTE) |
	FIRST_FIN(TCP_FIN_WAIT1, PT_LOCAL) | FIRST_FIN(TCP_FIN_WAIT2, PT_LOCAL) |
	FIRST_FIN(TCP_CLOSING, PT_LOCAL);

/* In that state; no matter which change to it was skipped. */
static __always_inline void note_first_fin(struct known *known, int state)
{
	if (!known->first_fin)
		known->first_fin = first_fins >> 2 * (state & 15) & 3;
}

/* The port is chosen after the socket is seen first, and the next hook may have been skipped. */
static __always_inline void read_missed_ends(struct sock *sk, struct known *known)
{
	if (!known->remote_port || !known->local_port)
		sock_read_ends(FROM_CONTEXT, sk, known);
}

/* Process context.  This end sends a FIN, and so the state is new. */
static __always_inline void ending(struct sock *sk, __u64 cookie, int new)
{
	struct known *known = known_find(sk, cookie);
	struct known fresh;

	if (!known) {
		known_guess(sk, cookie, &fresh);
		known = known_add(sk, &fresh, BPF_NOEXIST);
		if (!known)
			return;
	}
	known->established = true;
	known->state = new;
	read_missed_ends(sk, known);
	catch_up(sk, known);
	note_first_fin(known, new);
	note_closer(known);
	tell_missed_accept(sk, known);
}

/* The handshake that this end began failed.  Any context, but error 0: process context. */
static __always_inline void connect_failed(struct sock *sk, struct known *known)
{
	int error = sk->sk_err;

	if (!error) {
		if (call_on(sk)) /* connect(2)'s return knows why */
			return;
		error = ECONNABORTED; /* its process closed it, or was killed */
	}
	if (!known->told_connect)
		tell_connect(sk, known, error, known->since, 0);
}

/* What closed() works on where no hook saw the socket before. */
static __always_inline void closed_guess(struct sock *sk, __u64 cookie, int old,
					 struct known *fresh)
{
	known_guess(sk, cookie, fresh);
	if (old == TCP_LISTEN) {
		fresh->kind = PT_LISTENER;
		fresh->established = false;
		fresh->told_listen = true; /* before the start, or it would be known */
	} else if (old == TCP_SYN_SENT) {
		fresh->established = false;
		fresh->connecting = true;
		fresh->flags |= PT_ACTIVE;
	}
}

static __always_inline void closed(struct sock *sk, __u64 cookie, int old)
{
	struct known *known = known_find(sk, cookie);
	struct known fresh;

	if (!known) {
		if (old == TCP_SYN_RECV) /* no connection yet */
			return;
		closed_guess(sk, cookie, old, &fresh);
		known = &fresh;
	}
	known->state = TCP_CLOSE;
	read_missed_ends(sk, known);
	if (old == TCP_SYN_SENT || (old == TCP_SYN_RECV && known->connecting)) {
		connect_failed(sk, known);
		return;
	}
	if (old == TCP_LISTEN) {
		if (call_on(sk)) /* listen(2) failed, its return tells */
			return;
		/* Not closed by who has it, but destroyed by somebody else ("ss -K"), or shut down. */
		if (sk->sk_shutdown)
			note_closer(known);
	} else {
		known->established = true;
		note_first_fin(known, old);
		if ((old == TCP_ESTABLISHED || old == TCP_CLOSE_WAIT) && !sk->sk_err) {
			known->reset_here = true;
			note_closer(known);
		}
	}
	catch_up(sk, known);
	/* Its accept(2) may be on the way back, or was missed: not the listener's any more. */
	if (known->attribution == PT_BY_INHERIT && READ(sk, sk_socket))
		known->attribution = PT_BY_UNKNOWN;
	if (!known->told_close)
		tell_close(sk, known, 0);
}

static __always_inline void tell_state(struct sock *sk, int old, int new)
{
	__u64 cookie = sk->__sk_common.skc_cookie.counter;
	struct known *known = known_find(sk, cookie);
	struct pt_socket *event;
	struct known fresh;

	if (!known) {
		known_guess(sk, cookie, &fresh);
		known = &fresh;
	}
	known->state = new;
	event = emit_begin(PT_STATE, sk, known);
	if (!event)
		return;
	event->state_old = old;
	event->state_new = new;
	emit_end(event);
}

static __always_inline void handle_state(struct sock *sk, __u64 cookie, int old, int new)
{
	switch (new) {
	case TCP_SYN_SENT:
		began_connect(sk, cookie);
		break;
	case TCP_ESTABLISHED:
		established(sk, cookie, old);
		break;
	case TCP_LISTEN:
		began_listen(sk, cookie);
		break;
	case TCP_FIN_WAIT1:
	case TCP_LAST_ACK:
		ending(sk, cookie, new);
		break;
	case TCP_CLOSE:
		closed(sk, cookie, old);
		break;
	}
}

/* Its port will be chosen after this. */
static __always_inline bool connect_is_unwanted(struct sock *sk, __u16 remote_port)
{
	struct net *net = READ(sk, __sk_common.skc_net.net);

	return only_ports && !port_wanted(remote_port) && highest_port < (__u16)net_ephemeral(net);
}

/* Nobody asked for this socket's ports.  An end without a remote port may have had one. */
static __always_inline bool is_unwanted(struct sock *sk, int old, int new)
{
	__u16 local_port, remote_port;

	if (!only_ports)
		return false;
	local_port = sock_local_port(FROM_CONTEXT, sk);
	remote_port = bpf_ntohs(COMMON(FROM_CONTEXT, sk, skc_dport));
	if (new == TCP_SYN_SENT && !local_port)
		return connect_is_unwanted(sk, remote_port);
	return (remote_port || old == TCP_LISTEN || new == TCP_LISTEN) &&
	       ports_unwanted(local_port, remote_port);
}

/* After a change to it the socket is known. */
static __always_inline bool makes_known(int state)
{
	const __u32 states = 1 << TCP_SYN_SENT | 1 << TCP_ESTABLISHED | 1 << TCP_LISTEN |
			     1 << TCP_FIN_WAIT1 | 1 << TCP_LAST_ACK;

	return states >> (state & 15) & 1;
}

/* From a change to any other state nothing follows that a later one does not find in it. */
static __always_inline bool means_something(int state)
{
	return tell_states || state == TCP_CLOSE || makes_known(state);
}

static __always_inline bool is_seen(struct sock *sk, int old, int new)
{
	return means_something(new) && sock_is_tcp(FROM_CONTEXT, sk) &&
	       !is_unwanted(sk, old, new) && !sock_is_join(sk);
}

/*
 * By the other one of two programs.  Either may be the first: where somebody else has perf events at
 * the tracepoint, theirs were there before.  unknown: what is to be said of a socket without entry.
 */
static __always_inline bool is_handled(struct sock *sk, __u64 cookie, int new, bool unknown)
{
	struct known *known = known_find(sk, cookie);

	return known ? known->state == new : unknown;
}

static __always_inline void see_state(struct sock *sk, __u64 cookie, int old, int new)
{
	handle_state(sk, cookie, old, new);
	if (tell_states)
		tell_state(sk, old, new);
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(tcp_state, struct sock *sk, int old, int new)
{
	__u64 cookie;

	if (!is_seen(sk, old, new))
		return 0;
	cookie = sock_cookie(sk);
	if (!tracepoints_are_preempted() || !is_handled(sk, cookie, new, false))
		see_state(sk, cookie, old, new);
	return 0;
}

/*
 * Since 7.0 a tracepoint's program can be preempted, and meanwhile the kernel skips it on that CPU,
 * whoever comes: a third of all changes on a busy emulated machine.  By the slower way of perf
 * events it can't: this one does what tcp_state could not.  Of an end that leaves no entry
 * nobody can tell who saw it, so that is left to tcp_state.
 */
SEC("tp")
int tcp_state_again(struct trace_event_raw_inet_sock_set_state *ctx)
{
	struct sock *sk = CAST((struct sock *)ctx->skaddr);
	int old = ctx->oldstate, new = ctx->newstate;
	__u64 cookie;

	if (!is_seen(sk, old, new))
		return 0;
	cookie = sk->__sk_common.skc_cookie.counter;
	if (!is_handled(sk, cookie, new, !makes_known(new)))
		see_state(sk, cookie, old, new);
	return 0;
}

/* What tcp_state was to tell, and the end of a port that was bound and not used. */
static __always_inline void tell_rest(struct sock *sk, struct known *known)
{
	if (known->kind == PT_CONNECTION && known->established) {
		read_missed_ends(sk, known);
		catch_up(sk, known);
		tell_close(sk, known, PT_LATE);
	} else if (known->told_listen) {
		tell_close(sk, known, PT_LATE);
	} else if (known->told_bind) { /* process context: never connected */
		known->kind = PT_BOUND;
		note_closer(known);
		tell_close(sk, known, 0);
	}
}

/* The end of what tcp_state saw, and the second chance for what it did not see. */
static __always_inline void destroyed(struct sock *sk)
{
	struct known *known = known_find(sk, sk->__sk_common.skc_cookie.counter);

	if (!known)
		return;
	if (!known->told_close)
		tell_rest(sk, known);
	known_forget(sk);
}

SEC("tp_btf/tcp_destroy_sock")
int BPF_PROG(tcp_destroy, struct sock *sk)
{
	destroyed(sk);
	return 0;
}
