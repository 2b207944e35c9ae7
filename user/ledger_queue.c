// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * See ledger_queue.h.
 */
#include "ledger_queue.h"

#include "ledger_listener.h"

void queue_stop(struct stopped *stopped, const struct pt_socket *record, const struct event *event)
{
	stopped->local = event->local;
	stopped->netns = event->netns;
	stopped->by = record->actor;
}

/* Whether the connection waited in the listener that was closed last, by the same process. */
static bool was_in_queue(const struct stopped *stopped, const struct pt_socket *record,
			 const struct event *event)
{
	return stopped->netns == event->netns && stopped->by.tgid == record->actor.tgid &&
	       stopped->by.start == record->actor.start &&
	       listener_takes(&stopped->local, &event->local, event->ipv4);
}

struct process *queue_owner(const struct table *table, const struct stopped *stopped,
			    const struct pt_socket *record, const struct entry *entry,
			    const struct event *event, uint64_t boot_to_real)
{
	struct wanted wanted = { .netns = event->netns };

	if (record->actor.tgid)
		return was_in_queue(stopped, record, event)
			       ? processes_find(table->processes, &record->actor, boot_to_real)
			       : NULL;
	/* For somebody else, or nobody knows when. */
	if ((record->close_how == PT_RESET && record->close_by == PT_LOCAL) ||
	    record->flags & PT_GONE)
		return NULL;
	if (!entry && record->duration)
		wanted.before = record->time - record->duration;
	return listener_at(table, &event->local, event->ipv4, &wanted);
}
