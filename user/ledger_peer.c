// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * See ledger_peer.h.
 */
#include "ledger_peer.h"

#include "foresight.h"
#include "ledger_listener.h"

struct entry *peer_side(const struct table *table, const struct event *event)
{
	bool stays = endpoint_is_loopback(&event->local) || endpoint_is_loopback(&event->remote);
	struct entry *entry = NULL, *near = NULL, *far = NULL;
	size_t far_count = 0;

	while ((entry = table_between(table, &event->remote, &event->local, entry))) {
		if (!table_trusts(table, entry) || entry->socket.kind == PT_DATAGRAM)
			continue;
		if (entry->socket.netns == event->netns) {
			if (!near || near->socket.closed)
				near = entry;
		} else if (!stays && !entry->socket.closed) {
			far = entry;
			far_count++;
		}
	}
	if (near)
		return near;
	return far_count == 1 ? far : NULL;
}

void peer_meet(struct table *table, struct entry *entry, struct event *event, struct process *owner)
{
	struct entry *other = peer_side(table, event);

	if (!other)
		return;
	event->peer = other->socket.owner;
	if (other->socket.owner) {
		table_hold(table, &entry->peer, other->socket.owner);
		entry->guessed = false;
	}
	if (owner) {
		table_hold(table, &other->peer, owner);
		other->guessed = false;
	}
}

struct process *peer_foreseen(const struct table *table, const struct foresight *foresight,
			      const struct event *event, uint64_t boot_to_real)
{
	const struct pt_who *who = foresight_other_side(foresight, event);

	return who ? processes_find(table->processes, who, boot_to_real) : NULL;
}

struct process *peer_coming(const struct table *table, const struct foresight *foresight,
			    const struct event *event, uint64_t boot_to_real)
{
	struct wanted wanted = { .netns = event->netns, .before = UINT64_MAX, .alone = true };

	return peer_foreseen(table, foresight, event, boot_to_real)
		       ?: listener_at(table, &event->remote, event->ipv4, &wanted);
}

/* The peer was to accept, and died; a child that it had since may have the listener. */
static bool is_outlived(const struct entry *entry)
{
	return entry->guessed && entry->peer && processes_exited(entry->peer) &&
	       processes_forked(entry->peer) >= entry->alone;
}

struct process *peer_leaving(const struct table *table, const struct foresight *foresight,
			     const struct entry *entry, const struct event *event,
			     uint64_t boot_to_real)
{
	struct entry *other = peer_side(table, event);
	struct process *peer = other ? other->socket.owner : NULL;

	if (!peer && event->initiator == PT_LOCAL)
		peer = peer_foreseen(table, foresight, event, boot_to_real);
	if (!peer && entry && table_trusts(table, entry) && !is_outlived(entry))
		peer = entry->peer;
	return peer;
}
