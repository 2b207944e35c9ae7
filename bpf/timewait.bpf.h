/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What is left of a connection after its end: struct inet_timewait_sock, which has the same
 * beginning as struct sock and nothing else of it.
 */
#pragma once

#include "sock.bpf.h"

/* Nanoseconds until it gives its port back, at least 1; 0: not known. */
static __always_inline __u64 timewait_left(struct inet_timewait_sock *tw)
{
	__u32 expires = READ(tw, tw_timer.expires);
	__s32 left = (__s32)(expires - (__u32)bpf_jiffies64());

	if (!tick)
		return 0;
	return left > 0 ? left * tick : 1;
}
