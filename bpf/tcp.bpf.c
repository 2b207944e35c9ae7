// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The life of a TCP socket as its changes of state show it.  Programs only: what
 * is known of a socket is in owner.bpf.h, what is told in tell.bpf.h.
 *
 * These run in any context.  Process context for certain: CLOSE to SYN_SENT, CLOSE
 * to LISTEN, anything to FIN_WAIT1 or LAST_ACK, LISTEN to CLOSE.
 */

/* Process context: connect(2), a send with MSG_FASTOPEN, io_uring, the kernel itself. */
static __always_inline void began_connect(struct sock *sk)
{
	__u64 cookie = bpf_get_socket_cookie(sk);
	struct known *before = known_find(sk, cookie);
	struct known fresh = {};

	if (before) { /* it was bound, or connected before */
		fresh.creator = before->creator;
		fresh.facts = before->facts & TOLD_BIND;
	}
	fresh.cookie = cookie;
	fresh.since = bpf_ktime_get_boot_ns();
	fresh.kind = PT_CONNECTION;
	fresh.flags = PT_ACTIVE;
	fresh.facts |= CONNECTING;
	known_own(&fresh, PT_BY_CONNECT);
	call_is_on(sk);
	sock_read_ends(FROM_CONTEXT, sk, &fresh);
	known_add(sk, &fresh, BPF_ANY);
}

/* Any context.  The socket's SYN was answered. */
static __always_inline void connected(struct sock *sk, __u64 cookie, struct known *known)
{
	__u64 now = bpf_ktime_get_boot_ns();

	sock_read_ends(FROM_CONTEXT, sk, known);
	known->facts |= ESTABLISHED;
	/* Its beginning was missed: connect(2)'s return knows the owner, it tells. */
	if (known->attribution == PT_BY_UNKNOWN)
		return;
	tell_connect(sk, known, now, 0, now - known->since, 0);
	known->since = now;
}

static __always_inline void established(struct sock *sk, int old)
{
	__u64 cookie = bpf_get_socket_cookie(sk);
	struct known *known = known_find(sk, cookie);
	struct known fresh;

	if (known && known->facts & CONNECTING) { /* also by SYN_RECV: simultaneous open */
		connected(sk, cookie, known);
		return;
	}
	if (known && known->facts & TOLD_ACCEPT) /* TCP Fast Open: accepted in SYN_RECV */
		return;
	known_guess(sk, cookie, &fresh);
	if (old == TCP_SYN_SENT) {
		fresh.flags |= PT_ACTIVE;
		fresh.facts |= CONNECTING;
	} else {
		fresh.flags |= PT_PASSIVE;
		fresh.attribution = PT_BY_INHERIT;
	}
	fresh.since = bpf_ktime_get_boot_ns();
	known_add(sk, &fresh, BPF_ANY);
}

/*
 * Process context.  The port is checked only after this, and may be chosen only
 * then: listen(2)'s return tells.  io_uring has no such return.
 */
static __always_inline void began_listen(struct sock *sk)
{
	__u64 cookie = bpf_get_socket_cookie(sk), now = bpf_ktime_get_boot_ns();
	struct known *known = known_find(sk, cookie);
	struct known fresh = {};

	if (!known) {
		fresh.since = now;
		known = &fresh;
	}
	known->cookie = cookie;
	known->kind = PT_LISTENER;
	known->flags = 0;
	known->facts &= TOLD_BIND;
	known_own(known, PT_BY_LISTEN);
	sock_read_ends(FROM_CONTEXT, sk, known);
	if (!call_on(sk) && known->local_port)
		tell_listen(sk, known, now, 0, 0);
	if (known == &fresh)
		known_add(sk, &fresh, BPF_ANY);
}

/* Process context: the current process ends this socket. */
static __always_inline void note_closer(struct known *known)
{
	if (known->closer.tgid)
		return;
	known->closer = task_who(bpf_get_current_task_btf());
	if (!same_process(&known->closer, &known->owner))
		tell_current();
}

/* Only accept(2) gives a connection that the other end began a struct socket. */
static __always_inline bool accept_was_missed(struct sock *sk, const struct known *known)
{
	return known->attribution == PT_BY_INHERIT && !(known->facts & TOLD_ACCEPT) &&
	       sk->sk_socket;
}

/* side sent a FIN.  PT_LOCAL: process context. */
static __always_inline void ending(struct sock *sk, enum pt_side side)
{
	__u64 cookie = bpf_get_socket_cookie(sk);
	struct known *known = known_find(sk, cookie);
	struct known fresh;

	if (!known) {
		known_guess(sk, cookie, &fresh);
		known = known_add(sk, &fresh, BPF_NOEXIST);
		if (!known)
			return;
	}
	known->facts |= ESTABLISHED;
	catch_up(sk, known);
	if (!known->first_fin)
		known->first_fin = side;
	if (side == PT_LOCAL)
		note_closer(known);
	if (side == PT_LOCAL && accept_was_missed(sk, known)) {
		known->attribution = PT_BY_UNKNOWN; /* who closes it need not have accepted it */
		tell_accept(sk, known, bpf_ktime_get_boot_ns(), PT_LATE);
	}
}

