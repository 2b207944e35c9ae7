/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * LD_PRELOAD: somebody sets the clock.  The file $STEP holds the seconds by which the
 * time of day is wrong; without it, it is right.  The real clock is everybody's.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *time)
{
	int err = (int)syscall(SYS_clock_gettime, clock, time), fd;
	const char *path = getenv("STEP");
	char text[32] = "";

	if (err || clock != CLOCK_REALTIME || !path)
		return err;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		if (read(fd, text, sizeof(text) - 1) > 0)
			time->tv_sec += strtol(text, NULL, 10);
		close(fd);
	}
	return 0;
}
