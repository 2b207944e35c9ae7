/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Tells the service manager what sd_notify(3) would: a datagram to $NOTIFY_SOCKET.
 * Thirty lines of our own instead of libsystemd with all that it brings along.
 */
#ifndef NOTIFY_H
#define NOTIFY_H

#include <stdint.h>

struct notify {
	int fd;            /* -1: nobody wants to know */
	uint64_t watchdog; /* ns between two signs of life; 0: none are asked for */
};

/* From the environment, which is left without it: a child must not speak for us. */
void notify_open(struct notify *notify);
void notify_close(struct notify *notify);

/* "READY=1" and the like.  Nobody is waited for, and nothing depends on it. */
void notify_send(const struct notify *notify, const char *state);

#endif
