// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Which events are shown.  Pure: no state, no system calls, nothing but the filter
 * (which options.c fills) and the event (which ledger.c completed) decides.
 */
#include "filter.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "process.h"

#define BIT(action) (1U << (action))

void filter_init(struct filter *filter)
{
	memset(filter, 0, sizeof(*filter));
	filter->ports.any = true;
	filter->local_ports.any = true;
	filter->remote_ports.any = true;
}

void filter_free(struct filter *filter)
{
	if (!filter)
		return;
	for (size_t i = 0; i < filter->comm_count; i++)
		free(filter->comms[i]);
	free(filter->comms);
	for (size_t i = 0; i < filter->container_count; i++)
		free(filter->containers[i]);
	free(filter->containers);
	free(filter->pids);
	free(filter->uids);
	free(filter->netns);
	free(filter->nets);
	filter_init(filter);
}

bool filter_port_has(const struct filter_ports *ports, uint16_t port)
{
	return ports->any || (ports->bits[port / 64] >> port % 64 & 1);
}

/* No list at all means that every value will do. */
static bool list_has(const uint32_t *list, size_t count, uint32_t value)
{
	for (size_t i = 0; i < count; i++)
		if (list[i] == value)
			return true;
	return !count;
}

static bool passes_action(const struct filter *filter, enum event_action action)
{
	unsigned int wanted = filter->actions ? filter->actions : ~BIT(EVENT_STATE);

	return wanted & BIT(action);
}

static bool passes_family(const struct filter *filter, const struct event *event)
{
	if (filter->ipv4 == filter->ipv6)
		return true;
	return event->ipv4 == filter->ipv4;
}

static bool passes_transport(const struct filter *filter, const struct event *event)
{
	return filter->tcp == filter->udp || event_is_udp(event) == filter->udp;
}

static bool comm_matches(const struct filter *filter, const char *name)
{
	for (size_t i = 0; i < filter->comm_count; i++)
		if (!fnmatch(filter->comms[i], name, 0))
			return true;
	return !filter->comm_count;
}

/* Unlike a glob, a list that is not empty never has what is not known. */
static bool container_matches(const struct filter *filter, const char *id)
{
	for (size_t i = 0; id && i < filter->container_count; i++)
		if (!strncmp(id, filter->containers[i], strlen(filter->containers[i])))
			return true;
	return !filter->container_count;
}

static bool passes_process(const struct filter *filter, const struct process *process)
{
	if (!filter->pid_count && !filter->uid_count && !filter->comm_count &&
	    !filter->container_count)
		return true;
	if (!process)
		return false;
	/* A name that is not known must not match "*". */
	if (filter->comm_count && !process->name[0])
		return false;
	return list_has(filter->pids, filter->pid_count, process->pid) &&
	       list_has(filter->uids, filter->uid_count, process->uid) &&
	       comm_matches(filter, process->name) &&
	       container_matches(filter, process->container_id);
}

/* What one of the tree does to another process's socket is its doing too. */
static bool passes_tree(const struct filter *filter, const struct event *event)
{
	return !filter->tree || (event->process && event->process->in_tree) ||
	       (event->actor && event->actor->in_tree);
}

static bool passes_ports(const struct filter *filter, const struct event *event)
{
	return (filter_port_has(&filter->ports, event->local.port) ||
		filter_port_has(&filter->ports, event->remote.port)) &&
	       filter_port_has(&filter->local_ports, event->local.port) &&
	       filter_port_has(&filter->remote_ports, event->remote.port);
}

static bool net_has(const struct filter_net *net, const uint8_t ip[16])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	unsigned int bytes = net->prefix / 8, bits = net->prefix % 8;

	/* ::/0 and its like mean IPv6: the mapped addresses in them are IPv4. */
	if (net->prefix < 96 && !memcmp(ip, mapped, sizeof(mapped)))
		return false;
	if (memcmp(net->ip, ip, bytes))
		return false;
	return !bits || !((net->ip[bytes] ^ ip[bytes]) >> (8 - bits));
}

static bool passes_nets(const struct filter *filter, const struct event *event)
{
	for (size_t i = 0; i < filter->net_count; i++) {
		if (net_has(&filter->nets[i], event->local.ip))
			return true;
		/* The remote address of a listener is no address of anybody. */
		if (event->remote.port && net_has(&filter->nets[i], event->remote.ip))
			return true;
	}
	return !filter->net_count;
}

bool filter_could_pass(const struct filter *filter, const struct event *event)
{
	if (filter->failed && !event->error)
		return false;
	return passes_action(filter, event->action) && passes_transport(filter, event) &&
	       passes_family(filter, event) && passes_ports(filter, event) &&
	       list_has(filter->netns, filter->netns_count, event->netns) &&
	       passes_nets(filter, event);
}

bool filter_passes(const struct filter *filter, const struct event *event)
{
	switch (event->action) {
	case EVENT_LOST:
	case EVENT_START:
	case EVENT_STOP:
		return true;
	default:
		break;
	}
	return filter_could_pass(filter, event) && passes_process(filter, event->process) &&
	       passes_tree(filter, event);
}
