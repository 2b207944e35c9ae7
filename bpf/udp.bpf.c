// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Datagrams, and the end of UDP sockets: by the kernel's functions; or by the tracepoints of
 * what was sent and received (which do not know with whom) and cgroup programs (which know
 * nothing else).  Bind and connect are those of TCP.  Process context, all of them.
 */

/* A send or receive by the current thread returned; its address was noted before, if it had one. */
static __noinline int address_noted(struct sock *sk, struct datagrams *mine, int ret, __u8 how)
{
	__u64 thread = bpf_get_current_task();
	struct remote_call *noted = bpf_map_lookup_elem(&remotes, &thread);
	struct remote remote;

	if (!noted || noted->sock != (__u64)sk)
		return 0;
	remote = noted->remote;
	bpf_map_delete_elem(&remotes, &thread);
	__sync_fetch_and_add(&mine->waiting, -1);
	if (ret >= 0)
		exchange(sk, mine, &remote, how);
	return 0;
}

SEC("tp_btf/sock_send_length")
int BPF_PROG(datagram_sent, struct sock *sk, int ret, int flags)
{
	struct datagrams *mine;

	if (!sock_is_udp(FROM_CONTEXT, sk))
		return 0;
	mine = passed(sk, ret, flags, PT_BY_SEND);
	if (mine && mine->waiting)
		address_noted(sk, mine, ret, PT_BY_SEND);
	return 0;
}

SEC("tp_btf/sock_recv_length")
int BPF_PROG(datagram_received, struct sock *sk, int ret, int flags)
{
	struct datagrams *mine;

	if (!sock_is_udp(FROM_CONTEXT, sk) || flags & MSG_ERRQUEUE)
		return 0;
	mine = passed(sk, ret, flags, PT_BY_RECEIVE);
	if (!mine)
		return 0;
	if (mine->waiting)
		address_noted(sk, mine, ret, PT_BY_RECEIVE);
	if (!mine->from && ret >= 0)
		exchange_nameless(sk, mine);
	return 0;
}

