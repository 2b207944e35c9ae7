// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * options.c, option_table.c and values.c: every option, every message.  Also that
 * the manual page and the completion name the same options as the table; they are
 * looked for in $SRCDIR (the current directory without it).
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "option_table.h"
#include "services.h"
#include "values.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define MAX_ARGS 16
#define SECOND 1000000000ULL
#define NET_VALUE "a network is an IPv4 or IPv6 address, as 10.0.0.0/8, fe80::/10 or ::1"
#define SIZE_VALUE "a size is a power of two from 4K to 1G, as 8M"
#define NETNS_VALUE "a network namespace is an inode number, a name in /run/netns, or 'self'"
#define PID_VALUE "a pid is a number from 1 to 4194304"
#define COMM_CUT \
	"the kernel keeps 15 bytes of a process name; end a longer one with '*' after those"
#define USER_VALUE "a user is a name or a number from 0 to 4294967294"
#define CONTAINER_VALUE "a container is an id or the beginning of one, as 3f2a9c1b04de, or a name"
#define EVENT_VALUE "an event is one of bind, listen, connect, accept, flow, close, state, open"
#define FILE_VALUE "the name of a file is needed"
#define COLOR_VALUE "one of auto, always, never"
#define HOOKS_VALUE "one of auto, functions, calls"
#define COUNT_VALUE "a count is a number from 1 to 18446744073709551615"
#define DURATION_VALUE "a duration is a number of seconds above 0, at most 1000000000, as 10 or 0.5"
#define INTERVAL_VALUE "an interval is a number of milliseconds from 1 to 60000"
#define HELP "'porttrace --help' lists them"
#define THERE_ARE "there are run, list, who, wait, doctor, help"

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

static int load_services(void **state)
{
	char path[] = "/tmp/test_options.XXXXXX";
	int fd = mkstemp(path), err = -1;

	(void)state;
	if (fd < 0)
		return -1;
	if (write(fd, services_text, sizeof(services_text) - 1) == sizeof(services_text) - 1)
		err = services_load(&services, path);
	close(fd);
	unlink(path);
	unsetenv("NO_COLOR");
	return err;
}

static int free_services(void **state)
{
	(void)state;
	services_free(services);
	return 0;
}

/* args ends with NULL and does not begin with the program's name. */
static void parse_args(struct parsed *p, const char *const *args)
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
static void each_fails(const char *option, const char *allowed, const char *const *values)
{
	char message[256];

	for (; *values; values++) {
		(void)snprintf(message, sizeof(message), "%s %s: %s", option, *values, allowed);
		FAILS(message, option, *values);
	}
}

#define EACH_FAILS(option, allowed, ...) \
	each_fails(option, allowed, (const char *const[]){ __VA_ARGS__, NULL })

static unsigned int count_ports(const struct filter_ports *ports)
{
	unsigned int count = 0;

	for (unsigned int port = 0; port < 65536; port++)
		count += filter_port_has(ports, (uint16_t)port);
	return count;
}

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

static void test_pid(void **state)
{
	struct parsed p;

	(void)state;
	PASSES(&p, "-p", "1", "--pid=4194304", "-p007");
	assert_int_equal(p.options.filter.pid_count, 3);
	assert_int_equal(p.options.filter.pids[0], 1);
	assert_int_equal(p.options.filter.pids[1], 4194304);
	assert_int_equal(p.options.filter.pids[2], 7);
	options_free(&p.options);

	EACH_FAILS("--pid", PID_VALUE, "0", "4194305", "x", "1x", "-1", "+1", " 1", "1 ", "1,2",
		   "0x10", "4294967297", "18446744073709551617", "1.0");
	FAILS("-p '': " PID_VALUE, "-p", "");
	FAILS("--pid '': " PID_VALUE, "--pid=");
	FAILS("-p x: " PID_VALUE, "-p", "1", "-p", "x");
}

