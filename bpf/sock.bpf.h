/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Reads addresses, ports and counters of a socket.
 *
 * A socket that came with the program's context is read like any struct; one that was
 * found by a descriptor's number by READ() of compat.bpf.h.  Which it is, is a constant
 * at each call.
 */
#pragma once

#include "compat.bpf.h"
#include "maps.bpf.h"

enum sock_from {
	FROM_CONTEXT,
	FROM_NUMBER,
};

#define SOCK(from, sk, member) ((from) == FROM_CONTEXT ? (sk)->member : READ(sk, member))
#define COMMON(from, sk, member) SOCK(from, sk, __sk_common.member)
#define SOCK_BITFIELD(from, sk, member) \
	((from) == FROM_CONTEXT ? BPF_CORE_READ_BITFIELD(sk, member) : READ_BITFIELD(sk, member))

/* sk: of TCP, and may be read like any struct. */
static __always_inline struct tcp_sock *as_tcp_sock(struct sock *sk)
{
	return CAN_CAST ? CAST((struct tcp_sock *)sk) : bpf_skc_to_tcp_sock(sk);
}

static __always_inline bool sock_is_mptcp(enum sock_from from, struct sock *sk)
{
	struct tcp_sock *tp = (struct tcp_sock *)sk;

	if (!bpf_core_field_exists(tp->is_mptcp))
		return false;
	if (from == FROM_NUMBER) /* a UDP socket is shorter than that */
		return READ(sk, sk_protocol) == IPPROTO_TCP && READ(tp, is_mptcp);
	tp = as_tcp_sock(sk);
	return tp && tp->is_mptcp;
}

/*
 * Multipath TCP: a socket of that protocol carries one TCP socket or more.  The first
 * one is taken for the connection, the others ("joins") are not told.
 */
static __always_inline bool sock_is_join(struct sock *sk)
{
	struct mptcp_subflow_context *subflow;

	if (!sock_is_mptcp(FROM_CONTEXT, sk))
		return false;
	subflow = READ((struct inet_connection_sock *)sk, icsk_ulp_data);
	return subflow && (READ_BITFIELD(subflow, mp_join) || READ_BITFIELD(subflow, request_join));
}

static __always_inline bool sock_is_tcp(enum sock_from from, struct sock *sk)
{
	__u16 family = COMMON(from, sk, skc_family);

	return (family == AF_INET || family == AF_INET6) &&
	       SOCK(from, sk, sk_protocol) == IPPROTO_TCP;
}

/* A raw socket may have that protocol, too. */
static __always_inline bool sock_is_udp(enum sock_from from, struct sock *sk)
{
	__u16 family;

	if (SOCK(from, sk, sk_protocol) != IPPROTO_UDP || !see_udp)
		return false;
	family = COMMON(from, sk, skc_family);
	return (family == AF_INET || family == AF_INET6) && SOCK(from, sk, sk_type) == SOCK_DGRAM;
}

/*
 * Some parts of the kernel make their sockets as a process's: nvme-tcp up to 6.13, nvmet-tcp.
 * Those have no file, or they must not use the current task's page fragments, which is said
 * since 6.2 (98123866fcf3); a process's socket has the one and may do the other.
 */
static __always_inline bool sock_is_unheld(enum sock_from from, struct sock *sk)
{
	struct socket *socket = READ(sk, sk_socket);

	if (bpf_core_field_exists(sk->sk_use_task_frag) && !SOCK(from, sk, sk_use_task_frag))
		return true;
	return socket && !READ(socket, file);
}

/*
 * A socket that the kernel made for itself (NFS and the like): whoever is current when
 * something happens to it has nothing to do with it.  The TCP sockets of Multipath TCP all
 * look so: they belong to whoever has the socket above them, which is the kernel where
 * its path manager listens ("ip mptcp endpoint add ... port").
 */
