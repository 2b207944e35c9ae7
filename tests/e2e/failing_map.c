/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * LD_PRELOAD: the BPF map whose name is $FULL_MAP has room for 16 entries.  libbpf makes
 * maps by syscall(2).
 */
#include <dlfcn.h>
#include <linux/bpf.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ENTRIES 16

long syscall(long number, ...)
{
	long (*real)(long, ...) = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
	const char *full = getenv("FULL_MAP");
	long a[6];
	va_list args;

	va_start(args, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(args, long);
	va_end(args);
	if (number == SYS_bpf && a[0] == BPF_MAP_CREATE && full) {
		union bpf_attr *attr = (union bpf_attr *)a[1];

		if (!strcmp(attr->map_name, full))
			attr->max_entries = ENTRIES;
	}
	return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
