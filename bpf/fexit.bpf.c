// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * bind, listen, connect and accept where the kernel does them, whoever asked: a system
 * call, io_uring, the kernel itself.  They cost nothing to those who do none of it.
 * Process context, all of them.  Which function each is attached to is in user/hooks.c; again: see
 * thread_turn().
 */

/*
 * Here a cookie can be made: with it the socket is never taken for another one at its address, even
 * if the kernel skips each hook that would have told the other one's end.
 */
static __always_inline void make_cookie(struct socket *socket)
{
	struct sock *sk = has_trusted_sk() ? socket->sk : NULL;

	if (sk)
		(void)sock_cookie(sk);
}

/*
 * Of TCP only bind(2) is told, as by its system call: not what the kernel binds to listen there
 * itself, nor, by one of its threads, to join a connection of Multipath TCP.
 */
static __always_inline bool kernel_binds(struct sock *sk)
{
	return TASK(current_task(), flags) & PF_KTHREAD || sock_is_kernels(FROM_NUMBER, sk);
}

/* Only its end is of interest. */
static __always_inline int bind_returned(struct sock *sk, void *address, int len, int ret,
					 bool again)
{
	struct call call = {
		.sock = (__u64)sk,
		.address = (__u64)address,
		.len = len,
		.from_kernel = true,
	};

	if (sk && READ(sk, sk_type) != SOCK_RAW &&
	    (sock_is_udp(FROM_NUMBER, sk) || (sock_is_tcp(FROM_NUMBER, sk) && !kernel_binds(sk))) &&
	    thread_turn(again, sk))
		bind_end(&call, ret);
	return 0;
}

/* Up to 6.5, which does not preempt itself.  A program has one function only, so there is one for each. */
SEC("fexit")
int BPF_PROG(bind_returns, struct socket *socket, struct sockaddr *address, int len, int ret)
{
	return bind_returned(socket->sk, address, len, ret, false);
}

SEC("fexit")
int BPF_PROG(bind6_returns, struct socket *socket, struct sockaddr *address, int len, int ret)
{
	return bind_returned(socket->sk, address, len, ret, false);
}

static __always_inline int bind_sk_returned(struct sock *sk, void *address, int len, int ret,
					    bool again)
{
	(void)sock_cookie(sk);
	return bind_returned(sk, address, len, ret, again);
}

SEC("fexit")
int BPF_PROG(bind_sk_returns, struct sock *sk, struct sockaddr *address, int len, int ret)
{
	return bind_sk_returned(sk, address, len, ret, false);
}

SEC("fexit")
int BPF_PROG(bind_sk_returns_again, struct sock *sk, struct sockaddr *address, int len, int ret)
{
	return bind_sk_returned(sk, address, len, ret, true);
}

SEC("fexit")
int BPF_PROG(bind6_sk_returns, struct sock *sk, struct sockaddr *address, int len, int ret)
{
	return bind_sk_returned(sk, address, len, ret, false);
}

SEC("fexit")
int BPF_PROG(bind6_sk_returns_again, struct sock *sk, struct sockaddr *address, int len, int ret)
{
	return bind_sk_returned(sk, address, len, ret, true);
}

/* Done twice it is as if it was done once. */
static __always_inline int call_begins(enum call_kind kind, struct socket *socket, void *address,
				       int len)
{
	struct sock *sk = socket_sock(socket);
	struct call call = {
		.sock = (__u64)sk,
		.begin = bpf_ktime_get_boot_ns(),
		.address = (__u64)address,
		.len = len,
		.kind = kind,
		.from_kernel = true,
	};

	make_cookie(socket);
	if (!sk)
		return 0;
	if (kind == CALL_LISTEN)
		call.state = READ(sk, __sk_common.skc_state);
	thread_call_begin(&call);
	return 0;
}

SEC("fentry")
int BPF_PROG(listen_begins, struct socket *socket)
{
	return call_begins(CALL_LISTEN, socket, NULL, 0);
}

