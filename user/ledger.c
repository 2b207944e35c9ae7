// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * See ledger.h.  A socket is found in two ways: by its address in the kernel, which
 * is its identity while it lives, and by its two ends, which leads to the socket at
 * the other side of a connection (ledger_peer.c) and to the listener behind a port
 * (ledger_listener.c).
 */
#include "ledger.h"

#include <stdlib.h>

#include "ledger_ahead.h"
#include "ledger_listener.h"
#include "ledger_peer.h"
#include "ledger_queue.h"
#include "ledger_table.h"

#define MANY 4096 /* sockets: more are not all in the cache */

#define TCP_ESTABLISHED 1 /* include/net/tcp_states.h */
#define TCP_TIME_WAIT 6
#define TCP_CLOSE 7
#define TCP_LISTEN 10

struct ledger {
	struct table table;
	const struct foresight *foresight;
	struct stopped stopped;
};

struct ledger *ledger_new(struct processes *processes, const struct foresight *foresight)
{
	struct ledger *ledger = calloc(1, sizeof(*ledger));

	if (!ledger)
		return NULL;
	ledger->foresight = foresight;
	if (table_init(&ledger->table, processes)) {
		ledger_free(ledger);
		return NULL;
	}
	return ledger;
}

void ledger_free(struct ledger *ledger)
{
	if (!ledger)
		return;
	table_free(&ledger->table);
	free(ledger);
}

size_t ledger_sockets(const struct ledger *ledger)
{
	return ledger->table.by_sock.count;
}

const struct socket *ledger_next(const struct ledger *ledger, const struct socket *after)
{
	return (struct socket *)table_next(&ledger->table, (const struct entry *)after);
}

const struct socket *ledger_at_port(const struct ledger *ledger, uint16_t port,
				    const struct socket *after)
{
	return (struct socket *)table_at_port(&ledger->table, port, (const struct entry *)after);
}

const struct socket *ledger_find(const struct ledger *ledger, uint64_t sock, uint64_t cookie)
{
	/* Without a cookie it forgets nothing. */
	const struct entry *entry = table_find((struct table *)&ledger->table, sock, 0);

	if (!entry || (cookie && entry->socket.cookie && entry->socket.cookie != cookie))
		return NULL;
	return &entry->socket;
}

bool ledger_trusts(const struct ledger *ledger, const struct socket *socket)
{
	return table_trusts(&ledger->table, (const struct entry *)socket);
}

void ledger_doubt(struct ledger *ledger)
{
	ledger->table.epoch++;
}

void ledger_believe(struct ledger *ledger)
{
	struct entry *next = table_next(&ledger->table, NULL), *entry;

	while ((entry = next)) {
		next = table_next(&ledger->table, entry);
		if (!table_trusts(&ledger->table, entry))
			table_forget(&ledger->table, entry);
	}
}

static struct entry *find(struct ledger *ledger, const struct pt_socket *record)
{
	return table_find(&ledger->table, record->sock, record->cookie);
}

/* Those that ended between the same two ends are history now. */
static void outdate(struct ledger *ledger, const struct endpoint *local,
		    const struct endpoint *remote, uint32_t netns)
{
	struct entry *entry = NULL;

	if (!ledger->table.closed) /* at the start, for each of many sockets */
		return;
	while ((entry = table_between(&ledger->table, local, remote, entry)))
		if (entry->socket.closed && entry->socket.netns == netns)
			entry->epoch = ledger->table.epoch - 1;
}

static uint8_t state_of(const struct pt_socket *record)
{
	if (record->type == PT_OPEN && record->state_new)
		return record->state_new;
	if (record->kind == PT_CONNECTION)
		return TCP_ESTABLISHED;
	return record->kind == PT_LISTENER ? TCP_LISTEN : TCP_CLOSE;
}

/* In TIME_WAIT: duration is what is left. */
static bool is_waiting(const struct pt_socket *record)
{
	return record->type == PT_OPEN &&
	       (record->state_old == TCP_TIME_WAIT || record->state_new == TCP_TIME_WAIT);
}