static void test_comm(void **state)
{
	struct parsed p;

	(void)state;
	PASSES(&p, "--comm", "nginx*", "--comm=a,b", "--comm", "fifteen-bytes-x", "--comm",
	       "gnome-terminal-server*");
	assert_int_equal(p.options.filter.comm_count, 4);
	assert_string_equal(p.options.filter.comms[0], "nginx*");
	assert_string_equal(p.options.filter.comms[1], "a,b");
	options_free(&p.options);

	FAILS("--comm '': a pattern for process names is needed, as 'nginx*'", "--comm", "");
	FAILS("--comm gnome-terminal-server: " COMM_CUT, "--comm", "gnome-terminal-server");
	FAILS("--comm sixteen-bytes-xy: " COMM_CUT, "--comm", "sixteen-bytes-xy");
}

static void test_user(void **state)
{
	struct parsed p;

	(void)state;
	PASSES(&p, "--user", "0", "--user", "root", "--user=4294967294");
	assert_int_equal(p.options.filter.uid_count, 3);
	assert_int_equal(p.options.filter.uids[0], 0);
	assert_int_equal(p.options.filter.uids[1], 0);
	assert_int_equal(p.options.filter.uids[2], 4294967294);
	options_free(&p.options);

	EACH_FAILS("--user", USER_VALUE, "4294967295", "4294967296", "99999999999999999999");
	EACH_FAILS("--user", "no user has this name; a user is a name or a number", "no-such-user",
		   "-1", "+0", "0x0", "1.5", " 0");
	FAILS("--user '': " USER_VALUE, "--user", "");
}

static void test_container(void **state)
{
	char longest[257];
	struct parsed p;

	(void)state;
	PASSES(&p, "--container", "3", "--container=3f2a9c1b04de", "--container", "Web_1.a-b");
	assert_int_equal(p.options.filter.container_count, 3);
	assert_string_equal(p.options.filter.containers[0], "3");
	assert_string_equal(p.options.filter.containers[1], "3f2a9c1b04de");
	assert_string_equal(p.options.filter.containers[2], "Web_1.a-b");
	options_free(&p.options);

	EACH_FAILS("--container", CONTAINER_VALUE, "a,b", "a b", " a", "a ", "a*", "?", "/docker/a",
		   "a:b", "a@b", "docker://3f2a", "\xc3\xa9");
	FAILS("--container '': " CONTAINER_VALUE, "--container", "");
	FAILS("--container '': " CONTAINER_VALUE, "--container=");
	FAILS("--container: a value is missing; " CONTAINER_VALUE, "--container");

	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(value_container(longest), -EINVAL);
	assert_int_equal(value_container(longest + 1), 0);
}

static void test_netns(void **state)
{
	struct parsed p;
	struct stat st;

	(void)state;
	assert_int_equal(stat("/proc/self/ns/net", &st), 0);
	PASSES(&p, "--netns", "4026531840", "--netns=self", "--netns", "1");
	assert_int_equal(p.options.filter.netns_count, 3);
	assert_int_equal(p.options.filter.netns[0], 4026531840);
	assert_int_equal(p.options.filter.netns[1], st.st_ino);
	assert_int_equal(p.options.filter.netns[2], 1);
	options_free(&p.options);

	EACH_FAILS("--netns", NETNS_VALUE, "0", "4294967296", "99999999999999999999");
	FAILS("--netns '': " NETNS_VALUE, "--netns=");
	EACH_FAILS("--netns",
		   "/run/netns has no network namespace of this name; 'self' and inode numbers are "
		   "allowed too",
		   "no-such-netns", "../netns", ".", "..", "-1", "/proc/self/ns/net");
}

