// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * ledger_listener.c and ledger_queue.c: whose listener takes a connection before it is
 * accepted, or where it never is, and above all when nobody may be named.
 */
#include "ledger_fixture.h"

/* --- before accept: the listener, but only if nobody else can accept ------------ */

static void test_listener_alone(void **state)
{
	struct fixture *f = *state;
	struct pt_socket listen = listener(LISTENER, SERVER, LO);

	assert_int_equal(peer_of_connect_to(f, LO, LO), 0);
	CHECK(f, &listen, SERVER, 0);
	assert_int_equal(peer_of_connect_to(f, LO, LO), SERVER);
	listen = wire_close(&listen);
	CHECK(f, &listen, SERVER, 0);
	assert_int_equal(peer_of_connect_to(f, LO, LO), 0);
}

static void test_other_port(void **state)
{
	struct fixture *f = *state;
	struct pt_socket listen = wire_listen(LISTENER, SERVER, LO, 81);

	CHECK(f, &listen, SERVER, 0);
	assert_int_equal(peer_of_connect_to(f, LO, LO), 0);
}

/* A bound socket takes no connections. */
static void test_bound_only(void **state)
{
	struct fixture *f = *state;
	struct pt_socket bind = listener(LISTENER, SERVER, LO);

	bind.type = PT_BIND;
	bind.kind = PT_BOUND;
	CHECK(f, &bind, SERVER, 0);
	assert_int_equal(peer_of_connect_to(f, LO, LO), 0);
	bind.type = PT_LISTEN;
	bind.kind = PT_LISTENER;
	CHECK(f, &bind, SERVER, 0);
	assert_int_equal(ledger_sockets(f->ledger), 1);
	assert_int_equal(peer_of_connect_to(f, LO, LO), SERVER);
}

static void test_failed_listen(void **state)
{
	struct fixture *f = *state;
	struct pt_socket listen = listener(LISTENER, SERVER, LO);

	listen.error = EADDRINUSE;
	CHECK(f, &listen, SERVER, 0);
	assert_int_equal(ledger_sockets(f->ledger), 0);
	assert_int_equal(peer_of_connect_to(f, LO, LO), 0);
}

static void test_fork_after_listen(void **state)
{
	struct fixture *f = *state;
	struct pt_socket listen = listener(LISTENER, SERVER, LO);
	struct pt_who who = wire_who(SERVER);

	listen.time = 1000;
	CHECK(f, &listen, SERVER, 0);
	processes_fork(f->processes, &who, 999); /* that child has no descriptor of it */
	assert_int_equal(peer_of_connect_to(f, LO, LO), SERVER);
	processes_fork(f->processes, &who, 1000);
	assert_int_equal(peer_of_connect_to(f, LO, LO), 0);
}

/* Who listened has ended, but the listener lives: somebody else has it. */
static void test_listener_outlives(void **state)
{
	struct fixture *f = *state;
	struct pt_socket listen = listener(LISTENER, SERVER, LO);
	struct pt_who who = wire_who(SERVER);

	CHECK(f, &listen, SERVER, 0);
	processes_exit(f->processes, &who);
	assert_int_equal(peer_of_connect_to(f, LO, LO), 0);
}

static void test_reuseport(void **state)
{
	struct fixture *f = *state;
	struct pt_socket first = listener(LISTENER, SERVER, LO);
	struct pt_socket second = listener(ANOTHER, SERVER, LO);

	CHECK(f, &first, SERVER, 0);
	CHECK(f, &second, SERVER, 0);
	assert_int_equal(peer_of_connect_to(f, LO, LO), SERVER);
	second.owner = wire_who(WORKER);
	CHECK(f, &second, WORKER, 0);
	assert_int_equal(peer_of_connect_to(f, LO, LO), 0);
	first = wire_close(&first);
	CHECK(f, &first, SERVER, 0);
	assert_int_equal(peer_of_connect_to(f, LO, LO), WORKER);
	/* One of three is nobody's. */
	first = listener(LISTENER + 1, WORKER, LO);
	CHECK(f, &first, WORKER, 0);
	assert_int_equal(peer_of_connect_to(f, LO, LO), WORKER);
	first = listener(LISTENER + 2, 0, LO);
	CHECK(f, &first, 0, 0);
	assert_int_equal(peer_of_connect_to(f, LO, LO), 0);
}

static void test_foreseen(void **state)
{
	struct fixture *f = *state;
	struct pt_socket listen = listener(LISTENER, SERVER, LO), accept = theirs(WORKER);
	struct pt_socket connect = ours();

	CHECK(f, &listen, SERVER, 0);
	foresight_add(f->foresight, &accept);
	CHECK(f, &connect, CLIENT, WORKER); /* not the listener's owner */
	foresight_drop(f->foresight, &accept);
	CHECK(f, &accept, WORKER, CLIENT);
	connect = wire_close(&connect);
	CHECK(f, &connect, CLIENT, WORKER);
}

