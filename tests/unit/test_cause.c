// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * cause.c: the kernel's rules of who may share a port, and what is said when it said no.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "cause.h"

#include "wire_records.h"

static struct contender at(const char *ip, enum pt_kind kind)
{
	struct contender contender = { .kind = kind, .local.port = 80 };

	wire_ip(contender.local.ip, ip);
	return contender;
}

static struct contender listener(const char *ip)
{
	return at(ip, PT_LISTENER);
}

static struct contender with(struct contender contender, uint8_t share)
{
	contender.share = share;
	return contender;
}

static struct contender only6(struct contender contender)
{
	contender.v6only = true;
	return contender;
}

static struct contender on(struct contender contender, uint32_t device)
{
	contender.device = device;
	return contender;
}

static struct contender of(struct contender contender, uint32_t uid)
{
	contender.uid = uid + 1;
	return contender;
}

static struct contender waits(struct contender contender)
{
	contender.kind = PT_CONNECTION;
	contender.time_wait = true;
	return contender;
}

static void check(struct contender wants, struct contender has, bool conflicts)
{
	assert_int_equal(cause_conflicts(&wants, &has), conflicts);
}

static void test_addresses(void **state)
{
	(void)state;
	check(at("127.0.0.1", PT_BOUND), listener("127.0.0.1"), true);
	check(at("127.0.0.1", PT_BOUND), listener("127.0.0.2"), false);
	check(at("0.0.0.0", PT_BOUND), listener("127.0.0.2"), true);
	check(at("127.0.0.1", PT_BOUND), listener("0.0.0.0"), true);
	check(at("0.0.0.0", PT_BOUND), listener("::1"), false);
	check(at("::1", PT_BOUND), listener("0.0.0.0"), false);
	check(at("::1", PT_BOUND), listener("::1"), true);
	check(at("::1", PT_BOUND), listener("::2"), false);
	check(at("::", PT_BOUND), listener("::2"), true);
	check(at("::2", PT_BOUND), only6(listener("::")), true);
}

static void test_ipv6_takes_ipv4_too(void **state)
{
	(void)state;
	check(at("127.0.0.1", PT_BOUND), listener("::"), true);
	check(at("127.0.0.1", PT_BOUND), only6(listener("::")), false);
	check(at("0.0.0.0", PT_BOUND), only6(listener("::")), false);
	check(at("::", PT_BOUND), listener("127.0.0.1"), true);
	check(only6(at("::", PT_BOUND)), listener("127.0.0.1"), false);
	check(only6(at("::", PT_BOUND)), listener("::"), true);
	check(only6(at("::", PT_BOUND)), only6(listener("::")), true);
}

static void test_devices(void **state)
{
	(void)state;
	check(on(at("0.0.0.0", PT_BOUND), 1), on(listener("0.0.0.0"), 2), false);
	check(on(at("0.0.0.0", PT_BOUND), 1), on(listener("0.0.0.0"), 1), true);
	check(on(at("0.0.0.0", PT_BOUND), 1), listener("0.0.0.0"), true);
	check(at("0.0.0.0", PT_BOUND), on(listener("0.0.0.0"), 2), true);
}

static void test_reuseaddr(void **state)
{
	struct contender wants = with(at("127.0.0.1", PT_BOUND), PT_REUSEADDR);

	(void)state;
	check(wants, with(at("127.0.0.1", PT_BOUND), PT_REUSEADDR), false);
	check(wants, at("127.0.0.1", PT_BOUND), true);
	check(at("127.0.0.1", PT_BOUND), with(at("127.0.0.1", PT_BOUND), PT_REUSEADDR), true);
	check(wants, with(listener("127.0.0.1"), PT_REUSEADDR), true);
	check(wants, with(at("127.0.0.1", PT_CONNECTION), PT_REUSEADDR), false);
	check(wants, with(waits(listener("127.0.0.1")), PT_REUSEADDR), false);
	check(wants, waits(listener("127.0.0.1")), true);
}

