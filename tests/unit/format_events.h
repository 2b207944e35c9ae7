/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One connection as both its ends tell it, for the tests and the benchmark of
 * the formatters: curl (pid 4242) asks python3 (pid 812) on 127.0.0.1:8080.
 * Everything is a copy, for the test to change.
 */
#ifndef FORMAT_EVENTS_H
#define FORMAT_EVENTS_H

#include <string.h>

#include "event.h"
#include "process.h"

#define EVENTS_TIME 1795183388011203944ull /* 2026-11-20T14:03:08.011203944Z */
#define EVENTS_BOOT_ID "0f3c1a5e-7a4b-4c7e-9d7e-1f2e3d4c5b6a"
#define EVENTS_IPV4(a, b, c, d)                      \
	{                                            \
		[10] = 0xff, [11] = 0xff, a, b, c, d \
	}

static char events_curl_args[] = "curl\0-s\0http://127.0.0.1:8080/";

static inline struct process events_curl(void)
{
	return (struct process){
		.pid = 4242,
		.start = 0x8b2c91d3a7ull,
		.started = EVENTS_TIME - 5000000,
		.name = "curl",
		.executable = "/usr/bin/curl",
		.args = events_curl_args,
		.args_len = sizeof(events_curl_args),
		.uid = 1000,
		.user = "web",
		.parent_pid = 4000,
		.parent_name = "bash",
	};
}

static inline struct process events_python(void)
{
	return (struct process){
		.pid = 812,
		.start = 0x12a05f200ull,
		.started = EVENTS_TIME - 3600000000000ull,
		.name = "python3",
		.executable = "/usr/bin/python3.11",
		.uid = 1000,
		.user = "web",
		.parent_pid = 1,
		.parent_name = "systemd",
	};
}

/* What all three have; the client's end. */
static inline struct event events_client(const struct process *process, const struct process *peer)
{
	return (struct event){
		.sequence = 17,
		.time = EVENTS_TIME,
		.local = { EVENTS_IPV4(127, 0, 0, 1), 43210 },
		.remote = { EVENTS_IPV4(127, 0, 0, 1), 8080 },
		.ipv4 = true,
		.ephemeral = true,
		.initiator = PT_LOCAL,
		.kind = PT_CONNECTION,
		.attribution = PT_BY_CONNECT,
		.netns = 4026531840,
		.cookie = 0x1a2b,
		.process = process,
		.peer = peer,
	};
}

static inline struct event events_connect(const struct process *process, const struct process *peer)
{
	struct event event = events_client(process, peer);

	event.action = EVENT_CONNECT;
	event.duration = 212345;
	return event;
}

static inline struct event events_accept(const struct process *process, const struct process *peer)
{
	struct event event = events_client(process, peer);
	struct endpoint end = event.local;

	event.action = EVENT_ACCEPT;
	event.local = event.remote;
	event.remote = end;
	event.ephemeral = false;
	event.initiator = PT_REMOTE;
	event.attribution = PT_BY_ACCEPT;
	return event;
}

static inline struct event events_close(const struct process *process, const struct process *peer)
{
	struct event event = events_client(process, peer);

	event.action = EVENT_CLOSE;
	event.duration = 1234567890;
	event.has_bytes = true;
	event.sent = 85;
	event.received = 1234;
	event.close_by = PT_REMOTE;
	event.close_how = PT_FIN;
	return event;
}

/* A listener of python3, on every address. */
static inline struct event events_listen(const struct process *process)
{
	return (struct event){
		.action = EVENT_LISTEN,
		.sequence = 3,
		.time = EVENTS_TIME,
		.local = { EVENTS_IPV4(0, 0, 0, 0), 8080 },
		.remote = { EVENTS_IPV4(0, 0, 0, 0), 0 },
		.ipv4 = true,
		.kind = PT_LISTENER,
		.attribution = PT_BY_LISTEN,
		.netns = 4026531840,
		.cookie = 0x77,
		.process = process,
	};
}

#endif
