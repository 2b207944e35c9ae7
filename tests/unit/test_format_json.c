// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * format_json*.c against golden records: every action, and every member both
 * there and left out.  A golden record that changes is a promise broken
 * (../../doc/events.md): add members, never change the others.
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

#include "format.h"
#include "services.h"

#include "format_events.h"

struct fixture {
	struct services *services;
	struct formatter formatter;
	struct process curl, python;
	struct text out;
	char expected[2048];
};

static struct services *load_services(void)
{
	static const char content[] = "http-alt 8080/tcp webcache\nhttps 443/tcp\n";
	char path[] = "/tmp/test_format.XXXXXX";
	struct services *services = NULL;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, content, sizeof(content) - 1), sizeof(content) - 1);
	close(fd);
	assert_int_equal(services_load(&services, path), 0);
	unlink(path);
	return services;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->services = load_services();
	f->formatter.format = format_find("json");
	assert_ptr_equal(f->formatter.format, &format_json);
	f->formatter.config = (struct format_config){
		.services = f->services,
		.host = "web1",
		.boot_id = EVENTS_BOOT_ID,
		.version = "0.1.0",
		.kernel = "6.18.0",
	};
	f->curl = events_curl();
	f->python = events_python();
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	services_free(f->services);
	text_free(&f->out);
	free(f);
	return 0;
}

static const char *record(struct fixture *f, const struct event *event)
{
	text_clear(&f->out);
	format_event(&f->formatter, &f->out, event);
	text_char(&f->out, '\0');
	assert_false(f->out.failed);
	return f->out.data;
}

/* What is expected is written with ' for ", to be read without backslashes. */
static const char *quoted(struct fixture *f, const char *expected)
{
	size_t n = strlen(expected);

	assert_true(n < sizeof(f->expected));
	for (size_t i = 0; i <= n; i++)
		f->expected[i] = expected[i] == '\'' ? '"' : expected[i];
	return f->expected;
}

static void check(struct fixture *f, const struct event *event, const char *expected)
{
	assert_string_equal(record(f, event), quoted(f, expected));
}

/* One member, or a few that follow each other, with what surrounds them. */
static void check_has(struct fixture *f, const struct event *event, const char *expected)
{
	const char *line = record(f, event);

	if (!strstr(line, quoted(f, expected)))
		fail_msg("no %s in %s", expected, line);
}

static void check_lacks(struct fixture *f, const struct event *event, const char *member)
{
	const char *line = record(f, event);

	if (strstr(line, quoted(f, member)))
		fail_msg("%s in %s", member, line);
}

static void connects(void **state)
{
	struct fixture *f = *state;
	struct event event = events_connect(&f->curl, &f->python);

	check(f, &event,
	      "{'@timestamp':'2026-11-20T14:03:08.011203944Z',"
	      "'event':{'action':'connect','outcome':'success','sequence':17,"
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
	      "'porttrace':{'local':{'ip':'127.0.0.1','port':43210,'range':'registered',"
	      "'ephemeral':true},"
	      "'remote':{'ip':'127.0.0.1','port':8080,'service':'http-alt'},"
	      "'socket':'connection','cookie':6699,'netns':4026531840,"
	      "'attribution':'connect'}}\n");
}

static void connect_fails(void **state)
{
	struct fixture *f = *state;
	struct event event = events_connect(&f->curl, NULL);

	event.error = ECONNREFUSED;
	check(f, &event,
	      "{'@timestamp':'2026-11-20T14:03:08.011203944Z',"
	      "'event':{'action':'connect','outcome':'failure','sequence':17,"
	      "'duration':212345},"
	      "'host':{'name':'web1'},"
	      "'network':{'transport':'tcp','type':'ipv4','direction':'egress'},"
	      "'source':{'ip':'127.0.0.1','port':43210,"
	      "'process':{'pid':4242,'name':'curl','executable':'/usr/bin/curl'}},"
	      "'destination':{'ip':'127.0.0.1','port':8080},"
	      "'process':{'pid':4242,'name':'curl','executable':'/usr/bin/curl',"
	      "'start':'2026-11-20T14:03:08.006Z','entity_id':'0f3c1a5e-4242-8b2c91d3a7',"
	      "'parent':{'pid':4000,'name':'bash'},'user':{'id':'1000','name':'web'}},"
	      "'error':{'code':'ECONNREFUSED',"
	      "'message':'connect to 127.0.0.1:8080 failed: Connection refused'},"
	      "'porttrace':{'local':{'ip':'127.0.0.1','port':43210,'range':'registered',"
	      "'ephemeral':true},"
	      "'remote':{'ip':'127.0.0.1','port':8080,'service':'http-alt'},"
	      "'socket':'connection','cookie':6699,'netns':4026531840,"
	      "'attribution':'connect'}}\n");

	event.error = 4000;
	check_has(f, &event,
		  "'error':{'code':'E4000',"
		  "'message':'connect to 127.0.0.1:8080 failed: Error 4000'}");
}