/* --- which listener ---------------------------------------------------------------- */

static void test_any_address(void **state)
{
	struct fixture *f = *state;
	struct pt_socket listen = listener(LISTENER, SERVER, "0.0.0.0");

	CHECK(f, &listen, SERVER, 0);
	assert_int_equal(peer_of_connect_to(f, LO, LO), SERVER);
	assert_int_equal(peer_of_connect_to(f, "127.0.0.1", "127.9.9.9"), SERVER);
	assert_int_equal(peer_of_connect_to(f, "::1", "::1"), 0);
}

/* The port of a web server, and of all others on other machines. */
static void test_any_address_is_not_everywhere(void **state)
{
	struct fixture *f = *state;
	struct pt_socket any = listener(LISTENER, SERVER, "0.0.0.0");
	struct pt_socket any6 = listener(ANOTHER, SERVER, "::");
	struct pt_socket exact = listener(LISTENER + 1, WORKER, "192.0.2.1");

	CHECK(f, &any, SERVER, 0);
	CHECK(f, &any6, SERVER, 0);
	assert_int_equal(peer_of_connect_to(f, "192.0.2.1", "198.51.100.7"), 0);
	assert_int_equal(peer_of_connect_to(f, "2001:db8::1", "2001:db8::2"), 0);
	/* An own address too may be translated to a container's on the way. */
	assert_int_equal(peer_of_connect_to(f, "192.0.2.1", "192.0.2.1"), 0);
	/* Who could listen at just this address is here. */
	CHECK(f, &exact, WORKER, 0);
	assert_int_equal(peer_of_connect_to(f, "192.0.2.1", "192.0.2.1"), WORKER);
	assert_int_equal(peer_of_connect_to(f, LO, LO), SERVER);
}

static void test_dual_stack(void **state)
{
	struct fixture *f = *state;
	struct pt_socket any6 = listener(LISTENER, SERVER, "::");
	struct pt_socket any4 = listener(ANOTHER, WORKER, "0.0.0.0");

	CHECK(f, &any6, SERVER, 0);
	assert_int_equal(peer_of_connect_to(f, "::1", "::1"), SERVER);
	assert_int_equal(peer_of_connect_to(f, LO, LO), SERVER);
	/* IPv4's own goes first. */
	CHECK(f, &any4, WORKER, 0);
	assert_int_equal(peer_of_connect_to(f, LO, LO), WORKER);
	assert_int_equal(peer_of_connect_to(f, "::1", "::1"), SERVER);
}

static void test_v6only(void **state)
{
	struct fixture *f = *state;
	struct pt_socket any6 = listener(LISTENER, SERVER, "::");

	any6.flags |= PT_V6ONLY;
	CHECK(f, &any6, SERVER, 0);
	assert_int_equal(peer_of_connect_to(f, "::1", "::1"), SERVER);
	assert_int_equal(peer_of_connect_to(f, LO, LO), 0);
}

static void test_exact_first(void **state)
{
	struct fixture *f = *state;
	struct pt_socket any = listener(LISTENER, SERVER, "0.0.0.0");
	struct pt_socket exact = listener(ANOTHER, WORKER, LO);
	struct pt_who who = wire_who(WORKER);

	CHECK(f, &any, SERVER, 0);
	CHECK(f, &exact, WORKER, 0);
	assert_int_equal(peer_of_connect_to(f, LO, LO), WORKER);
	assert_int_equal(peer_of_connect_to(f, LO, "127.0.0.2"), SERVER);
	/* Whose exact it is can't be told, but the other it is not. */
	processes_fork(f->processes, &who, 2000);
	assert_int_equal(peer_of_connect_to(f, LO, LO), 0);
}

static void test_listener_of_other_netns(void **state)
{
	struct fixture *f = *state;
	struct pt_socket listen = listener(LISTENER, SERVER, LO);

	listen.netns++;
	CHECK(f, &listen, SERVER, 0);
	assert_int_equal(peer_of_connect_to(f, LO, LO), 0);
}

/* --- a connection that nobody accepted ---------------------------------------------- */

static void test_inherit(void **state)
{
	struct fixture *f = *state;
	struct pt_socket listen = listener(LISTENER, SERVER, "0.0.0.0"), connect = ours();
	struct pt_socket second = listener(ANOTHER, WORKER, "0.0.0.0"), end = unaccepted();

	CHECK(f, &end, 0, 0);
	assert_int_equal(f->event.attribution, PT_BY_UNKNOWN);
	CHECK(f, &listen, SERVER, 0);
	CHECK(f, &connect, CLIENT, SERVER);
	CHECK(f, &end, SERVER, CLIENT);
	assert_int_equal(f->event.attribution, PT_BY_INHERIT);
	CHECK(f, &second, WORKER, 0);
	CHECK(f, &end, 0, CLIENT);
	assert_int_equal(f->event.attribution, PT_BY_UNKNOWN);
}

