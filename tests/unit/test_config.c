// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * config.c: what a file of options may say, and that a wrong line is named.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "options.h"

struct parsed {
	struct options options;
	struct why why;
	int err;
};

static struct parsed parse(const char *text)
{
	struct parsed p = { .err = 0 };

	filter_init(&p.options.filter);
	p.err = config_parse(text, &p.options, NULL, &p.why);
	return p;
}

static void fails(const char *text, const char *expected)
{
	struct parsed p = parse(text);

	assert_int_equal(p.err, -EINVAL);
	assert_string_equal(p.why.text, expected);
	options_free(&p.options);
}

static void test_good(void **state)
{
	struct parsed p = parse("# what a service wants\n"
				"\n"
				"json = yes\n"
				"output=/var/log/porttrace/log\n"
				"rotate-size = 100M ; a comment\n"
				"pid = 1\n"
				"pid = 22\n"
				"port = 80,443,8000-8080\n"
				"snapshot = no\n"
				"utc: yes\n"
				"quiet = yes\n");

	(void)state;
	assert_int_equal(p.err, 0);
	assert_string_equal(p.why.text, "");
	assert_true(p.options.json && p.options.utc && p.options.quiet);
	assert_false(p.options.snapshot);
	assert_string_equal(p.options.output, "/var/log/porttrace/log");
	assert_int_equal(p.options.rotate_size, 100 << 20);
	assert_int_equal(p.options.filter.pid_count, 2);
	assert_int_equal(p.options.filter.pids[1], 22);
	assert_false(p.options.filter.ports.any);
	options_free(&p.options);
	p = parse("");
	assert_int_equal(p.err, 0);
	options_free(&p.options);
}

static void test_wrong(void **state)
{
	char line[300];

	(void)state;
	fails("json = yes\n\nfrobnicate = 1\n", "line 3: unknown option 'frobnicate'; the names "
						"are those of the long options of "
						"tracing, without --");
	fails("json\n", "line 1: neither NAME = VALUE nor a comment, or longer than 199 "
			"characters");
	fails("json = maybe\n", "line 1: json: yes or no is allowed");
	fails("json = yes\npid = 0\npid = x\n", "line 2: pid: a pid is a number from 1 to 4194304");
	fails("port = 80,,81\n", "line 1: port: a port is a number from 1 to 65535, a range as "
				 "8000-8080, or a "
				 "service name");
	fails("[porttrace]\njson = yes\n", "line 2: there are no sections; an option stands alone");
	/* None of these from a file, nor what has no long name or is of another command. */
	for (const char *const *name =
		     (const char *const[]){ "config", "help", "version", "4", "p", "", NULL };
	     *name; name++) {
		struct parsed p;

		(void)snprintf(line, sizeof(line), "%s = yes\n", *name);
		p = parse(line);
		assert_int_equal(p.err, -EINVAL);
		assert_non_null(strstr(p.why.text, "line 1: unknown option"));
		options_free(&p.options);
	}
	/* Cut somewhere it would mean something else. */
	(void)snprintf(line, sizeof(line), "output = /%0250d\n", 0);
	fails(line, "line 2: neither NAME = VALUE nor a comment, or longer than 199 characters");
}

static void test_file(void **state)
{
	char path[] = "/tmp/test_config.XXXXXX";
	int fd = mkstemp(path);
	struct parsed p = { .err = 0 };

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "count = 3\nutc = yes", 19), 19);
	close(fd);
	filter_init(&p.options.filter);
	assert_int_equal(config_read(path, &p.options, NULL, &p.why), 0);
	assert_int_equal(p.options.count, 3);
	assert_true(p.options.utc);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(config_read(path, &p.options, NULL, &p.why), -EINVAL);
	assert_string_equal(p.why.text, "No such file or directory");
	assert_int_equal(config_read("/", &p.options, NULL, &p.why), -EINVAL);
	options_free(&p.options);
}

/* On the command line: later ones count, and the message names the file and the line. */
static void test_option(void **state)
{
	char path[] = "/tmp/test_config.XXXXXX", argument[64], program[] = "porttrace",
	     count[] = "--count=7";
	char *argv[] = { program, argument, count };
	struct options options;
	char message[512], expected[128];
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "count = 3\nutc = yes\n", 20), 20);
	(void)snprintf(argument, sizeof(argument), "--config=%s", path);
	assert_int_equal(options_parse(&options, 3, argv, NULL, message, sizeof(message)), 0);
	assert_int_equal(options.count, 7);
	assert_true(options.utc);
	options_free(&options);
	assert_int_equal(write(fd, "what\n", 5), 5);
	close(fd);
	assert_int_equal(options_parse(&options, 3, argv, NULL, message, sizeof(message)), -EINVAL);
	(void)snprintf(expected, sizeof(expected), "--config %s: line 3: ", path);
	assert_memory_equal(message, expected, strlen(expected));
	options_free(&options);
	assert_int_equal(unlink(path), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_option),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
