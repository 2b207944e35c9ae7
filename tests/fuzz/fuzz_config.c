// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * config.c: any file of options.  "config" must not be among them: a file could then
 * name another one, of any size.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "options.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
	if (!good)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	struct options options;
	struct why why;
	int err;

	check(text);
	memcpy(text, data, size);
	text[size] = 0;
	memset(&options, 0, sizeof(options));
	filter_init(&options.filter);
	memset(&why, '#', sizeof(why));
	err = config_parse(text, &options, NULL, &why);
	check(!err || err == -EINVAL);
	/* A mistake has a line and a reason. */
	if (err) {
		check(strnlen(why.text, sizeof(why.text)) < sizeof(why.text));
		check(!memcmp(why.text, "line ", 5));
	}
	check(!options.help && !options.version);
	options_free(&options);
	free(text);
	return 0;
}
