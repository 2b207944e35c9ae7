// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * See sink.h.  One write(2) for many rows.  Knows nothing of events; the ways of log
 * files are logfile.c's.
 */
#include "sink.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "logfile.h"

#define BACKLOG_MAX (16 << 20) /* bytes that wait for an output that fails */

/* How stdout is written to without waiting; its flags are not ours alone. */
enum way {
	WAY_DIRECT, /* it does not wait: a regular file, or opened anew without waiting */
	WAY_SOCKET,
	WAY_POLLED, /* in pieces that have room when poll(2) says so */
};

struct sink {
	struct logfile *file; /* NULL: stdout */
	int fd;               /* without file */
	enum way way;
	struct rows backlog;
	size_t done; /* bytes of the first row of the backlog that are written already */
	uint64_t written;
};

/* A pipe or terminal opened anew has flags of its own. */
static void open_stdout(struct sink *sink)
{
	struct stat st;
	int fd = -1;

	sink->fd = STDOUT_FILENO;
	if (fstat(STDOUT_FILENO, &st) || S_ISREG(st.st_mode))
		return;
	if (S_ISSOCK(st.st_mode)) {
		sink->way = WAY_SOCKET;
		return;
	}
	fd = open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd >= 0)
		sink->fd = fd;
	else
		sink->way = WAY_POLLED;
}

int sink_open(struct sink **out, const char *path)
{
	struct sink *sink = calloc(1, sizeof(*sink));
	int err = 0;

	if (!sink)
		return -ENOMEM;
	sink->fd = -1;
	if (path)
		err = logfile_open(&sink->file, path);
	else
		open_stdout(sink);
	if (err)
		sink_free(sink);
	else
		*out = sink;
	return err;
}

void sink_free(struct sink *sink)
{
	if (!sink)
		return;
	logfile_free(sink->file);
	if (sink->fd > STDERR_FILENO)
		close(sink->fd);
	rows_free(&sink->backlog);
	free(sink);
}

void sink_set_rotation(struct sink *sink, uint64_t size, unsigned int keep)
{
	if (sink->file)
		logfile_set_rotation(sink->file, size, keep);
}

int sink_rotation_error(const struct sink *sink)
{
	return sink->file ? logfile_rotation_error(sink->file) : 0;
}

/* The row of which done bytes are written begins anew. */
static void take_back(struct sink *sink)
{
	if (sink->file && sink->done)
		logfile_take_back(sink->file, sink->done);
	sink->done = 0;
}

int sink_reopen(struct sink *sink)
{
	if (!sink->file)
		return 0;
	/* No half row at the end of the old file, none at the beginning of the new one. */
	take_back(sink);
	return logfile_reopen(sink->file);
}

/* The bytes written, maybe fewer, or -errno. */
static ssize_t write_some(struct sink *sink, const char *data, size_t len)
{
	ssize_t got = -1;

	if (sink->file)
		return logfile_write(sink->file, data, len);
	do {
		struct pollfd poll_fd = { .fd = sink->fd, .events = POLLOUT };

		if (sink->way == WAY_SOCKET)
			got = send(sink->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
		else if (sink->way == WAY_DIRECT)
			got = write(sink->fd, data, len);
		else if (poll(&poll_fd, 1, 0) == 0)
			return -EAGAIN;
		else
			got = write(sink->fd, data, len < PIPE_BUF ? len : PIPE_BUF);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return errno == ECONNRESET ? -EPIPE : -errno;
	return got ?: -EAGAIN;
}

/* How many bytes may go into this file with one write; a file that is full is changed. */
static size_t next_size(struct sink *sink, const struct rows *rows)
{
	size_t all = rows_bytes(rows), room, fits;

	if (!sink->file)
		return all;
	room = logfile_room(sink->file);
	if (room >= all)
		return all;
	fits = rows_size(rows, rows_within(rows, room));
	if (sink->done) /* its beginning is in this file */
		fits = rows_size(rows, 1);
	if (!fits && !logfile_rotate(sink->file)) {
		room = logfile_room(sink->file);
		fits = rows_size(rows, rows_within(rows, room));
	}
	/* A row that is larger than any file may be, or a file that can't be changed. */
	return fits ?: rows_size(rows, 1);
}

/* Write rows, the first of them from sink->done on; what was written is dropped. */
static int write_rows(struct sink *sink, struct rows *rows)
{
	while (rows_count(rows)) {
		size_t size = next_size(sink, rows), whole;
		ssize_t got = write_some(sink, rows_data(rows) + sink->done, size - sink->done);

		if (got < 0)
			return (int)got;
		sink->done += (size_t)got;
		whole = rows_within(rows, sink->done);
		sink->done -= rows_size(rows, whole);
		sink->written += whole;
		rows_drop(rows, whole);
	}
	return 0;
}

/* Keep rows for later, as far as there is room; one that is torn must be finished. */
static void keep(struct sink *sink, struct rows *rows, uint64_t *lost)
{
	size_t used = rows_bytes(&sink->backlog), count;

	count = used < BACKLOG_MAX ? rows_within(rows, BACKLOG_MAX - used) : 0;
	if (!count && sink->done && !rows_count(&sink->backlog))
		count = 1;
	if (rows_append(&sink->backlog, rows, count)) {
		count = 0;
		if (!rows_count(&sink->backlog) && sink->done)
			take_back(sink);
	}
	*lost += rows_count(rows) - count;
}

int sink_write(struct sink *sink, struct rows *rows, uint64_t *lost)
{
	int err = sink->file ? logfile_check(sink->file) : 0;

	if (err > 0) { /* the file before took the beginning of a torn row with it */
		sink->done = 0;
		err = 0;
	}
	if (!err && rows_count(&sink->backlog)) {
		err = write_rows(sink, &sink->backlog);
		if (!rows_count(&sink->backlog)) /* that was an exception: no need for it now */
			rows_free(&sink->backlog);
	}
	if (!err)
		err = write_rows(sink, rows);
	if (err == -EPIPE)
		*lost += sink_abandon(sink) + rows_count(rows);
	else if (err)
		keep(sink, rows, lost);
	rows_clear(rows);
	return err;
}

uint64_t sink_waiting(const struct sink *sink)
{
	return rows_count(&sink->backlog);
}

bool sink_has_room(const struct sink *sink)
{
	return rows_bytes(&sink->backlog) < BACKLOG_MAX / 4;
}

uint64_t sink_written(const struct sink *sink)
{
	return sink->written;
}

uint64_t sink_abandon(struct sink *sink)
{
	uint64_t waiting = rows_count(&sink->backlog);

	take_back(sink);
	rows_free(&sink->backlog);
	return waiting;
}
