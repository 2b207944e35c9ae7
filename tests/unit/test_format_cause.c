// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Why a bind failed, in the words of both formats: curl cannot bind port 8080, python3 and
 * others are in its way.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cause.h"
#include "format.h"

#include "format_events.h"

#define MINUTE 60000000000ull
#define HOUR (60 * MINUTE)

struct fixture {
	struct formatter formatter;
	struct process curl, python, heir;
	struct blocker blockers[8];
	struct explanation why;
	struct event event;
	struct text out;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	static const struct endpoint any = { EVENTS_IPV4(0, 0, 0, 0), 8080 };

	assert_non_null(f);
	assert_int_equal(setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1), 0);
	tzset();
	f->curl = events_curl();
	f->python = events_python();
	f->heir = (struct process){ .pid = 900, .name = "heir", .uid = UINT32_MAX };
	f->event = (struct event){
		.action = EVENT_BIND,
		.error = EADDRINUSE,
		.time = EVENTS_TIME,
		.sequence = 1,
		.local = any,
		.ipv4 = true,
		.kind = PT_BOUND,
		.attribution = PT_BY_BIND,
		.process = &f->curl,
		.why = &f->why,
	};
	f->why = (struct explanation){
		.cause = CAUSE_LISTENER,
		.holders = f->blockers,
		.holder_count = 1,
	};
	f->blockers[0] = (struct blocker){
		.process = &f->python,
		.socket = { .kind = PT_LISTENER, .local = any },
		.since = EVENTS_TIME - 3 * HOUR - 12 * MINUTE,
		.fd = 41 + 1,
	};
	f->formatter.config.utc = true;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	text_free(&f->out);
	free(f);
	return 0;
}

static const char *row(struct fixture *f)
{
	const char *cause;

	f->formatter.format = &format_table;
	f->formatter.lines = 1;
	text_clear(&f->out);
	format_event(&f->formatter, &f->out, &f->event);
	assert_false(f->out.failed);
	f->out.data[f->out.len - 1] = 0;
	cause = strstr(f->out.data, ": ");
	assert_non_null(cause);
	return cause + 2;
}

static const char *json(struct fixture *f)
{
	f->formatter.format = &format_json;
	text_clear(&f->out);
	format_event(&f->formatter, &f->out, &f->event);
	text_char(&f->out, 0);
	assert_false(f->out.failed);
	return f->out.data;
}

static void has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("no %s\nin %s", part, text);
}

static void test_row(void **state)
{
	struct fixture *f = *state;

	assert_string_equal(row(f), "held by python3 (812, web), listening on 0.0.0.0:8080 "
				    "since 10:51, 3h12m");
	f->formatter.config.utc = false;
	assert_string_equal(row(f), "held by python3 (812, web), listening on 0.0.0.0:8080 "
				    "since 11:51, 3h12m");
	f->python.service = "shop.service";
	f->formatter.config.numeric = true;
	f->blockers[0].since = EVENTS_TIME - 5000000000;
	assert_string_equal(row(f), "held by python3 (812, 1000, shop.service), listening on "
				    "0.0.0.0:8080 since 15:03:03, 5.0s");
	f->blockers[0].since = EVENTS_TIME - 48 * HOUR;
	has(row(f), "since 2026-11-18 15:03, 2d00h");
	f->blockers[0].since = 0;
	has(row(f), "listening on 0.0.0.0:8080 since before tracing began");
}

static void test_record(void **state)
{
	struct fixture *f = *state;
	const char *line = json(f);

	has(line, "\"error\":{\"code\":\"EADDRINUSE\",\"message\":\"bind to 0.0.0.0:8080 failed: "
		  "port 8080/tcp is held by python3 (pid 812, user web), listening on "
		  "0.0.0.0:8080 for 3h12m\"}");
	has(line, "\"cause\":\"listener\",\"holders\":[{\"pid\":812,\"name\":\"python3\","
		  "\"executable\":\"/usr/bin/python3.11\",\"user\":{\"id\":\"1000\",\"name\":"
		  "\"web\"},\"since\":\"2026-11-20T10:51:08.011Z\",\"state\":\"LISTEN\","
		  "\"ip\":\"0.0.0.0\",\"port\":8080,\"fd\":41}]}}\n");
	/* The one that failed has its arguments, whatever was asked for. */
	has(line, "\"args\":[\"curl\",");
}

