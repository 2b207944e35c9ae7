/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* `porttrace wait PORT`: until somebody listens, or until it is free. */
#ifndef CMD_WAIT_H
#define CMD_WAIT_H

#include "options.h"

struct services;

/* The exit status: 1 when it did not happen in time. */
int cmd_wait(const struct options *options, const struct services *services);

#endif
