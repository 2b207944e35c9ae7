// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * options.c, option_table.c and command.c: the command line as a whole, and every message
 * that is not about a value.  Values are in test_options_filter.c and
 * test_options_values.c.
 */
#include "options_fixture.h"

#define HELP "'porttrace --help' lists them"
#define THERE_ARE "there are run, list, who, wait, doctor, help"

static void test_nothing(void **state)
{
	struct parsed p;

	(void)state;
	PASSES(&p);
	assert_true(p.options.filter.ports.any && p.options.filter.local_ports.any &&
		    p.options.filter.remote_ports.any);
	assert_int_equal(p.options.filter.actions, 0);
	assert_int_equal(p.options.filter.pid_count + p.options.filter.comm_count +
				 p.options.filter.uid_count + p.options.filter.netns_count +
				 p.options.filter.net_count + p.options.filter.container_count,
			 0);
	assert_null(p.options.output);
	assert_int_equal(p.options.color, COLOR_AUTO);
	assert_int_equal(p.options.count, 0);
	assert_int_equal(p.options.duration, 0);
	assert_int_equal(p.options.ring_size, 0);
	assert_int_equal(p.options.flush_interval, 0);
	assert_false(p.options.json || p.options.help || p.options.version || p.options.quiet);
	options_free(&p.options);

	PASSES(&p, "--");
	options_free(&p.options);
}

/* No arguments at all, not even a name: execve(2) allows it. */
static void test_no_argv(void **state)
{
	char *argv[] = { NULL }, message[8];
	struct options options;

	(void)state;
	assert_int_equal(options_parse(&options, 0, argv, NULL, message, sizeof(message)), 0);
	options_free(&options);
}

static void test_free_twice(void **state)
{
	static struct options options;

	(void)state;
	options_free(&options);
	options_free(&options);
	options_free(NULL);
}

static void test_flags(void **state)
{
	static const struct {
		const char *argument;
		size_t offset;
	} flags[] = {
		{ "-4", offsetof(struct options, filter.ipv4) },
		{ "-6", offsetof(struct options, filter.ipv6) },
		{ "-t", offsetof(struct options, filter.tcp) },
		{ "--tcp", offsetof(struct options, filter.tcp) },
		{ "--failed", offsetof(struct options, filter.failed) },
		{ "--json", offsetof(struct options, json) },
		{ "--wide", offsetof(struct options, wide) },
		{ "-n", offsetof(struct options, numeric) },
		{ "--numeric", offsetof(struct options, numeric) },
		{ "--utc", offsetof(struct options, utc) },
		{ "--args", offsetof(struct options, args) },
		{ "--snapshot", offsetof(struct options, snapshot) },
		{ "-q", offsetof(struct options, quiet) },
		{ "--quiet", offsetof(struct options, quiet) },
		{ "-v", offsetof(struct options, verbose) },
		{ "--verbose", offsetof(struct options, verbose) },
		{ "-V", offsetof(struct options, version) },
		{ "--version", offsetof(struct options, version) },
		{ "-h", offsetof(struct options, help) },
		{ "--help", offsetof(struct options, help) },
	};
	struct parsed p;

	(void)state;
	for (size_t i = 0; i < COUNT(flags); i++) {
		size_t set = 0;

		PASSES(&p, flags[i].argument);
		/* This flag, and no other. */
		for (size_t j = 0; j < COUNT(flags); j++) {
			bool on = *(bool *)((char *)&p.options + flags[j].offset);

			assert_int_equal(on, flags[j].offset == flags[i].offset);
			set += on;
		}
		assert_true(set > 0);
		options_free(&p.options);
	}
}

static void test_ways_of_writing(void **state)
{
	static const char *const ways[][5] = {
		{ "-tnp42" },
		{ "-tnp", "42" },
		{ "-t", "-n", "-p42" },
		{ "-nt", "--pid=42" },
		{ "--numeric", "--tcp", "--pid", "42" },
		{ "-n", "-p", "42", "-t", "--" },
	};
	struct parsed p;

	(void)state;
	for (size_t i = 0; i < COUNT(ways); i++) {
		const char *args[COUNT(ways[0]) + 1] = { NULL };

		memcpy(args, ways[i], sizeof(ways[i]));
		parse_args(&p, args);
		assert_string_equal(p.message, "");
		assert_true(p.options.filter.tcp);
		assert_true(p.options.numeric);
		assert_int_equal(p.options.filter.pid_count, 1);
		assert_int_equal(p.options.filter.pids[0], 42);
		options_free(&p.options);
	}
}

