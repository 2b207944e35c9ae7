// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * See format_cause.h.  cause.c has judged; here are only the words.
 */
#include "format_cause.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "cause.h"
#include "format_table.h"

#define NAMED_MAX 6 /* holders in a sentence; the others are counted */

struct sentence {
	struct text *out;
	const struct format_config *config;
	const struct event *event;
	enum cause_style style;
};

static void put(struct sentence *s, const char *words)
{
	text_string(s->out, words);
}

static void put_address(struct sentence *s, const struct endpoint *end)
{
	text_address(s->out, end->ip, end->port);
}

static void put_foreign(struct sentence *s, const char *string)
{
	text_printable(s->out, string, strlen(string));
}

static void put_user(struct sentence *s, const struct process *process)
{
	if (process->uid == UINT32_MAX)
		return;
	put(s, s->style == CAUSE_FULL ? ", user " : ", ");
	cell_user(s->out, s->config, process);
}

/* "java (812, tomcat, shop.service)" */
static void put_process(struct sentence *s, const struct process *process, bool exited)
{
	if (process->name[0])
		text_printable(s->out, process->name, strnlen(process->name, PT_COMM_LEN));
	else
		put(s, "?");
	put(s, s->style == CAUSE_FULL ? " (pid " : " (");
	text_number(s->out, process->pid);
	put_user(s, process);
	if (process->container_id) {
		put(s, ", container ");
		cell_container(s->out, process);
	} else if (process->service) {
		put(s, ", ");
		put_foreign(s, process->service);
	}
	put(s, exited ? ", exited)" : ")");
}

static void put_who(struct sentence *s, const struct blocker *holder)
{
	if (holder->process)
		put_process(s, holder->process, holder->exited);
	else
		put(s, holder->socket.kernel ? "the kernel itself" : "a process that is not known");
}

static uint64_t shown_time(const struct sentence *s, uint64_t time)
{
	time_t seconds = (time_t)(time / NS_PER_S);
	struct tm tm;

	if (s->config->utc || !localtime_r(&seconds, &tm))
		return time;
	return time + (uint64_t)tm.tm_gmtoff * NS_PER_S;
}

/* " since 10:50, 3h12m" or " for 3h12m" */
static void put_since(struct sentence *s, const struct blocker *holder)
{
	uint64_t age = s->event->time > holder->since ? s->event->time - holder->since : 0;
	uint64_t time;
	size_t from;

	if (!holder->since) {
		put(s, " since before tracing began");
		return;
	}
	if (s->style == CAUSE_FULL) {
		put(s, " for ");
		cell_duration(s->out, age);
		return;
	}
	time = shown_time(s, holder->since);
	put(s, " since ");
	if (age >= 86400 * NS_PER_S) {
		text_date(s->out, time);
		text_char(s->out, ' ');
	}
	from = s->out->len;
	text_clock(s->out, time, 0);
	if (age >= 3600 * NS_PER_S && !s->out->failed)
		s->out->len = from + 5; /* without seconds */
	put(s, ", ");
	cell_duration(s->out, age);
}

static bool is_any6(const struct endpoint *end)
{
	static const uint8_t any[16];

	return !memcmp(end->ip, any, sizeof(any));
}

static void put_doing(struct sentence *s, const struct blocker *holder)
{
	const struct contender *socket = &holder->socket;

	switch (socket->kind) {
	case PT_LISTENER:
		put(s, "listening on ");
		put_address(s, &socket->local);
		break;
	case PT_BOUND:
		put(s, "bound to ");
		put_address(s, &socket->local);
		put(s, " without listening");
		break;
	case PT_DATAGRAM:
		put(s, socket->remote.port ? "connected from " : "bound to ");
		put_address(s, &socket->local);
		if (!socket->remote.port)
			break;
		put(s, " to ");
		put_address(s, &socket->remote);
		break;
	default:
		put(s, holder->initiator == PT_LOCAL ? "connected from " : "with a connection at ");
		put_address(s, &socket->local);
		put(s, holder->initiator == PT_LOCAL ? " to " : " from ");
		put_address(s, &socket->remote);
	}
	if (socket->kind != PT_CONNECTION && is_any6(&socket->local) && s->event->ipv4)
		put(s, " (which takes IPv4 too)");
	put_since(s, holder);
}