/* Make a socket what the record says of it. */
static void learn(struct ledger *ledger, struct entry *entry, const struct pt_socket *record,
		  const struct event *event)
{
	struct socket *socket = &entry->socket;

	/* An iterator sees what is, not since when; a UDP socket is as old as its port. */
	if (record->type == PT_CONNECT && record->kind == PT_DATAGRAM)
		socket->since = socket->since ?: record->time;
	else if (record->type != PT_OPEN)
		socket->since = record->time;
	else if (socket->kind != record->kind)
		socket->since = 0;
	socket->flags = record->flags;
	outdate(ledger, &event->local, &event->remote, event->netns);
	table_place(&ledger->table, entry, &event->local, &event->remote);
	if (record->cookie)
		socket->cookie = record->cookie;
	socket->netns = record->netns;
	socket->kind = record->kind;
	socket->attribution = record->attribution;
	socket->state = state_of(record);
	socket->ended = is_waiting(record) ? record->time + record->duration : 0;
	socket->share = record->share;
	socket->device = record->device;
	if (record->type == PT_BIND || record->type == PT_LISTEN ||
	    (record->type == PT_OPEN && !is_waiting(record)))
		socket->uid = record->uid;
	entry->alone = record->time;
	entry->epoch = ledger->table.epoch;
}

const struct socket *ledger_other_side(const struct ledger *ledger, const struct event *event)
{
	return (const struct socket *)peer_side(&ledger->table, event);
}

/* Take a new socket in, or the next chapter of one; NULL: no memory. */
static struct entry *remember(struct ledger *ledger, const struct pt_socket *record,
			      const struct event *event, struct process *owner)
{
	struct entry *entry = find(ledger, record);

	if (!entry)
		entry = table_add(&ledger->table, record->sock);
	if (!entry)
		return NULL;
	learn(ledger, entry, record, event);
	table_own(&ledger->table, entry, owner);
	if (record->type == PT_OPEN && owner && record->fd)
		entry->socket.fd = record->fd;
	return entry;
}

static void name_creator(struct ledger *ledger, const struct pt_socket *record, struct event *event,
			 struct entry *entry, uint64_t boot_to_real)
{
	struct process *creator =
		processes_find(ledger->table.processes, &record->creator, boot_to_real);

	if (creator && creator != event->process)
		event->creator = creator;
	if (entry)
		table_hold(&ledger->table, &entry->socket.creator, creator);
}

/* An old socket: one event for all of its descriptors. */
static bool apply_open(struct ledger *ledger, const struct pt_socket *record, struct event *event,
		       struct process *owner)
{
	struct entry *entry = find(ledger, record);

	if (entry && table_trusts(&ledger->table, entry)) {
		if (owner && record->fd)
			table_share(&ledger->table, entry, owner, record->fd);
		return false;
	}
	entry = remember(ledger, record, event, owner);
	/* Without a descriptor it was not looked at who else has one. */
	if (entry && !record->fd)
		entry->shared = true;
	if (entry && record->kind == PT_CONNECTION)
		peer_meet(&ledger->table, entry, event, owner);
	return true;
}

/* A connection ended; the entry may be gone then. */
static void retire(struct ledger *ledger, struct entry *entry, const struct pt_socket *record)
{
	entry->socket.ended = record->time;
	entry->socket.close_by = record->close_by;
	entry->socket.close_how = record->close_how;
	entry->socket.state = TCP_CLOSE;
	table_retire(&ledger->table, entry);
}

static void apply_close(struct ledger *ledger, const struct pt_socket *record, struct event *event,
			uint64_t boot_to_real)
{
	struct entry *entry = find(ledger, record);

	if (entry && entry->socket.creator != event->process)
		event->creator = entry->socket.creator;
	if (record->attribution == PT_BY_INHERIT && !event->process) {
		event->process = queue_owner(&ledger->table, &ledger->stopped, record, entry, event,
					     boot_to_real);
		if (!event->process)
			event->attribution = PT_BY_UNKNOWN;
		if (event->actor == event->process)
			event->actor = NULL;
	}
	if (record->kind == PT_CONNECTION)
		event->peer =
			peer_leaving(&ledger->table, ledger->foresight, entry, event, boot_to_real);
	if (record->kind == PT_LISTENER)
		queue_stop(&ledger->stopped, record, event);
	if (entry && record->kind == PT_CONNECTION)
		retire(ledger, entry, record);
	else if (entry)
		table_forget(&ledger->table, entry);
}

