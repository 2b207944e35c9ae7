// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * One record of JSON for each event, as ../doc/events.md promises it: people's
 * queries depend on every name here.  One line, members in a fixed order,
 * nothing that is unknown or does not apply.
 *
 * format_json_process.c writes the processes, format_json.h says how a comma
 * gets to its place.  Service names come from services.h, never from libc.
 */
#include "format_json.h"

#include <string.h>

#include "services.h"

static bool is_socket(const struct event *event)
{
	return event->action < EVENT_LOST;
}

/* A bound socket's address may be any; a connection's that is any is not known. */
static bool has_local_ip(const struct event *event)
{
	return event->kind != PT_CONNECTION || format_has_end(&event->local);
}

static void json_event(struct text *out, const struct event *event)
{
	JSON_OPEN(out, "event");
	JSON_WORD(out, "action", event_action_name(event->action));
	if (event->error)
		TEXT_LITERAL(out, "\"outcome\":\"failure\",");
	else if (event->action == EVENT_LOST)
		TEXT_LITERAL(out, "\"outcome\":\"unknown\",");
	else
		TEXT_LITERAL(out, "\"outcome\":\"success\",");
	if (event->sequence)
		JSON_NUMBER(out, "sequence", event->sequence);
	if (event->duration && (event->action == EVENT_CONNECT || event->action == EVENT_CLOSE))
		JSON_NUMBER(out, "duration", event->duration);
	json_close(out, '}');
}

static void json_host(struct text *out, const struct format_config *config,
		      const struct event *event)
{
	bool name = config->host && config->host[0];
	bool boot = event->action == EVENT_START && config->boot_id && config->boot_id[0];

	if (!name && !boot)
		return;
	JSON_OPEN(out, "host");
	if (name)
		JSON_STRING(out, "name", config->host, strlen(config->host));
	if (boot) {
		JSON_OPEN(out, "boot");
		JSON_STRING(out, "id", config->boot_id, strlen(config->boot_id));
		json_close(out, '}');
	}
	json_close(out, '}');
}

static void json_network(struct text *out, const struct event *event)
{
	if (event_is_udp(event))
		TEXT_LITERAL(out, "\"network\":{\"transport\":\"udp\",");
	else
		TEXT_LITERAL(out, "\"network\":{\"transport\":\"tcp\",");
	if (event->ipv4)
		TEXT_LITERAL(out, "\"type\":\"ipv4\",");
	else
		TEXT_LITERAL(out, "\"type\":\"ipv6\",");
	if (event_has_remote(event) && event->initiator == PT_LOCAL)
		TEXT_LITERAL(out, "\"direction\":\"egress\",");
	else if (event_has_remote(event) && event->initiator == PT_REMOTE)
		TEXT_LITERAL(out, "\"direction\":\"ingress\",");
	json_close(out, '}');
}

static void json_ip(struct text *out, const uint8_t ip[16])
{
	TEXT_LITERAL(out, "\"ip\":\"");
	text_ip(out, ip);
	TEXT_LITERAL(out, "\",");
}

void json_endpoint(struct text *out, const struct endpoint *end)
{
	json_ip(out, end->ip);
	if (end->port)
		JSON_NUMBER(out, "port", end->port);
}

/* The inside of source or destination: which end it is, and what is known of it. */
static void json_end(struct text *out, const struct format_config *config,
		     const struct event *event, enum pt_side side)
{
	const struct endpoint *end = side == PT_LOCAL ? &event->local : &event->remote;
	const struct process *process = side == PT_LOCAL ? event->process : event->peer;

	if (side == PT_LOCAL ? has_local_ip(event) : format_has_end(end))
		json_ip(out, end->ip);
	if (end->port)
		JSON_NUMBER(out, "port", end->port);
	if (event->has_bytes)
		JSON_NUMBER(out, "bytes", side == PT_LOCAL ? event->sent : event->received);
	if (event->has_bytes && event_is_udp(event))
		JSON_NUMBER(out, "packets", side == PT_LOCAL ? event->sends : event->receives);
	if (!event_has_remote(event))
		return;
	if (process)
		json_end_process(out, config, process);
}

/* Whether json_end() writes anything. */
static bool knows_end(const struct event *event, enum pt_side side)
{
	if (side == PT_LOCAL)
		return has_local_ip(event) || event->has_bytes || event->process;
	return event->has_bytes ||
	       (event_has_remote(event) && (format_has_end(&event->remote) || event->peer));
}

static void json_ends(struct text *out, const struct format_config *config,
		      const struct event *event)
{
	bool ingress = event_has_remote(event) && event->initiator == PT_REMOTE;
	enum pt_side source = ingress ? PT_REMOTE : PT_LOCAL;
	enum pt_side destination = ingress ? PT_LOCAL : PT_REMOTE;

	if (knows_end(event, source)) {
		JSON_OPEN(out, "source");
		json_end(out, config, event, source);
		json_close(out, '}');
	}
	if (knows_end(event, destination)) {
		JSON_OPEN(out, "destination");
		json_end(out, config, event, destination);
		json_close(out, '}');
	}
}

