// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Clocks, in nanoseconds.  Boot time goes on during suspend and is never stepped.
 */
#include "clock.h"

#include <time.h>

static uint64_t now(clockid_t clock)
{
	struct timespec ts;

	(void)clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

uint64_t clock_boot(void)
{
	return now(CLOCK_BOOTTIME);
}

uint64_t clock_monotonic(void)
{
	return now(CLOCK_MONOTONIC);
}

uint64_t clock_real(void)
{
	return now(CLOCK_REALTIME);
}

uint64_t clock_boot_to_real(void)
{
	uint64_t before = clock_boot(), real = clock_real(), after = clock_boot();

	return real - before - (after - before) / 2;
}

/* Coarse clocks advance with the ticks. */
uint64_t clock_tick(void)
{
	struct timespec tick;

	if (clock_getres(CLOCK_MONOTONIC_COARSE, &tick))
		return 0;
	return (uint64_t)tick.tv_sec * NS_PER_S + (uint64_t)tick.tv_nsec;
}