static __always_inline bool sock_is_kernels(enum sock_from from, struct sock *sk)
{
	bool kernels = SOCK_BITFIELD(from, sk, sk_kern_sock);
	struct mptcp_subflow_context *subflow;
	struct sock *above;

	if (!kernels)
		return sock_is_unheld(from, sk);
	if (!sock_is_mptcp(from, sk))
		return true;
	subflow = READ((struct inet_connection_sock *)sk, icsk_ulp_data);
	above = READ(subflow, conn);
	return above && READ_BITFIELD(above, sk_kern_sock);
}

/* The TCP socket that a socket is or, of Multipath TCP, begins with; or NULL. */
static __always_inline struct sock *tcp_sock_of(struct sock *sk)
{
	if (sk && READ(sk, sk_protocol) == IPPROTO_MPTCP)
		sk = mptcp_first(sk);
	return sk && sock_is_tcp(FROM_NUMBER, sk) ? sk : NULL;
}

/* That, or a UDP socket.  Raw sockets have such protocols too. */
static __always_inline struct sock *socket_sock(struct socket *socket)
{
	struct sock *sk = READ(socket, sk);
	__u16 protocol = READ(sk, sk_protocol), family;

	if (protocol == IPPROTO_MPTCP)
		return tcp_sock_of(sk);
	if (protocol != IPPROTO_TCP && (protocol != IPPROTO_UDP || !see_udp))
		return NULL;
	family = COMMON(FROM_NUMBER, sk, skc_family);
	if (family != AF_INET && family != AF_INET6)
		return NULL;
	return READ(sk, sk_type) != SOCK_RAW ? sk : NULL;
}

