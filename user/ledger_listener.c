// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * See ledger_listener.h.
 */
#include "ledger_listener.h"

#include <string.h>

static const struct endpoint nowhere;

/* Another process may have the listener's descriptor: a child since its last fork. */
static bool is_shared(const struct entry *listener)
{
	const struct process *owner = listener->socket.owner;

	return listener->shared || !owner || processes_exited(owner) ||
	       processes_forked(owner) >= listener->alone;
}

/* The next listener of netns at that address and port but for those with a flag of without. */
static struct entry *next_listener(const struct table *table, const struct endpoint *at,
				   uint32_t netns, uint8_t without, struct entry *after)
{
	while ((after = table_between(table, at, &nowhere, after)))
		if (after->socket.kind == PT_LISTENER && after->socket.netns == netns &&
		    !(after->socket.flags & without))
			break;
	return after;
}

/*
 * Look for listeners at an address and port, but for those with a flag of without; *owner
 * becomes their only process, and stays NULL where there are several, or where it is dead:
 * then somebody else has the listener.  The number that was found.
 */
static size_t listeners_at(const struct table *table, const struct endpoint *at,
			   const struct wanted *wanted, uint8_t without, struct process **owner)
{
	struct entry *entry = NULL;
	struct process *only = NULL;
	bool several = false;
	size_t found = 0;

	while ((entry = next_listener(table, at, wanted->netns, without, entry))) {
		if (entry->socket.since > wanted->before)
			continue;
		several |= !table_trusts(table, entry) || (found && entry->socket.owner != only) ||
			   (wanted->alone && is_shared(entry));
		only = entry->socket.owner;
		found++;
	}
	if (found && !several && only && !processes_exited(only))
		*owner = only;
	return found;
}

/*
 * Where a listener may be bound to get what goes to an address, as the kernel chooses:
 * 0 the exact address, 1 any address of IPv4, 2 "::", unless it has a flag of *without.
 * false: there is no such place.
 */
static bool listening_place(const struct endpoint *at, bool ipv4, int i, struct endpoint *place,
			    uint8_t *without)
{
	*place = (struct endpoint){ .port = at->port };
	*without = 0;
	switch (i) {
	case 0:
		*place = *at;
		return true;
	case 1:
		place->ip[10] = place->ip[11] = 0xff;
		return ipv4;
	case 2:
		*without = ipv4 ? PT_V6ONLY : 0;
		return true;
	default:
		return false;
	}
}

#define PLACES 3

struct process *listener_at(const struct table *table, const struct endpoint *at, bool ipv4,
			    const struct wanted *wanted)
{
	int places = wanted->alone && !endpoint_is_loopback(at) ? 1 : PLACES;
	struct process *owner = NULL;
	struct endpoint place;
	uint8_t without;

	for (int i = 0; i < places; i++)
		if (listening_place(at, ipv4, i, &place, &without) &&
		    listeners_at(table, &place, wanted, without, &owner))
			break;
	return owner;
}

struct entry *listener_of(const struct table *table, const struct event *event,
			  const struct process *acceptor)
{
	struct endpoint place;
	uint8_t without;

	for (int i = 0; i < PLACES; i++) {
		struct entry *entry = NULL, *found = NULL;
		size_t count = 0;

		if (!listening_place(&event->local, event->ipv4, i, &place, &without))
			continue;
		while ((entry = next_listener(table, &place, event->netns, without, entry))) {
			if (entry->socket.owner == acceptor)
				return entry;
			found = entry;
			count++;
		}
		if (count)
			return count == 1 && table_trusts(table, found) ? found : NULL;
	}
	return NULL;
}

bool listener_takes(const struct endpoint *listener, const struct endpoint *at, bool ipv4)
{
	struct endpoint place;
	uint8_t without;

	for (int i = 0; i < PLACES; i++)
		if (listening_place(at, ipv4, i, &place, &without) &&
		    place.port == listener->port &&
		    !memcmp(place.ip, listener->ip, sizeof(place.ip)))
			return true;
	return false;
}

/*
 * Look for UDP sockets with these two ends, but for those with a flag of without; *owner becomes
 * their only process, and stays NULL where there are several.  The number that was found.
 */
static size_t datagrams_between(const struct table *table, const struct endpoint *local,
				const struct endpoint *remote, uint32_t netns, uint8_t without,
				struct process **owner)
{
	struct process *only = NULL;
	struct entry *entry = NULL;
	bool several = false;
	size_t found = 0;

	while ((entry = table_between(table, local, remote, entry))) {
		if (entry->socket.kind != PT_DATAGRAM || entry->socket.netns != netns ||
		    entry->socket.flags & without)
			continue;
		several |= !table_trusts(table, entry) || is_shared(entry) ||
			   (found && entry->socket.owner != only);
		only = entry->socket.owner;
		found++;
	}
	if (found && !several)
		*owner = only;
	return found;
}

struct process *listener_of_datagrams(const struct table *table, const struct event *event)
{
	int places = endpoint_is_loopback(&event->remote) ? PLACES : 1;
	struct process *owner = NULL;
	struct endpoint place;
	uint8_t without;

	if (!event->remote.port)
		return NULL;
	if (datagrams_between(table, &event->remote, &event->local, event->netns, 0, &owner))
		return owner;
	for (int i = 0; i < places; i++)
		if (listening_place(&event->remote, event->ipv4, i, &place, &without) &&
		    datagrams_between(table, &place, &nowhere, event->netns, without, &owner))
			break;
	return owner;
}
