// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * See probe.h.  hooks[] is the table of what is attached to what; another way to see
 * the same thing is another row.
 */
#include "probe.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <linux/version.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "log.h"
#include "netns.h"
#include "porttrace.skel.h"
#include "probe_iter.h"
#include "rights.h"
#include "tracepoint.h"

#define RING_DEFAULT (8UL << 20)
#define SOCKETS_MAX (1U << 20) /* a bucket of 16 bytes is allocated for each */
#define SOCKETS_MIN (1U << 16)

/*
 * In the order of attaching.  accept goes before the states, so that a connection
 * whose birth is seen is also seen being accepted; the end of sockets goes before
 * their beginning, so that nothing is remembered for ever.
 */
static const struct hook {
	const char *program;
	const char *call; /* the tracepoint of a system call; NULL: what SEC() says */
	uint32_t since;   /* the first kernel that has it in the form that the program knows */
} hooks[] = {
	{ .program = "process_exit" },
	{ .program = "process_exec" },
	{ .program = "process_fork" },
	{ .program = "tcp_destroy" },
	{ .program = "exit_accept", .call = "sys_exit_accept" },
	{ .program = "exit_accept", .call = "sys_exit_accept4" },
	{ .program = "exit_call", .call = "sys_exit_bind" },
	{ .program = "exit_call", .call = "sys_exit_listen" },
	{ .program = "exit_call", .call = "sys_exit_connect" },
	{ .program = "enter_bind", .call = "sys_enter_bind" },
	{ .program = "enter_listen", .call = "sys_enter_listen" },
	{ .program = "enter_connect", .call = "sys_enter_connect" },
	{ .program = "uring_complete", .since = KERNEL_VERSION(6, 15, 0) },
	{ .program = "tcp_state" },
};

#define HOOKS (sizeof(hooks) / sizeof(hooks[0]))

struct probe {
	struct porttrace_bpf *skel;
	struct bpf_link *links[HOOKS];
	struct ring_buffer *ring;
	const volatile unsigned long *taken, *given; /* bytes, the kernel's pages of the ring */
	probe_record record;
	void *context;
	char names[512];
	uint32_t kernel;
};

static int print_libbpf(enum libbpf_print_level level, const char *format, va_list args)
{
	char line[1024];

	if (level == LIBBPF_DEBUG)
		return 0;
	(void)vsnprintf(line, sizeof(line), format, args);
	line[strcspn(line, "\n")] = 0;
	log_verbose("%s", line);
	return 0;
}

static int on_record(void *context, void *data, size_t size)
{
	struct probe *probe = context;

	probe->record(probe->context, data, size);
	return 0;
}

