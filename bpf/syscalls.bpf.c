// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * bind, listen, connect and accept by the tracepoints of their system calls, for
 * kernels that refuse fexit.  Process context, all of them.
 *
 * Where the kernel tells at a call's end what was passed to it, the ends alone are seen: so a
 * call costs half, those of bystanders too.  On older kernels what begins is noted.
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

static __always_inline enum call_kind kind_of(long number)
{
	if (number == listen_number)
		return CALL_LISTEN;
	return number == connect_number ? CALL_CONNECT : CALL_BIND;
}

/* From what was passed to the call.  The socket stays as it is if it is known. */
static __always_inline void read_passed(struct call *call)
{
	struct pt_regs *regs = current_regs();

	call->fd = PT_REGS_PARM1_CORE_SYSCALL(regs);
	call->address = PT_REGS_PARM2_CORE_SYSCALL(regs);
	call->len = PT_REGS_PARM3_CORE_SYSCALL(regs);
}

/* The call of that number that returns now; false if it is none of a TCP or UDP socket. */
static __always_inline bool call_returned(long number, struct call *call)
{
	struct call *began = thread_call();

	if (began) {
		*call = *began;
		thread_call_end(began);
	}
	if (has_task_regs()) {
		if (!began || call->kind != kind_of(number))
			*call = (struct call){ .kind = kind_of(number) };
		read_passed(call);
	} else if (!began) {
		return false;
	}
	if (!call->sock)
		call->sock = (__u64)fd_sock(call->fd);
	return call->sock;
}

/*
 * Which tracepoints each program is attached to is in user/hooks.c.
 *
 * One program for the three: the verifier looks at tell_current() once.
 */
SEC("tp")
int exit_call(struct trace_event_raw_sys_exit *ctx)
{
	long number = ctx->id, ret = ctx->ret;
	struct call call = {};

	barrier(); /* or clang 19 adds to ctx before it reads, which the verifier refuses */
	if (!call_returned(number, &call))
		return 0;
	if (call.kind == CALL_LISTEN && sock_is_udp(FROM_NUMBER, (struct sock *)call.sock))
		return 0; /* which can't listen */
	call_end(&call, ret);
	return 0;
}

SEC("tp")
int exit_accept(struct trace_event_raw_sys_exit *ctx)
{
	accept_end(as_number(fd_sock(ctx->ret)));
	return 0;
}
