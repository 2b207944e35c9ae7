/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What is left of a connection after its end: struct inet_timewait_sock, which has the same
 * beginning as struct sock and nothing else of it.
 */
#pragma once

#include "sock.bpf.h"

/* Ticks of the timer in a second, which the kernel tells nobody; 0: not known. */
static __always_inline __u64 ticks_a_second(__u64 jiffies)
{
	const __u64 rates[] = { 100, 250, 300, 1000 };
	__u64 ms = bpf_ktime_get_ns() / 1000000, found = 0;

	for (int i = 0; i < 4; i++) {
		__u64 rate = rates[i];
		/* They were 300 s before their low half's end at boot, and a bit late. */
		__u64 now = (1ULL << 32) - 300 * rate + ms * rate / 1000;

		if (jiffies <= now + rate && now <= jiffies + 5 * rate)
			found = found ? 1 : rate; /* of two that fit, none */
	}
	return found > 1 ? found : 0;
}

/* Nanoseconds until it gives its port back, at least 1; 0: not known. */
static __always_inline __u64 timewait_left(struct inet_timewait_sock *tw)
{
	__u64 jiffies = bpf_jiffies64(), rate = ticks_a_second(jiffies);
	__s32 left = (__s32)((__u32)READ(tw, tw_timer.expires) - (__u32)jiffies);

	if (!rate)
		return 0;
	return left > 0 ? left * (1000000000ULL / rate) : 1;
}
