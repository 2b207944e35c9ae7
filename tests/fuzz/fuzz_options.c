// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * options.c and values.c: any command line.  The arguments are what lies between NULs
 * and newlines of the input.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "options.h"
#include "services.h"

#define ARGS_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
	if (!good)
		abort();
}

static struct services *load_services(void)
{
	static const char text[] = "http 80/tcp www\nhttp-alt 8080/tcp\ndomain 53/tcp\n";
	char path[] = "/tmp/fuzz_options.XXXXXX";
	struct services *services = NULL;
	int fd = mkstemp(path);

	check(fd >= 0);
	check(write(fd, text, sizeof(text) - 1) == sizeof(text) - 1);
	close(fd);
	check(!services_load(&services, path));
	unlink(path);
	return services;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct services *services;
	char program[] = "porttrace", *argv[ARGS_MAX + 2] = { program }, *text, *rest, *arg;
	struct options options;
	char message[128];
	int argc = 1, err;

	if (!services)
		services = load_services();
	text = malloc(size + 1);
	check(text);
	for (size_t i = 0; i < size; i++)
		text[i] = data[i] ? (char)data[i] : '\n';
	text[size] = 0;
	for (rest = text; argc <= ARGS_MAX && (arg = strsep(&rest, "\n"));)
		argv[argc++] = arg;

	memset(&options, 0, sizeof(options));
	memset(message, '#', sizeof(message));
	err = options_parse(&options, argc, argv, services, message, sizeof(message));
	check(!err || err == -EINVAL);
	/* One line, not empty, whole. */
	if (err) {
		size_t len = strnlen(message, sizeof(message));

		check(len > 0 && len < sizeof(message));
		check(!memchr(message, '\n', len));
	}
	options_free(&options);
	free(text);
	return 0;
}
