/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The command without a name: trace, live. */
#ifndef CMD_TRACE_H
#define CMD_TRACE_H

#include "options.h"

struct child;
struct services;

/* Trace until a signal, --count or --duration.  The exit status. */
int cmd_trace(const struct options *options, const struct services *services);

/* The same for a child at its gate and its descendants, until it ends: its exit status. */
int cmd_trace_child(const struct options *options, const struct services *services,
		    struct child *child);

#endif
