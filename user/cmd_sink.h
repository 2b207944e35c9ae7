/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a command does and says about the place where its records go: which files are
 * refused and why, that the output fails, works again, can't be rotated.  The bytes are
 * sink.c's business.
 */
#ifndef CMD_SINK_H
#define CMD_SINK_H

#include <stdbool.h>
#include <stdint.h>

struct options;
struct pipeline;
struct sink;

struct cmd_sink {
	struct sink *sink;
	const char *path; /* NULL: stdout */
	int error;        /* of the latest flush */
	int rotation_error;
	uint64_t lost; /* records, at the latest flush */
	bool told;     /* that it fails */
	int stalled;   /* ms in which the reader took nothing */
};

/* An exit status; not EXIT_DONE: that was told. */
int cmd_sink_open(struct cmd_sink *output, const struct options *options);
void cmd_sink_free(struct cmd_sink *output);

/* Why a file was refused, err being that of safefile.h or another -errno. */
void cmd_sink_refused(const char *option, const char *path, int err);

/* Write what waits.  false: nobody reads it any more. */
bool cmd_sink_flush(struct cmd_sink *output, struct pipeline *pipeline);

/*
 * Give a slow reader some ms.  false: there is nothing to wait for, or he takes nothing at
 * all, for seconds, or for a moment while the descriptor signals is readable.
 */
bool cmd_sink_wait(struct cmd_sink *output, struct pipeline *pipeline, int signals);

/* Wait as long as that is of use. */
void cmd_sink_drain(struct cmd_sink *output, struct pipeline *pipeline, int signals);

/* After a rotation by somebody else.  Of stdout: nothing. */
void cmd_sink_reopen(struct cmd_sink *output, struct pipeline *pipeline);

/* The last records: an exit status, not EXIT_DONE only if nothing could be written at all. */
int cmd_sink_end(struct cmd_sink *output, struct pipeline *pipeline, int signals);

#endif