/* What it takes, before anything is tried: a refusal by the kernel names nothing. */
static int check_system(void)
{
	char missing[128];

	if (rights_missing(missing, sizeof(missing)) == 0 && missing[0]) {
		log_error("%s missing: tracing needs root, run it with sudo: sudo porttrace",
			  missing);
		return -EPERM;
	}
	if (access("/sys/kernel/btf/vmlinux", R_OK)) {
		log_error("this kernel has no BTF: /sys/kernel/btf/vmlinux is missing "
			  "(CONFIG_DEBUG_INFO_BTF)");
		return -ENOTSUP;
	}
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

static void configure(struct porttrace_bpf *skel, const struct probe_config *config)
{
	uint64_t ring = config->ring_size ?: RING_DEFAULT;

	(void)bpf_map__set_max_entries(skel->maps.ring, (uint32_t)ring);
	(void)bpf_map__set_max_entries(skel->maps.sockets, max_sockets());
	skel->rodata->limit_bytes = ring / 8 * 7;
	if (ring / 8 < skel->rodata->wake_bytes)
		skel->rodata->wake_bytes = ring / 8;
	skel->rodata->tell_states = config->states;
	if (config->ipv4 != config->ipv6)
		skel->rodata->only_family = config->ipv4 ? 2 : 10; /* AF_INET, AF_INET6 */
	if (config->ports) {
		skel->rodata->only_ports = true;
		memcpy((void *)skel->rodata->ports, config->ports, sizeof(skel->rodata->ports));
	}
}

/* The running kernel's version as KERNEL_VERSION() makes it. */
static uint32_t kernel_version(void)
{
	unsigned int version = 0, patch = 0, level = 0;
	struct utsname name;

	if (!uname(&name))
		(void)sscanf(name.release, "%u.%u.%u", &version, &patch, &level);
	return KERNEL_VERSION(version, patch, level);
}

static struct bpf_program *hook_program(const struct probe *probe, const struct hook *hook)
{
	return bpf_object__find_program_by_name(probe->skel->obj, hook->program);
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

static int load(struct probe *probe, const struct probe_config *config)
{
	int err = -ENOMEM;

	probe->skel = porttrace_bpf__open();
	if (!probe->skel)
		return -errno;
	configure(probe->skel, config);
	probe->kernel = kernel_version();
	probe->skel->rodata->kernel_version = probe->kernel;
	for (size_t i = 0; i < HOOKS; i++)
		if (hooks[i].since > probe->kernel)
			(void)bpf_program__set_autoload(hook_program(probe, &hooks[i]), false);
	err = porttrace_bpf__load(probe->skel);
	if (err == -EPERM || err == -EACCES) {
		log_error("the kernel refuses to load the programs (%s): root of the initial user "
			  "namespace is needed, and no lockdown: sudo porttrace",
			  strerror(-err));
		return -EPERM;
	}
	if (err) {
		log_error("this kernel can't load the programs: %s (-v tells more)",
			  strerror(-err));
		return -ENOTSUP;
	}
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
	int err = check_system();

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

static int attach_call(struct bpf_program *program, int directory, const char *name,
		       struct bpf_link **link)
{
	int event = directory < 0 ? directory : tracepoint_open(directory, name);

	if (event < 0)
		return event;
	*link = bpf_program__attach_perf_event(program, event);
	if (*link) /* it owns the event now */
		return 0;
	close(event);
	return -errno;
}

static int attach_hook(struct probe *probe, const struct hook *hook, int directory,
		       struct bpf_link **link)
{
	struct bpf_program *program = hook_program(probe, hook);
	const char *name = hook->call ?: bpf_program__section_name(program);
	size_t len = strlen(probe->names);
	int err = 0;

	if (hook->since > probe->kernel) {
		log_verbose("%s: this kernel's is older", name);
		return 0;
	}
	if (hook->call) {
		err = attach_call(program, directory, hook->call, link);
	} else {
		*link = bpf_program__attach(program);
		if (!*link)
			err = -errno;
	}
	if (err) {
		log_error("the hook %s can't be attached: %s", name, strerror(-err));
		return err == -EPERM || err == -EACCES ? -EPERM : -ENOTSUP;
	}
	(void)snprintf(probe->names + len, sizeof(probe->names) - len, "%s%s", len ? " " : "",
		       name);
	return 0;
}

int probe_attach(struct probe *probe)
{
	int directory = tracepoint_directory();
	int err = 0;

	for (size_t i = 0; i < HOOKS && !err; i++)
		err = attach_hook(probe, &hooks[i], directory, &probe->links[i]);
	if (directory >= 0)
		close(directory);
	return err;
}

void probe_detach(struct probe *probe)
{
	/* At one moment, not one hook after the other. */
	if (probe->skel)
		probe->skel->bss->stopped = true;
	for (size_t i = HOOKS; i-- > 0;) { /* calls first end where they begin */
		(void)bpf_link__destroy(probe->links[i]);
		probe->links[i] = NULL;
	}
}

static int on_namespace(void *context)
{
	struct probe *probe = context;

	return probe_iterate(probe->skel->progs.old_sockets, NULL, probe->record, probe->context);
}

int probe_snapshot(struct probe *probe)
{
	struct netns_set *namespaces = NULL;
	size_t skipped;
	int err;

	/* This one sees the files of all namespaces, the other only sockets of the one it is in. */
	err = probe_iterate(probe->skel->progs.old_files, NULL, probe->record, probe->context);
	if (!err)
		err = netns_find(&namespaces);
	if (!err)
		err = netns_each(namespaces, NULL, 0, on_namespace, probe, &skipped);
	if (err)
		log_error("the sockets that are open already can't be read: %s", strerror(-err));
	else if (skipped)
		log_verbose("%zu network namespaces can't be entered", skipped);
	netns_free(namespaces);
	return err;
}

int probe_sweep(struct probe *probe, bool recall)
{
	probe->skel->bss->recalling = recall;
	return probe_iterate(probe->skel->progs.known_sockets, probe->skel->maps.sockets,
			     probe->record, probe->context);
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

const char *probe_hooks(const struct probe *probe)
{
	return probe->names;
}
