// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * filter.c: which events pass.  Each test begins with one connection of web (pid 42,
 * uid 33) from 10.1.2.3:40000 to 192.0.2.7:443 that every empty filter lets pass.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "filter.h"
#include "process.h"

/* clang-format off */
#define MAPPED(a, b, c, d) { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d }
/* clang-format on */
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct fixture {
	struct process process;
	struct event event;
	struct filter filter;
};

static void set_up(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	filter_init(&f->filter);
	f->process = (struct process){ .pid = 42, .uid = 33, .name = "web" };
	f->event = (struct event){
		.action = EVENT_CONNECT,
		.local = { MAPPED(10, 1, 2, 3), 40000 },
		.remote = { MAPPED(192, 0, 2, 7), 443 },
		.ipv4 = true,
		.kind = PT_CONNECTION,
		.netns = 4026531840,
		.process = &f->process,
	};
}

static bool passes(struct fixture *f)
{
	return filter_passes(&f->filter, &f->event);
}

static void only_port(struct filter_ports *ports, uint16_t port)
{
	memset(ports, 0, sizeof(*ports));
	ports->bits[port / 64] = 1ULL << port % 64;
}

static void test_empty(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f);
	for (enum event_action action = EVENT_BIND; action < EVENT_ACTIONS; action++) {
		f.event.action = action;
		assert_int_equal(passes(&f), action != EVENT_STATE);
	}
	f.event.action = EVENT_CLOSE;
	f.event.process = NULL;
	f.event.error = ECONNRESET;
	assert_true(passes(&f));
}

static void test_actions(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f);
	f.filter.actions = 1U << EVENT_STATE | 1U << EVENT_BIND;
	for (enum event_action action = EVENT_BIND; action < EVENT_LOST; action++) {
		f.event.action = action;
		assert_int_equal(passes(&f), action == EVENT_STATE || action == EVENT_BIND);
	}
}

/* News of the run is for everybody: a filter must not hide a loss. */
static void test_run_always_passes(void **state)
{
	static const enum event_action actions[] = { EVENT_LOST, EVENT_START, EVENT_STOP };
	uint32_t number = 7;
	struct fixture f;

	(void)state;
	set_up(&f);
	f.filter.actions = 1U << EVENT_BIND;
	f.filter.failed = true;
	f.filter.udp = true;
	f.filter.ipv6 = true;
	f.filter.pids = &number;
	f.filter.pid_count = 1;
	f.filter.netns = &number;
	f.filter.netns_count = 1;
	only_port(&f.filter.ports, 80);
	f.event.process = NULL;
	for (size_t i = 0; i < COUNT(actions); i++) {
		f.event.action = actions[i];
		assert_true(passes(&f));
	}
	f.event.action = EVENT_BIND;
	assert_false(passes(&f));
}

static void test_failed(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f);
	f.filter.failed = true;
	assert_false(passes(&f));
	f.event.error = ECONNREFUSED;
	assert_true(passes(&f));
}

static void test_family(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f);
	f.filter.ipv4 = true;
	assert_true(passes(&f));
	f.event.ipv4 = false;
	assert_false(passes(&f));
	f.filter.ipv6 = true;
	assert_true(passes(&f));
	f.filter.ipv4 = false;
	assert_true(passes(&f));
	f.event.ipv4 = true;
	assert_false(passes(&f));
}

static void test_transport(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f);
	f.filter.tcp = true;
	assert_true(passes(&f));
	f.filter.udp = true;
	assert_true(passes(&f));
	f.filter.tcp = false;
	assert_false(passes(&f));
	f.event.kind = PT_DATAGRAM;
	assert_true(passes(&f));
	f.filter.udp = false;
	assert_true(passes(&f));
	f.filter.tcp = true;
	assert_false(passes(&f));
}

static void test_pid_and_user(void **state)
{
	uint32_t others[] = { 1, 41, 43 }, own[] = { 1, 42 }, user[] = { 0, 33 };
	struct fixture f;

	(void)state;
	set_up(&f);
	f.filter.pids = others;
	f.filter.pid_count = COUNT(others);
	assert_false(passes(&f));
	f.filter.pids = own;
	f.filter.pid_count = COUNT(own);
	assert_true(passes(&f));
	f.filter.uids = others;
	f.filter.uid_count = COUNT(others);
	assert_false(passes(&f));
	f.filter.uids = user;
	f.filter.uid_count = COUNT(user);
	assert_true(passes(&f));
}

