// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * See sink.h.  One write(2) for many lines.  Knows nothing of events.
 */
#include "sink.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BACKLOG_MAX (1 << 20) /* bytes that wait for an output that fails */

struct sink {
	int fd;
	char *path;          /* NULL: stdout */
	struct text backlog; /* what a failed write left: the rest of a line, then whole lines */
};

/* Others may not be able to put another file in the place of ours. */
static int check_directory(const char *path, const struct stat *file)
{
	char *copy = strdup(path);
	struct stat dir;
	int err = -ENOMEM;

	if (!copy)
		return err;
	err = stat(dirname(copy), &dir) ? -errno : 0;
	free(copy);
	if (err || !(dir.st_mode & (S_IWGRP | S_IWOTH)))
		return err;
	if (!(dir.st_mode & S_IWOTH) && dir.st_gid == 0)
		return 0;
	if (dir.st_mode & S_ISVTX && (file->st_uid == 0 || file->st_uid == geteuid()))
		return 0;
	return -EPERM;
}

/* The descriptor or -errno. */
static int open_file(const char *path)
{
	/* O_NONBLOCK: a FIFO without a reader must not hang; it means nothing for files. */
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK,
		      0640);
	struct stat st;
	int err = 0;

	if (fd < 0) /* a FIFO or socket, a directory */
		return errno == ENXIO || errno == EISDIR ? -EINVAL : -errno;
	if (fstat(fd, &st))
		err = -errno;
	else if (!S_ISREG(st.st_mode))
		err = -EINVAL;
	else if (st.st_nlink != 1)
		err = -EMLINK;
	else
		err = check_directory(path, &st);
	if (!err)
		return fd;
	close(fd);
	return err;
}

int sink_open(struct sink **out, const char *path)
{
	struct sink *sink = calloc(1, sizeof(*sink));
	int err = -ENOMEM;

	if (!sink)
		return err;
	sink->fd = STDOUT_FILENO;
	if (path) {
		sink->fd = -1;
		sink->path = strdup(path);
		if (!sink->path)
			goto out;
		err = open_file(path);
		if (err < 0)
			goto out;
		sink->fd = err;
	}
	err = 0;
	*out = sink;
out:
	if (err)
		sink_free(sink);
	return err;
}

void sink_free(struct sink *sink)
{
	if (!sink)
		return;
	if (sink->path && sink->fd >= 0)
		close(sink->fd);
	free(sink->path);
	text_free(&sink->backlog);
	free(sink);
}

int sink_reopen(struct sink *sink)
{
	int fd;

	if (!sink->path)
		return 0;
	fd = open_file(sink->path);
	if (fd < 0)
		return fd;
	close(sink->fd);
	sink->fd = fd;
	return 0;
}

/* *done: the bytes that were written, also on failure. */
static int write_all(int fd, const char *data, size_t len, size_t *done)
{
	*done = 0;
	while (*done < len) {
		ssize_t got = write(fd, data + *done, len - *done);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		*done += (size_t)got;
	}
	return 0;
}

/* data may be NULL if len is 0. */
static uint64_t count_lines(const char *data, size_t len)
{
	uint64_t lines = 0;

	while (len) {
		const char *newline = memchr(data, '\n', len);

		if (!newline)
			break;
		len -= (size_t)(newline + 1 - data);
		data = newline + 1;
		lines++;
	}
	return lines;
}

static int write_backlog(struct sink *sink)
{
	struct text *backlog = &sink->backlog;
	size_t done;
	int err = write_all(sink->fd, backlog->data, backlog->len, &done);

	if (done)
		memmove(backlog->data, backlog->data + done, backlog->len - done);
	backlog->len -= done;
	return err;
}

/* Keep data for later; torn: it begins within a line, which must be finished. */
static void keep(struct sink *sink, const char *data, size_t len, bool torn, uint64_t *lost)
{
	size_t fits = len;

	if (sink->backlog.len + len > BACKLOG_MAX) {
		const char *newline = torn ? memchr(data, '\n', len) : NULL;

		fits = newline ? (size_t)(newline + 1 - data) : 0;
	}
	text_bytes(&sink->backlog, data, fits);
	*lost += count_lines(data + fits, len - fits);
}

int sink_write(struct sink *sink, struct text *text, uint64_t *lost)
{
	size_t done = 0;
	int err = 0;

	if (sink->backlog.len)
		err = write_backlog(sink);
	if (!err)
		err = write_all(sink->fd, text->data, text->len, &done);
	if (err && done < text->len)
		keep(sink, text->data + done, text->len - done,
		     done > 0 && text->data[done - 1] != '\n', lost);
	text_clear(text);
	return err;
}

uint64_t sink_waiting(const struct sink *sink)
{
	return count_lines(sink->backlog.data, sink->backlog.len);
}
