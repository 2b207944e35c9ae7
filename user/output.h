/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What all commands do alike: the output is opened, the terminal asked, an error made an
 * exit status.  As the commands, it prints messages.
 */
#ifndef OUTPUT_H
#define OUTPUT_H

#include "format.h"
#include "options.h"

/*
 * Where an answer goes; path NULL: stdout.  An exit status; a failure is told.  The trace
 * has a sink instead: it never waits for a slow reader.
 */
int output_open(int *fd, const char *path);
/* Write all of it, and empty it.  0 or -errno. */
int output_write(int fd, struct text *text);

/* Colour and size, by the options and the terminal. */
void output_terminal(struct format_config *config, const struct options *options);

/* The exit status of what probe.h and probe_list.h return; they have told it. */
int output_status(int err);

#endif
