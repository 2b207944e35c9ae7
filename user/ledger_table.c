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

#include "hash.h"
#include "ledger_ahead.h"

/* Connections that ended and are still remembered: accept(2) may come after. */
#define CLOSED_MAX 8192

#define OTHERS_MAX 4096        /* of one socket: a server with so many workers */
#define OTHERS_TOTAL (1 << 18) /* of all: 4 MiB */

static uint32_t hash_sock(uint64_t sock)
{
	return (uint32_t)hash_u64(sock);
}

static uint32_t hash_ends(const struct endpoint *local, const struct endpoint *remote)
{
	return (uint32_t)hash_pair(local->ip, local->port, remote->ip, remote->port);
}

static bool same_end(const struct endpoint *a, const struct endpoint *b)
{
	return a->port == b->port && !memcmp(a->ip, b->ip, sizeof(a->ip));
}

int table_init(struct table *table, struct processes *processes)
{
	memset(table, 0, sizeof(*table));
	table->processes = processes;
	table->at_port = calloc(PORTS, sizeof(uint32_t)); /* pages that nobody touched yet */
	if (!table->at_port || pool_init(&table->pool) ||
	    index_init(&table->by_sock, &table->pool, BY_SOCK) ||
	    index_init(&table->by_ends, &table->pool, BY_ENDS))
		return -ENOMEM;
	return 0;
}

static void leave_ends(struct table *table, struct entry *entry)
{
	if (entry->placed)
		index_remove(&table->by_ends, entry);
}

/* Port 0 has no ring: a connection without a local port is no holder of one. */
static void leave_port(struct table *table, struct entry *entry)
{
	uint32_t *first = &table->at_port[entry->socket.local.port];
	uint32_t number = entry_number(&table->pool, entry);

	if (!entry->next_at)
		return;
	if (*first == number)
		*first = entry->next_at == number ? 0 : entry->next_at;
	entry_at(&table->pool, entry->prev_at)->next_at = entry->next_at;
	entry_at(&table->pool, entry->next_at)->prev_at = entry->prev_at;
	entry->next_at = entry->prev_at = 0;
}

static void join_port(struct table *table, struct entry *entry)
{
	uint32_t *first = &table->at_port[entry->socket.local.port];
	uint32_t number = entry_number(&table->pool, entry);
	struct entry *next;

	if (!entry->socket.local.port)
		return;
	if (!*first) {
		*first = entry->next_at = entry->prev_at = number;
		return;
	}
	next = entry_at(&table->pool, *first);
	entry->next_at = *first;
	entry->prev_at = next->prev_at;
	entry_at(&table->pool, entry->prev_at)->next_at = next->prev_at = number;
	/* Of a port with a million accepted connections one wants the listener. */
	if (!(entry->socket.flags & PT_PASSIVE))
		*first = number;
}

static void drop_others(struct table *table, struct socket *socket)
{
	if (!socket->others)
		return;
	for (uint32_t i = 0; i < socket->others->count; i++)
		processes_release(table->processes, socket->others->list[i].process);
	table->others -= socket->others->count;
	free(socket->others);
}

void table_forget(struct table *table, struct entry *entry)
{
	if (!entry->socket.closed)
		index_remove(&table->by_sock, entry);
	leave_ends(table, entry);
	leave_port(table, entry);
	drop_others(table, &entry->socket);
	processes_release(table->processes, entry->socket.owner);
	processes_release(table->processes, entry->socket.creator);
	processes_release(table->processes, entry->peer);
	pool_give(&table->pool, entry);
}

static void forget_oldest_closed(struct table *table)
{
	struct entry *entry = entry_at(&table->pool, table->oldest_closed);

	table->oldest_closed = entry->next_closed;
	if (table->oldest_closed)
		ahead_forget(table, entry_at(&table->pool, table->oldest_closed));
	else
		table->newest_closed = 0;
	table->closed--;
	table_forget(table, entry);
}

