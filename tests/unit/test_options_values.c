// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * options.c and values.c: each option with a value that says how is traced: where to,
 * until when, with how much memory.
 */
#include "options_fixture.h"

#define COLOR_VALUE "one of auto, always, never"
#define HOOKS_VALUE "one of auto, functions, calls"
#define DURATION_VALUE "a duration is a number of seconds above 0, at most 1000000000, as 10 or 0.5"
#define INTERVAL_VALUE "an interval is a number of milliseconds from 1 to 60000"
#define SECOND 1000000000ULL

static void test_output(void **state)
{
	struct parsed p;

	(void)state;
	PASSES(&p, "-o", "first", "--output=/tmp/second");
	assert_string_equal(p.options.output, "/tmp/second");
	options_free(&p.options);
	assert_null(p.options.output);

	PASSES(&p, "-o", "first", "-o-");
	assert_null(p.options.output);
	options_free(&p.options);

	PASSES(&p, "-o", "--json");
	assert_string_equal(p.options.output, "--json");
	assert_false(p.options.json);
	options_free(&p.options);

	FAILS("-o '': " FILE_VALUE, "-o", "");
	FAILS("--output '': " FILE_VALUE, "--output=");
}

static void test_color(void **state)
{
	struct parsed p;

	(void)state;
	PASSES(&p, "--color", "always");
	assert_int_equal(p.options.color, COLOR_ALWAYS);
	options_free(&p.options);
	PASSES(&p, "--color=always", "--color=never");
	assert_int_equal(p.options.color, COLOR_NEVER);
	options_free(&p.options);
	PASSES(&p, "--color=never", "--color=auto");
	assert_int_equal(p.options.color, COLOR_AUTO);
	options_free(&p.options);
	EACH_FAILS("--color", COLOR_VALUE, "red", "Auto", "always ", "nev");
	FAILS("--color '': " COLOR_VALUE, "--color=");
	FAILS("--color: a value is missing; " COLOR_VALUE, "--color");
}

static void test_hooks(void **state)
{
	struct parsed p;

	(void)state;
	PASSES(&p, "-q");
	assert_int_equal(p.options.hooks, HOOKS_AUTO);
	options_free(&p.options);
	PASSES(&p, "--hooks", "functions");
	assert_int_equal(p.options.hooks, HOOKS_FUNCTIONS);
	options_free(&p.options);
	PASSES(&p, "--hooks=functions", "--hooks=calls");
	assert_int_equal(p.options.hooks, HOOKS_CALLS);
	options_free(&p.options);
	EACH_FAILS("--hooks", HOOKS_VALUE, "fexit", "Auto", "call");
	FAILS("--hooks: a value is missing; " HOOKS_VALUE, "--hooks");
}

static void test_no_color(void **state)
{
	struct parsed p;

	(void)state;
	setenv("NO_COLOR", "1", 1);
	PARSE(&p);
	assert_int_equal(p.options.color, COLOR_NEVER);
	options_free(&p.options);
	PARSE(&p, "--color=always");
	assert_int_equal(p.options.color, COLOR_ALWAYS);
	options_free(&p.options);
	setenv("NO_COLOR", "", 1); /* no-color.org: only when not empty */
	PARSE(&p);
	assert_int_equal(p.options.color, COLOR_AUTO);
	options_free(&p.options);
	unsetenv("NO_COLOR");
}

static void test_count(void **state)
{
	struct parsed p;

	(void)state;
	PASSES(&p, "--count", "1", "--count=18446744073709551615");
	assert_true(p.options.count == UINT64_MAX);
	options_free(&p.options);
	EACH_FAILS("--count", COUNT_VALUE, "0", "-1", "+1", "x", "1x", "1.5", "1K",
		   "18446744073709551616");
}

