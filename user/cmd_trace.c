// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Trace, live: open everything, attach, drain until told to stop, drain once more.
 * The loop sleeps in epoll; a signal, the end of --duration, a ring that fills and
 * the flush interval each wake it.
 */
#include "cmd_trace.h"

#include <errno.h>
#include <fcntl.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "child.h"
#include "clock.h"
#include "cmd_sink.h"
#include "cmd_service.h"
#include "format.h"
#include "log.h"
#include "machine.h"
#include "output.h"
#include "pipeline.h"
#include "probe.h"
#include "services.h"
#include "sink.h"

#define TERMINAL_INTERVAL 50000000ULL /* ns from an event to its line, at most */
#define FILE_INTERVAL 500000000ULL
#define LOOK_INTERVAL NS_PER_S
#define PRIORITY (-10) /* as nice(1) counts */
#define CROWD 20000    /* sockets whose memory is worth giving back */
#define SWEEP_INTERVAL (10 * NS_PER_S)

struct trace {
	const struct options *options;
	const struct services *services;
	struct child *child; /* porttrace run; NULL: everything is traced */
	struct filter filter;
	struct machine machine;
	struct cmd_sink output;
	struct cmd_service service;
	struct probe *probe;
	struct pipeline *pipeline;
	uint64_t ports[65536 / 64]; /* those that the kernel side may filter by */
	uint64_t interval;
	uint64_t next_look; /* boot time */
	uint64_t next_sweep;
	uint64_t seen, swept; /* what the kernel side has seen, now and at the latest sweep */
	uint64_t skipped;     /* runs of hooks, at the latest look */
	size_t most;          /* sockets, since memory was given back */
	int signals;          /* a signalfd */
	int epoll;
	bool full; /* the pipe or terminal: it is told when there is room again */
};

static void on_record(void *context, const void *data, size_t size)
{
	struct trace *trace = context;

	pipeline_record(trace->pipeline, data, size);
	/* Wait for a slow reader as long as the ring has room for what happens meanwhile. */
	while (!sink_has_room(trace->output.sink) && probe_ring_used(trace->probe) < 0.5 &&
	       cmd_sink_wait(&trace->output, trace->pipeline, trace->signals))
		;
}

static void on_found(void *context, const void *data, size_t size)
{
	struct trace *trace = context;

	pipeline_found(trace->pipeline, data, size);
}

/* Who holds a port, for the explanation of a failed bind. */
static int ask(void *context, enum explain_quest quest, uint32_t netns, uint16_t port)
{
	struct trace *trace = context;

	return probe_find(trace->probe,
			  quest == EXPLAIN_DESCRIPTORS ? PROBE_DESCRIPTORS : PROBE_WAITS, netns,
			  port, on_found, trace);
}

/*
 * Which ports the kernel side may look for; NULL: it can't filter by them.  A filter on
 * one end becomes one on either: the other end's records name the peer.
 */
static const uint64_t *kernel_ports(struct trace *trace)
{
	const struct filter *filter = &trace->options->filter;
	const struct filter_ports *sets[] = { &filter->ports, &filter->local_ports,
					      &filter->remote_ports };
	bool some = false;

	memset(trace->ports, 0xff, sizeof(trace->ports));
	for (size_t set = 0; set < sizeof(sets) / sizeof(sets[0]); set++) {
		if (sets[set]->any)
			continue;
		/* Kinds combine, but each may match at another end: any one of them will do. */
		if (!some)
			memcpy(trace->ports, sets[set]->bits, sizeof(trace->ports));
		some = true;
	}
	return some ? trace->ports : NULL;
}

