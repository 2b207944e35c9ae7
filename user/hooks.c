// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * See hooks.h.  hooks[] is the table of what is attached to what; another way to see
 * the same thing is another row.
 */
#include "hooks.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/capability.h>
#include <linux/version.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "cgroup_root.h"
#include "rights.h"
#include "tracepoint.h"

/* udp_recvmsg() has one argument less since (ec095263a965). */
#define FLAGS_ARE_ONE KERNEL_VERSION(5, 19, 0)
/* What was passed to a system call can be read at its end since (dd6e10fbd9fb). */
#define ENDS_ARE_ENOUGH KERNEL_VERSION(5, 15, 0)
/* Those who build kernels have them preempt themselves, lazily, since that is there (7c70cb94d29c). */
#define KERNEL_IS_PREEMPTED KERNEL_VERSION(6, 13, 0)
/* Programs of tracepoints can be preempted since (a46023d5616e). */
#define TRACEPOINTS_ARE_PREEMPTED KERNEL_VERSION(7, 0, 0)
/* sock_send_length and sock_recv_length are there since (6e6eda44b939). */
#define SENDS_ARE_TRACED KERNEL_VERSION(6, 3, 0)

/*
 * In the order of attaching.  The end of a call goes before its beginning, accept before
 * the states, so that a connection whose birth is seen is also seen being accepted; the
 * end of sockets goes before their beginning, so that nothing is remembered for ever.
 * "_again": for what the other program there could not see.  Of two at one function the one that is
 * attached last is the first to run, so it comes before that; of a tracepoint's two either may.
 */
