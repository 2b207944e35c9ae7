// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * ledger.c: who is behind both ends, and above all when nobody may be named.  The
 * tests play the records of the kernel side; a process is told by its pid.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>

#include "decode.h"
#include "foresight.h"
#include "ledger.h"

#include "wire_records.h"

#define CLOSED_MAX 8192 /* as in ledger.c */

#define SERVER (WIRE_PID + 1)
#define WORKER (WIRE_PID + 2)
#define CLIENT (WIRE_PID + 3)
#define OTHER (WIRE_PID + 4)

#define LO "127.0.0.1"
#define PORT 40000 /* the client's */

/* Addresses of sockets. */
enum {
	LISTENER = 0x1000,
	OURS = 0x2000,
	THEIRS = 0x3000,
	ANOTHER = 0x4000
};

/* Of the sanitizer's run-time library; not there without it. */
size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

struct fixture {
	struct processes *processes;
	struct foresight *foresight;
	struct ledger *ledger;
	struct event event; /* of the latest record */
};

/* Processes that live. */
static void tell(struct fixture *f, uint32_t pid)
{
	struct pt_process news = wire_process(pid, "name", "name", sizeof("name"));

	assert_int_equal(processes_update(f->processes, &news, 0), 0);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->processes = processes_new(false);
	f->foresight = foresight_new();
	assert_non_null(f->processes);
	assert_non_null(f->foresight);
	f->ledger = ledger_new(f->processes, f->foresight);
	assert_non_null(f->ledger);
	tell(f, SERVER);
	tell(f, WORKER);
	tell(f, CLIENT);
	tell(f, OTHER);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	ledger_free(f->ledger);
	foresight_free(f->foresight);
	processes_free(f->processes);
	free(f);
	return 0;
}

/* Take a record in; whether it tells news. */
static bool apply(struct fixture *f, const struct pt_socket *record)
{
	bool news;

	decode_event(&f->event, record, 0);
	news = ledger_apply(f->ledger, record, &f->event, 0);
	processes_reap(f->processes);
	return news;
}

static uint32_t pid_of(const struct process *process)
{
	return process ? process->pid : 0;
}

/* Apply and check who is named behind both ends; 0: nobody. */
#define CHECK(f, record, owner, other)                               \
	do {                                                         \
		assert_true(apply(f, record));                       \
		assert_int_equal(pid_of((f)->event.process), owner); \
		assert_int_equal(pid_of((f)->event.peer), other);    \
	} while (0)

static struct pt_socket listener(uint64_t sock, uint32_t pid, const char *local)
{
	return wire_listen(sock, pid, local, 80);
}

static struct pt_socket ours(void)
{
	return wire_connect(OURS, CLIENT, LO, PORT, LO, 80);
}

static struct pt_socket theirs(uint32_t pid)
{
	return wire_accept(THEIRS, pid, LO, 80, LO, PORT);
}

/* A client's end that nothing else knows of. */
static uint32_t peer_of_connect_to(struct fixture *f, const char *from, const char *to)
{
	struct pt_socket record = wire_connect(OURS, CLIENT, from, PORT, to, 80), end;
	uint32_t pid;

	assert_true(apply(f, &record));
	pid = pid_of(f->event.peer);
	end = wire_close(&record);
	assert_true(apply(f, &end));
	assert_int_equal(pid_of(f->event.peer), pid); /* the same when it is closed unaccepted */
	return pid;
}

/* --- UDP -------------------------------------------------------------------------- */

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

static struct pt_socket unaccepted(void)
{
	struct pt_socket accept = theirs(0), end = wire_close(&accept);

	end.attribution = PT_BY_INHERIT;
	end.time += end.duration; /* it began when the others did */
	return end;
}

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

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

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
	assert_int_equal(socket->unlisted, 0);

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
	assert_int_equal(count + socket->unlisted, 5000);
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
		TEST(test_datagrams),
		TEST(test_transports_are_apart),
		TEST(test_shared_datagrams),
		TEST(test_datagrams_of_another),
		TEST(test_connected_datagrams),
		TEST(test_peer_that_left_an_heir),
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
		TEST(test_open),
		TEST(test_open_connection),
		TEST(test_open_of_known),
		TEST(test_open_without_descriptor),
		TEST(test_believe),
		TEST(test_creator),
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
