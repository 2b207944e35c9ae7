/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Differences between kernels, each with version and reason, and nothing else.
 */
#pragma once

#include "config.bpf.h"

/*
 * bpf_rdonly_cast() is of 6.2 (a35b9af4ec2c): what it returns is read like any struct, 1 ns a
 * member, and an address that is none reads as zeros.  Before, a helper copies each member, 20 ns.
 * The verifier likes it, too: for a pointer that it trusts it searches all names of the kernel's
 * BTF at each load of another pointer (1.3 ms).
 */
extern void *bpf_rdonly_cast(const void *object, __u32 type) __ksym __weak;

#define CAN_CAST (kernel_version >= KERNEL_VERSION(6, 2, 0))
#define CAST(pointer) \
	((typeof(pointer))bpf_rdonly_cast(pointer, bpf_core_type_id_kernel(typeof(*(pointer)))))

#define ARROW_1(pointer, a) (pointer)->a
#define ARROW_2(pointer, a, b) (pointer)->a->b
#define ARROW_3(pointer, a, b, c) (pointer)->a->b->c
#define ARROW(_1, _2, _3, name, ...) name

/* READ(pointer, a, b, c): pointer->a->b->c, wherever pointer comes from. */
#define READ(pointer, ...)                                                                    \
	(CAN_CAST ? ARROW(__VA_ARGS__, ARROW_3, ARROW_2, ARROW_1)(CAST(pointer), __VA_ARGS__) \
		  : BPF_CORE_READ(pointer, __VA_ARGS__))
#define READ_BITFIELD(pointer, member)                            \
	(CAN_CAST ? BPF_CORE_READ_BITFIELD(CAST(pointer), member) \
		  : BPF_CORE_READ_BITFIELD_PROBED(pointer, member))

/* The number of an address, of which the verifier must not know what is there. */
static __always_inline __u64 as_number(const void *pointer)
{
	__u64 number = 0;

	bpf_probe_read_kernel(&number, sizeof(number), &pointer);
	return number;
}

/*
 * bpf_get_current_task_btf() is of 5.11 (3ca1032ab7ab).  Before, the current task is an
 * address like any other, and its members are read through a helper.
 */
#define HAS_TASK_BTF bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_get_current_task_btf)

static __always_inline struct task_struct *current_task(void)
{
	if (HAS_TASK_BTF)
		return bpf_get_current_task_btf();
	return (struct task_struct *)bpf_get_current_task();
}

/*
 * Up to 6.3 the operations of maps returned int (d7ba4cc900bf), and a program got a register whose
 * upper half was anything: an error that is compared must be one, too.
 */
static __always_inline int map_update(void *map, const void *key, const void *value, __u64 how)
{
	return (int)bpf_map_update_elem(map, key, value, how);
}

/* A member of the current task, or of one from the context. */
#define TASK(task, member) (HAS_TASK_BTF ? (task)->member : READ(task, member))

/*
 * Tracing programs may ask for a cookie, and so make it, since 5.12 (c5dbb89fc2ac).  Before,
 * a socket has one only if somebody else asked: 0 is not known, and the socket is told from
 * the next one at its address by the end that those kernels never fail to tell (they do not
 * skip programs that interrupt themselves, 05b24ff9b2cf).  sk: from the context.
 */
static __always_inline __u64 sock_cookie(struct sock *sk)
{
	if (kernel_version >= KERNEL_VERSION(5, 12, 0))
		return bpf_get_socket_cookie(sk);
	return sk->__sk_common.skc_cookie.counter;
}

/* The verifier trusts the member sk of a struct socket from the context; up to 6.5 it may not. */
static __always_inline bool has_trusted_sk(void)
{
	return kernel_version >= KERNEL_VERSION(6, 6, 0);
}

/* Tracing programs may use socket storage since 5.11 (8e4597c627fb). */
static __always_inline bool has_sock_storage(void)
{
	return kernel_version >= KERNEL_VERSION(5, 11, 0);
}

/* ... and task storage since 5.12 (a10787e6d58c). */
static __always_inline bool has_task_storage(void)
{
	return kernel_version >= KERNEL_VERSION(5, 12, 0);
}

/*
 * A kernel may preempt itself, lazily, since 6.13 (7c70cb94d29c), and those who build it choose that.
 * user/hooks.c has the programs for it.
 */
static __always_inline bool kernel_is_preempted(void)
{
	return kernel_version >= KERNEL_VERSION(6, 13, 0);
}

/* SRCU protects tracepoints since 7.0, and no longer disabled preemption (a46023d5616e). */
static __always_inline bool tracepoints_are_preempted(void)
{
	return kernel_version >= KERNEL_VERSION(7, 0, 0);
}

/* What a thread passed to the system call that it is in can be read since 5.15 (dd6e10fbd9fb). */
static __always_inline bool has_task_regs(void)
{
	return kernel_version >= KERNEL_VERSION(5, 15, 0);
}

static __always_inline struct pt_regs *current_regs(void)
{
	return (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());
}

/* Its number, while a thread is in one. */
static __always_inline __s32 current_number(void)
{
#ifdef __TARGET_ARCH_arm64
	return READ(current_regs(), syscallno);
#else
	return READ(current_regs(), orig_ax);
#endif
}

/* The first TCP socket of a Multipath TCP socket; before 5.11 that is not to be found. */
static __always_inline struct sock *mptcp_first(struct sock *sk)
{
	struct mptcp_sock *mptcp = (struct mptcp_sock *)sk;

	return bpf_core_field_exists(mptcp->first) ? READ(mptcp, first) : NULL;
}

/*
 * ip_local_port_range was an array of two int under a seqlock up to 6.7; since 6.8
 * it is one u32, lowest port in the low half (d9f28735af87).
 */
static __always_inline __u32 net_ephemeral(struct net *net)
{
	struct local_ports *ports = &net->ipv4.ip_local_ports;
	struct local_ports___array *old = (void *)ports;

	if (bpf_core_field_exists(old->range))
		return READ(old, range[0]) | READ(old, range[1]) << 16;
	return READ(ports, range);
}

static __always_inline bool net_port_is_ephemeral(struct net *net, __u16 port)
{
	__u32 range = net_ephemeral(net);

	return port >= (range & 0xffff) && port <= range >> 16;
}

/* The first port that everybody may bind; up to 4.10 it was fixed (4548b683b781). */
static __always_inline __u32 net_unprivileged(struct net *net)
{
	if (!bpf_core_field_exists(net->ipv4.sysctl_ip_prot_sock))
		return 1024;
	return READ(net, ipv4.sysctl_ip_prot_sock);
}

/* In ip_local_reserved_ports: never given to who asks for any port. */
static __always_inline bool net_port_is_reserved(struct net *net, __u16 port)
{
	unsigned long *ports = READ(net, ipv4.sysctl_local_reserved_ports);
	__u64 word = 0;

	bpf_probe_read_kernel(&word, sizeof(word), ports + port / 64);
	return ports && word >> port % 64 & 1;
}

/* By the helper: see read_path().  kernfs_node.parent is called __parent since 6.15 (633488947ef6). */
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
