// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * See safefile.h.  The directory is judged before anything is opened or made in it.
 */
#include "safefile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Whoever called sudo may well choose his own home: he can be root anyway. */
static bool is_sudo_user(uid_t uid)
{
	const char *text = geteuid() == 0 ? getenv("SUDO_UID") : NULL;
	char *end;
	unsigned long number;

	if (!text || *text < '0' || *text > '9')
		return false;
	errno = 0;
	number = strtoul(text, &end, 10);
	return !errno && !*end && number == uid;
}

static bool is_ours(uid_t uid)
{
	return uid == 0 || uid == geteuid();
}

static int check_directory(struct safefile_place *place)
{
	struct stat st;

	if (fstat(place->dir, &st))
		return -errno;
	if (!is_ours(st.st_uid) && !is_sudo_user(st.st_uid))
		return -EPERM;
	place->sticky = st.st_mode & S_ISVTX;
	if (place->sticky || !(st.st_mode & (S_IWGRP | S_IWOTH)))
		return 0;
	return !(st.st_mode & S_IWOTH) && st.st_gid == 0 ? 0 : -EPERM;
}

int safefile_place(struct safefile_place *place, const char *path)
{
	const char *slash = strrchr(path, '/');
	struct safefile_place found = { .name = slash ? slash + 1 : path };
	char *dir = slash == path ? strdup("/")
		    : slash       ? strndup(path, (size_t)(slash - path))
				  : strdup(".");
	int err = -ENOMEM;

	if (!dir)
		return err;
	found.dir = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	err = found.dir < 0 ? -errno : 0;
	free(dir);
	if (err)
		return err;
	if (!*found.name)
		err = *path ? -EINVAL : -ENOENT;
	else if (!strcmp(found.name, ".") || !strcmp(found.name, ".."))
		err = -EINVAL;
	else
		err = check_directory(&found);
	if (err)
		close(found.dir);
	else
		*place = found;
	return err;
}

static int check_file(const struct safefile_place *place, const struct stat *st)
{
	if (S_ISLNK(st->st_mode))
		return -ELOOP;
	if (!S_ISREG(st->st_mode))
		return -EINVAL;
	if (st->st_nlink > 1)
		return -EMLINK;
	return place->sticky && !is_ours(st->st_uid) ? -EPERM : 0;
}

int safefile_check(const struct safefile_place *place)
{
	struct stat st;

	if (fstatat(place->dir, place->name, &st, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT ? 0 : -errno;
	return check_file(place, &st);
}

int safefile_open(const struct safefile_place *place)
{
	/* Opening some devices does something: look first. */
	int fd, err = safefile_check(place);
	struct stat st;

	if (err)
		return err;
	/* And again: it may be another one now.  O_NONBLOCK: a FIFO must not hang. */
	fd = openat(place->dir, place->name,
		    O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
		    0640);
	if (fd < 0)
		return -errno;
	err = fstat(fd, &st) ? -errno : check_file(place, &st);
	if (!err)
		return fd;
	close(fd);
	return err;
}

bool safefile_is_foreign(const char *path)
{
	struct safefile_place place;
	struct stat st;
	bool foreign;

	if (safefile_place(&place, path))
		return false;
	foreign = fstat(place.dir, &st) || st.st_uid != geteuid() ||
		  (!fstatat(place.dir, place.name, &st, AT_SYMLINK_NOFOLLOW) &&
		   st.st_uid != geteuid());
	close(place.dir);
	return foreign;
}
