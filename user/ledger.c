// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * See ledger.h.  A socket is found in two ways: by its address in the kernel, which
 * is its identity while it lives, and by its two ends, which leads to the socket at
 * the other side of a connection and to the listener behind a port.
 */
#include "ledger.h"

#include <stdlib.h>
#include <string.h>

#include "foresight.h"
#include "hash.h"

/* Connections that ended and are still remembered: accept(2) may come after. */
#define CLOSED_MAX 8192

struct socket {
	struct hash_node by_sock;
	struct hash_node by_ends;
	uint64_t sock;
	uint64_t cookie;
	uint64_t since;          /* boot time at which its owner was known to be the only holder */
	struct process *owner;   /* held; NULL: unknown */
	struct process *creator; /* held; who bound the port */
	struct process *peer;    /* held; whose socket the other side is, once accepted */
	struct socket *next_closed;
	struct endpoint local, remote;
	uint32_t netns;
	uint32_t epoch; /* that of the ledger when the socket was last heard of */
	uint8_t kind;
	uint8_t flags;
	bool shared; /* another process has a descriptor of it */
	bool closed; /* ended: by its ends only, until CLOSED_MAX others ended */
};

struct ledger {
	struct hash by_sock;
	struct hash by_ends;
	struct socket *oldest_closed, *newest_closed;
	size_t closed;
	struct processes *processes;
	const struct foresight *foresight;
	uint32_t epoch; /* counts the losses */
};

static const struct endpoint nowhere;

static uint64_t hash_end(uint64_t hash, const struct endpoint *end)
{
	uint64_t half[2];

	memcpy(half, end->ip, sizeof(half));
	hash = hash_combine(hash, half[0]);
	hash = hash_combine(hash, half[1]);
	return hash_combine(hash, end->port);
}

/* Without the namespace: the two ends of a veth connection are in two of them. */
static uint64_t hash_ends(const struct endpoint *local, const struct endpoint *remote)
{
	return hash_end(hash_end(0, local), remote);
}

static bool same_end(const struct endpoint *a, const struct endpoint *b)
{
	return a->port == b->port && !memcmp(a->ip, b->ip, sizeof(a->ip));
}

struct ledger *ledger_new(struct processes *processes, const struct foresight *foresight)
{
	struct ledger *ledger = calloc(1, sizeof(*ledger));

	if (!ledger)
		return NULL;
	ledger->processes = processes;
	ledger->foresight = foresight;
	if (hash_init(&ledger->by_sock, 1024) || hash_init(&ledger->by_ends, 1024)) {
		ledger_free(ledger);
		return NULL;
	}
	return ledger;
}

static void forget(struct ledger *ledger, struct socket *socket)
{
	if (!socket->closed)
		hash_remove(&ledger->by_sock, &socket->by_sock);
	hash_remove(&ledger->by_ends, &socket->by_ends);
	processes_release(ledger->processes, socket->owner);
	processes_release(ledger->processes, socket->creator);
	processes_release(ledger->processes, socket->peer);
	free(socket);
}

static void forget_oldest_closed(struct ledger *ledger)
{
	struct socket *socket = ledger->oldest_closed;

	ledger->oldest_closed = socket->next_closed;
	if (!ledger->oldest_closed)
		ledger->newest_closed = NULL;
	ledger->closed--;
	forget(ledger, socket);
}

/* A connection ended. */
static void retire(struct ledger *ledger, struct socket *socket)
{
	hash_remove(&ledger->by_sock, &socket->by_sock);
	socket->closed = true;
	if (ledger->newest_closed)
		ledger->newest_closed->next_closed = socket;
	else
		ledger->oldest_closed = socket;
	ledger->newest_closed = socket;
	if (++ledger->closed > CLOSED_MAX)
		forget_oldest_closed(ledger);
}

void ledger_free(struct ledger *ledger)
{
	if (!ledger)
		return;
	while (ledger->closed)
		forget_oldest_closed(ledger);
	for (size_t i = 0; ledger->by_sock.buckets && i <= ledger->by_sock.mask; i++) {
		while (ledger->by_sock.buckets[i])
			forget(ledger,
			       HASH_ENTRY(ledger->by_sock.buckets[i], struct socket, by_sock));
	}
	hash_free(&ledger->by_sock);
	hash_free(&ledger->by_ends);
	free(ledger);
}

size_t ledger_sockets(const struct ledger *ledger)
{
	return ledger->by_sock.count;
}

