// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * format_json*.c: every member both there and left out, what names may hold, and what
 * happens without memory.
 */
#include "json_fixture.h"

/* Of the owner alone: a peer's can be had from its own records. */
static void runs_in_containers(void **state)
{
	char id[] = "3f2a9c1b04de5a7788990011223344556677889900aabbccddeeff0011223344";
	char name[] = "\"\n\x1b", unit[] = "web.service", odd[] = "a\\x2db\xff.service";
	struct fixture *f = *state;
	struct event event = events_connect(&f->curl, &f->python);

	f->curl.container_id = id;
	f->curl.container_runtime = "docker";
	f->python.service = unit;
	event.error = ECONNREFUSED;
	check(f, &event,
	      "{'@timestamp':'2026-11-20T14:03:08.011203944Z',"
	      "'event':{'action':'connect','outcome':'failure','sequence':17,"
	      "'duration':212345},"
	      "'host':{'name':'web1'},"
	      "'network':{'transport':'tcp','type':'ipv4','direction':'egress'},"
	      "'source':{'ip':'127.0.0.1','port':43210,"
	      "'process':{'pid':4242,'name':'curl','executable':'/usr/bin/curl'}},"
	      "'destination':{'ip':'127.0.0.1','port':8080,"
	      "'process':{'pid':812,'name':'python3','executable':'/usr/bin/python3.11'}},"
	      "'process':{'pid':4242,'name':'curl','executable':'/usr/bin/curl',"
	      "'start':'2026-11-20T14:03:08.006Z','entity_id':'0f3c1a5e-4242-8b2c91d3a7',"
	      "'parent':{'pid':4000,'name':'bash'},'user':{'id':'1000','name':'web'}},"
	      "'container':{"
	      "'id':'3f2a9c1b04de5a7788990011223344556677889900aabbccddeeff0011223344',"
	      "'runtime':'docker'},"
	      "'error':{'code':'ECONNREFUSED',"
	      "'message':'connect to 127.0.0.1:8080 failed: Connection refused'},"
	      "'porttrace':{'local':{'ip':'127.0.0.1','port':43210,'range':'registered',"
	      "'ephemeral':true},"
	      "'remote':{'ip':'127.0.0.1','port':8080,'service':'http-alt'},"
	      "'socket':'connection','cookie':6699,'netns':4026531840,"
	      "'attribution':'connect'}}\n");

	f->curl.container_runtime = NULL;
	check_has(f, &event, "eeff0011223344'},'error'");
	check_lacks(f, &event, "'runtime'");
	event.error = 0;
	f->curl.service = unit;
	check_has(f, &event, "eeff0011223344'},'service':{'name':'web.service'},'porttrace'");
	f->curl.container_id = NULL;
	f->curl.container_runtime = "docker";
	check_has(f, &event, "'name':'web'}},'service':{'name':'web.service'},'porttrace'");
	check_lacks(f, &event, "'container'");
	check_lacks(f, &event, "'runtime'");

	f->curl.container_id = name;
	f->curl.service = odd;
	check_has(f, &event, "'container':{'id':'\\'\\u000a\\u001b','runtime':'docker'}");
	check_has(f, &event, "'service':{'name':'a\\\\x2db\xef\xbf\xbd.service'}");
	event.process = NULL;
	check_lacks(f, &event, "'container'");
	check_lacks(f, &event, "'service':{");
}

/* Nothing known but that it happened. */
static void leaves_out_the_unknown(void **state)
{
	struct fixture *f = *state;
	struct process nobody = { .pid = 7, .uid = UINT32_MAX };
	struct event event = {
		.action = EVENT_CONNECT,
		.error = ENETUNREACH,
		.time = EVENTS_TIME,
		.kind = PT_CONNECTION,
		.initiator = PT_LOCAL,
		.process = &nobody,
	};

	f->formatter.config = (struct format_config){ .host = "", .boot_id = "" };
	check(f, &event,
	      "{'@timestamp':'2026-11-20T14:03:08.011203944Z',"
	      "'event':{'action':'connect','outcome':'failure'},"
	      "'network':{'transport':'tcp','type':'ipv6','direction':'egress'},"
	      "'source':{'process':{'pid':7}},'process':{'pid':7},"
	      "'error':{'code':'ENETUNREACH',"
	      "'message':'connect failed: Network is unreachable'},"
	      "'porttrace':{'local':{},"
	      "'socket':'connection','attribution':'unknown'}}\n");
	event.process = NULL;
	event.initiator = PT_REMOTE;
	check_has(f, &event, "'direction':'ingress'},'error'");

	f->formatter.config = (struct format_config){ 0 };
	event = (struct event){ .action = EVENT_START, .time = EVENTS_TIME };
	check(f, &event,
	      "{'@timestamp':'2026-11-20T14:03:08.011203944Z','event':{'action':'start','outcome':'"
	      "success'},"
	      "'porttrace':{}}\n");
	event.action = EVENT_STOP;
	check(f, &event,
	      "{'@timestamp':'2026-11-20T14:03:08.011203944Z','event':{'action':'stop','outcome':'"
	      "success'},"
	      "'porttrace':{}}\n");
}