SEC("fentry")
int BPF_PROG(listen_begins_again, struct socket *socket)
{
	return call_begins(CALL_LISTEN, socket, NULL, 0);
}

SEC("fentry")
int BPF_PROG(connect_begins, struct socket *socket, struct sockaddr *address, int len)
{
	return call_begins(CALL_CONNECT, socket, address, len);
}

SEC("fentry")
int BPF_PROG(connect_begins_again, struct socket *socket, struct sockaddr *address, int len)
{
	return call_begins(CALL_CONNECT, socket, address, len);
}

/* The call that the thread is in, which is of that kind. */
static __always_inline int call_returns(enum call_kind kind, struct socket *socket, long ret,
					bool again)
{
	struct call *began, call;

	if (!thread_turn(again, socket->sk))
		return 0;
	began = thread_call();
	if (!began)
		return 0;
	call = *began;
	thread_call_end(began);
	if (kind == CALL_LISTEN)
		listen_ended(CALL_NUMBERS(&call), ret);
	else
		connect_ended(CALL_NUMBERS(&call), ret);
	return 0;
}

SEC("fexit")
int BPF_PROG(listen_returns, struct socket *socket, int backlog, int ret)
{
	return call_returns(CALL_LISTEN, socket, ret, false);
}

SEC("fexit")
int BPF_PROG(listen_returns_again, struct socket *socket, int backlog, int ret)
{
	return call_returns(CALL_LISTEN, socket, ret, true);
}

SEC("fexit")
int BPF_PROG(connect_returns, struct socket *socket, struct sockaddr *address, int len, int flags,
	     int ret)
{
	return call_returns(CALL_CONNECT, socket, ret, false);
}

SEC("fexit")
int BPF_PROG(connect_returns_again, struct socket *socket, struct sockaddr *address, int len,
	     int flags, int ret)
{
	return call_returns(CALL_CONNECT, socket, ret, true);
}

/* UDP: it is over at once. */
static __always_inline int datagram_connected(struct socket *socket, void *address, int len,
					      int ret, bool again)
{
	struct sock *sk = socket->sk;
	struct call call = {
		.sock = (__u64)sk,
		.address = (__u64)address,
		.len = len,
		.from_kernel = true,
	};

	if (sk && sock_is_udp(FROM_NUMBER, sk) && thread_turn(again, sk))
		datagram_connect_ended(CALL_NUMBERS(&call), ret);
	return 0;
}

SEC("fexit")
int BPF_PROG(datagram_connect_returns, struct socket *socket, struct sockaddr *address, int len,
	     int flags, int ret)
{
	return datagram_connected(socket, address, len, ret, false);
}

SEC("fexit")
int BPF_PROG(datagram_connect_returns_again, struct socket *socket, struct sockaddr *address,
	     int len, int flags, int ret)
{
	return datagram_connected(socket, address, len, ret, true);
}

/*
 * A connection gets the struct socket of who accepted it.  A trampoline sees only calls that
 * begin after it was attached, and accept(2) waits: this comes after the wait.
 */
static __always_inline int accepts(struct sock *sk, bool again)
{
	(void)sock_cookie(sk);
	if (thread_turn(again, sk))
		accept_end(as_number(tcp_sock_of(sk)));
	return 0;
}

SEC("fentry")
int BPF_PROG(accepted, struct sock *sk, struct socket *socket)
{
	return accepts(sk, false);
}

SEC("fentry")
int BPF_PROG(accepted_again, struct sock *sk, struct socket *socket)
{
	return accepts(sk, true);
}

/* Where Multipath TCP's socket does not tell its first TCP socket (mptcp_first()). */
SEC("fexit")
int BPF_PROG(old_accept_returns, struct sock *listener, int flags, int *err, bool kern,
	     struct sock *sk)
{
	accept_end(as_number(sk));
	return 0;
}
