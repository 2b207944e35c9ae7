// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * See pipeline.h.  The one place where the stages meet.
 */
#include "pipeline.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "decode.h"
#include "foresight.h"
#include "ledger.h"
#include "processes.h"
#include "rows.h"
#include "warn.h"

#define FLUSH_BYTES (256 * 1024) /* formatted text that is written without being asked */

#define BATCH_BYTES (1024 * 1024) /* records that are looked at together */

struct pipeline {
	struct pipeline_config config;
	char *batch; /* records, one after the other; each is a multiple of 8 bytes */
	size_t batch_len;
	struct foresight *foresight;
	struct processes *processes;
	struct ledger *ledger;
	struct explain *explain;
	struct warn *warn;
	struct formatter formatter;
	struct rows rows; /* formatted, not written yet */
	uint64_t boot_to_real;
	uint64_t sequence;
	struct pt_counts counts;         /* of the kernel side, at the latest pipeline_account() */
	uint64_t seen;                   /* what the kernel side does not count: open, start, ... */
	uint64_t put;                    /* records given to the sink */
	uint64_t unread;                 /* of them: the reader had gone away */
	uint64_t told[EVENT_ACTIONS][2]; /* of them, by action and whether it failed */
	uint64_t events;                 /* of them: of sockets, for the limit */
	uint64_t filtered;               /* on this side */
	uint64_t lost[LOST_STAGES];      /* on this side */
	uint64_t told_lost[LOST_STAGES]; /* of both sides, in lost records */
	uint64_t skipped;                /* runs of hooks */
	uint64_t bad;
	bool doubts;
	int error; /* of the sink, at the latest write */
};

static struct explain *new_explain(const struct pipeline *pipeline)
{
	struct explain_config config = {
		.ledger = pipeline->ledger,
		.processes = pipeline->processes,
		.ask = pipeline->config.ask,
		.context = pipeline->config.ask_context,
	};

	return explain_new(&config);
}

struct pipeline *pipeline_new(const struct pipeline_config *config)
{
	struct pipeline *pipeline = calloc(1, sizeof(*pipeline));

	if (!pipeline)
		return NULL;
	pipeline->config = *config;
	pipeline->formatter.format = config->format;
	pipeline->formatter.config = config->format_config;
	pipeline->boot_to_real = clock_boot_to_real();
	pipeline->batch = malloc(BATCH_BYTES);
	pipeline->processes = processes_new(config->want_args);
	pipeline->foresight = foresight_new();
	if (pipeline->processes && pipeline->foresight)
		pipeline->ledger = ledger_new(pipeline->processes, pipeline->foresight);
	if (pipeline->ledger) {
		pipeline->explain = new_explain(pipeline);
		pipeline->warn = warn_new(pipeline->ledger, pipeline->processes);
	}
	if (!pipeline->explain || !pipeline->warn || !pipeline->batch) {
		pipeline_free(pipeline);
		return NULL;
	}
	return pipeline;
}

void pipeline_free(struct pipeline *pipeline)
{
	if (!pipeline)
		return;
	explain_free(pipeline->explain);
	warn_free(pipeline->warn);
	ledger_free(pipeline->ledger);
	foresight_free(pipeline->foresight);
	processes_free(pipeline->processes);
	free(pipeline->batch);
	rows_free(&pipeline->rows);
	free(pipeline);
}

bool pipeline_done(const struct pipeline *pipeline)
{
	return pipeline->config.limit && pipeline->events >= pipeline->config.limit;
}

void pipeline_told(const struct pipeline *pipeline, uint64_t told[EVENT_ACTIONS][2])
{
	memcpy(told, pipeline->told, sizeof(pipeline->told));
}

uint64_t pipeline_waiting(const struct pipeline *pipeline)
{
	return rows_count(&pipeline->rows) + sink_waiting(pipeline->config.sink);
}

size_t pipeline_sockets(const struct pipeline *pipeline)
{
	return ledger_sockets(pipeline->ledger);
}

size_t pipeline_processes(const struct pipeline *pipeline)
{
	return processes_count(pipeline->processes);
}

uint64_t pipeline_bad(const struct pipeline *pipeline)
{
	return pipeline->bad;
}

struct event_totals pipeline_totals(const struct pipeline *pipeline)
{
	const struct pt_counts *counts = &pipeline->counts;
	struct event_totals totals = {
		/* What was lost for other reasons than room was never a record: it counts here. */
		.seen = counts->seen + counts->lost_processes + counts->lost_map + pipeline->seen +
			pipeline->lost[LOST_MISSED],
		.written = pipeline->put - pipeline->unread - pipeline->lost[LOST_SINK],
		.filtered = counts->filtered + pipeline->filtered + pipeline->unread,
		.late = counts->late,
		.skipped = pipeline->skipped,
	};

