// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * procfs.c: any text of /proc/PID/stat, as it is and behind a good beginning.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "procfs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
	if (!good)
		abort();
}

static void parse(const char *prefix, const uint8_t *data, size_t size, const char *suffix)
{
	size_t before = strlen(prefix), after = strlen(suffix);
	char name[PT_COMM_LEN], *text = malloc(before + size + after + 1);
	uint64_t start = 88;
	uint32_t parent = 77;

	check(text);
	memcpy(text, prefix, before);
	if (size)
		memcpy(text + before, data, size);
	memcpy(text + before + size, suffix, after + 1);
	memset(name, '#', sizeof(name));
	if (procfs_parse_stat(text, name, &parent, &start)) {
		check(name[0] == '#' && parent == 77 && start == 88);
	} else {
		check(memchr(name, 0, sizeof(name)));
		/* However the name looks, it can't reach what is behind it. */
		if (*suffix)
			check(parent == 4 && start == 22);
	}
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	parse("", data, size, "");
	parse("3 (name) S 4", data, size, "");
	parse("3 (", data, size ? strnlen((const char *)data, size) : 0,
	      ") S 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24\n");
	return 0;
}
