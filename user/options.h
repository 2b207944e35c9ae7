/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The command line as data.  A table of options and one of commands
 * (command.h) drive parsing, --help and completion.
 * Knows nothing of what the options do.
 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "command.h"
#include "filter.h"

struct services;

enum color_mode {
	COLOR_AUTO,
	COLOR_ALWAYS,
	COLOR_NEVER,
};

/* Which hooks see bind, listen, connect and accept. */
enum hooks_mode {
	HOOKS_AUTO,      /* the best that the kernel grants */
	HOOKS_FUNCTIONS, /* fentry and fexit, or fail */
	HOOKS_CALLS,     /* tracepoints of system calls */
};

enum {
	EXIT_DONE = 0,
	EXIT_RUNTIME = 1,
	EXIT_USAGE = 2,
	EXIT_RIGHTS = 3,
	EXIT_KERNEL = 4,
	EXIT_OUTPUT = 5,
};

struct options {
	enum command_id command;
	char **operands; /* behind the command */
	size_t operand_count;
	struct filter_ports *asked; /* what they mean, where they are ports */

	struct filter filter;

	bool json;
	char *output;         /* NULL: stdout */
	uint64_t rotate_size; /* bytes; 0: never */
	unsigned int rotate_keep;
	char *metrics_file; /* NULL: none */
	bool wide;
	bool numeric;
	bool utc;
	bool args;
	bool snapshot;
	bool listening;
	bool free, taken;
	enum color_mode color;

	uint64_t count;    /* stop after so many records; 0: no limit */
	uint64_t duration; /* ns; 0: no limit */
	uint64_t timeout;  /* ns; 0: no limit */

	uint64_t ring_size;      /* bytes, a power of two of at least a page; 0: default */
	uint64_t flush_interval; /* ns; 0: default */
	enum hooks_mode hooks;

	bool quiet;
	bool verbose;
	bool help;
	bool version;
};

/*
 * Parse argv (argv[0] is skipped).  On a wrong argument one line that names it and
 * what is allowed goes to message (without "porttrace: " and LF), -EINVAL comes
 * back and options must still be freed.  0 otherwise; -ENOMEM.
 * Environment: NO_COLOR.
 */
int options_parse(struct options *options, int argc, char **argv, const struct services *services,
		  char *message, size_t size);
void options_free(struct options *options); /* safe on a zeroed struct */

void options_help(enum command_id command, FILE *out);
/* One option's names a line, "-p --pid PID", for the completion script's generator and its test. */
void options_list(FILE *out);

#endif