/* Who else had a hand in it does not count. */
static void test_only_the_owner_counts(void **state)
{
	struct process other = { .pid = 7, .uid = 7, .name = "other" };
	uint32_t seven = 7;
	struct fixture f;

	(void)state;
	set_up(&f);
	f.event.peer = f.event.actor = f.event.creator = &other;
	f.filter.pids = &seven;
	f.filter.pid_count = 1;
	assert_false(passes(&f));
}

static void test_unknown_process(void **state)
{
	uint32_t zero = 0;
	char star[] = "*", *globs[] = { star };
	struct fixture f;

	(void)state;
	set_up(&f);
	f.event.process = NULL;
	f.filter.pids = &zero;
	f.filter.pid_count = 1;
	assert_false(passes(&f));
	f.filter.pid_count = 0;
	f.filter.uids = &zero;
	f.filter.uid_count = 1;
	assert_false(passes(&f));
	f.filter.uid_count = 0;
	f.filter.comms = globs;
	f.filter.comm_count = 1;
	assert_false(passes(&f));

	/* Known, but for its name and user. */
	f.event.process = &f.process;
	assert_true(passes(&f));
	f.process.name[0] = '\0';
	assert_false(passes(&f));
	f.filter.comm_count = 0;
	f.filter.uid_count = 1;
	f.process.uid = UINT32_MAX;
	assert_false(passes(&f));
}

static void test_comm(void **state)
{
	static const struct {
		const char *glob, *name;
		bool passes;
	} cases[] = {
		{ "web", "web", true },     { "web", "webs", false },   { "we", "web", false },
		{ "w*", "web", true },      { "*", "web", true },       { "?eb", "web", true },
		{ "[uvw]eb", "web", true }, { "[!w]eb", "web", false }, { "WEB", "web", false },
		{ "\\*", "*", true },       { "\\*", "web", false },    { "*", "a/b", true },
		{ "*", ".hidden", true },   { "*", "\x1b\xff", true },
	};
	struct fixture f;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char glob[16], *globs[] = { glob };

		set_up(&f);
		(void)snprintf(glob, sizeof(glob), "%s", cases[i].glob);
		(void)snprintf(f.process.name, sizeof(f.process.name), "%s", cases[i].name);
		f.filter.comms = globs;
		f.filter.comm_count = 1;
		assert_int_equal(passes(&f), cases[i].passes);
	}
}

static void test_comms_are_alternatives(void **state)
{
	char first[] = "db*", second[] = "web", *globs[] = { first, second };
	uint32_t pid = 43;
	struct fixture f;

	(void)state;
	set_up(&f);
	f.filter.comms = globs;
	f.filter.comm_count = 1;
	assert_false(passes(&f));
	f.filter.comm_count = 2;
	assert_true(passes(&f));

	/* ...but of different kinds all must hold. */
	f.filter.pids = &pid;
	f.filter.pid_count = 1;
	assert_false(passes(&f));
}

static bool container_passes(struct fixture *f, const char *container, const char *id)
{
	char copy[80], own[80], *list[] = { copy };
	bool result;

	(void)snprintf(copy, sizeof(copy), "%s", container);
	(void)snprintf(own, sizeof(own), "%s", id ? id : "");
	f->process.container_id = id ? own : NULL;
	f->filter.containers = list;
	f->filter.container_count = 1;
	result = passes(f);
	f->process.container_id = NULL;
	f->filter.containers = NULL;
	f->filter.container_count = 0;
	return result;
}