/* "connect to 10.0.0.1:80 failed: Connection refused" */
static void json_error_message(struct text *out, const struct format_config *config,
			       const struct event *event)
{
	static const struct {
		const char *what, *where;
	} attempts[EVENT_LOST] = {
		[EVENT_BIND] = { "bind", " to " },
		[EVENT_LISTEN] = { "listen", " on " },
		[EVENT_CONNECT] = { "connect", " to " },
		[EVENT_ACCEPT] = { "accept", " from " },
		[EVENT_FLOW] = { "exchange", " with " },
		[EVENT_CLOSE] = { "connection", " with " },
		[EVENT_STATE] = { "connection", " with " },
		[EVENT_OPEN] = { "connection", " with " },
	};
	const struct endpoint *end = event_has_remote(event) ? &event->remote : &event->local;

	text_string(out, attempts[event->action].what);
	if (!event_has_remote(event) || format_has_end(end)) {
		text_string(out, attempts[event->action].where);
		text_address(out, end->ip, end->port);
	}
	TEXT_LITERAL(out, " failed: ");
	if (event->why)
		json_cause(out, config, event);
	else
		text_error_meaning(out, event->error);
}

static void json_error(struct text *out, const struct format_config *config,
		       const struct event *event)
{
	if (!event->error)
		return;
	TEXT_LITERAL(out, "\"error\":{\"code\":\"");
	text_error_code(out, event->error);
	TEXT_LITERAL(out, "\",\"message\":\"");
	json_error_message(out, config, event);
	TEXT_LITERAL(out, "\"},");
}

/* ip, port and service of an end; the object stays open. */
static void json_port(struct text *out, const struct format_config *config,
		      enum transport transport, const struct endpoint *end)
{
	const char *service = services_name(config->services, transport, end->port);

	if (!end->port)
		return;
	JSON_NUMBER(out, "port", end->port);
	if (service)
		JSON_STRING(out, "service", service, strlen(service));
}

static void json_range(struct text *out, uint16_t port)
{
	if (!port)
		return;
	if (port < 1024)
		TEXT_LITERAL(out, "\"range\":\"well-known\",");
	else if (port < 49152)
		TEXT_LITERAL(out, "\"range\":\"registered\",");
	else
		TEXT_LITERAL(out, "\"range\":\"dynamic\",");
}

/* From where a bound port can be reached. */
static void json_scope(struct text *out, const struct event *event)
{
	bool bound = event->action == EVENT_BIND || event->action == EVENT_LISTEN ||
		     event->action == EVENT_OPEN || !event_has_remote(event);

	if (!bound || !has_local_ip(event))
		return;
	if (!format_has_address(event->local.ip))
		TEXT_LITERAL(out, "\"scope\":\"any\",");
	else if (format_is_multicast(event->local.ip))
		TEXT_LITERAL(out, "\"scope\":\"multicast\",");
	else if (endpoint_is_loopback(&event->local))
		TEXT_LITERAL(out, "\"scope\":\"loopback\",");
	else
		TEXT_LITERAL(out, "\"scope\":\"host\",");
}

/* Where a datagram goes to more than one. */
static void json_remote_scope(struct text *out, const uint8_t ip[16])
{
	if (format_is_multicast(ip))
		TEXT_LITERAL(out, "\"scope\":\"multicast\",");
	else if (format_is_broadcast(ip))
		TEXT_LITERAL(out, "\"scope\":\"broadcast\",");
}

static void json_local_remote(struct text *out, const struct format_config *config,
			      const struct event *event)
{
	enum transport transport = format_transport(event);

	JSON_OPEN(out, "local");
	if (has_local_ip(event))
		json_ip(out, event->local.ip);
	json_port(out, config, transport, &event->local);
	json_range(out, event->local.port);
	if (event->local.port)
		JSON_BOOL(out, "ephemeral", event->ephemeral);
	json_scope(out, event);
	json_close(out, '}');

	if (!event_has_remote(event) || !format_has_end(&event->remote))
		return;
	JSON_OPEN(out, "remote");
	json_ip(out, event->remote.ip);
	json_port(out, config, transport, &event->remote);
	json_remote_scope(out, event->remote.ip);
	json_close(out, '}');
}

static void json_state(struct text *out, const struct event *event)
{
	JSON_OPEN(out, "state");
	if (event->action == EVENT_STATE)
		JSON_WORD(out, "old", event_state_name(event->state_old));
	JSON_WORD(out, "new", event_state_name(event->state_new));
	json_close(out, '}');
}

static void json_closing(struct text *out, const struct event *event)
{
	if (event->close_by == PT_SIDE_NONE && event->close_how == PT_HOW_NONE)
		return;
	JSON_OPEN(out, "close");
	if (event->close_by != PT_SIDE_NONE)
		JSON_WORD(out, "by", event_side_name(event->close_by));
	if (event->close_how != PT_HOW_NONE)
		JSON_WORD(out, "how", event_how_name(event->close_how));
	json_close(out, '}');
}

