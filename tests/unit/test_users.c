// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * users.c: names of users, and that each is looked up once only.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pwd.h>
#include <unistd.h>

#include "users.h"

#define NOBODY_HAS 3999999999U

static void test_names(void **state)
{
	struct users *users = users_new();
	const struct passwd *own = getpwuid(getuid());

	(void)state;
	assert_non_null(users);
	assert_non_null(users_name(users, 0));
	assert_string_equal(users_name(users, 0), "root");
	if (own)
		assert_string_equal(users_name(users, getuid()), own->pw_name);
	assert_null(users_name(users, NOBODY_HAS));
	users_free(users);
}

static void test_cached(void **state)
{
	struct users *users = users_new();
	const char *name;

	(void)state;
	assert_non_null(users);
	name = users_name(users, 0);
	for (uint32_t i = 0; i < 1000; i++)
		(void)users_name(users, NOBODY_HAS - i % 100);
	assert_ptr_equal(users_name(users, 0), name);
	assert_string_equal(name, "root"); /* and it still lives */
	assert_null(users_name(users, NOBODY_HAS));
	users_free(users);
}

static void test_free_nothing(void **state)
{
	struct users *users = users_new();

	(void)state;
	users_free(NULL);
	users_free(users);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_cached),
		cmocka_unit_test(test_free_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