/* The handshake that this end began failed.  Any context, but error 0: process context. */
static __always_inline void connect_failed(struct sock *sk, struct known *known, __u64 now)
{
	int error = sk->sk_err;

	if (!error) {
		if (call_on(sk)) /* connect(2)'s return knows why */
			return;
		error = ECONNABORTED; /* its process closed it, or was killed */
	}
	if (!(known->facts & TOLD_CONNECT))
		tell_connect(sk, known, now, error, now - known->since, 0);
}

/* What closed() works on where no hook saw the socket before. */
static __always_inline void closed_guess(struct sock *sk, __u64 cookie, int old,
					 struct known *fresh)
{
	known_guess(sk, cookie, fresh);
	if (old == TCP_LISTEN) {
		fresh->kind = PT_LISTENER;
		fresh->facts = TOLD_LISTEN; /* before the start, or it would be known */
	} else if (old == TCP_SYN_SENT) {
		fresh->facts = CONNECTING;
		fresh->flags |= PT_ACTIVE;
	}
}

static __always_inline void closed(struct sock *sk, int old)
{
	__u64 cookie = bpf_get_socket_cookie(sk), now = bpf_ktime_get_boot_ns();
	struct known *known = known_find(sk, cookie);
	struct known fresh;

	if (!known) {
		if (old == TCP_SYN_RECV) /* no connection yet */
			return;
		closed_guess(sk, cookie, old, &fresh);
		known = &fresh;
	}
	if (!known->remote_port || !known->local_port)
		sock_read_ends(FROM_CONTEXT, sk, known);
	if (old == TCP_SYN_SENT || (old == TCP_SYN_RECV && known->facts & CONNECTING)) {
		connect_failed(sk, known, now);
		return;
	}
	if (old == TCP_LISTEN) {
		if (call_on(sk)) /* listen(2) failed, its return tells */
			return;
		note_closer(known);
	} else {
		known->facts |= ESTABLISHED;
		if ((old == TCP_ESTABLISHED || old == TCP_CLOSE_WAIT) && !sk->sk_err) {
			known->facts |= RESET_HERE;
			note_closer(known);
		}
	}
	catch_up(sk, known);
	if (!(known->facts & TOLD_CLOSE))
		tell_close(sk, known, now, 0);
}

static __always_inline void tell_state(struct sock *sk, int old, int new)
{
	struct known *known = known_find(sk, 0);
	struct pt_socket *event;
	struct known fresh;

	if (!known) {
		known_guess(sk, 0, &fresh);
		known = &fresh;
	}
	event = emit_begin(PT_STATE, sk, known, bpf_ktime_get_boot_ns());
	if (!event)
		return;
	event->state_old = old;
	event->state_new = new;
	emit_end(event);
}

static __always_inline void handle_state(struct sock *sk, int old, int new)
{
	switch (new) {
	case TCP_SYN_SENT:
		began_connect(sk);
		break;
	case TCP_ESTABLISHED:
		established(sk, old);
		break;
	case TCP_LISTEN:
		began_listen(sk);
		break;
	case TCP_FIN_WAIT1:
	case TCP_LAST_ACK:
		ending(sk, PT_LOCAL);
		break;
	case TCP_CLOSE_WAIT:
	case TCP_CLOSING:
		ending(sk, PT_REMOTE);
		break;
	case TCP_CLOSE:
		closed(sk, old);
		break;
	}
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(tcp_state, struct sock *sk, int old, int new)
{
	if (!sock_is_tcp(FROM_CONTEXT, sk))
		return 0;
	handle_state(sk, old, new);
	if (tell_states)
		tell_state(sk, old, new);
	return 0;
}

/* What tcp_state was to tell, and the end of a port that was bound and not used. */
static __always_inline void tell_rest(struct sock *sk, struct known *known)
{
	__u64 now = bpf_ktime_get_boot_ns();

	if (known->kind == PT_CONNECTION && known->facts & ESTABLISHED) {
		catch_up(sk, known);
		tell_close(sk, known, now, PT_LATE);
	} else if (known->facts & TOLD_LISTEN) {
		tell_close(sk, known, now, PT_LATE);
	} else if (known->facts & TOLD_BIND) { /* process context: never connected */
		known->kind = PT_BOUND;
		note_closer(known);
		tell_close(sk, known, now, 0);
	}
}

/* The end of what tcp_state saw, and the second chance for what it did not see. */
static __always_inline void destroyed(struct sock *sk)
{
	struct known *known = known_find(sk, sk->__sk_common.skc_cookie.counter);

	__u64 key = (__u64)sk;

	if (!known)
		return;
	if (!(known->facts & TOLD_CLOSE))
		tell_rest(sk, known);
	bpf_map_delete_elem(&sockets, &key);
}

SEC("tp_btf/tcp_destroy_sock")
int BPF_PROG(tcp_destroy, struct sock *sk)
{
	destroyed(sk);
	return 0;
}
