/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a bind, listen, connect or accept that returns means for its socket, whichever
 * hook saw it: system calls, fexit, io_uring.  Process context.  The socket may have been
 * found by a descriptor's number, so the verifier does not trust the pointer: no cookie
 * can be made here, only read.
 */
#pragma once

#include "tell.bpf.h"

/* connect(2) returned before the handshake ended: not blocking, or by a signal (512 and on). */
#define IS_PENDING(error) ((error) == EINPROGRESS || (error) == EINTR || (error) >= 512)

/*
 * The address that was asked for.  At a system call's exit it is in the user's memory: the
 * kernel has just read it, so the page is there; another thread may have changed it since.
 */
static __always_inline void read_asked(const struct call *call, __u8 ip[16], __u16 *port,
				       __u8 *flags)
{
	struct in_address asked = {};

	if (!call->address) /* io_uring: not known here */
		return;
	/* Shorter ones are invalid, and the kernel says so. */
	if (call->len >= 16) {
		__u32 len = call->len >= sizeof(asked) ? sizeof(asked) : 16;

		if (call->from_kernel)
			bpf_probe_read_kernel(&asked, len, (void *)call->address);
		else
			bpf_probe_read_user(&asked, len, (void *)call->address);
	}
	*port = bpf_ntohs(asked.port);
	*flags &= ~(PT_IPV4 | PT_EPHEMERAL);
	if (asked.family == AF_INET6)
		__builtin_memcpy(ip, asked.ipv6, sizeof(asked.ipv6));
	else
		map_ipv4(ip, asked.ipv4);
	if (is_mapped(ip))
		*flags |= PT_IPV4;
}

/* bind(2) with port 0, as far as that is known. */
static __always_inline bool asked_for_any_port(const struct call *call)
{
	__u16 port = 1;
	__u8 ip[16], flags = 0;

	read_asked(call, ip, &port, &flags);
	return !port;
}

/* The socket's entry, made if need be, for a call of the current process. */
static __always_inline struct known *call_known(struct sock *sk, struct known *fresh)
{
	__u64 cookie = COMMON(FROM_NUMBER, sk, skc_cookie.counter);
	struct known *known = known_find(sk, cookie);

	if (known)
		return known;
	__builtin_memset(fresh, 0, sizeof(*fresh));
	fresh->cookie = cookie;
	fresh->since = bpf_ktime_get_boot_ns();
	/* A softirq on another CPU may have been faster, and knows more. */
	return known_add(sk, fresh, BPF_NOEXIST) ?: fresh;
}

/*
 * struct call in so few numbers as a global function may have, and back.  The verifier looks at such
 * a function once for each program, and not for each of the states in which it is called; those of
 * 5.10 take numbers only.
 */
#define CALL_NUMBERS(call)                                                                  \
	as_number((void *)(call)->sock), (call)->begin, as_number((void *)(call)->address), \
		call_details(call)

static __always_inline __u64 call_details(const struct call *call)
{
	return call->len | (__u64)call->state << 32 | (__u64)call->from_kernel << 40;
}

static __always_inline struct call call_of(__u64 sock, __u64 begin, __u64 address, __u64 details)
{
	/* For one that a function does not use clang 19 passes what is in the register. */
	barrier_var(begin);
	barrier_var(address);
	barrier_var(details);
	return (struct call){
		.sock = sock,
		.begin = begin,
		.address = address,
		.len = details,
		.state = details >> 32,
		.from_kernel = details >> 40 & 1,
	};
}

/*
 * Both once in a program and not at each of their callers: those programs have half as many
 * instructions then, and what the verifier does after its check grows with their square.
 */
static __noinline int read_ends(struct sock *sk, struct known *known)
{
	sock_read_ends(FROM_NUMBER, sk, known);
	return 0;
}

static __noinline int own(struct sock *sk, struct known *known, __u8 how)
{
	known_own(FROM_NUMBER, sk, known, how);
	return 0;
}

/* What a socket is that only has a port. */
static __always_inline enum pt_kind bound_kind(struct sock *sk)
{
	return sock_is_udp(FROM_NUMBER, sk) ? PT_DATAGRAM : PT_BOUND;
}

/* A call that failed: only a stack copy is told, the socket has not changed. */
static __always_inline void call_failed(struct sock *sk, struct known *failed)
{
	struct known *known = known_find(sk, COMMON(FROM_NUMBER, sk, skc_cookie.counter));

	__builtin_memset(failed, 0, sizeof(*failed));
	failed->cookie = COMMON(FROM_NUMBER, sk, skc_cookie.counter);
	if (known)
		failed->creator = known->creator;
	failed->kind = bound_kind(sk);
	read_ends(sk, failed);
}

