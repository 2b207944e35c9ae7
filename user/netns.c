// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * See netns.h.  The caller has one thread: setns(2) moves that one, and back.
 */
#include "netns.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hash.h"

#define OWN "/proc/self/ns/net"

struct netns {
	struct hash_node node; /* by inode */
	struct netns *next;
	uint32_t inode;
	bool mounted; /* path is a mount's, and its last part a name */
	char path[];
};

struct netns_set {
	struct hash by_inode;
	struct netns *first, **last;
};

static struct netns *find(const struct netns_set *set, uint32_t inode)
{
	struct hash_node *node = hash_first(&set->by_inode, hash_u64(inode));

	for (; node; node = hash_next(node)) {
		struct netns *netns = HASH_ENTRY(node, struct netns, node);

		if (netns->inode == inode)
			return netns;
	}
	return NULL;
}

/* A mount's path is also kept for one that is known by a process. */
static int add(struct netns_set *set, uint32_t inode, const char *path, bool mounted)
{
	struct netns *known = find(set, inode), *netns;

	if (known && (known->mounted || !mounted))
		return 0;
	netns = malloc(sizeof(*netns) + strlen(path) + 1);
	if (!netns)
		return -ENOMEM;
	netns->inode = inode;
	netns->mounted = mounted;
	memcpy(netns->path, path, strlen(path) + 1);
	netns->next = NULL;
	*set->last = netns;
	set->last = &netns->next;
	hash_add(&set->by_inode, &netns->node, hash_u64(inode));
	return 0;
}

/* "net:[4026531840]" */
static bool parse_link(const char *text, uint32_t *inode)
{
	unsigned int number;

	if (sscanf(text, "net:[%u]", &number) != 1)
		return false;
	*inode = number;
	return true;
}

static int find_processes(struct netns_set *set)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	int err = 0;

	if (!proc)
		return -errno;
	while (!err && (entry = readdir(proc))) {
		char path[sizeof("/proc//ns/net") + NAME_MAX], link[64];
		uint32_t inode;
		ssize_t len;

		if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
			continue;
		(void)snprintf(path, sizeof(path), "/proc/%s/ns/net", entry->d_name);
		len = readlink(path, link, sizeof(link) - 1);
		if (len < 0) /* it has ended, or we may not */
			continue;
		link[len] = 0;
		if (parse_link(link, &inode))
			err = add(set, inode, path, false);
	}
	closedir(proc);
	return err;
}

/* Blanks and the like are \040 and so on in mountinfo. */
static void unescape(char *path)
{
	char *to = path;

	for (const char *from = path; *from; from++) {
		unsigned int code;

		if (from[0] == '\\' && sscanf(from + 1, "%3o", &code) == 1 && strlen(from) > 3) {
			*to++ = (char)code;
			from += 3;
		} else {
			*to++ = *from;
		}
	}
	*to = 0;
}

/* A line of mountinfo: "52 29 0:4 net:[4026532178] /run/netns/blue rw - nsfs nsfs rw" */
static int find_mounts(struct netns_set *set)
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	char *line = NULL;
	size_t size = 0;
	int err = 0;

	if (!file)
		return -errno;
	while (!err && getline(&line, &size, file) > 0) {
		char root[64], path[PATH_MAX];
		uint32_t inode;

		if (sscanf(line, "%*s %*s %*s %63s %4095s", root, path) != 2 ||
		    !parse_link(root, &inode))
			continue;
		unescape(path);
		err = add(set, inode, path, true);
	}
	free(line);
	(void)fclose(file);
	return err;
}

int netns_find(struct netns_set **out)
{
	struct netns_set *set = calloc(1, sizeof(*set));
	struct stat own;
	int err = -ENOMEM;

	if (!set)
		return err;
	set->last = &set->first;
	err = hash_init(&set->by_inode, 64);
	if (!err && stat(OWN, &own))
		err = -errno;
	if (!err)
		err = add(set, (uint32_t)own.st_ino, OWN, false);
	if (!err)
		err = find_processes(set);
	if (!err)
		err = find_mounts(set);
	if (err)
		netns_free(set);
	else
		*out = set;
	return err;
}

void netns_free(struct netns_set *set)
{
	if (!set)
		return;
	for (struct netns *netns = set->first, *next; netns; netns = next) {
		next = netns->next;
		free(netns);
	}
	hash_free(&set->by_inode);
	free(set);
}

const char *netns_name(const struct netns_set *set, uint32_t inode)
{
	const struct netns *netns = set ? set->first : NULL;

	for (; netns; netns = netns->next)
		if (netns->inode == inode && netns->mounted)
			return strrchr(netns->path, '/') + 1;
	return NULL;
}

static bool is_wanted(const uint32_t *only, size_t count, uint32_t inode)
{
	for (size_t i = 0; i < count; i++)
		if (only[i] == inode)
			return true;
	return !count;
}

/* Go where the path leads, if that is still the same namespace.  0 or -errno. */
static int enter(const struct netns *netns)
{
	int fd = open(netns->path, O_RDONLY | O_CLOEXEC), err = 0;
	struct stat stat;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &stat) || (uint32_t)stat.st_ino != netns->inode)
		err = -ENOENT;
	else if (setns(fd, CLONE_NEWNET))
		err = -errno;
	close(fd);
	return err;
}

int netns_each(const struct netns_set *set, const uint32_t *only, size_t only_count,
	       int (*visit)(void *context), void *context, size_t *skipped)
{
	int own = open(OWN, O_RDONLY | O_CLOEXEC), err = 0, entered;
	bool away = false;

	*skipped = 0;
	if (own < 0)
		return -errno;
	for (const struct netns *netns = set->first; netns && !err; netns = netns->next) {
		/* The second entry of one that is mounted too. */
		if (netns != set->first &&
		    (netns->inode == set->first->inode || find(set, netns->inode) != netns))
			continue;
		if (!is_wanted(only, only_count, netns->inode))
			continue;
		entered = netns == set->first ? 0 : enter(netns);
		*skipped += entered == -EPERM;
		if (entered)
			continue;
		away |= netns != set->first;
		err = visit(context);
	}
	if (away && setns(own, CLONE_NEWNET) && !err)
		err = -errno;
	close(own);
	return err;
}
