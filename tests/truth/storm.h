/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a `brief` says to its `storm`. */
#pragma once

#include <sys/types.h>

struct brief {
	pid_t pid;
	unsigned int port;
};