static const struct hook {
	enum hook_fact fact;
	enum hook_way way;
	const char *program;
	const char *target; /* function, or tracepoint as a perf event; NULL: what SEC() says */
	uint32_t since;     /* the first kernel that has it in the form that the program knows */
	uint32_t until;     /* the first one that has not; 0: none */
} hooks[] = {
	{ FACT_PROCESSES, WAY_TRACEPOINT, "process_exit", NULL, 0, 0 },
	{ FACT_PROCESSES, WAY_TRACEPOINT, "process_exit_again", "sched/sched_process_exit",
	  TRACEPOINTS_ARE_PREEMPTED, 0 },
	{ FACT_PROCESSES, WAY_TRACEPOINT, "process_exec", NULL, 0, 0 },
	{ FACT_PROCESSES, WAY_TRACEPOINT, "process_fork", NULL, 0, 0 },
	/* UDP, not between those of TCP; the addresses come after what takes them. */
	{ FACT_CONNECT, WAY_FUNCTION, "datagram_connect_returns_again", "inet_dgram_connect",
	  KERNEL_IS_PREEMPTED, 0 },
	{ FACT_CONNECT, WAY_FUNCTION, "datagram_connect_returns", "inet_dgram_connect", 0, 0 },
	{ FACT_DATAGRAMS, WAY_FUNCTION, "release_begins_again", "sk_common_release",
	  KERNEL_IS_PREEMPTED, 0 },
	{ FACT_DATAGRAMS, WAY_FUNCTION, "release_begins", "sk_common_release", 0, 0 },
	{ FACT_DATAGRAMS, WAY_FUNCTION, "send_returns_again", "udp_sendmsg", KERNEL_IS_PREEMPTED,
	  0 },
	{ FACT_DATAGRAMS, WAY_FUNCTION, "send6_returns_again", "udpv6_sendmsg", KERNEL_IS_PREEMPTED,
	  0 },
	{ FACT_DATAGRAMS, WAY_FUNCTION, "receive_returns_again", "udp_recvmsg", KERNEL_IS_PREEMPTED,
	  0 },
	{ FACT_DATAGRAMS, WAY_FUNCTION, "receive6_returns_again", "udpv6_recvmsg",
	  KERNEL_IS_PREEMPTED, 0 },
	{ FACT_DATAGRAMS, WAY_FUNCTION, "send_returns", "udp_sendmsg", 0, 0 },
	{ FACT_DATAGRAMS, WAY_FUNCTION, "send6_returns", "udpv6_sendmsg", 0, 0 },
	{ FACT_DATAGRAMS, WAY_FUNCTION, "page_appended", "ip_append_page", 0,
	  KERNEL_VERSION(6, 5, 0) },
	{ FACT_DATAGRAMS, WAY_FUNCTION, "receive_returns", "udp_recvmsg", FLAGS_ARE_ONE, 0 },
	{ FACT_DATAGRAMS, WAY_FUNCTION, "receive6_returns", "udpv6_recvmsg", FLAGS_ARE_ONE, 0 },
	{ FACT_DATAGRAMS, WAY_FUNCTION, "old_receive_returns", "udp_recvmsg", 0, FLAGS_ARE_ONE },
	{ FACT_DATAGRAMS, WAY_FUNCTION, "old_receive6_returns", "udpv6_recvmsg", 0, FLAGS_ARE_ONE },
	{ FACT_DATAGRAMS, WAY_CALL, "cgroup_released", NULL, SENDS_ARE_TRACED, 0 },
	{ FACT_DATAGRAMS, WAY_CALL, "kernel_bound_ipv4", NULL, SENDS_ARE_TRACED, 0 },
	{ FACT_DATAGRAMS, WAY_CALL, "kernel_bound_ipv6", NULL, SENDS_ARE_TRACED, 0 },
	{ FACT_DATAGRAMS, WAY_CALL, "datagram_sent", NULL, SENDS_ARE_TRACED, 0 },
	{ FACT_DATAGRAMS, WAY_CALL, "datagram_received", NULL, SENDS_ARE_TRACED, 0 },
	{ FACT_DATAGRAMS, WAY_CALL, "sends_to_ipv4", NULL, SENDS_ARE_TRACED, 0 },
	{ FACT_DATAGRAMS, WAY_CALL, "sends_to_ipv6", NULL, SENDS_ARE_TRACED, 0 },
	{ FACT_DATAGRAMS, WAY_CALL, "receives_from_ipv4", NULL, SENDS_ARE_TRACED, 0 },
	{ FACT_DATAGRAMS, WAY_CALL, "receives_from_ipv6", NULL, SENDS_ARE_TRACED, 0 },
	{ FACT_STATES, WAY_TRACEPOINT, "tcp_destroy", NULL, 0, 0 },
	{ FACT_CONNECT, WAY_FUNCTION, "connect_returns_again", "inet_stream_connect",
	  KERNEL_IS_PREEMPTED, 0 },
	{ FACT_CONNECT, WAY_FUNCTION, "connect_returns", "inet_stream_connect", 0, 0 },
	{ FACT_CONNECT, WAY_FUNCTION, "connect_begins_again", "inet_stream_connect",
	  KERNEL_IS_PREEMPTED, 0 },
	{ FACT_CONNECT, WAY_FUNCTION, "connect_begins", "inet_stream_connect", 0, 0 },
	{ FACT_ACCEPT, WAY_FUNCTION, "accepted_again", "security_sock_graft", KERNEL_IS_PREEMPTED,
	  0 },
	{ FACT_ACCEPT, WAY_FUNCTION, "accepted", "security_sock_graft", 0, 0 },
	{ FACT_ACCEPT, WAY_FUNCTION, "old_accept_returns", "inet_csk_accept", 0,
	  KERNEL_VERSION(5, 11, 0) },
	/* Multipath TCP binds by the second pair since that is there (e6d360ff87f0). */
	{ FACT_BIND, WAY_FUNCTION, "bind_returns", "inet_bind", 0, KERNEL_VERSION(6, 6, 0) },
	{ FACT_BIND, WAY_FUNCTION, "bind6_returns", "inet6_bind", 0, KERNEL_VERSION(6, 6, 0) },
	{ FACT_BIND, WAY_FUNCTION, "bind_sk_returns_again", "inet_bind_sk", KERNEL_IS_PREEMPTED,
	  0 },
	{ FACT_BIND, WAY_FUNCTION, "bind_sk_returns", "inet_bind_sk", KERNEL_VERSION(6, 6, 0), 0 },
	{ FACT_BIND, WAY_FUNCTION, "bind6_sk_returns_again", "inet6_bind_sk", KERNEL_IS_PREEMPTED,
	  0 },
	{ FACT_BIND, WAY_FUNCTION, "bind6_sk_returns", "inet6_bind_sk", KERNEL_VERSION(6, 6, 0),
	  0 },
	{ FACT_LISTEN, WAY_FUNCTION, "listen_returns_again", "inet_listen", KERNEL_IS_PREEMPTED,
	  0 },
	{ FACT_LISTEN, WAY_FUNCTION, "listen_returns", "inet_listen", 0, 0 },
	{ FACT_LISTEN, WAY_FUNCTION, "listen_begins_again", "inet_listen", KERNEL_IS_PREEMPTED, 0 },
	{ FACT_LISTEN, WAY_FUNCTION, "listen_begins", "inet_listen", 0, 0 },
	{ FACT_ACCEPT, WAY_CALL, "exit_accept", "syscalls/sys_exit_accept", 0, 0 },
	{ FACT_ACCEPT, WAY_CALL, "exit_accept", "syscalls/sys_exit_accept4", 0, 0 },
	{ FACT_BIND, WAY_CALL, "exit_call", "syscalls/sys_exit_bind", 0, 0 },
	{ FACT_LISTEN, WAY_CALL, "exit_call", "syscalls/sys_exit_listen", 0, 0 },
	{ FACT_CONNECT, WAY_CALL, "exit_call", "syscalls/sys_exit_connect", 0, 0 },
	{ FACT_BIND, WAY_CALL, "enter_bind", "syscalls/sys_enter_bind", 0, ENDS_ARE_ENOUGH },
	{ FACT_LISTEN, WAY_CALL, "enter_listen", "syscalls/sys_enter_listen", 0, ENDS_ARE_ENOUGH },
	{ FACT_CONNECT, WAY_CALL, "enter_connect", "syscalls/sys_enter_connect", 0,
	  ENDS_ARE_ENOUGH },
	/* Its arguments are others before. */
	{ FACT_URING, WAY_CALL, "uring_complete", NULL, KERNEL_VERSION(6, 15, 0), 0 },
	{ FACT_URING, WAY_CALL, "uring_overflow", NULL, KERNEL_VERSION(6, 15, 0), 0 },
	{ FACT_STATES, WAY_TRACEPOINT, "tcp_state", NULL, 0, 0 },
	{ FACT_STATES, WAY_TRACEPOINT, "tcp_state_again", "sock/inet_sock_set_state",
	  TRACEPOINTS_ARE_PREEMPTED, 0 },
};