/* The remote end began it: it is the source. */
static void accepts(void **state)
{
	struct fixture *f = *state;
	struct event event = events_accept(&f->python, &f->curl);

	event.duration = 5; /* not of an accept */
	check(f, &event,
	      "{'@timestamp':'2026-11-20T14:03:08.011203944Z',"
	      "'event':{'action':'accept','outcome':'success','sequence':17},"
	      "'host':{'name':'web1'},"
	      "'network':{'transport':'tcp','type':'ipv4','direction':'ingress'},"
	      "'source':{'ip':'127.0.0.1','port':43210,"
	      "'process':{'pid':4242,'name':'curl','executable':'/usr/bin/curl'}},"
	      "'destination':{'ip':'127.0.0.1','port':8080,"
	      "'process':{'pid':812,'name':'python3','executable':'/usr/bin/python3.11'}},"
	      "'process':{'pid':812,'name':'python3','executable':'/usr/bin/python3.11',"
	      "'start':'2026-11-20T13:03:08.011Z','entity_id':'0f3c1a5e-812-12a05f200',"
	      "'parent':{'pid':1,'name':'systemd'},'user':{'id':'1000','name':'web'}},"
	      "'porttrace':{'local':{'ip':'127.0.0.1','port':8080,'service':'http-alt',"
	      "'range':'registered','ephemeral':false},"
	      "'remote':{'ip':'127.0.0.1','port':43210},"
	      "'socket':'connection','cookie':6699,'netns':4026531840,"
	      "'attribution':'accept'}}\n");
}

static void closes(void **state)
{
	struct fixture *f = *state;
	struct event event = events_close(&f->curl, &f->python);

	check(f, &event,
	      "{'@timestamp':'2026-11-20T14:03:08.011203944Z',"
	      "'event':{'action':'close','outcome':'success','sequence':17,"
	      "'duration':1234567890},"
	      "'host':{'name':'web1'},"
	      "'network':{'transport':'tcp','type':'ipv4','direction':'egress'},"
	      "'source':{'ip':'127.0.0.1','port':43210,'bytes':85,"
	      "'process':{'pid':4242,'name':'curl','executable':'/usr/bin/curl'}},"
	      "'destination':{'ip':'127.0.0.1','port':8080,'bytes':1234,"
	      "'process':{'pid':812,'name':'python3','executable':'/usr/bin/python3.11'}},"
	      "'process':{'pid':4242,'name':'curl','executable':'/usr/bin/curl',"
	      "'start':'2026-11-20T14:03:08.006Z','entity_id':'0f3c1a5e-4242-8b2c91d3a7',"
	      "'parent':{'pid':4000,'name':'bash'},'user':{'id':'1000','name':'web'}},"
	      "'porttrace':{'local':{'ip':'127.0.0.1','port':43210,'range':'registered',"
	      "'ephemeral':true},"
	      "'remote':{'ip':'127.0.0.1','port':8080,'service':'http-alt'},"
	      "'socket':'connection','cookie':6699,'netns':4026531840,'close':{'by':'remote',"
	      "'how':'fin'},'attribution':'connect'}}\n");

	/* Seen from the other end the same bytes belong to the same ends. */
	event = events_accept(&f->python, &f->curl);
	event.action = EVENT_CLOSE;
	event.has_bytes = true;
	event.sent = 1234;
	event.received = 85;
	event.close_by = PT_SIDE_NONE;
	event.close_how = PT_RESET;
	check_has(f, &event,
		  "'source':{'ip':'127.0.0.1','port':43210,'bytes':85,"
		  "'process':{'pid':4242,'name':'curl','executable':'/usr/bin/curl'}},"
		  "'destination':{'ip':'127.0.0.1','port':8080,'bytes':1234,"
		  "'process':{'pid':812,'name':'python3','executable':'/usr/bin/python3.11'}},");
	check_has(f, &event, "'close':{'how':'reset'}");
	event.close_by = PT_LOCAL;
	event.close_how = PT_HOW_NONE;
	check_has(f, &event, "'close':{'by':'local'}");
	event.close_by = PT_SIDE_NONE;
	check_lacks(f, &event, "'close':{");
	event.error = ETIMEDOUT;
	check_has(f, &event,
		  "'error':{'code':'ETIMEDOUT',"
		  "'message':'connection with 127.0.0.1:43210 failed: Connection timed out'}");
}

