// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * pipeline.c: from records to the lines of a file, as JSON, and who is named in them.  Its
 * accounts are in test_pipeline_accounts.c.
 */
#include "pipeline_fixture.h"

#define BATCH_BYTES (1024 * 1024) /* as in pipeline.c */

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

static void test_foreseen(void **state)
{
	struct fixture *f = *state;
	struct pt_socket listen = wire_listen(1, SERVER, LO, 80), connect = a_connect(40000);
	struct pt_socket accept = an_accept(40000, WORKER);

	begin(f);
	feed(f, &listen);
	feed(f, &connect);
	feed(f, &accept);
	check_lines(f, 3);
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
	check_lines(f, 3);
	assert_true(names(f->lines[1], "destination", SERVER));
	assert_true(names(f->lines[2], "source", CLIENT));
	assert_true(names(f->lines[2], "destination", WORKER));
}

/* Where the kernel skipped a hook the connect comes after the accept. */
static void test_late_connect(void **state)
{
	struct fixture *f = *state;
	struct pt_socket connect = a_connect(40000), accept = an_accept(40000, WORKER);

	begin(f);
	connect.flags |= PT_LATE;
	feed(f, &accept);
	feed(f, &connect);
	check_lines(f, 2);
	assert_true(names(f->lines[0], "source", CLIENT));
	assert_true(names(f->lines[0], "destination", WORKER));
	assert_true(names(f->lines[1], "source", CLIENT));
	assert_true(names(f->lines[1], "destination", WORKER));
}

/* One that is not late is of another connection, between the same ends. */
static void test_next_connect(void **state)
{
	struct fixture *f = *state;
	struct pt_socket connect = a_connect(40000), accept = an_accept(40000, WORKER);

	begin(f);
	feed(f, &accept);
	feed(f, &connect);
	check_lines(f, 2);
	assert_false(names(f->lines[0], "source", CLIENT));
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
	check_lines(f, 5);
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
	check_lines(f, 2);
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
	check_lines(f, 3);
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
	check_lines(f, 2);
	assert_true(names(f->lines[1], "source", CLIENT));
	assert_false(names(f->lines[1], "destination", SERVER));
}

/* A loss asks for all that lives to be told again, and that tells nobody anything new. */
static void test_doubts(void **state)
{
	struct fixture *f = *state;
	struct pt_socket listen = wire_listen(1, SERVER, LO, 80), connect = a_connect(40000);
	struct pt_socket open = an_open();

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_run),          TEST(test_nothing_began), TEST(test_waits),
		TEST(test_foreseen),     TEST(test_not_foreseen),  TEST(test_foresight_ends),
		TEST(test_late_connect), TEST(test_next_connect),  TEST(test_processes),
		TEST(test_new_name),     TEST(test_after_loss),    TEST(test_doubts),
		TEST(test_full_batch),   TEST(test_mixed_batch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