static void test_container(void **state)
{
	static const char id[] = "3f2a9c1b04de5a7788990011223344556677889900aabbccddeeff0011223344";
	char first[] = "db", second[] = "3f", own[sizeof(id)], *both[] = { first, second };
	uint32_t pid = 43;
	struct fixture f;

	(void)state;
	set_up(&f);
	assert_true(container_passes(&f, id, id));
	assert_true(container_passes(&f, "3f2a9c1b04de", id));
	assert_true(container_passes(&f, "3", id));
	assert_false(container_passes(&f, "3f2b", id));
	assert_false(container_passes(&f, "f2a9", id));
	assert_false(container_passes(&f, "3F2A", id));
	assert_true(container_passes(&f, "web", "web-1"));
	assert_false(container_passes(&f, "web-1x", "web-1"));
	/* In no container, or nobody knows in which. */
	assert_false(container_passes(&f, "3", NULL));
	f.event.process = NULL;
	assert_false(container_passes(&f, "3", id));

	/* One of them is enough, but the pid must fit too. */
	set_up(&f);
	memcpy(own, id, sizeof(id));
	f.process.container_id = own;
	f.filter.containers = both;
	f.filter.container_count = 1;
	assert_false(passes(&f));
	f.filter.container_count = 2;
	assert_true(passes(&f));
	f.filter.pids = &pid;
	f.filter.pid_count = 1;
	assert_false(passes(&f));
}

static void test_netns(void **state)
{
	uint32_t inodes[] = { 1, 4026531840 };
	struct fixture f;

	(void)state;
	set_up(&f);
	f.filter.netns = inodes;
	f.filter.netns_count = 1;
	assert_false(passes(&f));
	f.filter.netns_count = 2;
	assert_true(passes(&f));
}

static void test_port_of_either_end(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f);
	only_port(&f.filter.ports, 443);
	assert_true(passes(&f));
	only_port(&f.filter.ports, 40000);
	assert_true(passes(&f));
	only_port(&f.filter.ports, 80);
	assert_false(passes(&f));
}

static void test_port_of_one_end(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f);
	only_port(&f.filter.local_ports, 40000);
	assert_true(passes(&f));
	only_port(&f.filter.local_ports, 443);
	assert_false(passes(&f));

	set_up(&f);
	only_port(&f.filter.remote_ports, 443);
	assert_true(passes(&f));
	only_port(&f.filter.remote_ports, 40000);
	assert_false(passes(&f));

	/* A listener has no other end. */
	set_up(&f);
	f.event.action = EVENT_LISTEN;
	f.event.kind = PT_LISTENER;
	memset(&f.event.remote, 0, sizeof(f.event.remote));
	only_port(&f.filter.ports, 40000);
	assert_true(passes(&f));
	only_port(&f.filter.remote_ports, 443);
	assert_false(passes(&f));
}

static void test_port_has(void **state)
{
	struct filter_ports ports = { .any = true };

	(void)state;
	assert_true(filter_port_has(&ports, 0));
	assert_true(filter_port_has(&ports, 65535));
	ports.any = false;
	for (unsigned int port = 0; port < 65536; port++)
		assert_false(filter_port_has(&ports, (uint16_t)port));
	for (unsigned int port = 1; port < 65536; port += 21) {
		only_port(&ports, (uint16_t)port);
		assert_true(filter_port_has(&ports, (uint16_t)port));
		assert_false(filter_port_has(&ports, (uint16_t)(port - 1)));
		assert_false(filter_port_has(&ports, (uint16_t)(port + 1)));
	}
}

static bool net_passes(struct fixture *f, struct filter_net net)
{
	bool result;

	f->filter.nets = &net;
	f->filter.net_count = 1;
	result = passes(f);
	f->filter.nets = NULL;
	f->filter.net_count = 0;
	return result;
}

static void test_nets_ipv4(void **state)
{
	static const struct {
		struct filter_net net;
		bool passes;
	} cases[] = {
		{ { MAPPED(10, 0, 0, 0), 96 + 8 }, true },
		{ { MAPPED(10, 1, 2, 3), 128 }, true },
		{ { MAPPED(10, 1, 2, 2), 128 }, false },
		{ { MAPPED(10, 1, 2, 2), 127 }, true },
		{ { MAPPED(10, 1, 2, 0), 127 }, false },
		{ { MAPPED(11, 0, 0, 0), 96 + 8 }, false },
		{ { MAPPED(192, 0, 2, 0), 96 + 24 }, true },
		{ { MAPPED(192, 0, 3, 0), 96 + 24 }, false },
		{ { MAPPED(0, 0, 0, 0), 96 + 1 }, true },
		{ { MAPPED(0, 0, 0, 0), 96 + 0 }, true },
		{ { MAPPED(64, 0, 0, 0), 96 + 2 }, false },
		/* IPv6's own networks hold the mapped addresses, but nobody means that. */
		{ { { 0 }, 0 }, false },
		{ { { 0 }, 64 }, false },
		{ { { 0x20, 0x01 }, 16 }, false },
	};
	struct fixture f;

	(void)state;
	set_up(&f);
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_int_equal(net_passes(&f, cases[i].net), cases[i].passes);
}

