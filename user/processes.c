// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * See processes.h.  A process that ended is kept while the ledger holds it, and
 * then until so many others have ended: a record on its way may still name it.
 */
#include "processes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cgroup.h"
#include "decode.h"
#include "hash.h"
#include "procfs.h"
#include "users.h"

#define GRAVES 1024
#define ARGS_LIMIT 4096
#define CGROUP_LIMIT 4096 /* of a path: PATH_MAX */

struct entry {
	struct process process; /* first: the rest is private to this file */
	struct rendering rendering;
	struct hash_node node; /* by pid */
	uint64_t forked;
	size_t holds;
	bool placed; /* its control group was looked at */
	bool asked;  /* /proc was, for its arguments */
	bool exited;
	bool buried; /* in the list of graves */
	struct entry *next_grave;
};

struct processes {
	struct hash by_pid;
	struct users *users;
	struct entry *oldest_grave, *newest_grave;
	size_t graves;
	bool want_args;
};

static struct entry *entry_of(struct process *process)
{
	return (struct entry *)process;
}

static void entry_free(struct entry *entry)
{
	free(entry->process.executable);
	free(entry->process.args);
	text_free(&entry->rendering.text);
	free(entry->process.container_id);
	free(entry->process.service);
	free(entry);
}

static void forget(struct processes *processes, struct entry *entry)
{
	hash_remove(&processes->by_pid, &entry->node);
	entry_free(entry);
}

struct processes *processes_new(bool want_args)
{
	struct processes *processes = calloc(1, sizeof(*processes));

	if (!processes)
		return NULL;
	processes->want_args = want_args;
	processes->users = users_new();
	if (!processes->users || hash_init(&processes->by_pid, 256)) {
		processes_free(processes);
		return NULL;
	}
	return processes;
}

void processes_free(struct processes *processes)
{
	if (!processes)
		return;
	for (size_t i = 0; processes->by_pid.buckets && i <= processes->by_pid.mask; i++) {
		while (processes->by_pid.buckets[i])
			forget(processes,
			       HASH_ENTRY(processes->by_pid.buckets[i], struct entry, node));
	}
	hash_free(&processes->by_pid);
	users_free(processes->users);
	free(processes);
}

/* Put an ended process that nobody holds behind the others that wait for processes_reap(). */
static void bury(struct processes *processes, struct entry *entry)
{
	if (entry->buried || entry->holds || !entry->exited)
		return;
	entry->buried = true;
	entry->next_grave = NULL;
	if (processes->newest_grave)
		processes->newest_grave->next_grave = entry;
	else
		processes->oldest_grave = entry;
	processes->newest_grave = entry;
	processes->graves++;
}

void processes_reap(struct processes *processes)
{
	struct entry *entry;

	while (processes->graves > GRAVES && (entry = processes->oldest_grave)) {
		processes->oldest_grave = entry->next_grave;
		if (!processes->oldest_grave)
			processes->newest_grave = NULL;
		processes->graves--;
		entry->buried = false;
		if (!entry->holds)
			forget(processes, entry);
	}
}

static struct entry *find(struct processes *processes, const struct pt_who *who)
{
	struct hash_node *node = hash_first(&processes->by_pid, hash_u64(who->tgid));

	for (; node; node = hash_next(node)) {
		struct entry *entry = HASH_ENTRY(node, struct entry, node);

		if (entry->process.pid == who->tgid && entry->process.start == who->start)
			return entry;
	}
	return NULL;
}

static struct entry *add(struct processes *processes, const struct pt_who *who,
			 uint64_t boot_to_real)
{
	struct hash_node *node = hash_first(&processes->by_pid, hash_u64(who->tgid));
	struct entry *entry = calloc(1, sizeof(*entry));

	if (!entry)
		return NULL;
	while (node) {
		struct entry *other = HASH_ENTRY(node, struct entry, node);

		node = hash_next(node);
		/* Its end was not told. */
		if (other->process.pid == who->tgid && other->process.start < who->start) {
			other->exited = true;
			bury(processes, other);
		}
	}
	entry->process.pid = who->tgid;
	entry->process.start = who->start;
	entry->process.started = who->start + boot_to_real;
	entry->process.uid = UINT32_MAX;
	entry->process.rendering = &entry->rendering;
	hash_add(&processes->by_pid, &entry->node, hash_u64(who->tgid));
	return entry;
}

static void set_string(char **string, char *value)
{
	free(*string);
	*string = value;
}

/* What a control group's path tells.  A name for which there is no memory is not known. */
static void set_place(struct process *process, const char *path)
{
	struct cgroup_place place;

	if (cgroup_parse(&place, path))
		return;
	set_string(&process->container_id, place.id[0] ? strdup(place.id) : NULL);
	process->container_runtime = place.runtime;
	set_string(&process->service, place.service[0] ? strdup(place.service) : NULL);
	entry_of(process)->placed = true;
}

static void find_place(struct process *process, const struct procfs *proc)
{
	char path[CGROUP_LIMIT], *text = procfs_cgroup(proc);

	/* A process that ends is in the roots of v1: what was known before is better. */
	if (text && !cgroup_choose(path, sizeof(path), text) && path[1])
		set_place(process, path);
	free(text);
}

