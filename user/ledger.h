/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The live table of sockets and of the processes that hold each port.  Records keep
 * it true; events are completed from it with who is behind both ends.
 *
 * It knows no hook, no option and no format, and never looks into /proc/net.
 */
#ifndef LEDGER_H
#define LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event.h"
#include "processes.h"
#include "socket.h"

#define LEDGER_AHEAD 4

struct foresight;
struct ledger;

/* Both arguments stay the caller's and must outlive the ledger.  NULL: no memory. */
struct ledger *ledger_new(struct processes *processes, const struct foresight *foresight);
void ledger_free(struct ledger *ledger);

/*
 * Take a record in and complete the event that decode_event() made of it: process,
 * peer, actor, creator, attribution.  false: the event tells nothing new (a second
 * descriptor of an old socket).  When memory runs out the socket is not remembered.
 */
bool ledger_apply(struct ledger *ledger, const struct pt_socket *record, struct event *event,
		  uint64_t boot_to_real);

/*
 * That record will come, and not at once: the ledger is faster then.  LEDGER_AHEAD records before it
 * the one, half as many before it the other (ledger_ahead.h).
 */
void ledger_expect(const struct ledger *ledger, const struct pt_socket *record);
void ledger_await(const struct ledger *ledger, const struct pt_socket *record);
/* Whether that pays: not as long as all its sockets are in the cache. */
bool ledger_looks_ahead(const struct ledger *ledger);

/* Records were lost: what is remembered until now names no process any more. */
void ledger_doubt(struct ledger *ledger);

/*
 * What the kernel side knows was taken in as PT_OPEN records since: forget the sockets
 * that were not among it.
 */
void ledger_believe(struct ledger *ledger);

size_t ledger_sockets(const struct ledger *ledger);

/* The living socket at that address in the kernel; cookie 0: whichever it is.  NULL: none. */
const struct socket *ledger_find(const struct ledger *ledger, uint64_t sock, uint64_t cookie);

/*
 * The next of the living sockets after one, in no order; NULL: the first.  Nothing may be
 * applied meanwhile.
 */
const struct socket *ledger_next(const struct ledger *ledger, const struct socket *after);

/*
 * The next socket with that local port (not 0) in any namespace after one, NULL: the first.
 * Those that closed are among them, as long as they are remembered.  Sockets that were
 * bound, listen or began a connection come before accepted connections.
 */
const struct socket *ledger_at_port(const struct ledger *ledger, uint16_t port,
				    const struct socket *after);

/*
 * The socket at the other side of a connection: event has its two ends and its namespace.
 * A living one by preference; NULL: none is here, or it can't be told from another.
 */
const struct socket *ledger_other_side(const struct ledger *ledger, const struct event *event);

/*
 * Nothing that could make its owner and holders wrong was lost since they were known.
 * The owner of a socket for which this is false must not be named.
 */
bool ledger_trusts(const struct ledger *ledger, const struct socket *socket);

#endif