	memcpy(totals.lost, pipeline->lost, sizeof(totals.lost));
	totals.lost[LOST_RING] = counts->lost_ring + counts->lost_processes +
				 pipeline->bad; /* it came, but not as it was */
	totals.lost[LOST_MAP] = counts->lost_map;
	return totals;
}

/* Give an event its number and its line; a format may have none for it. */
static void put(struct pipeline *pipeline, struct event *event)
{
	struct rows *rows = &pipeline->rows;
	size_t before = rows->text.len;

	event->sequence = pipeline->sequence + 1;
	format_event(&pipeline->formatter, &rows->text, event);
	if (rows->text.len == before && !rows->text.failed)
		return;
	pipeline->sequence++;
	pipeline->put++;
	pipeline->told[event->action][event->error != 0]++;
	if (!rows_end(rows)) /* no memory */
		pipeline->lost[LOST_SINK]++;
	if (rows->text.len >= FLUSH_BYTES)
		(void)pipeline_flush(pipeline);
}

/* An event of the run itself. */
static void put_own(struct pipeline *pipeline, struct event *event)
{
	uint64_t before = pipeline->put;

	event->time = clock_real();
	put(pipeline, event);
	pipeline->seen += pipeline->put - before;
}

static void put_socket(struct pipeline *pipeline, const struct pt_socket *record)
{
	struct event event;
	bool news;

	decode_event(&event, record, pipeline->boot_to_real);
	if (record->flags & PT_AFTER_LOSS) {
		ledger_doubt(pipeline->ledger);
		pipeline->doubts = true;
	}
	news = ledger_apply(pipeline->ledger, record, &event, pipeline->boot_to_real);
	warn_event(pipeline->warn, record, &event);
	if (record->type == PT_OPEN) {
		if (!news || !pipeline->config.show_open)
			return;
		pipeline->seen++;
	}
	/* The fact is told, but nobody knows any more whose it was: perhaps one that is asked for. */
	if (record->flags & PT_LATE && record->attribution == PT_BY_UNKNOWN &&
	    filter_could_pass(pipeline->config.filter, &event))
		pipeline->lost[LOST_MISSED]++;
	if (pipeline_done(pipeline) || !filter_passes(pipeline->config.filter, &event)) {
		pipeline->filtered++;
		return;
	}
	explain_event(pipeline->explain, record, &event, pipeline->boot_to_real);
	pipeline->events++;
	put(pipeline, &event);
}

static void apply(struct pipeline *pipeline, const struct record *record)
{
	switch (record->type) {
	case PT_PROCESS:
		(void)processes_update(pipeline->processes, record->process,
				       pipeline->boot_to_real);
		break;
	case PT_EXIT:
		processes_exit(pipeline->processes, &record->life->who);
		break;
	case PT_FORK:
		processes_fork(pipeline->processes, &record->life->who, record->life->time);
		break;
	default:
		foresight_drop(pipeline->foresight, record->socket);
		put_socket(pipeline, record->socket);
		break;
	}
	processes_reap(pipeline->processes);
}

/* The next record of the batch; false: no more. */
static bool next_record(const struct pipeline *pipeline, size_t *at, struct record *record)
{
	if (*at >= pipeline->batch_len)
		return false;
	(void)decode_record(record, pipeline->batch + *at, pipeline->batch_len - *at);
	*at += decode_size((uint8_t)record->type);
	return true;
}

typedef void (*ledger_hint)(const struct ledger *ledger, const struct pt_socket *record);

/* Tell the ledger of a record that will come, the next one of the batch. */
static void announce(const struct pipeline *pipeline, size_t *at, ledger_hint hint)
{
	struct record record;

	if (next_record(pipeline, at, &record) && record.socket)
		hint(pipeline->ledger, record.socket);
}

void pipeline_settle(struct pipeline *pipeline)
{
	bool ahead = ledger_looks_ahead(pipeline->ledger);
	size_t at = 0, expected = 0, awaited = 0;
	struct record record;

	for (int i = 0; ahead && i < LEDGER_AHEAD; i++)
		announce(pipeline, &expected, ledger_expect);
	for (int i = 0; ahead && i < LEDGER_AHEAD / 2; i++)
		announce(pipeline, &awaited, ledger_await);
	while (next_record(pipeline, &at, &record)) {
		if (ahead) {
			announce(pipeline, &expected, ledger_expect);
			announce(pipeline, &awaited, ledger_await);
		}
		apply(pipeline, &record);
	}
	foresight_clear(pipeline->foresight);
	pipeline->batch_len = 0;
}

