// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * See probe.h.  Which programs are used is decided in hooks.c.
 */
#include "probe.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/version.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "clock.h"
#include "hooks.h"
#include "log.h"
#include "netns.h"
#include "porttrace.skel.h"
#include "probe_iter.h"
#include "probe_walk.h"
#include "rights.h"

#define RING_DEFAULT (8UL << 20)
#define SOCKETS_MAX (1U << 20) /* a bucket of 16 bytes is allocated for each */
#define SOCKETS_MIN (1U << 16)
#define CALLS_MAX (1U << 16)

struct probe {
	struct porttrace_bpf *skel;
	struct hooks hooks;
	struct ring_buffer *ring;
	const volatile unsigned long *taken, *given; /* bytes, the kernel's pages of the ring */
	probe_record record;
	void *context;
	char names[1024];
	bool sweep_failed; /* that was said */
};

/* A message may be the verifier's log, of many lines. */
static int print_libbpf(enum libbpf_print_level level, const char *format, va_list args)
{
	char *text, *rest, *line;

	if (level == LIBBPF_DEBUG || vasprintf(&text, format, args) < 0)
		return 0;
	rest = text;
	while ((line = strsep(&rest, "\n")))
		if (*line)
			log_verbose("%s", line);
	free(text);
	return 0;
}

static int on_record(void *context, void *data, size_t size)
{
	struct probe *probe = context;

	probe->record(probe->context, data, size);
	return 0;
}

/* One for each 16 KiB of memory: a TCP socket takes a good part of that. */
static uint32_t max_sockets(void)
{
	uint64_t memory = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
	uint32_t sockets = SOCKETS_MAX;

	while (sockets > SOCKETS_MIN && sockets > memory / 16384)
		sockets /= 2;
	return sockets;
}

static uint16_t highest_port(const uint64_t ports[65536 / 64])
{
	uint16_t port = UINT16_MAX;

	while (port && !(ports[port / 64] >> port % 64 & 1))
		port--;
	return port;
}

static void configure(struct porttrace_bpf *skel, const struct probe_config *config)
{
	uint64_t ring = config->ring_size ?: RING_DEFAULT;

	(void)bpf_map__set_max_entries(skel->maps.ring, (uint32_t)ring);
	(void)bpf_map__set_max_entries(skel->maps.sockets, max_sockets());
	if (hooks_kernel_version() < KERNEL_VERSION(5, 11, 0)) /* has_sock_storage() */
		(void)bpf_map__set_max_entries(skel->maps.exchanged_old, SOCKETS_MIN);
	if (hooks_kernel_version() < KERNEL_VERSION(5, 12, 0)) { /* has_task_storage() */
		(void)bpf_map__set_max_entries(skel->maps.calls, CALLS_MAX);
		(void)bpf_map__set_autocreate(skel->maps.calls_of_threads, false);
	}
	skel->rodata->limit_bytes = ring / 8 * 7;
	if (ring / 8 < skel->rodata->wake_bytes)
		skel->rodata->wake_bytes = ring / 8;
	if (config->wake_bytes)
		skel->rodata->wake_bytes = config->wake_bytes;
	skel->rodata->tick = clock_tick();
	skel->rodata->tell_states = config->states;
	if (config->ipv4 != config->ipv6)
		skel->rodata->only_family = config->ipv4 ? 2 : 10; /* AF_INET, AF_INET6 */
	skel->rodata->see_udp = config->udp || !config->tcp;
	if (getrandom((void *)&skel->rodata->tag_secret, sizeof(skel->rodata->tag_secret), 0) < 0)
		skel->rodata->tag_secret = (uint64_t)getpid();
	if (config->ports) {
		skel->rodata->only_ports = true;
		memcpy((void *)skel->rodata->ports, config->ports, sizeof(skel->rodata->ports));
		skel->rodata->highest_port = highest_port(config->ports);
	}
}

/*
 * Up to 6.0 the kernel warns of tracepoints' programs that allocate (96da3f7d489d): so the
 * maps get their memory at once, and are smaller.
 */
static void preallocate(struct porttrace_bpf *skel)
{
	static const uint32_t sockets = 1U << 16, others = 1U << 13;

	(void)bpf_map__set_map_flags(skel->maps.sockets, 0);
	(void)bpf_map__set_map_flags(skel->maps.calls, 0);
	(void)bpf_map__set_map_flags(skel->maps.processes, 0);
	(void)bpf_map__set_map_flags(skel->maps.tree, 0);
	(void)bpf_map__set_max_entries(skel->maps.sockets, sockets);
	if (bpf_map__max_entries(skel->maps.calls) > others)
		(void)bpf_map__set_max_entries(skel->maps.calls, others);
	(void)bpf_map__set_max_entries(skel->maps.processes, others);
	(void)bpf_map__set_max_entries(skel->maps.tree, others);
}

static const volatile unsigned long *map_page(int fd, long number)
{
	long page = sysconf(_SC_PAGESIZE);
	void *mapped = mmap(NULL, (size_t)page, PROT_READ, MAP_SHARED, fd, number * page);

	return mapped == MAP_FAILED ? NULL : mapped;
}

