/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Opens files for root to write where others may have laid traps: a link to another
 * file, a FIFO, a directory in which they can exchange what they like.  Refused files
 * stay as they are, and none is made in a refused directory.
 */
#ifndef SAFEFILE_H
#define SAFEFILE_H

#include <stdbool.h>

/* A file's directory, opened once, so that all that follows happens in the same one. */
struct safefile_place {
	int dir;
	const char *name; /* within it, in the path that was given */
	bool sticky;      /* others may write there, but not touch what is not theirs */
};

/*
 * The directory must belong to root, to us or to the user who called sudo, and nobody
 * else may write there unless it is sticky.  0, or -EPERM: it is open to others;
 * -EINVAL: no file can have that path; other -errno.  Close place->dir at the end.
 */
int safefile_place(struct safefile_place *place, const char *path);

/*
 * Open for reading and appending; a new file gets mode 0640.  The descriptor, or -ELOOP:
 * a symbolic link; -EMLINK: more than one link; -EINVAL: no regular file; -EPERM: another
 * user's in a sticky directory; other -errno.
 */
int safefile_open(const struct safefile_place *place);

/* Whether a file that is there may be replaced: 0, also if there is none, or as above. */
int safefile_check(const struct safefile_place *place);

/* Whether root needs more than his own rights to open it again: it, or its directory, is another user's. */
bool safefile_is_foreign(const char *path);

#endif