void table_retire(struct table *table, struct entry *entry)
{
	uint32_t number = entry_number(&table->pool, entry);

	index_remove(&table->by_sock, entry);
	entry->socket.closed = true;
	if (table->newest_closed)
		entry_at(&table->pool, table->newest_closed)->next_closed = number;
	else
		table->oldest_closed = number;
	table->newest_closed = number;
	if (++table->closed > CLOSED_MAX)
		forget_oldest_closed(table);
}

void table_free(struct table *table)
{
	struct entry *next, *entry;

	while (table->closed)
		forget_oldest_closed(table);
	for (entry = table_next(table, NULL); entry; entry = next) {
		next = table_next(table, entry);
		table_forget(table, entry);
	}
	index_free(&table->by_sock);
	index_free(&table->by_ends);
	pool_free(&table->pool);
	free(table->at_port);
}

struct entry *table_find(struct table *table, uint64_t sock, uint64_t cookie)
{
	struct entry *entry = index_first(&table->by_sock, hash_sock(sock));

	while (entry && entry->socket.sock != sock)
		entry = index_next(&table->by_sock, entry);
	if (entry && entry->socket.cookie && cookie && entry->socket.cookie != cookie) {
		table_forget(table, entry);
		return NULL;
	}
	return entry;
}

struct entry *table_add(struct table *table, uint64_t sock)
{
	struct entry *entry = pool_take(&table->pool);

	if (!entry)
		return NULL;
	entry->socket.sock = sock;
	index_add(&table->by_sock, entry, hash_sock(sock));
	return entry;
}

void table_place(struct table *table, struct entry *entry, const struct endpoint *local,
		 const struct endpoint *remote)
{
	leave_ends(table, entry);
	leave_port(table, entry);
	entry->socket.local = *local;
	entry->socket.remote = *remote;
	index_add(&table->by_ends, entry, hash_ends(local, remote));
	entry->placed = true;
	join_port(table, entry);
}

struct entry *table_between(const struct table *table, const struct endpoint *local,
			    const struct endpoint *remote, const struct entry *after)
{
	struct entry *entry = after ? index_next(&table->by_ends, after)
				    : index_first(&table->by_ends, hash_ends(local, remote));

	while (entry &&
	       !(same_end(&entry->socket.local, local) && same_end(&entry->socket.remote, remote)))
		entry = index_next(&table->by_ends, entry);
	return entry;
}

struct entry *table_at_port(const struct table *table, uint16_t port, const struct entry *after)
{
	uint32_t first = table->at_port[port];

	if (!after)
		return entry_at(&table->pool, first);
	return after->next_at == first ? NULL : entry_at(&table->pool, after->next_at);
}

struct entry *table_next(const struct table *table, const struct entry *after)
{
	return index_walk(&table->by_sock, after);
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
	uint32_t count = socket->others ? socket->others->count : 0;
	size_t room = count ? 2 * (size_t)count : 1;
	struct holders *longer;

	if (count >= OTHERS_MAX || table->others >= OTHERS_TOTAL)
		return false;
	if (count & (count - 1)) /* it grows when it is full: at a power of two */
		return true;
	longer = realloc(socket->others, sizeof(*longer) + room * sizeof(longer->list[0]));
	if (!longer)
		return false;
	if (!socket->others)
		*longer = (struct holders){ 0 };
	socket->others = longer;
	return true;
}

static void leave_off(struct socket *socket)
{
	if (!socket->others)
		socket->others = calloc(1, sizeof(*socket->others));
	if (socket->others)
		socket->others->unlisted++;
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
		leave_off(socket);
		return;
	}
	socket->others->list[socket->others->count++] =
		(struct holder){ processes_hold(process), fd };
	table->others++;
}

/* The first descriptor of a process among the others, which then is there no more; 0: none. */
static uint32_t take_other(struct table *table, struct socket *socket, struct process *process)
{
	struct holders *others = socket->others;

	for (uint32_t i = 0; others && i < others->count; i++) {
		uint32_t fd = others->list[i].fd;

		if (others->list[i].process != process)
			continue;
		/* The last one takes its place; the size of the list is known by its length. */
		others->list[i] = others->list[--others->count];
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
