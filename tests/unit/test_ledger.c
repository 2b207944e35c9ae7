// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * ledger.c and ledger_peer.c: who is behind both ends of a connection, and above all when
 * nobody may be named.  Listeners, UDP and sockets by themselves have files of their own
 * (test_ledger_*.c).
 */
#include "ledger_fixture.h"

/* --- both ends on one machine ------------------------------------------------- */

static void test_loopback(void **state)
{
	struct fixture *f = *state;
	struct pt_socket listen = listener(LISTENER, SERVER, LO), connect = ours();
	struct pt_socket accept = theirs(SERVER), end;

	assert_int_equal(ledger_sockets(f->ledger), 0);
	CHECK(f, &listen, SERVER, 0);
	CHECK(f, &connect, CLIENT, SERVER);
	assert_int_equal(ledger_sockets(f->ledger), 2);
	CHECK(f, &accept, SERVER, CLIENT);
	assert_int_equal(ledger_sockets(f->ledger), 3);
	end = wire_close(&connect);
	CHECK(f, &end, CLIENT, SERVER);
	assert_int_equal(ledger_sockets(f->ledger), 2);
	/* After the peer's close its process is still known. */
	end = wire_close(&accept);
	CHECK(f, &end, SERVER, CLIENT);
	end = wire_close(&listen);
	CHECK(f, &end, SERVER, 0);
	assert_int_equal(ledger_sockets(f->ledger), 0);
}

static void test_server_closes_first(void **state)
{
	struct fixture *f = *state;
	struct pt_socket connect = ours(), accept = theirs(SERVER), end;

	CHECK(f, &connect, CLIENT, 0); /* nobody listens, as far as we know */
	CHECK(f, &accept, SERVER, CLIENT);
	end = wire_close(&accept);
	CHECK(f, &end, SERVER, CLIENT);
	end = wire_close(&connect);
	CHECK(f, &end, CLIENT, SERVER);
}

static void test_ipv6(void **state)
{
	struct fixture *f = *state;
	struct pt_socket connect = wire_connect(OURS, CLIENT, "::1", PORT, "::1", 80);
	struct pt_socket accept = wire_accept(THEIRS, SERVER, "::1", 80, "::1", PORT);

	CHECK(f, &connect, CLIENT, 0);
	CHECK(f, &accept, SERVER, CLIENT);
}

/* Two connections differ in one port only. */
static void test_ports(void **state)
{
	struct fixture *f = *state;
	struct pt_socket first = ours(), second = ours(), accept;

	second.sock = second.cookie = ANOTHER;
	second.local_port++;
	second.owner = wire_who(OTHER);
	CHECK(f, &first, CLIENT, 0);
	CHECK(f, &second, OTHER, 0);
	accept = wire_accept(THEIRS, SERVER, LO, 80, LO, PORT + 1);
	CHECK(f, &accept, SERVER, OTHER);
	accept = wire_accept(THEIRS + 1, SERVER, LO, 80, LO, PORT);
	CHECK(f, &accept, SERVER, CLIENT);
	accept = wire_accept(THEIRS + 2, SERVER, LO, 81, LO, PORT);
	CHECK(f, &accept, SERVER, 0);
}

static void test_accept_after_close(void **state)
{
	struct fixture *f = *state;
	struct pt_socket connect = ours(), accept = theirs(WORKER), end;

	CHECK(f, &connect, CLIENT, 0);
	end = wire_close(&connect);
	CHECK(f, &end, CLIENT, 0);
	CHECK(f, &accept, WORKER, CLIENT);
	end = wire_close(&accept);
	CHECK(f, &end, WORKER, CLIENT);
}

/* accept(2) hands out what has ended already: it is named, and not remembered. */
static void test_gone(void **state)
{
	struct fixture *f = *state;
	struct pt_socket connect = ours(), accept = theirs(WORKER), end;

	CHECK(f, &connect, CLIENT, 0);
	end = wire_close(&connect);
	CHECK(f, &end, CLIENT, 0);
	accept.flags |= PT_GONE;
	CHECK(f, &accept, WORKER, CLIENT);
	assert_int_equal(ledger_sockets(f->ledger), 0);
}

