// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * bind, listen, connect and accept by the tracepoints of their system calls, for
 * kernels that refuse fexit.  Process context, all of them.  All that can wait is left for
 * the end of a call: most succeed, and tcp_state has told what they did.
 */

static __always_inline void call_with_address(struct trace_event_raw_sys_enter *ctx,
					      enum call_kind kind)
{
	struct call call = {
		.begin = bpf_ktime_get_boot_ns(),
		.address = ctx->args[1],
		.len = ctx->args[2],
		.fd = ctx->args[0],
		.kind = kind,
	};

	thread_call_begin(&call);
}

SEC("tp")
int enter_bind(struct trace_event_raw_sys_enter *ctx)
{
	call_with_address(ctx, CALL_BIND);
	return 0;
}

SEC("tp")
int enter_connect(struct trace_event_raw_sys_enter *ctx)
{
	call_with_address(ctx, CALL_CONNECT);
	return 0;
}

SEC("tp")
int enter_listen(struct trace_event_raw_sys_enter *ctx)
{
	struct sock *sk = fd_sock(ctx->args[0]);
	struct call call = { .sock = (__u64)sk, .kind = CALL_LISTEN };

	if (!sk || sock_is_udp(FROM_NUMBER, sk)) /* which can't listen */
		return 0;
	call.begin = bpf_ktime_get_boot_ns();
	call.state = COMMON(FROM_NUMBER, sk, skc_state);
	thread_call_begin(&call);
	return 0;
}

/*
 * Which tracepoints each program is attached to is in user/probe.c.
 *
 * One program for the three: the verifier looks at tell_current() once.
 */
SEC("tp")
int exit_call(struct trace_event_raw_sys_exit *ctx)
{
	call_returned(ctx->ret);
	return 0;
}

SEC("tp")
int exit_accept(struct trace_event_raw_sys_exit *ctx)
{
	accept_end(fd_sock(ctx->ret));
	return 0;
}