/* A server's socket and a remote address; what it had exchanged when it was closed. */
static void tells_of_datagrams(void **state)
{
	struct fixture *f = *state;
	struct event event = events_accept(&f->python, &f->curl);

	event.action = EVENT_FLOW;
	event.kind = PT_DATAGRAM;
	event.attribution = PT_BY_RECEIVE;
	check_has(f, &event, "'network':{'transport':'udp','type':'ipv4','direction':'ingress'}");
	check_has(f, &event, "'source':{'ip':'127.0.0.1','port':43210,'process':{'pid':4242,");
	check_has(f, &event, "'remote':{'ip':'127.0.0.1','port':43210},'socket':'datagram'");
	check_has(f, &event, "'attribution':'receive'");
	memcpy(event.remote.ip, (uint8_t[16])EVENTS_IPV4(224, 0, 0, 251), 16);
	check_has(f, &event, "'remote':{'ip':'224.0.0.251','port':43210,'scope':'multicast'}");
	memcpy(event.remote.ip, (uint8_t[16])EVENTS_IPV4(255, 255, 255, 255), 16);
	check_has(f, &event, "'scope':'broadcast'}");
	event.remote = (struct endpoint){};
	event.peer = NULL;
	check_lacks(f, &event, "'remote'");
	check_lacks(f, &event, "'source'");
	event.action = EVENT_CLOSE;
	event.initiator = PT_SIDE_NONE;
	event.has_bytes = true;
	event.sent = 7;
	event.received = 8;
	event.sends = 1;
	check_has(f, &event,
		  "'source':{'ip':'127.0.0.1','port':8080,'bytes':7,'packets':1},"
		  "'destination':{'bytes':8,'packets':0}");
	event.action = EVENT_OPEN;
	event.state_new = 7;
	check_lacks(f, &event, "'state'");
}

static void listens(void **state)
{
	struct fixture *f = *state;
	struct event event = events_listen(&f->python);

	check(f, &event,
	      "{'@timestamp':'2026-11-20T14:03:08.011203944Z',"
	      "'event':{'action':'listen','outcome':'success','sequence':3},"
	      "'host':{'name':'web1'},'network':{'transport':'tcp','type':'ipv4'},"
	      "'source':{'ip':'0.0.0.0','port':8080},"
	      "'process':{'pid':812,'name':'python3','executable':'/usr/bin/python3.11',"
	      "'start':'2026-11-20T13:03:08.011Z','entity_id':'0f3c1a5e-812-12a05f200',"
	      "'parent':{'pid':1,'name':'systemd'},'user':{'id':'1000','name':'web'}},"
	      "'porttrace':{'local':{'ip':'0.0.0.0','port':8080,'service':'http-alt',"
	      "'range':'registered','ephemeral':false,'scope':'any'},"
	      "'socket':'listener','cookie':119,'netns':4026531840,'attribution':'listen'}}\n");

	event.action = EVENT_CLOSE;
	event.duration = 5;
	check(f, &event,
	      "{'@timestamp':'2026-11-20T14:03:08.011203944Z',"
	      "'event':{'action':'close','outcome':'success','sequence':3,'duration':5},"
	      "'host':{'name':'web1'},'network':{'transport':'tcp','type':'ipv4'},"
	      "'source':{'ip':'0.0.0.0','port':8080},"
	      "'process':{'pid':812,'name':'python3','executable':'/usr/bin/python3.11',"
	      "'start':'2026-11-20T13:03:08.011Z','entity_id':'0f3c1a5e-812-12a05f200',"
	      "'parent':{'pid':1,'name':'systemd'},'user':{'id':'1000','name':'web'}},"
	      "'porttrace':{'local':{'ip':'0.0.0.0','port':8080,'service':'http-alt',"
	      "'range':'registered','ephemeral':false,'scope':'any'},"
	      "'socket':'listener','cookie':119,'netns':4026531840,'attribution':'listen'}}\n");
}

