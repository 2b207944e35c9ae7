// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * explain.c: who is named for a failed bind, from the ledger and from what the kernel
 * answers.  The answers are the tests' own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "decode.h"
#include "explain.h"
#include "foresight.h"

#include "wire_records.h"

#define SERVER (WIRE_PID + 1)
#define CHILD (WIRE_PID + 2)
#define LATE (WIRE_PID + 3)
#define CLIENT (WIRE_PID + 4)

#define LO "127.0.0.1"
#define STATE_WAIT 6 /* TCP_TIME_WAIT */

enum {
	LISTENER = 0x1000,
	OURS = 0x2000,
	THEIRS = 0x3000,
	WANTS = 0x9000
};

struct fixture {
	struct processes *processes;
	struct foresight *foresight;
	struct ledger *ledger;
	struct explain *explain;
	struct event event;          /* of the latest failure */
	struct pt_socket answers[8]; /* to the next questions */
	size_t answer_count;
	int answer; /* what asking returns */
	int asked[2];
	uint64_t now;
};

static int on_ask(void *context, enum explain_quest quest, uint32_t netns, uint16_t port)
{
	struct fixture *f = context;

	assert_int_equal(netns, WIRE_NETNS);
	assert_int_equal(port, 80);
	f->asked[quest]++;
	if (f->answer)
		return f->answer;
	for (size_t i = 0; i < f->answer_count; i++)
		if ((f->answers[i].state_old == STATE_WAIT) == (quest == EXPLAIN_WAITING))
			explain_found(f->explain, &f->answers[i], 0);
	return 0;
}

static void tell(struct fixture *f, uint32_t pid)
{
	struct pt_process news = wire_process(pid, "name", "name", sizeof("name"));

	assert_int_equal(processes_update(f->processes, &news, 0), 0);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct explain_config config = { .ask = on_ask, .context = f };

	assert_non_null(f);
	f->processes = processes_new(false);
	f->foresight = foresight_new();
	f->ledger = ledger_new(f->processes, f->foresight);
	config.ledger = f->ledger;
	config.processes = f->processes;
	f->explain = explain_new(&config);
	assert_non_null(f->explain);
	for (uint32_t pid = SERVER; pid <= CLIENT; pid++)
		tell(f, pid);
	f->now = clock_boot();
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	explain_free(f->explain);
	ledger_free(f->ledger);
	foresight_free(f->foresight);
	processes_free(f->processes);
	free(f);
	return 0;
}

static void apply(struct fixture *f, struct pt_socket record)
{
	struct event event;

	record.time = f->now;
	decode_event(&event, &record, 0);
	(void)ledger_apply(f->ledger, &record, &event, 0);
}

/* A bind of LATE to port 80 that fails. */
static const struct explanation *refused(struct fixture *f, const char *ip, uint8_t share)
{
	struct pt_socket record = wire_socket(PT_BIND, WANTS, LATE, ip, 80, NULL, 0);

	record.time = f->now;
	record.kind = PT_BOUND;
	record.error = EADDRINUSE;
	record.share = share;
	decode_event(&f->event, &record, 0);
	(void)ledger_apply(f->ledger, &record, &f->event, 0);
	explain_event(f->explain, &record, &f->event, 0);
	assert_non_null(f->event.why);
	return f->event.why;
}

static struct pt_socket descriptor(uint64_t sock, uint32_t pid, uint32_t fd)
{
	struct pt_socket record = wire_listen(sock, pid, LO, 80);

	record.type = PT_OPEN;
	record.attribution = PT_BY_SNAPSHOT;
	record.fd = fd + 1;
	record.state_new = 10;
	return record;
}

static void answer(struct fixture *f, struct pt_socket record)
{
	f->answers[f->answer_count++] = record;
}

static uint32_t pid_of(const struct explanation *why, size_t i)
{
	assert_true(i < why->holder_count);
	return why->holders[i].process ? why->holders[i].process->pid : 0;
}

