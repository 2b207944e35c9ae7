/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* `porttrace who PORT...`: who holds a port, now. */
#ifndef CMD_WHO_H
#define CMD_WHO_H

#include "options.h"

struct services;

/* The exit status: 1 when nobody holds any of the ports. */
int cmd_who(const struct options *options, const struct services *services);

#endif
