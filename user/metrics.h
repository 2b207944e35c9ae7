/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a run has counted, as a file in the Prometheus text format, for node_exporter's
 * textfile collector and its like.  The file is always whole: a new one takes the place
 * of the one before.  Knows neither pipeline nor probe.
 */
#ifndef METRICS_H
#define METRICS_H

#include <stdint.h>

#include "event.h"
#include "text.h"

struct metrics {
	const char *version; /* of porttrace */
	const char *kernel;  /* release */
	uint64_t start;      /* ns since the Unix epoch */
	struct event_totals totals;
	uint64_t told[EVENT_ACTIONS][2]; /* records by action; [1]: of what failed */
	uint64_t waiting;                /* records, for the output */
	double ring_used;                /* 0 to 1, the most since the last time */
	uint64_t sockets;                /* in the ledger */
	uint64_t processes;
	double cpu;      /* seconds, of porttrace itself */
	uint64_t memory; /* bytes, resident */
	uint64_t files;  /* open descriptors */
};

/* What only this process can tell of itself: cpu, memory and files. */
void metrics_read_self(struct metrics *metrics);

void metrics_format(const struct metrics *metrics, struct text *out);

/*
 * Put a file with that text in the place of path.  A new one has mode 0644, else it keeps
 * mode and group.  0; -errno as safefile_place() and safefile_check() tell it, or another
 * one: then the file before stays.
 */
int metrics_replace(const char *path, const struct text *text);

#endif
