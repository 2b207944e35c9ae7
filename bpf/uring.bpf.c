// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * bind, listen, connect and accept by io_uring: no system call of that name is made,
 * but each request's end is seen.  The current task is the one that submitted it, or a
 * thread of the same process.
 */

/* The file in a slot of a ring, whose tables look so from 6.13 on. */
static __always_inline struct file *slot_file(struct io_ring_ctx *ring, __u32 slot)
{
	struct io_rsrc_node **nodes, *node = NULL;

	if (!bpf_core_field_exists(node->file_ptr) ||
	    !bpf_core_field_exists(ring->file_table.data.nodes) ||
	    slot >= READ(ring, file_table.data.nr))
		return NULL;
	nodes = READ(ring, file_table.data.nodes);
	bpf_probe_read_kernel(&node, sizeof(node), nodes + slot);
	return (struct file *)(READ(node, file_ptr) & ~7UL);
}

/* Only a connection that waits for it was accepted. */
static __always_inline bool waits(struct sock *sk)
{
	__u64 key = (__u64)sk;
	struct known *known = bpf_map_lookup_elem(&sockets, &key);

	return known && known->attribution == PT_BY_INHERIT &&
	       known->cookie == (__u64)COMMON(FROM_NUMBER, sk, skc_cookie.counter);
}

/*
 * accept: the result is the number of a descriptor, or of a slot in the ring, or 0, where the
 * request has the slot; a number of a multishot accept comes without its request (NULL).
 */
static __always_inline void uring_accepted(struct io_ring_ctx *ring, struct io_kiocb *request,
					   __s32 result)
{
	struct sock *sk = fd_sock(result);
	__u32 slot = result;

	if (result < 0)
		return;
	if (!result && request && bpf_core_type_exists(struct io_accept))
		slot = READ((struct io_accept *)request, file_slot) - 1;
	if (!waits(sk))
		sk = file_sock(slot_file(ring, slot));
	if (waits(sk))
		accept_end(as_number(sk));
}

static __always_inline void uring_done(struct io_ring_ctx *ring, struct io_kiocb *request,
				       __u8 opcode, __s32 result)
{
	/* Where the address is kept changes between kernels: a failure is told without. */
	struct call call = {}, *noted;

	if (opcode == IORING_OP_ACCEPT) {
		uring_accepted(ring, request, result);
		return;
	}
	call.sock = (__u64)file_sock(READ(request, file));
	if (!call.sock)
		return;
	/* What is done on the way back from a system call looks as if it were that call's. */
	noted = call_on((void *)call.sock);
	if (noted)
		thread_call_end(noted);
	call.kind = opcode == IORING_OP_BIND     ? CALL_BIND
		    : opcode == IORING_OP_LISTEN ? CALL_LISTEN
						 : CALL_CONNECT;
	call_end(&call, result);
}

SEC("tp_btf/io_uring_complete")
int BPF_PROG(uring_complete, struct io_ring_ctx *ring, struct io_kiocb *request,
	     struct io_uring_cqe *cqe)
{
	__u8 opcode = IORING_OP_ACCEPT;

	if (request)
		opcode = READ(request, opcode);
	if (opcode < 64 && uring_opcodes & 1ULL << opcode)
		uring_done(ring, request, opcode, READ(cqe, res));
	return 0;
}

/*
 * What finds no room among the results is put aside, and shown later by no tracepoint.  Which
 * request it is of is not told: but a connection that waits and has that number was accepted.
 */
SEC("tp_btf/io_uring_cqe_overflow")
int BPF_PROG(uring_overflow, struct io_ring_ctx *ring, __u64 user_data, __s32 result)
{
	if (uring_opcodes & 1ULL << IORING_OP_ACCEPT)
		uring_accepted(ring, NULL, result);
	return 0;
}