void pipeline_record(struct pipeline *pipeline, const void *data, size_t size)
{
	struct record record;
	char *copy;

	if (decode_record(&record, data, size)) {
		pipeline->bad++;
		/* The kernel side has counted sockets only. */
		if (!size || !decode_is_socket(*(const uint8_t *)data))
			pipeline->seen++;
		return;
	}
	size = decode_size((uint8_t)record.type);
	if (pipeline->batch_len + size > BATCH_BYTES)
		pipeline_settle(pipeline);
	copy = pipeline->batch + pipeline->batch_len;
	memcpy(copy, data, size);
	pipeline->batch_len += size;
	if (record.socket)
		foresight_add(pipeline->foresight, (const struct pt_socket *)copy);
	else if (record.type == PT_PROCESS)
		(void)processes_foresee(pipeline->processes, record.process,
					pipeline->boot_to_real);
}

void pipeline_found(struct pipeline *pipeline, const void *data, size_t size)
{
	struct record record;

	if (decode_record(&record, data, size))
		return;
	if (record.type == PT_PROCESS)
		(void)processes_foresee(pipeline->processes, record.process,
					pipeline->boot_to_real);
	else if (record.type == PT_OPEN)
		explain_found(pipeline->explain, record.socket, pipeline->boot_to_real);
}

bool pipeline_doubts(const struct pipeline *pipeline)
{
	return pipeline->doubts;
}

void pipeline_believe(struct pipeline *pipeline)
{
	pipeline_settle(pipeline);
	ledger_believe(pipeline->ledger);
	pipeline->doubts = false;
}

void pipeline_live(struct pipeline *pipeline)
{
	pipeline_settle(pipeline);
	pipeline->config.show_open = false;
}

void pipeline_start(struct pipeline *pipeline, const char *hooks)
{
	struct event event = { .action = EVENT_START, .hooks = hooks };

	put_own(pipeline, &event);
}

/*
 * One record for each stage that lost something since the last time.  Not while it would
 * be lost itself: then nobody would ever hear of what it tells.
 */
static void tell_losses(struct pipeline *pipeline)
{
	struct event_totals totals = pipeline_totals(pipeline);

	if (!sink_has_room(pipeline->config.sink))
		return;
	for (int stage = 0; stage < LOST_STAGES; stage++) {
		struct event event = {
			.action = EVENT_LOST,
			.lost_stage = (enum event_lost_stage)stage,
			.lost_count = totals.lost[stage] - pipeline->told_lost[stage],
		};

		if (!event.lost_count)
			continue;
		pipeline->told_lost[stage] = totals.lost[stage];
		put_own(pipeline, &event);
	}
}

void pipeline_account(struct pipeline *pipeline, const struct pt_counts *counts, uint64_t skipped)
{
	pipeline->skipped = skipped;
	pipeline_settle(pipeline);
	pipeline->counts = *counts;
	pipeline->boot_to_real = clock_boot_to_real();
	tell_losses(pipeline);
}

void pipeline_stop(struct pipeline *pipeline)
{
	struct event event = { .action = EVENT_STOP };
	struct event_totals totals;

	pipeline_settle(pipeline);
	if (pipeline->sequence == 0) /* nothing began */
		return;
	(void)pipeline_flush(pipeline);
	tell_losses(pipeline);
	totals = pipeline_totals(pipeline);
	totals.seen++; /* this record itself */
	totals.written++;
	event.totals = &totals;
	put_own(pipeline, &event);
}

int pipeline_flush(struct pipeline *pipeline)
{
	uint64_t lost = 0;

	if (!rows_count(&pipeline->rows) && !sink_waiting(pipeline->config.sink))
		return pipeline->error;
	pipeline->error = sink_write(pipeline->config.sink, &pipeline->rows, &lost);
	if (pipeline->error == -EPIPE) /* nobody wanted them */
		pipeline->unread += lost;
	else
		pipeline->lost[LOST_SINK] += lost;
	return pipeline->error;
}

void pipeline_abandon(struct pipeline *pipeline)
{
	pipeline->lost[LOST_SINK] += sink_abandon(pipeline->config.sink);
}
