/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What is there now, asked once: the iterators alone, no hook is attached and nothing
 * runs on.  It says what went wrong on stderr itself, one line each time.
 */
#ifndef PROBE_LIST_H
#define PROBE_LIST_H

#include "probe.h"

struct netns_set;

struct probe_list_config {
	const char *command;   /* for messages: who asks */
	const uint64_t *ports; /* 65536 bits: only sockets with one of these at either end; or NULL */
	bool listening;        /* only those that listen or are bound */
	bool ipv4, ipv6;       /* only these; neither: both */
	bool tcp, udp;         /* likewise */
	const struct netns_set *namespaces;
	const uint32_t *netns; /* inode numbers: only these namespaces; a hint, others may come */
	size_t netns_count;    /* 0: all */
};

/*
 * All sockets as PT_OPEN records: one for each descriptor that holds a socket, the process
 * (PT_PROCESS) before its first, and then one more for each socket, without a descriptor.
 * 0; -EPERM: a right is missing; -ENOTSUP: this kernel cannot; other -errno.
 */
int probe_list(const struct probe_list_config *config, probe_record record, void *context);

#endif
