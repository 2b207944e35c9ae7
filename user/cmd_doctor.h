/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef CMD_DOCTOR_H
#define CMD_DOCTOR_H

#include "options.h"

struct services;

/* Say what can be traced here, and by which hooks.  The exit status: 0, 3 or 4. */
int cmd_doctor(const struct options *options, const struct services *services);

#endif
