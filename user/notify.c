// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * See notify.h and "Standalone implementations" in sd_notify(3).
 */
#include "notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int open_socket(const char *path)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	size_t len = strlen(path);
	int fd;

	if ((path[0] != '/' && path[0] != '@') || len >= sizeof(name.sun_path))
		return -1;
	memcpy(name.sun_path, path, len);
	if (path[0] == '@') /* the abstract namespace */
		name.sun_path[0] = 0;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -1;
	if (connect(fd, (struct sockaddr *)&name,
		    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len))) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Half of what is asked for, so that one late sign does no harm. */
static uint64_t watchdog_interval(void)
{
	const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");

	if (!usec || (pid && strtoul(pid, NULL, 10) != (unsigned long)getpid()))
		return 0;
	return strtoull(usec, NULL, 10) * 1000 / 2;
}

void notify_open(struct notify *notify)
{
	const char *path = getenv("NOTIFY_SOCKET");

	notify->fd = path ? open_socket(path) : -1;
	notify->watchdog = notify->fd >= 0 ? watchdog_interval() : 0;
	(void)unsetenv("NOTIFY_SOCKET");
	(void)unsetenv("WATCHDOG_USEC");
	(void)unsetenv("WATCHDOG_PID");
}

void notify_close(struct notify *notify)
{
	if (notify->fd >= 0)
		close(notify->fd);
	notify->fd = -1;
}

void notify_send(const struct notify *notify, const char *state)
{
	if (notify->fd >= 0)
		(void)send(notify->fd, state, strlen(state), MSG_NOSIGNAL | MSG_DONTWAIT);
}