/* A failed bind shows the arguments, asked for or not. */
static void binds(void **state)
{
	struct fixture *f = *state;
	struct event event = events_listen(&f->curl);

	event.action = EVENT_BIND;
	event.kind = PT_BOUND;
	event.attribution = PT_BY_BIND;
	check_lacks(f, &event, "'args'");
	check_has(f, &event, "'socket':'bound'");

	event.error = EADDRINUSE;
	event.cookie = 0;
	event.netns = 0;
	check(f, &event,
	      "{'@timestamp':'2026-11-20T14:03:08.011203944Z',"
	      "'event':{'action':'bind','outcome':'failure','sequence':3},"
	      "'host':{'name':'web1'},'network':{'transport':'tcp','type':'ipv4'},"
	      "'source':{'ip':'0.0.0.0','port':8080},"
	      "'process':{'pid':4242,'name':'curl','executable':'/usr/bin/curl',"
	      "'args':['curl','-s','http://127.0.0.1:8080/'],"
	      "'start':'2026-11-20T14:03:08.006Z','entity_id':'0f3c1a5e-4242-8b2c91d3a7',"
	      "'parent':{'pid':4000,'name':'bash'},'user':{'id':'1000','name':'web'}},"
	      "'error':{'code':'EADDRINUSE',"
	      "'message':'bind to 0.0.0.0:8080 failed: Address already in use'},"
	      "'porttrace':{'local':{'ip':'0.0.0.0','port':8080,'service':'http-alt',"
	      "'range':'registered','ephemeral':false,'scope':'any'},"
	      "'socket':'bound','attribution':'bind'}}\n");

	event.action = EVENT_LISTEN;
	check_has(f, &event, "'listen on 0.0.0.0:8080 failed: Address already in use'");
	check_lacks(f, &event, "'args'");
}

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

static void states(void **state)
{
	struct fixture *f = *state;
	struct event event = events_close(NULL, NULL);

	event.action = EVENT_STATE;
	event.has_bytes = false;
	event.initiator = PT_SIDE_NONE;
	event.attribution = PT_BY_UNKNOWN;
	event.state_old = 1;
	event.state_new = 8;
	check(f, &event,
	      "{'@timestamp':'2026-11-20T14:03:08.011203944Z',"
	      "'event':{'action':'state','outcome':'success','sequence':17},"
	      "'host':{'name':'web1'},'network':{'transport':'tcp','type':'ipv4'},"
	      "'source':{'ip':'127.0.0.1','port':43210},"
	      "'destination':{'ip':'127.0.0.1','port':8080},"
	      "'porttrace':{'local':{'ip':'127.0.0.1','port':43210,'range':'registered',"
	      "'ephemeral':true},"
	      "'remote':{'ip':'127.0.0.1','port':8080,'service':'http-alt'},"
	      "'socket':'connection','cookie':6699,'netns':4026531840,'state':{"
	      "'old':'ESTABLISHED','new':'CLOSE_WAIT'},'attribution':'unknown'}}\n");
}

