/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Services as a file has them, for the tests of what reads, takes or prints their names.
 */
#ifndef SERVICES_FIXTURE_H
#define SERVICES_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "services.h"

static inline struct services *services_from_bytes(const char *text, size_t len)
{
	char path[] = "/tmp/porttrace_unit.XXXXXX";
	struct services *services = NULL;
	int fd = mkstemp(path), err;

	assert_true(fd >= 0);
	while (len) {
		ssize_t done = write(fd, text, len);

		assert_true(done > 0);
		text += done;
		len -= (size_t)done;
	}
	close(fd);
	err = services_load(&services, path);
	unlink(path);
	assert_int_equal(err, 0);
	assert_non_null(services);
	return services;
}

static inline struct services *services_from(const char *text)
{
	return services_from_bytes(text, strlen(text));
}

#endif
