// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * hash.c: what goes in is found, what goes out is not, growing loses nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "hash.h"

#define MANY 20000

struct item {
	uint32_t value; /* the node is not first: HASH_ENTRY has something to do */
	struct hash_node node;
};

static struct item *entry(struct hash_node *node)
{
	return HASH_ENTRY(node, struct item, node);
}

static struct item *look(const struct hash *hash, uint32_t value)
{
	struct hash_node *node = hash_first(hash, hash_u64(value));

	for (; node; node = hash_next(node))
		if (entry(node)->value == value)
			return entry(node);
	return NULL;
}

static void test_empty(void **state)
{
	struct hash hash;

	(void)state;
	assert_int_equal(hash_init(&hash, 1), 0);
	assert_int_equal(hash.count, 0);
	assert_null(hash_first(&hash, 0));
	assert_null(hash_first(&hash, UINT64_MAX));
	hash_free(&hash);
	assert_null(hash.buckets);
	hash_free(&hash);
}

static void test_grow(void **state)
{
	struct item *items = calloc(MANY, sizeof(*items));
	struct hash hash;

	(void)state;
	assert_non_null(items);
	assert_int_equal(hash_init(&hash, 1), 0);
	for (uint32_t i = 0; i < MANY; i++) {
		items[i].value = i;
		hash_add(&hash, &items[i].node, hash_u64(i));
		assert_int_equal(hash.count, i + 1);
	}
	/* It grew with its content: a chain is about one long. */
	assert_true(hash.mask + 1 >= MANY);
	assert_true(hash.mask < 4UL * MANY);
	for (uint32_t i = 0; i < MANY; i++)
		assert_ptr_equal(look(&hash, i), &items[i]);
	assert_null(look(&hash, MANY));

	for (uint32_t i = 0; i < MANY; i += 2)
		hash_remove(&hash, &items[i].node);
	assert_int_equal(hash.count, MANY / 2);
	for (uint32_t i = 0; i < MANY; i++)
		assert_ptr_equal(look(&hash, i), i % 2 ? &items[i] : NULL);
	for (uint32_t i = 1; i < MANY; i += 2)
		hash_remove(&hash, &items[i].node);
	assert_int_equal(hash.count, 0);
	for (size_t i = 0; i <= hash.mask; i++)
		assert_null(hash.buckets[i]);
	hash_free(&hash);
	free(items);
}

/* Nodes of one hash are all found, and none of another that lies in the same chain. */
static void test_same_hash(void **state)
{
	struct item items[8] = { 0 };
	struct hash hash;
	unsigned int seen = 0;

	(void)state;
	assert_int_equal(hash_init(&hash, 16), 0);
	for (uint32_t i = 0; i < 8; i++) {
		items[i].value = i;
		hash_add(&hash, &items[i].node, i % 2 ? 3 : 3 + 16);
	}
	for (struct hash_node *node = hash_first(&hash, 3); node; node = hash_next(node))
		seen |= 1U << entry(node)->value;
	assert_int_equal(seen, 0xaa);

	hash_remove(&hash, &items[3].node);
	hash_remove(&hash, &items[7].node);
	seen = 0;
	for (struct hash_node *node = hash_first(&hash, 3); node; node = hash_next(node))
		seen |= 1U << entry(node)->value;
	assert_int_equal(seen, 0x22);
	seen = 0;
	for (struct hash_node *node = hash_first(&hash, 19); node; node = hash_next(node))
		seen |= 1U << entry(node)->value;
	assert_int_equal(seen, 0x55);
	hash_free(&hash);
}

static void test_add_again(void **state)
{
	struct item item = { .value = 1 };
	struct hash hash;

	(void)state;
	assert_int_equal(hash_init(&hash, 4), 0);
	hash_add(&hash, &item.node, 1);
	hash_remove(&hash, &item.node);
	hash_add(&hash, &item.node, 2);
	assert_null(hash_first(&hash, 1));
	assert_ptr_equal(hash_first(&hash, 2), &item.node);
	assert_null(hash_next(&item.node));
	hash_free(&hash);
}

/* Addresses and pids are close together: their hashes must not share low bits. */
static void test_mixing(void **state)
{
	unsigned int used[256] = { 0 }, most = 0;

	(void)state;
	for (uint64_t i = 0; i < 256UL * 64; i++)
		used[hash_u64(0xffff888000000000ULL + i * 2048) % 256]++;
	for (size_t i = 0; i < 256; i++) {
		if (used[i] > most)
			most = used[i];
	}
	assert_true(most < 2 * 64); /* 64 on average */
}

static void test_combine(void **state)
{
	(void)state;
	assert_true(hash_u64(1) != hash_u64(2));
	assert_true(hash_combine(hash_combine(0, 1), 2) != hash_combine(hash_combine(0, 2), 1));
	assert_true(hash_combine(0, 5) != hash_combine(1, 5));
	assert_true(hash_combine(7, 5) == hash_combine(7, 5));
}

/* The addresses and ports of a load: 64 addresses, a thousand ports each. */
static void test_pair(void **state)
{
	uint8_t server[16] = { [10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1 };
	uint8_t client[16] = { [10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1 };
	unsigned int used[1024] = { 0 }, most = 0;

	(void)state;
	for (uint16_t i = 0; i < 64000; i++) {
		uint64_t hash;

		client[15] = (uint8_t)(i % 64);
		hash = hash_pair(client, (uint16_t)(1024 + i), server, 80);
		assert_true(hash == hash_pair(server, 80, client, (uint16_t)(1024 + i)));
		assert_true(hash != hash_pair(client, 80, server, (uint16_t)(1024 + i)) ||
			    client[15] == server[15]);
		used[hash % 1024]++;
	}
	for (size_t i = 0; i < 1024; i++)
		if (used[i] > most)
			most = used[i];
	assert_in_range(most, 62, 2 * 62); /* 62.5 on average */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),     cmocka_unit_test(test_grow),
		cmocka_unit_test(test_same_hash), cmocka_unit_test(test_add_again),
		cmocka_unit_test(test_mixing),    cmocka_unit_test(test_combine),
		cmocka_unit_test(test_pair),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
