/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Finds entries of a pool by a hash, for ledger_table.c and ledger_ahead.c alone.  As hash.c, but with
 * numbers of 32 bits: for a million sockets in two of them that is 32 MB less, and what is less is
 * sooner in the cache.
 */
#ifndef LEDGER_INDEX_H
#define LEDGER_INDEX_H

#include "ledger_pool.h"

/* An entry has a link for each index that it may be in. */
enum index_way {
	BY_SOCK,
	BY_ENDS,
	INDEX_WAYS
};

struct index_link {
	uint32_t next; /* the next entry of the same bucket; 0: none */
	uint32_t hash;
};

struct index {
	const struct pool *pool;
	enum index_way way;
	uint32_t *buckets; /* the first entry of each; 0: none */
	uint32_t mask;
	uint32_t count;
};

/* 0 or -ENOMEM.  The pool must stay where it is. */
int index_init(struct index *index, const struct pool *pool, enum index_way way);
void index_free(struct index *index);

/*
 * Put an entry in.  When there is no memory to grow the index stays as large as it
 * is and is slower, so this cannot fail.
 */
void index_add(struct index *index, struct entry *entry, uint32_t hash);
void index_remove(struct index *index, struct entry *entry);

/* The first entry of that hash, or the next after one; NULL: no more. */
struct entry *index_first(const struct index *index, uint32_t hash);
struct entry *index_next(const struct index *index, const struct entry *entry);

/* All entries, in no order: the next after one, NULL: the first. */
struct entry *index_walk(const struct index *index, const struct entry *after);

#endif
