/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a process is: read here, while it lives, when it first uses a socket and
 * when that has changed since.  Processes that use no socket cost nothing.
 */
#pragma once

#include "compat.bpf.h"
#include "emit.bpf.h"

#define CGROUP_DEPTH 12
#define PATH_DEPTH 16 /* names and mounts of a path that are followed; /proc has longer ones */

static __always_inline __u64 leader_start(struct task_struct *task)
{
	if (TASK(task, pid) == TASK(task, tgid))
		return TASK(task, start_boottime);
	return READ(task, group_leader, start_boottime);
}

/* tgid 0 for a thread of the kernel. */
static __always_inline struct pt_who task_who(struct task_struct *task)
{
	struct pt_who who = {};

	if (TASK(task, flags) & PF_KTHREAD)
		return who;
	who.tgid = TASK(task, tgid);
	who.start = leader_start(task);
	return who;
}

static __always_inline bool same_process(const struct pt_who *a, const struct pt_who *b)
{
	return a->tgid == b->tgid && a->start == b->start;
}

/* What is behind the end of a name is padding or nothing in particular. */
static __always_inline void read_name(struct task_struct *task, char name[PT_COMM_LEN])
{
	if (CAN_CAST)
		__builtin_memcpy(name, CAST(task)->comm, PT_COMM_LEN);
	else
		bpf_core_read(name, PT_COMM_LEN, &task->comm);
}

static __always_inline bool same_name(const char a[PT_COMM_LEN], const char b[PT_COMM_LEN])
{
	__u64 x[2], y[2];

	__builtin_memcpy(x, a, sizeof(x));
	__builtin_memcpy(y, b, sizeof(y));
	return x[0] == y[0] && x[1] == y[1];
}

/*
 * The names of a path, last one first; user space turns them round.  The length
 * lives in the record, not in a register: so the verifier finds each turn of the
 * loop in the same state as the one before (380,000 instructions less to look at).
 *
 * Not by READ(): up to 6.12 the verifier lets nobody reckon with an address that it knows to be a
 * struct mount's.  This and read_cgroup() run once for a program, so the helper's time is none.
 */
static __always_inline void read_path(struct file *file, struct pt_process *process)
{
	struct dentry *dentry = BPF_CORE_READ(file, f_path.dentry);
	struct vfsmount *vfsmount = BPF_CORE_READ(file, f_path.mnt);
	const int mnt_offset = bpf_core_field_offset(struct mount, mnt);

	process->exe_len = 0;
	for (int i = 0; i < PATH_DEPTH; i++) {
		struct mount *mount = (void *)vfsmount - mnt_offset;
		__u32 len;
		long got;

		barrier();
		len = process->exe_len;
		if (dentry == BPF_CORE_READ(vfsmount, mnt_root)) {
			struct mount *parent = BPF_CORE_READ(mount, mnt_parent);

			if (parent == mount)
				return;
			dentry = BPF_CORE_READ(mount, mnt_mountpoint);
			vfsmount = (void *)parent + mnt_offset;
			continue;
		}
		/* A root of no mount: memfd and the like. */
		if (i > 0 && dentry == BPF_CORE_READ(dentry, d_parent))
			return;
		if (len >= PT_EXE_ROOM)
			break;
		got = bpf_probe_read_kernel_str(process->exe + len, PT_EXE_LEN - PT_EXE_ROOM,
						BPF_CORE_READ(dentry, d_name.name));
		if (got <= 0)
			break;
		process->exe_len = len + got;
		dentry = BPF_CORE_READ(dentry, d_parent);
	}
	process->exe_cut = 1;
}

/* The names of a cgroup's path, last one first; the root has none. */
static __always_inline void read_cgroup(struct task_struct *task, struct pt_process *process)
{
	struct kernfs_node *node = task_cgroup(task);

	process->cgroup_len = 0;
	for (int i = 0; i < CGROUP_DEPTH; i++) {
		struct kernfs_node *parent = kernfs_parent(node);
		__u32 len;
		long got;

		barrier();
		len = process->cgroup_len;
		if (!parent) {
			if (!len) { /* the root: one empty name, to be told from not known */
				process->cgroup[0] = 0;
				process->cgroup_len = 1;
			}
			return;
		}
		if (len >= PT_CGROUP_ROOM)
			break;
		got = bpf_probe_read_kernel_str(process->cgroup + len,
						PT_CGROUP_LEN - PT_CGROUP_ROOM,
						BPF_CORE_READ(node, name));
		if (got <= 0)
			break;
		process->cgroup_len = len + got;
		node = parent;
	}
	process->cgroup_len = 0;
}

