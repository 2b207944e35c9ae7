/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What is told of a socket, and when: one function for each kind of event, each
 * tells at most once.  The hooks decide which to call, emit.bpf.h does the writing.
 */
#pragma once

#include "owner.bpf.h"

/*
 * The handshake that this end began has ended; begin 0: it is not known since when.  When that
 * was told, 0 if it was not: each look at the clock takes 26 ns.
 */
static __always_inline __u64 tell_connect(const void *sock, struct known *known, int error,
					  __u64 begin, __u8 late)
{
	struct pt_socket *event;
	__u64 time;

	known->told_connect = true;
	known->error = error;
	event = emit_begin(PT_CONNECT, sock, known);
	if (!event)
		return 0;
	time = event->time;
	event->error = error;
	event->duration = begin ? time - begin : 0;
	event->flags |= late;
	if (late)
		count(late);
	emit_end(event);
	return time;
}

/* Of a bind or listen that failed: what says why, as far as it is not in the socket's entry. */
static __always_inline void fill_failure(struct pt_socket *event, const void *sock)
{
	struct sock *sk = (struct sock *)sock;

	if (COMMON(FROM_NUMBER, sk, skc_num))
		event->share |= PT_HAD_PORT;
	if (event->error == EACCES)
		event->limit = net_unprivileged(COMMON(FROM_NUMBER, sk, skc_net.net));
}

/* A bind or listen. */
static __always_inline void emit_attempt(struct pt_socket *event, const void *sock, int error)
{
	event->error = error;
	if (event->share & PT_REUSEPORT)
		event->uid = sock_user((struct sock *)sock);
	if (!error) {
		emit_end(event);
		return;
	}
	fill_failure(event, sock);
	emit_urgent(event);
}

static __always_inline void tell_listen(const void *sock, struct known *known, int error, __u8 late)
{
	struct pt_socket *event;

	if (!error)
		known->told_listen = true;
	event = emit_begin(PT_LISTEN, sock, known);
	if (!event)
		return;
	event->creator = known->creator;
	event->flags |= late;
	if (event->flags & PT_EPHEMERAL &&
	    net_port_is_reserved(COMMON(FROM_NUMBER, (struct sock *)sock, skc_net.net),
				 event->local_port))
		event->share |= PT_RESERVED;
	if (late)
		count(late);
	emit_attempt(event, sock, error);
}

static __always_inline void tell_bind(const void *sock, struct known *known, int error)
{
	struct pt_socket *event;

	if (!error)
		known->told_bind = true;
	event = emit_begin(PT_BIND, sock, known);
	if (!event)
		return;
	event->creator = known->creator;
	emit_attempt(event, sock, error);
}

/* Set by user space: sockets that are older than the hooks are known by now. */
volatile bool snapshot_done;

/*
 * A UDP socket that no hook saw before is used: the kernel chose its port for this send or
 * connect (now), unless it was bound unseen.  Until the snapshot is done it may as well be an old
 * one, and the snapshot tells.
 */
static __always_inline void tell_chosen_port(enum sock_from from, struct sock *sk,
					     struct known *known, bool now)
{
	__u16 remote_port = known->remote_port;

	known->older = !snapshot_done;
	if (known->older || !now || sock_chose_port(from, sk)) {
		known->told_bind = true;
		return;
	}
	known->share |= PT_ANY_PORT;
	known->creator = known->owner;
	known->remote_port = 0;
	tell_bind(sk, known, 0);
	known->remote_port = remote_port;
}

/* flags: PT_GONE, PT_LATE. */
static __always_inline void tell_accept(const void *sock, struct known *known, __u8 flags)
{
	struct pt_socket *event;

	known->told_accept = true;
	event = emit_begin(PT_ACCEPT, sock, known);
	if (!event)
		return;
	event->flags |= flags;
	event->actor = known->closer;
	if (flags & PT_LATE)
		count(late);
	emit_end(event);
}

/*
 * How a connection ended, from the error that the kernel has just set:
 * tcp_reset(), tcp_write_err(), tcp_abort().  Without one and straight from an open
 * state this end threw it away (unread data, SO_LINGER 0).
 */
static __always_inline void fill_end(struct pt_socket *event, const struct known *known, int error)
{
	event->close_how = PT_FIN;
	event->close_by = known->first_fin;
	switch (error) {
	case 0:
		if (!known->reset_here)
			return;
		event->close_how = PT_RESET;
		event->close_by = PT_LOCAL;
		return;
	case ECONNRESET:
	case EPIPE:
		event->close_how = PT_RESET;
		event->close_by = PT_REMOTE;
		return;
	case ECONNABORTED:
		event->close_how = PT_RESET;
		event->close_by = PT_LOCAL;
		return;
	default:
		event->close_how = PT_TIMEOUT;
		event->close_by = PT_LOCAL;
	}
}

/*
 * The owner ended before its socket did, so others had descriptors of it: a child, or
 * who got one over a Unix socket.  Who closed it last is one of them; if nobody here
 * closed it, nobody is known.
 */
static __always_inline void find_heir(struct known *known)
{
	if (!known->owner.tgid || known->left_behind ||
	    same_process(&known->closer, &known->owner) || !is_gone(&known->owner))
		return;
	known->owner = known->closer;
	known->attribution = known->owner.tgid ? PT_BY_CLOSE : PT_BY_UNKNOWN;
}

/* A connection, a listener or a bound socket has ended.  sk: from the context. */
static __always_inline void tell_close(struct sock *sk, struct known *known, __u8 late)
{
	struct pt_socket *event;

	known->told_close = true;
	find_heir(known);
	event = emit_begin(PT_CLOSE, sk, known);
	if (!event)
		return;
	if (known->since)
		event->duration = event->time - known->since;
	event->actor = known->closer;
	event->flags |= late;
	if (known->kind == PT_CONNECTION) {
		sock_read_bytes(sk, &event->sent, &event->received);
		fill_end(event, known, sk->sk_err);
	}
	if (late)
		count(late);
	emit_end(event);
}

/* A UDP socket has ended.  exchanged: NULL if it passed no datagram that was counted. */
static __always_inline void tell_release(struct sock *sk, struct known *known,
					 const struct datagrams *exchanged)
{
	struct pt_release *release;

	known->told_close = true;
	find_heir(known);
	release = (void *)emit_begin_sized(PT_RELEASE, sizeof(*release), sk, known);
	if (!release)
		return;
	if (known->since)
		release->socket.duration = release->socket.time - known->since;
	release->socket.actor = known->closer;
	if (exchanged) {
		release->socket.sent = exchanged->sent;
		release->socket.received = exchanged->received;
		release->sends = exchanged->sends;
		release->receives = exchanged->receives;
	}
	emit_end(&release->socket);
}

/* Tell what an earlier hook should have told, had the kernel run it. */
static __always_inline void catch_up(struct sock *sk, struct known *known)
{
	if (known->connecting && known->established && !known->told_connect)
		tell_connect(sk, known, 0, 0, PT_LATE);
	if (known->kind == PT_LISTENER && !known->told_listen)
		tell_listen(sk, known, 0, PT_LATE);
}
