// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * ledger.c and ledger_table.c: which sockets are known and for how long, who holds them,
 * and what others read of them.
 */
#include "ledger_fixture.h"

#define CLOSED_MAX 8192 /* as in ledger_table.c */

/* Of the sanitizer's run-time library; not there without it. */
size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

/* --- old sockets ------------------------------------------------------------------------ */

static struct pt_socket opened(const struct pt_socket *socket, uint32_t pid)
{
	struct pt_socket record = *socket;

	record.type = PT_OPEN;
	record.attribution = PT_BY_SNAPSHOT;
	record.owner = wire_who(pid);
	record.fd = 3 + 1;
	return record;
}

static void test_open(void **state)
{
	struct fixture *f = *state;
	struct pt_socket listen = listener(LISTENER, SERVER, LO), open = opened(&listen, SERVER);

	CHECK(f, &open, SERVER, 0);
	/* A second descriptor of the same process is no news and no doubt. */
	assert_false(apply(f, &open));
	assert_int_equal(ledger_sockets(f->ledger), 1);
	assert_int_equal(peer_of_connect_to(f, LO, LO), SERVER);
	/* One of another process is. */
	open = opened(&listen, WORKER);
	assert_false(apply(f, &open));
	assert_int_equal(ledger_sockets(f->ledger), 1);
	assert_int_equal(peer_of_connect_to(f, LO, LO), 0);
	/* And stays. */
	open = opened(&listen, SERVER);
	assert_false(apply(f, &open));
	assert_int_equal(peer_of_connect_to(f, LO, LO), 0);
}

static void test_open_connection(void **state)
{
	struct fixture *f = *state;
	struct pt_socket connect = ours(), accept = theirs(SERVER), open;

	open = opened(&connect, CLIENT);
	CHECK(f, &open, CLIENT, 0);
	open = opened(&accept, SERVER);
	CHECK(f, &open, SERVER, CLIENT);
	connect = wire_close(&connect);
	CHECK(f, &connect, CLIENT, SERVER);
	accept = wire_close(&accept);
	CHECK(f, &accept, SERVER, CLIENT);
}

/* A hook was faster than the iterator. */
static void test_open_of_known(void **state)
{
	struct fixture *f = *state;
	struct pt_socket listen = listener(LISTENER, SERVER, LO), open = opened(&listen, SERVER);

	CHECK(f, &listen, SERVER, 0);
	assert_false(apply(f, &open));
	open.cookie++; /* unless it is another */
	CHECK(f, &open, SERVER, 0);
	assert_int_equal(ledger_sockets(f->ledger), 1);
}

/* Without a descriptor nobody looked at who else has one. */
static void test_open_without_descriptor(void **state)
{
	struct fixture *f = *state;
	struct pt_socket listen = listener(LISTENER, SERVER, LO), open = opened(&listen, SERVER);

	open.fd = 0;
	CHECK(f, &open, SERVER, 0);
	assert_int_equal(peer_of_connect_to(f, LO, LO), 0);
}

/* After a loss all that lives is told again; what is not among it has ended. */
static void test_believe(void **state)
{
	struct fixture *f = *state;
	struct pt_socket listen = listener(LISTENER, SERVER, LO), open = opened(&listen, SERVER);
	struct pt_socket connect = ours(), accept = theirs(SERVER);

	CHECK(f, &listen, SERVER, 0);
	CHECK(f, &connect, CLIENT, SERVER);
	CHECK(f, &accept, SERVER, CLIENT);
	ledger_believe(f->ledger); /* nothing was lost */
	assert_int_equal(ledger_sockets(f->ledger), 3);
	ledger_doubt(f->ledger);
	assert_int_equal(ledger_sockets(f->ledger), 3);
	CHECK(f, &open, SERVER, 0);
	open = opened(&connect, CLIENT);
	CHECK(f, &open, CLIENT, 0);
	ledger_believe(f->ledger);
	assert_int_equal(ledger_sockets(f->ledger), 2);
	accept.sock = accept.cookie = ANOTHER;
	CHECK(f, &accept, SERVER, CLIENT);
}

/* --- what others read ------------------------------------------------------- */

/* A descriptor of an old socket. */
static struct pt_socket open_of(struct pt_socket record, uint32_t pid, uint32_t fd)
{
	record.type = PT_OPEN;
	record.attribution = PT_BY_SNAPSHOT;
	record.owner = wire_who(pid);
	record.fd = fd + 1;
	record.state_new = record.kind == PT_LISTENER ? 10 : 1;
	return record;
}

static void check_holder(const struct socket *socket, size_t number, uint32_t pid, uint32_t fd)
{
	struct holder holder = { 0 };

	assert_true(socket_holder(socket, number, &holder));
	assert_int_equal(holder.process->pid, pid);
	assert_int_equal(holder.fd, fd + 1);
}

