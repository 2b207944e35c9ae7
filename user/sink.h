/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where text goes: stdout or a log file.  Whole lines only; what can't be written is
 * kept for the next try up to a limit, and then dropped line by line and counted.
 */
#ifndef SINK_H
#define SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "text.h"

struct sink;

/*
 * path NULL: stdout.  A file is appended to; it must be a regular file with one link,
 * in a directory that others can't write (or a sticky one, and the file new or root's
 * or ours); a new one gets mode 0640.  0 or -errno; -ELOOP: a symbolic link, -EMLINK:
 * more than one link, -EINVAL: no regular file, -EPERM: the directory is open to others.
 */
int sink_open(struct sink **sink, const char *path);
void sink_free(struct sink *sink);

/* Open the path again, after a rotation.  On failure the old file stays in use. */
int sink_reopen(struct sink *sink);

/*
 * Write all lines of text, after what is left from before; text is empty afterwards.
 * 0, -EPIPE (the reader went away) or another -errno: then it is kept for the next
 * call, and *lost is increased by the lines that found no room.
 */
int sink_write(struct sink *sink, struct text *text, uint64_t *lost);

/* Lines that wait for an output that works again. */
uint64_t sink_waiting(const struct sink *sink);

#endif
