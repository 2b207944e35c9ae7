/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * LD_PRELOAD: a disk that breaks.  While the file $BROKEN exists, write(2) to anything
 * but standard output and error fails with EIO.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

ssize_t write(int fd, const void *data, size_t len)
{
	const char *broken = getenv("BROKEN");

	if (fd > STDERR_FILENO && broken && !access(broken, F_OK)) {
		errno = EIO;
		return -1;
	}
	return syscall(SYS_write, fd, data, len);
}
