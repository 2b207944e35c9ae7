// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * clock.c against clock_gettime(2) itself.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <time.h>

#include "clock.h"

#define SECOND 1000000000ULL

static uint64_t ask(clockid_t clock)
{
	struct timespec ts;

	assert_int_equal(clock_gettime(clock, &ts), 0);
	return (uint64_t)ts.tv_sec * SECOND + (uint64_t)ts.tv_nsec;
}

static void test_boot(void **state)
{
	uint64_t before = ask(CLOCK_BOOTTIME), now = clock_boot(), after = ask(CLOCK_BOOTTIME);

	(void)state;
	assert_in_range(now, before, after);
	for (int i = 0; i < 1000; i++) {
		uint64_t next = clock_boot();

		assert_true(next >= now);
		now = next;
	}
}

/* Others may set this clock meanwhile, but hardly by a second. */
static void test_real(void **state)
{
	uint64_t before = ask(CLOCK_REALTIME), now = clock_real();

	(void)state;
	assert_true(now + SECOND > before && now < before + 60 * SECOND);
	assert_true(now > 1600000000ULL * SECOND);
}

/* Added to a boot time it gives the real time. */
static void test_offset(void **state)
{
	uint64_t real = clock_boot() + clock_boot_to_real(), now = clock_real();
	uint64_t apart = real > now ? real - now : now - real;

	(void)state;
	assert_true(apart < SECOND);
}

/* CONFIG_HZ is one of a few. */
static void test_tick(void **state)
{
	static const uint64_t rates[] = { 100, 250, 300, 1000 };
	uint64_t rate = SECOND / clock_tick();
	size_t i = 0;

	(void)state;
	while (i < 3 && rates[i] != rate)
		i++;
	assert_int_equal(rate, rates[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_boot),
		cmocka_unit_test(test_real),
		cmocka_unit_test(test_offset),
		cmocka_unit_test(test_tick),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
