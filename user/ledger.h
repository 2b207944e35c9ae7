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

/* Records were lost: what is remembered until now names no process any more. */
void ledger_doubt(struct ledger *ledger);

/*
 * What the kernel side knows was taken in as PT_OPEN records since: forget the sockets
 * that were not among it.
 */
void ledger_believe(struct ledger *ledger);

size_t ledger_sockets(const struct ledger *ledger);

#endif
