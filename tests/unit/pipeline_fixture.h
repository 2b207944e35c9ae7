/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A pipeline that writes JSON into a file, for its tests: records are fed as the kernel
 * side counts them, and the file is read back line by line.
 */
#ifndef PIPELINE_FIXTURE_H
#define PIPELINE_FIXTURE_H

#include "scratch.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "pipeline.h"

#include "wire_records.h"

#define SERVER (WIRE_PID + 1)
#define WORKER (WIRE_PID + 2)
#define CLIENT (WIRE_PID + 3)

#define LO "127.0.0.1"

struct fixture {
	char dir[SCRATCH_DIR];
	char path[SCRATCH_PATH];
	struct filter filter;
	struct pipeline_config config;
	struct pipeline *pipeline;
	struct pt_counts counts; /* what the kernel side counts */
	char *content;           /* of the file, as it was read last */
	char **lines;
	size_t count;
};

static inline int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	make_scratch(f->dir);
	scratch_path(f->path, f->dir, "log");
	filter_init(&f->filter);
	f->config.filter = &f->filter;
	f->config.format = &format_json;
	f->config.format_config = (struct format_config){
		.host = "host",
		.boot_id = "0f3c1a5e-7a4b-4c7e-9d7e-1f2e3d4c5b6a",
		.version = "1.2.3",
		.kernel = "6.18.0",
	};
	assert_int_equal(sink_open(&f->config.sink, f->path), 0);
	*state = f;
	return 0;
}

static inline int teardown(void **state)
{
	struct fixture *f = *state;

	no_limit();
	pipeline_free(f->pipeline);
	sink_free(f->config.sink);
	filter_free(&f->filter);
	free(f->content);
	free(f->lines);
	(void)unlink(f->path);
	(void)rmdir(f->dir);
	free(f);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* With the fixture's config as the test has changed it. */
static inline void begin(struct fixture *f)
{
	f->pipeline = pipeline_new(&f->config);
	assert_non_null(f->pipeline);
	for (uint32_t pid = SERVER; pid <= CLIENT; pid++) {
		struct pt_process news = wire_process(pid, "name", "name", sizeof("name"));

		pipeline_record(f->pipeline, &news, sizeof(news));
	}
	pipeline_settle(f->pipeline);
}

/* From the ring, and so counted by the kernel side. */
static inline void feed(struct fixture *f, const struct pt_socket *record)
{
	f->counts.seen++;
	pipeline_record(f->pipeline, record, sizeof(*record));
}

static inline void account(struct fixture *f)
{
	pipeline_account(f->pipeline, &f->counts, 0);
}

/* Read the file; each line is an object of its own. */
static inline void read_lines(struct fixture *f)
{
	free(f->content);
	free(f->lines);
	f->content = file_content(f->path);
	f->lines = calloc(strlen(f->content) / 2 + 1, sizeof(*f->lines));
	assert_non_null(f->lines);
	f->count = 0;
	for (char *at = f->content; *at;) {
		char *end = strchr(at, '\n');

		assert_non_null(end);
		*end = 0;
		assert_int_equal(at[0], '{');
		assert_int_equal(end[-1], '}');
		f->lines[f->count++] = at;
		at = end + 1;
	}
}

/* Write and read what is written. */
static inline void flush(struct fixture *f)
{
	assert_int_equal(pipeline_flush(f->pipeline), 0);
	read_lines(f);
}

/* All that was fed makes that many lines. */
static inline void check_lines(struct fixture *f, size_t count)
{
	account(f);
	flush(f);
	assert_int_equal(f->count, count);
}

static inline uint64_t number(const char *line, const char *member)
{
	char name[64];
	const char *at;

	(void)snprintf(name, sizeof(name), "\"%s\":", member);
	at = strstr(line, name);
	return at ? strtoull(at + strlen(name), NULL, 10) : 0;
}

static inline bool is_action(const char *line, const char *action)
{
	char name[64];

	(void)snprintf(name, sizeof(name), "\"action\":\"%s\"", action);
	if (strstr(line, name))
		return true;
	(void)snprintf(name, sizeof(name), "\"event.action\":\"%s\"", action);
	return strstr(line, name);
}

static inline uint64_t sequence(const char *line)
{
	uint64_t nested = number(line, "sequence");

	return nested ? nested : number(line, "event.sequence");
}

static inline void check_no_gaps(const struct fixture *f)
{
	for (size_t i = 0; i < f->count; i++)
		assert_int_equal(sequence(f->lines[i]), i + 1);
}

static inline bool names(const char *line, const char *end, uint32_t pid)
{
	char nested[64], flat[64];
	const char *at;

	(void)snprintf(flat, sizeof(flat), "\"%s.process.pid\":%u", end, pid);
	if (strstr(line, flat))
		return true;
	(void)snprintf(nested, sizeof(nested), "\"%s\":{", end);
	at = strstr(line, nested);
	(void)snprintf(nested, sizeof(nested), "\"pid\":%u", pid);
	return at && strstr(at, nested);
}

static inline uint64_t all_lost(const struct event_totals *totals)
{
	uint64_t lost = 0;

	for (int stage = 0; stage < LOST_STAGES; stage++)
		lost += totals->lost[stage];
	return lost;
}

/* The accounts at this moment; they must be even. */
static inline struct event_totals balance(struct fixture *f)
{
	struct event_totals totals = pipeline_totals(f->pipeline);

	assert_int_equal(totals.seen, totals.written + totals.filtered + all_lost(&totals));
	return totals;
}

static inline struct pt_socket a_connect(uint16_t port)
{
	return wire_connect(0x10000 + port, CLIENT, LO, port, LO, 80);
}

static inline struct pt_socket an_accept(uint16_t port, uint32_t pid)
{
	return wire_accept(0x90000 + port, pid, LO, 80, LO, port);
}

/* A listener that was there before. */
static inline struct pt_socket an_open(void)
{
	struct pt_socket record = wire_listen(1, SERVER, LO, 80);

	record.type = PT_OPEN;
	record.fd = 3 + 1;
	return record;
}

#endif
