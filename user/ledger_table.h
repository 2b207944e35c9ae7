/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The table behind ledger*.c, for them alone: sockets are found by their address in the
 * kernel, by their two ends, and by their local port.  What a record means is no
 * business of this file.
 */
#ifndef LEDGER_TABLE_H
#define LEDGER_TABLE_H

#include "ledger_index.h"
#include "processes.h"
#include "socket.h"

#define PORTS 65536

struct entry {
	struct socket socket; /* first: what the others may read */
	struct index_link links[INDEX_WAYS];
	uint32_t next_at, prev_at; /* a ring of those with the same local port; 0: not in one */
	struct process *peer;      /* held; whose socket the other side is, once accepted */
	uint64_t alone;       /* boot time at which its owner was known to be the only holder */
	uint32_t next_closed; /* of those that ended, or of the pool's spares; 0: the last */
	uint32_t epoch;       /* that of the table when the socket was last heard of */
	bool placed;          /* it is in by_ends */
	bool shared;          /* another process has a descriptor of it */
	bool guessed;         /* peer has the listener there, but did not accept yet */
};

/* Entries by their numbers; 0: none. */
static inline struct entry *entry_at(const struct pool *pool, uint32_t number)
{
	return number ? &pool->entries[number] : NULL;
}

static inline uint32_t entry_number(const struct pool *pool, const struct entry *entry)
{
	return (uint32_t)(entry - pool->entries);
}

struct table {
	struct pool pool;
	struct index by_sock, by_ends;
	uint32_t *at_port; /* PORTS rings: those who hold a port, then accepted connections */
	uint32_t oldest_closed, newest_closed;
	size_t closed;
	size_t others; /* holders in all sockets' lists */
	struct processes *processes;
	uint32_t epoch; /* counts the losses */
};

/* 0 or -ENOMEM; table_free() is right after both.  The table must stay where it is. */
int table_init(struct table *table, struct processes *processes);
void table_free(struct table *table);

/* The living socket at that address.  One with another cookie is gone, and forgotten. */
struct entry *table_find(struct table *table, uint64_t sock, uint64_t cookie);
/* A new one, nowhere yet; NULL: no memory. */
struct entry *table_add(struct table *table, uint64_t sock);
/* Its two ends as they are now. */
void table_place(struct table *table, struct entry *entry, const struct endpoint *local,
		 const struct endpoint *remote);
void table_forget(struct table *table, struct entry *entry);
/* It ended: found by its ends and its port only, until CLOSED_MAX others ended. */
void table_retire(struct table *table, struct entry *entry);

/*
 * The next socket with these two ends after one, NULL: the first.  The namespace is not
 * looked at: the two ends of a veth connection are in two of them.
 */
struct entry *table_between(const struct table *table, const struct endpoint *local,
			    const struct endpoint *remote, const struct entry *after);
/* The next socket with that local port. */
struct entry *table_at_port(const struct table *table, uint16_t port, const struct entry *after);
/* The next of the living. */
struct entry *table_next(const struct table *table, const struct entry *after);

/* Nothing was lost since the socket was last heard of. */
static inline bool table_trusts(const struct table *table, const struct entry *entry)
{
	return entry->epoch == table->epoch;
}

/* Let a socket hold another process, or none. */
void table_hold(struct table *table, struct process **holder, struct process *process);
/* Who owned it before stays a holder if a descriptor is known. */
void table_own(struct table *table, struct entry *entry, struct process *owner);
/* One more descriptor, + 1, that holds it. */
void table_share(struct table *table, struct entry *entry, struct process *process, uint32_t fd);

#endif
