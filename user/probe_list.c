// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * See probe_list.h.  The iterator over files sees those of all processes; the one over
 * sockets only those of the network namespace that it is opened in.
 */
#include "probe_list.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "hooks.h"
#include "list.skel.h"
#include "log.h"
#include "netns.h"
#include "probe_iter.h"
#include "rights.h"

struct run {
	struct list_bpf *skel;
	probe_record record;
	void *context;
};

static int load(struct list_bpf *skel, const struct probe_list_config *config)
{
	struct bpf_map *map;
	int err;

	hooks_forgo_modules(skel->obj);
	/* Nothing is remembered: no table for what the tracer keeps (5.10 has none for threads). */
	bpf_object__for_each_map(map, skel->obj)
		if (bpf_map__type(map) == BPF_MAP_TYPE_HASH)
			(void)bpf_map__set_max_entries(map, 1);
		else if (bpf_map__type(map) == BPF_MAP_TYPE_TASK_STORAGE)
			(void)bpf_map__set_autocreate(map, false);
	if (config->ipv4 != config->ipv6)
		skel->rodata->only_family = config->ipv4 ? 2 : 10; /* AF_INET, AF_INET6 */
	if (config->ports) {
		skel->rodata->only_ports = true;
		memcpy((void *)skel->rodata->ports, config->ports, sizeof(skel->rodata->ports));
	}
	skel->rodata->tick = clock_tick();
	skel->rodata->only_listening = config->listening;
	skel->rodata->see_tcp = config->tcp || !config->udp;
	skel->rodata->see_udp = config->udp || !config->tcp;
	skel->rodata->kernel_version = hooks_kernel_version();
	err = list_bpf__load(skel);
	return err ? rights_refused(err, hooks_kernel_version(), config->command) : 0;
}

static int on_namespace(void *context)
{
	struct run *run = context;

	int err = 0;

	if (run->skel->rodata->see_tcp)
		err = probe_iterate(run->skel->progs.list_sockets, run->record, run->context);
	if (!err && run->skel->rodata->see_udp)
		err = probe_iterate(run->skel->progs.list_datagrams, run->record, run->context);
	return err;
}

int probe_list(const struct probe_list_config *config, probe_record record, void *context)
{
	struct run run = { .record = record, .context = context };
	int err = rights_check("without root the processes of others and other network "
			       "namespaces can't be seen",
			       config->command);
	size_t skipped;

	if (err)
		return err;
	(void)libbpf_set_print(NULL);
	run.skel = list_bpf__open();
	if (!run.skel)
		return -errno;
	err = load(run.skel, config);
	if (err)
		goto out;
	err = probe_iterate(run.skel->progs.list_files, record, context);
	if (!err)
		err = netns_each(config->namespaces, config->netns, config->netns_count,
				 on_namespace, &run, &skipped);
	if (err)
		log_error("the sockets can't be read: %s", strerror(-err));
	else if (skipped)
		log_info("%zu network namespaces can't be entered: of their sockets those without "
			 "a process are not seen",
			 skipped);
out:
	list_bpf__destroy(run.skel);
	return err;
}
