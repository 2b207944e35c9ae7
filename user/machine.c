// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * See machine.h.
 */
#include "machine.h"

#include <fcntl.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

void machine_read(struct machine *machine)
{
	struct utsname name;
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t got = 0;

	memset(machine, 0, sizeof(*machine));
	if (!uname(&name)) {
		strncpy(machine->host, name.nodename, sizeof(machine->host) - 1);
		strncpy(machine->kernel, name.release, sizeof(machine->kernel) - 1);
	}
	if (fd >= 0) {
		got = read(fd, machine->boot_id, sizeof(machine->boot_id) - 1);
		close(fd);
	}
	machine->boot_id[got > 0 ? got : 0] = 0;
	machine->boot_id[strcspn(machine->boot_id, "\n")] = 0;
}
