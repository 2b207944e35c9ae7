// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * options.c and values.c: each option that says what is traced.
 */
#include "options_fixture.h"

#include <sys/stat.h>

#define NETNS_VALUE "a network namespace is an inode number, a name in /run/netns, or 'self'"
#define USER_VALUE "a user is a name or a number from 0 to 4294967294"
#define CONTAINER_VALUE "a container is an id or the beginning of one, as 3f2a9c1b04de, or a name"
#define EVENT_VALUE "an event is one of bind, listen, connect, accept, flow, close, state, open"

static unsigned int count_ports(const struct filter_ports *ports)
{
	unsigned int count = 0;

	for (unsigned int port = 0; port < 65536; port++)
		count += filter_port_has(ports, (uint16_t)port);
	return count;
}

/* These ports, each told once, and no others. */
static void check_ports(const struct filter_ports *ports, const uint16_t *expected, size_t count)
{
	assert_int_equal(count_ports(ports), count);
	for (size_t i = 0; i < count; i++)
		assert_true(filter_port_has(ports, expected[i]));
}

#define CHECK_PORTS(ports, ...)                               \
	check_ports(ports, (const uint16_t[]){ __VA_ARGS__ }, \
		    COUNT(((const uint16_t[]){ __VA_ARGS__ })))

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
	struct parsed p;

	(void)state;
	PASSES(&p, "-P", "1,65535", "--port=443", "-P8000-8002", "--port", "9-9");
	CHECK_PORTS(&p.options.filter.ports, 1, 9, 443, 8000, 8001, 8002, 65535);
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
	CHECK_PORTS(&p.options.filter.local_ports, 80);
	CHECK_PORTS(&p.options.filter.remote_ports, 90, 91);
	options_free(&p.options);

	FAILS("--local-port 0: " PORT_VALUE, "--local-port", "0");
	FAILS("--remote-port 0: " PORT_VALUE, "--remote-port=0");
}

static void test_ports_by_name(void **state)
{
	struct parsed p;

	(void)state;
	PASSES(&p, "-P", "http,http-alt,domain,9pfs", "-P", "both", "-P", "a-b-c");
	/* Of either transport. */
	CHECK_PORTS(&p.options.filter.ports, 80, 8080, 53, 564, 1001, 1002, 700);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
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
	};

	return cmocka_run_group_tests(tests, load_services, free_services);
}
