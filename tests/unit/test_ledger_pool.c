// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * ledger_pool.c and ledger_index.c: entries stay where they are and are used again, what goes into an
 * index is found, what goes out is not, growing loses nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "ledger_table.h"

/* More than lie in one huge page. */
#define MANY 40000

static void test_pool_nothing(void **state)
{
	struct pool pool;

	(void)state;
	assert_int_equal(pool_init(&pool), 0);
	assert_int_equal(pool.backed, 0);
	pool_free(&pool);
	assert_null(pool.entries);
	pool_free(&pool);
}

static bool is_zero(const struct entry *entry)
{
	static const struct entry zero;

	return !memcmp(entry, &zero, sizeof(zero));
}

static void test_pool_entries(void **state)
{
	struct entry **entries = calloc(MANY, sizeof(*entries));
	struct pool pool;

	(void)state;
	assert_non_null(entries);
	assert_int_equal(pool_init(&pool), 0);
	for (uint32_t i = 0; i < MANY; i++) {
		entries[i] = pool_take(&pool);
		assert_true(entries[i] != pool.entries); /* [0] */
		assert_true(is_zero(entries[i]));
		memset(entries[i], 0xff, sizeof(*entries[i]));
		entries[i]->socket.sock = i;
	}
	assert_true(pool.backed >= MANY * sizeof(struct entry));
	for (uint32_t i = 0; i < MANY; i++)
		assert_int_equal(entries[i]->socket.sock, i);

	/* Who was given back last comes first, and there are no more than before. */
	for (uint32_t i = 0; i < MANY; i += 2)
		pool_give(&pool, entries[i]);
	for (uint32_t i = MANY; i > 0; i -= 2) {
		assert_ptr_equal(pool_take(&pool), entries[i - 2]);
		assert_true(is_zero(entries[i - 2]));
		assert_int_equal(entries[i - 1]->socket.sock, i - 1);
	}
	assert_int_equal(pool.made, MANY + 1);
	pool_free(&pool);
	free(entries);
}

/* Less room than asked for, and then none: NULL, and what is there stays. */
static void test_pool_full(void **state)
{
	struct entry *entry, *last = NULL;
	struct pool pool;
	size_t count = 0;

	(void)state;
	assert_int_equal(pool_init(&pool), 0);
	pool.room = 4 << 20;
	while ((entry = pool_take(&pool))) {
		last = entry;
		count++;
	}
	assert_int_equal(count + 1, pool.room / sizeof(struct entry));
	assert_null(pool_take(&pool));
	pool_give(&pool, last);
	assert_ptr_equal(pool_take(&pool), last);
	assert_null(pool_take(&pool));
	pool_free(&pool);
}

/* --- the index ------------------------------------------------------------------------ */

struct fixture {
	struct pool pool;
	struct index index;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	*state = f;
	return f && !pool_init(&f->pool) ? index_init(&f->index, &f->pool, BY_ENDS) : -1;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	index_free(&f->index);
	assert_null(f->index.buckets);
	index_free(&f->index);
	pool_free(&f->pool);
	free(f);
	return 0;
}

static struct entry *add(struct fixture *f, uint64_t value, uint32_t hash)
{
	struct entry *entry = pool_take(&f->pool);

	assert_non_null(entry);
	entry->socket.sock = value;
	index_add(&f->index, entry, hash);
	return entry;
}

static struct entry *look(const struct fixture *f, uint64_t value)
{
	struct entry *entry = index_first(&f->index, (uint32_t)hash_u64(value));

	while (entry && entry->socket.sock != value)
		entry = index_next(&f->index, entry);
	return entry;
}

static size_t walk(const struct fixture *f)
{
	size_t count = 0;

	for (struct entry *entry = NULL; (entry = index_walk(&f->index, entry));)
		count++;
	return count;
}

static void test_index_empty(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(f->index.count, 0);
	assert_null(index_first(&f->index, 0));
	assert_null(index_first(&f->index, UINT32_MAX));
	assert_int_equal(walk(f), 0);
}

static void test_index_grows(void **state)
{
	struct entry **entries = calloc(MANY, sizeof(*entries));
	struct fixture *f = *state;

	assert_non_null(entries);
	for (uint32_t i = 0; i < MANY; i++) {
		entries[i] = add(f, i, (uint32_t)hash_u64(i));
		assert_int_equal(f->index.count, i + 1);
	}
	/* It grew with its content: a chain is about one long. */
	assert_true(f->index.mask + 1 >= MANY);
	assert_true(f->index.mask < 4UL * MANY);
	assert_int_equal(walk(f), MANY);
	for (uint32_t i = 0; i < MANY; i++)
		assert_ptr_equal(look(f, i), entries[i]);
	assert_null(look(f, MANY));

	for (uint32_t i = 0; i < MANY; i += 2)
		index_remove(&f->index, entries[i]);
	assert_int_equal(walk(f), MANY / 2);
	for (uint32_t i = 0; i < MANY; i++)
		assert_ptr_equal(look(f, i), i % 2 ? entries[i] : NULL);
	for (uint32_t i = 1; i < MANY; i += 2)
		index_remove(&f->index, entries[i]);
	assert_int_equal(f->index.count, 0);
	assert_int_equal(walk(f), 0);
	free(entries);
}

/* The values of that hash, a bit for each. */
static unsigned int seen(const struct fixture *f, uint32_t hash)
{
	unsigned int result = 0;

	for (struct entry *entry = index_first(&f->index, hash); entry;
	     entry = index_next(&f->index, entry))
		result |= 1U << entry->socket.sock;
	return result;
}

/* Entries of one hash are all found, and none of another that lies in the same chain. */
static void test_index_same_hash(void **state)
{
	struct fixture *f = *state;
	const uint32_t hash = 3, other = hash + f->index.mask + 1;
	struct entry *entries[8];

	for (uint32_t i = 0; i < 8; i++)
		entries[i] = add(f, i, i % 2 ? hash : other);
	assert_int_equal(seen(f, hash), 0xaa);
	index_remove(&f->index, entries[3]);
	index_remove(&f->index, entries[7]);
	assert_int_equal(seen(f, hash), 0x22);
	assert_int_equal(seen(f, other), 0x55);
	index_add(&f->index, entries[3], other);
	assert_int_equal(seen(f, other), 0x5d);
	assert_int_equal(walk(f), 7);
}

#define INDEX_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pool_nothing), cmocka_unit_test(test_pool_entries),
		cmocka_unit_test(test_pool_full),    INDEX_TEST(test_index_empty),
		INDEX_TEST(test_index_grows),        INDEX_TEST(test_index_same_hash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
