/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The names that records give to the machine that they come from. */
#ifndef MACHINE_H
#define MACHINE_H

struct machine {
	char host[256];
	char kernel[256];
	char boot_id[37]; /* "" if it can't be read */
};

void machine_read(struct machine *machine);

#endif