static bool same_socket(const struct blocker *a, const struct blocker *b)
{
	return a->socket.kind == b->socket.kind && a->socket.local.port == b->socket.local.port &&
	       !memcmp(a->socket.local.ip, b->socket.local.ip, sizeof(a->socket.local.ip));
}

static void put_others(struct sentence *s, const struct explanation *why)
{
	size_t left = why->holder_count - 1 + why->holders_left_off;

	for (size_t i = 1; i < why->holder_count && i < NAMED_MAX; i++, left--) {
		put(s, i == 1 ? ", and by " : ", ");
		put_who(s, &why->holders[i]);
		if (same_socket(&why->holders[0], &why->holders[i]))
			continue;
		put(s, ", ");
		put_doing(s, &why->holders[i]);
	}
	if (!left)
		return;
	put(s, " and ");
	text_number(s->out, left);
	put(s, " more");
}

static void put_port(struct sentence *s)
{
	put(s, "port ");
	text_number(s->out, s->event->local.port);
	put(s, event_is_udp(s->event) ? "/udp is " : "/tcp is ");
}

static void put_held(struct sentence *s, const struct explanation *why)
{
	if (s->style == CAUSE_FULL)
		put_port(s);
	put(s, "held by ");
	put_who(s, &why->holders[0]);
	if (why->holders[0].former) {
		put(s, ", which has it from ");
		put_process(s, why->holders[0].former, true);
	}
	put(s, ", ");
	put_doing(s, &why->holders[0]);
	put_others(s, why);
	if (why->cause != CAUSE_REUSEPORT_USER)
		return;
	put(s, ", with SO_REUSEPORT of another user");
}

static void put_time_wait(struct sentence *s, const struct explanation *why)
{
	const struct blocker *holder = &why->holders[0];

	if (s->style == CAUSE_FULL)
		put_port(s);
	put(s, "in TIME_WAIT");
	if (holder->left_known) {
		put(s, " for ");
		text_number(s->out, holder->seconds_left);
		put(s, " s more");
	}
	put(s, ": ");
	put_who(s, holder);
	put(s, " had a connection with ");
	put_address(s, &holder->socket.remote);
	put(s, " there and closed it first");
	if (why->holder_count - 1 + why->holders_left_off) {
		put(s, "; ");
		text_number(s->out, why->holder_count - 1 + why->holders_left_off);
		put(s, " more like it");
	}
}

static void put_invalid(struct sentence *s)
{
	switch (s->event->error) {
	case EINVAL:
		put(s, s->event->action == EVENT_LISTEN ? "only a socket without a connection can "
							  "listen"
							: "the address is too short or incomplete");
		break;
	case EAFNOSUPPORT:
		put(s, "the address is not of the socket's family (IPv4, IPv6)");
		break;
	case EFAULT:
		put(s, "the address is not in the process's memory");
		break;
	case ENODEV:
		put(s, "the address names a network interface that is not there");
		break;
	default:
		text_error_meaning(s->out, s->event->error);
	}
}

static void put_refused(struct sentence *s, const struct explanation *why)
{
	if (why->cause == CAUSE_POLICY) {
		put(s, "a security policy of this machine refused it (SELinux, AppArmor, BPF)");
		return;
	}
	put(s, "ports below ");
	text_number(s->out, why->limit);
	put(s, " need CAP_NET_BIND_SERVICE");
}

void format_cause(struct text *out, const struct format_config *config, const struct event *event,
		  enum cause_style style)
{
	struct sentence sentence = { out, config, event, style }, *s = &sentence;
	const struct explanation *why = event->why;

