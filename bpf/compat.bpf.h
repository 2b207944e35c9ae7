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

/* kernfs_node.parent is called __parent since 6.15 (633488947ef6). */
static __always_inline struct kernfs_node *kernfs_parent(struct kernfs_node *node)
{
	struct kernfs_node___old *old = (void *)node;

	if (bpf_core_field_exists(old->parent))
		return BPF_CORE_READ(old, parent);
	return BPF_CORE_READ(node, __parent);
}

/*
 * A task's cgroup.  Where the memory controller is one of cgroup v1, containers are in
 * that hierarchy and may not be in the other.
 */
static __always_inline struct kernfs_node *task_cgroup(struct task_struct *task)
{
	struct css_set *set = BPF_CORE_READ(task, cgroups);
	struct cgroup *unified = BPF_CORE_READ(set, dfl_cgrp), *memory;
	struct cgroup_subsys_state *state = NULL;

	if (!bpf_core_enum_value_exists(enum cgroup_subsys_id, memory_cgrp_id))
		return BPF_CORE_READ(unified, kn);
	bpf_probe_read_kernel(&state, sizeof(state),
			      (void *)set + bpf_core_field_offset(struct css_set, subsys) +
				      bpf_core_enum_value(enum cgroup_subsys_id, memory_cgrp_id) *
					      sizeof(state));
	memory = BPF_CORE_READ(state, cgroup);
	if (BPF_CORE_READ(memory, root) != BPF_CORE_READ(unified, root) &&
	    kernfs_parent(BPF_CORE_READ(memory, kn)))
		return BPF_CORE_READ(memory, kn);
	return BPF_CORE_READ(unified, kn);
}
