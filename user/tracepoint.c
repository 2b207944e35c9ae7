// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * See tracepoint.h.
 */
#include "tracepoint.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "unmounted.h"

int tracepoint_directory(void)
{
	static const char *const mounted[] = {
		"/sys/kernel/tracing/events",
		"/sys/kernel/debug/tracing/events",
	};
	int root, events;

	for (size_t i = 0; i < sizeof(mounted) / sizeof(mounted[0]); i++) {
		events = open(mounted[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (events >= 0)
			return events;
	}
	root = unmounted_open("tracefs");
	if (root < 0)
		return root;
	events = openat(root, "events", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (events < 0)
		events = -errno;
	close(root);
	return events;
}

static int read_id(int directory, const char *name, unsigned long long *id)
{
	char path[128], text[32], *end;
	ssize_t len;
	int fd;

	(void)snprintf(path, sizeof(path), "%s/id", name);
	fd = openat(directory, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	len = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (len <= 0)
		return -EIO;
	text[len] = 0;
	*id = strtoull(text, &end, 10);
	return end == text ? -EIO : 0;
}

int tracepoint_open(int directory, const char *name)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_TRACEPOINT,
		.size = sizeof(attr),
		.sample_period = 1,
		.wakeup_events = 1,
	};
	unsigned long long id = 0;
	int err = read_id(directory, name, &id), fd;

	if (err)
		return err;
	attr.config = id;
	/* A program on a tracepoint runs on all CPUs, whatever the event's own is. */
	fd = (int)syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}
