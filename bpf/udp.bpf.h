/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What is known of a UDP socket: whose it is, with whom it exchanged datagrams, how many.
 *
 * A datagram costs a few additions and a compare as long as process and remote address are
 * those of the one before; all else is done by functions of their own (the verifier allows
 * 512 bytes of stack to a chain of calls).  Process context only: datagrams are seen where
 * a program sends and receives them, not where they arrive.
 */
#pragma once

#include "call.bpf.h"

#define TAG_NAMELESS 1ULL /* struct datagrams, from: whoever receives does not ask from where */
#define TAG_IPV4 (1ULL << 63)

/* An IPv4 address is its tag; one of IPv6 is mixed with a secret, so that nobody can forge one. */
static __always_inline __u64 tag_ipv4(__be32 ip, __be16 port)
{
	return TAG_IPV4 | (__u64)ip << 16 | port;
}

static __always_inline __u64 tag_mix(__u64 hash, __u64 value)
{
	hash = (hash ^ value) * 0x9e3779b97f4a7c15ULL;
	return hash ^ hash >> 32;
}

static __always_inline __u64 tag_ipv6(const __u32 ip[4], __be16 port)
{
	__u64 hash = tag_mix(tag_secret, (__u64)ip[0] << 32 | ip[1]);

	hash = tag_mix(hash, (__u64)ip[2] << 32 | ip[3]);
	return (tag_mix(hash, port) & ~TAG_IPV4) | 2;
}

static __always_inline void remote_ipv4(struct remote *remote, __be32 ip, __be16 port)
{
	map_ipv4(remote->ip, ip);
	remote->port = bpf_ntohs(port);
	remote->tag = tag_ipv4(ip, port);
}

static __always_inline void remote_ipv6(struct remote *remote, const __u32 ip[4], __be16 port)
{
	__builtin_memcpy(remote->ip, ip, sizeof(remote->ip));
	remote->port = bpf_ntohs(port);
	remote->tag = is_mapped(remote->ip) ? tag_ipv4(ip[3], port) : tag_ipv6(ip, port);
}