/* Nobody listens: SO_REUSEADDR of both is always enough. */
static void test_datagrams(void **state)
{
	struct contender plain = at("127.0.0.1", PT_DATAGRAM);

	(void)state;
	check(plain, plain, true);
	check(plain, at("::", PT_DATAGRAM), true);
	check(with(plain, PT_REUSEADDR), with(plain, PT_REUSEADDR), false);
	check(with(plain, PT_REUSEADDR), plain, true);
	check(of(with(plain, PT_REUSEPORT), 7), of(with(plain, PT_REUSEPORT), 7), false);
	check(of(with(plain, PT_REUSEPORT), 7), of(with(plain, PT_REUSEPORT), 8), true);
}

static void test_reuseport(void **state)
{
	struct contender wants = of(with(listener("0.0.0.0"), PT_REUSEPORT), 7);

	(void)state;
	check(wants, of(with(listener("0.0.0.0"), PT_REUSEPORT), 7), false);
	check(wants, of(with(listener("0.0.0.0"), PT_REUSEPORT), 8), true);
	check(wants, with(listener("0.0.0.0"), PT_REUSEPORT), false); /* nobody knows whose */
	check(wants, listener("0.0.0.0"), true);
	check(listener("0.0.0.0"), of(with(listener("0.0.0.0"), PT_REUSEPORT), 7), true);
	check(wants, of(with(waits(listener("0.0.0.0")), PT_REUSEPORT), 8), false);
}

static void test_rank(void **state)
{
	struct contender order[] = { listener("::"), at("::", PT_BOUND), at("::", PT_CONNECTION),
				     waits(listener("::")) };

	(void)state;
	for (int i = 1; i < 4; i++)
		assert_true(cause_rank(&order[i - 1]) < cause_rank(&order[i]));
}

/* --- the judgement --------------------------------------------------------------- */

static struct event failed(int error, uint16_t port)
{
	return (struct event){
		.action = EVENT_BIND, .error = error, .local.port = port, .ipv4 = true
	};
}

/* Of one socket that is in the way. */
static void judge(struct contender wants, struct blocker blocker, enum cause cause, enum hint hint)
{
	struct event event = failed(EADDRINUSE, 80);
	struct explanation why = { .holders = &blocker, .holder_count = 1 };

	event.ephemeral = true;
	cause_judge(&why, &event, &wants, 0);
	assert_string_equal(cause_name(why.cause), cause_name(cause));
	assert_int_equal(why.hint, hint);
}

static void test_in_use(void **state)
{
	struct contender wants = at("127.0.0.1", PT_BOUND);
	struct process one = { .executable = "/bin/one" }, other = { .executable = "/bin/other" };
	struct blocker blocker = { .socket = listener("127.0.0.1") };

	(void)state;
	judge(wants, blocker, CAUSE_LISTENER, HINT_NONE);
	judge(with(wants, PT_REUSEPORT), blocker, CAUSE_LISTENER, HINT_REUSEPORT_BOTH);
	blocker.socket.kind = PT_BOUND;
	judge(wants, blocker, CAUSE_BOUND, HINT_NONE);
	blocker.process = &one;
	blocker.former = &other;
	judge(wants, blocker, CAUSE_BOUND, HINT_CLOSE_ON_EXEC);
	blocker.former = &one;
	judge(wants, blocker, CAUSE_BOUND, HINT_NONE);
	blocker.socket.kernel = true;
	judge(wants, blocker, CAUSE_KERNEL, HINT_NONE);
	blocker = (struct blocker){ .socket = listener("::") };
	judge(wants, blocker, CAUSE_DUAL_STACK, HINT_V6ONLY);
	judge(at("::", PT_BOUND), (struct blocker){ .socket = listener("127.0.0.1") },
	      CAUSE_DUAL_STACK, HINT_V6ONLY);
	blocker.socket = of(with(listener("127.0.0.1"), PT_REUSEPORT), 1);
	judge(of(with(wants, PT_REUSEPORT), 2), blocker, CAUSE_REUSEPORT_USER, HINT_REUSEPORT_USER);
}