/* All but the arguments, which only the process itself can read here. */
static __always_inline void read_process(struct task_struct *task, struct pt_process *process)
{
	struct task_struct *leader = READ(task, group_leader);
	struct task_struct *parent = READ(leader, real_parent, group_leader);
	struct file *exe = READ(task, mm, exe_file); /* a dead leader has no mm */

	__builtin_memset(process, 0, offsetof(struct pt_process, exe));
	process->type = PT_PROCESS;
	process->who.tgid =
		TASK(task, tgid); /* a process: threads of the kernel do not come here */
	process->who.start = READ(leader, start_boottime);
	process->uid = READ(leader, cred, euid.val);
	process->time = bpf_ktime_get_boot_ns();
	process->parent.tgid = READ(parent, tgid);
	process->parent.start = READ(parent, start_boottime);
	BPF_CORE_READ_STR_INTO(&process->name, leader, comm);
	BPF_CORE_READ_STR_INTO(&process->parent_name, parent, comm);
	if (exe)
		read_path(exe, process);
	read_cgroup(task, process);
}

static __always_inline void read_args(struct task_struct *task, struct pt_process *process)
{
	unsigned long begin = READ(task, mm, arg_start);
	__u64 len = READ(task, mm, arg_end) - begin;

	if (len > PT_ARGS_LEN)
		len = PT_ARGS_LEN;
	/* A page that was swapped out makes this fail: /proc has them then. */
	if (len && !bpf_probe_read_user(process->args, len, (void *)begin))
		process->args_len = len;
}

static __always_inline void grow_tree(__u32 tgid)
{
	__u8 yes = 1;

	if (bpf_map_update_elem(&tree, &tgid, &yes, BPF_ANY))
		count(lost_map);
}

static __always_inline bool is_exiting(struct task_struct *task)
{
	return TASK(task, flags) & PF_EXITING && !READ(task, signal, live.counter);
}

/*
 * A process of the tree that user space asked for; or one whose parent is, where the kernel may have
 * skipped process_fork (see tcp_state_again).  After its end nobody would take it out again.
 */
static __always_inline bool in_tree(struct task_struct *task)
{
	__u32 tgid = TASK(task, tgid), parent;

	if (!only_tree)
		return false;
	if (bpf_map_lookup_elem(&tree, &tgid))
		return true;
	if (!tracepoints_are_preempted())
		return false;
	parent = READ(task, real_parent, tgid);
	if (!bpf_map_lookup_elem(&tree, &parent))
		return false;
	if (!is_exiting(task))
		grow_tree(tgid);
	return true;
}

/*
 * Tell user space who the current process is, unless it knows.  A global function:
 * the verifier looks at it once, not once for each of its callers.
 */
__noinline int tell_current(void)
{
	struct task_struct *task = current_task();
	struct task_struct *leader = READ(task, group_leader);
	struct told now = {}, *told;
	struct pt_process *process;
	__u32 tgid = TASK(task, tgid);
	bool exiting;

	if (TASK(task, flags) & PF_KTHREAD)
		return 0;
	now.start = READ(leader, start_boottime);
	now.exec_id = READ(leader, self_exec_id);
	now.uid = READ(leader, cred, euid.val);
	now.cgroups = (__u64)READ(task, cgroups);
	read_name(leader, now.name);
	told = bpf_map_lookup_elem(&processes, &tgid);
	if (told && told->start == now.start && told->exec_id == now.exec_id &&
	    told->uid == now.uid && told->cgroups == now.cgroups && same_name(told->name, now.name))
		return 0;

	process = bpf_ringbuf_reserve(&ring, sizeof(*process), 0);
	if (!process) {
		count_lost_process(); /* not marked as told: the next event tries again */
		return 0;
	}
	read_process(task, process);
	read_args(task, process);
	/* Its files are closed after its PT_EXIT. */
	exiting = is_exiting(task);
	process->exiting = exiting;
	process->in_tree = in_tree(task);
	bpf_ringbuf_submit(process, wake_flags());
	if (!exiting)
		bpf_map_update_elem(&processes, &tgid, &now, BPF_ANY);
	return 0;
}

/* A process that was told of has ended, or it never was. */
static __always_inline bool is_gone(const struct pt_who *who)
{
	__u32 tgid = who->tgid;
	struct told *told = bpf_map_lookup_elem(&processes, &tgid);

	return !told || told->start != who->start;
}
