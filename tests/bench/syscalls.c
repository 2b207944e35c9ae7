// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A bystander: COUNT system calls that have nothing to do with sockets, one after the
 * other.  Prints the nanoseconds of CPU that one takes.
 */
#include <sys/syscall.h>
#include <unistd.h>

#include "load.h"

int main(int argc, char **argv)
{
	int count = argc == 2 ? atoi(argv[1]) : 0;
	double begin = cpu_seconds();

	if (count <= 0)
		return 2;
	for (int i = 0; i < count; i++)
		syscall(SYS_getppid);
	printf("%.3f\n", (cpu_seconds() - begin) / count * 1e9);
	return 0;
}
