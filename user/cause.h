/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Why a bind or listen failed: the rules by which the kernel lets two sockets have one port,
 * and the judgement over what stands in the way.  Pure: no state, no system calls, and it
 * knows no ledger; explain.c gathers what is judged here, format_cause.c puts it into words.
 */
#ifndef CAUSE_H
#define CAUSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event.h"
#include "process.h"

/* porttrace.cause; the names are in cause.c, their meaning is in doc/events.md. */
enum cause {
	CAUSE_NONE, /* nothing failed */
	CAUSE_UNKNOWN,
	CAUSE_LISTENER,
	CAUSE_BOUND,
	CAUSE_CONNECTION,
	CAUSE_TIME_WAIT,
	CAUSE_KERNEL,
	CAUSE_REUSEPORT_USER,
	CAUSE_DUAL_STACK,
	CAUSE_PRIVILEGED,
	CAUSE_NOT_LOCAL,
	CAUSE_EXHAUSTED,
	CAUSE_ALREADY_BOUND,
	CAUSE_INVALID,
	CAUSE_POLICY,
	CAUSES,
};

/* What would help, in plain words where one reads it. */
enum hint {
	HINT_NONE,
	HINT_REUSEADDR,      /* this socket lacks it, the former had it */
	HINT_REUSEADDR_BOTH, /* the former lacked it, or nobody knows */
	HINT_RESERVE,
	HINT_CLOSE_ON_EXEC,
	HINT_V6ONLY,
	HINT_REUSEPORT_USER,
	HINT_REUSEPORT_BOTH,
	HINT_PRIVILEGED,
	HINT_FREEBIND,
	HINT_RANGE,
	HINTS,
};

/* A socket as far as it decides who may have its port. */
struct contender {
	struct endpoint local, remote; /* remote: of a connection, or of one in TIME_WAIT */
	enum pt_kind kind;
	uint32_t device; /* index of the interface that it is bound to, 0: none */
	uint32_t uid;    /* user + 1; 0: not known */
	uint8_t share;   /* enum pt_share; of TIME_WAIT as it was */
	bool v6only;
	bool time_wait;
	bool kernel; /* a socket of the kernel itself */
};

/* A process that has, or had, a socket that stands in the way. */
struct blocker {
	struct contender socket;
	const struct process *process; /* NULL: the kernel, or not known */
	const struct process *former;  /* whose it was, and who has ended; or NULL */
	uint64_t since;                /* ns since the epoch, 0: not known, before the tracer */
	uint32_t fd;                   /* + 1; 0: not known */
	uint8_t state;                 /* as in the kernel; 0: as the kind says */
	enum pt_side initiator;        /* of a connection */
	bool exited;
	bool left_known;       /* time_wait: seconds_left says something */
	uint32_t seconds_left; /* time_wait */
	enum pt_side close_by; /* time_wait: how the connection ended */
	enum pt_how close_how;
};

/* All that is to be said about one failure. */
struct explanation {
	enum cause cause;
	enum hint hint;
	const struct blocker *holders; /* the most telling one first */
	size_t holder_count;
	size_t holders_left_off; /* there are so many more */
	struct endpoint own;     /* CAUSE_ALREADY_BOUND: what the socket has; port 0: not known */
	uint32_t limit;          /* CAUSE_PRIVILEGED: ip_unprivileged_port_start */
};

/*
 * Whether the kernel refuses wants, because has is there.  As inet_csk_get_port() does for a
 * port that was asked for; both have that port.
 */
bool cause_conflicts(const struct contender *wants, const struct contender *has);

/* Whether the addresses alone are in each other's way, whatever the sockets would share. */
bool cause_overlaps(const struct contender *wants, const struct contender *has);

/* How telling a contender is, the lowest first: listener, bound, connection, TIME_WAIT. */
int cause_rank(const struct contender *has);

/*
 * Judge.  event: the failed bind or listen; wants: its socket; limit as in struct pt_socket.
 * why: holders, if there are any, own, and the rest zero; gets cause, hint and limit.
 */
void cause_judge(struct explanation *why, const struct event *event, const struct contender *wants,
		 uint32_t limit);

/* As events.md has it; NULL beyond the table and for CAUSE_NONE. */
const char *cause_name(enum cause cause);

#endif
