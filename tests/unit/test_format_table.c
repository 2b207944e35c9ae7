// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * format_table*.c against golden rows, as a person sees them: each action, each
 * width, hostile names, colours.
 */
#include "format_fixture.h"

#include <time.h>

#include "format_table.h"

#define CURL "    4242 curl            tcp "
#define PYTHON "     812 python3         tcp "
#define NOBODY "       - ?               tcp "

static int setup(void **state)
{
	static const char services[] = "http-alt 8080/tcp webcache\n"
				       "https 443/tcp\n"
				       "odd 43210/tcp\n";
	struct fixture *f = fixture_new("table", services);

	assert_ptr_equal(f->formatter.format, &format_table);
	assert_int_equal(setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1), 0);
	tzset();
	*state = f;
	return 0;
}

/* The header too if it is due. */
static void check_rows(struct fixture *f, const struct event *event, const char *expected)
{
	assert_string_equal(formatted(f, event), expected);
}

/* Without a header, without the time, which is the same everywhere. */
static void check(struct fixture *f, const struct event *event, const char *expected)
{
	const char *row;

	f->formatter.lines = 1;
	row = formatted(f, event);
	assert_memory_equal(row, "15:03:08.011 ", 13);
	assert_string_equal(row + 13, expected);
}

static void connects(void **state)
{
	struct fixture *f = *state;
	struct event event = events_connect(&f->curl, &f->python);

	check(f, &event,
	      "connect" CURL "127.0.0.1:43210 > 127.0.0.1:8080 http-alt [python3 812] "
	      "0.21ms\n");
	event.peer = NULL;
	event.error = ECONNREFUSED;
	check(f, &event,
	      "connect" CURL "127.0.0.1:43210 > 127.0.0.1:8080 http-alt "
	      "ECONNREFUSED 0.21ms\n");
	event.duration = 0;
	event.error = 4000;
	event.local = (struct endpoint){ 0 };
	event.ephemeral = false;
	check(f, &event, "connect" CURL "- > 127.0.0.1:8080 http-alt E4000\n");
	event.error = EPERM;
	event.remote = (struct endpoint){ EVENTS_IPV4(0, 0, 0, 0), 0 };
	check(f, &event, "connect" CURL "- > - EPERM\n");
}

static void accepts(void **state)
{
	struct fixture *f = *state;
	struct event event = events_accept(&f->python, &f->curl);

	/* The client's port has a name by chance. */
	check(f, &event,
	      "accept " PYTHON "127.0.0.1:8080 http-alt < 127.0.0.1:43210 [curl 4242]\n");
	event.remote.port = 443;
	check(f, &event,
	      "accept " PYTHON "127.0.0.1:8080 http-alt < 127.0.0.1:443 https [curl 4242]\n");
	f->curl.name[0] = '\0';
	f->formatter.config.numeric = true;
	check(f, &event, "accept " PYTHON "127.0.0.1:8080 < 127.0.0.1:443 [? 4242]\n");
}

static void closes(void **state)
{
	struct fixture *f = *state;
	struct event event = events_close(&f->curl, &f->python);

#define TUPLE "close  " CURL "127.0.0.1:43210 > 127.0.0.1:8080 http-alt [python3 812]"
	check(f, &event, TUPLE " 1.2s sent 85 B received 1.2 kB, fin by remote\n");
	event.close_by = PT_SIDE_NONE;
	event.close_how = PT_TIMEOUT;
	check(f, &event, TUPLE " 1.2s sent 85 B received 1.2 kB, timeout\n");
	event.has_bytes = false;
	check(f, &event, TUPLE " 1.2s, timeout\n");
	event.duration = 0;
	check(f, &event, TUPLE " timeout\n");
	event.close_by = PT_LOCAL;
	event.close_how = PT_HOW_NONE;
	event.error = ECONNRESET;
	check(f, &event, TUPLE " ECONNRESET by local\n");
	event.error = 0;
	event.close_by = PT_SIDE_NONE;
	check(f, &event, TUPLE "\n");

	event = events_listen(&f->python);
	event.action = EVENT_CLOSE;
	event.duration = 11520 * NS_PER_S;
	check(f, &event, "close  " PYTHON "0.0.0.0:8080 http-alt 3h12m\n");
}

