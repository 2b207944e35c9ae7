// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Who holds a port, in full: see format_list.h.  A line for the socket, below it each
 * process with its descriptors and its command line, and what would free the port.
 */
#include <string.h>
#include <time.h>

#include "format_list.h"
#include "format_table.h"
#include "process.h"
#include "socket.h"

#define INIT 1 /* systemd holds the sockets of its socket units */

void format_who_port(struct text *out, const struct list_config *config, uint16_t port,
		     enum transport transport, bool ephemeral)
{
	const char *service = services_name(config->format.services, transport, port);

	TEXT_LITERAL(out, "port ");
	text_number(out, port);
	text_string(out, transport == TRANSPORT_TCP ? "/tcp" : "/udp");
	if (service && !config->format.numeric) {
		TEXT_LITERAL(out, " (");
		text_printable(out, service, strlen(service));
		text_char(out, ')');
	}
	text_string(out, port < 1024    ? ", well-known"
			 : port < 49152 ? ", registered"
					: ", dynamic");
	if (ephemeral)
		TEXT_LITERAL(out, ", in ip_local_port_range: the kernel gives it to clients too");
	text_char(out, '\n');
}

static bool is_any(const struct event *event)
{
	return !format_has_address(event->local.ip);
}

/* From where it can be reached. */
static void put_scope(struct text *out, const struct event *event)
{
	static const uint8_t loopback6[16] = { [15] = 1 };
	const uint8_t *ip = event->local.ip;

	if (is_any(event) && event->ipv4)
		TEXT_LITERAL(out, ", all interfaces");
	else if (is_any(event) && event->socket->flags & PT_V6ONLY)
		TEXT_LITERAL(out, ", all interfaces, IPv6 only");
	else if (is_any(event))
		TEXT_LITERAL(out, ", all interfaces, IPv4 too");
	else if (!memcmp(ip, loopback6, 16) || (event->ipv4 && ip[12] == 127))
		TEXT_LITERAL(out, ", loopback only");
	else
		TEXT_LITERAL(out, ", this address only");
}

/* When it began, and how long ago that is. */
static void put_past(struct text *out, const struct list_config *config, const struct event *event,
		     uint64_t since)
{
	time_t seconds = (time_t)(since / NS_PER_S);
	uint64_t shown = since;
	struct tm tm;

	if (!config->format.utc && localtime_r(&seconds, &tm))
		shown += (uint64_t)tm.tm_gmtoff * NS_PER_S;
	TEXT_LITERAL(out, "since ");
	text_date(out, shown);
	text_char(out, ' ');
	text_clock(out, shown, 0);
	if (event->time <= since)
		return;
	TEXT_LITERAL(out, " (");
	cell_duration(out, event->time - since);
	text_char(out, ')');
}

static void put_socket(struct text *out, const struct list_config *config,
		       const struct event *event)
{
	TEXT_LITERAL(out, "  ");
	text_string(out, format_list_state(event));
	text_char(out, ' ');
	cell_address(out, event, PT_LOCAL);
	if (event_has_remote(event)) {
		TEXT_LITERAL(out, " - ");
		cell_address(out, event, PT_REMOTE);
		if (event->peer) {
			TEXT_LITERAL(out, " [");
			cell_process(out, event->peer);
			text_char(out, ']');
		}
	} else {
		put_scope(out, event);
	}
	if (event->kind == PT_BOUND)
		TEXT_LITERAL(out, ", does not listen");
	else if (event->kind == PT_CONNECTION && !event->process && !event->ends &&
		 !config->own_processes)
		text_string(out, event->attribution == PT_BY_INHERIT ? ", not accepted yet"
								     : ", no process any more");
	if (event->ends) {
		TEXT_LITERAL(out, ", ");
		text_number(out, event_seconds_left(event->time, event->ends));
		TEXT_LITERAL(out, " s left");
	}
	if (event->since) {
		TEXT_LITERAL(out, ", ");
		put_past(out, config, event, event->since);
	}
	format_list_netns(out, config, event);
	text_char(out, '\n');
}

/* All descriptors of one process. */
static void put_descriptors(struct text *out, const struct socket *socket,
			    const struct process *process)
{
	struct holder holder;
	bool some = false;

	for (size_t i = 0; socket_holder(socket, i, &holder); i++) {
		if (holder.process != process || !holder.fd)
			continue;
		text_string(out, some ? "," : ", descriptor ");
		text_number(out, holder.fd - 1);
		some = true;
	}
}