static void test_holders(void **state)
{
	struct fixture *f = *state;
	struct pt_socket listen = listener(LISTENER, SERVER, LO), record, end = wire_close(&listen);
	const struct socket *socket;
	struct holder holder;

	record = open_of(listen, SERVER, 3);
	assert_true(apply(f, &record));
	socket = ledger_next(f->ledger, NULL);
	check_holder(socket, 0, SERVER, 3);
	assert_false(socket_holder(socket, 1, &holder));
	assert_null(socket->others);
	assert_null(ledger_next(f->ledger, socket));

	record = open_of(listen, SERVER, 7);
	assert_false(apply(f, &record));
	record = open_of(listen, WORKER, 3);
	assert_false(apply(f, &record));
	assert_false(apply(f, &record)); /* told twice */
	check_holder(socket, 0, SERVER, 3);
	check_holder(socket, 1, SERVER, 7);
	check_holder(socket, 2, WORKER, 3);
	assert_false(socket_holder(socket, 3, &holder));
	assert_int_equal(socket_unlisted(socket), 0);

	/* Another one becomes the owner: nobody is there twice, nobody is gone. */
	record = listener(LISTENER, WORKER, LO);
	assert_true(apply(f, &record));
	check_holder(socket, 0, WORKER, 3);
	check_holder(socket, 1, SERVER, 7);
	check_holder(socket, 2, SERVER, 3);
	assert_false(socket_holder(socket, 3, &holder));
	assert_true(apply(f, &end));
	assert_null(ledger_next(f->ledger, NULL));
}

/* A socket without an owner, and one with more descriptors than there is room for. */
static void test_holders_at_the_limits(void **state)
{
	struct fixture *f = *state;
	struct pt_socket listen = listener(LISTENER, SERVER, LO), record;
	const struct socket *socket;
	struct holder holder;
	size_t count = 0;

	record = open_of(listen, 0, 0);
	record.fd = 0;
	assert_true(apply(f, &record));
	socket = ledger_next(f->ledger, NULL);
	assert_false(socket_holder(socket, 0, &holder));
	for (uint32_t fd = 0; fd < 5000; fd++) {
		record = open_of(listen, WORKER, fd);
		assert_false(apply(f, &record));
	}
	while (socket_holder(socket, count, &holder))
		count++;
	assert_int_equal(count + socket_unlisted(socket), 5000);
	assert_int_equal(count, 4096);
}

static void test_since_and_state(void **state)
{
	struct fixture *f = *state;
	struct pt_socket listen = listener(LISTENER, SERVER, LO),
			 record = open_of(listen, SERVER, 3);
	const struct socket *socket;

	assert_true(apply(f, &record));
	socket = ledger_next(f->ledger, NULL);
	assert_int_equal(socket->since, 0); /* nobody knows */
	assert_int_equal(socket->state, 10);
	listen.time = 4000;
	assert_true(apply(f, &listen));
	assert_int_equal(socket->since, 4000);
	/* Told again after a loss: it is the same listener. */
	ledger_doubt(f->ledger);
	assert_false(ledger_trusts(f->ledger, socket));
	record.time = 5000;
	assert_true(apply(f, &record));
	assert_true(ledger_trusts(f->ledger, socket));
	assert_int_equal(socket->since, 4000);
}

/* How many sockets are at a port, and the first of them. */
static size_t count_at(const struct fixture *f, uint16_t port, const struct socket **first)
{
	const struct socket *socket = NULL;
	size_t count = 0;

	while ((socket = ledger_at_port(f->ledger, port, socket))) {
		if (!count++ && first)
			*first = socket;
		assert_int_equal(socket->local.port, port);
	}
	return count;
}

static void test_at_port(void **state)
{
	struct fixture *f = *state;
	struct pt_socket accept = theirs(SERVER), listen = listener(LISTENER, SERVER, LO);
	struct pt_socket connect = ours(), end;
	const struct socket *first = NULL;

	assert_int_equal(count_at(f, 80, NULL), 0);
	assert_true(apply(f, &accept));
	assert_true(apply(f, &listen));
	assert_true(apply(f, &connect));
	assert_int_equal(count_at(f, 80, &first), 2);
	assert_int_equal(first->kind, PT_LISTENER); /* though it came later */
	assert_int_equal(count_at(f, PORT, &first), 1);
	assert_int_equal(first->kind, PT_CONNECTION);

	/* A connection that ended holds its port in TIME_WAIT, for all that is known. */
	end = wire_close(&connect);
	end.time = 7000;
	end.close_by = PT_LOCAL;
	end.close_how = PT_FIN;
	assert_true(apply(f, &end));
	assert_int_equal(count_at(f, PORT, &first), 1);
	assert_true(first->closed);
	assert_int_equal(first->ended, 7000);
	assert_int_equal(first->close_by, PT_LOCAL);
	assert_int_equal(first->close_how, PT_FIN);
	assert_int_equal(pid_of(first->owner), CLIENT);
	end = wire_close(&listen);
	assert_true(apply(f, &end));
	assert_int_equal(count_at(f, 80, &first), 1);
	assert_int_equal(first->kind, PT_CONNECTION);
}

