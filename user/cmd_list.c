// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What ss shows, and what it can't: all processes of a socket, those of all network
 * namespaces, sockets that are bound and do not listen.  See cmd_list.h.
 */
#include "cmd_list.h"

#include <stdlib.h>

#include "ask.h"
#include "log.h"

/* Local ports alone may be looked for in the kernel; a peer is found among what comes. */
static const uint64_t *kernel_ports(const struct filter *filter)
{
	return filter->local_ports.any ? NULL : filter->local_ports.bits;
}

/* It has a remote end. */
static bool is_busy(const struct socket *socket)
{
	return socket->kind == PT_CONNECTION ||
	       (socket->kind == PT_DATAGRAM && socket->remote.port);
}

static int put_all(struct ask *ask, const struct filter *filter)
{
	const struct socket **sockets = NULL;
	size_t count = 0;
	int status = EXIT_DONE;

	if (query_sort(ask->query, filter, false, &sockets, &count)) {
		log_error("no memory");
		return EXIT_RUNTIME;
	}
	if (!ask->options->json)
		format_list_header(&ask->text, &ask->config);
	for (size_t i = 0; i < count && !status; i++) {
		if (ask->options->listening && is_busy(sockets[i]))
			continue;
		ask_put(ask, sockets[i]);
		status = ask_flush(ask, false);
	}
	free((void *)sockets);
	return status ?: ask_flush(ask, true);
}

int cmd_list(const struct options *options, const struct services *services)
{
	struct ask_config config = {
		.command = "list",
		.listening = options->listening,
		.ports = kernel_ports(&options->filter),
		.args = options->args || options->wide,
	};
	struct ask ask;
	int status = ask_open(&ask, options, services, &config);

	if (!status)
		status = put_all(&ask, &options->filter);
	ask_close(&ask);
	return status;
}