static void test_unknown(void **state)
{
	(void)state;
	FAILS("unknown option '--contain'; " HELP, "--contain", "ab");
	FAILS("unknown option '--jso'; " HELP, "--jso");
	FAILS("unknown option '--jsonx'; " HELP, "--jsonx");
	FAILS("unknown option '--JSON'; " HELP, "--JSON");
	FAILS("unknown option '--=x'; " HELP, "--=x");
	FAILS("unknown option '---'; " HELP, "---");
	FAILS("unknown option '-x'; " HELP, "-x");
	FAILS("unknown option '-x' in '-tx'; " HELP, "-tx");
	FAILS("unknown option '-=' in '-t=1'; " HELP, "-t=1");
	FAILS("unknown option '--foo=1'; " HELP, "--json", "--foo=1", "--bar");
}

static void test_operands(void **state)
{
	(void)state;
	FAILS("unknown command 'foo'; " THERE_ARE, "foo");
	FAILS("unknown command 'foo'; " THERE_ARE, "--json", "foo");
	FAILS("unknown command 'foo'; " THERE_ARE, "--", "foo", "bar");
	FAILS("unknown command ''; " THERE_ARE, "");
	FAILS("unknown command '-'; " THERE_ARE, "-");
	FAILS("unknown command '--json'; " THERE_ARE, "--", "--json");
}

/* Every option of a command is in the table, and the table is not too long for a bit each. */
static void test_commands(void **state)
{
	(void)state;
	assert_true(option_count <= 64);
	for (enum command_id id = 0; id < COMMANDS; id++) {
		const struct command *command = &command_table[id];
		size_t words = 0, found = 0;

		for (const char *at = command->options; *at; at += strspn(at, " "), words++)
			at += strcspn(at, " ");
		for (size_t i = 0; i < option_count; i++) {
			const char letter[] = { option_table[i].letter, '\0' };
			const char *name = option_table[i].name ?: letter;

			found += command_has(command, name);
		}
		assert_int_equal(words, found);
		assert_true(command_has(command, "help"));
		assert_true(command->most >= command->least);
		assert_true(!command->most == !command->operands);
	}
	assert_int_equal(command_find("help"), COMMAND_HELP);
	assert_int_equal(command_find("hel"), COMMANDS);
	assert_int_equal(command_find(""), COMMANDS);
	assert_false(command_has(&command_table[COMMAND_TRACE], "por"));
	assert_false(command_has(&command_table[COMMAND_TRACE], ""));
}

static void test_help_of_a_command(void **state)
{
	struct parsed p;

	(void)state;
	PASSES(&p, "help");
	assert_true(p.options.help);
	assert_int_equal(p.options.command, COMMAND_TRACE);
	options_free(&p.options);
	PASSES(&p, "help", "help");
	assert_int_equal(p.options.command, COMMAND_HELP);
	options_free(&p.options);
	PASSES(&p, "help", "--help");
	assert_int_equal(p.options.command, COMMAND_HELP);
	options_free(&p.options);
	FAILS("help: unknown command 'foo'; " THERE_ARE, "help", "foo");
	FAILS("help: 'b' is too much; it takes [COMMAND]", "help", "a", "b");
	FAILS("help has no --json; it has --quiet --verbose --version --help", "--json", "help");
}

static void test_values_that_no_one_takes(void **state)
{
	(void)state;
	FAILS("--json=1: --json takes no value", "--json=1");
	FAILS("--json=: --json takes no value", "--json=");
	FAILS("--help=x: --help takes no value", "--help=x");
	FAILS("--quiet=x: --quiet takes no value", "--quiet=x");
}

static void test_missing_values(void **state)
{
	(void)state;
	FAILS("--pid: a value is missing; " PID_VALUE, "--pid");
	FAILS("-p: a value is missing; " PID_VALUE, "-tp");
	FAILS("-P: a value is missing; " PORT_VALUE, "-P");
	FAILS("--output: a value is missing; " FILE_VALUE, "--output");
	FAILS("--ring-size: a value is missing; " SIZE_VALUE, "--ring-size");
	FAILS("--count: a value is missing; " COUNT_VALUE, "--count");
	FAILS("--net: a value is missing; " NET_VALUE, "--net");
}

static void test_quiet_and_verbose(void **state)
{
	struct parsed p;

	(void)state;
	PASSES(&p, "-q", "-v");
	assert_true(!p.options.quiet && p.options.verbose);
	options_free(&p.options);
	PASSES(&p, "-vq");
	assert_true(p.options.quiet && !p.options.verbose);
	options_free(&p.options);
}