static void opens(void **state)
{
	struct fixture *f = *state;
	struct event event = events_listen(&f->python);

	event.action = EVENT_OPEN;
	event.attribution = PT_BY_SNAPSHOT;
	event.creator = &f->curl;
	event.actor = &f->python;
	check(f, &event,
	      "{'@timestamp':'2026-11-20T14:03:08.011203944Z',"
	      "'event':{'action':'open','outcome':'success','sequence':3},"
	      "'host':{'name':'web1'},'network':{'transport':'tcp','type':'ipv4'},"
	      "'source':{'ip':'0.0.0.0','port':8080},"
	      "'process':{'pid':812,'name':'python3','executable':'/usr/bin/python3.11',"
	      "'start':'2026-11-20T13:03:08.011Z','entity_id':'0f3c1a5e-812-12a05f200',"
	      "'parent':{'pid':1,'name':'systemd'},'user':{'id':'1000','name':'web'}},"
	      "'porttrace':{'local':{'ip':'0.0.0.0','port':8080,'service':'http-alt',"
	      "'range':'registered','ephemeral':false,'scope':'any'},"
	      "'socket':'listener','cookie':119,'netns':4026531840,'attribution':'snapshot',"
	      "'actor':{'pid':812,'name':'python3'},'creator':{'pid':4242,'name':'curl'}}}\n");
}

static void tells_of_the_run(void **state)
{
	struct fixture *f = *state;
	struct event_totals totals = {
		.seen = 100,
		.written = 80,
		.filtered = 10,
		.lost = { 1, 2, 3, 4 },
		.skipped = 5,
		.late = 6,
	};
	struct event event = { .action = EVENT_START, .time = EVENTS_TIME, .sequence = 1 };

	event.hooks = "tp_btf/inet_sock_set_state  sys_exit_bind ";
	check(f, &event,
	      "{'@timestamp':'2026-11-20T14:03:08.011203944Z',"
	      "'event':{'action':'start','outcome':'success','sequence':1},"
	      "'host':{'name':'web1','boot':{'id':'0f3c1a5e-7a4b-4c7e-9d7e-1f2e3d4c5b6a'}},"
	      "'porttrace':{'version':'0.1.0','kernel':'6.18.0',"
	      "'hooks':['tp_btf/inet_sock_set_state','sys_exit_bind']}}\n");
	event.hooks = "";
	check_has(f, &event, "'hooks':[]}");
	event.hooks = NULL;
	check_has(f, &event, "'kernel':'6.18.0'}}\n");

	event = (struct event){ .action = EVENT_LOST, .time = EVENTS_TIME, .sequence = 2 };
	event.lost_count = 12;
	event.lost_stage = LOST_MISSED;
	check(f, &event,
	      "{'@timestamp':'2026-11-20T14:03:08.011203944Z',"
	      "'event':{'action':'lost','outcome':'unknown','sequence':2},'host':{'name':'web1'},"
	      "'porttrace':{'lost':{'count':12,'stage':'missed'}}}\n");

	event = (struct event){ .action = EVENT_STOP, .time = EVENTS_TIME, .sequence = 3 };
	event.totals = &totals;
	check(f, &event,
	      "{'@timestamp':'2026-11-20T14:03:08.011203944Z',"
	      "'event':{'action':'stop','outcome':'success','sequence':3},'host':{'name':'web1'},"
	      "'porttrace':{'totals':{'seen':100,'written':80,'filtered':10,'lost':{'ring':1,"
	      "'map':2,'missed':3,'sink':4},'skipped':5,'late':6}}}\n");
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
	struct fixture *f = *state;
	struct event event = events_connect(&f->curl, &f->python);

	f->out.failed = true;
	format_event(&f->formatter, &f->out, &event);
	assert_true(f->out.failed);
	assert_int_equal(f->out.len, 0);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(connects),
		TEST(connect_fails),
		TEST(accepts),
		TEST(closes),
		TEST(tells_of_datagrams),
		TEST(listens),
		TEST(binds),
		TEST(runs_in_containers),
		TEST(states),
		TEST(opens),
		TEST(tells_of_the_run),
		TEST(leaves_out_the_unknown),
		TEST(knows_processes_in_part),
		TEST(shows_arguments),
		TEST(describes_ports),
		TEST(tells_lateness),
		TEST(describes_scopes),
		TEST(writes_ipv6),
		TEST(escapes_names),
		TEST(appends),
		TEST(bears_failed_memory),
	};

	return cmocka_run_group_tests_name("format_json", tests, NULL, NULL);
}