#define HOOKS (sizeof(hooks) / sizeof(hooks[0]))
_Static_assert(HOOKS <= HOOKS_MAX, "struct hooks has a link for each");

static const char *const fact_names[] = {
	[FACT_PROCESSES] = "processes", [FACT_CONNECT] = "connect", [FACT_ACCEPT] = "accept",
	[FACT_BIND] = "bind",           [FACT_LISTEN] = "listen",   [FACT_DATAGRAMS] = "datagrams",
	[FACT_URING] = "io_uring",      [FACT_STATES] = "states",
};
_Static_assert(sizeof(fact_names) / sizeof(fact_names[0]) == FACTS, "a name for each");

static const char *const way_names[] = {
	[WAY_TRACEPOINT] = "tracepoint",
	[WAY_FUNCTION] = "function",
	[WAY_CALL] = "system call",
	[WAY_NONE] = "none",
};
_Static_assert(sizeof(way_names) / sizeof(way_names[0]) == WAYS, "a name for each");

uint32_t hooks_kernel_version(void)
{
	unsigned int version = 0, patch = 0, level = 0;
	struct utsname name;

	if (!uname(&name))
		(void)sscanf(name.release, "%u.%u.%u", &version, &patch, &level);
	return KERNEL_VERSION(version, patch, level > 255 ? 255 : level);
}

/*
 * What bpf/ calls if it is there (bpf_rdonly_cast, 6.2), libbpf 1.1 also looks for in the BTF of
 * modules.  Where that is not allowed (CAP_SYS_ADMIN) the first attempt fails, whatever for, and
 * no other is made: so let it be for the sake of a name that nothing has.
 */