static void test_connections(void **state)
{
	struct contender wants = at("127.0.0.1", PT_BOUND);
	struct blocker blocker = { .socket = at("127.0.0.1", PT_CONNECTION),
				   .initiator = PT_LOCAL };

	(void)state;
	judge(wants, blocker, CAUSE_CONNECTION, HINT_RESERVE);
	blocker.initiator = PT_REMOTE;
	judge(wants, blocker, CAUSE_CONNECTION, HINT_REUSEADDR_BOTH);
	blocker.socket.share = PT_REUSEADDR;
	judge(wants, blocker, CAUSE_CONNECTION, HINT_REUSEADDR);
	blocker.socket.time_wait = true;
	judge(wants, blocker, CAUSE_TIME_WAIT, HINT_REUSEADDR);
	blocker.socket.share = 0;
	judge(wants, blocker, CAUSE_TIME_WAIT, HINT_REUSEADDR_BOTH);
	judge(with(wants, PT_REUSEADDR), blocker, CAUSE_TIME_WAIT, HINT_REUSEADDR_BOTH);
}

static void test_nobody(void **state)
{
	static const struct {
		enum event_action action;
		int error;
		uint16_t port;
		uint8_t share;
		enum cause cause;
	} cases[] = {
		{ EVENT_BIND, EADDRINUSE, 80, 0, CAUSE_UNKNOWN },
		{ EVENT_BIND, EADDRINUSE, 0, PT_ANY_PORT, CAUSE_EXHAUSTED },
		{ EVENT_LISTEN, EADDRINUSE, 0, PT_ANY_PORT, CAUSE_EXHAUSTED },
		/* By io_uring: nobody knows what was asked for. */
		{ EVENT_BIND, EADDRINUSE, 0, 0, CAUSE_UNKNOWN },
		{ EVENT_BIND, EACCES, 80, 0, CAUSE_PRIVILEGED },
		{ EVENT_BIND, EACCES, 500, 0, CAUSE_POLICY },
		{ EVENT_BIND, EACCES, 0, 0, CAUSE_POLICY },
		{ EVENT_BIND, EPERM, 80, 0, CAUSE_POLICY },
		{ EVENT_BIND, EADDRNOTAVAIL, 80, 0, CAUSE_NOT_LOCAL },
		{ EVENT_BIND, EINVAL, 80, PT_HAD_PORT, CAUSE_ALREADY_BOUND },
		{ EVENT_BIND, EINVAL, 80, 0, CAUSE_INVALID },
		{ EVENT_LISTEN, EINVAL, 80, PT_HAD_PORT, CAUSE_INVALID },
		{ EVENT_BIND, EAFNOSUPPORT, 80, 0, CAUSE_INVALID },
		{ EVENT_BIND, EFAULT, 80, 0, CAUSE_INVALID },
		{ EVENT_BIND, ENODEV, 80, 0, CAUSE_INVALID },
		{ EVENT_BIND, ENOMEM, 80, 0, CAUSE_UNKNOWN },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct contender wants = with(at("127.0.0.1", PT_BOUND), cases[i].share);
		struct event event = failed(cases[i].error, cases[i].port);
		struct explanation why = {};

		event.action = cases[i].action;
		cause_judge(&why, &event, &wants, 500);
		assert_string_equal(cause_name(why.cause), cause_name(cases[i].cause));
		assert_int_equal(why.limit, why.cause == CAUSE_PRIVILEGED ? 500 : 0);
	}
}

static void test_names(void **state)
{
	(void)state;
	assert_null(cause_name(CAUSE_NONE));
	assert_null(cause_name(CAUSES));
	for (int cause = CAUSE_UNKNOWN; cause < CAUSES; cause++)
		assert_non_null(cause_name((enum cause)cause));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses),   cmocka_unit_test(test_ipv6_takes_ipv4_too),
		cmocka_unit_test(test_devices),     cmocka_unit_test(test_reuseaddr),
		cmocka_unit_test(test_datagrams),   cmocka_unit_test(test_reuseport),
		cmocka_unit_test(test_rank),        cmocka_unit_test(test_in_use),
		cmocka_unit_test(test_connections), cmocka_unit_test(test_nobody),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