static __always_inline void bind_end(const struct call *call, long ret)
{
	struct sock *sk = (struct sock *)call->sock;
	struct known fresh, *known = &fresh;

	if (ret) {
		call_failed(sk, &fresh);
		own(sk, known, PT_BY_BIND);
		/* Connected already: that is not what was asked for. */
		known->remote_port = 0;
		__builtin_memset(known->remote_ip, 0, sizeof(known->remote_ip));
		read_asked(call, known->local_ip, &known->local_port, &known->flags);
		if (net_port_is_ephemeral(COMMON(FROM_NUMBER, sk, skc_net.net), known->local_port))
			known->flags |= PT_EPHEMERAL;
		if (call->address && !known->local_port)
			known->share |= PT_ANY_PORT;
		tell_bind(sk, known, -ret);
		return;
	}
	if (!COMMON(FROM_NUMBER, sk, skc_num)) /* IP_BIND_ADDRESS_NO_PORT: no port was taken */
		return;
	known = call_known(sk, &fresh);
	own(sk, known, PT_BY_BIND);
	known->creator = known->owner;
	known->kind = bound_kind(sk);
	known->share = asked_for_any_port(call) ? PT_ANY_PORT : 0;
	read_ends(sk, known);
	tell_bind(sk, known, 0);
}

static __always_inline void listen_end(const struct call *call, long ret)
{
	struct sock *sk = (struct sock *)call->sock;
	struct known fresh, *known = &fresh;

	if (ret) {
		call_failed(sk, &fresh);
		own(sk, known, PT_BY_LISTEN);
		known->kind = PT_LISTENER;
		if (!known->local_port)
			known->share |= PT_ANY_PORT;
		tell_listen(sk, known, -ret, 0);
		return;
	}
	if (call->state == TCP_LISTEN) /* a second listen(2) tells nothing new */
		return;
	known = call_known(sk, &fresh);
	if (known->told_listen)
		return;
	own(sk, known, PT_BY_LISTEN);
	known->kind = PT_LISTENER;
	read_ends(sk, known);
	tell_listen(sk, known, 0, 0);
}

/* connect(2) that failed without a change of state, or that tcp_state left to us. */
static __always_inline void connect_refused(const struct call *call, struct sock *sk, int error)
{
	struct known *known = known_find(sk, COMMON(FROM_NUMBER, sk, skc_cookie.counter));
	struct known failed;

	if (error == EALREADY || error == EISCONN)
		return;
	/* Told already; or this call only fetched the error of a pending connect. */
	if (known && known->told_connect &&
	    ((call->begin && known->since >= call->begin) || known->error == error))
		return;
	call_failed(sk, &failed);
	own(sk, &failed, PT_BY_CONNECT);
	failed.kind = PT_CONNECTION;
	failed.flags |= PT_ACTIVE;
	read_asked(call, failed.remote_ip, &failed.remote_port, &failed.flags);
	tell_connect(sk, &failed, error, call->begin, 0);
}

/* connect(AF_UNSPEC) of a UDP socket: the remote address goes, and a port that the kernel chose. */
static __always_inline void datagram_disconnected(struct sock *sk)
{
	struct known *known = known_find(sk, COMMON(FROM_NUMBER, sk, skc_cookie.counter));
	struct pt_who who = task_who(current_task());
	struct pt_socket *event;

	if (!known)
		return;
	known->remote_port = 0;
	known->flags &= ~PT_ACTIVE;
	__builtin_memset(known->remote_ip, 0, sizeof(known->remote_ip));
	if (COMMON(FROM_NUMBER, sk, skc_num))
		return;
	if (!same_process(&who, &known->owner))
		tell_current();
	event = emit_begin(PT_CLOSE, sk, known);
	if (event) {
		event->actor = who;
		emit_end(event);
	}
	known_forget(sk);
}

/*
 * connect(2) of a UDP socket, which is over at once.  First it takes a port, if there is none,
 * and keeps that also when it fails then.
 */
