// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * See ask.h.  Nothing runs in the kernel but the iterators, and only while it looks.
 */
#include "ask.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "netns.h"
#include "output.h"
#include "probe_list.h"
#include "rights.h"

#define FLUSH_BYTES (256 * 1024)

static void configure(struct ask *ask, const struct services *services, bool args)
{
	const struct options *options = ask->options;
	struct stat own;
	char name[64];

	machine_read(&ask->machine);
	ask->config.own_netns = stat("/proc/self/ns/net", &own) ? 0 : (uint32_t)own.st_ino;
	ask->config.namespaces = ask->namespaces;
	ask->config.format = (struct format_config){
		.services = services,
		.host = ask->machine.host,
		.boot_id = ask->machine.boot_id,
		.kernel = ask->machine.kernel,
		.version = PORTTRACE_VERSION,
		.args = args,
		.wide = options->wide,
		.numeric = options->numeric,
		.utc = options->utc,
	};
	output_terminal(&ask->config.format, options);
	ask->config.own_processes = !rights_see_processes("", name, sizeof(name));
	ask->json.format = &format_json;
	ask->json.config = ask->config.format;
}

static int look(struct ask *ask, const struct ask_config *config)
{
	const struct filter *filter = &ask->options->filter;
	struct probe_list_config probe = {
		.command = config->command,
		.ports = config->ports,
		.listening = config->listening,
		.ipv4 = filter->ipv4,
		.ipv6 = filter->ipv6,
		.tcp = filter->tcp,
		.udp = filter->udp,
		.namespaces = ask->namespaces,
		.netns = filter->netns,
		.netns_count = filter->netns_count,
	};

	return output_status(probe_list(&probe, query_record, ask->query));
}

int ask_prepare(struct ask *ask, const struct options *options, const struct services *services,
		const struct ask_config *config)
{
	int err;

	memset(ask, 0, sizeof(*ask));
	ask->fd = -1;
	ask->options = options;
	(void)signal(SIGPIPE, SIG_IGN);
	err = netns_find(&ask->namespaces);
	if (err) {
		log_error("the network namespaces can't be listed: %s", strerror(-err));
		return EXIT_RUNTIME;
	}
	configure(ask, services, options->args || config->show_args);
	ask->query = query_new(config->args);
	if (!ask->query) {
		log_error("no memory");
		return EXIT_RUNTIME;
	}
	return output_open(&ask->fd, options->output);
}

int ask_open(struct ask *ask, const struct options *options, const struct services *services,
	     const struct ask_config *config)
{
	return ask_prepare(ask, options, services, config) ?: look(ask, config);
}

void ask_close(struct ask *ask)
{
	if (ask->fd > STDOUT_FILENO)
		close(ask->fd);
	query_free(ask->query);
	netns_free(ask->namespaces);
	text_free(&ask->text);
}

void ask_put(struct ask *ask, const struct socket *socket)
{
	struct event event;

	query_event(ask->query, socket, &event);
	event.sequence = ++ask->sequence;
	if (ask->options->json)
		format_event(&ask->json, &ask->text, &event);
	else
		format_list_row(&ask->text, &ask->config, &event);
}

int ask_flush(struct ask *ask, bool last)
{
	int err;

	if (ask->text.failed) {
		log_error("no memory");
		return EXIT_RUNTIME;
	}
	if (!ask->text.len || (ask->text.len < FLUSH_BYTES && !last))
		return EXIT_DONE;
	err = output_write(ask->fd, &ask->text);
	if (!err || err == -EPIPE)
		return EXIT_DONE;
	log_error("the output failed: %s", strerror(-err));
	return EXIT_OUTPUT;
}
