/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where the entries of a ledger lie, for ledger_table.c and ledger_index.c alone: one array that
 * never moves.  So they know each other by numbers of 32 bits instead of addresses, and a
 * million of them lie in some hundred huge pages, if the kernel has any.
 */
#ifndef LEDGER_POOL_H
#define LEDGER_POOL_H

#include <stddef.h>
#include <stdint.h>

struct entry;

struct pool {
	struct entry *entries; /* [0] is nobody's */
	size_t room;           /* bytes of address space; the array takes memory as it grows */
	size_t backed;         /* bytes that have memory */
	uint32_t made;         /* entries that were taken at least once, and [0] */
	uint32_t spare;        /* the first of those given back; 0: none */
};

/* 0 or -ENOMEM; pool_free() is right after both, and after zeros. */
int pool_init(struct pool *pool);
void pool_free(struct pool *pool);

/* An entry of zeros; NULL: no memory, or the machine has no room for so many sockets. */
struct entry *pool_take(struct pool *pool);
/* The next one that is taken: it is in the cache. */
void pool_give(struct pool *pool, struct entry *entry);

/* Let the kernel use huge pages for memory of any alignment: fewer addresses to translate. */
void prefer_huge_pages(void *memory, size_t size);

#endif
