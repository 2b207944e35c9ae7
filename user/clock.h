/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The kernel side stamps events with CLOCK_BOOTTIME, people read wall-clock time.
 */
#ifndef CLOCK_H
#define CLOCK_H

#include <stdint.h>

#define NS_PER_S 1000000000ULL

/* Nanoseconds. */
uint64_t clock_boot(void);
uint64_t clock_monotonic(void); /* stands still during suspend */
uint64_t clock_real(void);

/* Nanoseconds between two ticks of the kernel's timer (CONFIG_HZ); 0: not known. */
uint64_t clock_tick(void);

/* What to add to a boot time to get ns since the Unix epoch, as the clock is set now. */
uint64_t clock_boot_to_real(void);

#endif