/* Whatever follows; what comes before is still told. */
static void test_help_comes_first(void **state)
{
	struct parsed p;

	(void)state;
	PASSES(&p, "--help", "--port", "x", "foo");
	assert_true(p.options.help);
	options_free(&p.options);
	PASSES(&p, "-u", "-V");
	assert_true(p.options.version);
	options_free(&p.options);
	FAILS("--port x: " PORT_VALUE, "--port", "x", "--help");
}

static void test_hostile_arguments(void **state)
{
	static const char *const hostile[] = { "\x1b[2J\x1b]0;owned\x07",
					       "\n\nporttrace: tracing",
					       "\r",
					       "\x7f",
					       "\x01\x02\x1f",
					       "\xff\xfe",
					       "\xc2\x9b[m",
					       "caf\xc3",
					       "\x9b[m" };
	static const char *const places[] = { "",
					      "-",
					      "-t",
					      "--",
					      "--foo=",
					      "--json=",
					      "--pid=",
					      "-p",
					      "-P",
					      "-P80,",
					      "--user=",
					      "--netns=",
					      "--net=",
					      "-e",
					      "--color=",
					      "--count=",
					      "--duration=",
					      "--ring-size=",
					      "--flush-interval=" };
	struct parsed p;

	(void)state;
	for (size_t i = 0; i < COUNT(hostile) * COUNT(places); i++) {
		char argument[128];

		(void)snprintf(argument, sizeof(argument), "%s%s", places[i % COUNT(places)],
			       hostile[i / COUNT(places)]);
		PARSE(&p, argument);
		assert_int_equal(p.err, -EINVAL);
		assert_true(strlen(p.message) > 0);
		for (const char *c = p.message; *c; c++) {
			assert_true((unsigned char)*c >= ' ' && *c != 0x7f);
			assert_false(*c == '\xc2' && (unsigned char)c[1] < 0xa0);
		}
		options_free(&p.options);
	}
	FAILS("--pid \\x1b[2J: " PID_VALUE, "--pid", "\x1b[2J");
	FAILS("--comm a-long-name-\\x07\\x07\\x07\\x07: " COMM_CUT, "--comm",
	      "a-long-name-\a\a\a\a");
	FAILS("unknown option '--\\x0ax'; " HELP, "--\nx");
	FAILS("unknown option '-\\x1b' in '-t\\x1b[m'; " HELP, "-t\x1b[m");
}

/* However long the argument, what is allowed stays in the message. */
static void test_long_arguments(void **state)
{
	size_t len = 100000;
	char *longest = malloc(len + 1), message[256];
	struct parsed p;

	(void)state;
	assert_non_null(longest);
	memset(longest, '\x1b', len);
	longest[len] = '\0';
	PARSE(&p, "--port", longest);
	assert_int_equal(p.err, -EINVAL);
	assert_non_null(strstr(p.message, "...: " PORT_VALUE));
	options_free(&p.options);
	PARSE(&p, longest);
	assert_non_null(strstr(p.message, THERE_ARE));
	options_free(&p.options);

	memset(longest, '1', len);
	(void)snprintf(message, sizeof(message), "--pid %.64s...: " PID_VALUE, longest);
	FAILS(message, "--pid", longest);
	longest[64] = '\0'; /* the longest that is shown whole */
	(void)snprintf(message, sizeof(message), "--pid %s: " PID_VALUE, longest);
	FAILS(message, "--pid", longest);
	free(longest);
}

/* A message that does not fit is cut, never written past its end. */
static void test_small_message(void **state)
{
	char program[] = "porttrace", option[] = "--port", value[] = "70000";
	char *argv[] = { program, option, value, NULL };
	struct options options;

	(void)state;
	for (size_t size = 0; size < 20; size++) {
		char *message = malloc(size + 1);

		assert_non_null(message);
		message[size] = '#';
		assert_int_equal(options_parse(&options, 3, argv, NULL, message, size), -EINVAL);
		assert_int_equal(message[size], '#');
		if (size)
			assert_true(strlen(message) < size);
		options_free(&options);
		free(message);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_no_argv),
		cmocka_unit_test(test_free_twice),
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_ways_of_writing),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_operands),
		cmocka_unit_test(test_commands),
		cmocka_unit_test(test_help_of_a_command),
		cmocka_unit_test(test_values_that_no_one_takes),
		cmocka_unit_test(test_missing_values),
		cmocka_unit_test(test_quiet_and_verbose),
		cmocka_unit_test(test_help_comes_first),
		cmocka_unit_test(test_hostile_arguments),
		cmocka_unit_test(test_long_arguments),
		cmocka_unit_test(test_small_message),
	};

	return cmocka_run_group_tests(tests, load_services, free_services);
}
