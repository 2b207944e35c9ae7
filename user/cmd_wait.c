// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * See cmd_wait.h.  The tracer's hooks wake it: nothing is asked again and again.  They are
 * attached before what is there is looked at, so nothing falls in between.
 */
#include "cmd_wait.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "ask.h"
#include "clock.h"
#include "log.h"
#include "output.h"
#include "probe.h"

#define RING (1UL << 18)
/* What no record told is looked for so often. */
#define SWEEP_INTERVAL (10 * NS_PER_S)

struct wait {
	struct ask ask;
	struct probe *probe;
	const struct options *options;
	uint16_t port;
	bool udp;            /* else TCP */
	uint64_t end;        /* boot time; UINT64_MAX: never */
	uint64_t next_sweep; /* boot time */
	uint64_t lost;       /* records, at the latest sweep */
	int signals;         /* a signalfd */
	int epoll;
};

/* It listens; or it is bound and gets datagrams from everybody. */
static bool serves(const struct socket *socket)
{
	return !socket->closed && (socket->kind == PT_LISTENER ||
				   (socket->kind == PT_DATAGRAM && !socket->remote.port));
}

/* The next socket of that port that counts after one, NULL: the first. */
static const struct socket *next_socket(const struct wait *wait, const struct socket *after)
{
	while ((after = query_at_port(wait->ask.query, wait->port, after))) {
		struct event event;

		if ((after->kind == PT_DATAGRAM) != wait->udp)
			continue;
		if (wait->options->free ? !query_holds(wait->ask.query, after) : !serves(after))
			continue;
		query_event(wait->ask.query, after, &event);
		if (query_passes(&wait->options->filter, &event))
			return after;
	}
	return NULL;
}

static bool happened(const struct wait *wait)
{
	return !next_socket(wait, NULL) == wait->options->free;
}

static uint16_t only_port(const struct filter_ports *ports)
{
	uint16_t port = 1;

	while (!filter_port_has(ports, port))
		port++;
	return port;
}

static bool is_udp(const struct options *options)
{
	return options->asked[0].udp || (options->filter.udp && !options->filter.tcp);
}

static int open_events(struct wait *wait)
{
	struct epoll_event event = { .events = EPOLLIN };
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGTERM);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	wait->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	wait->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (wait->signals < 0 || wait->epoll < 0)
		goto failed;
	event.data.fd = wait->signals;
	if (epoll_ctl(wait->epoll, EPOLL_CTL_ADD, wait->signals, &event))
		goto failed;
	event.data.fd = probe_fd(wait->probe);
	if (epoll_ctl(wait->epoll, EPOLL_CTL_ADD, event.data.fd, &event))
		goto failed;
	return EXIT_DONE;
failed:
	log_error("can't wait for events: %s", strerror(errno));
	return EXIT_RUNTIME;
}

/* Hooks on, then what is there already. */
static int start(struct wait *wait)
{
	struct probe_config config = {
		.ring_size = RING,
		.wake_bytes = 1, /* at once */
		.ports = wait->options->asked[0].bits,
	};
	int err = probe_open(&wait->probe, &config, query_record, wait->ask.query);

	if (!err)
		err = probe_attach(wait->probe);
	if (!err)
		err = probe_snapshot(wait->probe);
	if (err)
		return output_status(err);
	(void)probe_drain(wait->probe);
	wait->next_sweep = clock_boot() + SWEEP_INTERVAL;
	return open_events(wait);
}

/* What no record told, because a hook was skipped or the ring was full. */
static void sweep(struct wait *wait)
{
	struct pt_counts counts = {};
	bool recall;

	(void)probe_counts(wait->probe, &counts);
	recall = counts.lost_ring + counts.lost_processes != wait->lost;
	wait->lost = counts.lost_ring + counts.lost_processes;
	if (recall)
		query_doubt(wait->ask.query);
	if (!probe_sweep(wait->probe, recall) && recall)
		query_believe(wait->ask.query);
	wait->next_sweep = clock_boot() + SWEEP_INTERVAL;
}

/* Sleep until there is news.  false: a signal came, or the time is over. */
static bool rest(struct wait *wait)
{
	uint64_t now = clock_boot(), until = wait->end;
	struct epoll_event events[2];
	int count;

	if (now >= wait->end)
		return false;
	if (wait->next_sweep < until)
		until = wait->next_sweep;
	count = epoll_wait(wait->epoll, events, 2,
			   until > now ? (int)((until - now + 999999) / 1000000) : 0);
	for (int i = 0; i < count; i++)
		if (events[i].data.fd == wait->signals)
			return false;
	(void)probe_drain(wait->probe);
	if (clock_boot() >= wait->next_sweep)
		sweep(wait);
	return true;
}

static int tell(struct wait *wait)
{
	const char *port = wait->options->operands[0];
	const struct socket *socket = NULL;
	struct event event;

	if (wait->options->free) {
		log_info("%s is free", port);
		return EXIT_DONE;
	}
	while ((socket = next_socket(wait, socket))) {
		if (wait->options->json) {
			ask_put(&wait->ask, socket);
			continue;
		}
		query_event(wait->ask.query, socket, &event);
		format_who_socket(&wait->ask.text, &wait->ask.config, &event, false);
	}
	return ask_flush(&wait->ask, true);
}

static int run(struct wait *wait)
{
	const char *port = wait->options->operands[0];
	int status = start(wait);

	if (status)
		return status;
	if (!happened(wait))
		log_info("waiting until %s %s",
			 wait->options->free ? "nobody holds" : "somebody listens on", port);
	while (!happened(wait)) {
		if (rest(wait))
			continue;
		if (clock_boot() >= wait->end)
			log_info("timed out: %s %s",
				 wait->options->free ? "somebody still holds" : "nobody listens on",
				 port);
		return EXIT_RUNTIME;
	}
	return tell(wait);
}

int cmd_wait(const struct options *options, const struct services *services)
{
	struct wait wait = {
		.options = options,
		.port = only_port(&options->asked[0]),
		.udp = is_udp(options),
		.end = options->timeout ? clock_boot() + options->timeout : UINT64_MAX,
		.signals = -1,
		.epoll = -1,
	};
	struct ask_config config = { .command = "wait", .args = true, .show_args = true };
	int status = ask_prepare(&wait.ask, options, services, &config) ?: run(&wait);

	probe_free(wait.probe);
	ask_close(&wait.ask);
	if (wait.epoll >= 0)
		close(wait.epoll);
	if (wait.signals >= 0)
		close(wait.signals);
	return status;
}