void ledger_doubt(struct ledger *ledger)
{
	ledger->epoch++;
}

void ledger_believe(struct ledger *ledger)
{
	for (size_t i = 0; i <= ledger->by_sock.mask; i++) {
		struct hash_node *node = ledger->by_sock.buckets[i];

		while (node) {
			struct socket *socket = HASH_ENTRY(node, struct socket, by_sock);

			node = node->next;
			if (socket->epoch != ledger->epoch)
				forget(ledger, socket);
		}
	}
}

/* The socket of a record; one with another cookie at the same address is gone. */
static struct socket *find(struct ledger *ledger, const struct pt_socket *record)
{
	struct hash_node *node = hash_first(&ledger->by_sock, hash_u64(record->sock));

	for (; node; node = hash_next(node)) {
		struct socket *socket = HASH_ENTRY(node, struct socket, by_sock);

		if (socket->sock != record->sock)
			continue;
		if (socket->cookie && record->cookie && socket->cookie != record->cookie) {
			forget(ledger, socket);
			return NULL;
		}
		return socket;
	}
	return NULL;
}

static void set_holder(struct ledger *ledger, struct process **holder, struct process *process)
{
	struct process *before = *holder;

	*holder = processes_hold(process);
	processes_release(ledger->processes, before);
}

static struct socket *add(struct ledger *ledger, const struct pt_socket *record)
{
	struct socket *socket = calloc(1, sizeof(*socket));

	if (!socket)
		return NULL;
	socket->sock = record->sock;
	hash_add(&ledger->by_sock, &socket->by_sock, hash_u64(record->sock));
	hash_add(&ledger->by_ends, &socket->by_ends, hash_ends(&socket->local, &socket->remote));
	return socket;
}

/* Those that ended between the same two ends are history now. */
static void outdate(struct ledger *ledger, const struct endpoint *local,
		    const struct endpoint *remote, uint32_t netns)
{
	struct hash_node *node = hash_first(&ledger->by_ends, hash_ends(local, remote));

	for (; node; node = hash_next(node)) {
		struct socket *socket = HASH_ENTRY(node, struct socket, by_ends);

		if (socket->closed && socket->netns == netns)
			socket->epoch = ledger->epoch - 1;
	}
}

/* Make a socket what the record says of it. */
static void learn(struct ledger *ledger, struct socket *socket, const struct pt_socket *record,
		  const struct event *event)
{
	hash_remove(&ledger->by_ends, &socket->by_ends);
	socket->local = event->local;
	socket->remote = event->remote;
	outdate(ledger, &event->local, &event->remote, event->netns);
	hash_add(&ledger->by_ends, &socket->by_ends, hash_ends(&socket->local, &socket->remote));
	if (record->cookie)
		socket->cookie = record->cookie;
	socket->netns = record->netns;
	socket->kind = record->kind;
	socket->flags = record->flags;
	socket->since = record->time;
	socket->epoch = ledger->epoch;
}

/* Loopback addresses never leave their namespace. */
static bool is_loopback(const struct endpoint *end)
{
	static const uint8_t ipv6[16] = { [15] = 1 };
	static const uint8_t ipv4[13] = { [10] = 0xff, [11] = 0xff, [12] = 127 };

	return !memcmp(end->ip, ipv6, sizeof(ipv6)) || !memcmp(end->ip, ipv4, sizeof(ipv4));
}

/*
 * The socket at the other side of a connection, a living one by preference.  NULL if
 * there is none here, or if it can't be told from another: the same ends exist in
 * two more namespaces.
 */
static struct socket *other_side(const struct ledger *ledger, const struct event *event)
{
	struct hash_node *node =
		hash_first(&ledger->by_ends, hash_ends(&event->remote, &event->local));
	bool stays = is_loopback(&event->local) || is_loopback(&event->remote);
	struct socket *near = NULL, *far = NULL;
	size_t far_count = 0;

	for (; node; node = hash_next(node)) {
		struct socket *socket = HASH_ENTRY(node, struct socket, by_ends);

		if (!same_end(&socket->local, &event->remote) ||
		    !same_end(&socket->remote, &event->local) || socket->epoch != ledger->epoch)
			continue;
		if (socket->netns == event->netns) {
			if (!near || near->closed)
				near = socket;
		} else if (!stays && !socket->closed) {
			far = socket;
			far_count++;
		}
	}
	if (near)
		return near;
	return far_count == 1 ? far : NULL;
}