void hooks_forgo_modules(struct bpf_object *object)
{
	struct bpf_program *program;

	if (hooks_kernel_version() >= KERNEL_VERSION(6, 2, 0) || rights_have(CAP_SYS_ADMIN))
		return;
	bpf_object__for_each_program(program, object) {
		if (bpf_program__type(program) != BPF_PROG_TYPE_TRACING)
			continue;
		(void)bpf_program__set_attach_target(program, 0, "no function of any module");
		return;
	}
}

/* Of a tracepoint, the slower way: those of system calls have no other. */
static bool is_perf_event(const struct hook *hook)
{
	return hook->target && hook->way != WAY_FUNCTION;
}

/* For what the program before it could not see: it may be missing. */
static bool is_spare(const struct hook *hook)
{
	return hook->way == WAY_TRACEPOINT && is_perf_event(hook);
}

static struct bpf_program *program_of(const struct hooks *self, const struct hook *hook)
{
	return bpf_object__find_program_by_name(self->object, hook->program);
}

static bool in_kernel(const struct hooks *self, const struct hook *hook)
{
	return self->kernel >= hook->since && (!hook->until || self->kernel < hook->until);
}

static bool in_use(const struct hooks *self, const struct hook *hook)
{
	return self->ways[hook->fact] == hook->way && in_kernel(self, hook) &&
	       !(self->no_spares && is_spare(hook));
}

/*
 * Whether the kernel lets anybody load such programs, asked with one that has no function:
 * a refusal (-EPERM) comes before the complaint about that (-EINVAL).
 */
static int functions_granted(void)
{
	static const struct bpf_insn nothing[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K }, /* r0 = 0 */
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = BPF_TRACE_FEXIT,
		    .attach_btf_id = 1);
	int fd = bpf_prog_load(BPF_PROG_TYPE_TRACING, NULL, "Dual BSD/GPL", nothing, 2, &options);

	if (fd >= 0)
		close(fd);
	return fd == -EPERM || fd == -EACCES ? fd : 0;
}

/* Whether each function of a fact is there; sets the programs' targets. */
static bool has_functions(struct hooks *self, enum hook_fact fact)
{
	bool some = false;

	for (size_t i = 0; i < HOOKS; i++) {
		const struct hook *hook = &hooks[i];

		if (hook->fact != fact || hook->way != WAY_FUNCTION || !in_kernel(self, hook))
			continue;
		some = true;
		if (bpf_program__set_attach_target(program_of(self, hook), 0, hook->target)) {
			(void)snprintf(self->refusal, sizeof(self->refusal),
				       "this kernel has no function %s to attach to", hook->target);
			return false;
		}
	}
	return some;
}

/* Why cgroup programs can't be used: CAP_NET_ADMIN and a place to attach them are needed.  NULL: they can. */
static const char *cgroups_refused(void)
{
	static const struct bpf_insn allow[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = 1 }, /* r0 = 1 */
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, options,
		    .expected_attach_type = BPF_CGROUP_INET_SOCK_RELEASE);
	int root = cgroup_root(), fd;

	if (root < 0)
		return "there is no cgroup v2 to attach programs to, or no right to open it "
		       "(CAP_SYS_ADMIN)";
	close(root);
	fd = bpf_prog_load(BPF_PROG_TYPE_CGROUP_SOCK, NULL, "Dual BSD/GPL", allow, 2, &options);
	if (fd < 0)
		return "the kernel refuses cgroup programs (CAP_NET_ADMIN)";
	close(fd);
	return NULL;
}

static enum hook_way choose_datagrams(struct hooks *self, bool functions)
{
	self->no_datagrams = NULL;
	if (!self->udp)
		return WAY_NONE;
	if (functions && has_functions(self, FACT_DATAGRAMS))
		return WAY_FUNCTION;
	self->no_datagrams = self->kernel < SENDS_ARE_TRACED ? "before Linux 6.3 only functions of "
							       "the kernel show them"
							     : cgroups_refused();
	return self->no_datagrams ? WAY_NONE : WAY_CALL;
}