/* A link to a namespace stands for what `ip netns add` would have made. */
static void test_netns_name(void **state)
{
	char directory[] = "/tmp/test_options.XXXXXX", path[64], file[64], longest[5000];
	uint32_t inode = 7;
	struct stat st;
	FILE *plain;
	int good, bad;

	(void)state;
	assert_non_null(mkdtemp(directory));
	(void)snprintf(path, sizeof(path), "%s/blue", directory);
	(void)snprintf(file, sizeof(file), "%s/left-over", directory);
	assert_int_equal(symlink("/proc/self/ns/net", path), 0);
	plain = fopen(file, "w");
	assert_non_null(plain);
	(void)fclose(plain);
	bad = value_netns_name(directory, "left-over", &inode);
	assert_int_equal(inode, 7);
	good = value_netns_name(directory, "blue", &inode);
	unlink(path);
	unlink(file);
	rmdir(directory);

	assert_int_equal(bad, -EINVAL);
	assert_int_equal(good, 0);
	assert_int_equal(stat("/proc/self/ns/net", &st), 0);
	assert_int_equal(inode, st.st_ino);

	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(value_netns_name("/run/netns", longest, &inode), -EINVAL);
	assert_int_equal(value_netns_name("/proc/self/ns", "", &inode), -EINVAL);
	assert_int_equal(value_netns_name("/proc/self", "ns/net", &inode), -EINVAL);
}

static void test_ports(void **state)
{
	const struct filter_ports *ports;
	struct parsed p;

	(void)state;
	PASSES(&p, "-P", "1,65535", "--port=443", "-P8000-8002", "--port", "9-9");
	ports = &p.options.filter.ports;
	assert_int_equal(count_ports(ports), 7);
	assert_true(filter_port_has(ports, 1));
	assert_true(filter_port_has(ports, 443));
	assert_true(filter_port_has(ports, 8000));
	assert_true(filter_port_has(ports, 8001));
	assert_true(filter_port_has(ports, 8002));
	assert_true(filter_port_has(ports, 9));
	assert_true(filter_port_has(ports, 65535));
	assert_true(p.options.filter.local_ports.any);
	assert_true(p.options.filter.remote_ports.any);
	options_free(&p.options);

	PASSES(&p, "--port", "1-65535");
	assert_int_equal(count_ports(&p.options.filter.ports), 65535);
	assert_false(filter_port_has(&p.options.filter.ports, 0));
	options_free(&p.options);
}

static void test_ports_of_one_end(void **state)
{
	struct parsed p;

	(void)state;
	PASSES(&p, "--local-port", "80", "--remote-port=90-91");
	assert_true(p.options.filter.ports.any);
	assert_int_equal(count_ports(&p.options.filter.local_ports), 1);
	assert_true(filter_port_has(&p.options.filter.local_ports, 80));
	assert_int_equal(count_ports(&p.options.filter.remote_ports), 2);
	assert_true(filter_port_has(&p.options.filter.remote_ports, 90));
	assert_true(filter_port_has(&p.options.filter.remote_ports, 91));
	options_free(&p.options);

	FAILS("--local-port 0: " PORT_VALUE, "--local-port", "0");
	FAILS("--remote-port 0: " PORT_VALUE, "--remote-port=0");
}

static void test_ports_by_name(void **state)
{
	const struct filter_ports *ports;
	struct parsed p;

	(void)state;
	PASSES(&p, "-P", "http,http-alt,domain,9pfs", "-P", "both", "-P", "a-b-c");
	ports = &p.options.filter.ports;
	assert_int_equal(count_ports(ports), 7);
	assert_true(filter_port_has(ports, 80));
	assert_true(filter_port_has(ports, 8080));
	assert_true(filter_port_has(ports, 53));
	assert_true(filter_port_has(ports, 564));
	assert_true(filter_port_has(ports, 1001)); /* of either transport */
	assert_true(filter_port_has(ports, 1002));
	assert_true(filter_port_has(ports, 700));
	options_free(&p.options);

	FAILS("-P https: " PORT_VALUE, "-P", "http,https");
	FAILS("-P HTTP: " PORT_VALUE, "-P", "HTTP");
	FAILS("-P http-domain: " PORT_VALUE, "-P", "http-domain");
	FAILS("-P 70-http: " PORT_VALUE, "-P", "70-http");
}