static void binds_and_listens(void **state)
{
	struct fixture *f = *state;
	struct event event = events_listen(&f->python);

	check(f, &event, "listen " PYTHON "0.0.0.0:8080 http-alt\n");
	event.action = EVENT_BIND;
	event.kind = PT_BOUND;
	event.error = EADDRINUSE;
	check(f, &event, "bind   " PYTHON "0.0.0.0:8080 http-alt EADDRINUSE\n");
	event.local = (struct endpoint){ { [15] = 1 }, 8080 };
	check(f, &event, "bind   " PYTHON "[::1]:8080 http-alt EADDRINUSE\n");
	event.local = (struct endpoint){ { 0 }, 0 };
	check(f, &event, "bind   " PYTHON ":: EADDRINUSE\n");
}

static void states_and_opens(void **state)
{
	struct fixture *f = *state;
	struct event event = events_connect(NULL, NULL);

	event.action = EVENT_STATE;
	event.initiator = PT_SIDE_NONE;
	event.state_old = 1;
	event.state_new = 8;
	check(f, &event,
	      "state  " NOBODY "127.0.0.1:43210 - 127.0.0.1:8080 http-alt "
	      "ESTABLISHED > CLOSE_WAIT\n");
	event.action = EVENT_OPEN;
	event.process = &f->curl;
	check(f, &event, "open   " CURL "127.0.0.1:43210 - 127.0.0.1:8080 http-alt CLOSE_WAIT\n");
	event.state_new = 0;
	check(f, &event, "open   " CURL "127.0.0.1:43210 - 127.0.0.1:8080 http-alt connection\n");

	event = events_listen(&f->python);
	event.action = EVENT_OPEN;
	check(f, &event, "open   " PYTHON "0.0.0.0:8080 http-alt LISTEN\n");
	event.kind = PT_BOUND;
	check(f, &event, "open   " PYTHON "0.0.0.0:8080 http-alt bound\n");
}

static void tells_of_the_run(void **state)
{
	struct fixture *f = *state;
	struct event event = { .action = EVENT_START, .time = EVENTS_TIME, .hooks = "a b" };

	check_rows(f, &event, "");
	event.action = EVENT_STOP;
	check_rows(f, &event, "");
	event.action = EVENT_LOST;
	event.lost_count = 12;
	check(f, &event, "lost    12 records lost (ring)\n");
	event.lost_count = 1;
	event.lost_stage = LOST_SINK;
	check(f, &event, "lost    1 record lost (sink)\n");
}

static void shows_owners(void **state)
{
	struct fixture *f = *state;
	struct event event = events_listen(NULL);

	check(f, &event, "listen        - ?               tcp 0.0.0.0:8080 http-alt\n");
	event.attribution = PT_BY_KERNEL;
	check(f, &event, "listen        - (kernel)        tcp 0.0.0.0:8080 http-alt\n");
	event.process = &f->python;
	f->python.pid = 4194304;
	memcpy(f->python.name, "sixteen--letters", sizeof(f->python.name)); /* no NUL */
	check(f, &event, "listen  4194304 sixteen--letters tcp 0.0.0.0:8080 http-alt\n");
	f->python.pid = 4294967295;
	f->python.name[0] = '\0';
	check(f, &event, "listen  4294967295 ?               tcp 0.0.0.0:8080 http-alt\n");
}

static void heads(void **state)
{
	static const char header[] = "TIME         EVENT       PID PROCESS         NET LOCAL > "
				     "REMOTE [PROCESS] RESULT\n";
	static const char row[] = "15:03:08.011 listen " PYTHON "0.0.0.0:8080 http-alt\n";
	struct fixture *f = *state;
	struct event event = events_listen(&f->python);
	char both[512];

	snprintf(both, sizeof(both), "%s%s", header, row);
	check_rows(f, &event, both);
	check_rows(f, &event, row);

	f->formatter.lines = 0;
	f->formatter.config.rows = 3;
	check_rows(f, &event, both);
	check_rows(f, &event, row);
	check_rows(f, &event, both);
	check_rows(f, &event, row);
	check_rows(f, &event, both);
}