static enum hook_way choose(struct hooks *self, enum hook_fact fact, bool functions)
{
	switch (fact) {
	case FACT_PROCESSES:
	case FACT_STATES:
		return WAY_TRACEPOINT;
	case FACT_URING: /* after the others; datagrams are not seen by system calls */
		for (enum hook_fact other = 0; other < FACT_DATAGRAMS; other++)
			if (self->ways[other] == WAY_CALL)
				return WAY_CALL;
		return WAY_NONE;
	case FACT_DATAGRAMS:
		return choose_datagrams(self, functions);
	default:
		return functions && has_functions(self, fact) ? WAY_FUNCTION : WAY_CALL;
	}
}

void hooks_choose(struct hooks *self, struct bpf_object *object, bool functions, bool udp)
{
	int refused = functions ? functions_granted() : 0;

	self->object = object;
	self->udp = udp;
	self->kernel = hooks_kernel_version();
	if (functions)
		self->refusal[0] = 0;
	if (refused)
		(void)snprintf(self->refusal, sizeof(self->refusal),
			       "the kernel refuses to load such programs: %s", strerror(-refused));
	for (enum hook_fact fact = 0; fact < FACTS; fact++)
		self->ways[fact] = choose(self, fact, functions && !refused);
	for (size_t i = 0; i < HOOKS; i++)
		(void)bpf_program__set_autoload(program_of(self, &hooks[i]), false);
	for (size_t i = 0; i < HOOKS; i++)
		if (in_use(self, &hooks[i]))
			(void)bpf_program__set_autoload(program_of(self, &hooks[i]), true);
}

static int attach_event(struct bpf_program *program, int directory, const char *name,
			struct bpf_link **link)
{
	int event = directory < 0 ? directory : tracepoint_open(directory, name);

	if (event < 0)
		return event;
	*link = bpf_program__attach_perf_event(program, event);
	if (*link) /* it owns the event now */
		return 0;
	close(event);
	return -errno;
}

static bool is_cgroup_program(const struct bpf_program *program)
{
	enum bpf_prog_type type = bpf_program__type(program);

	return type == BPF_PROG_TYPE_CGROUP_SOCK || type == BPF_PROG_TYPE_CGROUP_SOCK_ADDR;
}

/* To the root of the hierarchy: it sees all cgroups. */
static int attach_cgroup(struct bpf_program *program, struct bpf_link **link)
{
	int root = cgroup_root(), err = 0;

	if (root < 0)
		return root;
	*link = bpf_program__attach_cgroup(program, root);
	if (!*link)
		err = -errno;
	close(root);
	return err;
}

/* directory: of the tracepoints, for a system call. */
static int attach(struct hooks *self, size_t i, int directory)
{
	const struct hook *hook = &hooks[i];

	if (self->links[i] || !in_use(self, hook))
		return 0;
	if (is_perf_event(hook))
		return attach_event(program_of(self, hook), directory, hook->target,
				    &self->links[i]);
	if (is_cgroup_program(program_of(self, hook)))
		return attach_cgroup(program_of(self, hook), &self->links[i]);
	self->links[i] = bpf_program__attach(program_of(self, hook));
	return self->links[i] ? 0 : -errno;
}

int hooks_try(struct hooks *self)
{
	int err = 0;

	for (size_t i = 0; i < HOOKS; i++) {
		if (hooks[i].way != WAY_FUNCTION || !in_use(self, &hooks[i]))
			continue;
		err = attach(self, i, -1);
		break;
	}
	if (err)
		(void)snprintf(self->refusal, sizeof(self->refusal),
			       "the kernel does not attach such programs: %s", strerror(-err));
	return err;
}

static bool needs_directory(const struct hooks *self)
{
	for (size_t i = 0; i < HOOKS; i++)
		if (is_perf_event(&hooks[i]) && in_use(self, &hooks[i]))
			return true;
	return false;
}