/* sk: from the context.  NULL: no memory. */
static __always_inline struct datagrams *exchanged_by(struct sock *sk)
{
	struct datagrams *mine, none = {};
	__u64 key = (__u64)sk;

	if (has_sock_storage())
		return bpf_sk_storage_get(&exchanged, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	mine = bpf_map_lookup_elem(&exchanged_old, &key);
	if (mine)
		return mine;
	bpf_map_update_elem(&exchanged_old, &key, &none, BPF_NOEXIST);
	return bpf_map_lookup_elem(&exchanged_old, &key);
}

/* Whether the flow with a remote address was told. */
static __always_inline bool flow_is_told(const struct datagrams *mine, __u64 tag)
{
	struct flow flow = { .id = mine->id, .tag = tag };

	return mine->first == tag || (mine->id && bpf_map_lookup_elem(&flows, &flow));
}

/* Remember it; false: it was, or there is no room. */
static __always_inline bool flow_is_new(struct sock *sk, struct datagrams *mine, __u64 tag)
{
	__u64 sock = (__u64)sk;
	struct flow flow = { .tag = tag };
	int err;

	if (!mine->id)
		mine->id = sock_cookie(sk) ?: sock;
	if (!mine->first) {
		mine->first = tag;
		return true;
	}
	if (mine->first == tag)
		return false;
	flow.id = mine->id;
	err = map_update(&flows, &flow, &sock, BPF_NOEXIST);
	if (err && err != -EEXIST)
		count(lost_map);
	return !err;
}

/*
 * Whether it stays whose it is.  Who uses it first need not have bound it, and others may have
 * it too: the first keeps it while it lives.
 */
static __always_inline bool is_settled(const struct known *known, const struct pt_who *user,
				       bool first)
{
	if (known->attribution == PT_BY_KERNEL || same_process(&known->owner, user))
		return true;
	return !first && known->owner.tgid && !is_gone(&known->owner);
}

/* connect(AF_UNSPEC) may take its port; what had come before can still be received. */
static __always_inline bool has_port(struct sock *sk)
{
	return COMMON(FROM_CONTEXT, sk, skc_num);
}

/* A process uses a socket that it did not use with the datagram before, or that has a new port. */
static __noinline int settle(struct sock *sk, struct datagrams *mine, __u8 how)
{
	struct pt_who user = task_who(current_task());
	__u64 cookie = sock_cookie(sk);
	struct known *known = known_find(sk, cookie), fresh;
	bool first = !mine->user;

	if (!has_port(sk))
		return 0;
	mine->user = bpf_get_current_pid_tgid() >> 32;
	mine->port = COMMON(FROM_CONTEXT, sk, skc_num);
	if (!known) {
		__builtin_memset(&fresh, 0, sizeof(fresh));
		fresh.cookie = cookie;
		fresh.kind = PT_DATAGRAM;
		fresh.since = bpf_ktime_get_boot_ns();
		known_own(FROM_CONTEXT, sk, &fresh, how);
		sock_read_ends(FROM_CONTEXT, sk, &fresh);
		tell_chosen_port(FROM_CONTEXT, sk, &fresh, how == PT_BY_SEND);
		known_put(sk, &fresh, BPF_NOEXIST);
		return 0;
	}
	if (!is_settled(known, &user, first))
		known_own(FROM_CONTEXT, sk, known, how);
	return 0;
}

/* The first datagram between a socket and a remote address, whose tag is TAG_NAMELESS if unknown. */
static __noinline int tell_flow(struct sock *sk, const struct remote *remote, __u8 how)
{
	struct known *known = known_find(sk, sock_cookie(sk)), flow;
	struct pt_who user = task_who(current_task());
	struct pt_socket *event;

	if (!known)
		return 0;
	flow = *known;
	flow.flags &= ~(PT_ACTIVE | PT_PASSIVE | PT_IPV4);
	flow.flags |= how == PT_BY_SEND ? PT_ACTIVE : PT_PASSIVE;
	flow.remote_port = remote->port;
	__builtin_memcpy(flow.remote_ip, remote->ip, sizeof(flow.remote_ip));
	if (COMMON(FROM_CONTEXT, sk, skc_family) == AF_INET || is_mapped(remote->ip)) {
		flow.flags |= PT_IPV4;
		map_ipv4(flow.local_ip, COMMON(FROM_CONTEXT, sk, skc_rcv_saddr));
	}
	if (flow.attribution != PT_BY_KERNEL && !same_process(&user, &flow.owner))
		tell_current();
	event = emit_begin(PT_FLOW, sk, &flow);
	if (!event)
		return 0;
	event->actor = user;
	emit_end(event);
	return 0;
}

static __always_inline bool is_connected(struct sock *sk)
{
	return COMMON(FROM_CONTEXT, sk, skc_state) == TCP_ESTABLISHED;
}

static __always_inline bool is_connected_to(struct sock *sk, __u64 tag)
{
	__be16 port = COMMON(FROM_CONTEXT, sk, skc_dport);
	struct known ends = {};
	struct remote remote;

	if (!is_connected(sk))
		return false;
	if (tag & TAG_IPV4)
		return tag == tag_ipv4(COMMON(FROM_CONTEXT, sk, skc_daddr), port);
	sock_read_ipv6(FROM_CONTEXT, sk, &ends);
	remote_ipv6(&remote, (const __u32 *)ends.remote_ip, port);
	return tag == remote.tag;
}

/* A datagram went to, or came from, another remote address than the one before it. */
static __noinline int exchange(struct sock *sk, struct datagrams *mine, const struct remote *remote,
			       __u8 how)
{
	if (!has_port(sk))
		return 0;
	if (how == PT_BY_SEND)
		mine->to = remote->tag;
	else
		mine->from = remote->tag;
	if (!is_connected_to(sk, remote->tag) && flow_is_new(sk, mine, remote->tag))
		tell_flow(sk, remote, how);
	return 0;
}

/* Who receives does not ask from where: that is told once, without the address. */
static __noinline int exchange_nameless(struct sock *sk, struct datagrams *mine)
{
	struct remote remote = { .tag = TAG_NAMELESS };

	if (!has_port(sk))
		return 0;
	mine->from = TAG_NAMELESS;
	if (!is_connected(sk))
		tell_flow(sk, &remote, PT_BY_RECEIVE);
	return 0;
}

/* A send or receive returned; NULL: nothing is known of the socket, or nothing was passed. */
static __always_inline struct datagrams *passed(struct sock *sk, int ret, int flags, __u8 how)
{
	struct datagrams *mine = exchanged_by(sk);

	if (!mine) {
		count(lost_map);
		return NULL;
	}
	if (ret >= 0 && how == PT_BY_SEND) {
		__sync_fetch_and_add(&mine->sent, ret);
		__sync_fetch_and_add(&mine->sends, 1);
	} else if (ret >= 0 && !(flags & MSG_PEEK)) {
		__sync_fetch_and_add(&mine->received, ret);
		__sync_fetch_and_add(&mine->receives, 1);
	}
	if ((mine->user != bpf_get_current_pid_tgid() >> 32 ||
	     mine->port != COMMON(FROM_CONTEXT, sk, skc_num)) &&
	    (ret >= 0 || how == PT_BY_SEND))
		settle(sk, mine, how);
	return mine;
}