static void test_ledger_alone(void **state)
{
	struct fixture *f = *state;
	const struct explanation *why;

	f->answer = -EPERM;
	apply(f, wire_listen(LISTENER, SERVER, LO, 80));
	why = refused(f, LO, 0);
	assert_int_equal(why->cause, CAUSE_LISTENER);
	assert_int_equal(why->holder_count, 1);
	assert_int_equal(pid_of(why, 0), SERVER);
	assert_int_equal(why->holders[0].since, f->now);
	assert_int_equal(f->asked[EXPLAIN_DESCRIPTORS], 1);
	assert_int_equal(f->asked[EXPLAIN_WAITING], 0);
}

static void test_all_descriptors(void **state)
{
	struct fixture *f = *state;
	const struct explanation *why;

	apply(f, wire_listen(LISTENER, SERVER, LO, 80));
	answer(f, descriptor(LISTENER, SERVER, 3));
	answer(f, descriptor(LISTENER, CHILD, 4));
	answer(f, descriptor(LISTENER, CHILD, 5));
	answer(f, descriptor(OURS, CLIENT, 6)); /* at the same port, and not in the ledger */
	why = refused(f, "0.0.0.0", 0);
	assert_int_equal(why->holder_count, 2);
	assert_int_equal(pid_of(why, 0), SERVER);
	assert_int_equal(why->holders[0].fd, 3 + 1);
	assert_int_equal(pid_of(why, 1), CHILD);
	assert_int_equal(why->holders[1].fd, 4 + 1);
}

/* Another socket is at that address now: who holds it was not in the way. */
static void test_other_cookie(void **state)
{
	struct fixture *f = *state;
	struct pt_socket other = descriptor(LISTENER, CHILD, 4);
	const struct explanation *why;

	other.cookie++;
	apply(f, wire_listen(LISTENER, SERVER, LO, 80));
	answer(f, other);
	why = refused(f, LO, 0);
	assert_int_equal(why->holder_count, 1);
	assert_int_equal(pid_of(why, 0), SERVER);
}

/* The owner lives no more, and that was not told yet: it held the socket at that moment. */
static void test_died_in_between(void **state)
{
	struct fixture *f = *state;
	const struct explanation *why;

	apply(f, wire_listen(LISTENER, SERVER, LO, 80));
	answer(f, descriptor(LISTENER, CHILD, 4));
	why = refused(f, LO, 0);
	assert_int_equal(why->holder_count, 2);
	assert_int_equal(why->cause, CAUSE_LISTENER);
}

static void test_heir(void **state)
{
	struct fixture *f = *state;
	struct pt_who server = wire_who(SERVER);
	const struct explanation *why;

	apply(f, wire_listen(LISTENER, SERVER, LO, 80));
	answer(f, descriptor(LISTENER, CHILD, 4));
	processes_exit(f->processes, &server);
	why = refused(f, LO, 0);
	assert_int_equal(why->cause, CAUSE_LISTENER); /* of the same program */
	assert_int_equal(why->holder_count, 1);
	assert_int_equal(pid_of(why, 0), CHILD);
	assert_int_equal(why->holders[0].former->pid, SERVER);
}

/* It began after the failure: it was not there. */
static void test_born_later(void **state)
{
	struct fixture *f = *state;
	struct pt_socket later = descriptor(LISTENER, CHILD, 4);

	later.owner.start = f->now + 1;
	apply(f, wire_listen(LISTENER, SERVER, LO, 80));
	answer(f, descriptor(LISTENER, SERVER, 3));
	answer(f, later);
	assert_int_equal(refused(f, LO, 0)->holder_count, 1);
}

static void test_nobody_is_left(void **state)
{
	struct fixture *f = *state;
	struct pt_who server = wire_who(SERVER);
	const struct explanation *why;

	apply(f, wire_listen(LISTENER, SERVER, LO, 80));
	processes_exit(f->processes, &server);
	why = refused(f, LO, 0);
	assert_int_equal(pid_of(why, 0), SERVER);
	assert_true(why->holders[0].exited);
}

static void test_after_a_loss(void **state)
{
	struct fixture *f = *state;
	const struct explanation *why;

	apply(f, wire_listen(LISTENER, SERVER, LO, 80));
	ledger_doubt(f->ledger);
	f->answer = -EPERM;
	assert_int_equal(refused(f, LO, 0)->holder_count, 0);
	f->answer = 0;
	answer(f, descriptor(LISTENER, CHILD, 4));
	why = refused(f, LO, 0);
	assert_int_equal(why->holder_count, 1);
	assert_int_equal(pid_of(why, 0), CHILD);
}