static int open_pipeline(struct trace *trace)
{
	const struct options *options = trace->options;
	struct pipeline_config config = {
		.filter = &trace->filter,
		.format = options->json ? &format_json : &format_table,
		.sink = trace->output.sink,
		.want_args = options->args || options->wide,
		.show_open = options->snapshot,
		.limit = options->count,
		.ask = ask,
		.ask_context = trace,
		.format_config = {
			.services = trace->services,
			.host = trace->machine.host,
			.boot_id = trace->machine.boot_id,
			.kernel = trace->machine.kernel,
			.version = PORTTRACE_VERSION,
			.args = options->args,
			.wide = options->wide,
			.numeric = options->numeric,
			.utc = options->utc,
		},
	};

	output_terminal(&config.format_config, options);
	trace->pipeline = pipeline_new(&config);
	if (trace->pipeline)
		return EXIT_DONE;
	log_error("no memory");
	return EXIT_RUNTIME;
}

_Static_assert((int)HOOKS_FUNCTIONS == (int)PROBE_FUNCTIONS && (int)HOOKS_CALLS == (int)PROBE_CALLS,
	       "the option's words are the probe's ways");

static int open_probe(struct trace *trace)
{
	const struct options *options = trace->options;
	struct probe_config config = {
		.ring_size = options->ring_size,
		.states = options->filter.actions & 1U << EVENT_STATE,
		.ipv4 = options->filter.ipv4,
		.ipv6 = options->filter.ipv6,
		.tcp = options->filter.tcp,
		.udp = options->filter.udp,
		.ports = kernel_ports(trace),
		.way = (enum probe_way)options->hooks,
		.root = trace->child ? (uint32_t)trace->child->pid : 0,
	};

	return output_status(probe_open(&trace->probe, &config, on_record, trace));
}

/* Signals become readable, so that they arrive between two records and not within one. */
static int open_events(struct trace *trace)
{
	struct epoll_event event = { .events = EPOLLIN };
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGHUP);
	(void)sigaddset(&set, SIGCHLD);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	trace->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	trace->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (trace->signals < 0 || trace->epoll < 0)
		goto failed;
	event.data.fd = trace->signals;
	if (epoll_ctl(trace->epoll, EPOLL_CTL_ADD, trace->signals, &event))
		goto failed;
	event.data.fd = probe_fd(trace->probe);
	if (epoll_ctl(trace->epoll, EPOLL_CTL_ADD, event.data.fd, &event))
		goto failed;
	/* A reader that goes away, also while there is nothing to write; a file can't. */
	event.events = 0;
	event.data.fd = STDOUT_FILENO;
	if (!trace->options->output)
		(void)epoll_ctl(trace->epoll, EPOLL_CTL_ADD, STDOUT_FILENO, &event);
	return EXIT_DONE;
failed:
	log_error("can't wait for events: %s", strerror(errno));
	return EXIT_RUNTIME;
}

/*
 * With CONFIG_SCHED_AUTOGROUP nice values count among the processes of one session only, and
 * each session has a nice value of its own.  A service is a session; a terminal's is not ours.
 */
static void take_group_priority(void)
{
	int fd = getsid(0) == getpid() ? open("/proc/self/autogroup", O_WRONLY | O_CLOEXEC) : -1;

	if (fd < 0)
		return;
	(void)!dprintf(fd, "%d", PRIORITY);
	close(fd);
}

/*
 * Who records has to keep up with all those who make the events, or loses records: among 24 of
 * them it had a twelfth of a CPU, and took 4.5 s to begin.  auditd does the same.  A priority that
 * somebody chose stays.
 */
static void take_priority(void)
{
	errno = 0;
	if (!getpriority(PRIO_PROCESS, 0) && !errno && !setpriority(PRIO_PROCESS, 0, PRIORITY))
		take_group_priority();
}

static const char *transports(const struct filter *filter)
{
	if (filter->tcp == filter->udp)
		return "TCP and UDP";
	return filter->tcp ? "TCP" : "UDP";
}

