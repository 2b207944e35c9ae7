// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * See format_list.h.  A row for each socket, with all processes that hold it; nothing is
 * cut.  What stands in a cell is format_table_cell.c's.
 */
#include "format_list.h"

#include <string.h>

#include "format_table.h"
#include "netns.h"
#include "process.h"
#include "socket.h"

#define TCP_CLOSE 7 /* include/net/tcp_states.h */
#define TCP_NEW_SYN_RECV 12

#define STATE_WIDTH 11
#define END_WIDTH 25
#define USER_WIDTH 8

const char *format_list_state(const struct event *event)
{
	if (event_is_udp(event))
		return event->remote.port ? "CONNECTED" : "BOUND";
	if (event->state_new == TCP_CLOSE)
		return event->kind == PT_CONNECTION ? "CLOSED" : "BOUND";
	if (event->state_new == TCP_NEW_SYN_RECV)
		return "SYN_RECV";
	return event_state_name(event->state_new);
}

void format_list_netns(struct text *out, const struct list_config *config,
		       const struct event *event)
{
	const char *name = netns_name(config->namespaces, event->netns);

	if (event->netns == config->own_netns && !config->format.wide)
		return;
	TEXT_LITERAL(out, " netns=");
	if (name && !config->format.numeric)
		text_printable(out, name, strlen(name));
	else
		text_number(out, event->netns);
}

static void put_column(struct text *out, const char *title, size_t width)
{
	size_t from = out->len;

	text_string(out, title);
	cell_pad(out, from, width);
	text_char(out, ' ');
}

void format_list_header(struct text *out, const struct list_config *config)
{
	(void)config;
	put_column(out, "STATE", STATE_WIDTH);
	put_column(out, "NET", 3);
	put_column(out, "LOCAL", END_WIDTH);
	put_column(out, "  REMOTE [PROCESS]", END_WIDTH);
	put_column(out, "USER", USER_WIDTH);
	TEXT_LITERAL(out, "PROCESS\n");
}

static void put_service(struct text *out, const struct list_config *config,
			const struct event *event, enum pt_side side)
{
	const char *service = cell_service(&config->format, event, side);

	if (!service)
		return;
	text_char(out, ' ');
	text_printable(out, service, strlen(service));
}

static void put_ends(struct text *out, const struct list_config *config, const struct event *event)
{
	static const char arrows[] = { [PT_SIDE_NONE] = '-', [PT_LOCAL] = '>', [PT_REMOTE] = '<' };
	size_t from = out->len;

	cell_address(out, event, PT_LOCAL);
	put_service(out, config, event, PT_LOCAL);
	cell_pad(out, from, END_WIDTH);
	text_char(out, ' ');
	from = out->len;
	if (event_has_remote(event)) {
		text_char(out, arrows[event->initiator]);
		text_char(out, ' ');
		cell_address(out, event, PT_REMOTE);
		put_service(out, config, event, PT_REMOTE);
		if (event->peer) {
			TEXT_LITERAL(out, " [");
			cell_process(out, event->peer);
			text_char(out, ']');
		}
	}
	cell_pad(out, from, END_WIDTH);
	text_char(out, ' ');
}

/* Why there is none. */
static void put_nobody(struct text *out, const struct event *event)
{
	if (event->ends) {
		text_char(out, '(');
		text_number(out, event_seconds_left(event->time, event->ends));
		TEXT_LITERAL(out, "s left)");
	} else if (event->attribution == PT_BY_KERNEL) {
		TEXT_LITERAL(out, "(kernel)");
	} else if (event->attribution == PT_BY_INHERIT) {
		TEXT_LITERAL(out, "(not accepted yet)");
	} else if (event->kind == PT_CONNECTION) {
		TEXT_LITERAL(out, "(no process any more)");
	} else {
		text_char(out, '?');
	}
}

static bool same_name(const struct process *a, const struct process *b)
{
	return !strncmp(a->name, b->name, PT_COMM_LEN);
}

/* "nginx 812,813, master 7": a process once, with --wide each of its descriptors. */
static void put_holders(struct text *out, const struct list_config *config,
			const struct event *event)
{
	const struct process *before = NULL;
	struct holder holder;

	for (size_t i = 0; socket_holder(event->socket, i, &holder); i++) {
		if (holder.process == before && !config->format.wide)
			continue;
		if (before && same_name(before, holder.process) && !config->format.wide) {
			text_char(out, ',');
			text_number(out, holder.process->pid);
		} else {
			if (before)
				TEXT_LITERAL(out, ", ");
			cell_process(out, holder.process);
		}
		if (config->format.wide && holder.fd) {
			TEXT_LITERAL(out, " fd ");
			text_number(out, holder.fd - 1);
		}
		before = holder.process;
	}
	if (socket_unlisted(event->socket)) {
		TEXT_LITERAL(out, " and ");
		text_number(out, socket_unlisted(event->socket));
		TEXT_LITERAL(out, " more descriptors");
	}
	if (!before)
		put_nobody(out, event);
}

static void put_place(struct text *out, const struct process *process)
{
	if (process->container_id) {
		TEXT_LITERAL(out, " container=");
		cell_container(out, process);
	} else if (process->service) {
		TEXT_LITERAL(out, " service=");
		text_printable(out, process->service, strlen(process->service));
	}
}

/* --wide.  What the process chose itself comes last: it could imitate the others. */
static void put_details(struct text *out, const struct event *event)
{
	const struct process *process = event->process;

	if (event->cookie) {
		TEXT_LITERAL(out, " cookie=");
		text_hex(out, event->cookie);
	}
	if (process && process->executable) {
		TEXT_LITERAL(out, " exe=");
		text_printable(out, process->executable, strlen(process->executable));
	}
	if (process && process->args) {
		TEXT_LITERAL(out, " args=");
		cell_args(out, process);
	}
}

void format_list_row(struct text *out, const struct list_config *config, const struct event *event)
{
	size_t from;

	put_column(out, format_list_state(event), STATE_WIDTH);
	put_column(out, event_is_udp(event) ? "udp" : "tcp", 3);
	put_ends(out, config, event);
	from = out->len;
	cell_user(out, &config->format, event->process);
	cell_pad(out, from, USER_WIDTH);
	text_char(out, ' ');
	put_holders(out, config, event);
	if (event->process)
		put_place(out, event->process);
	format_list_netns(out, config, event);
	if (config->format.wide)
		put_details(out, event);
	text_char(out, '\n');
}