/* Each process once, by the socket that tells most. */
static void test_order(void **state)
{
	struct fixture *f = *state;
	struct pt_socket bound = wire_socket(PT_BIND, THEIRS, CHILD, "127.0.0.2", 80, NULL, 0);
	const struct explanation *why;

	bound.kind = PT_BOUND;
	bound.attribution = PT_BY_BIND;
	apply(f, wire_connect(OURS, SERVER, LO, 80, LO, 9));
	apply(f, bound);
	apply(f, wire_listen(LISTENER, SERVER, LO, 80));
	why = refused(f, "0.0.0.0", 0);
	assert_int_equal(why->holder_count, 2);
	assert_int_equal(why->holders[0].socket.kind, PT_LISTENER);
	assert_int_equal(pid_of(why, 0), SERVER);
	assert_int_equal(pid_of(why, 1), CHILD);
}

/* Sharing has changed unseen: what is at the address is named all the same. */
static void test_rules_say_no(void **state)
{
	struct fixture *f = *state;
	struct pt_socket bound = wire_socket(PT_BIND, THEIRS, CHILD, LO, 80, NULL, 0);

	bound.kind = PT_BOUND;
	bound.share = PT_REUSEADDR;
	apply(f, bound);
	assert_int_equal(pid_of(refused(f, LO, PT_REUSEADDR), 0), CHILD);
	assert_int_equal(f->event.why->cause, CAUSE_BOUND);
}

static void test_other_namespace(void **state)
{
	struct fixture *f = *state;
	struct pt_socket listen = wire_listen(LISTENER, SERVER, LO, 80);

	listen.netns++;
	apply(f, listen);
	assert_int_equal(refused(f, LO, 0)->cause, CAUSE_UNKNOWN);
	assert_int_equal(f->event.why->holder_count, 0);
}

static void test_kernel(void **state)
{
	struct fixture *f = *state;
	struct pt_socket listen = wire_listen(LISTENER, 0, LO, 80);

	listen.attribution = PT_BY_KERNEL;
	apply(f, listen);
	assert_int_equal(refused(f, LO, 0)->cause, CAUSE_KERNEL);
	assert_int_equal(f->event.why->holder_count, 1);
}

/* --- TIME_WAIT -------------------------------------------------------------------- */

static void end_connection(struct fixture *f, uint64_t sock)
{
	struct pt_socket connect = wire_connect(sock, CLIENT, LO, 80, LO, 9);
	struct pt_socket end = wire_close(&connect);

	end.close_by = PT_LOCAL;
	end.close_how = PT_FIN;
	apply(f, connect);
	apply(f, end);
}

static struct pt_socket remains(struct fixture *f, uint16_t remote)
{
	struct pt_socket record = wire_connect(0x7000 + remote, 0, LO, 80, LO, remote);

	record.type = PT_OPEN;
	record.state_old = record.state_new = STATE_WAIT;
	record.time = f->now;
	record.duration = 41500000000;
	return record;
}

static void test_waiting(void **state)
{
	struct fixture *f = *state;
	const struct explanation *why;

	end_connection(f, OURS);
	answer(f, remains(f, 10));
	answer(f, remains(f, 9));
	why = refused(f, LO, 0);
	assert_int_equal(why->cause, CAUSE_TIME_WAIT);
	assert_int_equal(why->holder_count, 2);
	assert_int_equal(pid_of(why, 0), 0); /* older than the tracer */
	assert_int_equal(pid_of(why, 1), CLIENT);
	assert_int_equal(why->holders[1].seconds_left, 42);
	assert_int_equal(why->holders[1].close_how, PT_FIN);
	assert_false(why->holders[1].exited);
}

/* A tick that lags behind the clock does not make more than a minute of it. */
static void test_waiting_by_a_late_tick(void **state)
{
	struct fixture *f = *state;
	struct pt_socket whole = remains(f, 9);

	end_connection(f, OURS);
	whole.duration = 60004000000;
	answer(f, whole);
	assert_int_equal(refused(f, LO, 0)->holders[0].seconds_left, 60);
}