static void test_wrong_ports(void **state)
{
	(void)state;
	EACH_FAILS("--port", PORT_VALUE, "0", "65536", "70000", "-1", "+80", " 80", "80 ", "80x",
		   "x", "80-", "-", "-80", "80--81", "80-81-82", "0-80", "1-65536", "65536-65537",
		   "80-+81", "80-x", "0x50", "18446744073709551696", "80-18446744073709551697",
		   "1.5", "80;81");
	FAILS("--port '': " PORT_VALUE, "--port", "");
	FAILS("--port 80,,81: " PORT_VALUE, "--port", "80,,81");
	FAILS("--port 80,: " PORT_VALUE, "--port", "80,");
	FAILS("--port ,: " PORT_VALUE, "--port", ",");
	FAILS("--port 70000: " PORT_VALUE, "--port", "80,70000,x");
	FAILS("--port 8080-80: a range goes from the lower port to the higher, as 80-8080",
	      "--port", "8080-80");
	FAILS("--port 2-1: a range goes from the lower port to the higher, as 1-2", "--port",
	      "3,2-1");
}

static void test_without_services(void **state)
{
	char program[] = "porttrace", option[] = "-P", name[] = "http", number[] = "80";
	char *by_name[] = { program, option, name, NULL };
	char *by_number[] = { program, option, number, NULL };
	struct options options;
	char message[256];

	(void)state;
	assert_int_equal(options_parse(&options, 3, by_name, NULL, message, sizeof(message)),
			 -EINVAL);
	assert_string_equal(message, "-P http: " PORT_VALUE);
	options_free(&options);
	assert_int_equal(options_parse(&options, 3, by_number, NULL, message, sizeof(message)), 0);
	options_free(&options);
}

static void test_nets(void **state)
{
	static const struct {
		const char *text;
		uint8_t ip[16];
		unsigned int prefix;
	} good[] = {
		{ "10.0.0.0/8", { [10] = 0xff, 0xff, 10 }, 104 },
		{ "127.0.0.1", { [10] = 0xff, 0xff, 127, 0, 0, 1 }, 128 },
		{ "127.0.0.1/32", { [10] = 0xff, 0xff, 127, 0, 0, 1 }, 128 },
		{ "0.0.0.0/0", { [10] = 0xff, 0xff }, 96 },
		{ "192.0.2.128/25", { [10] = 0xff, 0xff, 192, 0, 2, 128 }, 121 },
		{ "::/0", { 0 }, 0 },
		{ "::1", { [15] = 1 }, 128 },
		{ "fe80::/10", { 0xfe, 0x80 }, 10 },
		{ "2001:db8::/32", { 0x20, 0x01, 0x0d, 0xb8 }, 32 },
		{ "::ffff:10.0.0.0/104", { [10] = 0xff, 0xff, 10 }, 104 },
	};
	struct parsed p;

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		PASSES(&p, "--net", "::2", "--net", good[i].text);
		assert_int_equal(p.options.filter.net_count, 2);
		assert_memory_equal(p.options.filter.nets[1].ip, good[i].ip, 16);
		assert_int_equal(p.options.filter.nets[1].prefix, good[i].prefix);
		options_free(&p.options);
	}
}

static void test_wrong_nets(void **state)
{
	(void)state;
	EACH_FAILS("--net", NET_VALUE, "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/+8",
		   "10.0.0.0/8x", "10.0.0.0/8/8", "10.0.0.0/255.0.0.0", "10.0.0/8", "10/8",
		   "256.0.0.0", "010.0.0.0", "10.0.0.0 ", " 10.0.0.0", "/8", "/", "::/129",
		   "fe80::1%lo", ":::", "localhost", "10.0.0.0/18446744073709551624", "[::1]",
		   "1:2:3:4:5:6:7:8:9", "0000:0000:0000:0000:0000:0000:0000:0000:0000");
	FAILS("--net '': " NET_VALUE, "--net", "");
	FAILS("--net 10.0.0.1/8: host bits are set; 10.0.0.0/8 is the network", "--net",
	      "10.0.0.1/8");
	FAILS("--net 192.0.2.129/25: host bits are set; 192.0.2.128/25 is the network", "--net",
	      "192.0.2.129/25");
	FAILS("--net 1.2.3.4/0: host bits are set; 0.0.0.0/0 is the network", "--net", "1.2.3.4/0");
	FAILS("--net fe80::1/10: host bits are set; fe80::/10 is the network", "--net=fe80::1/10");
	FAILS("--net ::1/127: host bits are set; ::/127 is the network", "--net", "::1/127");
}