static void test_bound(void **state)
{
	struct fixture *f = *state;

	f->blockers[0].socket.kind = PT_BOUND;
	has(row(f), "held by python3 (812, web), bound to 0.0.0.0:8080 without listening since");
	has(json(f), "\"state\":\"BOUND\"");
}

static void test_connection(void **state)
{
	struct fixture *f = *state;
	struct blocker *blocker = &f->blockers[0];

	blocker->socket.kind = PT_CONNECTION;
	blocker->socket.remote = (struct endpoint){ EVENTS_IPV4(10, 0, 0, 9), 443 };
	blocker->initiator = PT_LOCAL;
	blocker->state = 8;
	has(row(f), "held by python3 (812, web), connected from 0.0.0.0:8080 to 10.0.0.9:443 "
		    "since");
	has(json(f), "\"state\":\"CLOSE_WAIT\",\"ip\":\"0.0.0.0\",\"port\":8080,\"fd\":41,"
		     "\"remote\":{\"ip\":\"10.0.0.9\",\"port\":443}}");
	blocker->initiator = PT_REMOTE;
	has(row(f), "with a connection at 0.0.0.0:8080 from 10.0.0.9:443 since");
}

static void test_time_wait(void **state)
{
	struct fixture *f = *state;
	struct blocker *blocker = &f->blockers[0];

	f->why.cause = CAUSE_TIME_WAIT;
	f->why.hint = HINT_REUSEADDR;
	blocker->socket.kind = PT_CONNECTION;
	blocker->socket.time_wait = blocker->exited = blocker->left_known = true;
	blocker->socket.remote = (struct endpoint){ EVENTS_IPV4(10, 0, 0, 9), 443 };
	blocker->seconds_left = 41;
	blocker->close_by = PT_LOCAL;
	blocker->close_how = PT_FIN;
	blocker->fd = 0;
	assert_string_equal(row(f), "in TIME_WAIT for 41 s more: python3 (812, web, exited) had a "
				    "connection with 10.0.0.9:443 there and closed it first; "
				    "SO_REUSEADDR "
				    "before bind would take the port at once");
	has(json(f), "\"exited\":true,\"seconds_left\":41,\"close\":{\"by\":\"local\","
		     "\"how\":\"fin\"}");
	f->why.holders_left_off = 3;
	blocker->process = NULL;
	blocker->left_known = false;
	has(row(f), "in TIME_WAIT: a process that is not known had a connection with 10.0.0.9:443 "
		    "there and closed it first; 3 more like it; SO_REUSEADDR");
	has(json(f), "\"holders_left_off\":3");
}

static void test_several(void **state)
{
	struct fixture *f = *state;

	f->why.holder_count = 2;
	f->blockers[1] = f->blockers[0];
	f->blockers[1].process = &f->heir;
	has(row(f), "since 10:51, 3h12m, and by heir (900)");
	f->blockers[1].socket.kind = PT_BOUND;
	has(row(f), ", and by heir (900), bound to 0.0.0.0:8080 without listening since 10:51");
	f->why.holder_count = 8;
	f->why.holders_left_off = 5;
	for (int i = 1; i < 8; i++) {
		f->blockers[i] = f->blockers[0];
		f->blockers[i].process = &f->heir;
	}
	has(row(f), "3h12m, and by heir (900), heir (900), heir (900), heir (900), heir (900) and "
		    "7 more");
}

static void test_special_holders(void **state)
{
	struct fixture *f = *state;

	f->why.cause = CAUSE_DUAL_STACK;
	memset(f->blockers[0].socket.local.ip, 0, 16);
	has(row(f), "listening on [::]:8080 (which takes IPv4 too) since");
	f->why.cause = CAUSE_LISTENER;
	f->blockers[0].former = &f->heir;
	has(row(f), "held by python3 (812, web), which has it from heir (900, exited), listening");
	has(json(f), "\"former\":{\"pid\":900,\"name\":\"heir\"}");
	f->why.cause = CAUSE_REUSEPORT_USER;
	has(row(f), "3h12m, with SO_REUSEPORT of another user");
	f->why.cause = CAUSE_KERNEL;
	f->blockers[0] = (struct blocker){ .socket = { .kind = PT_LISTENER, .kernel = true } };
	has(row(f), "held by the kernel itself, listening on");
	has(json(f), "\"holders\":[{\"kernel\":true,\"state\":\"LISTEN\"");
}

