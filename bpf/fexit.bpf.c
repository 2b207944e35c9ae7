// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * bind, listen, connect and accept where the kernel does them, whoever asked: a system
 * call, io_uring, the kernel itself.  They cost nothing to those who do none of it.
 * Process context, all of them.  Which function each is attached to is in user/probe.c.
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

/* sk: the socket of the call, or NULL. */
static __always_inline void function_call(enum call_kind kind, struct sock *sk, void *address,
					  int len)
{
	struct call call = {
		.sock = (__u64)sk,
		.begin = bpf_ktime_get_boot_ns(),
		.address = (__u64)address,
		.len = len,
		.kind = kind,
		.from_kernel = true,
	};

	if (!sk)
		return;
	if (kind == CALL_LISTEN)
		call.state = READ(sk, __sk_common.skc_state);
	thread_call_begin(&call);
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
static __always_inline void bind_returned(struct sock *sk, void *address, int len, int ret)
{
	struct call call = {
		.sock = (__u64)sk,
		.address = (__u64)address,
		.len = len,
		.from_kernel = true,
	};

	if (sk && READ(sk, sk_type) != SOCK_RAW &&
	    (sock_is_udp(FROM_NUMBER, sk) || (sock_is_tcp(FROM_NUMBER, sk) && !kernel_binds(sk))))
		bind_end(&call, ret);
}

/* A program has one function only, so there is one for each. */
SEC("fexit")
int BPF_PROG(bind_returns, struct socket *socket, struct sockaddr *address, int len, int ret)
{
	bind_returned(socket->sk, address, len, ret);
	return 0;
}

SEC("fexit")
int BPF_PROG(bind6_returns, struct socket *socket, struct sockaddr *address, int len, int ret)
{
	bind_returned(socket->sk, address, len, ret);
	return 0;
}

SEC("fexit")
int BPF_PROG(bind_sk_returns, struct sock *sk, struct sockaddr *address, int len, int ret)
{
	(void)sock_cookie(sk);
	bind_returned(sk, address, len, ret);
	return 0;
}

SEC("fexit")
int BPF_PROG(bind6_sk_returns, struct sock *sk, struct sockaddr *address, int len, int ret)
{
	(void)sock_cookie(sk);
	bind_returned(sk, address, len, ret);
	return 0;
}

SEC("fentry")
int BPF_PROG(listen_begins, struct socket *socket)
{
	make_cookie(socket);
	function_call(CALL_LISTEN, socket_sock(socket), NULL, 0);
	return 0;
}

SEC("fentry")
int BPF_PROG(connect_begins, struct socket *socket, struct sockaddr *address, int len)
{
	make_cookie(socket);
	function_call(CALL_CONNECT, socket_sock(socket), address, len);
	return 0;
}

static __always_inline void function_returned(long ret)
{
	struct call *began = thread_call(), call;

	if (!began)
		return;
	call = *began;
	thread_call_end(began);
	call_end(&call, ret);
}

SEC("fexit")
int BPF_PROG(listen_returns, struct socket *socket, int backlog, int ret)
{
	function_returned(ret);
	return 0;
}

SEC("fexit")
int BPF_PROG(connect_returns, struct socket *socket, struct sockaddr *address, int len, int flags,
	     int ret)
{
	function_returned(ret);
	return 0;
}

/* UDP: it is over at once. */
SEC("fexit")
int BPF_PROG(datagram_connect_returns, struct socket *socket, struct sockaddr *address, int len,
	     int flags, int ret)
{
	struct call call = {
		.sock = (__u64)socket->sk,
		.address = (__u64)address,
		.len = len,
		.from_kernel = true,
	};

	if (call.sock && sock_is_udp(FROM_NUMBER, socket->sk))
		datagram_connect_ended(CALL_NUMBERS(&call), ret);
	return 0;
}

/*
 * A connection gets the struct socket of who accepted it.  A trampoline sees only calls that
 * begin after it was attached, and accept(2) waits: this comes after the wait.
 */
SEC("fentry")
int BPF_PROG(accepted, struct sock *sk, struct socket *socket)
{
	(void)sock_cookie(sk);
	accept_end(as_number(tcp_sock_of(sk)));
	return 0;
}

/* Where Multipath TCP's socket does not tell its first TCP socket (mptcp_first()). */
SEC("fexit")
int BPF_PROG(old_accept_returns, struct sock *listener, int flags, int *err, bool kern,
	     struct sock *sk)
{
	accept_end(as_number(sk));
	return 0;
}
