// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * bind, listen, connect and accept by io_uring: no system call of that name is made,
 * but each request's end is seen.  The current task is the one that submitted it, or a
 * thread of the same process.
 */

/*
 * accept: only of a connection that waits for it.  The result may also be the number of
 * a slot in the ring, and a number of a multishot accept comes without its request.
 */
static __always_inline void uring_accepted(__s32 fd)
{
	struct sock *sk = fd_sock(fd);
	struct known *known = sk ? known_find(sk, COMMON(FROM_NUMBER, sk, skc_cookie.counter))
				 : NULL;

	if (known && known->attribution == PT_BY_INHERIT)
		accept_end(sk);
}

static __always_inline void uring_done(struct io_kiocb *request, __u8 opcode, __s32 result)
{
	/* Where the address is kept changes between kernels: a failure is told without. */
	struct call call = {}, *noted;

	if (opcode == IORING_OP_ACCEPT) {
		uring_accepted(result);
		return;
	}
	call.sock = (__u64)file_sock(READ(request, file));
	if (!call.sock)
		return;
	/* What is done on the way back from a system call looks as if it were that call's. */
	noted = call_on((void *)call.sock);
	if (noted)
		thread_call_end(noted);
	if (opcode == IORING_OP_BIND)
		bind_end(&call, result);
	else if (opcode == IORING_OP_LISTEN)
		listen_end(&call, result);
	else
		connect_end(&call, result);
}

SEC("tp_btf/io_uring_complete")
int BPF_PROG(uring_complete, struct io_ring_ctx *ring, struct io_kiocb *request,
	     struct io_uring_cqe *cqe)
{
	__u8 opcode = IORING_OP_ACCEPT;

	if (request)
		opcode = READ(request, opcode);
	if (opcode < 64 && uring_opcodes & 1ULL << opcode)
		uring_done(request, opcode, READ(cqe, res));
	return 0;
}

/*
 * What finds no room among the results is put aside, and shown later by no tracepoint.  Which
 * request it is of is not told: but a connection that waits and has that number was accepted.
 */
SEC("tp_btf/io_uring_cqe_overflow")
int BPF_PROG(uring_overflow, void *ring, __u64 user_data, __s32 result)
{
	if (uring_opcodes & 1ULL << IORING_OP_ACCEPT)
		uring_accepted(result);
	return 0;
}