	switch (why->cause) {
	case CAUSE_TIME_WAIT:
		put_time_wait(s, why);
		break;
	case CAUSE_PRIVILEGED:
	case CAUSE_POLICY:
		put_refused(s, why);
		break;
	case CAUSE_NOT_LOCAL:
		text_ip(out, event->local.ip);
		put(s, " is no address of this machine or network namespace");
		break;
	case CAUSE_EXHAUSTED:
		put(s, "no port of ip_local_port_range is free");
		break;
	case CAUSE_ALREADY_BOUND:
		put(s, "the socket has ");
		if (why->own.port)
			put_address(s, &why->own);
		else
			put(s, "a port");
		put(s, " already");
		break;
	case CAUSE_INVALID:
		put_invalid(s);
		break;
	case CAUSE_UNKNOWN:
		text_error_meaning(out, event->error);
		if (event->error == EADDRINUSE)
			put(s, ", by a socket that is not known");
		break;
	default:
		put_held(s, why);
	}
}

void format_hint(struct text *out, const struct event *event)
{
	static const char *const hints[] = {
		[HINT_REUSEADDR] = "SO_REUSEADDR before bind would take the port at once",
		[HINT_REUSEADDR_BOTH] = "SO_REUSEADDR would help, if set before bind on the former "
					"socket too",
		[HINT_RESERVE] = "the kernel gives this port to no client if it is in "
				 "net.ipv4.ip_local_reserved_ports",
		[HINT_CLOSE_ON_EXEC] = "the descriptor came with exec: open it close-on-exec "
				       "(SOCK_CLOEXEC)",
		[HINT_V6ONLY] = "IPV6_V6ONLY on the :: socket leaves IPv4 to others",
		[HINT_REUSEPORT_USER] = "SO_REUSEPORT shares a port among sockets of one user only",
		[HINT_REUSEPORT_BOTH] = "SO_REUSEPORT shares a port only if both sockets set it",
		[HINT_PRIVILEGED] = "give the program CAP_NET_BIND_SERVICE (AmbientCapabilities= "
				    "of its unit), or lower net.ipv4.ip_unprivileged_port_start",
		[HINT_FREEBIND] = "IP_FREEBIND or net.ipv4.ip_nonlocal_bind allow an address that "
				  "is still to come",
		[HINT_RANGE] = "net.ipv4.ip_local_port_range can be wider",
		[HINTS] = NULL,
	};

	if (hints[event->why->hint])
		text_string(out, hints[event->why->hint]);
}

void format_warning(struct text *out, const struct event *event, enum event_warning warning)
{
	static const struct {
		const char *words, *about;
	} texts[WARNINGS] = {
		[WARN_REUSEPORT_JOIN] = { "joins a port by SO_REUSEPORT", " of " },
		[WARN_EPHEMERAL_LISTENER] = { "a port of ip_local_port_range: reserve it in "
					      "ip_local_reserved_ports",
					      NULL },
		[WARN_SERVICE_PORT_TAKEN] = { "was given a port that a service had", ": " },
	};
	const struct process *about = event->warning_about;

	text_string(out, texts[warning].words);
	if (!texts[warning].about || !about)
		return;
	text_string(out, texts[warning].about);
	text_printable(out, about->name, strnlen(about->name, PT_COMM_LEN));
	text_char(out, ' ');
	text_number(out, about->pid);
}

const char *format_holder_state(const struct blocker *holder)
{
	if (holder->socket.time_wait)
		return "TIME_WAIT";
	if (holder->socket.kind == PT_LISTENER)
		return "LISTEN";
	if (holder->socket.kind == PT_DATAGRAM && holder->socket.remote.port)
		return "CONNECTED";
	if (holder->socket.kind == PT_BOUND || holder->socket.kind == PT_DATAGRAM)
		return "BOUND";
	return holder->state ? event_state_name(holder->state) : NULL;
}