/* A socket connected to itself: one process is behind both ends. */
static void test_self_connect(void **state)
{
	struct fixture *f = *state;
	struct pt_socket connect = wire_connect(OURS, CLIENT, LO, PORT, LO, PORT), end;

	CHECK(f, &connect, CLIENT, CLIENT);
	end = wire_close(&connect);
	CHECK(f, &end, CLIENT, CLIENT);
	assert_int_equal(ledger_sockets(f->ledger), 0);
}

static void test_failed_connect(void **state)
{
	struct fixture *f = *state;
	struct pt_socket listen = listener(LISTENER, SERVER, LO), connect = ours();

	CHECK(f, &listen, SERVER, 0);
	connect.error = ECONNREFUSED;
	CHECK(f, &connect, CLIENT, 0);
	assert_int_equal(ledger_sockets(f->ledger), 1);
}

static void test_unknown_owner(void **state)
{
	struct fixture *f = *state;
	struct pt_socket connect = ours(), accept = theirs(0);

	CHECK(f, &connect, CLIENT, 0);
	CHECK(f, &accept, 0, CLIENT);
	accept = wire_close(&accept);
	CHECK(f, &accept, 0, CLIENT);
	connect = wire_close(&connect);
	CHECK(f, &connect, CLIENT, 0);
}

static void test_actor(void **state)
{
	struct fixture *f = *state;
	struct pt_socket accept = theirs(SERVER), end = wire_close(&accept);

	accept.actor = wire_who(SERVER);
	CHECK(f, &accept, SERVER, 0);
	assert_null(f->event.actor);
	end.actor = wire_who(WORKER);
	CHECK(f, &end, SERVER, 0);
	assert_int_equal(pid_of(f->event.actor), WORKER);
	/* The owner is not known, but who did it is. */
	end.owner = wire_who(0);
	CHECK(f, &end, 0, 0);
	assert_int_equal(pid_of(f->event.actor), WORKER);
	/* A state is of one end. */
	end.type = PT_STATE;
	end.owner = wire_who(SERVER);
	CHECK(f, &end, SERVER, 0);
	assert_int_equal(ledger_sockets(f->ledger), 0);
}

/* --- network namespaces ---------------------------------------------------------------- */

/* Every namespace has a 127.0.0.1. */
static void test_loopback_of_other_netns(void **state)
{
	struct fixture *f = *state;
	struct pt_socket connect = ours(), accept = theirs(SERVER), end;

	CHECK(f, &connect, CLIENT, 0);
	accept.netns++;
	CHECK(f, &accept, SERVER, 0);
	end = wire_close(&connect);
	CHECK(f, &end, CLIENT, 0);
	end = wire_close(&accept);
	CHECK(f, &end, SERVER, 0);
}

static struct pt_socket far_connect(uint64_t sock, uint32_t pid, uint32_t netns)
{
	struct pt_socket record = wire_connect(sock, pid, "10.0.0.1", PORT, "10.0.0.2", 80);

	record.netns = netns;
	return record;
}

static struct pt_socket far_accept(uint64_t sock, uint32_t pid, uint32_t netns)
{
	struct pt_socket record = wire_accept(sock, pid, "10.0.0.2", 80, "10.0.0.1", PORT);

	record.netns = netns;
	return record;
}

static void test_veth(void **state)
{
	struct fixture *f = *state;
	struct pt_socket connect = far_connect(OURS, CLIENT, 1);
	struct pt_socket accept = far_accept(THEIRS, SERVER, 2), end;

	CHECK(f, &connect, CLIENT, 0);
	CHECK(f, &accept, SERVER, CLIENT);
	end = wire_close(&connect);
	CHECK(f, &end, CLIENT, SERVER);
	end = wire_close(&accept);
	CHECK(f, &end, SERVER, CLIENT);
}

