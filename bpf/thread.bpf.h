/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The bind, listen or connect that the current thread is in, from its beginning to its return.
 * Hides where that is kept: with the thread, 6 ns to find, or in a hash on older kernels.
 */
#pragma once

#include "compat.bpf.h"
#include "emit.bpf.h"

/* NULL: it is in none that was seen. */
static __always_inline struct call *thread_call(void)
{
	__u64 thread = bpf_get_current_pid_tgid();
	struct call *call;

	if (!has_task_storage())
		return bpf_map_lookup_elem(&calls, &thread);
	call = bpf_task_storage_get(&calls_of_threads, bpf_get_current_task_btf(), NULL, 0);
	return call && call->kind != CALL_NONE ? call : NULL;
}

static __always_inline void thread_call_begin(const struct call *begun)
{
	__u64 thread = bpf_get_current_pid_tgid();
	struct call *call;

	if (!has_task_storage()) {
		if (bpf_map_update_elem(&calls, &thread, begun, BPF_ANY))
			count(lost_map);
		return;
	}
	call = bpf_task_storage_get(&calls_of_threads, bpf_get_current_task_btf(), NULL,
				    BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (call)
		*call = *begun;
	else
		count(lost_map);
}

/* call: as thread_call() found it. */
static __always_inline void thread_call_end(struct call *call)
{
	__u64 thread = bpf_get_current_pid_tgid();

	if (has_task_storage())
		call->kind = CALL_NONE;
	else
		bpf_map_delete_elem(&calls, &thread);
}

/*
 * Process context: a socket began to do what these system calls are for.  Where only their ends
 * are seen, the current thread is in one of them from now on.
 */
static __always_inline void thread_call_works(enum call_kind kind, __s32 number, const void *sock,
					      __u64 begin)
{
	struct call call = { .sock = (__u64)sock, .begin = begin, .kind = kind };

	if (number >= 0 && current_number() == number)
		thread_call_begin(&call);
}

/*
 * The kernel skips a program of fentry or fexit for whoever comes while somebody is preempted in it on
 * that CPU: so, where it preempts itself, there are two programs at each such function, again: the
 * second one.  The first one leaves word with its thread that it saw the socket, by its cookie, the
 * second one takes it.  False: it is not this one's turn.  sk: from the context, or NULL.
 */
static __always_inline bool thread_turn(bool again, struct sock *sk)
{
	struct call *call;
	__u64 cookie;

	if (!kernel_is_preempted())
		return true;
	cookie = sk ? sock_cookie(sk) : 0;
	call = bpf_task_storage_get(&calls_of_threads, bpf_get_current_task_btf(), NULL,
				    again ? 0 : BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!call)
		return true;
	if (again && call->seen == cookie) {
		call->seen = 0;
		return false;
	}
	if (!again)
		call->seen = cookie;
	return true;
}

/* The call that the current thread is in, if it is about this socket. */
static __always_inline struct call *call_on(const void *sock)
{
	struct call *call = thread_call();

	return call && call->sock == (__u64)sock ? call : NULL;
}

/* Process context: the call that the current thread is in works on this socket. */
static __always_inline void call_is_on(const void *sock)
{
	struct call *call = thread_call();

	if (call)
		call->sock = (__u64)sock;
}