static void test_nets_ipv6(void **state)
{
	static const uint8_t local[16] = { 0xfe, 0x80, [15] = 1 };
	static const uint8_t remote[16] = { 0x20, 0x01, 0x0d, 0xb8, [15] = 0x80 };
	struct fixture f;

	(void)state;
	set_up(&f);
	f.event.ipv4 = false;
	memcpy(f.event.local.ip, local, sizeof(local));
	memcpy(f.event.remote.ip, remote, sizeof(remote));
	assert_true(net_passes(&f, (struct filter_net){ { 0 }, 0 }));
	assert_true(net_passes(&f, (struct filter_net){ { 0xfe, 0x80 }, 10 }));
	assert_true(net_passes(&f, (struct filter_net){ { 0x20, 0x01, 0x0d, 0xb8 }, 32 }));
	assert_false(net_passes(&f, (struct filter_net){ { 0x20, 0x01, 0x0d, 0xb9 }, 32 }));
	assert_true(net_passes(&f, (struct filter_net){ { 0x20, 0x01, 0x0d, 0xb9 }, 31 }));
	assert_false(net_passes(&f, (struct filter_net){ MAPPED(0, 0, 0, 0), 96 }));
}

/* The other end of a listener is written as zeros: they are no address. */
static void test_nets_of_listener(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f);
	f.event.kind = PT_LISTENER;
	f.event.action = EVENT_LISTEN;
	f.event.remote = (struct endpoint){ MAPPED(0, 0, 0, 0), 0 };
	assert_false(net_passes(&f, (struct filter_net){ MAPPED(0, 0, 0, 0), 96 + 8 }));
	assert_true(net_passes(&f, (struct filter_net){ MAPPED(10, 0, 0, 0), 96 + 8 }));
}

static void test_nets_are_alternatives(void **state)
{
	struct filter_net nets[] = {
		{ MAPPED(127, 0, 0, 0), 96 + 8 },
		{ MAPPED(192, 0, 2, 0), 96 + 24 },
	};
	struct fixture f;

	(void)state;
	set_up(&f);
	f.filter.nets = nets;
	f.filter.net_count = 1;
	assert_false(passes(&f));
	f.filter.net_count = 2;
	assert_true(passes(&f));
}

static void test_free_twice(void **state)
{
	struct filter filter;

	(void)state;
	memset(&filter, 0, sizeof(filter));
	filter_free(&filter);
	filter_free(&filter);
	filter_free(NULL);
	assert_true(filter.ports.any && filter.local_ports.any && filter.remote_ports.any);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_actions),
		cmocka_unit_test(test_run_always_passes),
		cmocka_unit_test(test_failed),
		cmocka_unit_test(test_family),
		cmocka_unit_test(test_transport),
		cmocka_unit_test(test_pid_and_user),
		cmocka_unit_test(test_only_the_owner_counts),
		cmocka_unit_test(test_unknown_process),
		cmocka_unit_test(test_comm),
		cmocka_unit_test(test_comms_are_alternatives),
		cmocka_unit_test(test_container),
		cmocka_unit_test(test_netns),
		cmocka_unit_test(test_port_of_either_end),
		cmocka_unit_test(test_port_of_one_end),
		cmocka_unit_test(test_port_has),
		cmocka_unit_test(test_nets_ipv4),
		cmocka_unit_test(test_nets_ipv6),
		cmocka_unit_test(test_nets_of_listener),
		cmocka_unit_test(test_nets_are_alternatives),
		cmocka_unit_test(test_free_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