/* The port of a socket that listens again is another one. */
static void test_port_changes(void **state)
{
	struct fixture *f = *state;
	struct pt_socket listen = listener(LISTENER, SERVER, LO);

	assert_true(apply(f, &listen));
	listen.local_port = 81;
	assert_true(apply(f, &listen));
	assert_int_equal(count_at(f, 80, NULL), 0);
	assert_int_equal(count_at(f, 81, NULL), 1);
}

/* --- memory ------------------------------------------------------------------------------ */

static struct pt_socket numbered(uint32_t number)
{
	struct pt_socket record = theirs(WIRE_PID + 100 + number);

	record.sock = record.cookie = 0x100000 + number;
	record.local_port = (__u16)(1 + number / 60000);
	record.remote_port = (__u16)(1 + number % 60000);
	return record;
}

static void open_and_close(struct fixture *f, uint32_t number)
{
	struct pt_socket record = numbered(number);

	assert_true(apply(f, &record));
	record = wire_close(&record);
	assert_true(apply(f, &record));
	processes_exit(f->processes, &record.owner);
}

/* With a client of its own, so that each end names the other. */
static void open_and_close_both(struct fixture *f, uint32_t number)
{
	struct pt_socket accept = numbered(number), connect;

	connect = wire_connect(0x9000000 + number, WIRE_PID + 200000 + number, LO,
			       accept.remote_port, LO, accept.local_port);
	assert_true(apply(f, &connect));
	open_and_close(f, number);
	connect = wire_close(&connect);
	assert_true(apply(f, &connect));
	processes_exit(f->processes, &connect.owner);
}

/* Who is behind the other side of a numbered connection. */
static uint32_t peer_of_number(struct fixture *f, uint32_t number)
{
	struct pt_socket accept = numbered(number), connect;

	connect = wire_connect(OURS, CLIENT, LO, accept.remote_port, LO, accept.local_port);
	connect = wire_close(&connect);
	assert_true(apply(f, &connect));
	return pid_of(f->event.peer);
}

static void test_closed_are_forgotten(void **state)
{
	struct fixture *f = *state;
	const uint32_t first = 10, last = first + CLOSED_MAX - 1;

	for (uint32_t number = 0; number <= last; number++)
		open_and_close(f, number);
	assert_int_equal(ledger_sockets(f->ledger), 0);
	assert_int_equal(peer_of_number(f, first - 1), 0);
	assert_int_equal(peer_of_number(f, first), WIRE_PID + 100 + first);
	assert_int_equal(peer_of_number(f, last), WIRE_PID + 100 + last);
}

static void test_memory(void **state)
{
	struct fixture *f = *state;
	size_t before;

	if (!__sanitizer_get_current_allocated_bytes)
		skip();
	for (uint32_t number = 0; number < CLOSED_MAX; number++)
		open_and_close_both(f, number);
	before = __sanitizer_get_current_allocated_bytes();
	for (uint32_t number = CLOSED_MAX; number < 4 * CLOSED_MAX; number++)
		open_and_close_both(f, number);
	/* The 1024 processes that ended last may have come in between. */
	assert_true(__sanitizer_get_current_allocated_bytes() <= before + 1024 * 1024);
}

/* All that is held is let go at the end, whatever state it is in; LeakSanitizer looks. */
static void test_freed(void **state)
{
	struct fixture *f = *state;
	struct pt_socket record;

	ledger_free(NULL);
	for (uint32_t number = 0; number < 5000; number++) {
		record = numbered(number);
		assert_true(apply(f, &record));
		if (number % 2) {
			record = wire_close(&record);
			assert_true(apply(f, &record));
		}
	}
	assert_int_equal(ledger_sockets(f->ledger), 2500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_open),
		TEST(test_open_connection),
		TEST(test_open_of_known),
		TEST(test_open_without_descriptor),
		TEST(test_believe),
		TEST(test_closed_are_forgotten),
		TEST(test_memory),
		TEST(test_freed),
		TEST(test_holders),
		TEST(test_holders_at_the_limits),
		TEST(test_since_and_state),
		TEST(test_at_port),
		TEST(test_port_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
