// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * foresight.c: which of the records that are ahead belongs to the other end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "decode.h"
#include "foresight.h"

#include "wire_records.h"

#define SERVER (WIRE_PID + 1)
#define OTHER (WIRE_PID + 2)
#define CLIENT (WIRE_PID + 3)

static int setup(void **state)
{
	*state = foresight_new();
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	foresight_free(*state);
	return 0;
}

/* The server's end of a connection to port 80. */
static struct pt_socket an_accept(uint32_t pid, uint16_t port)
{
	return wire_accept(pid, pid, "127.0.0.1", 80, "127.0.0.1", port);
}

/* The client's. */
static struct event a_connect(uint16_t port)
{
	struct pt_socket record = wire_connect(1, CLIENT, "127.0.0.1", port, "127.0.0.1", 80);
	struct event event;

	decode_event(&event, &record, 0);
	return event;
}

static uint32_t acceptor(const struct foresight *foresight, const struct event *event)
{
	const struct pt_who *who = foresight_other_side(foresight, event);

	return who ? who->tgid : 0;
}

static void test_found(void **state)
{
	struct pt_socket accepts[] = { an_accept(SERVER, 1), an_accept(OTHER, 2) };
	struct event event = a_connect(1);

	assert_null(foresight_other_side(*state, &event));
	foresight_add(*state, &accepts[0]);
	foresight_add(*state, &accepts[1]);
	assert_int_equal(acceptor(*state, &event), SERVER);
	assert_int_equal(foresight_other_side(*state, &event)->start, SERVER);
	event = a_connect(2);
	assert_int_equal(acceptor(*state, &event), OTHER);
	event = a_connect(3);
	assert_null(foresight_other_side(*state, &event));
}

/* Each part of the ends and the namespace must be the same. */
static void test_not_mixed_up(void **state)
{
	struct pt_socket record = an_accept(SERVER, 1);
	struct event event;

	foresight_add(*state, &record);
	event = a_connect(1);
	event.netns++;
	assert_null(foresight_other_side(*state, &event));
	event = a_connect(1);
	event.local.ip[15]++;
	assert_null(foresight_other_side(*state, &event));
	event = a_connect(1);
	event.remote.ip[15]++;
	assert_null(foresight_other_side(*state, &event));
	event = a_connect(1);
	event.remote.port++;
	assert_null(foresight_other_side(*state, &event));
	/* The accepting end itself is not its own other side. */
	decode_event(&event, &record, 0);
	assert_null(foresight_other_side(*state, &event));
	event = a_connect(1);
	assert_int_equal(acceptor(*state, &event), SERVER);
}

/* The same ends twice within a batch: the first is next, whatever the order of adding. */
static void test_first(void **state)
{
	struct pt_socket accepts[] = {
		an_accept(WIRE_PID + 12, 1),
		an_accept(WIRE_PID + 11, 1),
		an_accept(WIRE_PID + 13, 1),
	};
	struct event event = a_connect(1);

	accepts[0].time = 12;
	accepts[1].time = 11;
	accepts[2].time = 13;
	for (size_t i = 0; i < 3; i++)
		foresight_add(*state, &accepts[i]);
	assert_int_equal(acceptor(*state, &event), WIRE_PID + 11);
	foresight_drop(*state, &accepts[1]);
	assert_int_equal(acceptor(*state, &event), WIRE_PID + 12);
	foresight_drop(*state, &accepts[1]); /* dropped already */
	foresight_drop(*state, &accepts[0]);
	assert_int_equal(acceptor(*state, &event), WIRE_PID + 13);
	foresight_drop(*state, &accepts[2]);
	assert_null(foresight_other_side(*state, &event));
}

/* Dropped is what was added, not what looks the same. */
static void test_drop_other(void **state)
{
	struct pt_socket record = an_accept(SERVER, 1), twin = record;
	struct event event = a_connect(1);

	foresight_add(*state, &record);
	foresight_drop(*state, &twin);
	assert_int_equal(acceptor(*state, &event), SERVER);
}

static void test_clear(void **state)
{
	enum {
		COUNT = 5000
	};
	struct pt_socket *accepts = calloc(COUNT, sizeof(*accepts));
	struct event event;

	assert_non_null(accepts);
	for (int turn = 0; turn < 2; turn++) {
		for (uint16_t i = 0; i < COUNT; i++) {
			accepts[i] = an_accept(WIRE_PID + i, i + 1);
			foresight_add(*state, &accepts[i]);
		}
		for (uint16_t i = 0; i < COUNT; i++) {
			event = a_connect(i + 1);
			assert_int_equal(acceptor(*state, &event), WIRE_PID + i);
		}
		foresight_clear(*state);
		/* They may be gone now. */
		memset(accepts, 0xff, COUNT * sizeof(*accepts));
		event = a_connect(1);
		assert_null(foresight_other_side(*state, &event));
	}
	foresight_clear(*state);
	free(accepts);
}

/* A connect is noted if it is late: then the accept may come before. */
static void test_late_connect(void **state)
{
	struct pt_socket accept = an_accept(SERVER, 1);
	struct pt_socket connect = wire_connect(1, CLIENT, "127.0.0.1", 1, "127.0.0.1", 80);
	struct event event;

	decode_event(&event, &accept, 0);
	foresight_add(*state, &connect);
	assert_null(foresight_other_side(*state, &event));
	connect.flags |= PT_LATE;
	foresight_add(*state, &connect);
	assert_int_equal(acceptor(*state, &event), CLIENT);
	foresight_drop(*state, &connect);
	assert_null(foresight_other_side(*state, &event));
}

static void test_freed(void **state)
{
	struct pt_socket record = an_accept(SERVER, 1);

	foresight_free(NULL);
	foresight_add(*state, &record); /* freed with the rest */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_found), TEST(test_not_mixed_up), TEST(test_first), TEST(test_drop_other),
		TEST(test_clear), TEST(test_late_connect), TEST(test_freed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
