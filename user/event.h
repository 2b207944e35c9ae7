/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * struct event: one line of output before it is text.  decode.c fills what the
 * kernel told, ledger.c and processes.c add who is behind both ends, filter.c
 * reads it, format_*.c write it.  It owns nothing that it points to; what it
 * points to lives until the next event.
 */
#ifndef EVENT_H
#define EVENT_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "clock.h"
#include "porttrace/wire.h"

struct explanation;
struct process;
struct socket;

enum event_action {
	EVENT_BIND,
	EVENT_LISTEN,
	EVENT_CONNECT,
	EVENT_ACCEPT,
	EVENT_FLOW,
	EVENT_CLOSE,
	EVENT_STATE,
	EVENT_OPEN,
	EVENT_LOST,
	EVENT_START,
	EVENT_STOP,
	EVENT_ACTIONS,
};

enum event_lost_stage {
	LOST_RING,   /* no room in the ring buffer */
	LOST_MAP,    /* no room in a map of the kernel side */
	LOST_MISSED, /* the kernel did not run a hook and no later one made up for it */
	LOST_SINK,   /* the output failed */
	LOST_STAGES,
};

/* Nothing failed, but somebody should know. */
enum event_warning {
	WARN_REUSEPORT_JOIN,     /* another process has the port too, by SO_REUSEPORT */
	WARN_EPHEMERAL_LISTENER, /* a client may be given this port while nobody listens */
	WARN_SERVICE_PORT_TAKEN, /* a client was given the port of a listener that was there */
	WARNINGS,
};

/* ns; TCP_TIMEWAIT_LEN in include/net/tcp.h. */
#define TIME_WAIT_LENGTH (60 * NS_PER_S)

struct endpoint {
	uint8_t ip[16]; /* network order, IPv4 as ::ffff:a.b.c.d */
	uint16_t port;  /* 0: there is no such end, or its port is not known */
};

/* Loopback addresses never leave their namespace. */
static inline bool endpoint_is_loopback(const struct endpoint *end)
{
	static const uint8_t ipv6[16] = { [15] = 1 };
	static const uint8_t ipv4[13] = { [10] = 0xff, [11] = 0xff, [12] = 127 };

	return !memcmp(end->ip, ipv6, sizeof(ipv6)) || !memcmp(end->ip, ipv4, sizeof(ipv4));
}

/* Counts of a run, for EVENT_STOP: seen = written + filtered + lost. */
struct event_totals {
	uint64_t seen;
	uint64_t written;
	uint64_t filtered;
	uint64_t lost[LOST_STAGES];
	uint64_t skipped; /* runs of hooks that the kernel left out */
	uint64_t late;    /* of seen: told by a later hook for one that was left out */
};

struct event {
	enum event_action action;
	int error;         /* errno, 0: it worked */
	uint64_t sequence; /* from 1; 0: none yet */
	uint64_t time;     /* nanoseconds since the Unix epoch */

	/* Of a socket: every action but lost, start and stop. */
	struct endpoint local;
	struct endpoint remote;
	bool ipv4;
	bool ephemeral;         /* local.port lies in ip_local_port_range */
	enum pt_side initiator; /* which end began it: PT_SIDE_NONE unknown or neither */
	enum pt_kind kind;
	enum pt_attribution attribution;
	uint32_t netns;
	uint64_t cookie;               /* 0: not known */
	const struct process *process; /* behind the local end, or NULL */
	const struct process *peer;    /* behind the remote end, or NULL */
	const struct process *actor;   /* who caused it, if that is not process; or NULL */
	const struct process *creator; /* who bound the port, if not process; or NULL */
	uint64_t duration;             /* ns; 0: not known */
	bool late;                     /* told by a later hook: it happened before time */
	bool has_bytes;                /* sent and received are known; of UDP sends and receives */
	uint64_t sent;                 /* payload bytes from local to remote */
	uint64_t received;
	uint64_t sends, receives;     /* datagrams */
	uint8_t state_old, state_new; /* TCP states as in the kernel; EVENT_OPEN: the new one */
	uint64_t since; /* EVENT_OPEN: ns since the epoch, when the socket came to be so; 0: not known */
	const struct socket *socket; /* EVENT_OPEN of list and who: with all holders; or NULL */
	uint64_t ends; /* EVENT_OPEN in TIME_WAIT: ns since the epoch, when it will end; 0: not known */
	enum pt_side close_by;
	enum pt_how close_how;
	const struct explanation *why;       /* of a failed bind or listen, or NULL */
	unsigned int warnings;               /* a bit for each enum event_warning */
	const struct process *warning_about; /* who has, or had, the port; or NULL */

	/* Of the run. */
	enum event_lost_stage lost_stage; /* EVENT_LOST */
	uint64_t lost_count;
	const struct event_totals *totals; /* EVENT_STOP */
	const char *hooks;                 /* EVENT_START: names, with a space between */
};

/*
 * Seconds from `now` until a TIME_WAIT that `ends` (both ns of one clock) is gone, rounded up: at
 * 0 it is.  Never above 60, a whole one: the kernel's ticks, which it is reckoned from, may lag.
 */
unsigned int event_seconds_left(uint64_t now, uint64_t ends);

/* Of UDP, else of TCP. */
static inline bool event_is_udp(const struct event *event)
{
	return event->kind == PT_DATAGRAM;
}

/* There is a remote end, though it may be that nothing is known of it. */
static inline bool event_has_remote(const struct event *event)
{
	return event->kind == PT_CONNECTION || event->action == EVENT_FLOW ||
	       (event_is_udp(event) && event->remote.port);
}

/* The name of an action as in events.md; NULL beyond the table. */
const char *event_action_name(enum event_action action);
/* "ESTABLISHED" and so on; "UNKNOWN" beyond the table. */
const char *event_state_name(unsigned int state);
const char *event_attribution_name(enum pt_attribution attribution);
const char *event_kind_name(enum pt_kind kind);
const char *event_side_name(enum pt_side side);
const char *event_how_name(enum pt_how how);
const char *event_stage_name(enum event_lost_stage stage);
const char *event_warning_name(enum event_warning warning);

#endif
