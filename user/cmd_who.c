// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Every socket with that local port in every network namespace.  See cmd_who.h.  Those
 * that hold the port come first.
 */
#include "cmd_who.h"

#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "log.h"

#define ROWS_MAX 8 /* of connections that do not hold the port, without --wide */

struct who {
	struct ask ask;
	struct filter_ports all; /* of all operands; and of them, by transport */
	struct filter_ports asked[2];
	const struct socket **sockets;
	size_t count;
	bool some; /* somebody holds something */
};

static enum transport transport_of(const struct socket *socket)
{
	return socket->kind == PT_DATAGRAM ? TRANSPORT_UDP : TRANSPORT_TCP;
}

/* A line of its own on top of a port's sockets. */
static void put_title(struct who *who, const struct socket *socket)
{
	if (who->some)
		text_char(&who->ask.text, '\n');
	format_who_port(&who->ask.text, &who->ask.config, socket->local.port, transport_of(socket),
			socket->flags & PT_EPHEMERAL);
}

static void put_full(struct who *who, const struct socket *socket)
{
	struct event event;

	query_event(who->ask.query, socket, &event);
	format_who_socket(&who->ask.text, &who->ask.config, &event,
			  query_holds(who->ask.query, socket));
}

static bool same_port(const struct socket *a, const struct socket *b)
{
	return a->local.port == b->local.port && transport_of(a) == transport_of(b);
}

/* The sockets of one port, which begin at from; the first of another one. */
static size_t put_port(struct who *who, size_t from)
{
	const struct socket *first = who->sockets[from];
	size_t rows = 0, i;

	put_title(who, first);
	who->some = true;
	for (i = from; i < who->count && same_port(who->sockets[i], first); i++) {
		const struct socket *socket = who->sockets[i];

		if (!query_holds(who->ask.query, socket) && rows++ >= ROWS_MAX &&
		    !who->ask.options->wide)
			continue;
		put_full(who, socket);
		if (ask_flush(&who->ask, false))
			break;
	}
	if (!who->ask.options->wide && rows > ROWS_MAX) {
		TEXT_LITERAL(&who->ask.text, "  and ");
		text_number(&who->ask.text, rows - ROWS_MAX);
		TEXT_LITERAL(&who->ask.text, " more connections; --wide shows them\n");
	}
	return i;
}

static void put_all(struct who *who)
{
	size_t i = 0;

	if (who->ask.options->json) {
		for (; i < who->count; i++)
			ask_put(&who->ask, who->sockets[i]);
		who->some = who->count;
		return;
	}
	while (i < who->count)
		i = put_port(who, i);
}

static bool is_asked(const struct filter_ports *ports, const struct socket *socket)
{
	bool udp = transport_of(socket) == TRANSPORT_UDP;

	return filter_port_has(ports, socket->local.port) && (udp ? !ports->tcp : !ports->udp);
}

/* One line for each operand that nobody holds a port of. */
static void say_nobody(const struct who *who, const struct options *options)
{
	for (size_t i = 0; i < options->operand_count; i++) {
		bool found = false;

		for (size_t j = 0; j < who->count && !found; j++)
			found = is_asked(&options->asked[i], who->sockets[j]);
		if (!found)
			log_info("nobody holds %s", options->operands[i]);
	}
}

static void unite(struct filter_ports *all, const struct filter_ports *more)
{
	for (size_t word = 0; word < sizeof(all->bits) / sizeof(all->bits[0]); word++)
		all->bits[word] |= more->bits[word];
}

static void unite_operands(struct who *who, const struct options *options)
{
	for (size_t i = 0; i < options->operand_count; i++) {
		const struct filter_ports *ports = &options->asked[i];

		unite(&who->all, ports);
		if (!ports->udp)
			unite(&who->asked[TRANSPORT_TCP], ports);
		if (!ports->tcp)
			unite(&who->asked[TRANSPORT_UDP], ports);
	}
}

/* Of those with a port that was asked for: not of the other transport. */
static void leave_others(struct who *who)
{
	size_t left = 0;

	for (size_t i = 0; i < who->count; i++) {
		const struct socket *socket = who->sockets[i];

		if (filter_port_has(&who->asked[transport_of(socket)], socket->local.port))
			who->sockets[left++] = socket;
	}
	who->count = left;
}

static int answer(struct who *who, const struct options *options)
{
	struct filter filter = options->filter;
	int status;

	filter.local_ports = who->all;
	if (query_sort(who->ask.query, &filter, true, &who->sockets, &who->count)) {
		log_error("no memory");
		return EXIT_RUNTIME;
	}
	leave_others(who);
	put_all(who);
	say_nobody(who, options);
	status = ask_flush(&who->ask, true);
	if (!status && !who->some)
		status = EXIT_RUNTIME;
	return status;
}

int cmd_who(const struct options *options, const struct services *services)
{
	struct who *who = calloc(1, sizeof(*who));
	struct ask_config config = { .command = "who", .args = true, .show_args = true };
	int status;

	if (!who) {
		log_error("no memory");
		return EXIT_RUNTIME;
	}
	unite_operands(who, options);
	config.ports = who->all.bits;
	status = ask_open(&who->ask, options, services, &config) ?: answer(who, options);
	ask_close(&who->ask);
	free((void *)who->sockets);
	free(who);
	return status;
}
