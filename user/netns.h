/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The network namespaces of the machine, for what sees only the one that it is in.  Found
 * by the processes that are in them and by their mounts; one that is kept by nothing but an
 * open descriptor or a socket is not found.
 */
#ifndef NETNS_H
#define NETNS_H

#include <stddef.h>
#include <stdint.h>

struct netns_set;

/* Find them all, our own first.  0 or -errno. */
int netns_find(struct netns_set **set);
void netns_free(struct netns_set *set);

/* The name by which it is mounted in /run/netns or the like, or NULL. */
const char *netns_name(const struct netns_set *set, uint32_t inode);

/*
 * Call visit() in each, or if there are any in only[] (inode numbers) in these; then we are in
 * our own again.  One that is gone meanwhile is left out; *skipped: so
 * are those that we have no right to enter.  The first failure of visit() ends it and
 * comes back; -errno also if there is no way back.
 */
int netns_each(const struct netns_set *set, const uint32_t *only, size_t only_count,
	       int (*visit)(void *context), void *context, size_t *skipped);

#endif
