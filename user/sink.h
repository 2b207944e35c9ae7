/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where text goes: stdout or a log file.  Whole rows only; what can't be written is
 * kept for the next try up to a limit, and then dropped row by row and counted.
 * It never waits for a slow reader.
 */
#ifndef SINK_H
#define SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rows.h"

struct sink;

/*
 * path NULL: stdout.  A file is appended to; safefile.h says which ones are refused, with
 * what.  0 or -errno.
 */
int sink_open(struct sink **sink, const char *path);
void sink_free(struct sink *sink);

/* Of a file: no larger than size bytes, and keep older ones as PATH.1, PATH.2, ... */
void sink_set_rotation(struct sink *sink, uint64_t size, unsigned int keep);
/* Of the latest rotation: 0 or -errno; then the file grows. */
int sink_rotation_error(const struct sink *sink);

/* Open the path again, after a rotation.  On failure the old file stays in use. */
int sink_reopen(struct sink *sink);

/*
 * Write all rows, after what is left from before; rows is empty afterwards.  0, or
 * -EAGAIN (the reader is slow) or another -errno: then they are kept for the next call,
 * and *lost is increased by those that found no room.  -EPIPE: the reader went away;
 * nothing is kept, and *lost is increased by all that it never got.
 */
int sink_write(struct sink *sink, struct rows *rows, uint64_t *lost);

/* Rows that wait for an output that works again. */
uint64_t sink_waiting(const struct sink *sink);
/* Some MiB that are written now will surely be kept, whether or not the output works. */
bool sink_has_room(const struct sink *sink);
/* Rows that were written whole. */
uint64_t sink_written(const struct sink *sink);

/*
 * The end of an output that does not work: forget what waits, and take back the
 * beginning of a row that is torn.  How many rows that were.
 */
uint64_t sink_abandon(struct sink *sink);

#endif
