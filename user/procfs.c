// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * See procfs.h.  A directory's descriptor stays with the process that it was
 * opened for, so after the start was compared nothing can be mixed up.
 */
#include "procfs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define EXECUTABLE_MAX 4096
#define CGROUP_MAX 65536 /* a path for each of the controllers of v1 */

/* Read a small file, NUL added.  The length or -errno. */
static ssize_t read_file(int dir, const char *name, char *buffer, size_t size)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	size_t len = 0;

	if (fd < 0)
		return -errno;
	while (len < size - 1) {
		ssize_t got = read(fd, buffer + len, size - 1 - len);

		if (got <= 0)
			break;
		len += (size_t)got;
	}
	close(fd);
	buffer[len] = 0;
	return (ssize_t)len;
}

int procfs_parse_stat(const char *text, char name[PT_COMM_LEN], uint32_t *parent_pid,
		      uint64_t *start_ticks)
{
	/* The name may hold anything, a parenthesis too: it ends at the last one. */
	const char *open = strchr(text, '('), *close = strrchr(text, ')');
	unsigned long long start;
	unsigned int parent;
	size_t len;

	if (!open || !close || close < open)
		return -EBADMSG;
	/* Field 3 is the state, 4 the parent, 22 the start. */
	if (sscanf(close + 1,
		   " %*c %u %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d "
		   "%llu",
		   &parent, &start) != 2)
		return -EBADMSG;
	len = (size_t)(close - open - 1);
	if (len >= PT_COMM_LEN)
		len = PT_COMM_LEN - 1;
	memset(name, 0, PT_COMM_LEN);
	memcpy(name, open + 1, len);
	*parent_pid = parent;
	*start_ticks = start;
	return 0;
}

int procfs_open(struct procfs *proc, uint32_t pid, uint64_t start)
{
	uint64_t tick = 1000000000 / (uint64_t)sysconf(_SC_CLK_TCK), ticks;
	char text[1024];
	struct stat st;
	int err;

	(void)snprintf(text, sizeof(text), "/proc/%u", pid);
	proc->fd = open(text, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (proc->fd < 0)
		return -errno;
	err = -ENOENT;
	if (read_file(proc->fd, "stat", text, sizeof(text)) <= 0 ||
	    procfs_parse_stat(text, proc->name, &proc->parent_pid, &ticks) || ticks != start / tick)
		goto out;
	/* The directory belongs to the effective user, to root if it is not dumpable. */
	if (fstat(proc->fd, &st))
		goto out;
	proc->uid = st.st_uid;
	err = 0;
out:
	if (err)
		procfs_close(proc);
	return err;
}

void procfs_close(struct procfs *proc)
{
	if (proc->fd >= 0)
		close(proc->fd);
	proc->fd = -1;
}

char *procfs_executable(const struct procfs *proc)
{
	static const char deleted[] = " (deleted)";
	char path[EXECUTABLE_MAX];
	ssize_t len = readlinkat(proc->fd, "exe", path, sizeof(path) - 1);

	if (len <= 0)
		return NULL;
	if ((size_t)len > sizeof(deleted) - 1 &&
	    !memcmp(path + len - (sizeof(deleted) - 1), deleted, sizeof(deleted) - 1))
		len -= (ssize_t)sizeof(deleted) - 1;
	path[len] = 0;
	return strdup(path);
}

char *procfs_args(const struct procfs *proc, size_t limit, size_t *len)
{
	char *args = malloc(limit + 1), *fitting;
	ssize_t got = -ENOMEM;

	if (args)
		got = read_file(proc->fd, "cmdline", args, limit + 1);
	if (got <= 0) {
		free(args);
		return NULL;
	}
	*len = (size_t)got;
	fitting = realloc(args, *len + 1);
	return fitting ? fitting : args;
}

char *procfs_cgroup(const struct procfs *proc)
{
	char *text = malloc(CGROUP_MAX);
	ssize_t len = -ENOMEM;

	if (text)
		len = read_file(proc->fd, "cgroup", text, CGROUP_MAX);
	/* A line that was cut would name another group. */
	while (len > 0 && text[len - 1] != '\n')
		text[--len] = '\0';
	if (len > 0)
		return text;
	free(text);
	return NULL;
}