static void fits_80_columns(void **state)
{
	struct fixture *f = *state;
	struct event event = events_connect(&f->curl, &f->python);

	f->formatter.config.columns = 80;
	check_rows(f, &event,
		   "TIME         EVENT       PID PROCESS    NET LOCAL > REMOTE [PROCESS] RESULT\n"
		   "15:03:08.011 connect    4242 curl       tcp 127.0.0.1:43210 > 127.0.0.1:8080\n"
		   "        http-alt [python3 812] 0.21ms\n");
	assert_int_equal(f->formatter.lines, 3);
	event = events_close(&f->curl, &f->python);
	check(f, &event,
	      "close      4242 curl       tcp 127.0.0.1:43210 > 127.0.0.1:8080\n"
	      "        http-alt [python3 812] 1.2s sent 85 B received 1.2 kB, fin by remote\n");
	event = events_accept(&f->python, &f->curl);
	check(f, &event,
	      "accept      812 python3    tcp 127.0.0.1:8080 http-alt\n"
	      "        < 127.0.0.1:43210 [curl 4242]\n");
	event = events_listen(&f->python);
	check(f, &event, "listen      812 python3    tcp 0.0.0.0:8080 http-alt\n");
}

/* Each part below the other, none cut, and an end. */
static void fits_nothing(void **state)
{
	struct fixture *f = *state;
	struct event event = events_close(&f->curl, &f->python);

	f->formatter.config.columns = 1;
	check(f, &event,
	      "close      4242 curl       tcp 127.0.0.1:43210\n"
	      "        > 127.0.0.1:8080\n"
	      "        http-alt\n"
	      "        [python3 812]\n"
	      "        1.2s\n"
	      "        sent 85 B received 1.2 kB,\n"
	      "        fin by remote\n");
	assert_int_equal(f->formatter.lines, 8);
}

static void uses_wide_terminals(void **state)
{
	struct fixture *f = *state;
	struct event event = events_connect(&f->curl, &f->python);

	f->formatter.config.columns = 120;
	check_rows(f, &event,
		   "TIME         EVENT       PID PROCESS         NET LOCAL                    > "
		   "REMOTE [PROCESS] RESULT\n"
		   "15:03:08.011 connect" CURL "127.0.0.1:43210          > "
		   "127.0.0.1:8080 http-alt [python3 812] 0.21ms\n");
	f->formatter.config.columns = 160;
	f->formatter.lines = 0;
	event = events_close(&f->python, NULL);
	check_rows(f, &event,
		   "TIME         EVENT       PID PROCESS         NET LOCAL                    > "
		   "REMOTE [PROCESS]                      RESULT\n"
		   "15:03:08.011 close  " PYTHON "127.0.0.1:43210          > "
		   "127.0.0.1:8080 http-alt               "
		   "1.2s sent 85 B received 1.2 kB, fin by remote\n");
	event = events_listen(&f->python);
	check(f, &event, "listen " PYTHON "0.0.0.0:8080 http-alt\n");
	event.error = EADDRINUSE;
	check(f, &event,
	      "listen " PYTHON "0.0.0.0:8080 http-alt    "
	      "                                        EADDRINUSE\n");
}

static void shows_details(void **state)
{
	struct fixture *f = *state;
	struct event event = events_connect(&f->curl, NULL);

	f->formatter.config.wide = true;
	event.actor = &f->python;
	event.creator = &f->python;
	check_rows(f, &event,
		   "TIME                    EVENT       PID PROCESS         USER     "
		   "PARENT               NET LOCAL > REMOTE [PROCESS] RESULT\n"
		   "2026-11-20 15:03:08.011 connect    4242 curl            web      "
		   "bash 4000            tcp 127.0.0.1:43210 > 127.0.0.1:8080 http-alt 0.21ms "
		   "netns=4026531840 cookie=1a2b by=connect actor=[python3 812] "
		   "creator=[python3 812] start=2026-11-20T15:03:08.006 exe=/usr/bin/curl "
		   "args=curl -s http://127.0.0.1:8080/\n");

	f->formatter.config.numeric = true;
	f->curl.parent_pid = 0;
	f->curl.executable = NULL;
	f->curl.args = NULL;
	event.netns = 0;
	event.cookie = 0;
	event.actor = NULL;
	event.creator = NULL;
	f->curl.started = 0;
	check_rows(f, &event,
		   "2026-11-20 15:03:08.011 connect    4242 curl            1000     "
		   "-                    tcp 127.0.0.1:43210 > 127.0.0.1:8080 0.21ms by=connect\n");
	event.process = NULL;
	check_rows(f, &event,
		   "2026-11-20 15:03:08.011 connect       - ?               -        "
		   "-                    tcp 127.0.0.1:43210 > 127.0.0.1:8080 0.21ms by=connect\n");
}