static void put_process(struct text *out, const struct list_config *config,
			const struct event *event, const struct process *process)
{
	TEXT_LITERAL(out, "    ");
	cell_process(out, process);
	TEXT_LITERAL(out, ", user ");
	cell_user(out, &config->format, process);
	if (process->service) {
		TEXT_LITERAL(out, ", ");
		text_printable(out, process->service, strlen(process->service));
	}
	if (process->container_id) {
		TEXT_LITERAL(out, ", container ");
		cell_container(out, process);
	}
	put_descriptors(out, event->socket, process);
	if (process->started) {
		TEXT_LITERAL(out, ", runs ");
		put_past(out, config, event, process->started);
	}
	text_char(out, '\n');
	if (!process->args && !process->executable)
		return;
	TEXT_LITERAL(out, "      ");
	if (process->args)
		cell_args(out, process);
	else
		text_printable(out, process->executable, strlen(process->executable));
	text_char(out, '\n');
}

/* Whether a process was among the holders before number. */
static bool was_before(const struct socket *socket, size_t number, const struct process *process)
{
	struct holder holder;

	for (size_t i = 0; i < number && socket_holder(socket, i, &holder); i++)
		if (holder.process == process)
			return true;
	return false;
}

static bool has_init(const struct socket *socket)
{
	struct holder holder;

	for (size_t i = 0; socket_holder(socket, i, &holder); i++)
		if (holder.process->pid == INIT)
			return true;
	return false;
}

/* The service or container that all holders are in, else NULL. */
static const struct process *common_place(const struct socket *socket)
{
	const struct process *first = socket->owner;
	struct holder holder;

	if (!first || (!first->service && !first->container_id))
		return NULL;
	for (size_t i = 0; socket_holder(socket, i, &holder); i++) {
		const struct process *process = holder.process;

		if (!process->service != !first->service ||
		    !process->container_id != !first->container_id ||
		    (first->service && strcmp(process->service, first->service) != 0) ||
		    (first->container_id &&
		     strcmp(process->container_id, first->container_id) != 0))
			return NULL;
	}
	return first;
}

/* A unit of a user's own manager is that user's to stop. */
static bool is_users_unit(const struct process *process)
{
	return process->parent_pid != INIT && !strcmp(process->parent_name, "systemd");
}

/* Units have letters, digits and :-_.@ in their names, and \, which a shell would take. */
static void put_shell_word(struct text *out, const char *word)
{
	bool quotes = strchr(word, '\\');

	if (quotes)
		text_char(out, '\'');
	text_printable(out, word, strlen(word));
	if (quotes)
		text_char(out, '\'');
}

static void put_stop(struct text *out, const struct process *process)
{
	const char *runtime = process->container_runtime;

	if (process->container_id && runtime &&
	    (!strcmp(runtime, "docker") || !strcmp(runtime, "podman"))) {
		text_string(out, runtime);
		TEXT_LITERAL(out, " stop ");
		cell_container(out, process);
		return;
	}
	text_string(out, is_users_unit(process) ? "systemctl --user stop " : "systemctl stop ");
	put_shell_word(out, process->service);
}

static void put_kill(struct text *out, const struct socket *socket)
{
	struct holder holder;

	TEXT_LITERAL(out, "kill");
	for (size_t i = 0; socket_holder(socket, i, &holder); i++) {
		if (was_before(socket, i, holder.process))
			continue;
		text_char(out, ' ');
		text_number(out, holder.process->pid);
	}
}

static bool can_stop(const struct process *process)
{
	const char *runtime = process->container_runtime;

	if (process->container_id)
		return runtime && (!strcmp(runtime, "docker") || !strcmp(runtime, "podman"));
	/* To stop user@1000.service would log that user out. */
	return process->service && strncmp(process->service, "user@", 5) != 0;
}

static void put_way(struct text *out, const struct list_config *config, const struct event *event)
{
	const struct process *place = common_place(event->socket);

	if (event->ends) {
		TEXT_LITERAL(out, "it frees itself; a socket with SO_REUSEADDR may have it now");
	} else if (event->attribution == PT_BY_KERNEL) {
		TEXT_LITERAL(out, "the kernel itself holds it (as for NFS): unmount, or stop that "
				  "service");
	} else if (!event->socket->owner) {
		text_string(out, config->own_processes ? "no process of this pid namespace holds it"
						       : "no process holds it");
	} else if (has_init(event->socket)) {
		TEXT_LITERAL(out, "systemctl stop its socket unit; `systemctl list-sockets` names "
				  "it");
	} else if (place && can_stop(place)) {
		put_stop(out, place);
	} else {
		put_kill(out, event->socket);
	}
}

void format_who_socket(struct text *out, const struct list_config *config,
		       const struct event *event, bool holds)
{
	struct holder holder;

	put_socket(out, config, event);
	for (size_t i = 0; socket_holder(event->socket, i, &holder); i++)
		if (!was_before(event->socket, i, holder.process))
			put_process(out, config, event, holder.process);
	if (socket_unlisted(event->socket)) {
		TEXT_LITERAL(out, "    and ");
		text_number(out, socket_unlisted(event->socket));
		TEXT_LITERAL(out, " more descriptors\n");
	}
	if (!holds && !event->ends)
		return;
	TEXT_LITERAL(out, "    to free it: ");
	put_way(out, config, event);
	text_char(out, '\n');
}
