/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef CMD_RUN_H
#define CMD_RUN_H

#include "options.h"

struct services;

/* Run a command and trace only it and its children.  Its exit status, or our own. */
int cmd_run(const struct options *options, const struct services *services);

#endif
