// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * warn.c: who is warned of what, and above all who is not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "decode.h"
#include "foresight.h"
#include "warn.h"

#include "wire_records.h"

#define SERVER (WIRE_PID + 1)
#define OTHER (WIRE_PID + 2)
#define CLIENT (WIRE_PID + 3)

#define LO "127.0.0.1"

#define SERVICES_MAX 4096 /* as in warn.c */

struct fixture {
	struct processes *processes;
	struct foresight *foresight;
	struct ledger *ledger;
	struct warn *warn;
	struct event event;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->processes = processes_new(false);
	f->foresight = foresight_new();
	f->ledger = ledger_new(f->processes, f->foresight);
	f->warn = warn_new(f->ledger, f->processes);
	assert_non_null(f->warn);
	for (uint32_t pid = SERVER; pid <= CLIENT; pid++) {
		struct pt_process news = wire_process(pid, "name", "name", sizeof("name"));

		assert_int_equal(processes_update(f->processes, &news, 0), 0);
	}
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	warn_free(f->warn);
	ledger_free(f->ledger);
	foresight_free(f->foresight);
	processes_free(f->processes);
	free(f);
	return 0;
}

/* The warnings of a record, a bit for each. */
static unsigned int warnings(struct fixture *f, struct pt_socket record)
{
	decode_event(&f->event, &record, 0);
	(void)ledger_apply(f->ledger, &record, &f->event, 0);
	warn_event(f->warn, &record, &f->event);
	return f->event.warnings;
}

static struct pt_socket shared(uint64_t sock, uint32_t pid, const char *ip)
{
	struct pt_socket record = wire_listen(sock, pid, ip, 80);

	record.share = PT_REUSEPORT;
	return record;
}

static struct pt_socket ephemeral(uint64_t sock, uint8_t share)
{
	struct pt_socket record = wire_listen(sock, SERVER, LO, 40000);

	record.flags |= PT_EPHEMERAL;
	record.share = share;
	return record;
}

static struct pt_socket given(uint16_t port, uint8_t share)
{
	struct pt_socket record = wire_connect(0x9000 + port, CLIENT, LO, port, LO, 80);

	record.share = share;
	return record;
}

static void test_join(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(warnings(f, shared(1, SERVER, LO)), 0);
	assert_int_equal(warnings(f, shared(2, SERVER, LO)), 0);
	assert_int_equal(warnings(f, shared(3, OTHER, LO)), 1 << WARN_REUSEPORT_JOIN);
	assert_int_equal(f->event.warning_about->pid, SERVER);
	assert_int_equal(warnings(f, shared(4, OTHER, "127.0.0.2")), 0);
	assert_int_equal(warnings(f, shared(5, OTHER, "0.0.0.0")), 1 << WARN_REUSEPORT_JOIN);
}

static void test_no_join(void **state)
{
	struct fixture *f = *state;
	struct pt_socket elsewhere = shared(2, OTHER, LO), refused = shared(3, OTHER, LO);

	elsewhere.netns++;
	refused.error = 98;
	assert_int_equal(warnings(f, shared(1, SERVER, LO)), 0);
	assert_int_equal(warnings(f, elsewhere), 0);
	assert_int_equal(warnings(f, refused), 0);
	/* Without SO_REUSEPORT it is SO_REUSEADDR that let it bind. */
	assert_int_equal(warnings(f, wire_listen(4, OTHER, LO, 80)), 0);
}

static void test_ephemeral(void **state)
{
	struct fixture *f = *state;
	struct pt_socket bind = ephemeral(4, 0);

	bind.type = PT_BIND;
	assert_int_equal(warnings(f, ephemeral(1, 0)), 1 << WARN_EPHEMERAL_LISTENER);
	assert_int_equal(warnings(f, ephemeral(2, PT_ANY_PORT)), 0);
	assert_int_equal(warnings(f, ephemeral(3, PT_RESERVED)), 0);
	assert_int_equal(warnings(f, bind), 0);
	assert_int_equal(warnings(f, wire_listen(5, SERVER, LO, 80)), 0);
}

static void test_taken(void **state)
{
	struct fixture *f = *state;
	struct pt_socket service = wire_listen(1, SERVER, LO, 40000), end = wire_close(&service);
	struct pt_socket elsewhere = given(40000, PT_ANY_PORT);

	elsewhere.netns++;
	(void)warnings(f, service);
	assert_int_equal(warnings(f, given(40000, PT_ANY_PORT)), 0); /* at another address */
	(void)warnings(f, end);
	assert_int_equal(warnings(f, given(40000, PT_ANY_PORT)), 1 << WARN_SERVICE_PORT_TAKEN);
	assert_int_equal(f->event.warning_about->pid, SERVER);
	assert_int_equal(warnings(f, given(40001, PT_ANY_PORT)), 0);
	assert_int_equal(warnings(f, given(40000, 0)), 0); /* it asked for it */
	assert_int_equal(warnings(f, elsewhere), 0);
	/* The service is back. */
	(void)warnings(f, service);
	assert_int_equal(warnings(f, given(40000, PT_ANY_PORT)), 0);
}

/* Nobody will come back to a port that the kernel chose. */
static void test_chosen_by_the_kernel(void **state)
{
	struct fixture *f = *state;
	struct pt_socket service = ephemeral(1, PT_ANY_PORT), end = wire_close(&service);

	(void)warnings(f, service);
	(void)warnings(f, end);
	assert_int_equal(warnings(f, given(40000, PT_ANY_PORT)), 0);
}

static void test_forgets_the_oldest(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i <= SERVICES_MAX; i++) {
		struct pt_socket service = wire_listen(1, SERVER, LO, (uint16_t)(1000 + i));
		struct pt_socket end = wire_close(&service);

		(void)warnings(f, service);
		(void)warnings(f, end);
	}
	assert_int_equal(warnings(f, given(1000, PT_ANY_PORT)), 0);
	assert_int_not_equal(warnings(f, given(1001, PT_ANY_PORT)), 0);
	assert_int_not_equal(warnings(f, given(1000 + SERVICES_MAX, PT_ANY_PORT)), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_join),
		TEST(test_no_join),
		TEST(test_ephemeral),
		TEST(test_taken),
		TEST(test_chosen_by_the_kernel),
		TEST(test_forgets_the_oldest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