static void test_events(void **state)
{
	struct parsed p;

	(void)state;
	for (enum event_action action = EVENT_BIND; action <= EVENT_OPEN; action++) {
		PASSES(&p, "--snapshot", "-e", event_action_name(action), "-e", "bind");
		assert_int_equal(p.options.filter.actions, 1U << action | 1U << EVENT_BIND);
		options_free(&p.options);
	}
	PASSES(&p, "--event=bind,listen,connect,accept,flow,close,state,open");
	assert_int_equal(p.options.filter.actions, (1U << (EVENT_OPEN + 1)) - 1);
	options_free(&p.options);

	EACH_FAILS("--event", EVENT_VALUE, "lost", "start", "stop", "Bind", "bin", "binds", " bind",
		   "bind ", "0");
	FAILS("-e bind,: " EVENT_VALUE, "-e", "bind,");
	FAILS("-e lost: " EVENT_VALUE, "-e", "bind", "-e", "close,lost");
}

static void test_what_could_never_show(void **state)
{
	struct parsed p;

	(void)state;
	PASSES(&p, "-u");
	assert_true(p.options.filter.udp && !p.options.filter.tcp);
	options_free(&p.options);
	PASSES(&p, "-tu");
	assert_true(p.options.filter.tcp && p.options.filter.udp);
	options_free(&p.options);

	FAILS("--event flow --tcp: flows are of UDP", "-e", "flow", "-t");
	PASSES(&p, "-e", "flow");
	options_free(&p.options);
	PASSES(&p, "-e", "flow,close");
	options_free(&p.options);

	FAILS("--event open: these come only with --snapshot", "-e", "open");
	PASSES(&p, "-e", "open", "--snapshot");
	options_free(&p.options);
}

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

static char *printed_by(void (*print)(FILE *out))
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	print(out);
	assert_int_equal(fclose(out), 0);
	return text;
}

static void help_of_trace(FILE *out)
{
	options_help(COMMAND_TRACE, out);
}

static void test_help(void **state)
{
	char *help = printed_by(help_of_trace), *list = printed_by(options_list), *rest = help;
	static const char *const groups[] = { "\nFilter ", "\nOutput:\n", "\nStop:\n",
					      "\nTuning:\n", "\nOther:\n" };
	const char *place = help;

	(void)state;
	for (size_t i = 0; i < COUNT(groups); i++) {
		place = strstr(place, groups[i]);
		assert_non_null(place);
	}
	assert_non_null(strstr(help, "  -p, --pid PID "));
	assert_non_null(strstr(help, "\n      --comm GLOB "));
	assert_non_null(strstr(help, "\n  -4 "));
	assert_non_null(strstr(help, "\n  -n, --numeric "));
	assert_non_null(strstr(list, "-p --pid PID\n"));
	assert_non_null(strstr(list, "\n-4\n"));
	assert_non_null(strstr(list, "\n--comm GLOB\n"));
	while (rest && *rest)
		assert_true(strlen(strsep(&rest, "\n")) <= 80);
	free(list);
	free(help);
}

