// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The names of enums, as ../doc/events.md has them.  Each table is checked
 * against the length of its enum, so that a new value cannot be without a name.
 */
#include "event.h"

#include <stddef.h>

#define NAME(table, i) ((size_t)(i) < sizeof(table) / sizeof((table)[0]) ? (table)[i] : NULL)
#define COVERS(table, end) _Static_assert(sizeof(table) / sizeof((table)[0]) == (end), #table)

static const char *const actions[] = {
	[EVENT_BIND] = "bind",     [EVENT_LISTEN] = "listen", [EVENT_CONNECT] = "connect",
	[EVENT_ACCEPT] = "accept", [EVENT_FLOW] = "flow",     [EVENT_CLOSE] = "close",
	[EVENT_STATE] = "state",   [EVENT_OPEN] = "open",     [EVENT_LOST] = "lost",
	[EVENT_START] = "start",   [EVENT_STOP] = "stop",
};
COVERS(actions, EVENT_ACTIONS);

/* include/net/tcp_states.h; NEW_SYN_RECV is the kernel's name for a request. */
static const char *const states[] = {
	"UNKNOWN", "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2",    "TIME_WAIT",
	"CLOSE",   "CLOSE_WAIT",  "LAST_ACK", "LISTEN",   "CLOSING",   "NEW_SYN_RECV",
};
COVERS(states, 13);

static const char *const attributions[] = {
	[PT_BY_UNKNOWN] = "unknown",   [PT_BY_BIND] = "bind",       [PT_BY_LISTEN] = "listen",
	[PT_BY_CONNECT] = "connect",   [PT_BY_ACCEPT] = "accept",   [PT_BY_INHERIT] = "inherit",
	[PT_BY_SNAPSHOT] = "snapshot", [PT_BY_KERNEL] = "kernel",   [PT_BY_CLOSE] = "close",
	[PT_BY_SEND] = "send",         [PT_BY_RECEIVE] = "receive",
};
COVERS(attributions, PT_ATTRIBUTION_END);

static const char *const kinds[] = {
	[PT_BOUND] = "bound",
	[PT_LISTENER] = "listener",
	[PT_CONNECTION] = "connection",
	[PT_DATAGRAM] = "datagram",
};
COVERS(kinds, PT_KIND_END);

static const char *const sides[] = {
	[PT_SIDE_NONE] = "unknown",
	[PT_LOCAL] = "local",
	[PT_REMOTE] = "remote",
};
COVERS(sides, PT_SIDE_END);

static const char *const hows[] = {
	[PT_HOW_NONE] = "unknown",
	[PT_FIN] = "fin",
	[PT_RESET] = "reset",
	[PT_TIMEOUT] = "timeout",
};
COVERS(hows, PT_HOW_END);

static const char *const stages[] = {
	[LOST_RING] = "ring",
	[LOST_MAP] = "map",
	[LOST_MISSED] = "missed",
	[LOST_SINK] = "sink",
};
COVERS(stages, LOST_STAGES);

static const char *const warnings[] = {
	[WARN_REUSEPORT_JOIN] = "reuseport-join",
	[WARN_EPHEMERAL_LISTENER] = "ephemeral-listener",
	[WARN_SERVICE_PORT_TAKEN] = "service-port-taken",
};
COVERS(warnings, WARNINGS);

unsigned int event_seconds_left(uint64_t now, uint64_t ends)
{
	uint64_t left = ends > now ? ends - now : 0;

	if (left > TIME_WAIT_LENGTH)
		left = TIME_WAIT_LENGTH;
	return (unsigned int)((left + NS_PER_S - 1) / NS_PER_S);
}

const char *event_action_name(enum event_action action)
{
	return NAME(actions, action);
}

const char *event_state_name(unsigned int state)
{
	const char *name = NAME(states, state);

	return name ? name : states[0];
}

const char *event_attribution_name(enum pt_attribution attribution)
{
	return NAME(attributions, attribution);
}

const char *event_kind_name(enum pt_kind kind)
{
	return NAME(kinds, kind);
}

const char *event_side_name(enum pt_side side)
{
	return NAME(sides, side);
}

const char *event_how_name(enum pt_how how)
{
	return NAME(hows, how);
}

const char *event_stage_name(enum event_lost_stage stage)
{
	return NAME(stages, stage);
}

const char *event_warning_name(enum event_warning warning)
{
	return NAME(warnings, warning);
}
