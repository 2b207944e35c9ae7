/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Who is at the other side of a connection: whose socket is there, and before that socket
 * is known, who is about to accept it or who alone can.  For ledger*.c alone.
 */
#ifndef LEDGER_PEER_H
#define LEDGER_PEER_H

#include "ledger_table.h"

struct foresight;

/*
 * The socket at the other side of a connection, a living one by preference.  NULL if
 * there is none here, or if it can't be told from another: the same ends exist in
 * two more namespaces.
 */
struct entry *peer_side(const struct table *table, const struct event *event);

/* Name the process at the other side, and let both sockets remember each other's. */
void peer_meet(struct table *table, struct entry *entry, struct event *event,
	       struct process *owner);

/* Who is at the other end by a record that has come, and waits for its turn. */
struct process *peer_foreseen(const struct table *table, const struct foresight *foresight,
			      const struct event *event, uint64_t boot_to_real);

/*
 * Who is at the other end of a connection that this end began and that was not accepted
 * yet: who is about to, or who alone can.
 */
struct process *peer_coming(const struct table *table, const struct foresight *foresight,
			    const struct event *event, uint64_t boot_to_real);

/* Who was at the other end of a connection that ends. */
struct process *peer_leaving(const struct table *table, const struct foresight *foresight,
			     const struct entry *entry, const struct event *event,
			     uint64_t boot_to_real);

#endif