/* "fexit/inet_listen", "tp_btf/tcp_destroy_sock", "sys_exit_bind", "tp/sock/inet_sock_set_state". */
static void name_of(const struct hooks *self, const struct hook *hook, char *name, size_t size)
{
	const char *section = bpf_program__section_name(program_of(self, hook));

	if (!hook->target)
		(void)snprintf(name, size, "%s", section);
	else if (hook->way == WAY_CALL)
		(void)snprintf(name, size, "%s", strchr(hook->target, '/') + 1);
	else
		(void)snprintf(name, size, "%s/%s", section, hook->target);
}

int hooks_attach(struct hooks *self, char *failed, size_t size)
{
	int directory = needs_directory(self) ? tracepoint_directory() : -1;
	int err = 0;

	for (size_t i = 0; i < HOOKS && !err; i++) {
		err = attach(self, i, directory);
		if (err)
			name_of(self, &hooks[i], failed, size);
		if (err && is_spare(&hooks[i])) {
			self->no_spares = true;
			err = 0;
		}
	}
	if (directory >= 0)
		close(directory);
	return err;
}

void hooks_detach(struct hooks *self)
{
	for (size_t i = HOOKS; i-- > 0;) { /* calls first end where they begin */
		(void)bpf_link__destroy(self->links[i]);
		self->links[i] = NULL;
	}
}

/* names: with a space between. */
static bool is_among(const char *names, const char *name)
{
	size_t len = strlen(name);

	for (const char *at = names; (at = strstr(at, name)); at += len)
		if ((at == names || at[-1] == ' ') && (!at[len] || at[len] == ' '))
			return true;
	return false;
}

/* fact FACTS: all. */
void hooks_names(const struct hooks *self, enum hook_fact fact, char *buffer, size_t size)
{
	size_t len = 0;

	buffer[0] = 0;
	for (size_t i = 0; i < HOOKS; i++) {
		char name[64];

		if (!in_use(self, &hooks[i]) || (fact != FACTS && hooks[i].fact != fact))
			continue;
		name_of(self, &hooks[i], name, sizeof(name));
		if (len < size && !is_among(buffer, name)) /* two programs there are one hook */
			len += (size_t)snprintf(buffer + len, size - len, "%s%s", len ? " " : "",
						name);
	}
}

bool hooks_use_functions(const struct hooks *self)
{
	for (enum hook_fact fact = 0; fact < FACTS; fact++)
		if (self->ways[fact] == WAY_FUNCTION)
			return true;
	return false;
}

#define BY_URING "who accepts by io_uring, and binds and failures by io_uring"
#define BY_UDP "what UDP sockets send, receive, and when they are closed"

const char *hooks_missed(const struct hooks *self)
{
	static const char *const texts[] = { NULL, BY_URING, BY_UDP, BY_UDP "; " BY_URING };
	bool uring = self->ways[FACT_URING] != WAY_NONE;

	for (size_t i = 0; i < HOOKS; i++)
		if (hooks[i].fact == FACT_URING && in_use(self, &hooks[i]))
			uring = false;
	return texts[uring + 2 * !!self->no_datagrams];
}

bool hooks_need_memory(const struct hooks *self)
{
	return self->kernel < KERNEL_VERSION(6, 1, 0) && needs_directory(self);
}

bool hooks_see_ends_only(const struct hooks *self, enum hook_fact fact)
{
	return self->ways[fact] == WAY_CALL && self->kernel >= ENDS_ARE_ENOUGH;
}

uint64_t hooks_uring_opcodes(const struct hooks *self)
{
	/* As in linux/io_uring.h, whose older versions lack some. */
	static const uint8_t opcodes[FACTS] = {
		[FACT_ACCEPT] = 13, [FACT_CONNECT] = 16, [FACT_BIND] = 56, [FACT_LISTEN] = 57
	};
	uint64_t bits = 0;

	for (enum hook_fact fact = 0; fact < FACTS; fact++)
		if (opcodes[fact] && self->ways[fact] != WAY_FUNCTION)
			bits |= 1ULL << opcodes[fact];
	return bits;
}

const char *hooks_way_name(enum hook_way way)
{
	return way_names[way];
}

const char *hooks_fact_name(enum hook_fact fact)
{
	return fact_names[fact];
}
