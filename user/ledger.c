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
#include "ledger_table.h"

#define TCP_ESTABLISHED 1 /* include/net/tcp_states.h */
#define TCP_TIME_WAIT 6
#define TCP_CLOSE 7
#define TCP_LISTEN 10

struct ledger {
	struct table table;
	const struct foresight *foresight;
	/* The listener that was closed last, and by whom. */
	struct {
		struct endpoint local;
		uint32_t netns;
		struct pt_who by;
	} stopped;
};

static const struct endpoint nowhere;

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
	return ((const struct entry *)socket)->epoch == ledger->table.epoch;
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
		if (entry->epoch != ledger->table.epoch)
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
static struct entry *other_side(const struct ledger *ledger, const struct event *event)
{
	bool stays = is_loopback(&event->local) || is_loopback(&event->remote);
	struct entry *entry = NULL, *near = NULL, *far = NULL;
	size_t far_count = 0;

	while ((entry = table_between(&ledger->table, &event->remote, &event->local, entry))) {
		if (entry->epoch != ledger->table.epoch || entry->socket.kind == PT_DATAGRAM)
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

const struct socket *ledger_other_side(const struct ledger *ledger, const struct event *event)
{
	return (const struct socket *)other_side(ledger, event);
}

/* Name the process at the other side, and let both sockets remember each other's. */
static void meet(struct ledger *ledger, struct entry *entry, struct event *event,
		 struct process *owner)
{
	struct entry *other = other_side(ledger, event);

	if (!other)
		return;
	event->peer = other->socket.owner;
	if (other->socket.owner) {
		table_hold(&ledger->table, &entry->peer, other->socket.owner);
		entry->guessed = false;
	}
	if (owner) {
		table_hold(&ledger->table, &other->peer, owner);
		other->guessed = false;
	}
}

/* Another process may have the listener's descriptor: a child since its last fork. */
static bool is_shared(const struct entry *listener)
{
	const struct process *owner = listener->socket.owner;

	return listener->shared || !owner || processes_exited(owner) ||
	       processes_forked(owner) >= listener->alone;
}

/* The next listener of netns at that address and port but for those with a flag of without. */
static struct entry *next_listener(const struct ledger *ledger, const struct endpoint *at,
				   uint32_t netns, uint8_t without, struct entry *after)
{
	while ((after = table_between(&ledger->table, at, &nowhere, after)))
		if (after->socket.kind == PT_LISTENER && after->socket.netns == netns &&
		    !(after->socket.flags & without))
			break;
	return after;
}

/* Which listeners are looked for. */
struct wanted {
	uint32_t netns;
	uint64_t before; /* only those that listened already at that boot time */
	bool alone;      /* only if no other process can accept there */
};

/*
 * Look for listeners at an address and port, but for those with a flag of without; *owner
 * becomes their only process, and stays NULL where there are several, or where it is dead:
 * then somebody else has the listener.  The number that was found.
 */
static size_t listeners_at(const struct ledger *ledger, const struct endpoint *at,
			   const struct wanted *wanted, uint8_t without, struct process **owner)
{
	struct entry *entry = NULL;
	struct process *only = NULL;
	bool several = false;
	size_t found = 0;

	while ((entry = next_listener(ledger, at, wanted->netns, without, entry))) {
		if (entry->socket.since > wanted->before)
			continue;
		several |= entry->epoch != ledger->table.epoch ||
			   (found && entry->socket.owner != only) ||
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

/*
 * The process that listens where a connection goes.  Alone means also wherever "there" is:
 * to another address than loopback a connection may leave this machine, or be translated.
 */
static struct process *listener_at(const struct ledger *ledger, const struct endpoint *at,
				   bool ipv4, const struct wanted *wanted)
{
	int places = wanted->alone && !is_loopback(at) ? 1 : PLACES;
	struct process *owner = NULL;
	struct endpoint place;
	uint8_t without;

	for (int i = 0; i < places; i++)
		if (listening_place(at, ipv4, i, &place, &without) &&
		    listeners_at(ledger, &place, wanted, without, &owner))
			break;
	return owner;
}

/*
 * Look for UDP sockets with these two ends, but for those with a flag of without; *owner becomes
 * their only process, and stays NULL where there are several.  The number that was found.
 */
static size_t datagrams_between(const struct ledger *ledger, const struct endpoint *local,
				const struct endpoint *remote, uint32_t netns, uint8_t without,
				struct process **owner)
{
	struct process *only = NULL;
	struct entry *entry = NULL;
	bool several = false;
	size_t found = 0;

	while ((entry = table_between(&ledger->table, local, remote, entry))) {
		if (entry->socket.kind != PT_DATAGRAM || entry->socket.netns != netns ||
		    entry->socket.flags & without)
			continue;
		several |= entry->epoch != ledger->table.epoch || is_shared(entry) ||
			   (found && entry->socket.owner != only);
		only = entry->socket.owner;
		found++;
	}
	if (found && !several)
		*owner = only;
	return found;
}

/*
 * The listener that a process accepted a connection from.  Of several at one address
 * the one that is its own; NULL if that can't be told.
 */
static struct entry *listener_of(const struct ledger *ledger, const struct event *event,
				 const struct process *acceptor)
{
	struct endpoint place;
	uint8_t without;

	for (int i = 0; i < PLACES; i++) {
		struct entry *entry = NULL, *found = NULL;
		size_t count = 0;

		if (!listening_place(&event->local, event->ipv4, i, &place, &without))
			continue;
		while ((entry = next_listener(ledger, &place, event->netns, without, entry))) {
			if (entry->socket.owner == acceptor)
				return entry;
			found = entry;
			count++;
		}
		if (count)
			return count == 1 && found->epoch == ledger->table.epoch ? found : NULL;
	}
	return NULL;
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

	if (entry && entry->epoch == ledger->table.epoch) {
		if (owner && record->fd)
			table_share(&ledger->table, entry, owner, record->fd);
		return false;
	}
	entry = remember(ledger, record, event, owner);
	/* Without a descriptor it was not looked at who else has one. */
	if (entry && !record->fd)
		entry->shared = true;
	if (entry && record->kind == PT_CONNECTION)
		meet(ledger, entry, event, owner);
	return true;
}

static struct process *foreseen(const struct ledger *ledger, const struct event *event,
				uint64_t boot_to_real)
{
	const struct pt_who *acceptor = foresight_acceptor(ledger->foresight, event);

	return acceptor ? processes_find(ledger->table.processes, acceptor, boot_to_real) : NULL;
}

/*
 * Who is at the other end of a connection that this end began and that was not accepted
 * yet: who is about to, or who alone can.
 */
static struct process *coming_peer(const struct ledger *ledger, const struct event *event,
				   uint64_t boot_to_real)
{
	struct wanted wanted = { .netns = event->netns, .before = UINT64_MAX, .alone = true };

	return foreseen(ledger, event, boot_to_real)
		       ?: listener_at(ledger, &event->remote, event->ipv4, &wanted);
}

/* The peer was to accept, and died; a child that it had since may have the listener. */
static bool is_outlived(const struct entry *entry)
{
	return entry->guessed && entry->peer && processes_exited(entry->peer) &&
	       processes_forked(entry->peer) >= entry->alone;
}

/* Who was at the other end of a connection that ends. */
static struct process *leaving_peer(const struct ledger *ledger, const struct entry *entry,
				    const struct event *event, uint64_t boot_to_real)
{
	struct entry *other = other_side(ledger, event);
	struct process *peer = other ? other->socket.owner : NULL;

	if (!peer && event->initiator == PT_LOCAL)
		peer = foreseen(ledger, event, boot_to_real);
	if (!peer && entry && entry->epoch == ledger->table.epoch && !is_outlived(entry))
		peer = entry->peer;
	return peer;
}

static void note_stopped(struct ledger *ledger, const struct pt_socket *record,
			 const struct event *event)
{
	ledger->stopped.local = event->local;
	ledger->stopped.netns = event->netns;
	ledger->stopped.by = record->actor;
}

/* Whether the connection waited in the listener that was closed last, by the same process. */
static bool was_in_queue(const struct ledger *ledger, const struct pt_socket *record,
			 const struct event *event)
{
	struct endpoint place;
	uint8_t without;

	if (ledger->stopped.netns != event->netns ||
	    ledger->stopped.by.tgid != record->actor.tgid ||
	    ledger->stopped.by.start != record->actor.start)
		return false;
	for (int i = 0; i < PLACES; i++)
		if (listening_place(&event->local, event->ipv4, i, &place, &without) &&
		    place.port == ledger->stopped.local.port &&
		    !memcmp(place.ip, ledger->stopped.local.ip, sizeof(place.ip)))
			return true;
	return false;
}

/*
 * Whose a connection was that nobody accepted: the listener's.  A listener takes its queue
 * with it, right after its own end was told: then whoever closed it had it, and who listens
 * there now has nothing to do with it.
 */
static struct process *queue_owner(const struct ledger *ledger, const struct pt_socket *record,
				   const struct entry *entry, const struct event *event,
				   uint64_t boot_to_real)
{
	struct wanted wanted = { .netns = event->netns };

	if (record->actor.tgid)
		return was_in_queue(ledger, record, event)
			       ? processes_find(ledger->table.processes, &record->actor,
						boot_to_real)
			       : NULL;
	/* For somebody else, or nobody knows when. */
	if ((record->close_how == PT_RESET && record->close_by == PT_LOCAL) ||
	    record->flags & PT_GONE)
		return NULL;
	if (!entry && record->duration)
		wanted.before = record->time - record->duration;
	return listener_at(ledger, &event->local, event->ipv4, &wanted);
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
		event->process = queue_owner(ledger, record, entry, event, boot_to_real);
		if (!event->process)
			event->attribution = PT_BY_UNKNOWN;
		if (event->actor == event->process)
			event->actor = NULL;
	}
	if (record->kind == PT_CONNECTION)
		event->peer = leaving_peer(ledger, entry, event, boot_to_real);
	if (record->kind == PT_LISTENER)
		note_stopped(ledger, record, event);
	if (entry && record->kind == PT_CONNECTION)
		retire(ledger, entry, record);
	else if (entry)
		table_forget(&ledger->table, entry);
}

/*
 * Who is at the other end of a UDP socket's exchange: who alone has the socket there.  But for
 * loopback one that is bound to any address may be another machine's.
 */
static struct process *datagram_peer(const struct ledger *ledger, const struct event *event)
{
	int places = is_loopback(&event->remote) ? PLACES : 1;
	struct process *owner = NULL;
	struct endpoint place;
	uint8_t without;

	if (!event->remote.port)
		return NULL;
	if (datagrams_between(ledger, &event->remote, &event->local, event->netns, 0, &owner))
		return owner;
	for (int i = 0; i < places; i++)
		if (listening_place(&event->remote, event->ipv4, i, &place, &without) &&
		    datagrams_between(ledger, &place, &nowhere, event->netns, without, &owner))
			break;
	return owner;
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

		bound.remote = nowhere;
		entry = remember(ledger, record, &bound, owner);
	}
	if (entry && entry->socket.creator != owner)
		event->creator = entry->socket.creator;
	if (!record->error)
		event->peer = datagram_peer(ledger, event);
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
		meet(ledger, entry, event, owner);
	if (event->peer)
		return;
	peer = coming_peer(ledger, event, boot_to_real);
	event->peer = peer;
	if (entry) {
		table_hold(&ledger->table, &entry->peer, peer);
		entry->guessed = true;
	}
}

static void apply_accept(struct ledger *ledger, const struct pt_socket *record, struct event *event,
			 struct process *owner)
{
	struct entry *listener = listener_of(ledger, event, owner), *entry = NULL, *other;
	struct process *creator = NULL;

	if (listener)
		creator = listener->socket.creator ?: listener->socket.owner;
	if (creator != owner)
		event->creator = creator;
	if (!(record->flags & PT_GONE))
		entry = remember(ledger, record, event, owner);
	if (entry) {
		table_hold(&ledger->table, &entry->socket.creator, creator);
		meet(ledger, entry, event, owner);
		return;
	}
	other = other_side(ledger, event);
	event->peer = other ? other->socket.owner : NULL;
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
		apply_accept(ledger, record, event, owner);
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
