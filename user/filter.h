/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which events are shown: a pure predicate over struct event.  Values of one
 * kind are alternatives, kinds combine.  start, stop and lost always pass.
 */
#ifndef FILTER_H
#define FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event.h"

struct filter_net {
	uint8_t ip[16];      /* IPv4 as ::ffff:a.b.c.d */
	unsigned int prefix; /* 0 to 128, of the 16 bytes: an IPv4 prefix plus 96 */
};

/* A set of ports, a bit each. */
struct filter_ports {
	bool any;      /* nothing was asked for: every port is in it */
	bool tcp, udp; /* of one transport only; neither: of both.  It is not looked at here. */
	uint64_t bits[65536 / 64];
};

struct filter {
	uint32_t *pids;
	size_t pid_count;
	char **comms; /* globs for fnmatch(3), over the process name */
	size_t comm_count;
	char **containers; /* of their ids or names, what those begin with */
	size_t container_count;
	uint32_t *uids;
	size_t uid_count;
	uint32_t *netns; /* inode numbers */
	size_t netns_count;
	struct filter_net *nets; /* either end lies in one of them */
	size_t net_count;
	struct filter_ports ports, local_ports, remote_ports;
	unsigned int actions; /* bits 1 << enum event_action; 0: the default, all but state */
	bool ipv4, ipv6;      /* neither or both: all */
	bool tcp, udp;        /* likewise */
	bool failed;          /* only failures */
	bool tree;            /* only of processes that are in_tree */
};

/* An empty filter: everything passes but state. */
void filter_init(struct filter *filter);
void filter_free(struct filter *filter);

/*
 * pid, comm, uid and container are those of event->process; of peer, actor and creator they
 * are not looked at.  (An event of unknown process passes no filter on processes.)
 */
bool filter_passes(const struct filter *filter, const struct event *event);

/* Whether the event of a socket would pass if its process were the right one. */
bool filter_could_pass(const struct filter *filter, const struct event *event);

bool filter_port_has(const struct filter_ports *ports, uint16_t port);

#endif