static char *read_source(const char *name)
{
	const char *directory = getenv("SRCDIR");
	char path[4096], *text = NULL;
	size_t size = 0;
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/%s", directory ? directory : ".", name);
	file = fopen(path, "r");
	if (!file)
		fail_msg("%s: %s (SRCDIR is the root of the source)", path, strerror(errno));
	assert_true(getdelim(&text, &size, '\0', file) > 0);
	(void)fclose(file);
	return text;
}

static bool is_option_char(char c)
{
	return isalnum((unsigned char)c) || c == '-';
}

/* As a word: --port is not in "--port-range", nor -t in "-tn". */
static bool has_word(const char *text, const char *word, size_t len)
{
	for (const char *at = strstr(text, word); at; at = strstr(at + 1, word))
		if ((at == text || !is_option_char(at[-1])) && !is_option_char(at[len]))
			return true;
	return false;
}

static void check_words(const char *name, const char *text, char *list)
{
	char *line, *word;

	while ((line = strsep(&list, "\n")) != NULL)
		while ((word = strsep(&line, " ")) != NULL)
			if (*word == '-' && !has_word(text, word, strlen(word)))
				fail_msg("%s lacks %s", name, word);
}

/* Nor may they promise what is not there. */
static void check_no_others(const char *name, const char *text, const char *list)
{
	for (const char *at = strstr(text, "--"); at; at = strstr(at + 1, "--")) {
		char word[64];
		size_t len = 2;

		if (at > text && is_option_char(at[-1]))
			continue;
		while (is_option_char(at[len]))
			len++;
		if (len == 2)
			continue;
		(void)snprintf(word, sizeof(word), "%.*s", (int)len, at);
		if (!has_word(list, word, strlen(word)))
			fail_msg("%s has %s, the program does not", name, word);
	}
}

static void check_source(const char *name)
{
	char *text = read_source(name), *list = printed_by(options_list);
	char *copy = strdup(list);

	/* Only roff writes "\-"; in the completion there is none. */
	for (char *at = text; (at = strstr(at, "\\-")) != NULL; at++)
		memmove(at, at + 1, strlen(at));
	assert_non_null(copy);
	check_words(name, text, copy);
	check_no_others(name, text, list);
	for (enum command_id id = COMMAND_TRACE + 1; id < COMMANDS; id++)
		if (!has_word(text, command_table[id].name, strlen(command_table[id].name)))
			fail_msg("%s lacks the command %s", name, command_table[id].name);
	free(copy);
	free(list);
	free(text);
}

static void test_manual_page(void **state)
{
	(void)state;
	check_source("doc/porttrace.8");
}

static void test_completion(void **state)
{
	(void)state;
	check_source("packaging/completions/porttrace.bash");
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
		cmocka_unit_test(test_pid),
		cmocka_unit_test(test_comm),
		cmocka_unit_test(test_user),
		cmocka_unit_test(test_container),
		cmocka_unit_test(test_netns),
		cmocka_unit_test(test_netns_name),
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_ports_of_one_end),
		cmocka_unit_test(test_ports_by_name),
		cmocka_unit_test(test_wrong_ports),
		cmocka_unit_test(test_without_services),
		cmocka_unit_test(test_nets),
		cmocka_unit_test(test_wrong_nets),
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_what_could_never_show),
		cmocka_unit_test(test_output),
		cmocka_unit_test(test_color),
		cmocka_unit_test(test_hooks),
		cmocka_unit_test(test_no_color),
		cmocka_unit_test(test_count),
		cmocka_unit_test(test_duration),
		cmocka_unit_test(test_ring_size),
		cmocka_unit_test(test_rotation),
		cmocka_unit_test(test_flush_interval),
		cmocka_unit_test(test_quiet_and_verbose),
		cmocka_unit_test(test_help_comes_first),
		cmocka_unit_test(test_hostile_arguments),
		cmocka_unit_test(test_long_arguments),
		cmocka_unit_test(test_small_message),
		cmocka_unit_test(test_help),
		cmocka_unit_test(test_manual_page),
		cmocka_unit_test(test_completion),
	};

	return cmocka_run_group_tests(tests, load_services, free_services);
}