/* Where a cgroup program is: the socket may be anybody's, also of another protocol. */
static __always_inline struct datagrams *exchanged_from_cgroup(struct bpf_sock_addr *ctx)
{
	if (!ctx->sk || !see_udp || ctx->type != SOCK_DGRAM || ctx->protocol != IPPROTO_UDP)
		return NULL;
	return bpf_sk_storage_get(&exchanged, ctx->sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
}

/* An address that may be new: datagram_sent or datagram_received comes next in this thread. */
static __always_inline void note_address(struct bpf_sock *sk, struct datagrams *mine,
					 struct remote_call *call)
{
	__u64 thread = bpf_get_current_task();

	call->sock = (__u64)sk;
	if (bpf_map_update_elem(&remotes, &thread, call, BPF_ANY))
		count(lost_map);
	else
		__sync_fetch_and_add(&mine->waiting, 1);
}

static __always_inline int address_ipv4(struct bpf_sock_addr *ctx, bool sends)
{
	struct datagrams *mine = exchanged_from_cgroup(ctx);
	__be32 ip = ctx->user_ip4;
	__be16 port = ctx->user_port;
	__u64 tag = tag_ipv4(ip, port);
	struct remote_call call = {};
	__u64 *latest;

	if (!mine)
		return 1;
	latest = sends ? &mine->to : &mine->from;
	if (*latest == tag)
		return 1;
	if (flow_is_told(mine, tag)) {
		*latest = tag;
		return 1;
	}
	remote_ipv4(&call.remote, ip, port);
	note_address(ctx->sk, mine, &call);
	return 1;
}

static __always_inline int address_ipv6(struct bpf_sock_addr *ctx, bool sends)
{
	struct datagrams *mine = exchanged_from_cgroup(ctx);
	__u32 ip[4] = { ctx->user_ip6[0], ctx->user_ip6[1], ctx->user_ip6[2], ctx->user_ip6[3] };
	__be16 port = ctx->user_port;
	struct remote_call call = {};
	__u64 *latest;

	if (!mine)
		return 1;
	remote_ipv6(&call.remote, ip, port);
	latest = sends ? &mine->to : &mine->from;
	if (*latest == call.remote.tag)
		return 1;
	if (flow_is_told(mine, call.remote.tag)) {
		*latest = call.remote.tag;
		return 1;
	}
	note_address(ctx->sk, mine, &call);
	return 1;
}

/* They always allow.  Only sends with an address, and receives that ask for one, come here. */
SEC("cgroup/sendmsg4")
int sends_to_ipv4(struct bpf_sock_addr *ctx)
{
	return address_ipv4(ctx, true);
}

SEC("cgroup/sendmsg6")
int sends_to_ipv6(struct bpf_sock_addr *ctx)
{
	return address_ipv6(ctx, true);
}

SEC("cgroup/recvmsg4")
int receives_from_ipv4(struct bpf_sock_addr *ctx)
{
	return address_ipv4(ctx, false);
}

SEC("cgroup/recvmsg6")
int receives_from_ipv6(struct bpf_sock_addr *ctx)
{
	return address_ipv6(ctx, false);
}

/* The kernel's own copy of the address that a function was given, or that it filled. */
static __always_inline bool read_remote(const struct msghdr *message, struct remote *remote)
{
	void *name = READ(message, msg_name);
	struct in_address address = {};
	__u32 ip[4];

	if (!name || bpf_probe_read_kernel(&address, 16, name))
		return false;
	if (address.family == AF_INET) {
		remote_ipv4(remote, address.ipv4, address.port);
		return true;
	}
	if (address.family != AF_INET6 || bpf_probe_read_kernel(&address, sizeof(address), name))
		return false;
	__builtin_memcpy(ip, address.ipv6, sizeof(ip));
	remote_ipv6(remote, ip, address.port);
	return true;
}

static __always_inline void function_passed(struct sock *sk, const struct msghdr *message, int ret,
					    int flags, __u8 how)
{
	struct datagrams *mine = passed(sk, ret, flags, how);
	struct remote remote = {};
	__u64 *latest;

	if (!mine || ret < 0)
		return;
	if (!read_remote(message, &remote)) {
		if (how == PT_BY_RECEIVE && !mine->from)
			exchange_nameless(sk, mine);
		return;
	}
	latest = how == PT_BY_SEND ? &mine->to : &mine->from;
	if (*latest == remote.tag)
		return;
	if (flow_is_told(mine, remote.tag))
		*latest = remote.tag;
	else
		exchange(sk, mine, &remote, how);
}

/*
 * again: see thread_turn().  A datagram wakes its receiver, which runs at once, so that of 20,000 sends
 * 15 were not seen by one program on an emulated machine.
 */
static __always_inline void function_saw(struct sock *sk, const struct msghdr *message, int ret,
					 int flags, __u8 how, bool again)
{
	if (thread_turn(again, sk))
		function_passed(sk, message, ret, flags, how);
}

/* A socket of IPv6 that sends to an address of IPv4 is told by this one. */
static __always_inline int sent_ipv4(struct sock *sk, const struct msghdr *message, int ret,
				     bool again)
{
	if (sock_is_udp(FROM_CONTEXT, sk) && COMMON(FROM_CONTEXT, sk, skc_family) == AF_INET)
		function_saw(sk, message, ret, 0, PT_BY_SEND, again);
	return 0;
}

static __always_inline int sent_ipv6(struct sock *sk, const struct msghdr *message, int ret,
				     bool again)
{
	if (sock_is_udp(FROM_CONTEXT, sk))
		function_saw(sk, message, ret, 0, PT_BY_SEND, again);
	return 0;
}

SEC("fexit")
int BPF_PROG(send_returns, struct sock *sk, struct msghdr *message, unsigned long len, int ret)
{
	return sent_ipv4(sk, message, ret, false);
}

SEC("fexit")
int BPF_PROG(send_returns_again, struct sock *sk, struct msghdr *message, unsigned long len,
	     int ret)
{
	return sent_ipv4(sk, message, ret, true);
}

SEC("fexit")
int BPF_PROG(send6_returns, struct sock *sk, struct msghdr *message, unsigned long len, int ret)
{
	return sent_ipv6(sk, message, ret, false);
}

SEC("fexit")
int BPF_PROG(send6_returns_again, struct sock *sk, struct msghdr *message, unsigned long len,
	     int ret)
{
	return sent_ipv6(sk, message, ret, true);
}

/*
 * Up to 6.4 splice(2) and sendfile(2) append pages to a datagram that udp_sendmsg() began with
 * nothing in it.  IPv4 alone does that.
 */
SEC("fexit")
int BPF_PROG(page_appended, struct sock *sk, void *flow, void *page, int offset, unsigned long size,
	     int flags, int ret)
{
	struct datagrams *mine = !ret && sock_is_udp(FROM_CONTEXT, sk) ? exchanged_by(sk) : NULL;

	if (mine)
		__sync_fetch_and_add(&mine->sent, size);
	return 0;
}

static __always_inline int receive_returned(struct sock *sk, const struct msghdr *message,
					    int flags, int ret, bool again)
{
	if (sock_is_udp(FROM_CONTEXT, sk) && !(flags & MSG_ERRQUEUE))
		function_saw(sk, message, ret, flags, PT_BY_RECEIVE, again);
	return 0;
}

/* What follows flags is another argument or none (7.x): so the result is asked for. */
static __always_inline int result_of(void *ctx)
{
	__u64 ret = 0;

	bpf_get_func_ret(ctx, &ret);
	return ret;
}

SEC("fexit")
int BPF_PROG(receive_returns, struct sock *sk, struct msghdr *message, unsigned long len, int flags)
{
	return receive_returned(sk, message, flags, result_of(ctx), false);
}

SEC("fexit")
int BPF_PROG(receive_returns_again, struct sock *sk, struct msghdr *message, unsigned long len,
	     int flags)
{
	return receive_returned(sk, message, flags, result_of(ctx), true);
}

SEC("fexit")
int BPF_PROG(receive6_returns, struct sock *sk, struct msghdr *message, unsigned long len,
	     int flags)
{
	return receive_returned(sk, message, flags, result_of(ctx), false);
}

SEC("fexit")
int BPF_PROG(receive6_returns_again, struct sock *sk, struct msghdr *message, unsigned long len,
	     int flags)
{
	return receive_returned(sk, message, flags, result_of(ctx), true);
}

/* Up to 5.18 flags were two arguments (ec095263a965). */
SEC("fexit")
int BPF_PROG(old_receive_returns, struct sock *sk, struct msghdr *message, unsigned long len,
	     int nonblock, int flags, int *addr_len, int ret)
{
	return receive_returned(sk, message, flags, ret, false);
}

SEC("fexit")
int BPF_PROG(old_receive6_returns, struct sock *sk, struct msghdr *message, unsigned long len,
	     int nonblock, int flags, int *addr_len, int ret)
{
	return receive_returned(sk, message, flags, ret, false);
}

/* What closed() and destroyed() are for TCP.  mine: NULL if it passed no datagram. */
static __always_inline void released(struct sock *sk, const struct datagrams *mine)
{
	__u64 cookie = COMMON(FROM_NUMBER, sk, skc_cookie.counter);
	struct known *known = known_find(sk, cookie), fresh;

	if (!known) {
		if (!COMMON(FROM_NUMBER, sk, skc_num)) /* it never had a port */
			return;
		__builtin_memset(&fresh, 0, sizeof(fresh));
		fresh.cookie = cookie;
		fresh.kind = PT_DATAGRAM;
		if (sock_is_kernels(FROM_NUMBER, sk))
			fresh.attribution = PT_BY_KERNEL;
		sock_read_ends(FROM_NUMBER, sk, &fresh);
		known = &fresh;
	}
	note_closer(known);
	tell_release(sk, known, mine);
	known_forget(sk);
}

/* Of any protocol. */
SEC("cgroup/sock_release")
int cgroup_released(struct bpf_sock *ctx)
{
	struct bpf_sock *socket = ctx;
	struct sock *sk = NULL;

	if (!see_udp || ctx->protocol != IPPROTO_UDP || ctx->type != SOCK_DGRAM)
		return 1;
	/* The context is the socket, which the verifier must not know. */
	bpf_probe_read_kernel(&sk, sizeof(sk), &socket);
	if (sk && sock_is_udp(FROM_NUMBER, sk))
		released(sk, bpf_sk_storage_get(&exchanged, ctx, NULL, 0));
	return 1;
}

/*
 * The kernel binds its own sockets (VXLAN, WireGuard) by no system call; that they are closed is
 * found by a sweep, as cgroup/sock_release leaves them out.
 */
static __always_inline void kernel_bound(struct bpf_sock *ctx)
{
	struct call call = {};
	struct sock *sk = NULL;

	bpf_probe_read_kernel(&sk, sizeof(sk), &ctx); /* see cgroup_released() */
	call.sock = (__u64)sk;
	if (sk && sock_is_udp(FROM_NUMBER, sk) && sock_is_kernels(FROM_NUMBER, sk))
		bind_end(&call, 0);
}

SEC("cgroup/post_bind4")
int kernel_bound_ipv4(struct bpf_sock *ctx)
{
	kernel_bound(ctx);
	return 1;
}

SEC("cgroup/post_bind6")
int kernel_bound_ipv6(struct bpf_sock *ctx)
{
	kernel_bound(ctx);
	return 1;
}

/* Of UDP and raw sockets. */
static __always_inline int release_began(struct sock *sk, bool again)
{
	__u64 key = (__u64)sk;

	if (!sock_is_udp(FROM_CONTEXT, sk) || !thread_turn(again, sk))
		return 0;
	if (has_sock_storage()) {
		released(sk, bpf_sk_storage_get(&exchanged, sk, NULL, 0));
		return 0;
	}
	released(sk, bpf_map_lookup_elem(&exchanged_old, &key));
	bpf_map_delete_elem(&exchanged_old, &key);
	return 0;
}

SEC("fentry")
int BPF_PROG(release_begins, struct sock *sk)
{
	return release_began(sk, false);
}

SEC("fentry")
int BPF_PROG(release_begins_again, struct sock *sk)
{
	return release_began(sk, true);
}