/* The same addresses exist in two pairs of namespaces: nobody knows which is wired to which. */
static void test_veth_ambiguous(void **state)
{
	struct fixture *f = *state;
	struct pt_socket first = far_connect(OURS, CLIENT, 1);
	struct pt_socket second = far_connect(ANOTHER, OTHER, 3);
	struct pt_socket accept = far_accept(THEIRS, SERVER, 2), end;

	CHECK(f, &first, CLIENT, 0);
	CHECK(f, &second, OTHER, 0);
	CHECK(f, &accept, SERVER, 0);
	end = wire_close(&accept);
	CHECK(f, &end, SERVER, 0);
}

/* Within one's own namespace there is no doubt. */
static void test_near_first(void **state)
{
	struct fixture *f = *state;
	struct pt_socket near = far_connect(OURS, CLIENT, 2);
	struct pt_socket far = far_connect(ANOTHER, OTHER, 3);
	struct pt_socket accept = far_accept(THEIRS, SERVER, 2);

	CHECK(f, &near, CLIENT, 0);
	CHECK(f, &far, OTHER, 0);
	CHECK(f, &accept, SERVER, CLIENT);
}

/* --- identity, reuse, loss ------------------------------------------------------------ */

/* The kernel uses memory again: another cookie at the same address is another socket. */
static void test_cookie(void **state)
{
	struct fixture *f = *state;
	struct pt_socket connect = ours(), accept = theirs(SERVER), next;

	CHECK(f, &accept, SERVER, 0);
	next = wire_accept(THEIRS, WORKER, LO, 81, LO, PORT + 1);
	next.cookie++;
	CHECK(f, &next, WORKER, 0);
	assert_int_equal(ledger_sockets(f->ledger), 1);
	CHECK(f, &connect, CLIENT, 0); /* the first one's end was missed, but it is gone */
}

/* An unknown cookie is no other one. */
static void test_no_cookie(void **state)
{
	struct fixture *f = *state;
	struct pt_socket listen = listener(LISTENER, SERVER, LO), end = wire_close(&listen);

	listen.cookie = 0;
	CHECK(f, &listen, SERVER, 0);
	listen.cookie = 77;
	CHECK(f, &listen, SERVER, 0);
	assert_int_equal(ledger_sockets(f->ledger), 1);
	end.cookie = 0;
	CHECK(f, &end, SERVER, 0);
	assert_int_equal(ledger_sockets(f->ledger), 0);
}

/* One connection between two ends, from connect to both closes. */
static void play(struct fixture *f, uint32_t client, uint32_t server)
{
	struct pt_socket connect = ours(), accept = theirs(server), end;

	connect.owner = wire_who(client);
	CHECK(f, &connect, client, 0);
	CHECK(f, &accept, server, client);
	end = wire_close(&connect);
	CHECK(f, &end, client, server);
	end = wire_close(&accept);
	CHECK(f, &end, server, client);
}

/* The same ends again, but other processes: those of before have nothing to do with it. */
static void test_tuple_reuse(void **state)
{
	struct fixture *f = *state;
	struct pt_socket connect, end, accept;

	play(f, CLIENT, SERVER);
	play(f, OTHER, WORKER);
	play(f, CLIENT, WORKER);

	/* Never accepted: not the server of the time before. */
	connect = ours();
	connect.owner = wire_who(OTHER);
	CHECK(f, &connect, OTHER, 0);
	end = wire_close(&connect);
	CHECK(f, &end, OTHER, 0);
	/* And accepted late: not the client of the time before. */
	accept = theirs(SERVER);
	CHECK(f, &accept, SERVER, OTHER);
}

/* One that lives is more likely than one that ended. */
static void test_living_first(void **state)
{
	struct fixture *f = *state;
	struct pt_socket living = theirs(SERVER), ended = theirs(WORKER), end, connect = ours();

	ended.sock = ended.cookie = ANOTHER;
	CHECK(f, &living, SERVER, 0);
	CHECK(f, &ended, WORKER, 0);
	end = wire_close(&ended);
	CHECK(f, &end, WORKER, 0);
	connect.flags |= PT_LATE;
	CHECK(f, &connect, CLIENT, SERVER);
}

