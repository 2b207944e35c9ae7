/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The way of a record from bytes to a line: decode, ledger and processes, filter,
 * formatter, sink.  Keeps the accounts: seen = written + filtered + lost.
 */
#ifndef PIPELINE_H
#define PIPELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event.h"
#include "explain.h"
#include "filter.h"
#include "format.h"
#include "sink.h"

struct pipeline;

struct pipeline_config {
	const struct filter *filter;
	const struct format *format;
	struct format_config format_config;
	struct sink *sink;
	bool want_args;
	bool show_open; /* --snapshot */
	uint64_t limit; /* records to write, 0: no limit */
	/* Asks the kernel for holders of a port, see explain.h; answers go to pipeline_found(). */
	int (*ask)(void *context, enum explain_quest quest, uint32_t netns, uint16_t port);
	void *ask_context;
};

/* What config points to stays the caller's and must outlive the pipeline.  NULL: no memory. */
struct pipeline *pipeline_new(const struct pipeline_config *config);
void pipeline_free(struct pipeline *pipeline);

/*
 * Take a record of the kernel side, aligned to 8 bytes.  It waits for pipeline_settle(),
 * unless many wait already.  Bad ones are counted, see pipeline_bad().
 */
void pipeline_record(struct pipeline *pipeline, const void *data, size_t size);

/* A record that answers ask(): taken in at once. */
void pipeline_found(struct pipeline *pipeline, const void *data, size_t size);

/* Make lines of the records that wait: all that is known together is told together. */
void pipeline_settle(struct pipeline *pipeline);

/*
 * Records were lost since the last pipeline_believe(): PT_OPEN records of all that the
 * kernel side knows would help.
 */
bool pipeline_doubts(const struct pipeline *pipeline);
/* They were given. */
void pipeline_believe(struct pipeline *pipeline);

/* Begin: a start record; hooks: their names. */
void pipeline_start(struct pipeline *pipeline, const char *hooks);

/* The snapshot is over: PT_OPEN records that come now are not told. */
void pipeline_live(struct pipeline *pipeline);

/*
 * What the kernel side has counted until now, skipped: runs of hooks that the kernel
 * left out; a new loss becomes a record.  lost of
 * LOST_MISSED and LOST_SINK is the pipeline's own business.
 */
void pipeline_account(struct pipeline *pipeline, const struct pt_counts *counts, uint64_t skipped);

/* End: a stop record with the totals. */
void pipeline_stop(struct pipeline *pipeline);

/* Write out what is formatted.  0 or -errno as sink_write(). */
int pipeline_flush(struct pipeline *pipeline);

/* The end of an output that does not work: what still waits for it is lost. */
void pipeline_abandon(struct pipeline *pipeline);

/* The limit was reached. */
bool pipeline_done(const struct pipeline *pipeline);

/* The accounts as they are now. */
struct event_totals pipeline_totals(const struct pipeline *pipeline);

/* Records given to the sink, by action; [1]: of what failed. */
void pipeline_told(const struct pipeline *pipeline, uint64_t told[EVENT_ACTIONS][2]);
/* Records that wait for the output. */
uint64_t pipeline_waiting(const struct pipeline *pipeline);
size_t pipeline_sockets(const struct pipeline *pipeline);
size_t pipeline_processes(const struct pipeline *pipeline);

/* Records that decode.c refused. */
uint64_t pipeline_bad(const struct pipeline *pipeline);

#endif
