// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * How fast the formatters are, and how long their records:
 *
 *     bench_format [RECORDS [FILE]]
 *
 * For each format RECORDS (default 1,000,000) events in the mix of a busy loopback,
 * connect, accept and two closes a connection, both processes known.  The limits beside
 * them: copying lines as long as the longest, and appending them to FILE.  Prints what,
 * nanoseconds of CPU a record, and bytes a record.  Needs no rights, reads /etc/services.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "format.h"
#include "load.h"
#include "services.h"

#include "../unit/format_events.h"

#define EVENTS 4
#define LINE 500         /* bytes, as one of JSON */
#define KEEP (64u << 10) /* bytes of text, then over again: about what a sink holds */

/* A line for the driver: what, nanoseconds a record, bytes a record. */
static void tell(const char *what, double seconds, uint64_t count, uint64_t bytes)
{
	printf("%-6s %8.2f %8.1f\n", what, seconds / (double)count * 1e9,
	       (double)bytes / (double)count);
}

/* Bytes a record. */
static uint64_t run(struct formatter *formatter, struct event *events, uint64_t count)
{
	struct text out = { 0 };
	double begin = cpu_seconds();
	uint64_t bytes = 0;

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
	tell(formatter->format->name, cpu_seconds() - begin, count, bytes);
	text_free(&out);
	return bytes / count;
}

/* The limits: what it takes to copy lines that are there already, and to write them. */
static void copy(uint64_t count, size_t size)
{
	static char from[4][KEEP / 4], to[KEEP];
	double begin = cpu_seconds();

	for (uint64_t i = 0, at = 0; i < count; i++) {
		memcpy(to + at, from[i % 4], size);
		__asm__ volatile("" : : "r"(to) : "memory");
		at = at + 2 * size > sizeof(to) ? 0 : at + size;
	}
	tell("memcpy", cpu_seconds() - begin, count, count * size);
}

static void write_out(const char *path, uint64_t count, size_t size)
{
	static char lines[KEEP];
	uint64_t bytes = count * size;
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	double begin = cpu_seconds();

	if (fd < 0)
		die(path);
	for (uint64_t done = 0; done < bytes; done += sizeof(lines))
		if (write(fd, lines, sizeof(lines)) != sizeof(lines))
			die(path);
	tell("write", cpu_seconds() - begin, count, bytes);
	close(fd);
}

int main(int argc, char **argv)
{
	const struct format *const formats[] = { &format_json, &format_table };
	uint64_t count = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000, line = 0;
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
		fprintf(stderr, "usage: %s [RECORDS [FILE]]   1 to 1000000000\n", argv[0]);
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

		uint64_t bytes = run(&formatter, events, count);

		line = bytes > line ? bytes : line;
	}
	copy(count, line);
	if (argc > 2)
		write_out(argv[2], count, line);
	services_free(services);
	text_free(&renderings[0].text);
	text_free(&renderings[1].text);
	return 0;
}