static void knows_processes_in_part(void **state)
{
	struct fixture *f = *state;
	struct event event = events_listen(&f->curl);

	f->curl.user = NULL;
	f->curl.parent_name[0] = '\0';
	check_has(f, &event, "'parent':{'pid':4000},'user':{'id':'1000'}}");
	f->curl.parent_pid = 0;
	f->curl.uid = UINT32_MAX;
	check_has(f, &event, "'entity_id':'0f3c1a5e-4242-8b2c91d3a7'},");
	f->formatter.config.boot_id = "0f3c1a5"; /* too short to identify anything */
	check_has(f, &event, "'start':'2026-11-20T14:03:08.006Z'},");
	f->curl.started = 0;
	check_has(f, &event, "'process':{'pid':4242,'name':'curl','executable':'/usr/bin/curl'},");
	f->curl.executable = NULL;
	memcpy(f->curl.name, "sixteen--letters", sizeof(f->curl.name)); /* no NUL */
	check_has(f, &event, "'process':{'pid':4242,'name':'sixteen--letters'},");
	f->curl.uid = 0;
	check_has(f, &event, "'user':{'id':'0'}");
}

static void shows_arguments(void **state)
{
	static char args[] = "a\0\0 \"b\\\0c"; /* "c" was cut */
	struct fixture *f = *state;
	struct event event = events_connect(&f->curl, &f->python);

	f->formatter.config.args = true;
	check_has(f, &event, "'args':['curl','-s','http://127.0.0.1:8080/'],'start'");
	f->curl.args = args;
	f->curl.args_len = sizeof(args) - 1;
	check_has(f, &event, "'args':['a','',' \\\"b\\\\\",'c'],'start'");
	f->curl.args_len = 0;
	check_has(f, &event, "'args':[],'start'");
	f->curl.args = NULL;
	check_lacks(f, &event, "'args'");
}

static void describes_ports(void **state)
{
	static const struct {
		uint16_t port;
		const char *range;
	} ranges[] = {
		{ 1, "'range':'well-known'" },    { 1023, "'range':'well-known'" },
		{ 1024, "'range':'registered'" }, { 49151, "'range':'registered'" },
		{ 49152, "'range':'dynamic'" },   { 65535, "'range':'dynamic'" },
	};
	struct fixture *f = *state;
	struct event event = events_listen(NULL);

	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		event.local.port = ranges[i].port;
		check_has(f, &event, ranges[i].range);
	}
	event.local.port = 0;
	check_has(f, &event, "'source':{'ip':'0.0.0.0'},");
	check_has(f, &event, "'local':{'ip':'0.0.0.0','scope':'any'}");
	f->formatter.config.services = NULL;
	event.local.port = 8080;
	check_lacks(f, &event, "'service'");
}

static void check_scope(struct fixture *f, const char *scope, struct endpoint local)
{
	struct event event = events_listen(NULL);
	char expected[64];

	event.local = local;
	snprintf(expected, sizeof(expected), "'ephemeral':false,'scope':'%s'}", scope);
	check_has(f, &event, expected);
}

static void tells_lateness(void **state)
{
	struct fixture *f = *state;
	struct event event = events_close(NULL, NULL);

	check_lacks(f, &event, "'late'");
	event.late = true;
	check_has(f, &event, "'late':true,");
}