/* The container's id as short as others show it; names are never cut. */
static void shows_places(void **state)
{
	char id[] = "3f2a9c1b04de5a7788990011223344556677889900aabbccddeeff0011223344";
	char name[] = "3f2a9c1b04de5a7788990011223344556677889900aabbccddeeff001122334\x1b";
	char unit[] = "a\\x2db\x1b.service";
	struct fixture *f = *state;
	struct event event = events_listen(&f->python);

	f->python.service = unit;
	check(f, &event, "listen " PYTHON "0.0.0.0:8080 http-alt\n");
	f->formatter.config.wide = true;
#define WIDE                                                                                   \
	"2026-11-20 15:03:08.011 listen      812 python3         web      "                    \
	"systemd 1            tcp 0.0.0.0:8080 http-alt netns=4026531840 cookie=77 by=listen " \
	"start=2026-11-20T14:03:08.011 "
	check_rows(f, &event, WIDE "service=a\\x2db\\x1b.service exe=/usr/bin/python3.11\n");
	f->python.container_id = id;
	f->python.container_runtime = "docker";
	check_rows(f, &event,
		   WIDE "container=3f2a9c1b04de runtime=docker service=a\\x2db\\x1b.service "
			"exe=/usr/bin/python3.11\n");
	f->python.service = NULL;
	f->python.container_runtime = NULL;
	f->python.container_id = name;
	check_rows(f, &event,
		   WIDE "container=3f2a9c1b04de5a7788990011223344556677889900aabbccddeeff001122334"
			"\\x1b exe=/usr/bin/python3.11\n");
#undef WIDE
}

static void check_time(struct fixture *f, uint64_t second, const char *expected)
{
	struct event event = { .action = EVENT_LOST, .time = second * NS_PER_S + 7000000 };

	f->formatter.lines = 1;
	assert_memory_equal(formatted(f, &event), expected, strlen(expected));
}

static void knows_local_time(void **state)
{
	struct fixture *f = *state;

	/* The end of summer time in 2026: October 25, 01:00 UTC. */
	check_time(f, 1792889999, "02:59:59.007 ");
	check_time(f, 1792890000, "02:00:00.007 ");
	check_time(f, 1792889999, "02:59:59.007 ");
	f->formatter.config.wide = true;
	check_time(f, 1798757999, "2026-12-31 23:59:59.007 ");
	check_time(f, 1798758000, "2027-01-01 00:00:00.007 ");
	f->formatter.config.utc = true;
	check_time(f, 1798758000, "2026-12-31 23:00:00.007 ");

	assert_int_equal(setenv("TZ", "XXX9:30", 1), 0);
	tzset();
	f->formatter = (struct formatter){ .format = &format_table };
	check_time(f, 1798758000, "13:30:00.007 ");
}

/* Only what is wrong has a colour, and its width is none. */
static void colors(void **state)
{
	struct fixture *f = *state;
	struct event event = events_connect(&f->curl, NULL);

	f->formatter.config.color = true;
	check(f, &event, "connect" CURL "127.0.0.1:43210 > 127.0.0.1:8080 http-alt 0.21ms\n");
	event.error = ECONNREFUSED;
	check(f, &event,
	      "\033[31mconnect\033[m" CURL "127.0.0.1:43210 > 127.0.0.1:8080 http-alt "
	      "\033[31mECONNREFUSED\033[m 0.21ms\n");
	event = events_listen(&f->python);
	event.error = EACCES;
	f->formatter.config.columns = 72; /* exactly */
	check(f, &event,
	      "\033[31mlisten\033[m      812 python3    tcp 0.0.0.0:8080 http-alt "
	      "\033[31mEACCES\033[m\n");
	event = (struct event){ .action = EVENT_LOST, .time = EVENTS_TIME, .lost_count = 2 };
	check(f, &event, "\033[33mlost    2 records lost (ring)\033[m\n");
}

