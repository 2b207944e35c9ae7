// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * See probe_walk.h.  The elements are read in batches (Linux 5.6), whose memory is the same
 * for a thousand of them and for a million, then given to the program (Linux 5.10).
 *
 * While the kernel looks for a batch, which takes 5 ms where a million buckets are empty, its CPU
 * runs no program at a classic tracepoint.  Who is preempted there can so hide somebody else's
 * accept(2): that is told when the connection ends, and counted.
 */
#include "probe_walk.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define BATCH 4096U /* elements; a bucket that had more would be refused */
#define WORDS 12    /* SWEEP_WORDS in bpf/sweep.bpf.c */
#define WORD sizeof(uint64_t)

struct walk {
	int program, map;
	size_t key_size, value_size; /* bytes; value_size: of what is passed on */
	char *keys, *values;
	void (*after_run)(void *context);
	void *context;
	long sum;
};

static int run(struct walk *walk, uint64_t words[WORDS])
{
	LIBBPF_OPTS(bpf_test_run_opts, options, .ctx_in = words, .ctx_size_in = WORDS * WORD);
	int err = bpf_prog_test_run_opts(walk->program, &options);

	if (err)
		return err;
	walk->sum += options.retval;
	walk->after_run(walk->context);
	return 0;
}

/* count elements have been read. */
static int run_batch(struct walk *walk, size_t count)
{
	size_t size = walk->key_size + walk->value_size, room = WORDS * WORD / size;
	int err = 0;

	for (size_t done = 0; done < count && !err; done += room) {
		uint64_t words[WORDS] = {};

		for (size_t i = 0; i < room && done + i < count; i++) {
			char *to = (char *)words + i * size;

			memcpy(to, walk->keys + (done + i) * walk->key_size, walk->key_size);
			memcpy(to + walk->key_size, walk->values + (done + i) * walk->value_size,
			       walk->value_size);
		}
		err = run(walk, words);
	}
	return err;
}

static int run_all(struct walk *walk)
{
	uint32_t at = 0; /* where the next batch begins, as the kernel counts */
	bool first = true, last = false;
	int err = 0;

	while (!last && !err) {
		uint32_t count = BATCH;

		err = bpf_map_lookup_batch(walk->map, first ? NULL : &at, &at, walk->keys,
					   walk->values, &count, NULL);
		first = false;
		last = err == -ENOENT;
		if (!err || last)
			err = run_batch(walk, count);
	}
	return err;
}

long probe_walk(struct bpf_program *program, struct bpf_map *map, bool with_value,
		void (*after_run)(void *context), void *context)
{
	struct walk walk = {
		.program = bpf_program__fd(program),
		.map = bpf_map__fd(map),
		.key_size = bpf_map__key_size(map),
		.value_size = with_value ? bpf_map__value_size(map) : 0,
		.keys = calloc(BATCH, bpf_map__key_size(map)),
		.values = calloc(BATCH, bpf_map__value_size(map)),
		.after_run = after_run,
		.context = context,
	};
	int err = walk.keys && walk.values ? run_all(&walk) : -ENOMEM;

	free(walk.keys);
	free(walk.values);
	return err ?: walk.sum;
}