static void describes_scopes(void **state)
{
	struct fixture *f = *state;
	struct event event = events_connect(NULL, NULL);

	check_scope(f, "any", (struct endpoint){ { 0 }, 8080 });
	check_scope(f, "any", (struct endpoint){ EVENTS_IPV4(0, 0, 0, 0), 8080 });
	check_scope(f, "loopback", (struct endpoint){ { [15] = 1 }, 8080 });
	check_scope(f, "loopback", (struct endpoint){ EVENTS_IPV4(127, 3, 2, 1), 8080 });
	check_scope(f, "host", (struct endpoint){ EVENTS_IPV4(10, 0, 0, 1), 8080 });
	check_scope(f, "host", (struct endpoint){ { 0x20, 1, [15] = 1 }, 8080 });
	check_lacks(f, &event, "'scope'");
	event.action = EVENT_OPEN;
	check_has(f, &event, "'scope':'loopback'");
}

static void writes_ipv6(void **state)
{
	struct fixture *f = *state;
	struct event event = events_connect(NULL, NULL);

	event.ipv4 = false;
	event.local = (struct endpoint){ { [15] = 1 }, 50000 };
	event.remote = (struct endpoint){ { 0x20, 0x01, 0x0d, 0xb8, [15] = 0x2a }, 443 };
	event.error = ETIMEDOUT;
	check_has(f, &event,
		  "'type':'ipv6','direction':'egress'},'source':{'ip':'::1','port':50000},"
		  "'destination':{'ip':'2001:db8::2a','port':443},");
	check_has(f, &event, "'connect to [2001:db8::2a]:443 failed: Connection timed out'");
}

/* A process names itself: nothing of that may end a string or a line. */
static void escapes_names(void **state)
{
	static char args[] = "\x1b]0;x\a\0\xff";
	char executable[] = "/tmp/\"},\"porttrace\":{\n", user[] = "w\\b";
	struct fixture *f = *state;
	struct event event = events_connect(&f->curl, &f->curl);

	memcpy(f->curl.name, "\"\\\x1b\n\x9b\xc2\x9b\xe2\x80\xae", 11);
	f->curl.executable = executable;
	f->curl.args = args;
	f->curl.args_len = sizeof(args);
	f->curl.user = user;
	memcpy(f->curl.parent_name, "\x7f\t", 3);
	f->formatter.config.args = true;
	f->formatter.config.host = "a\"b";
	check_has(f, &event, "'host':{'name':'a\\\"b'}");
	check_has(f, &event,
		  "'source':{'ip':'127.0.0.1','port':43210,"
		  "'process':{'pid':4242,"
		  "'name':'\\\"\\\\\\u001b\\u000a\xef\xbf\xbd\\u009b\xe2\x80\xae',"
		  "'executable':'/tmp/\\\"},\\\"porttrace\\\":{\\u000a'}},");
	check_has(f, &event,
		  "'process':{'pid':4242,"
		  "'name':'\\\"\\\\\\u001b\\u000a\xef\xbf\xbd\\u009b\xe2\x80\xae',"
		  "'executable':'/tmp/\\\"},\\\"porttrace\\\":{\\u000a',"
		  "'args':['\\u001b]0;x\\u0007','\xef\xbf\xbd']");
	check_has(f, &event,
		  "'parent':{'pid':4000,'name':'\\u007f\\u0009'},'user':{'id':'1000',"
		  "'name':'w\\\\b'}");
	event.actor = &f->curl;
	check_has(f, &event,
		  "'actor':{'pid':4242,"
		  "'name':'\\\"\\\\\\u001b\\u000a\xef\xbf\xbd\\u009b\xe2\x80\xae'}");
	assert_ptr_equal(strchr(f->out.data, '\n'), f->out.data + f->out.len - 2);
}

static void appends(void **state)
{
	struct fixture *f = *state;
	struct event event = { .action = EVENT_LOST, .lost_count = 1 };
	size_t once;

	format_event(&f->formatter, &f->out, &event);
	once = f->out.len;
	format_event(&f->formatter, &f->out, &event);
	assert_int_equal(f->out.len, 2 * once);
	assert_memory_equal(f->out.data, f->out.data + once, once);
}

static void bears_failed_memory(void **state)
{
	check_failed_memory(*state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(runs_in_containers),      TEST(leaves_out_the_unknown),
		TEST(knows_processes_in_part), TEST(shows_arguments),
		TEST(describes_ports),         TEST(tells_lateness),
		TEST(describes_scopes),        TEST(writes_ipv6),
		TEST(escapes_names),           TEST(appends),
		TEST(bears_failed_memory),
	};

	return cmocka_run_group_tests_name("format_json_members", tests, NULL, NULL);
}
