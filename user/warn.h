/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What worked, and will be somebody's trouble: two processes at one port, a service at a port
 * that clients are given, a client with a service's port.  Remembers the listeners that
 * stopped; everything else is in the ledger, which it only reads.
 */
#ifndef WARN_H
#define WARN_H

#include "ledger.h"

struct warn;

/* Both arguments stay the caller's and must outlive it.  NULL: no memory. */
struct warn *warn_new(const struct ledger *ledger, struct processes *processes);
void warn_free(struct warn *warn);

/* Right after the record was applied: set event->warnings and warning_about. */
void warn_event(struct warn *warn, const struct pt_socket *record, struct event *event);

#endif
