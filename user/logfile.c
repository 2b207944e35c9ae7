// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * See logfile.h.  Several processes may append to one file: each write(2) arrives in one
 * piece.  Only the one that holds the file's lock renames it or takes bytes back; the
 * others follow when they see that the path leads elsewhere.
 */
#include "logfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "safefile.h"

/* Of a name with a number; the kernel refuses what is too long. */
#define NAME_SIZE (NAME_MAX + 16)

struct logfile {
	char *path;
	struct safefile_place place; /* name points into path */
	int fd;
	bool torn;  /* it ends within a line that is not ours */
	bool alone; /* the lock is ours */
	bool full;  /* of rotate_size, but rotating failed */
	uint64_t size, rotate_size;
	unsigned int rotate_keep;
	int rotate_error;
};

/* Does the file end within a line? */
static bool is_torn(int fd, off_t size)
{
	char last;

	return size && pread(fd, &last, 1, size - 1) == 1 && last != '\n';
}

int logfile_reopen(struct logfile *file)
{
	struct safefile_place place;
	struct stat st;
	int fd, err = safefile_place(&place, file->path);

	if (err)
		return err;
	fd = safefile_open(&place);
	if (fd >= 0 && fstat(fd, &st)) {
		err = -errno;
		close(fd);
		fd = err;
	}
	if (fd < 0) {
		close(place.dir);
		return fd;
	}
	if (file->fd >= 0) {
		close(file->fd);
		close(file->place.dir);
	}
	file->fd = fd;
	file->place = place;
	file->alone = !flock(fd, LOCK_EX | LOCK_NB);
	/* Beside another process it may only look so: its write is under way. */
	file->torn = file->alone && is_torn(fd, st.st_size);
	file->size = (uint64_t)st.st_size;
	file->full = false;
	return 0;
}

int logfile_open(struct logfile **out, const char *path)
{
	struct logfile *file = calloc(1, sizeof(*file));
	int err = -ENOMEM;

	if (!file)
		return err;
	file->fd = -1;
	file->path = strdup(path);
	if (file->path)
		err = logfile_reopen(file);
	if (err)
		logfile_free(file);
	else
		*out = file;
	return err;
}

void logfile_free(struct logfile *file)
{
	if (!file)
		return;
	if (file->fd >= 0) {
		close(file->fd);
		close(file->place.dir);
	}
	free(file->path);
	free(file);
}

void logfile_set_rotation(struct logfile *file, uint64_t size, unsigned int keep)
{
	file->rotate_size = size;
	file->rotate_keep = keep;
}

int logfile_check(struct logfile *file)
{
	struct stat st;

	file->full = false;
	if (fstat(file->fd, &st))
		return -errno;
	file->size = (uint64_t)st.st_size;
	if (st.st_nlink)
		return 0;
	return logfile_reopen(file) ?: 1;
}

size_t logfile_room(const struct logfile *file)
{
	if (!file->rotate_size || file->full)
		return SIZE_MAX;
	return file->size < file->rotate_size ? file->rotate_size - file->size : 0;
}

/* Is it still the file that the path names? */
static bool is_named(const struct logfile *file)
{
	struct stat named, ours;

	return !fstatat(file->place.dir, file->place.name, &named, AT_SYMLINK_NOFOLLOW) &&
	       !fstat(file->fd, &ours) && named.st_dev == ours.st_dev &&
	       named.st_ino == ours.st_ino;
}

/* PATH.number, or PATH itself. */
static void name_of(const struct logfile *file, unsigned int number, char *name, size_t size)
{
	(void)snprintf(name, size, number ? "%s.%u" : "%s", file->place.name, number);
}

/* Move each file one further, from the first number that is free or the last that is kept. */
static int shift(const struct logfile *file)
{
	char from[NAME_SIZE], to[NAME_SIZE];
	unsigned int last = 1;
	int err = 0;

	if (!file->rotate_keep)
		return unlinkat(file->place.dir, file->place.name, 0) ? -errno : 0;
	for (; last < file->rotate_keep; last++) {
		name_of(file, last, to, sizeof(to));
		if (faccessat(file->place.dir, to, F_OK, AT_SYMLINK_NOFOLLOW))
			break;
	}
	for (; last > 0 && !err; last--) {
		name_of(file, last - 1, from, sizeof(from));
		name_of(file, last, to, sizeof(to));
		if (renameat(file->place.dir, from, file->place.dir, to))
			err = -errno;
	}
	return err;
}

int logfile_rotate(struct logfile *file)
{
	int err = 0;

	if (!file->size)
		return 0;
	if (!file->alone) /* the other one may have ended */
		file->alone = !flock(file->fd, LOCK_EX | LOCK_NB);
	if (is_named(file))
		err = file->alone ? shift(file) : -EBUSY;
	if (!err)
		err = logfile_reopen(file);
	file->full = err;
	/* Whoever holds the lock will do it. */
	file->rotate_error = err == -EBUSY ? 0 : err;
	return err;
}

int logfile_rotation_error(const struct logfile *file)
{
	return file->rotate_error;
}

ssize_t logfile_write(struct logfile *file, const char *data, size_t len)
{
	ssize_t got;

	if (file->torn) {
		if (write(file->fd, "\n", 1) != 1)
			return -errno;
		file->torn = false;
		file->size++;
	}
	do
		got = write(file->fd, data, len);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	file->size += (uint64_t)got;
	return got;
}

void logfile_take_back(struct logfile *file, size_t len)
{
	off_t end = lseek(file->fd, 0, SEEK_CUR);
	struct stat st;

	if (end >= 0 && !fstat(file->fd, &st) && file->alone && st.st_size == end &&
	    (off_t)len <= end && !ftruncate(file->fd, end - (off_t)len))
		return;
	file->torn = true;
}