/* Attach, and take in what was there before.  Then everything that happens is seen. */
static int start(struct trace *trace)
{
	int err = probe_attach(trace->probe);

	if (err)
		return output_status(err);
	pipeline_start(trace->pipeline, probe_hooks(trace->probe));
	err = probe_snapshot(trace->probe);
	if (err)
		return output_status(err);
	pipeline_live(trace->pipeline);
	trace->next_sweep = clock_boot() + SWEEP_INTERVAL;
	(void)cmd_sink_flush(&trace->output, trace->pipeline);
	cmd_service_drop_privileges(trace->options);
	log_info(trace->child ? "tracing %s of this command and what it starts"
			      : "tracing %s in every network namespace, Ctrl-C ends it",
		 transports(&trace->options->filter));
	cmd_service_ready(&trace->service, trace->pipeline);
	if (trace->child)
		child_release(trace->child);
	return EXIT_DONE;
}

/* A command decides what a signal means; a terminal sends SIGINT to it as well. */
static void pass_on(const struct trace *trace, uint32_t signal)
{
	if (signal != SIGINT && signal != SIGCHLD)
		(void)kill(trace->child->pid, (int)signal);
}

/* true: go on. */
static bool handle_signals(struct trace *trace)
{
	struct signalfd_siginfo info;
	bool go_on = true;

	while (read(trace->signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGHUP && trace->options->output) {
			cmd_sink_reopen(&trace->output, trace->pipeline);
			cmd_service_reload(&trace->service);
		} else if (trace->child) {
			pass_on(trace, info.ssi_signo);
		} else if (info.ssi_signo != SIGCHLD) {
			go_on = false;
		}
	}
	/* It may have ended before SIGCHLD was waited for. */
	return go_on && !(trace->child && child_ended(trace->child));
}

/* A crowd of sockets that has gone leaves its memory to the C library, which would keep it. */
static void give_back(struct trace *trace)
{
	size_t sockets = pipeline_sockets(trace->pipeline);

	if (sockets > trace->most)
		trace->most = sockets;
	if (trace->most < CROWD || sockets > trace->most / 4)
		return;
	trace->most = sockets;
#ifdef __GLIBC__
	(void)malloc_trim(0);
#endif
}

/*
 * What is not worth a look at each turn.  A sweep takes 20 ms and about 0.2 us for each
 * living socket: none while nothing happens, and a thousandth of the time at most.
 */
static void look(struct trace *trace, bool last)
{
	uint64_t now = clock_boot();
	bool recall = pipeline_doubts(trace->pipeline);

	if (now < trace->next_look && !last)
		return;
	trace->next_look = now + LOOK_INTERVAL;
	give_back(trace);
	trace->skipped = probe_skipped(trace->probe);
	if ((now < trace->next_sweep || trace->seen == trace->swept) && !recall && !last)
		return;
	trace->swept = trace->seen;
	if (!probe_sweep(trace->probe, recall) && recall)
		pipeline_believe(trace->pipeline);
	pipeline_settle(trace->pipeline);
	trace->next_sweep = now + SWEEP_INTERVAL + 1000 * (clock_boot() - now);
}

/* Drain the ring, count, write.  true: go on. */
static bool turn(struct trace *trace)
{
	struct pt_counts counts;

	cmd_service_ring(&trace->service, probe_ring_used(trace->probe));
	(void)probe_drain(trace->probe);
	pipeline_settle(trace->pipeline);
	look(trace, false);
	if (!probe_counts(trace->probe, &counts)) {
		trace->seen = counts.seen;
		pipeline_account(trace->pipeline, &counts, trace->skipped);
	}
	if (!cmd_sink_flush(&trace->output, trace->pipeline))
		return false;
	cmd_service_turn(&trace->service, trace->pipeline);
	return !pipeline_done(trace->pipeline);
}

/* A pipe or terminal that is full says when it has room again. */
static void watch_output(struct trace *trace)
{
	struct epoll_event event = { .data.fd = STDOUT_FILENO };
	bool full = trace->output.error == -EAGAIN;

	if (full == trace->full)
		return;
	event.events = full ? EPOLLOUT : 0;
	(void)epoll_ctl(trace->epoll, EPOLL_CTL_MOD, STDOUT_FILENO, &event);
	trace->full = full;
}

