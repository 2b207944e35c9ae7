// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * ledger*.c: whose a UDP socket is, and who is at the other end of what it exchanges.
 */
#include "ledger_fixture.h"

static struct pt_socket bound(uint64_t sock, uint32_t pid, const char *local, uint16_t port)
{
	return wire_datagram(PT_BIND, sock, pid, local, port, NULL, 0);
}

static struct pt_socket flow(uint64_t sock, uint32_t pid, const char *local, uint16_t port,
			     uint16_t to)
{
	return wire_datagram(PT_FLOW, sock, pid, local, port, LO, to);
}

static void test_datagrams(void **state)
{
	struct fixture *f = *state;
	struct pt_socket server = bound(LISTENER, SERVER, LO, 80);
	struct pt_socket client = bound(OURS, CLIENT, "0.0.0.0", PORT);
	struct pt_socket there = flow(OURS, CLIENT, "0.0.0.0", PORT, 80);
	struct pt_socket back = flow(LISTENER, SERVER, LO, 80, PORT);
	struct pt_release end = { .socket = client };

	CHECK(f, &server, SERVER, 0);
	CHECK(f, &client, CLIENT, 0);
	CHECK(f, &there, CLIENT, SERVER);
	CHECK(f, &back, SERVER, CLIENT);
	assert_int_equal(ledger_sockets(f->ledger), 2);
	end.socket.type = PT_RELEASE;
	CHECK(f, &end.socket, CLIENT, 0);
	assert_int_equal(ledger_sockets(f->ledger), 1);
	CHECK(f, &back, SERVER, 0); /* nobody is there any more */
}

/* The same port of TCP is another one. */
static void test_transports_are_apart(void **state)
{
	struct fixture *f = *state;
	struct pt_socket listen = listener(LISTENER, SERVER, LO), connect = ours();
	struct pt_socket there = flow(THEIRS, WORKER, LO, PORT, 80);
	struct pt_socket server = bound(ANOTHER, OTHER, LO, 80);

	CHECK(f, &listen, SERVER, 0);
	CHECK(f, &there, WORKER, 0);
	CHECK(f, &server, OTHER, 0);
	CHECK(f, &connect, CLIENT, SERVER);
	CHECK(f, &there, WORKER, OTHER);
}

/* Who has the socket too may be the one that receives. */
static void test_shared_datagrams(void **state)
{
	struct fixture *f = *state;
	struct pt_socket server = bound(LISTENER, SERVER, LO, 80);
	struct pt_socket other = bound(ANOTHER, OTHER, LO, 80);
	struct pt_socket there = flow(OURS, CLIENT, LO, PORT, 80);
	struct pt_who parent = wire_who(SERVER);

	CHECK(f, &server, SERVER, 0);
	processes_fork(f->processes, &parent, server.time + 1);
	CHECK(f, &there, CLIENT, 0);
	server.time += 2;
	CHECK(f, &server, SERVER, 0);
	CHECK(f, &there, CLIENT, SERVER);
	CHECK(f, &other, OTHER, 0); /* SO_REUSEPORT */
	CHECK(f, &there, CLIENT, 0);
}

/* Bound by one and used by another: that one is the owner, the first the creator. */
static void test_datagrams_of_another(void **state)
{
	struct fixture *f = *state;
	struct pt_socket server = bound(LISTENER, SERVER, LO, 80);
	struct pt_socket there = flow(LISTENER, WORKER, LO, 80, PORT);

	server.creator = wire_who(SERVER);
	CHECK(f, &server, SERVER, 0);
	assert_null(f->event.creator);
	CHECK(f, &there, WORKER, 0);
	assert_int_equal(pid_of(f->event.creator), SERVER);
	assert_int_equal(ledger_find(f->ledger, LISTENER, 0)->owner->pid, WORKER);
}

/* connect(2) gives it a remote end, and is no connection that ends. */
static void test_connected_datagrams(void **state)
{
	struct fixture *f = *state;
	struct pt_socket server = bound(LISTENER, SERVER, "0.0.0.0", 80);
	struct pt_socket connect = wire_datagram(PT_CONNECT, OURS, CLIENT, LO, PORT, LO, 80);
	struct pt_socket failed = connect;

	CHECK(f, &server, SERVER, 0);
	failed.error = ENETUNREACH;
	CHECK(f, &failed, CLIENT, 0);
	assert_int_equal(ledger_sockets(f->ledger), 1);
	CHECK(f, &connect, CLIENT, SERVER);
	assert_int_equal(ledger_find(f->ledger, OURS, 0)->remote.port, 80);
	connect.remote_port = 81;
	CHECK(f, &connect, CLIENT, 0);
	assert_int_equal(ledger_find(f->ledger, OURS, 0)->remote.port, 81);
	assert_int_equal(ledger_sockets(f->ledger), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_datagrams),           TEST(test_transports_are_apart),
		TEST(test_shared_datagrams),    TEST(test_datagrams_of_another),
		TEST(test_connected_datagrams),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
