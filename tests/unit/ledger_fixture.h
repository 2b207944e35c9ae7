/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A ledger and the processes that it names, for its tests: they play the records of the
 * kernel side, and a process is told by its pid.
 */
#ifndef LEDGER_FIXTURE_H
#define LEDGER_FIXTURE_H

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

struct fixture {
	struct processes *processes;
	struct foresight *foresight;
	struct ledger *ledger;
	struct event event; /* of the latest record */
};

/* Processes that live. */
static inline void tell(struct fixture *f, uint32_t pid)
{
	struct pt_process news = wire_process(pid, "name", "name", sizeof("name"));

	assert_int_equal(processes_update(f->processes, &news, 0), 0);
}

static inline int setup(void **state)
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

static inline int teardown(void **state)
{
	struct fixture *f = *state;

	ledger_free(f->ledger);
	foresight_free(f->foresight);
	processes_free(f->processes);
	free(f);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* Take a record in; whether it tells news. */
static inline bool apply(struct fixture *f, const struct pt_socket *record)
{
	bool news;

	decode_event(&f->event, record, 0);
	news = ledger_apply(f->ledger, record, &f->event, 0);
	processes_reap(f->processes);
	return news;
}

static inline uint32_t pid_of(const struct process *process)
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

static inline struct pt_socket listener(uint64_t sock, uint32_t pid, const char *local)
{
	return wire_listen(sock, pid, local, 80);
}

static inline struct pt_socket ours(void)
{
	return wire_connect(OURS, CLIENT, LO, PORT, LO, 80);
}

static inline struct pt_socket theirs(uint32_t pid)
{
	return wire_accept(THEIRS, pid, LO, 80, LO, PORT);
}

/* The end of a connection that nobody accepted. */
static inline struct pt_socket unaccepted(void)
{
	struct pt_socket accept = theirs(0), end = wire_close(&accept);

	end.attribution = PT_BY_INHERIT;
	end.time += end.duration; /* it began when the others did */
	return end;
}

/* A client's end that nothing else knows of. */
static inline uint32_t peer_of_connect_to(struct fixture *f, const char *from, const char *to)
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

#endif
