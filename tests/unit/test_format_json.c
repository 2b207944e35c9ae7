// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * format_json*.c against golden records: every action.  A golden record that changes is a
 * promise broken (../../doc/events.md): add members, never change the others.
 */
#include "json_fixture.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(connects),
		TEST(connect_fails),
		TEST(accepts),
		TEST(closes),
		TEST(tells_of_datagrams),
		TEST(listens),
		TEST(binds),
		TEST(states),
		TEST(opens),
		TEST(tells_of_the_run),
	};

	return cmocka_run_group_tests_name("format_json", tests, NULL, NULL);
}
