/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Whose listener takes a connection to an address, and whose socket UDP's datagrams: as
 * the kernel chooses, and nobody's where that can't be told.  For ledger*.c alone.
 */
#ifndef LEDGER_LISTENER_H
#define LEDGER_LISTENER_H

#include "ledger_table.h"

/* Which listeners are looked for. */
struct wanted {
	uint32_t netns;
	uint64_t before; /* only those that listened already at that boot time */
	bool alone;      /* only if no other process can accept there */
};

/*
 * The process that listens where a connection goes.  Alone means also wherever "there" is:
 * to another address than loopback a connection may leave this machine, or be translated.
 */
struct process *listener_at(const struct table *table, const struct endpoint *at, bool ipv4,
			    const struct wanted *wanted);

/* Whether a listener there may have got what went to an address. */
bool listener_takes(const struct endpoint *listener, const struct endpoint *at, bool ipv4);

/*
 * The listener that a process accepted a connection from.  Of several at one address
 * the one that is its own; NULL if that can't be told.
 */
struct entry *listener_of(const struct table *table, const struct event *event,
			  const struct process *acceptor);

/*
 * Who is at the other end of a UDP socket's exchange: who alone has the socket there.  But for
 * loopback one that is bound to any address may be another machine's.
 */
struct process *listener_of_datagrams(const struct table *table, const struct event *event);

#endif