__noinline int datagram_connect_ended(__u64 sock, __u64 begin, __u64 address, __u64 details,
				      long ret)
{
	struct call call = call_of(sock, begin, address, details);
	struct sock *sk = (struct sock *)sock;
	struct known fresh, *known;

	if (!ret && COMMON(FROM_NUMBER, sk, skc_state) != TCP_ESTABLISHED) {
		datagram_disconnected(sk);
		return 0;
	}
	known = COMMON(FROM_NUMBER, sk, skc_num) ? call_known(sk, &fresh) : NULL;
	if (known && (!ret || !known->told_bind)) {
		own(sk, known, PT_BY_CONNECT);
		known->kind = PT_DATAGRAM;
		if (!ret)
			known->flags |= PT_ACTIVE;
		read_ends(sk, known);
		if (!known->told_bind)
			tell_chosen_port(FROM_NUMBER, sk, known, true);
	}
	if (!ret) {
		if (known)
			tell_connect(sk, known, 0, 0, 0);
		return 0;
	}
	call_failed(sk, &fresh);
	own(sk, &fresh, PT_BY_CONNECT);
	fresh.flags |= PT_ACTIVE;
	read_asked(&call, fresh.remote_ip, &fresh.remote_port, &fresh.flags);
	tell_connect(sk, &fresh, -ret, 0, 0);
	return 0;
}

/* connect(2) that worked, or goes on. */
static __always_inline void connect_begun(struct sock *sk, bool done)
{
	__u8 state = COMMON(FROM_NUMBER, sk, skc_state);
	struct known fresh, *known;
	bool skipped;

	if (state == TCP_CLOSE) /* over already, or connect(AF_UNSPEC) */
		return;
	done &= state != TCP_SYN_SENT;
	if (ports_unwanted(COMMON(FROM_NUMBER, sk, skc_num),
			   bpf_ntohs(COMMON(FROM_NUMBER, sk, skc_dport))))
		return;
	known = call_known(sk, &fresh);
	skipped = known->attribution == PT_BY_UNKNOWN || known->kind != PT_CONNECTION;
	if (!skipped && (!done || known->told_connect)) /* tcp_state saw and told it all */
		return;
	if (skipped) {
		own(sk, known, PT_BY_CONNECT);
		known->kind = PT_CONNECTION;
		known->flags |= PT_ACTIVE;
		known->connecting = true;
	}
	read_ends(sk, known);
	if (done && known->connecting) {
		known->established = true;
		catch_up(sk, known);
	}
}

/* Each has its own struct known: in one function both would be on its stack, which is short. */
static __always_inline void connect_end(const struct call *call, long ret)
{
	struct sock *sk = (struct sock *)call->sock;

	if (ret && !IS_PENDING(-ret))
		connect_refused(call, sk, -ret);
	else
		connect_begun(sk, !ret);
}

/*
 * sock: what was accepted, or 0.  Where it was found by its number, another thread may have
 * closed that and got the number for another socket, before accept(2) was back here.
 */
__noinline int accept_end(__u64 sock)
{
	struct sock *sk = (struct sock *)sock;
	struct known fresh, *known;
	__u16 remote_port;

	if (!sk)
		return 0;
	remote_port = bpf_ntohs(COMMON(FROM_NUMBER, sk, skc_dport));
	if (!remote_port || /* the other one is new */
	    ports_unwanted(COMMON(FROM_NUMBER, sk, skc_num), remote_port))
		return 0;
	known = call_known(sk, &fresh);
	if (known->connecting) {
		if (known->cookie) /* the other one connects */
			return 0;
		/* Of a socket at this address whose end was missed. */
		bury(sk, known);
		known = call_known(sk, &fresh);
	}
	if (known->told_accept)
		return 0;
	own(sk, known, PT_BY_ACCEPT);
	known->kind = PT_CONNECTION;
	if (!(known->flags & PT_PASSIVE))
		known->flags |= PT_PASSIVE;
	known->established = true;
	if (!known->remote_port)
		read_ends(sk, known);
	tell_accept(sk, known, known->told_close ? PT_GONE : 0);
	return 0;
}

__noinline int bind_ended(__u64 sock, __u64 begin, __u64 address, __u64 details, long ret)
{
	struct call call = call_of(sock, begin, address, details);

	bind_end(&call, ret);
	return 0;
}

__noinline int listen_ended(__u64 sock, __u64 begin, __u64 address, __u64 details, long ret)
{
	struct call call = call_of(sock, begin, address, details);

	listen_end(&call, ret);
	return 0;
}

__noinline int connect_ended(__u64 sock, __u64 begin, __u64 address, __u64 details, long ret)
{
	struct call call = call_of(sock, begin, address, details);

	connect_end(&call, ret);
	return 0;
}

static __always_inline void call_end(const struct call *call, long ret)
{
	if (call->kind == CALL_BIND)
		bind_ended(CALL_NUMBERS(call), ret);
	else if (call->kind == CALL_LISTEN)
		listen_ended(CALL_NUMBERS(call), ret);
	else if (sock_is_udp(FROM_NUMBER, (struct sock *)call->sock))
		datagram_connect_ended(CALL_NUMBERS(call), ret);
	else
		connect_ended(CALL_NUMBERS(call), ret);
}
