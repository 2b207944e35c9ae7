// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * How fast the formatters are, and how long their records: for each format N
 * (default 1,000,000) events in the mix of a busy loopback, connect, accept and
 * two closes a connection, both processes known.  Nothing is written anywhere but
 * the result.  Needs no rights, reads /etc/services.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "format.h"
#include "services.h"

#include "../unit/format_events.h"

#define EVENTS 4
#define KEEP (64u << 10) /* bytes of text, then over again: about what a sink holds */

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void run(struct formatter *formatter, struct event *events, uint64_t count)
{
	struct text out = { 0 };
	uint64_t begin = now(), bytes = 0, ns;

	for (uint64_t i = 0; i < count; i++) {
		struct event *event = &events[i % EVENTS];

		event->sequence = i + 1;
		event->time += 1000;
		event->cookie++;
		format_event(formatter, &out, event);
		if (out.len >= KEEP) {
			bytes += out.len;
			text_clear(&out);
		}
	}
	bytes += out.len;
	ns = now() - begin;
	text_free(&out);
	printf("%-5s  %10.0f records/s  %6.1f ns/record  %5.1f bytes/record\n",
	       formatter->format->name, 1e9 * (double)count / (double)ns,
	       (double)ns / (double)count, (double)bytes / (double)count);
}

int main(int argc, char **argv)
{
	const struct format *const formats[] = { &format_json, &format_table };
	uint64_t count = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000;
	struct process curl = events_curl(), python = events_python();
	struct rendering renderings[2] = { 0 }; /* kept, as those of processes.c are */
	struct event events[EVENTS] = {
		events_connect(&curl, &python),
		events_accept(&python, &curl),
		events_close(&curl, &python),
		events_close(&python, &curl),
	};
	struct services *services = NULL;

	if (count < 1 || count > 1000000000) {
		fprintf(stderr, "usage: %s [RECORDS]   1 to 1000000000\n", argv[0]);
		return 2;
	}
	curl.rendering = &renderings[0];
	python.rendering = &renderings[1];
	/* The second close is the server's. */
	events[3].local = events[1].local;
	events[3].remote = events[1].remote;
	events[3].ephemeral = false;
	events[3].initiator = PT_REMOTE;
	events[3].attribution = PT_BY_ACCEPT;
	events[3].close_by = PT_LOCAL;

	(void)services_load(&services, "/etc/services");
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		struct formatter formatter = {
			.format = formats[i],
			.config = { .services = services,
				    .host = "web1",
				    .boot_id = EVENTS_BOOT_ID },
		};

		run(&formatter, events, count);
	}
	services_free(services);
	text_free(&renderings[0].text);
	text_free(&renderings[1].text);
	return 0;
}