/* Sleep until something happens, or wait ns.  false: nobody reads the output any more. */
static bool rest(struct trace *trace, uint64_t wait)
{
	uint64_t now = clock_boot(), end = now + wait;

	while (now < end) {
		struct epoll_event events[3];
		bool room = false, other = false;
		int count;

		watch_output(trace);
		count = epoll_wait(trace->epoll, events, 3, (int)((end - now + 999999) / 1000000));
		for (int i = 0; i < count; i++) {
			bool output = events[i].data.fd == STDOUT_FILENO;

			if (output && events[i].events & (EPOLLERR | EPOLLHUP))
				return false;
			room |= output;
			other |= !output;
		}
		if (room && !cmd_sink_flush(&trace->output, trace->pipeline))
			return false;
		if (other || count <= 0)
			break;
		now = clock_boot();
	}
	return true;
}

static void loop(struct trace *trace)
{
	uint64_t end = trace->options->duration ? clock_boot() + trace->options->duration
						: UINT64_MAX;

	while (turn(trace)) {
		uint64_t now = clock_boot(), wait = trace->interval;

		if (now >= end)
			break;
		if (end - now < wait)
			wait = end - now;
		if (!rest(trace, wait) || !handle_signals(trace))
			break;
	}
}

static void say_totals(const struct trace *trace)
{
	struct event_totals totals = pipeline_totals(trace->pipeline);
	uint64_t lost = 0, bad = pipeline_bad(trace->pipeline);

	for (int stage = 0; stage < LOST_STAGES; stage++)
		lost += totals.lost[stage];
	log_info("seen %llu, written %llu, filtered %llu, lost %llu",
		 (unsigned long long)totals.seen, (unsigned long long)totals.written,
		 (unsigned long long)totals.filtered, (unsigned long long)lost);
	log_verbose("the kernel skipped hooks %llu times, told later %llu; records that make no "
		    "sense: %llu",
		    (unsigned long long)totals.skipped, (unsigned long long)totals.late,
		    (unsigned long long)bad);
}

/* A last look, while what it finds may be told; hooks off, and the ring drained once more. */
static int stop(struct trace *trace)
{
	int status;

	(void)probe_drain(trace->probe);
	look(trace, true);
	probe_detach(trace->probe);
	(void)turn(trace);
	/* So that the last records can tell of the losses before. */
	cmd_sink_drain(&trace->output, trace->pipeline, trace->signals);
	pipeline_stop(trace->pipeline);
	status = cmd_sink_end(&trace->output, trace->pipeline, trace->signals);
	say_totals(trace);
	cmd_service_end(&trace->service, trace->pipeline);
	return status;
}

int cmd_trace(const struct options *options, const struct services *services)
{
	return cmd_trace_child(options, services, NULL);
}

int cmd_trace_child(const struct options *options, const struct services *services,
		    struct child *child)
{
	struct trace trace = {
		.options = options,
		.services = services,
		.child = child,
		.signals = -1,
		.epoll = -1,
		.service.notify.fd = -1,
	};
	int status;

	trace.filter = options->filter; /* shares what that owns */
	trace.filter.tree = child;

	take_priority();
	machine_read(&trace.machine);
	trace.interval = options->flush_interval;
	if (!trace.interval)
		trace.interval = !options->output && isatty(STDOUT_FILENO) ? TERMINAL_INTERVAL
									   : FILE_INTERVAL;
	status = open_probe(&trace) ?: cmd_sink_open(&trace.output, options) ?:
		 cmd_service_open(&trace.service, options, trace.machine.kernel) ?: open_pipeline(&trace) ?:
		 open_events(&trace) ?: start(&trace);
	if (!status) {
		loop(&trace);
		status = stop(&trace);
	}
	if (child && child->ended)
		status = child_exit_status(child);
	probe_free(trace.probe);
	pipeline_free(trace.pipeline);
	cmd_sink_free(&trace.output);
	cmd_service_free(&trace.service);
	if (trace.epoll >= 0)
		close(trace.epoll);
	if (trace.signals >= 0)
		close(trace.signals);
	return status;
}