static void escapes_names(void **state)
{
	static char args[] = "\x1b]0;x\a\0\"a\\b\"\0\xff";
	char executable[] = "/tmp/\n\xe2\x80\xae", user[] = "\302\2332J";
	struct fixture *f = *state;
	struct event event = events_listen(&f->python);

	memcpy(f->python.name, "\"\\\x1b[2J\n", 8);
	check(f, &event, "listen      812 \"\\\\x1b[2J\\x0a   tcp 0.0.0.0:8080 http-alt\n");
	/* One character for each byte that is none: the columns stay. */
	memcpy(f->python.name, "\x9b\xff\xc3\xa9", 5);
	check(f, &event,
	      "listen      812 \xef\xbf\xbd\xef\xbf\xbd\xc3\xa9             tcp "
	      "0.0.0.0:8080 http-alt\n");

	f->formatter.config.wide = true;
	f->python.executable = executable;
	f->python.args = args;
	f->python.args_len = sizeof(args);
	f->python.user = user;
	memcpy(f->python.parent_name, "\xe2\x81\xa6", 4);
	check_rows(f, &event,
		   "2026-11-20 15:03:08.011 listen      812 "
		   "\xef\xbf\xbd\xef\xbf\xbd\xc3\xa9             \\x9b2J   \\u2066 1             "
		   "tcp 0.0.0.0:8080 http-alt netns=4026531840 cookie=77 by=listen "
		   "start=2026-11-20T14:03:08.011 exe=/tmp/\\x0a\\u202e args=\\x1b]0;x\\x07 "
		   "\"a\\b\" \xef\xbf\xbd\n");
}

static void check_duration(uint64_t duration, const char *expected)
{
	struct text out = { 0 };

	cell_duration(&out, duration);
	text_char(&out, '\0');
	assert_string_equal(out.data, expected);
	text_free(&out);
}

static void writes_durations(void **state)
{
	(void)state;
	check_duration(1, "0.01ms");
	check_duration(19999, "0.01ms");
	check_duration(212345, "0.21ms");
	check_duration(9999999, "9.99ms");
	check_duration(1003999, "1.00ms");
	check_duration(10000000, "10ms");
	check_duration(999999999, "999ms");
	check_duration(NS_PER_S, "1.0s");
	check_duration(60 * NS_PER_S - 1, "59.9s");
	check_duration(60 * NS_PER_S, "1m00s");
	check_duration(3599 * NS_PER_S, "59m59s");
	check_duration(3600 * NS_PER_S, "1h00m");
	check_duration(86399 * NS_PER_S, "23h59m");
	check_duration(86400 * NS_PER_S, "1d00h");
	check_duration(UINT64_MAX, "213503d23h");
}

static void check_size(uint64_t bytes, const char *expected)
{
	struct text out = { 0 };

	cell_size(&out, bytes);
	text_char(&out, '\0');
	assert_string_equal(out.data, expected);
	text_free(&out);
}

static void writes_sizes(void **state)
{
	(void)state;
	check_size(0, "0 B");
	check_size(999, "999 B");
	check_size(1000, "1.0 kB");
	check_size(99999, "99.9 kB");
	check_size(100000, "100 kB");
	check_size(999999, "999 kB");
	check_size(1000000, "1.0 MB");
	check_size(UINT64_MAX, "18.4 EB");
}

static void bears_failed_memory(void **state)
{
	struct fixture *f = *state;

	f->formatter.config.columns = 80;
	check_failed_memory(f);
}

static void finds_formats(void **state)
{
	(void)state;
	assert_null(format_find("xml"));
	assert_null(format_find(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(connects),
		TEST(accepts),
		TEST(closes),
		TEST(binds_and_listens),
		TEST(states_and_opens),
		TEST(tells_of_the_run),
		TEST(shows_owners),
		TEST(heads),
		TEST(fits_80_columns),
		TEST(fits_nothing),
		TEST(uses_wide_terminals),
		TEST(shows_details),
		TEST(shows_places),
		TEST(knows_local_time),
		TEST(colors),
		TEST(escapes_names),
		cmocka_unit_test(writes_durations),
		cmocka_unit_test(writes_sizes),
		TEST(bears_failed_memory),
		cmocka_unit_test(finds_formats),
	};

	return cmocka_run_group_tests_name("format_table", tests, NULL, NULL);
}