static void test_duration(void **state)
{
	static const struct {
		const char *text;
		uint64_t ns;
	} good[] = {
		{ "1", SECOND },
		{ "0.5", SECOND / 2 },
		{ "10.25", 10 * SECOND + SECOND / 4 },
		{ "0.000000001", 1 },
		{ "1000000000", 1000000000 * SECOND },
		{ "1000000000.000000000", 1000000000 * SECOND },
		{ "007", 7 * SECOND },
	};
	struct parsed p;

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		PASSES(&p, "--duration", good[i].text);
		assert_true(p.options.duration == good[i].ns);
		options_free(&p.options);
	}
	EACH_FAILS("--duration", DURATION_VALUE, "0", "0.0", "0.000000000", "-1", "+1", "x", "1s",
		   "1.", ".5", ".", "1..5", "1.5.5", "0.0000000001", "1.0000000000", "1e3", "1,5",
		   "inf", "nan", "1000000000.000000001", "1000000001", "18446744073709551617", " 1",
		   "1 ", "0.-5");
}

static void test_ring_size(void **state)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} good[] = {
		{ "8M", 8 << 20 },   { "8m", 8 << 20 },    { "8388608", 8388608 },
		{ "64K", 64 << 10 }, { "64k", 64 << 10 },  { "1G", 1 << 30 },
		{ "1g", 1 << 30 },   { "1024M", 1 << 30 }, { "1048576K", 1 << 30 },
	};
	struct parsed p;

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		PASSES(&p, "--ring-size", good[i].text);
		assert_true(p.options.ring_size == good[i].bytes);
		options_free(&p.options);
	}
	EACH_FAILS("--ring-size", SIZE_VALUE, "0", "0K", "2K", "4095", "3M", "8388607", "2G",
		   "2048M", "8MB", "8MiB", "8T", "M", "8 ", "8 M", "-8M", "+8M", "0x1000", "1.5M",
		   "17179869185G", "18446744073709551616", "4503599627370497K", "x", "8,", "8@",
		   "8+");
	FAILS("--ring-size '': " SIZE_VALUE, "--ring-size", "");
	if (sysconf(_SC_PAGESIZE) > 4096) {
		PARSE(&p, "--ring-size", "4K");
		assert_int_equal(p.err, -EINVAL);
		assert_non_null(strstr(p.message, "a size is at least one page"));
	} else {
		PASSES(&p, "--ring-size", "4K");
		assert_true(p.options.ring_size == 4096);
	}
	options_free(&p.options);
}

static void test_rotation(void **state)
{
	struct parsed p;

	(void)state;
	PASSES(&p, "-o", "log", "--rotate-size", "64K");
	assert_true(p.options.rotate_size == 64 << 10);
	assert_int_equal(p.options.rotate_keep, 5);
	options_free(&p.options);
	PASSES(&p, "--rotate-size=1048576G", "--rotate-keep=0", "-o", "log");
	assert_true(p.options.rotate_size == 1ULL << 50);
	assert_int_equal(p.options.rotate_keep, 0);
	options_free(&p.options);
	EACH_FAILS("--rotate-size", "a size is a number of bytes from 64K to 1048576G, as 100M",
		   "0", "65535", "63K", "1048577G", "100MB", "-1M");
	EACH_FAILS("--rotate-keep", "a number of files from 0 to 9999", "10000", "-1", "x", "1.5");
	FAILS("--rotate-size: only a file is rotated; --output names it", "--rotate-size", "1M");
	FAILS("--rotate-size: only a file is rotated; --output names it", "--rotate-size", "1M",
	      "-o", "-");
}

static void test_flush_interval(void **state)
{
	struct parsed p;

	(void)state;
	PASSES(&p, "--flush-interval", "1");
	assert_true(p.options.flush_interval == 1000000);
	options_free(&p.options);
	PASSES(&p, "--flush-interval=60000");
	assert_true(p.options.flush_interval == 60 * SECOND);
	options_free(&p.options);
	EACH_FAILS("--flush-interval", INTERVAL_VALUE, "0", "60001", "-1", "1s", "0.5",
		   "4294967297");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_output),         cmocka_unit_test(test_color),
		cmocka_unit_test(test_hooks),          cmocka_unit_test(test_no_color),
		cmocka_unit_test(test_count),          cmocka_unit_test(test_duration),
		cmocka_unit_test(test_ring_size),      cmocka_unit_test(test_rotation),
		cmocka_unit_test(test_flush_interval),
	};

	return cmocka_run_group_tests(tests, load_services, free_services);
}
