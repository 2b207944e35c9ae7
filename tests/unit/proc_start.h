/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Since when a process runs, for the tests that ask for real ones.
 */
#ifndef PROC_START_H
#define PROC_START_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "procfs.h"

/* The start of a process as /proc tells it, in ns. */
static inline uint64_t start_of(pid_t pid)
{
	uint64_t ticks, tick = 1000000000 / (uint64_t)sysconf(_SC_CLK_TCK);
	char path[64], text[1024], name[PT_COMM_LEN];
	uint32_t parent;
	ssize_t len;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY);
	assert_true(fd >= 0);
	len = read(fd, text, sizeof(text) - 1);
	close(fd);
	assert_true(len > 0);
	text[len] = 0;
	assert_int_equal(procfs_parse_stat(text, name, &parent, &ticks), 0);
	return ticks * tick;
}

#endif
