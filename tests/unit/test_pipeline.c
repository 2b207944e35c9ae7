// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * pipeline.c: from records to the lines of a file, as JSON, and that the accounts
 * are right: seen = written + filtered + lost, whatever happens.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pipeline.h"

#include "wire_records.h"

#define BATCH_BYTES (1024 * 1024) /* as in pipeline.c */

#define SERVER (WIRE_PID + 1)
#define WORKER (WIRE_PID + 2)
#define CLIENT (WIRE_PID + 3)

#define LO "127.0.0.1"

struct fixture {
	char dir[32];
	char path[64];
	struct filter filter;
	struct pipeline_config config;
	struct pipeline *pipeline;
	struct pt_counts counts; /* what the kernel side counts */
	struct rlimit limit;     /* as it was */
	char *content;           /* of the file, at the latest lines() */
	char **lines;
	size_t count;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	(void)snprintf(f->dir, sizeof(f->dir), "/tmp/test_pipeline.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	(void)snprintf(f->path, sizeof(f->path), "%s/log", f->dir);
	(void)getrlimit(RLIMIT_FSIZE, &f->limit);
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

static int teardown(void **state)
{
	struct fixture *f = *state;

	(void)setrlimit(RLIMIT_FSIZE, &f->limit);
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

/* With the fixture's config as the test has changed it. */
static void begin(struct fixture *f)
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
static void feed(struct fixture *f, const struct pt_socket *record)
{
	f->counts.seen++;
	pipeline_record(f->pipeline, record, sizeof(*record));
}

static void account(struct fixture *f)
{
	pipeline_account(f->pipeline, &f->counts, 0);
}

static void limit_files(const struct fixture *f, size_t bytes)
{
	struct rlimit limit = f->limit;

	limit.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void no_limit(const struct fixture *f)
{
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &f->limit), 0);
}

/* Read the file; each line is an object of its own. */
static void read_lines(struct fixture *f)
{
	FILE *file = fopen(f->path, "r");
	struct stat st;
	size_t size;

	assert_non_null(file);
	assert_int_equal(fstat(fileno(file), &st), 0);
	size = (size_t)st.st_size;
	free(f->content);
	free(f->lines);
	f->content = calloc(1, size + 1);
	f->lines = calloc(size / 2 + 1, sizeof(*f->lines));
	assert_non_null(f->content);
	assert_non_null(f->lines);
	assert_int_equal(fread(f->content, 1, size, file), size);
	(void)fclose(file);
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
static void flush(struct fixture *f)
{
	assert_int_equal(pipeline_flush(f->pipeline), 0);
	read_lines(f);
}

static uint64_t number(const char *line, const char *member)
{
	char name[64];
	const char *at;

	(void)snprintf(name, sizeof(name), "\"%s\":", member);
	at = strstr(line, name);
	return at ? strtoull(at + strlen(name), NULL, 10) : 0;
}

static bool is_action(const char *line, const char *action)
{
	char name[64];

	(void)snprintf(name, sizeof(name), "\"action\":\"%s\"", action);
	if (strstr(line, name))
		return true;
	(void)snprintf(name, sizeof(name), "\"event.action\":\"%s\"", action);
	return strstr(line, name);
}

static size_t count_action(const struct fixture *f, const char *action)
{
	size_t count = 0;

	for (size_t i = 0; i < f->count; i++)
		count += is_action(f->lines[i], action);
	return count;
}

static uint64_t sequence(const char *line)
{
	uint64_t nested = number(line, "sequence");

	return nested ? nested : number(line, "event.sequence");
}

static void check_no_gaps(const struct fixture *f)
{
	for (size_t i = 0; i < f->count; i++)
		assert_int_equal(sequence(f->lines[i]), i + 1);
}

static uint64_t all_lost(const struct event_totals *totals)
{
	uint64_t lost = 0;

	for (int stage = 0; stage < LOST_STAGES; stage++)
		lost += totals->lost[stage];
	return lost;
}

/* The accounts at this moment; they must be even. */
static struct event_totals balance(struct fixture *f)
{
	struct event_totals totals = pipeline_totals(f->pipeline);

	assert_int_equal(totals.seen, totals.written + totals.filtered + all_lost(&totals));
	return totals;
}

static struct pt_socket a_connect(uint16_t port)
{
	return wire_connect(0x10000 + port, CLIENT, LO, port, LO, 80);
}

static struct pt_socket an_accept(uint16_t port, uint32_t pid)
{
	return wire_accept(0x90000 + port, pid, LO, 80, LO, port);
}

/* --- one run ------------------------------------------------------------------------ */

static void test_run(void **state)
{
	struct fixture *f = *state;
	struct pt_socket listen = wire_listen(1, SERVER, LO, 80), connect = a_connect(40000);
	struct pt_socket accept = an_accept(40000, SERVER), end;
	struct event_totals totals;

	begin(f);
	pipeline_start(f->pipeline, "one two");
	feed(f, &listen);
	feed(f, &connect);
	feed(f, &accept);
	end = wire_close(&connect);
	feed(f, &end);
	end = wire_close(&accept);
	feed(f, &end);
	account(f);
	pipeline_stop(f->pipeline);
	totals = balance(f);
	assert_int_equal(totals.seen, 7);
	assert_int_equal(totals.written, 7);
	flush(f);
	assert_int_equal(f->count, 7);
	check_no_gaps(f);
	assert_true(is_action(f->lines[0], "start"));
	assert_true(is_action(f->lines[1], "listen"));
	assert_true(is_action(f->lines[2], "connect"));
	assert_true(is_action(f->lines[3], "accept"));
	assert_true(is_action(f->lines[4], "close"));
	assert_true(is_action(f->lines[5], "close"));
	assert_true(is_action(f->lines[6], "stop"));
	assert_int_equal(pipeline_bad(f->pipeline), 0);
	pipeline_abandon(f->pipeline);
}

static void test_nothing_began(void **state)
{
	struct fixture *f = *state;

	begin(f);
	pipeline_settle(f->pipeline);
	pipeline_stop(f->pipeline);
	flush(f);
	assert_int_equal(f->count, 0);
	assert_int_equal(balance(f).seen, 0);
	pipeline_free(NULL);
}

/* It waits until all that came with it is there. */
static void test_waits(void **state)
{
	struct fixture *f = *state;
	struct pt_socket connect = a_connect(40000);

	begin(f);
	feed(f, &connect);
	flush(f);
	assert_int_equal(f->count, 0);
	pipeline_settle(f->pipeline);
	pipeline_settle(f->pipeline);
	flush(f);
	assert_int_equal(f->count, 1);
	feed(f, &connect);
	pipeline_stop(f->pipeline); /* the end settles too */
	flush(f);
	assert_int_equal(f->count, 3);
}

/* --- who is named --------------------------------------------------------------------- */

static bool names(const char *line, const char *end, uint32_t pid)
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

static void test_foreseen(void **state)
{
	struct fixture *f = *state;
	struct pt_socket listen = wire_listen(1, SERVER, LO, 80), connect = a_connect(40000);
	struct pt_socket accept = an_accept(40000, WORKER);

	begin(f);
	feed(f, &listen);
	feed(f, &connect);
	feed(f, &accept);
	account(f);
	flush(f);
	assert_int_equal(f->count, 3);
	assert_true(is_action(f->lines[1], "connect"));
	assert_true(names(f->lines[1], "source", CLIENT));
	assert_true(names(f->lines[1], "destination", WORKER));
	assert_false(names(f->lines[1], "destination", SERVER));
}

/* Behind the end of the batch nothing is foreseen: it is the listener's then. */
static void test_not_foreseen(void **state)
{
	struct fixture *f = *state;
	struct pt_socket listen = wire_listen(1, SERVER, LO, 80), connect = a_connect(40000);
	struct pt_socket accept = an_accept(40000, WORKER);

	begin(f);
	feed(f, &listen);
	feed(f, &connect);
	pipeline_settle(f->pipeline);
	feed(f, &accept);
	account(f);
	flush(f);
	assert_int_equal(f->count, 3);
	assert_true(names(f->lines[1], "destination", SERVER));
	assert_true(names(f->lines[2], "source", CLIENT));
	assert_true(names(f->lines[2], "destination", WORKER));
}

/* An accept that came already is not ahead: the same ends again, and nobody accepts. */
static void test_foresight_ends(void **state)
{
	struct fixture *f = *state;
	struct pt_socket connect = a_connect(40000), accept = an_accept(40000, WORKER), end;

	begin(f);
	feed(f, &connect);
	feed(f, &accept);
	end = wire_close(&connect);
	feed(f, &end);
	end = wire_close(&accept);
	feed(f, &end);
	connect.sock = connect.cookie = 0x77;
	feed(f, &connect);
	account(f);
	flush(f);
	assert_int_equal(f->count, 5);
	assert_true(names(f->lines[0], "destination", WORKER));
	assert_false(names(f->lines[4], "destination", WORKER));
}

static void test_processes(void **state)
{
	struct fixture *f = *state;
	struct pt_process news = wire_process(CLIENT, "a \"name\"\n", "prog\0bin", 9);
	struct pt_life fork = wire_life(PT_FORK, SERVER, 2000);
	struct pt_life end = wire_life(PT_EXIT, CLIENT, 3000);
	struct pt_socket listen = wire_listen(1, SERVER, LO, 80), connect = a_connect(40000);

	begin(f);
	feed(f, &listen);
	pipeline_record(f->pipeline, &news, sizeof(news));
	pipeline_record(f->pipeline, &fork, sizeof(fork));
	feed(f, &connect);
	pipeline_record(f->pipeline, &end, sizeof(end));
	account(f);
	flush(f);
	assert_int_equal(f->count, 2);
	assert_non_null(strstr(f->lines[1], "\"a \\\"name\\\"\\u000a\""));
	assert_non_null(strstr(f->lines[1], "\"/bin/prog\""));
	/* The server has a child that may accept as well. */
	assert_false(names(f->lines[1], "destination", SERVER));
	assert_int_equal(balance(f).seen, 2); /* processes are no events */
}

/* What a formatter keeps of a process goes when the process changes. */
static void test_new_name(void **state)
{
	struct fixture *f = *state;
	struct pt_process before = wire_process(CLIENT, "before", "before", sizeof("before"));
	struct pt_process after = wire_process(CLIENT, "after", "after", sizeof("after"));
	struct pt_socket connect = a_connect(40000);

	begin(f);
	pipeline_record(f->pipeline, &before, sizeof(before));
	feed(f, &connect);
	feed(f, &connect);
	pipeline_record(f->pipeline, &after, sizeof(after));
	feed(f, &connect);
	account(f);
	flush(f);
	assert_int_equal(f->count, 3);
	assert_non_null(strstr(f->lines[0], "\"before\""));
	assert_non_null(strstr(f->lines[1], "\"before\""));
	assert_non_null(strstr(f->lines[2], "\"after\""));
	assert_null(strstr(f->lines[2], "before"));
}

/* PT_AFTER_LOSS: what was known before names nobody. */
static void test_after_loss(void **state)
{
	struct fixture *f = *state;
	struct pt_socket listen = wire_listen(1, SERVER, LO, 80), connect = a_connect(40000);

	begin(f);
	feed(f, &listen);
	connect.flags |= PT_AFTER_LOSS;
	feed(f, &connect);
	account(f);
	flush(f);
	assert_int_equal(f->count, 2);
	assert_true(names(f->lines[1], "source", CLIENT));
	assert_false(names(f->lines[1], "destination", SERVER));
}

/* A loss asks for all that lives to be told again, and that tells nobody anything new. */
static void test_doubts(void **state)
{
	struct fixture *f = *state;
	struct pt_socket listen = wire_listen(1, SERVER, LO, 80), connect = a_connect(40000);
	struct pt_socket open = listen;

	f->config.show_open = true;
	begin(f);
	pipeline_live(f->pipeline);
	feed(f, &listen);
	account(f);
	assert_false(pipeline_doubts(f->pipeline));
	connect.flags |= PT_AFTER_LOSS;
	feed(f, &connect);
	account(f);
	assert_true(pipeline_doubts(f->pipeline));
	open.type = PT_OPEN;
	open.fd = 3 + 1;
	pipeline_record(f->pipeline, &open, sizeof(open));
	pipeline_believe(f->pipeline);
	assert_false(pipeline_doubts(f->pipeline));
	connect = a_connect(40001);
	feed(f, &connect);
	account(f);
	assert_int_equal(balance(f).seen, 3);
	flush(f);
	assert_int_equal(f->count, 3);
	assert_false(names(f->lines[1], "destination", SERVER));
	assert_true(names(f->lines[2], "destination", SERVER));
}

/* --- accounts --------------------------------------------------------------------------- */

static void test_filtered(void **state)
{
	struct fixture *f = *state;
	struct event_totals totals;
	struct pt_socket record;

	f->filter.actions = 1U << EVENT_ACCEPT;
	begin(f);
	pipeline_start(f->pipeline, "");
	for (uint16_t i = 0; i < 10; i++) {
		record = a_connect(40000 + i);
		feed(f, &record);
		record = an_accept(40000 + i, SERVER);
		feed(f, &record);
	}
	f->counts.seen += 5; /* filtered in the kernel */
	f->counts.filtered += 5;
	account(f);
	totals = balance(f);
	assert_int_equal(totals.seen, 26);
	assert_int_equal(totals.written, 11);
	assert_int_equal(totals.filtered, 15);
	flush(f);
	assert_int_equal(f->count, 11);
	check_no_gaps(f); /* what is filtered has no number */
	/* What is hidden is known all the same. */
	assert_true(names(f->lines[1], "source", CLIENT));
}

static void test_limit(void **state)
{
	struct fixture *f = *state;
	struct event_totals totals;
	struct pt_socket record;

	f->config.limit = 3;
	f->filter.actions = 1U << EVENT_CONNECT;
	begin(f);
	pipeline_start(f->pipeline, "");
	for (uint16_t i = 0; i < 10; i++) {
		assert_true(pipeline_done(f->pipeline) == (i >= 3));
		record = a_connect(40000 + i);
		feed(f, &record);
		record = an_accept(40000 + i, SERVER);
		feed(f, &record);
		pipeline_settle(f->pipeline);
	}
	account(f);
	pipeline_stop(f->pipeline);
	totals = balance(f);
	assert_int_equal(totals.seen, 22);
	assert_int_equal(totals.written, 5); /* start and stop are not limited */
	assert_int_equal(totals.filtered, 17);
	flush(f);
	assert_int_equal(count_action(f, "connect"), 3);
	assert_int_equal(f->count, 5);
	check_no_gaps(f);
}

static void check_lost(const char *line, const char *stage, uint64_t count)
{
	char text[64];

	assert_true(is_action(line, "lost"));
	(void)snprintf(text, sizeof(text), "\"%s\"", stage);
	assert_non_null(strstr(line, text));
	(void)snprintf(text, sizeof(text), ":%llu", (unsigned long long)count);
	assert_non_null(strstr(line, "count"));
	assert_non_null(strstr(strstr(line, "count"), text));
}

static void test_bad(void **state)
{
	struct fixture *f = *state;
	struct pt_socket record = a_connect(40000);
	struct pt_process process = wire_process(CLIENT, "a", "a", 2);

	begin(f);
	pipeline_record(f->pipeline, &record, 0);
	pipeline_record(f->pipeline, &record, sizeof(record) - 1);
	record.kind = PT_KIND_END;
	pipeline_record(f->pipeline, &record, sizeof(record));
	process.exe_len = PT_EXE_LEN + 1;
	pipeline_record(f->pipeline, &process, sizeof(process));
	assert_int_equal(pipeline_bad(f->pipeline), 4);
	record.kind = PT_CONNECTION;
	feed(f, &record);
	f->counts.seen += 2; /* the kernel side counted its two sockets */
	account(f);
	assert_int_equal(pipeline_bad(f->pipeline), 4);
	flush(f);
	assert_int_equal(f->count, 2);
	check_lost(f->lines[1], "ring", 4);
	balance(f);
	check_no_gaps(f);
}

/* --snapshot: what the kernel side does not count is counted here. */
static void test_open(void **state)
{
	struct fixture *f = *state;
	struct pt_socket open = wire_listen(1, SERVER, LO, 80), connect = a_connect(40000);

	open.type = PT_OPEN;
	open.fd = 3 + 1;
	f->config.show_open = true;
	begin(f);
	pipeline_record(f->pipeline, &open, sizeof(open));
	pipeline_record(f->pipeline, &open, sizeof(open)); /* a second descriptor */
	feed(f, &connect);
	account(f);
	assert_int_equal(balance(f).seen, 2);
	flush(f);
	assert_int_equal(f->count, 2);
	assert_true(is_action(f->lines[0], "open"));
	assert_true(names(f->lines[1], "destination", SERVER));
}

static void test_open_hidden(void **state)
{
	struct fixture *f = *state;
	struct pt_socket open = wire_listen(1, SERVER, LO, 80), connect = a_connect(40000);

	open.type = PT_OPEN;
	open.fd = 3 + 1;
	begin(f);
	pipeline_record(f->pipeline, &open, sizeof(open));
	feed(f, &connect);
	account(f);
	assert_int_equal(balance(f).seen, 1);
	flush(f);
	assert_int_equal(f->count, 1);
	assert_true(names(f->lines[0], "destination", SERVER));
}

static void test_open_filtered(void **state)
{
	struct fixture *f = *state;
	struct pt_socket open = wire_listen(1, SERVER, LO, 80);
	struct event_totals totals;

	open.type = PT_OPEN;
	open.fd = 3 + 1;
	f->config.show_open = true;
	f->filter.actions = 1U << EVENT_CONNECT;
	begin(f);
	pipeline_record(f->pipeline, &open, sizeof(open));
	account(f);
	totals = balance(f);
	assert_int_equal(totals.seen, 1);
	assert_int_equal(totals.filtered, 1);
}

/* --- loss ---------------------------------------------------------------------------------- */

static void test_lost_in_the_kernel(void **state)
{
	struct fixture *f = *state;
	struct event_totals totals;

	begin(f);
	account(f);
	flush(f);
	assert_int_equal(f->count, 0);

	f->counts.seen += 7;
	f->counts.lost_ring += 7;
	f->counts.lost_processes += 100; /* what they would have told is lost all the same */
	account(f);
	account(f); /* told once */
	flush(f);
	assert_int_equal(f->count, 1);
	check_lost(f->lines[0], "ring", 107);
	balance(f);

	f->counts.seen += 2;
	f->counts.lost_ring += 2;
	f->counts.lost_map += 3;
	account(f);
	flush(f);
	assert_int_equal(f->count, 3);
	check_lost(f->lines[1], "ring", 2); /* what is new only */
	check_lost(f->lines[2], "map", 3);
	check_no_gaps(f);
	totals = balance(f);
	assert_int_equal(totals.seen, 9 + 100 + 3 + 3);
	assert_int_equal(totals.written, 3);
	assert_int_equal(totals.lost[LOST_RING], 109);
	assert_int_equal(totals.lost[LOST_MAP], 3);
}

/* A hook that the kernel skipped, and nobody who could be named in its place. */
static void test_missed(void **state)
{
	struct fixture *f = *state;
	struct pt_socket record = a_connect(40000);

	begin(f);
	record.flags |= PT_LATE;
	feed(f, &record); /* late, but it is known whose */
	account(f);
	assert_int_equal(balance(f).lost[LOST_MISSED], 0);
	record = a_connect(40001);
	record.flags |= PT_LATE;
	record.attribution = PT_BY_UNKNOWN;
	record.owner = wire_who(0);
	feed(f, &record);
	account(f);
	assert_int_equal(balance(f).lost[LOST_MISSED], 1);
	flush(f);
	assert_int_equal(f->count, 3);
	check_lost(f->lines[2], "missed", 1);
	check_no_gaps(f);
}

/* Nobody asked for that socket, whoever's it is; of a process's filter nobody knows. */
static void test_missed_and_filtered(void **state)
{
	struct fixture *f = *state;
	struct pt_socket record = a_connect(40000);
	uint32_t elsewhere = record.netns + 1, pid = 4194303;

	begin(f);
	record.flags |= PT_LATE;
	record.attribution = PT_BY_UNKNOWN;
	record.owner = wire_who(0);
	f->filter.netns = &elsewhere;
	f->filter.netns_count = 1;
	feed(f, &record);
	account(f);
	assert_int_equal(balance(f).lost[LOST_MISSED], 0);
	assert_int_equal(balance(f).filtered, 1);
	f->filter.netns = NULL;
	f->filter.netns_count = 0;
	f->filter.pids = &pid;
	f->filter.pid_count = 1;
	feed(f, &record);
	account(f);
	assert_int_equal(balance(f).lost[LOST_MISSED], 1);
	f->filter.pids = NULL;
	f->filter.pid_count = 0;
}

/* More lines than the sink keeps while the disk is full. */
static void test_lost_in_the_sink(void **state)
{
	struct fixture *f = *state;
	const uint16_t connects = 60000;
	struct event_totals totals;
	struct pt_socket record;
	uint64_t told = 0;

	begin(f);
	pipeline_start(f->pipeline, "");
	assert_int_equal(pipeline_flush(f->pipeline), 0);
	limit_files(f, 1000);
	for (uint16_t i = 0; i < connects; i++) {
		record = a_connect(1 + i);
		feed(f, &record);
		if (i % 1000 == 0) {
			account(f);
			(void)pipeline_flush(f->pipeline);
			balance(f);
		}
	}
	account(f);
	assert_int_equal(pipeline_flush(f->pipeline), -EFBIG);
	totals = balance(f);
	assert_true(totals.lost[LOST_SINK] > 0);

	no_limit(f);
	assert_int_equal(pipeline_flush(f->pipeline), 0);
	account(f); /* the latest loss is told now */
	pipeline_stop(f->pipeline);
	flush(f);
	totals = balance(f);
	assert_int_equal(f->count, totals.written);
	/* Each number that is not there was lost. */
	assert_int_equal(sequence(f->lines[f->count - 1]), f->count + totals.lost[LOST_SINK]);
	for (size_t i = 1; i < f->count; i++)
		assert_true(sequence(f->lines[i]) > sequence(f->lines[i - 1]));
	for (size_t i = 0; i < f->count; i++) {
		if (is_action(f->lines[i], "lost"))
			told += number(f->lines[i], "count") ?: number(f->lines[i], "lost.count");
	}
	assert_int_equal(told, totals.lost[LOST_SINK]);
	assert_true(is_action(f->lines[f->count - 1], "stop"));
}

/* The output never worked again. */
static void test_abandon(void **state)
{
	struct fixture *f = *state;
	struct event_totals totals;
	struct pt_socket record;

	begin(f);
	limit_files(f, 100); /* within the first line */
	for (uint16_t i = 0; i < 50; i++) {
		record = a_connect(1 + i);
		feed(f, &record);
	}
	account(f);
	assert_int_equal(pipeline_flush(f->pipeline), -EFBIG);
	assert_int_equal(pipeline_flush(f->pipeline), -EFBIG);
	balance(f);
	pipeline_abandon(f->pipeline);
	totals = balance(f);
	assert_int_equal(totals.written, 0);
	assert_int_equal(totals.lost[LOST_SINK], 50);
}

/* porttrace | head: what nobody wanted to read any more is not lost. */
static void test_reader_goes_away(void **state)
{
	struct fixture *f = *state;
	struct event_totals totals;
	struct pt_socket record = a_connect(1);
	int fds[2], before = dup(STDOUT_FILENO), opened, errors[2];

	sink_free(f->config.sink);
	f->config.sink = NULL;
	(void)fflush(stdout);
	assert_int_equal(pipe(fds), 0);
	/* Until the end of this no assertion: it would be written there. */
	dup2(fds[1], STDOUT_FILENO);
	close(fds[1]);
	opened = sink_open(&f->config.sink, NULL);
	dup2(before, STDOUT_FILENO);
	close(before);
	assert_int_equal(opened, 0);
	begin(f);
	pipeline_start(f->pipeline, "");
	errors[0] = pipeline_flush(f->pipeline);
	close(fds[0]);
	feed(f, &record);
	account(f);
	errors[1] = pipeline_flush(f->pipeline);
	pipeline_stop(f->pipeline);
	assert_int_equal(pipeline_flush(f->pipeline), -EPIPE);
	pipeline_abandon(f->pipeline);
	assert_int_equal(errors[0], 0);
	assert_int_equal(errors[1], -EPIPE);
	totals = balance(f);
	assert_int_equal(totals.written, 1);
	assert_int_equal(totals.filtered, 2);
	assert_int_equal(totals.lost[LOST_SINK], 0);
}

/* --- many -------------------------------------------------------------------------------- */

/* More records than wait together: the first of them go ahead. */
static void test_full_batch(void **state)
{
	struct fixture *f = *state;
	const uint16_t fit = BATCH_BYTES / sizeof(struct pt_socket), all = 3 * fit + 5;
	struct pt_socket record;

	begin(f);
	for (uint16_t i = 0; i < fit; i++) {
		record = a_connect(1 + i);
		feed(f, &record);
	}
	assert_int_equal(pipeline_totals(f->pipeline).written, 0);
	for (uint16_t i = fit; i < all; i++) {
		record = a_connect(1 + i);
		feed(f, &record);
	}
	assert_int_equal(pipeline_totals(f->pipeline).written, 3 * fit);
	account(f);
	balance(f);
	flush(f);
	assert_int_equal(f->count, all);
	check_no_gaps(f);
	for (uint16_t i = 0; i < all; i++)
		assert_int_equal(number(f->lines[i], "cookie") | number(f->lines[i], "porttrace."
										     "cookie"),
				 0x10000 + 1 + i);
}

/* Records of all sizes up to the very end of a batch. */
static void test_mixed_batch(void **state)
{
	struct fixture *f = *state;
	struct pt_life fork = wire_life(PT_FORK, CLIENT, 1);
	struct event_totals totals;

	begin(f);
	for (uint16_t i = 0; i < 6000; i++) {
		struct pt_socket record = a_connect(1 + i);
		struct pt_process news = wire_process(CLIENT + i % 7, "a", "a", 2);

		pipeline_record(f->pipeline, &news, sizeof(news));
		feed(f, &record);
		for (int k = 0; k < i % 3; k++)
			pipeline_record(f->pipeline, &fork, sizeof(fork));
	}
	account(f);
	totals = balance(f);
	assert_int_equal(totals.written, 6000);
	flush(f);
	assert_int_equal(f->count, 6000);
	check_no_gaps(f);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_run),
		TEST(test_nothing_began),
		TEST(test_waits),
		TEST(test_foreseen),
		TEST(test_not_foreseen),
		TEST(test_foresight_ends),
		TEST(test_processes),
		TEST(test_new_name),
		TEST(test_after_loss),
		TEST(test_doubts),
		TEST(test_filtered),
		TEST(test_limit),
		TEST(test_bad),
		TEST(test_open),
		TEST(test_open_hidden),
		TEST(test_open_filtered),
		TEST(test_lost_in_the_kernel),
		TEST(test_missed),
		TEST(test_missed_and_filtered),
		TEST(test_lost_in_the_sink),
		TEST(test_abandon),
		TEST(test_reader_goes_away),
		TEST(test_full_batch),
		TEST(test_mixed_batch),
	};

	(void)signal(SIGXFSZ, SIG_IGN);
	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
