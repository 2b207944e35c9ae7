/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Running a BPF program on each element of a hash map, for probe.c alone. */
#ifndef PROBE_WALK_H
#define PROBE_WALK_H

#include <stdbool.h>

struct bpf_map;
struct bpf_program;

/*
 * Run a program of type raw_tp on the elements of a map, as many at a time as its 12 words of
 * context hold: of each the key and, with_value, the value, both of whole words.  Zeros are no
 * element.  Elements that come or go meanwhile may be met or not; one that stays is met.
 *
 * after_run(context) comes after each run.  The sum of what the runs returned, or -errno.
 */
long probe_walk(struct bpf_program *program, struct bpf_map *map, bool with_value,
		void (*after_run)(void *context), void *context);

#endif
