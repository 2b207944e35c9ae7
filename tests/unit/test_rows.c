// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * rows.c: where records end, however text is added, dropped and copied.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "rows.h"

static void add(struct rows *rows, const char *row)
{
	text_string(&rows->text, row);
	assert_true(rows_end(rows));
}

static void check(const struct rows *rows, size_t count, const char *text)
{
	assert_int_equal(rows_count(rows), count);
	assert_int_equal(rows_bytes(rows), strlen(text));
	if (*text)
		assert_memory_equal(rows_data(rows), text, strlen(text));
}

static void test_rows(void **state)
{
	struct rows rows = { 0 };

	(void)state;
	check(&rows, 0, "");
	assert_int_equal(rows_within(&rows, 100), 0);
	add(&rows, "HEADER\none\n");
	add(&rows, "two\n  more of it\n");
	add(&rows, "three\n");
	check(&rows, 3, "HEADER\none\ntwo\n  more of it\nthree\n");
	assert_int_equal(rows_size(&rows, 0), 0);
	assert_int_equal(rows_size(&rows, 1), 11);
	assert_int_equal(rows_size(&rows, 2), 28);
	assert_int_equal(rows_within(&rows, 0), 0);
	assert_int_equal(rows_within(&rows, 10), 0);
	assert_int_equal(rows_within(&rows, 11), 1);
	assert_int_equal(rows_within(&rows, 27), 1);
	assert_int_equal(rows_within(&rows, 1000), 3);
	rows_drop(&rows, 1);
	check(&rows, 2, "two\n  more of it\nthree\n");
	assert_int_equal(rows_within(&rows, 17), 1);
	add(&rows, "four\n");
	rows_drop(&rows, 2);
	check(&rows, 1, "four\n");
	rows_drop(&rows, 1);
	check(&rows, 0, "");
	add(&rows, "five\n");
	check(&rows, 1, "five\n");
	rows_clear(&rows);
	check(&rows, 0, "");
	rows_free(&rows);
	rows_free(&rows);
	rows_free(NULL);
}

/* A queue in which rows come and go: always those that it should hold. */
static void test_queue(void **state)
{
	struct rows queue = { 0 }, news = { 0 };
	unsigned int in = 0, out = 0;

	(void)state;
	for (unsigned int turn = 0; turn < 2000; turn++) {
		char row[32];
		size_t some;

		rows_clear(&news);
		for (unsigned int i = 0; i < turn % 7; i++) {
			(void)snprintf(row, sizeof(row), "row %u\n", in + i);
			add(&news, row);
		}
		some = rows_count(&news) / 2;
		assert_int_equal(rows_append(&queue, &news, some), 0);
		rows_drop(&news, some);
		assert_int_equal(rows_append(&queue, &news, rows_count(&news)), 0);
		in += turn % 7;
		assert_int_equal(rows_count(&queue), in - out);
		for (unsigned int i = 0; i < turn % 5 && rows_count(&queue); i++) {
			(void)snprintf(row, sizeof(row), "row %u\n", out++);
			assert_int_equal(rows_size(&queue, 1), strlen(row));
			assert_memory_equal(rows_data(&queue), row, strlen(row));
			rows_drop(&queue, 1);
		}
	}
	rows_free(&queue);
	rows_free(&news);
}

/* No memory: the row that was not whole goes, those before it stay. */
static void test_failed(void **state)
{
	struct rows rows = { 0 };

	(void)state;
	add(&rows, "one\n");
	text_string(&rows.text, "tw");
	rows.text.failed = true;
	assert_false(rows_end(&rows));
	check(&rows, 1, "one\n");
	add(&rows, "three\n");
	check(&rows, 2, "one\nthree\n");
	rows_free(&rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_queue),
		cmocka_unit_test(test_failed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
