/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A command line to parse, for the tests of the options: what it must give, or what it
 * must say.
 */
#ifndef OPTIONS_FIXTURE_H
#define OPTIONS_FIXTURE_H

#include "services_fixture.h"

#include <errno.h>
#include <stdio.h>

#include "option_table.h"
#include "values.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define MAX_ARGS 16
#define NET_VALUE "a network is an IPv4 or IPv6 address, as 10.0.0.0/8, fe80::/10 or ::1"
#define SIZE_VALUE "a size is a power of two from 4K to 1G, as 8M"
#define PID_VALUE "a pid is a number from 1 to 4194304"
#define COMM_CUT \
	"the kernel keeps 15 bytes of a process name; end a longer one with '*' after those"
#define FILE_VALUE "the name of a file is needed"
#define COUNT_VALUE "a count is a number from 1 to 18446744073709551615"

static const char services_text[] = "http 80/tcp www\n"
				    "http-alt 8080/tcp\n"
				    "domain 53/tcp\n"
				    "domain 53/udp\n"
				    "both 1001/tcp\n"
				    "both 1002/udp\n"
				    "9pfs 564/tcp\n"
				    "a-b-c 700/udp\n";

struct parsed {
	struct options options;
	char message[512];
	int err;
};

static struct services *services;

static inline int load_services(void **state)
{
	(void)state;
	services = services_from(services_text);
	unsetenv("NO_COLOR");
	return 0;
}

static inline int free_services(void **state)
{
	(void)state;
	services_free(services);
	return 0;
}

/* args ends with NULL and does not begin with the program's name. */
static inline void parse_args(struct parsed *p, const char *const *args)
{
	char *argv[MAX_ARGS + 2] = { (char *)"porttrace" };
	int argc = 1;

	for (; *args; args++) {
		assert_true(argc <= MAX_ARGS);
		argv[argc] = strdup(*args);
		assert_non_null(argv[argc]);
		argc++;
	}
	memset(p, 0xa5, sizeof(*p)); /* nothing may depend on what was there */
	p->err = options_parse(&p->options, argc, argv, services, p->message, sizeof(p->message));
	/* struct options must not point into argv. */
	while (--argc)
		free(argv[argc]);
}

#define PARSE(p, ...) parse_args(p, (const char *const[]){ __VA_ARGS__ __VA_OPT__(, ) NULL })

#define PASSES(p, ...)                                 \
	do {                                           \
		PARSE(p, __VA_ARGS__);                 \
		assert_string_equal((p)->message, ""); \
		assert_int_equal((p)->err, 0);         \
	} while (0)

#define FAILS(expected, ...)                                   \
	do {                                                   \
		struct parsed failed;                          \
		PARSE(&failed, __VA_ARGS__);                   \
		assert_int_equal(failed.err, -EINVAL);         \
		assert_string_equal(failed.message, expected); \
		options_free(&failed.options);                 \
	} while (0)

/* Each value ends in the same message, but for itself. */
static inline void each_fails(const char *option, const char *allowed, const char *const *values)
{
	char message[256];

	for (; *values; values++) {
		(void)snprintf(message, sizeof(message), "%s %s: %s", option, *values, allowed);
		FAILS(message, option, *values);
	}
}

#define EACH_FAILS(option, allowed, ...) \
	each_fails(option, allowed, (const char *const[]){ __VA_ARGS__, NULL })

#endif
