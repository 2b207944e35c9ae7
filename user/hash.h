/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * An intrusive hash table: a struct that wants to be in one has a struct hash_node,
 * and the caller compares.  It grows and never shrinks; it owns its buckets only.
 */
#ifndef HASH_H
#define HASH_H

#include <stddef.h>
#include <stdint.h>

struct hash_node {
	struct hash_node *next;
	uint64_t hash;
};

struct hash {
	struct hash_node **buckets;
	size_t mask;
	size_t count;
};

/* 0 or -ENOMEM.  size: a power of two. */
int hash_init(struct hash *hash, size_t size);
void hash_free(struct hash *hash);

/*
 * Put a node in.  When there is no memory to grow the table stays as large as it
 * is and is slower, so this cannot fail.
 */
void hash_add(struct hash *hash, struct hash_node *node, uint64_t key);
void hash_remove(struct hash *hash, struct hash_node *node);

/* The first node of that hash, or the next after one; NULL: no more. */
struct hash_node *hash_first(const struct hash *hash, uint64_t key);
struct hash_node *hash_next(const struct hash_node *node);

/* Well mixed hashes of what keys are made of. */
uint64_t hash_u64(uint64_t value);
uint64_t hash_combine(uint64_t hash, uint64_t value);
/* Of two addresses with their ports, the same in either order: both ends of a connection lie together. */
uint64_t hash_pair(const uint8_t ip[16], uint16_t port, const uint8_t other_ip[16],
		   uint16_t other_port);

#define HASH_ENTRY(node, type, member) ((type *)((char *)(node)-offsetof(type, member)))

#endif
