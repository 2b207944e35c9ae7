// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * See ledger_table.h.  Nearly every socket has one holder: it costs no more than its
 * number.  Further ones are in a list of the socket's own, and there is a limit to it and
 * to all of them together.
 */
#include "ledger_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ledger_ahead.h"

/* Connections that ended and are still remembered: accept(2) may come after. */
#define CLOSED_MAX 8192

/* Entries that wait for the next sockets. */
#ifdef __SANITIZE_ADDRESS__ /* it shall see who uses one that was given back */
#define SPARES_MAX 0
#else
#define SPARES_MAX 256
#endif

#define OTHERS_MAX 4096        /* of one socket: a server with so many workers */
#define OTHERS_TOTAL (1 << 18) /* of all: 4 MiB */

static uint64_t hash_ends(const struct endpoint *local, const struct endpoint *remote)
{
	return hash_pair(local->ip, local->port, remote->ip, remote->port);
}

static bool same_end(const struct endpoint *a, const struct endpoint *b)
{
	return a->port == b->port && !memcmp(a->ip, b->ip, sizeof(a->ip));
}

int table_init(struct table *table, struct processes *processes)
{
	memset(table, 0, sizeof(*table));
	table->processes = processes;
	table->at_port = calloc(PORTS, sizeof(struct entry *)); /* pages that nobody touched yet */
	if (!table->at_port || hash_init(&table->by_sock, 1024) || hash_init(&table->by_ends, 1024))
		return -ENOMEM;
	return 0;
}

static void leave_ends(struct table *table, struct entry *entry)
{
	if (entry->placed)
		hash_remove(&table->by_ends, &entry->by_ends);
}

/* Port 0 has no ring: a connection without a local port is no holder of one. */
static void leave_port(struct table *table, struct entry *entry)
{
	struct entry **first = &table->at_port[entry->socket.local.port];

	if (!entry->next_at)
		return;
	if (*first == entry)
		*first = entry->next_at == entry ? NULL : entry->next_at;
	entry->prev_at->next_at = entry->next_at;
	entry->next_at->prev_at = entry->prev_at;
	entry->next_at = entry->prev_at = NULL;
}

static void join_port(struct table *table, struct entry *entry)
{
	struct entry **first = &table->at_port[entry->socket.local.port];

	if (!entry->socket.local.port)
		return;
	if (!*first) {
		*first = entry->next_at = entry->prev_at = entry;
		return;
	}
	entry->next_at = *first;
	entry->prev_at = (*first)->prev_at;
	entry->prev_at->next_at = entry->next_at->prev_at = entry;
	/* Of a port with a million accepted connections one wants the listener. */
	if (!(entry->socket.flags & PT_PASSIVE))
		*first = entry;
}

static void drop_others(struct table *table, struct entry *entry)
{
	for (uint32_t i = 0; i < entry->socket.other_count; i++)
		processes_release(table->processes, entry->socket.others[i].process);
	table->others -= entry->socket.other_count;
	free(entry->socket.others);
}

/* Sockets come and go: most need no malloc(3), a fifth less for a record. */
static struct entry *take_spare(struct table *table)
{
	struct entry *entry = table->spares;

	if (!entry)
		return calloc(1, sizeof(*entry));
	table->spares = entry->next_closed;
	table->spare_count--;
	memset(entry, 0, sizeof(*entry));
	return entry;
}

static void give_back(struct table *table, struct entry *entry)
{
	if (table->spare_count == SPARES_MAX) {
		free(entry);
		return;
	}
	entry->next_closed = table->spares;
	table->spares = entry;
	table->spare_count++;
}

void table_forget(struct table *table, struct entry *entry)
{
	if (!entry->socket.closed)
		hash_remove(&table->by_sock, &entry->by_sock);
	leave_ends(table, entry);
	leave_port(table, entry);
	drop_others(table, entry);
	processes_release(table->processes, entry->socket.owner);
	processes_release(table->processes, entry->socket.creator);
	processes_release(table->processes, entry->peer);
	give_back(table, entry);
}

static void forget_oldest_closed(struct table *table)
{
	struct entry *entry = table->oldest_closed;

	table->oldest_closed = entry->next_closed;
	if (!table->oldest_closed)
		table->newest_closed = NULL;
	if (table->oldest_closed)
		ahead_forget(table, table->oldest_closed);
	table->closed--;
	table_forget(table, entry);
}

void table_retire(struct table *table, struct entry *entry)
{
	hash_remove(&table->by_sock, &entry->by_sock);
	entry->socket.closed = true;
	if (table->newest_closed)
		table->newest_closed->next_closed = entry;
	else
		table->oldest_closed = entry;
	table->newest_closed = entry;
	if (++table->closed > CLOSED_MAX)
		forget_oldest_closed(table);
}

