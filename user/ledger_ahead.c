// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * See ledger_ahead.h.
 */
#include "ledger_ahead.h"

#include "hash.h"
#include "ledger_table.h"
#include "porttrace/wire.h"

#define CACHE_LINE 64

static const uint32_t *bucket(const struct index *index, uint64_t hash)
{
	return &index->buckets[hash & index->mask];
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

/* Of number 0 too: to fetch what is not there does no harm, and is less than a branch. */
static const struct entry *entry(const struct table *table, uint32_t number)
{
	return &table->pool.entries[number];
}

void ahead_entries(const struct table *table, const struct pt_socket *record)
{
	fetch(entry(table, *bucket(&table->by_sock, hash_u64(record->sock))));
	__builtin_prefetch(&entry(table, table->at_port[record->local_port])->next_at);
	__builtin_prefetch(
		&entry(table, *bucket(&table->by_ends, ends_of(record)))->links[BY_ENDS]);
}

/* The one after it is fetched whole, so that this one is there by now. */
void ahead_forget(const struct table *table, const struct entry *next)
{
	__builtin_prefetch(bucket(&table->by_ends, next->links[BY_ENDS].hash));
	__builtin_prefetch(&table->at_port[next->socket.local.port]);
	__builtin_prefetch(&entry(table, next->next_at)->prev_at);
	__builtin_prefetch(&entry(table, next->prev_at)->next_at);
	fetch(entry(table, next->next_closed));
}
