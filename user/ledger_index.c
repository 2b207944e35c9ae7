// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * See ledger_index.h.
 */
#include "ledger_index.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ledger_table.h"

#define FIRST_SIZE 1024 /* a power of two */

/* Zeros; NULL: no memory. */
static uint32_t *buckets_new(size_t size)
{
	uint32_t *buckets = calloc(size, sizeof(*buckets)); /* pages that nobody touched yet */

	if (buckets)
		prefer_huge_pages(buckets, size * sizeof(*buckets));
	return buckets;
}

int index_init(struct index *index, const struct pool *pool, enum index_way way)
{
	*index = (struct index){ .pool = pool, .way = way, .mask = FIRST_SIZE - 1 };
	index->buckets = buckets_new(FIRST_SIZE);
	return index->buckets ? 0 : -ENOMEM;
}

void index_free(struct index *index)
{
	free(index->buckets);
	*index = (struct index){ 0 };
}

static void insert(struct index *index, struct entry *entry)
{
	struct index_link *link = &entry->links[index->way];
	uint32_t *bucket = &index->buckets[link->hash & index->mask];

	link->next = *bucket;
	*bucket = entry_number(index->pool, entry);
}

static void grow(struct index *index)
{
	size_t size = (size_t)index->mask + 1;
	uint32_t *old = index->buckets, *buckets = buckets_new(size * 2);

	if (!buckets)
		return;
	index->buckets = buckets;
	index->mask = (uint32_t)(size * 2 - 1);
	for (size_t i = 0; i < size; i++) {
		struct entry *entry = entry_at(index->pool, old[i]);

		while (entry) {
			struct entry *next = entry_at(index->pool, entry->links[index->way].next);

			insert(index, entry);
			entry = next;
		}
	}
	free(old);
}

void index_add(struct index *index, struct entry *entry, uint32_t hash)
{
	if (index->count >
	    index->mask / 2) /* half full: 9 % less for a record among 100,000 sockets */
		grow(index);
	entry->links[index->way].hash = hash;
	insert(index, entry);
	index->count++;
}

void index_remove(struct index *index, struct entry *entry)
{
	uint32_t number = entry_number(index->pool, entry);
	uint32_t *link = &index->buckets[entry->links[index->way].hash & index->mask];

	while (*link != number)
		link = &entry_at(index->pool, *link)->links[index->way].next;
	*link = entry->links[index->way].next;
	index->count--;
}

static struct entry *same(const struct index *index, uint32_t number, uint32_t hash)
{
	struct entry *entry = entry_at(index->pool, number);

	while (entry && entry->links[index->way].hash != hash)
		entry = entry_at(index->pool, entry->links[index->way].next);
	return entry;
}

struct entry *index_first(const struct index *index, uint32_t hash)
{
	return same(index, index->buckets[hash & index->mask], hash);
}

struct entry *index_next(const struct index *index, const struct entry *entry)
{
	return same(index, entry->links[index->way].next, entry->links[index->way].hash);
}

struct entry *index_walk(const struct index *index, const struct entry *after)
{
	const struct index_link *link = after ? &after->links[index->way] : NULL;
	size_t bucket = link ? (size_t)(link->hash & index->mask) + 1 : 0;
	uint32_t number = link ? link->next : 0;

	while (!number && index->buckets && bucket <= index->mask)
		number = index->buckets[bucket++];
	return entry_at(index->pool, number);
}