/* Its memory is already that of the socket that can't be bound. */
static void test_waiting_at_the_same_address(void **state)
{
	struct fixture *f = *state;

	f->answer = -EPERM;
	end_connection(f, WANTS);
	assert_int_equal(pid_of(refused(f, LO, 0), 0), CLIENT);
}

/* The kernel can't be asked: it stays a minute after its end. */
static void test_waiting_by_ledger(void **state)
{
	struct fixture *f = *state;
	const struct explanation *why;

	f->answer = -EPERM;
	end_connection(f, OURS);
	f->now += 15000000000;
	why = refused(f, LO, 0);
	assert_int_equal(why->cause, CAUSE_TIME_WAIT);
	assert_int_equal(pid_of(why, 0), CLIENT);
	assert_int_equal(why->holders[0].seconds_left, 45);
	f->now += 45000000000;
	assert_int_equal(refused(f, LO, 0)->cause, CAUSE_UNKNOWN);
}

/* The kernel has none any more, whatever the ledger remembers. */
static void test_waits_no_more(void **state)
{
	struct fixture *f = *state;

	end_connection(f, OURS);
	assert_int_equal(refused(f, LO, 0)->cause, CAUSE_UNKNOWN);
}

/* --- asking costs time --------------------------------------------------------------- */

/* One that tries again and again is answered by what was found before. */
static void test_asked_seldom(void **state)
{
	struct fixture *f = *state;

	apply(f, wire_listen(LISTENER, SERVER, LO, 80));
	answer(f, descriptor(LISTENER, SERVER, 3));
	answer(f, descriptor(LISTENER, CHILD, 4));
	for (int i = 0; i < 1000; i++) /* of one moment: the answer is younger than all */
		assert_int_equal(refused(f, LO, 0)->holder_count, 2);
	assert_int_equal(f->asked[EXPLAIN_DESCRIPTORS], 1);
	f->now = clock_boot();
	assert_int_equal(refused(f, LO, 0)->holder_count, 2);
	assert_int_equal(f->asked[EXPLAIN_DESCRIPTORS], 2);
}

static void test_not_a_failure(void **state)
{
	struct fixture *f = *state;
	struct pt_socket record = wire_listen(LISTENER, SERVER, LO, 80);
	struct event event;

	decode_event(&event, &record, 0);
	explain_event(f->explain, &record, &event, 0);
	assert_null(event.why);
	record = wire_connect(OURS, SERVER, LO, 80, LO, 9);
	record.error = ECONNREFUSED;
	decode_event(&event, &record, 0);
	explain_event(f->explain, &record, &event, 0);
	assert_null(event.why);
}

static void test_own_port(void **state)
{
	struct fixture *f = *state;
	struct pt_socket bound = wire_socket(PT_BIND, WANTS, LATE, LO, 81, NULL, 0), record;

	bound.kind = PT_BOUND;
	apply(f, bound);
	record = bound;
	record.local_port = 80;
	record.error = EINVAL;
	record.share = PT_HAD_PORT;
	decode_event(&f->event, &record, 0);
	explain_event(f->explain, &record, &f->event, 0);
	assert_int_equal(f->event.why->cause, CAUSE_ALREADY_BOUND);
	assert_int_equal(f->event.why->own.port, 81);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_ledger_alone),
		TEST(test_all_descriptors),
		TEST(test_other_cookie),
		TEST(test_died_in_between),
		TEST(test_heir),
		TEST(test_born_later),
		TEST(test_nobody_is_left),
		TEST(test_after_a_loss),
		TEST(test_order),
		TEST(test_rules_say_no),
		TEST(test_other_namespace),
		TEST(test_kernel),
		TEST(test_waiting),
		TEST(test_waiting_by_a_late_tick),
		TEST(test_waiting_at_the_same_address),
		TEST(test_waiting_by_ledger),
		TEST(test_waits_no_more),
		TEST(test_asked_seldom),
		TEST(test_not_a_failure),
		TEST(test_own_port),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