static void json_socket(struct text *out, const struct format_config *config,
			const struct event *event)
{
	json_local_remote(out, config, event);
	JSON_WORD(out, "socket", event_kind_name(event->kind));
	if (event->cookie)
		JSON_NUMBER(out, "cookie", event->cookie);
	if (event->netns)
		JSON_NUMBER(out, "netns", event->netns);
	if (event->action == EVENT_STATE ||
	    (event->action == EVENT_OPEN && event->state_new && !event_is_udp(event)))
		json_state(out, event);
	if (event->action == EVENT_CLOSE)
		json_closing(out, event);
	if (event->late)
		JSON_BOOL(out, "late", true);
	JSON_WORD(out, "attribution", event_attribution_name(event->attribution));
	if (event->actor) {
		JSON_OPEN(out, "actor");
		json_pid_name(out, event->actor);
		json_close(out, '}');
	}
	if (event->ends)
		JSON_NUMBER(out, "seconds_left", event_seconds_left(event->time, event->ends));
	if (event->socket)
		json_holders(out, config, event);
	if (event->creator) {
		JSON_OPEN(out, "creator");
		json_pid_name(out, event->creator);
		json_close(out, '}');
	}
	if (event->why)
		json_explanation(out, event);
	if (event->warnings)
		json_warnings(out, event);
}

static void json_lost(struct text *out, const struct event *event)
{
	JSON_OPEN(out, "lost");
	JSON_NUMBER(out, "count", event->lost_count);
	JSON_WORD(out, "stage", event_stage_name(event->lost_stage));
	json_close(out, '}');
}

/* An array of the words of a string. */
static void json_hooks(struct text *out, const char *hooks)
{
	size_t n;

	if (!hooks)
		return;
	JSON_OPEN_ARRAY(out, "hooks");
	for (hooks += strspn(hooks, " "); *hooks; hooks += strspn(hooks, " ")) {
		n = strcspn(hooks, " ");
		text_char(out, '"');
		text_json(out, hooks, n);
		TEXT_LITERAL(out, "\",");
		hooks += n;
	}
	json_close(out, ']');
}

static void json_start(struct text *out, const struct format_config *config,
		       const struct event *event)
{
	if (config->version && config->version[0])
		JSON_STRING(out, "version", config->version, strlen(config->version));
	if (config->kernel && config->kernel[0])
		JSON_STRING(out, "kernel", config->kernel, strlen(config->kernel));
	json_hooks(out, event->hooks);
}

/* All of them, zeros too: that nothing was lost is what one wants to read here. */
static void json_totals(struct text *out, const struct event_totals *totals)
{
	if (!totals)
		return;
	JSON_OPEN(out, "totals");
	JSON_NUMBER(out, "seen", totals->seen);
	JSON_NUMBER(out, "written", totals->written);
	JSON_NUMBER(out, "filtered", totals->filtered);
	JSON_OPEN(out, "lost");
	JSON_NUMBER(out, "ring", totals->lost[LOST_RING]);
	JSON_NUMBER(out, "map", totals->lost[LOST_MAP]);
	JSON_NUMBER(out, "missed", totals->lost[LOST_MISSED]);
	JSON_NUMBER(out, "sink", totals->lost[LOST_SINK]);
	json_close(out, '}');
	JSON_NUMBER(out, "skipped", totals->skipped);
	JSON_NUMBER(out, "late", totals->late);
	json_close(out, '}');
}

static void json_porttrace(struct text *out, const struct format_config *config,
			   const struct event *event)
{
	JSON_OPEN(out, "porttrace");
	if (is_socket(event))
		json_socket(out, config, event);
	else if (event->action == EVENT_LOST)
		json_lost(out, event);
	else if (event->action == EVENT_START)
		json_start(out, config, event);
	else
		json_totals(out, event->totals);
	json_close(out, '}');
}

static void json_record(struct formatter *formatter, struct text *out, const struct event *event)
{
	const struct format_config *config = &formatter->config;
	bool args = config->args || event->why || (event->action == EVENT_BIND && event->error);

	TEXT_LITERAL(out, "{\"@timestamp\":\"");
	text_rfc3339(out, event->time, 9);
	TEXT_LITERAL(out, "\",");
	json_event(out, event);
	json_host(out, config, event);
	if (is_socket(event)) {
		json_network(out, event);
		json_ends(out, config, event);
		if (event->process) {
			json_process(out, config, event->process, args);
			json_place(out, event->process);
		}
		json_error(out, config, event);
	}
	json_porttrace(out, config, event);
	json_close(out, '}');
	/* The comma behind the record. */
	if (!out->failed)
		out->data[out->len - 1] = '\n';
}

const struct format format_json = {
	.name = "json",
	.event = json_record,
};
