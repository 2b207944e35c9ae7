// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * See ledger_ahead.h.
 */
#include "ledger_ahead.h"

#include "ledger_table.h"
#include "porttrace/wire.h"

#define CACHE_LINE 64

static struct hash_node *const *bucket(const struct hash *hash, uint64_t key)
{
	return &hash->buckets[key & hash->mask];
}

static uint64_t ends_of(const struct pt_socket *record)
{
	return hash_pair(record->local_ip, record->local_port, record->remote_ip,
			 record->remote_port);
}

static void fetch(const struct entry *entry)
{
	for (size_t at = 0; at < sizeof(*entry); at += CACHE_LINE)
		__builtin_prefetch((const char *)entry + at);
}

void ahead_buckets(const struct table *table, const struct pt_socket *record)
{
	__builtin_prefetch(bucket(&table->by_sock, hash_u64(record->sock)));
	__builtin_prefetch(bucket(&table->by_ends, ends_of(record)));
	__builtin_prefetch(&table->at_port[record->local_port]);
}

void ahead_entries(const struct table *table, const struct pt_socket *record)
{
	const struct hash_node *sock = *bucket(&table->by_sock, hash_u64(record->sock));
	const struct entry *at_port = table->at_port[record->local_port];

	if (sock)
		fetch(HASH_ENTRY(sock, struct entry, by_sock));
	if (at_port)
		__builtin_prefetch(&at_port->next_at);
	__builtin_prefetch(*bucket(&table->by_ends, ends_of(record)));
}

/* The one after it is fetched whole, so that this one is there by now. */
void ahead_forget(const struct table *table, const struct entry *next)
{
	__builtin_prefetch(bucket(&table->by_ends, next->by_ends.hash));
	__builtin_prefetch(&table->at_port[next->socket.local.port]);
	if (next->next_at) {
		__builtin_prefetch(&next->next_at->prev_at);
		__builtin_prefetch(&next->prev_at->next_at);
	}
	if (next->next_closed)
		fetch(next->next_closed);
}
