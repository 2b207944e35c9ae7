/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* `porttrace list`: every socket of the machine with its processes, now. */
#ifndef CMD_LIST_H
#define CMD_LIST_H

#include "options.h"

struct services;

/* The exit status. */
int cmd_list(const struct options *options, const struct services *services);

#endif
