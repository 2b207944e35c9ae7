/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Connections that wait in the queue of a listener, and end there.  For ledger.c alone.
 */
#ifndef LEDGER_QUEUE_H
#define LEDGER_QUEUE_H

#include "ledger_table.h"

/* The listener that was closed last, and by whom. */
struct stopped {
	struct endpoint local;
	uint32_t netns;
	struct pt_who by;
};

/* A listener was closed. */
void queue_stop(struct stopped *stopped, const struct pt_socket *record, const struct event *event);

/*
 * Whose a connection was that nobody accepted: the listener's.  A listener takes its queue
 * with it, right after its own end was told: then whoever closed it had it, and who listens
 * there now has nothing to do with it.
 */
struct process *queue_owner(const struct table *table, const struct stopped *stopped,
			    const struct pt_socket *record, const struct entry *entry,
			    const struct event *event, uint64_t boot_to_real);

#endif
