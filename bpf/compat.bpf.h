/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Differences between kernels, each with version and reason, and nothing else.
 */
#pragma once

/*
 * ip_local_port_range was an array of two int under a seqlock up to 6.7; since 6.8
 * it is one u32, lowest port in the low half (d9f28735af87).
 */
static __always_inline bool net_port_is_ephemeral(struct net *net, __u16 port)
{
	struct local_ports *ports = &net->ipv4.ip_local_ports;
	struct local_ports___array *old = (void *)ports;

	if (bpf_core_field_exists(old->range))
		return port >= BPF_CORE_READ(old, range[0]) && port <= BPF_CORE_READ(old, range[1]);

	__u32 range = BPF_CORE_READ(ports, range);

	return port >= (range & 0xffff) && port <= range >> 16;
}
