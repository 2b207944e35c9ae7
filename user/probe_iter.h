/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Running a BPF iterator, for the parts of the probe alone (probe.c, probe_list.c). */
#ifndef PROBE_ITER_H
#define PROBE_ITER_H

#include "probe.h"

struct bpf_program;

/* Run an iterator to its end and hand out its records.  0 or -errno. */
int probe_iterate(struct bpf_program *program, probe_record record, void *context);

#endif