/* How far both sides are in the ring; libbpf 1.1 does not tell. */
static void map_positions(struct probe *probe)
{
	int fd = bpf_map__fd(probe->skel->maps.ring);

	probe->taken = map_page(fd, 0);
	probe->given = map_page(fd, 1);
}

static void unmap_page(const volatile unsigned long *mapped)
{
	if (mapped)
		(void)munmap((void *)mapped, (size_t)sysconf(_SC_PAGESIZE));
}

/* functions: programs may be attached to functions of the kernel, if it grants that. */
static int load_programs(struct probe *probe, const struct probe_config *config, bool functions)
{
	uint8_t yes = 1;
	int err;

	probe->skel = porttrace_bpf__open();
	if (!probe->skel)
		return -errno;
	hooks_forgo_modules(probe->skel->obj);
	configure(probe->skel, config);
	hooks_choose(&probe->hooks, probe->skel->obj, functions, config->udp || !config->tcp);
	if (hooks_need_memory(&probe->hooks))
		preallocate(probe->skel);
	probe->skel->rodata->only_tree = config->root;
	probe->skel->rodata->kernel_version = probe->hooks.kernel;
	probe->skel->rodata->uring_opcodes = hooks_uring_opcodes(&probe->hooks);
	if (hooks_see_ends_only(&probe->hooks, FACT_LISTEN))
		probe->skel->rodata->listen_number = SYS_listen;
	if (hooks_see_ends_only(&probe->hooks, FACT_CONNECT))
		probe->skel->rodata->connect_number = SYS_connect;
	err = porttrace_bpf__load(probe->skel);
	if (!err && config->root)
		err = bpf_map_update_elem(bpf_map__fd(probe->skel->maps.tree), &config->root, &yes,
					  BPF_ANY);
	return err ?: hooks_try(&probe->hooks);
}

/* Said once: what this kernel's hooks do not show. */
static void say_choice(struct probe *probe)
{
	const char *missed = hooks_missed(&probe->hooks);

	hooks_names(&probe->hooks, FACTS, probe->names, sizeof(probe->names));
	log_verbose("fentry and fexit: %s", hooks_use_functions(&probe->hooks) ? "in use"
					    : probe->hooks.refusal[0] ? probe->hooks.refusal
								      : "not asked for");
	if (missed)
		log_info("not seen here: %s (porttrace doctor tells why)", missed);
}

static int load(struct probe *probe, const struct probe_config *config)
{
	int err = load_programs(probe, config, config->way != PROBE_CALLS);

	if (config->way == PROBE_FUNCTIONS && (err || probe->hooks.refusal[0])) {
		log_error("--hooks functions: %s; without it, system calls are traced instead",
			  probe->hooks.refusal[0] ? probe->hooks.refusal : strerror(-err));
		return -ENOTSUP;
	}
	if (err && hooks_use_functions(&probe->hooks)) {
		log_verbose("loading again without fentry and fexit: %s", strerror(-err));
		hooks_detach(&probe->hooks);
		porttrace_bpf__destroy(probe->skel);
		err = load_programs(probe, config, false);
	}
	if (err)
		return rights_refused(err, probe->hooks.kernel, "");
	say_choice(probe);
	probe->ring = ring_buffer__new(bpf_map__fd(probe->skel->maps.ring), on_record, probe, NULL);
	if (!probe->ring) {
		err = -errno;
		log_error("the ring buffer can't be mapped: %s", strerror(-err));
	} else {
		map_positions(probe);
	}
	return err;
}

int probe_open(struct probe **out, const struct probe_config *config, probe_record record,
	       void *context)
{
	struct probe *probe;
	int err = rights_check("tracing needs root", "");

	if (err)
		return err;
	probe = calloc(1, sizeof(*probe));
	if (!probe)
		return -ENOMEM;
	probe->record = record;
	probe->context = context;
	libbpf_set_print(print_libbpf);
	err = load(probe, config);
	if (err)
		probe_free(probe);
	else
		*out = probe;
	return err;
}

void probe_free(struct probe *probe)
{
	if (!probe)
		return;
	probe_detach(probe);
	ring_buffer__free(probe->ring);
	unmap_page(probe->taken);
	unmap_page(probe->given);
	porttrace_bpf__destroy(probe->skel);
	free(probe);
}

int probe_attach(struct probe *probe)
{
	char failed[64];
	int err = hooks_attach(&probe->hooks, failed, sizeof(failed));

	if (!err && probe->hooks.no_spares)
		log_info("the hook %s can't be attached: what the kernel skips is told late, or "
			 "lost",
			 failed);
	if (!err)
		return 0;
	if (err != -EPERM && err != -EACCES) {
		log_error("the hook %s can't be attached: %s", failed, strerror(-err));
		return -ENOTSUP;
	}
	log_error("the hook %s can't be attached: %s; that takes root with all rights "
		  "(CAP_SYS_ADMIN, CAP_DAC_READ_SEARCH): sudo porttrace",
		  failed, strerror(-err));
	return -EPERM;
}