/* Name the process at the other side, and let both sockets remember each other's. */
static void meet(struct ledger *ledger, struct socket *socket, struct event *event,
		 struct process *owner)
{
	struct socket *other = other_side(ledger, event);

	if (!other)
		return;
	event->peer = other->owner;
	if (other->owner)
		set_holder(ledger, &socket->peer, other->owner);
	if (owner)
		set_holder(ledger, &other->peer, owner);
}

/* Another process may have the listener's descriptor: a child since its last fork. */
static bool is_shared(const struct socket *listener)
{
	return listener->shared || !listener->owner || processes_exited(listener->owner) ||
	       processes_forked(listener->owner) >= listener->since;
}

/*
 * Look for listeners of netns at an address and port, but for those with a flag of
 * without; *owner becomes their only process, and stays NULL where there are several.
 * The number that was found.
 */
static size_t listeners_at(const struct ledger *ledger, const struct endpoint *at, uint32_t netns,
			   uint8_t without, bool alone, struct process **owner)
{
	struct hash_node *node = hash_first(&ledger->by_ends, hash_ends(at, &nowhere));
	struct process *only = NULL;
	bool several = false;
	size_t found = 0;

	for (; node; node = hash_next(node)) {
		struct socket *socket = HASH_ENTRY(node, struct socket, by_ends);

		if (socket->kind != PT_LISTENER || socket->netns != netns ||
		    socket->flags & without || !same_end(&socket->local, at))
			continue;
		several |= socket->epoch != ledger->epoch || (found && socket->owner != only) ||
			   (alone && is_shared(socket));
		only = socket->owner;
		found++;
	}
	if (found && !several)
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

/*
 * The process that listens where a connection goes.  alone: only if no other process
 * can accept there, wherever "there" is: to another address than loopback a connection
 * may leave this machine, or be translated.
 */
static struct process *listener_at(const struct ledger *ledger, const struct endpoint *at,
				   bool ipv4, uint32_t netns, bool alone)
{
	int places = alone && !is_loopback(at) ? 1 : PLACES;
	struct process *owner = NULL;
	struct endpoint place;
	uint8_t without;

	for (int i = 0; i < places; i++)
		if (listening_place(at, ipv4, i, &place, &without) &&
		    listeners_at(ledger, &place, netns, without, alone, &owner))
			break;
	return owner;
}

/*
 * The listener that a process accepted a connection from.  Of several at one address
 * the one that is its own; NULL if that can't be told.
 */
static struct socket *listener_of(const struct ledger *ledger, const struct event *event,
				  const struct process *acceptor)
{
	struct endpoint place;
	uint8_t without;

	for (int i = 0; i < PLACES; i++) {
		struct socket *found = NULL;
		size_t count = 0;

		if (!listening_place(&event->local, event->ipv4, i, &place, &without))
			continue;
		for (struct hash_node *node =
			     hash_first(&ledger->by_ends, hash_ends(&place, &nowhere));
		     node; node = hash_next(node)) {
			struct socket *socket = HASH_ENTRY(node, struct socket, by_ends);

			if (socket->kind != PT_LISTENER || socket->netns != event->netns ||
			    socket->flags & without || !same_end(&socket->local, &place))
				continue;
			if (socket->owner == acceptor)
				return socket;
			found = socket;
			count++;
		}
		if (count)
			return count == 1 && found->epoch == ledger->epoch ? found : NULL;
	}
	return NULL;
}

/* Take a new socket in, or the next chapter of one; NULL: no memory. */
static struct socket *remember(struct ledger *ledger, const struct pt_socket *record,
			       const struct event *event, struct process *owner)
{
	struct socket *socket = find(ledger, record);

	if (!socket)
		socket = add(ledger, record);
	if (!socket)
		return NULL;
	learn(ledger, socket, record, event);
	set_holder(ledger, &socket->owner, owner);
	return socket;
}

static void name_creator(struct ledger *ledger, const struct pt_socket *record, struct event *event,
			 struct socket *socket, uint64_t boot_to_real)
{
	struct process *creator = processes_find(ledger->processes, &record->creator, boot_to_real);

	if (creator && creator != event->process)
		event->creator = creator;
	if (socket)
		set_holder(ledger, &socket->creator, creator);
}

/* An old socket: one event for all of its descriptors. */
static bool apply_open(struct ledger *ledger, const struct pt_socket *record, struct event *event,
		       struct process *owner)
{
	struct socket *socket = find(ledger, record);

	if (socket && socket->epoch == ledger->epoch) {
		if (owner && socket->owner && socket->owner != owner)
			socket->shared = true;
		return false;
	}
	socket = remember(ledger, record, event, owner);
	/* Without a descriptor it was not looked at who else has one. */
	if (socket && !record->fd)
		socket->shared = true;
	if (socket && record->kind == PT_CONNECTION)
		meet(ledger, socket, event, owner);
	return true;
}

/*
 * Who is at the other end of a connection that this end began and that was not accepted
 * yet: who is about to, or who alone can.
 */
static struct process *coming_peer(const struct ledger *ledger, const struct event *event,
				   uint64_t boot_to_real)
{
	const struct pt_who *acceptor = foresight_acceptor(ledger->foresight, event);

	if (acceptor)
		return processes_find(ledger->processes, acceptor, boot_to_real);
	return listener_at(ledger, &event->remote, event->ipv4, event->netns, true);
}

static void apply_close(struct ledger *ledger, const struct pt_socket *record, struct event *event,
			uint64_t boot_to_real)
{
	struct socket *socket = find(ledger, record), *other;

	if (socket && socket->creator != event->process)
		event->creator = socket->creator;
	/* Never accepted: it was the listener's, if that is one process. */
	if (record->attribution == PT_BY_INHERIT && !event->process) {
		event->process =
			listener_at(ledger, &event->local, event->ipv4, event->netns, false);
		if (!event->process)
			event->attribution = PT_BY_UNKNOWN;
	}
	if (record->kind == PT_CONNECTION) {
		other = other_side(ledger, event);
		event->peer = other ? other->owner : NULL;
		if (!event->peer && socket && socket->epoch == ledger->epoch)
			event->peer = socket->peer;
		if (!event->peer && event->initiator == PT_LOCAL)
			event->peer = coming_peer(ledger, event, boot_to_real);
	}
	if (socket && record->kind == PT_CONNECTION)
		retire(ledger, socket);
	else if (socket)
		forget(ledger, socket);
}

static void apply_connect(struct ledger *ledger, const struct pt_socket *record,
			  struct event *event, struct process *owner, uint64_t boot_to_real)
{
	struct socket *socket;

	if (record->error)
		return;
	/* What ended at the other side was of an earlier connection, unless this comes late. */
	if (!(record->flags & PT_LATE))
		outdate(ledger, &event->remote, &event->local, event->netns);
	socket = remember(ledger, record, event, owner);
	if (socket)
		meet(ledger, socket, event, owner);
	if (!event->peer)
		event->peer = coming_peer(ledger, event, boot_to_real);
}

static void apply_accept(struct ledger *ledger, const struct pt_socket *record, struct event *event,
			 struct process *owner)
{
	struct socket *listener = listener_of(ledger, event, owner), *socket = NULL, *other;
	struct process *creator = NULL;

	if (listener)
		creator = listener->creator ?: listener->owner;
	if (creator != owner)
		event->creator = creator;
	if (!(record->flags & PT_GONE))
		socket = remember(ledger, record, event, owner);
	if (socket) {
		set_holder(ledger, &socket->creator, creator);
		meet(ledger, socket, event, owner);
		return;
	}
	other = other_side(ledger, event);
	event->peer = other ? other->owner : NULL;
}

bool ledger_apply(struct ledger *ledger, const struct pt_socket *record, struct event *event,
		  uint64_t boot_to_real)
{
	struct process *owner = processes_find(ledger->processes, &record->owner, boot_to_real);
	struct process *actor = processes_find(ledger->processes, &record->actor, boot_to_real);
	struct socket *socket = NULL;

	event->process = owner;
	if (actor != owner)
		event->actor = actor;
	switch (record->type) {
	case PT_OPEN:
		return apply_open(ledger, record, event, owner);
	case PT_BIND:
	case PT_LISTEN:
		if (!record->error)
			socket = remember(ledger, record, event, owner);
		name_creator(ledger, record, event, socket, boot_to_real);
		break;
	case PT_CONNECT:
		apply_connect(ledger, record, event, owner, boot_to_real);
		break;
	case PT_ACCEPT:
		apply_accept(ledger, record, event, owner);
		break;
	case PT_CLOSE:
		apply_close(ledger, record, event, boot_to_real);
		break;
	default:
		break;
	}
	return true;
}
