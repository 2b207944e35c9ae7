/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A log file over months: opened with care (safefile.h), opened again after somebody
 * moved or removed it, rotated by size, and always made of whole lines.  Knows no
 * records; sink.c decides what goes in and what to do when that fails.
 */
#ifndef LOGFILE_H
#define LOGFILE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct logfile;

/* 0; -errno as safefile_place() and safefile_open() tell it; -ENOMEM. */
int logfile_open(struct logfile **file, const char *path);
void logfile_free(struct logfile *file);

/* No file larger than size bytes, keep older ones as PATH.1 (the youngest), PATH.2, ... */
void logfile_set_rotation(struct logfile *file, uint64_t size, unsigned int keep);

/* Open the path again.  On failure (-errno) the file before stays in use. */
int logfile_reopen(struct logfile *file);

/* Before writing: a file that was removed is made again.  0; 1: it is a new one; -errno. */
int logfile_check(struct logfile *file);

/* Bytes that still fit before a rotation; SIZE_MAX: no limit, or rotating does not work. */
size_t logfile_room(const struct logfile *file);

/*
 * Rename, and open a new file, unless this one is empty.  0; on failure (-errno) the file before stays in use, grows,
 * and the next call of logfile_check() makes room for another try.
 */
int logfile_rotate(struct logfile *file);
/* Of the latest logfile_rotate(): 0 or -errno. */
int logfile_rotation_error(const struct logfile *file);

/*
 * Append.  The bytes written, maybe fewer; -errno: none.  A line that a crashed run did
 * not finish is ended first.
 */
ssize_t logfile_write(struct logfile *file, const char *data, size_t len);

/*
 * Take back the last len bytes, the beginning of a row that won't be finished here, if
 * they are still the end of the file and nobody else writes there.  Else that line is
 * ended before the next one.
 */
void logfile_take_back(struct logfile *file, size_t len);

#endif