/* Ask /proc for what the process lacks.  0 or -errno: -ENOENT if it has ended. */
static int complete(struct processes *processes, struct process *process, bool want_args)
{
	bool args = want_args && (!process->args || process->args_len >= PT_ARGS_LEN);
	struct procfs proc;
	int err;

	if (process->name[0] && process->executable && entry_of(process)->placed && !args)
		return 0;
	err = procfs_open(&proc, process->pid, process->start);
	if (err)
		return err;
	if (!process->name[0]) {
		memcpy(process->name, proc.name, sizeof(process->name));
		process->parent_pid = proc.parent_pid;
		process->uid = proc.uid;
		process->user = users_name(processes->users, proc.uid);
	}
	if (!process->executable)
		process->executable = procfs_executable(&proc);
	if (!entry_of(process)->placed)
		find_place(process, &proc);
	if (args) {
		size_t len;
		char *whole = procfs_args(&proc, ARGS_LIMIT, &len);

		if (whole) {
			set_string(&process->args, whole);
			process->args_len = len;
		}
	}
	procfs_close(&proc);
	return 0;
}

int processes_update(struct processes *processes, const struct pt_process *news,
		     uint64_t boot_to_real)
{
	struct entry *entry = find(processes, &news->who);
	struct process *process;
	char path[PT_EXE_LEN + 1], place[PT_CGROUP_LEN + 1];

	if (!entry)
		entry = add(processes, &news->who, boot_to_real);
	if (!entry)
		return -ENOMEM;
	process = &entry->process;
	text_clear(&entry->rendering.text);
	memcpy(process->name, news->name, sizeof(process->name));
	process->name[sizeof(process->name) - 1] = 0;
	memcpy(process->parent_name, news->parent_name, sizeof(process->parent_name));
	process->parent_name[sizeof(process->parent_name) - 1] = 0;
	process->parent_pid = news->parent.tgid;
	process->in_tree |= news->in_tree; /* once in, always in: its end takes it from the map */
	process->uid = news->uid;
	process->user = users_name(processes->users, news->uid);
	set_string(&process->executable, decode_path(news, path) ? strdup(path) : NULL);
	set_string(&process->args, NULL);
	process->args_len = 0;
	entry->placed = entry->asked = false;
	if (decode_cgroup(news, place))
		set_place(process, place);
	if (news->exiting) {
		entry->exited = true;
		bury(processes, entry);
	}
	if (news->args_len) {
		process->args = malloc(news->args_len);
		if (!process->args)
			return -ENOMEM;
		memcpy(process->args, news->args, news->args_len);
		process->args_len = news->args_len;
	}
	(void)complete(processes, process, processes->want_args);
	return 0;
}

int processes_foresee(struct processes *processes, const struct pt_process *news,
		      uint64_t boot_to_real)
{
	return find(processes, &news->who) ? 0 : processes_update(processes, news, boot_to_real);
}

void processes_exit(struct processes *processes, const struct pt_who *who)
{
	struct entry *entry = find(processes, who);

	if (!entry)
		return;
	entry->exited = true;
	bury(processes, entry);
}

void processes_fork(struct processes *processes, const struct pt_who *who, uint64_t time)
{
	struct entry *entry = find(processes, who);

	/* Those of two CPUs may come in the wrong order. */
	if (entry && entry->forked < time)
		entry->forked = time;
}

struct process *processes_find(struct processes *processes, const struct pt_who *who,
			       uint64_t boot_to_real)
{
	struct entry *entry;

	if (!who->tgid)
		return NULL;
	entry = find(processes, who);
	if (!entry) {
		entry = add(processes, who, boot_to_real);
		/* Its end may have been told before, and won't be again. */
		if (entry &&
		    complete(processes, &entry->process, processes->want_args) == -ENOENT) {
			entry->exited = true;
			bury(processes, entry);
		}
	}
	return entry ? &entry->process : NULL;
}

struct process *processes_hold(struct process *process)
{
	if (process)
		entry_of(process)->holds++;
	return process;
}

void processes_release(struct processes *processes, struct process *process)
{
	struct entry *entry = entry_of(process);

	if (!process)
		return;
	entry->holds--;
	bury(processes, entry);
}

void processes_find_args(struct processes *processes, struct process *process)
{
	struct entry *entry = entry_of(process);

	if (!process || entry->asked || entry->exited)
		return;
	entry->asked = true;
	(void)complete(processes, process, true);
}

bool processes_lives(const struct process *process)
{
	struct procfs proc;
	char *executable;

	if (processes_exited(process) || procfs_open(&proc, process->pid, process->start))
		return false;
	executable = procfs_executable(&proc); /* one that its parent did not wait for has none */
	procfs_close(&proc);
	free(executable);
	return executable;
}

bool processes_exited(const struct process *process)
{
	return ((const struct entry *)process)->exited;
}

uint64_t processes_forked(const struct process *process)
{
	return ((const struct entry *)process)->forked;
}

size_t processes_count(const struct processes *processes)
{
	return processes->by_pid.count;
}