/* The TCP or UDP socket behind a file, NULL if it is something else. */
static __always_inline struct sock *file_sock(struct file *file)
{
	/* private_data is a struct socket only if the inode says so. */
	if (!file || (READ(file, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
		return NULL;
	return socket_sock(READ(file, private_data));
}

/* The file behind a descriptor of the current task, or NULL. */
static __always_inline struct file *fd_file(unsigned int fd)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct fdtable *table = READ(task, files, fdt);
	struct file *file = NULL;

	if (fd >= READ(table, max_fds))
		return NULL;
	bpf_probe_read_kernel(&file, sizeof(file), READ(table, fd) + fd);
	return file;
}

/* The TCP or UDP socket behind a descriptor of the current task, or NULL; fd may be an error. */
static __always_inline struct sock *fd_sock(long fd)
{
	return fd < 0 ? NULL : file_sock(fd_file(fd));
}

static __always_inline void map_ipv4(__u8 ip[16], __be32 ipv4)
{
	__builtin_memset(ip, 0, 10);
	ip[10] = ip[11] = 0xff;
	__builtin_memcpy(ip + 12, &ipv4, sizeof(ipv4));
}

static __always_inline bool is_mapped(const __u8 ip[16])
{
	__u64 high;
	__u32 middle;

	__builtin_memcpy(&high, ip, sizeof(high));
	__builtin_memcpy(&middle, ip + 8, sizeof(middle));
	return high == 0 && middle == bpf_htonl(0xffff);
}

/* skc_num is 0 once the port was given back, inet_sport may still have it. */
static __always_inline __u16 sock_local_port(enum sock_from from, struct sock *sk)
{
	__u16 port = COMMON(from, sk, skc_num);

	return port ?: bpf_ntohs(READ((struct inet_sock *)sk, inet_sport));
}

/* sk: may be read like any struct. */
static __always_inline void copy_ipv6(struct sock *sk, __be32 *local, __be32 *remote)
{
	for (int i = 0; i < 4; i++) {
		local[i] = sk->__sk_common.skc_v6_rcv_saddr.in6_u.u6_addr32[i];
		remote[i] = sk->__sk_common.skc_v6_daddr.in6_u.u6_addr32[i];
	}
}

static __always_inline void sock_read_ipv6(enum sock_from from, struct sock *sk,
					   struct known *known)
{
	if (from == FROM_CONTEXT) {
		copy_ipv6(sk, (__be32 *)known->local_ip, (__be32 *)known->remote_ip);
	} else if (CAN_CAST) {
		copy_ipv6(CAST(sk), (__be32 *)known->local_ip, (__be32 *)known->remote_ip);
	} else {
		BPF_CORE_READ_INTO(&known->local_ip, sk, __sk_common.skc_v6_rcv_saddr);
		BPF_CORE_READ_INTO(&known->remote_ip, sk, __sk_common.skc_v6_daddr);
	}
}

static __always_inline bool sock_is_v6only(enum sock_from from, struct sock *sk)
{
	return SOCK_BITFIELD(from, sk, __sk_common.skc_ipv6only);
}

/*
 * What decides who else may have its port.  PT_ANY_PORT is the caller's.  Without branches,
 * or the verifier would look at all that follows for each of their ways.
 */
static __always_inline void sock_read_sharing(enum sock_from from, struct sock *sk,
					      struct known *known)
{
	__u8 reuse = SOCK_BITFIELD(from, sk, __sk_common.skc_reuse);
	__u8 reuseport = SOCK_BITFIELD(from, sk, __sk_common.skc_reuseport);

	/* reuse: 0, SK_CAN_REUSE or SK_FORCE_REUSE */
	known->share = (known->share & PT_ANY_PORT) | ((reuse | reuse >> 1) & PT_REUSEADDR) |
		       (reuseport << 1 & PT_REUSEPORT);
	known->device = COMMON(from, sk, skc_bound_dev_if);
}

/* Its process asked for the port that it has. */
static __always_inline bool sock_chose_port(enum sock_from from, struct sock *sk)
{
	return SOCK_BITFIELD(from, sk, sk_userlocks) & SOCK_BINDPORT_LOCK;
}

/* Whose socket it is, for PT_REUSEPORT: the user + 1. */
static __always_inline __u32 sock_user(struct sock *sk)
{
	return READ(sk, sk_uid.val) + 1;
}

/*
 * Take both ends of a socket, its namespace and IP version.  What the socket has
 * forgotten already (ports after an abort, see kernel-notes) is kept as it was.
 */
static __always_inline void sock_read_ends(enum sock_from from, struct sock *sk,
					   struct known *known)
{
	struct net *net = READ(sk, __sk_common.skc_net.net);
	__u16 local_port = sock_local_port(from, sk);
	__u16 remote_port = bpf_ntohs(COMMON(from, sk, skc_dport));
	__u8 flags = known->flags & ~(PT_IPV4 | PT_EPHEMERAL | PT_V6ONLY);
	bool ipv4 = COMMON(from, sk, skc_family) == AF_INET;

	if (known->remote_port && !remote_port)
		return;
	sock_read_sharing(from, sk, known);
	if (!ipv4) {
		sock_read_ipv6(from, sk, known);
		/* While connect(2) to a mapped address runs only the IPv4 fields are right. */
		ipv4 = is_mapped(known->remote_ip) || is_mapped(known->local_ip);
		if (sock_is_v6only(from, sk))
			flags |= PT_V6ONLY;
	}
	if (ipv4) {
		map_ipv4(known->local_ip, COMMON(from, sk, skc_rcv_saddr));
		map_ipv4(known->remote_ip, COMMON(from, sk, skc_daddr));
		flags |= PT_IPV4;
	}
	if (local_port)
		known->local_port = local_port;
	known->remote_port = remote_port;
	known->netns = READ(net, ns.inum);
	if (net_port_is_ephemeral(net, known->local_port))
		flags |= PT_EPHEMERAL;
	known->flags = flags;
}

/*
 * Payload only: bytes_received counts the peer's FIN, bytes_sent retransmissions too.
 * sk: of TCP, from the context.
 */
static __always_inline void sock_read_bytes(struct sock *sk, __u64 *sent, __u64 *received)
{
	struct tcp_sock *tp = as_tcp_sock(sk);

	if (!tp)
		return;
	*received = tp->bytes_received;
	/* tcp_fin() sets SOCK_DONE. */
	if (*received && sk->__sk_common.skc_flags & (1UL << SOCK_DONE))
		--*received;
	*sent = tp->bytes_sent - tp->bytes_retrans;
}