static void test_nobody(void **state)
{
	static const struct {
		enum cause cause;
		int error;
		const char *words;
	} cases[] = {
		{ CAUSE_PRIVILEGED, EACCES, "ports below 1024 need CAP_NET_BIND_SERVICE" },
		{ CAUSE_POLICY, EPERM, "a security policy of this machine refused it" },
		{ CAUSE_NOT_LOCAL, EADDRNOTAVAIL,
		  "0.0.0.0 is no address of this machine or network namespace" },
		{ CAUSE_EXHAUSTED, EADDRINUSE, "no port of ip_local_port_range is free" },
		{ CAUSE_ALREADY_BOUND, EINVAL, "the socket has 0.0.0.0:8080 already" },
		{ CAUSE_INVALID, EINVAL, "the address is too short or incomplete" },
		{ CAUSE_INVALID, EAFNOSUPPORT, "the address is not of the socket's family" },
		{ CAUSE_INVALID, EFAULT, "the address is not in the process's memory" },
		{ CAUSE_INVALID, ENODEV, "the address names a network interface that is not" },
		{ CAUSE_INVALID, EOPNOTSUPP, "Operation not supported" },
		{ CAUSE_UNKNOWN, EADDRINUSE,
		  "Address already in use, by a socket that is not known" },
		{ CAUSE_UNKNOWN, ENOMEM, "Cannot allocate memory" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		f->event.error = cases[i].error;
		f->why = (struct explanation){ .cause = cases[i].cause,
					       .limit = 1024,
					       .own = f->event.local };
		has(row(f), cases[i].words);
		has(json(f), cases[i].words);
		assert_null(strstr(f->out.data, "holders"));
	}
	f->event.action = EVENT_LISTEN;
	f->event.error = EINVAL;
	f->why.cause = CAUSE_INVALID;
	has(json(f), "listen on 0.0.0.0:8080 failed: only a socket without a connection can");
}

/* Each hint has words, and only where there is one. */
static void test_hints(void **state)
{
	struct fixture *f = *state;

	assert_null(strstr(json(f), "hint"));
	for (int hint = HINT_NONE + 1; hint < HINTS; hint++) {
		f->why.hint = (enum hint)hint;
		has(json(f), "\"hint\":\"");
		assert_null(strstr(f->out.data, "\"hint\":\"\""));
		has(row(f), "3h12m; ");
	}
}

static void test_hostile_names(void **state)
{
	struct fixture *f = *state;

	memcpy(f->python.name, "\033[2J\"\\", 7);
	has(row(f), "held by \\x1b[2J\"\\ (812");
	has(json(f), "held by \\\\x1b[2J\\\"\\\\ (pid 812");
}

/* Each word may begin a line of the terminal. */
static void test_narrow(void **state)
{
	struct fixture *f = *state;

	f->formatter.config.columns = 80;
	(void)row(f);
	for (const char *line = f->out.data; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		assert_true(strcspn(line, "\n") <= 80);
		if (!strchr(line, '\n'))
			break;
	}
}

static void test_warnings(void **state)
{
	struct fixture *f = *state;

	f->event.error = 0;
	f->event.why = NULL;
	f->event.warnings = 1 << WARN_REUSEPORT_JOIN | 1 << WARN_EPHEMERAL_LISTENER;
	f->event.warning_about = &f->python;
	has(json(f), "\"warning\":[\"reuseport-join\",\"ephemeral-listener\"]");
	assert_string_equal(row(f), "joins a port by SO_REUSEPORT of python3 812; warning: a port "
				    "of ip_local_port_range: reserve it in "
				    "ip_local_reserved_ports");
	f->event.warnings = 1 << WARN_SERVICE_PORT_TAKEN;
	assert_string_equal(row(f), "was given a port that a service had: python3 812");
	f->event.warning_about = NULL;
	assert_string_equal(row(f), "was given a port that a service had");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_row),
		TEST(test_record),
		TEST(test_bound),
		TEST(test_connection),
		TEST(test_time_wait),
		TEST(test_several),
		TEST(test_special_holders),
		TEST(test_nobody),
		TEST(test_hints),
		TEST(test_hostile_names),
		TEST(test_narrow),
		TEST(test_warnings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