/* Here the address is one of ours: any address will do. */
static void test_inherit_from_far(void **state)
{
	struct fixture *f = *state;
	struct pt_socket listen = listener(LISTENER, SERVER, "::"), accept, end;

	accept = wire_accept(THEIRS, 0, "192.0.2.1", 80, "198.51.100.7", PORT);
	end = wire_close(&accept);
	end.attribution = PT_BY_INHERIT;
	end.time += end.duration;
	CHECK(f, &listen, SERVER, 0);
	CHECK(f, &end, SERVER, 0);
	assert_int_equal(f->event.attribution, PT_BY_INHERIT);
}

/* A listener that came later never had it in its queue; neither has a dead process. */
static void test_inherit_from_the_living_and_older(void **state)
{
	struct fixture *f = *state;
	struct pt_socket any = listener(LISTENER, SERVER, "0.0.0.0");
	struct pt_socket exact = listener(ANOTHER, WORKER, LO), end = unaccepted();
	struct pt_who who = wire_who(SERVER);

	exact.time++;
	CHECK(f, &any, SERVER, 0);
	CHECK(f, &exact, WORKER, 0);
	CHECK(f, &end, SERVER, 0);
	processes_exit(f->processes, &who);
	CHECK(f, &end, 0, 0);
}

/* A listener takes its queue with it: that is not the other's who listens there too. */
static void test_queue_ends_with_its_listener(void **state)
{
	struct fixture *f = *state;
	struct pt_socket first = listener(LISTENER, SERVER, LO);
	struct pt_socket second = listener(ANOTHER, WORKER, LO);
	struct pt_socket stop = wire_close(&first), end = unaccepted();

	end.close_by = PT_LOCAL;
	end.close_how = PT_RESET;
	end.actor = stop.actor = wire_who(OTHER); /* a child that has the listener too */
	CHECK(f, &first, SERVER, 0);
	CHECK(f, &second, WORKER, 0);
	CHECK(f, &stop, SERVER, 0);
	CHECK(f, &end, OTHER, 0);
	assert_null(f->event.actor);
	/* Nothing that this process closed. */
	end.actor = wire_who(CLIENT);
	CHECK(f, &end, 0, 0);
	/* Nobody's process: by a thread of the kernel, or destroyed by "ss -K". */
	end.actor = wire_who(0);
	CHECK(f, &end, 0, 0);
	end = unaccepted();
	CHECK(f, &end, WORKER, 0);
}

/* Who was to accept is kept: whoever listens there when the connection ends is another one. */
static void test_peer_that_did_not_accept(void **state)
{
	struct fixture *f = *state;
	struct pt_socket first = listener(LISTENER, SERVER, LO), connect = ours();
	struct pt_socket second = listener(ANOTHER, WORKER, LO);
	struct pt_socket stop = wire_close(&first), end = wire_close(&connect);

	CHECK(f, &first, SERVER, 0);
	CHECK(f, &connect, CLIENT, SERVER);
	CHECK(f, &second, WORKER, 0);
	CHECK(f, &stop, SERVER, 0);
	CHECK(f, &end, CLIENT, SERVER);
}

static void test_peer_that_left_an_heir(void **state)
{
	struct fixture *f = *state;
	struct pt_socket listen = listener(LISTENER, SERVER, LO), connect = ours();
	struct pt_socket end = wire_close(&connect);
	struct pt_who who = wire_who(SERVER);

	CHECK(f, &listen, SERVER, 0);
	CHECK(f, &connect, CLIENT, SERVER);
	processes_fork(f->processes, &who, connect.time + 1);
	processes_exit(f->processes, &who);
	CHECK(f, &end, CLIENT, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_listener_alone),
		TEST(test_other_port),
		TEST(test_bound_only),
		TEST(test_failed_listen),
		TEST(test_fork_after_listen),
		TEST(test_listener_outlives),
		TEST(test_reuseport),
		TEST(test_foreseen),
		TEST(test_any_address),
		TEST(test_any_address_is_not_everywhere),
		TEST(test_dual_stack),
		TEST(test_v6only),
		TEST(test_exact_first),
		TEST(test_listener_of_other_netns),
		TEST(test_inherit),
		TEST(test_inherit_from_far),
		TEST(test_inherit_from_the_living_and_older),
		TEST(test_queue_ends_with_its_listener),
		TEST(test_peer_that_did_not_accept),
		TEST(test_peer_that_left_an_heir),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
