// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * cgroup.c: any path of a control group, and any text of /proc/PID/cgroup.  What comes
 * out are names: strings that end, without a byte that a name can't have.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cgroup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
	if (!good)
		abort();
}

static void check_name(const char name[CGROUP_NAME_LEN])
{
	check(memchr(name, 0, CGROUP_NAME_LEN));
	for (; *name; name++)
		check((unsigned char)*name > ' ' && (unsigned char)*name < 0x7f && *name != '/');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), path[256];
	struct cgroup_place place;

	check(text);
	memcpy(text, data, size);
	text[size] = 0;
	memset(&place, '#', sizeof(place));
	if (!cgroup_parse(&place, text)) {
		check_name(place.id);
		check_name(place.service);
		check((place.depth > 0) == (place.id[0] != 0));
	}
	memset(path, '#', sizeof(path));
	if (!cgroup_choose(path, sizeof(path), text))
		check(memchr(path, 0, sizeof(path)));
	free(text);
	return 0;
}
