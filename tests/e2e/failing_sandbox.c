/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * LD_PRELOAD: as soon as the file $MISBEHAVE exists, each write(2) also tries to make a
 * folder $MISBEHAVE.made.  The tracer has no use for that call.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

ssize_t write(int fd, const void *data, size_t len)
{
	const char *misbehave = getenv("MISBEHAVE");
	char path[4096];

	if (misbehave && !access(misbehave, F_OK)) {
		(void)snprintf(path, sizeof(path), "%s.made", misbehave);
		(void)mkdir(path, 0700);
	}
	return syscall(SYS_write, fd, data, len);
}