void probe_detach(struct probe *probe)
{
	/* At one moment, not one hook after the other. */
	if (probe->skel)
		probe->skel->bss->stopped = true;
	hooks_detach(&probe->hooks);
	/* A sweep may still tell what they missed. */
	if (probe->skel)
		probe->skel->bss->stopped = false;
}

static int on_namespace(void *context)
{
	struct probe *probe = context;
	int err = probe_iterate(probe->skel->progs.old_sockets, probe->record, probe->context);

	if (!err && probe->skel->rodata->see_udp)
		err = probe_iterate(probe->skel->progs.old_datagrams, probe->record,
				    probe->context);
	return err;
}

int probe_snapshot(struct probe *probe)
{
	struct netns_set *namespaces = NULL;
	size_t skipped;
	int err;

	/* This one sees the files of all namespaces, the other only sockets of the one it is in. */
	err = probe_iterate(probe->skel->progs.old_files, probe->record, probe->context);
	if (!err)
		err = netns_find(&namespaces);
	if (!err)
		err = netns_each(namespaces, NULL, 0, on_namespace, probe, &skipped);
	if (err)
		log_error("the sockets that are open already can't be read: %s", strerror(-err));
	else if (skipped)
		log_verbose("%zu network namespaces can't be entered", skipped);
	netns_free(namespaces);
	probe->skel->bss->snapshot_done = true;
	return err;
}

/* What the sweep tells must not fill the ring, which others need meanwhile. */
static void make_room(void *context)
{
	struct probe *probe = context;

	if (probe_ring_used(probe) > 0.25)
		(void)probe_drain(probe);
}

static void say_sweep_failed(struct probe *probe, int err)
{
	if (!probe->sweep_failed)
		log_error("the known sockets can't be looked through: %s; ends whose hook the "
			  "kernel skipped are not told",
			  strerror(-err));
	probe->sweep_failed = true;
}

int probe_sweep(struct probe *probe, bool recall)
{
	struct porttrace_bpf *skel = probe->skel;
	long untold, err = 0;

	skel->bss->recalling = recall;
	untold = probe_walk(skel->progs.sweep_sockets, skel->maps.sockets, false, make_room, probe);
	if (untold >= 0 && skel->rodata->see_udp)
		err = probe_walk(skel->progs.sweep_flows, skel->maps.flows, true, make_room, probe);
	(void)probe_drain(probe);
	if (untold < 0)
		err = untold;
	if (err >= 0)
		return untold ? -ENOSPC : 0;
	say_sweep_failed(probe, (int)err);
	return (int)err;
}

int probe_find(struct probe *probe, enum probe_find what, uint32_t netns, uint16_t port,
	       probe_record record, void *context)
{
	struct stat here;

	probe->skel->bss->sought_netns = netns;
	probe->skel->bss->sought_port = port;
	if (what == PROBE_DESCRIPTORS)
		return probe_iterate(probe->skel->progs.port_files, record, context);
	/*
	 * An iterator over sockets sees the namespace that it is opened in.  To go to another
	 * one takes CAP_SYS_ADMIN, which is given up before the tracing begins.
	 */
	if (stat("/proc/thread-self/ns/net", &here))
		return -errno;
	if ((uint32_t)here.st_ino != netns)
		return -EXDEV;
	return probe_iterate(probe->skel->progs.port_waits, record, context);
}

int probe_fd(const struct probe *probe)
{
	return ring_buffer__epoll_fd(probe->ring);
}

int probe_drain(struct probe *probe)
{
	int got = ring_buffer__consume(probe->ring);

	return got < 0 ? got : 0;
}

double probe_ring_used(const struct probe *probe)
{
	if (!probe->taken || !probe->given)
		return 0;
	return (double)(*probe->given - *probe->taken) /
	       bpf_map__max_entries(probe->skel->maps.ring);
}

int probe_counts(const struct probe *probe, struct pt_counts *counts)
{
	int cpus = libbpf_num_possible_cpus();
	struct pt_counts *each, sum = {};
	uint32_t zero = 0;
	int err = -ENOMEM;

	if (cpus < 0)
		return cpus;
	each = calloc((size_t)cpus, sizeof(*each));
	if (!each)
		return err;
	err = bpf_map_lookup_elem(bpf_map__fd(probe->skel->maps.counts), &zero, each);
	for (int i = 0; !err && i < cpus; i++) {
		sum.seen += each[i].seen;
		sum.filtered += each[i].filtered;
		sum.lost_ring += each[i].lost_ring;
		sum.lost_map += each[i].lost_map;
		sum.lost_processes += each[i].lost_processes;
		sum.late += each[i].late;
	}
	free(each);
	if (!err)
		*counts = sum;
	return err;
}

uint64_t probe_skipped(const struct probe *probe)
{
	struct bpf_program *program;
	uint64_t skipped = 0;

	bpf_object__for_each_program(program, probe->skel->obj) {
		struct bpf_prog_info info = {};
		uint32_t size = sizeof(info);

		if (!bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size))
			skipped += info.recursion_misses;
	}
	return skipped;
}

const struct hooks *probe_choice(const struct probe *probe)
{
	return &probe->hooks;
}

const char *probe_hooks(const struct probe *probe)
{
	return probe->names;
}
