// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Chained hashing with the full hash kept in the node, so that growing and walking
 * a chain never look at the entries themselves.
 */
#include "hash.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int hash_init(struct hash *hash, size_t size)
{
	hash->buckets = calloc(size, sizeof(struct hash_node *));
	if (!hash->buckets)
		return -ENOMEM;
	hash->mask = size - 1;
	hash->count = 0;
	return 0;
}

void hash_free(struct hash *hash)
{
	free(hash->buckets);
	*hash = (struct hash){ 0 };
}

static void insert(struct hash *hash, struct hash_node *node)
{
	struct hash_node **bucket = &hash->buckets[node->hash & hash->mask];

	node->next = *bucket;
	*bucket = node;
}

static void grow(struct hash *hash)
{
	struct hash old = *hash;

	if (hash_init(hash, (old.mask + 1) * 2)) {
		*hash = old;
		return;
	}
	hash->count = old.count;
	for (size_t i = 0; i <= old.mask; i++) {
		struct hash_node *node = old.buckets[i];

		while (node) {
			struct hash_node *next = node->next;

			insert(hash, node);
			node = next;
		}
	}
	free(old.buckets);
}

void hash_add(struct hash *hash, struct hash_node *node, uint64_t key)
{
	if (hash->count > hash->mask / 2) /* half full, as in ledger_index.c */
		grow(hash);
	node->hash = key;
	insert(hash, node);
	hash->count++;
}

void hash_remove(struct hash *hash, struct hash_node *node)
{
	struct hash_node **link = &hash->buckets[node->hash & hash->mask];

	while (*link != node)
		link = &(*link)->next;
	*link = node->next;
	hash->count--;
}

static struct hash_node *same(struct hash_node *node, uint64_t key)
{
	while (node && node->hash != key)
		node = node->next;
	return node;
}

struct hash_node *hash_first(const struct hash *hash, uint64_t key)
{
	return same(hash->buckets[key & hash->mask], key);
}

struct hash_node *hash_next(const struct hash_node *node)
{
	return same(node->next, node->hash);
}

/* The finalizer of MurmurHash3: each bit of the input changes half of the output. */
uint64_t hash_u64(uint64_t value)
{
	value ^= value >> 33;
	value *= 0xff51afd7ed558ccdULL;
	value ^= value >> 33;
	value *= 0xc4ceb9fe1a85ec53ULL;
	return value ^ value >> 33;
}

uint64_t hash_combine(uint64_t hash, uint64_t value)
{
	return hash_u64(hash * 31 + value);
}

/*
 * Both halves of a product of 128 bits, one into the other, as wyhash does it: a multiplication
 * takes 1 ns, hash_combine() of the three words 8.
 */
static uint64_t hash_address(const uint8_t ip[16], uint16_t port)
{
	unsigned __int128 product;
	uint64_t half[2];

	memcpy(half, ip, sizeof(half));
	product = (unsigned __int128)(half[0] ^ port * 0x9e3779b97f4a7c15ULL) *
		  (half[1] ^ 0xe7037ed1a0b428dbULL);
	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

uint64_t hash_pair(const uint8_t ip[16], uint16_t port, const uint8_t other_ip[16],
		   uint16_t other_port)
{
	return hash_u64(hash_address(ip, port) + hash_address(other_ip, other_port));
}
