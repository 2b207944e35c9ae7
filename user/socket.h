/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * struct socket: what is known of a socket, for those who only read it (the commands,
 * cause.c, format_*.c).  The ledger owns and fills it; a process that it points to
 * lives as long as the socket is in the ledger.
 */
#ifndef SOCKET_H
#define SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event.h"

struct process;

/* A process, and one descriptor by which it holds a socket. */
struct holder {
	struct process *process;
	uint32_t fd; /* its number + 1; 0: not known */
};

/* Who holds a socket beside its owner, and its owner's further descriptors. */
struct holders {
	uint32_t count;
	uint32_t unlisted; /* descriptors for which there was no room */
	struct holder list[];
};

struct socket {
	uint64_t sock;   /* its address in the kernel */
	uint64_t cookie; /* 0: not known */
	uint64_t since;  /* boot time: bound, listens or is connected; 0: older than the tracer */
	uint64_t ended;  /* boot time: closed, it ended then; in TIME_WAIT, it will; else 0 */
	struct process *owner;   /* NULL: unknown, or the kernel */
	struct process *creator; /* who bound the port, as far as a hook saw it; or NULL */
	struct holders *others;  /* NULL: nobody but the owner, by one descriptor */
	uint32_t fd;             /* the owner's, + 1; 0: not known */
	uint32_t netns;
	uint32_t device; /* index of the interface that it is bound to; 0: none */
	uint32_t uid;    /* of a socket with PT_REUSEPORT, as far as it is known: its user + 1 */
	uint8_t share;   /* enum pt_share */
	struct endpoint local, remote;
	uint8_t kind;        /* enum pt_kind */
	uint8_t flags;       /* enum pt_flag */
	uint8_t attribution; /* enum pt_attribution: of the owner */
	/*
	 * TCP state as in the kernel, exact for what an iterator told and older than that
	 * where only hooks did: they tell no CLOSE_WAIT and FIN_WAIT.
	 */
	uint8_t state;
	uint8_t close_by, close_how; /* enum pt_side, pt_how; once closed */
	bool closed;                 /* ended: kept for a while, its port may be in TIME_WAIT */
};

/*
 * The holder with that number from 0 on, the owner first; false: there are no more.  One
 * that ended since (processes_exited()) is still among them.
 */
static inline bool socket_holder(const struct socket *socket, size_t number, struct holder *holder)
{
	if (socket->owner && number-- == 0) {
		*holder = (struct holder){ socket->owner, socket->fd };
		return true;
	}
	if (!socket->others || number >= socket->others->count)
		return false;
	*holder = socket->others->list[number];
	return true;
}

/* Descriptors that are not among them: there are more than are remembered. */
static inline uint32_t socket_unlisted(const struct socket *socket)
{
	return socket->others ? socket->others->unlisted : 0;
}

#endif
