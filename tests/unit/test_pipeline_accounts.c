// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * pipeline.c: that the accounts are right: seen = written + filtered + lost, whatever
 * happens.
 */
#include "pipeline_fixture.h"

static size_t count_action(const struct fixture *f, const char *action)
{
	size_t count = 0;

	for (size_t i = 0; i < f->count; i++)
		count += is_action(f->lines[i], action);
	return count;
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
	struct pt_socket open = an_open(), connect = a_connect(40000);

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
	struct pt_socket open = an_open(), connect = a_connect(40000);

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
	struct pt_socket open = an_open();
	struct event_totals totals;

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
	check_lines(f, 0);

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
	check_lines(f, 3);
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
	limit_files(1000);
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

	no_limit();
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
	limit_files(100); /* within the first line */
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

int main(void)
{
	const struct CMUnitTest tests[] = {
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
	};

	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
