// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What becomes of processes that were told of: another program, an end, a child.
 * All others cost one lookup here and are not told.
 */

static __always_inline bool is_told(struct task_struct *task)
{
	__u32 tgid = TASK(task, tgid);

	return bpf_map_lookup_elem(&processes, &tgid) != NULL;
}

static __always_inline void tell_life(enum pt_type type, struct task_struct *task,
				      struct task_struct *child)
{
	struct pt_life *life = bpf_ringbuf_reserve(&ring, sizeof(*life), 0);

	if (!life) {
		count_lost_process();
		return;
	}
	__builtin_memset(life, 0, sizeof(*life));
	life->type = type;
	life->who = task_who(task);
	life->time = bpf_ktime_get_boot_ns();
	if (child)
		life->child = task_who(child);
	bpf_ringbuf_submit(life, wake_flags());
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(process_exec, struct task_struct *task)
{
	if (is_told(task))
		tell_current();
	return 0;
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(process_fork, struct task_struct *parent, struct task_struct *child)
{
	if (parent->tgid == child->tgid) /* a thread is no process */
		return 0;
	if (in_tree(parent))
		grow_tree(child->tgid);
	if (is_told(parent))
		tell_life(PT_FORK, parent, child);
	return 0;
}

/* Runs for each thread; the last one is the end of the process. */
static __always_inline void see_exit(struct task_struct *task)
{
	__u32 tgid = TASK(task, tgid);

	if (READ(task, signal, live.counter))
		return;
	if (only_tree)
		bpf_map_delete_elem(&tree, &tgid);
	if (!is_told(task))
		return;
	tell_life(PT_EXIT, task, NULL);
	bpf_map_delete_elem(&processes, &tgid);
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(process_exit, struct task_struct *task)
{
	see_exit(task);
	return 0;
}

/*
 * Where that can be skipped (see tcp_state_again): an end that nobody sees leaves its entry for ever.
 * Whichever comes first tells it, and the other finds no entry.
 */
SEC("tp")
int process_exit_again(void *unused)
{
	see_exit(current_task());
	return 0;
}