/* The kernel skipped the hook of connect: it is told at the close, after all else. */
static void test_late_connect(void **state)
{
	struct fixture *f = *state;
	struct pt_socket connect = ours(), accept = theirs(SERVER), end;

	CHECK(f, &accept, SERVER, 0);
	end = wire_close(&accept);
	CHECK(f, &end, SERVER, 0);
	connect.flags |= PT_LATE;
	CHECK(f, &connect, CLIENT, SERVER);
	end = wire_close(&connect);
	CHECK(f, &end, CLIENT, SERVER);
}

static void test_loss(void **state)
{
	struct fixture *f = *state;
	struct pt_socket listen = listener(LISTENER, SERVER, LO), connect = ours();
	struct pt_socket accept = theirs(SERVER), end;

	CHECK(f, &listen, SERVER, 0);
	CHECK(f, &connect, CLIENT, SERVER);
	CHECK(f, &accept, SERVER, CLIENT);
	ledger_doubt(f->ledger);
	/* The listener may have been closed and forked, and the connection be another. */
	end = wire_close(&connect);
	CHECK(f, &end, CLIENT, 0);
	end = wire_close(&accept);
	CHECK(f, &end, SERVER, 0);
	assert_int_equal(peer_of_connect_to(f, LO, LO), 0);
	/* Nor whose a connection is that nobody accepted; its client came after the loss. */
	end = unaccepted();
	CHECK(f, &end, 0, CLIENT);
	assert_int_equal(ledger_sockets(f->ledger), 1);
}

/* What is heard of afterwards counts again. */
static void test_after_loss(void **state)
{
	struct fixture *f = *state;
	struct pt_socket listen = listener(LISTENER, SERVER, LO), open = listen;
	struct pt_socket connect = ours(), accept = theirs(SERVER);

	CHECK(f, &listen, SERVER, 0);
	CHECK(f, &connect, CLIENT, SERVER);
	ledger_doubt(f->ledger);
	CHECK(f, &accept, SERVER, 0);
	open.type = PT_OPEN;
	open.fd = 3 + 1;
	CHECK(f, &open, SERVER, 0);
	connect.sock = connect.cookie = ANOTHER;
	connect.local_port++;
	CHECK(f, &connect, CLIENT, SERVER);
	ledger_doubt(f->ledger);
	play(f, OTHER, WORKER);
}

/* --- creator ---------------------------------------------------------------------------- */

static void test_creator(void **state)
{
	struct fixture *f = *state;
	struct pt_socket bind = listener(LISTENER, SERVER, LO), listen = bind;

	bind.type = PT_BIND;
	bind.kind = PT_BOUND;
	CHECK(f, &bind, SERVER, 0);
	assert_null(f->event.creator);
	listen.owner = wire_who(WORKER); /* socket activation */
	listen.creator = wire_who(SERVER);
	CHECK(f, &listen, WORKER, 0);
	assert_int_equal(pid_of(f->event.creator), SERVER);
	assert_int_equal(ledger_sockets(f->ledger), 1);
	assert_int_equal(peer_of_connect_to(f, LO, LO), WORKER);
	/* It is told only where it is another. */
	listen.creator = wire_who(WORKER);
	CHECK(f, &listen, WORKER, 0);
	assert_null(f->event.creator);
	/* Of a failure too. */
	listen.error = EADDRINUSE;
	listen.creator = wire_who(SERVER);
	CHECK(f, &listen, WORKER, 0);
	assert_int_equal(pid_of(f->event.creator), SERVER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_loopback),
		TEST(test_server_closes_first),
		TEST(test_ipv6),
		TEST(test_ports),
		TEST(test_accept_after_close),
		TEST(test_gone),
		TEST(test_self_connect),
		TEST(test_failed_connect),
		TEST(test_unknown_owner),
		TEST(test_actor),
		TEST(test_loopback_of_other_netns),
		TEST(test_veth),
		TEST(test_veth_ambiguous),
		TEST(test_near_first),
		TEST(test_cookie),
		TEST(test_no_cookie),
		TEST(test_tuple_reuse),
		TEST(test_living_first),
		TEST(test_late_connect),
		TEST(test_loss),
		TEST(test_after_loss),
		TEST(test_creator),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