/* A UDP socket was connected, or exchanged its first datagram with a remote address. */
static void apply_exchange(struct ledger *ledger, const struct pt_socket *record,
			   struct event *event, struct process *owner)
{
	struct entry *entry = find(ledger, record);

	if (!record->error && record->type == PT_CONNECT) {
		entry = remember(ledger, record, event, owner);
	} else if (!record->error && entry) {
		table_own(&ledger->table, entry, owner);
		entry->socket.attribution = record->attribution;
	} else if (!record->error) {
		struct event bound = *event;

		bound.remote = (struct endpoint){ 0 };
		entry = remember(ledger, record, &bound, owner);
	}
	if (entry && entry->socket.creator != owner)
		event->creator = entry->socket.creator;
	if (!record->error)
		event->peer = listener_of_datagrams(&ledger->table, event);
}

static void apply_connect(struct ledger *ledger, const struct pt_socket *record,
			  struct event *event, struct process *owner, uint64_t boot_to_real)
{
	struct process *peer;
	struct entry *entry;

	if (record->error)
		return;
	/* What ended at the other side was of an earlier connection, unless this comes late. */
	if (!(record->flags & PT_LATE))
		outdate(ledger, &event->remote, &event->local, event->netns);
	entry = remember(ledger, record, event, owner);
	if (entry)
		peer_meet(&ledger->table, entry, event, owner);
	if (event->peer)
		return;
	peer = peer_coming(&ledger->table, ledger->foresight, event, boot_to_real);
	event->peer = peer;
	if (entry) {
		table_hold(&ledger->table, &entry->peer, peer);
		entry->guessed = true;
	}
}

static void apply_accept(struct ledger *ledger, const struct pt_socket *record, struct event *event,
			 struct process *owner, uint64_t boot_to_real)
{
	struct entry *listener = listener_of(&ledger->table, event, owner), *entry = NULL, *other;
	struct process *creator = NULL;

	if (listener)
		creator = listener->socket.creator ?: listener->socket.owner;
	if (creator != owner)
		event->creator = creator;
	if (!(record->flags & PT_GONE))
		entry = remember(ledger, record, event, owner);
	if (entry) {
		table_hold(&ledger->table, &entry->socket.creator, creator);
		peer_meet(&ledger->table, entry, event, owner);
	} else {
		other = peer_side(&ledger->table, event);
		event->peer = other ? other->socket.owner : NULL;
	}
	if (!event->peer) /* its connect is told late */
		event->peer = peer_foreseen(&ledger->table, ledger->foresight, event, boot_to_real);
}

void ledger_expect(const struct ledger *ledger, const struct pt_socket *record)
{
	ahead_buckets(&ledger->table, record);
}

void ledger_await(const struct ledger *ledger, const struct pt_socket *record)
{
	ahead_entries(&ledger->table, record);
}

bool ledger_looks_ahead(const struct ledger *ledger)
{
	return ledger_sockets(ledger) >= MANY;
}

bool ledger_apply(struct ledger *ledger, const struct pt_socket *record, struct event *event,
		  uint64_t boot_to_real)
{
	struct processes *processes = ledger->table.processes;
	struct process *owner = processes_find(processes, &record->owner, boot_to_real);
	struct process *actor = processes_find(processes, &record->actor, boot_to_real);
	struct entry *entry = NULL;

	event->process = owner;
	if (actor != owner)
		event->actor = actor;
	switch (record->type) {
	case PT_OPEN:
		return apply_open(ledger, record, event, owner);
	case PT_BIND:
	case PT_LISTEN:
		if (!record->error)
			entry = remember(ledger, record, event, owner);
		name_creator(ledger, record, event, entry, boot_to_real);
		break;
	case PT_FLOW:
		apply_exchange(ledger, record, event, owner);
		break;
	case PT_CONNECT:
		if (record->kind == PT_DATAGRAM)
			apply_exchange(ledger, record, event, owner);
		else
			apply_connect(ledger, record, event, owner, boot_to_real);
		break;
	case PT_ACCEPT:
		apply_accept(ledger, record, event, owner, boot_to_real);
		break;
	case PT_CLOSE:
	case PT_RELEASE:
		apply_close(ledger, record, event, boot_to_real);
		break;
	default:
		break;
	}
	return true;
}