void table_free(struct table *table)
{
	while (table->closed)
		forget_oldest_closed(table);
	for (size_t i = 0; table->by_sock.buckets && i <= table->by_sock.mask; i++) {
		while (table->by_sock.buckets[i])
			table_forget(table,
				     HASH_ENTRY(table->by_sock.buckets[i], struct entry, by_sock));
	}
	while (table->spares)
		free(take_spare(table));
	hash_free(&table->by_sock);
	hash_free(&table->by_ends);
	free(table->at_port);
}

struct entry *table_find(struct table *table, uint64_t sock, uint64_t cookie)
{
	struct hash_node *node = hash_first(&table->by_sock, hash_u64(sock));

	for (; node; node = hash_next(node)) {
		struct entry *entry = HASH_ENTRY(node, struct entry, by_sock);

		if (entry->socket.sock != sock)
			continue;
		if (entry->socket.cookie && cookie && entry->socket.cookie != cookie) {
			table_forget(table, entry);
			return NULL;
		}
		return entry;
	}
	return NULL;
}

struct entry *table_add(struct table *table, uint64_t sock)
{
	struct entry *entry = take_spare(table);

	if (!entry)
		return NULL;
	entry->socket.sock = sock;
	hash_add(&table->by_sock, &entry->by_sock, hash_u64(sock));
	return entry;
}

void table_place(struct table *table, struct entry *entry, const struct endpoint *local,
		 const struct endpoint *remote)
{
	leave_ends(table, entry);
	leave_port(table, entry);
	entry->socket.local = *local;
	entry->socket.remote = *remote;
	hash_add(&table->by_ends, &entry->by_ends, hash_ends(local, remote));
	entry->placed = true;
	join_port(table, entry);
}

struct entry *table_between(const struct table *table, const struct endpoint *local,
			    const struct endpoint *remote, const struct entry *after)
{
	struct hash_node *node = after ? hash_next(&after->by_ends)
				       : hash_first(&table->by_ends, hash_ends(local, remote));

	for (; node; node = hash_next(node)) {
		struct entry *entry = HASH_ENTRY(node, struct entry, by_ends);

		if (same_end(&entry->socket.local, local) &&
		    same_end(&entry->socket.remote, remote))
			return entry;
	}
	return NULL;
}

struct entry *table_at_port(const struct table *table, uint16_t port, const struct entry *after)
{
	struct entry *first = table->at_port[port];

	if (!after)
		return first;
	return after->next_at == first ? NULL : after->next_at;
}

struct entry *table_next(const struct table *table, const struct entry *after)
{
	size_t bucket = after ? (after->by_sock.hash & table->by_sock.mask) + 1 : 0;
	struct hash_node *node = after ? after->by_sock.next : NULL;

	while (!node && table->by_sock.buckets && bucket <= table->by_sock.mask)
		node = table->by_sock.buckets[bucket++];
	return node ? HASH_ENTRY(node, struct entry, by_sock) : NULL;
}

void table_hold(struct table *table, struct process **holder, struct process *process)
{
	struct process *before = *holder;

	*holder = processes_hold(process);
	processes_release(table->processes, before);
}

/* Room for one more; false: there is none. */
static bool grow(struct table *table, struct socket *socket)
{
	uint32_t count = socket->other_count;
	struct holder *longer;

	if (count >= OTHERS_MAX || table->others >= OTHERS_TOTAL)
		return false;
	if (count & (count - 1)) /* it grows when it is full: at a power of two */
		return true;
	longer = reallocarray(socket->others, count ? 2 * (size_t)count : 1, sizeof(*longer));
	if (longer)
		socket->others = longer;
	return longer;
}

void table_share(struct table *table, struct entry *entry, struct process *process, uint32_t fd)
{
	struct socket *socket = &entry->socket;
	struct holder holder;

	if (process != socket->owner)
		entry->shared = true;
	for (size_t i = 0; socket_holder(socket, i, &holder); i++)
		if (holder.process == process && holder.fd == fd)
			return;
	if (!grow(table, socket)) {
		socket->unlisted++;
		return;
	}
	socket->others[socket->other_count++] = (struct holder){ processes_hold(process), fd };
	table->others++;
}

/* The first descriptor of a process among the others, which then is there no more; 0: none. */
static uint32_t take_other(struct table *table, struct socket *socket, struct process *process)
{
	for (uint32_t i = 0; i < socket->other_count; i++) {
		uint32_t fd = socket->others[i].fd;

		if (socket->others[i].process != process)
			continue;
		/* The last one takes its place; the size of the list is known by its length. */
		socket->others[i] = socket->others[--socket->other_count];
		table->others--;
		processes_release(table->processes, process);
		return fd;
	}
	return 0;
}

void table_own(struct table *table, struct entry *entry, struct process *owner)
{
	struct socket *socket = &entry->socket;
	struct holder before = { socket->owner, socket->fd };

	if (before.process == owner)
		return;
	processes_hold(before.process);
	socket->fd = owner ? take_other(table, socket, owner) : 0;
	table_hold(table, &socket->owner, owner);
	if (before.process && before.fd)
		table_share(table, entry, before.process, before.fd);
	processes_release(table->processes, before.process);
}
