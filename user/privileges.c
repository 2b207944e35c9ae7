// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * See privileges.h.  What stays:
 *
 *     CAP_BPF         iterators are created while tracing (probe_find()), and before 5.19
 *                     reading a map takes it too (kernel.unprivileged_bpf_disabled).
 *                     Without CAP_PERFMON it loads nothing that reads kernel memory, and
 *                     the filter lets it load nothing at all.
 *     CAP_SYS_PTRACE  /proc/PID/exe of others, and /proc mounted with hidepid
 *
 * Before 5.8 both of the BPF capabilities are part of CAP_SYS_ADMIN.  The user stays
 * root: log files in root's directories are opened again.
 *
 * kill(2) and wait4(2) are for porttrace run.
 *
 * A system call that is not on the list fails with ENOSYS, and is told by the loop: the
 * signal handler only notes it.  The lists are for us and for glibc with its name
 * services, which may talk to a daemon on this machine (getpwuid(3)).
 */
#include "privileges.h"

#include <cap-ng.h>
#include <errno.h>
#include <linux/bpf.h>
#include <seccomp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <ucontext.h>

#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#endif
#ifndef CAP_BPF
#define CAP_BPF 39
#endif

/* Names, because not every architecture has all of them. */
static const char *const calls[] = {
	"read",          "write",
	"readv",         "writev",
	"pread64",       "lseek",
	"close",         "close_range",
	"dup",           "open",
	"openat",        "openat2",
	"access",        "faccessat",
	"faccessat2",    "stat",
	"lstat",         "fstat",
	"newfstatat",    "fstatat64",
	"statx",         "statfs",
	"fstatfs",       "readlink",
	"readlinkat",    "getdents64",
	"getcwd",        "fcntl",
	"flock",         "ftruncate",
	"rename",        "renameat",
	"renameat2",     "linkat",
	"unlink",        "unlinkat",
	"fchmod",        "fchown",
	"umask",         "ioctl",
	"mmap",          "munmap",
	"mremap",        "mprotect",
	"brk",           "madvise",
	"poll",          "ppoll",
	"select",        "pselect6",
	"epoll_create1", "epoll_ctl",
	"epoll_wait",    "epoll_pwait",
	"epoll_pwait2",  "signalfd4",
	"rt_sigaction",  "rt_sigprocmask",
	"rt_sigreturn",  "sigaltstack",
	"tgkill",        "clock_gettime",
	"clock_getres",  "clock_nanosleep",
	"nanosleep",     "gettimeofday",
	"time",          "restart_syscall",
	"sched_yield",   "sched_getaffinity",
	"futex",         "rseq",
	"membarrier",    "getpid",
	"gettid",        "getuid",
	"geteuid",       "getgid",
	"getegid",       "getrusage",
	"getrandom",     "prlimit64",
	"getrlimit",     "sysinfo",
	"uname",         "times",
	"exit",          "exit_group",
	"connect",       "sendto",
	"sendmsg",       "sendmmsg",
	"recvfrom",      "recvmsg",
	"getsockname",   "getpeername",
	"getsockopt",    "setsockopt",
	"shutdown",      "kill",
	"wait4",         "waitid",
};

/* Of bpf(2): what works on descriptors that are there already.  Nothing is loaded. */
static const int bpf_commands[] = {
	BPF_MAP_LOOKUP_ELEM,
	BPF_MAP_UPDATE_ELEM,
	BPF_MAP_DELETE_ELEM,
	BPF_MAP_GET_NEXT_KEY,
	BPF_MAP_LOOKUP_AND_DELETE_ELEM,
	BPF_MAP_LOOKUP_BATCH,
	BPF_PROG_TEST_RUN,
	BPF_OBJ_GET_INFO_BY_FD,
	BPF_LINK_CREATE,
	BPF_ITER_CREATE,
};

/* Of prctl(2): what libraries ask when they are loaded, and what malloc(3) calls its memory. */
static const int prctl_options[] = {
	PR_GET_DUMPABLE,   PR_GET_NAME,         PR_CAPBSET_READ,
	PR_GET_SECUREBITS, PR_GET_NO_NEW_PRIVS, PR_SET_VMA,
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The number of the latest call that was refused, and -1: a signal handler has no context. */
static volatile sig_atomic_t refused = -1;

#if defined(__x86_64__)
#define RESULT(context) ((context)->uc_mcontext.gregs[REG_RAX])
#elif defined(__aarch64__)
#define RESULT(context) ((context)->uc_mcontext.regs[0])
#endif

/* Sanitizers do what they like, at the end of the program above all. */
#if defined(__SANITIZE_ADDRESS__)
#define FILTERED false
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FILTERED false
#endif
#endif
#ifndef FILTERED
#define FILTERED true
#endif

#ifdef RESULT
#define REFUSE SCMP_ACT_TRAP

static void on_refused(int signal, siginfo_t *info, void *context)
{
	ucontext_t *ucontext = context;

	(void)signal;
	refused = info->si_syscall;
	RESULT(ucontext) = -ENOSYS;
}

static int catch_refused(void)
{
	struct sigaction action = { .sa_sigaction = on_refused, .sa_flags = SA_SIGINFO };

	return sigaction(SIGSYS, &action, NULL) ? -errno : 0;
}
#else
#define REFUSE SCMP_ACT_ERRNO(ENOSYS)

static int catch_refused(void)
{
	return 0;
}
#endif

static int drop_capabilities(const struct privileges_config *config)
{
	const capng_type_t kept = (capng_type_t)(CAPNG_EFFECTIVE | CAPNG_PERMITTED);
	const unsigned int wanted[] = {
		CAP_BPF,
		CAP_SYS_PTRACE,
		config->override ? CAP_DAC_OVERRIDE : CAP_BPF,
		config->chown ? CAP_CHOWN : CAP_BPF,
	};
	uint64_t has = 0;
	bool all;

	if (capng_get_caps_process())
		return -EINVAL;
	all = capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		if (capng_have_capability(CAPNG_EFFECTIVE, wanted[i]))
			has |= 1ULL << wanted[i];
	/* Before 5.8, and for who was given that one only. */
	if (!(has & 1ULL << CAP_BPF))
		has |= 1ULL << CAP_SYS_ADMIN;
	capng_clear(CAPNG_SELECT_ALL);
	for (unsigned int number = 0; number < 64; number++)
		if (has & 1ULL << number && capng_update(CAPNG_ADD, kept, number))
			return -EINVAL;
	/* Changing the bounding set takes a right of its own. */
	return capng_apply(all ? CAPNG_SELECT_BOTH : CAPNG_SELECT_CAPS) ? -EPERM : 0;
}

/* Allow a call only with one of these as its first argument. */
static int allow_with(scmp_filter_ctx filter, int call, const int *values, size_t count)
{
	int err = 0;

	for (size_t i = 0; i < count && !err; i++) {
		struct scmp_arg_cmp first = {
			.arg = 0,
			.op = SCMP_CMP_MASKED_EQ, /* it is an int: what is above means nothing */
			.datum_a = UINT32_MAX,
			.datum_b = (uint32_t)values[i],
		};

		err = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call, 1, &first);
	}
	return err;
}

static int add_rules(scmp_filter_ctx filter)
{
	static const int families[] = { AF_UNIX }; /* nothing goes out of this machine */
	int err = 0;

	for (size_t i = 0; i < COUNT(calls) && !err; i++) {
		int number = seccomp_syscall_resolve_name(calls[i]);

		if (number >= 0) /* else this architecture has none, or calls it otherwise */
			err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0);
	}
	if (!err)
		err = allow_with(filter, SCMP_SYS(bpf), bpf_commands, COUNT(bpf_commands));
	if (!err)
		err = allow_with(filter, SCMP_SYS(prctl), prctl_options, COUNT(prctl_options));
	if (!err)
		err = allow_with(filter, SCMP_SYS(socket), families, COUNT(families));
	return err;
}

static int filter_calls(void)
{
	scmp_filter_ctx filter;
	int err;

	if (!FILTERED)
		return 0;
	filter = seccomp_init(REFUSE);
	if (!filter)
		return -ENOMEM;
	err = add_rules(filter);
	if (!err)
		err = catch_refused();
	if (!err) /* a tree: the common calls are not behind a hundred others */
		(void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (!err)
		err = seccomp_load(filter);
	seccomp_release(filter);
	return err;
}

void privileges_drop(const struct privileges_config *config, int errors[PRIVILEGES_STEPS])
{
	errors[PRIVILEGES_CAPABILITIES] = drop_capabilities(config);
	errors[PRIVILEGES_NO_NEW] = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ? -errno : 0;
	errors[PRIVILEGES_SYSTEM_CALLS] = filter_calls();
}

const char *privileges_step_name(enum privileges_step step)
{
	static const char *const names[] = {
		[PRIVILEGES_CAPABILITIES] = "capabilities",
		[PRIVILEGES_NO_NEW] = "the way to new ones",
		[PRIVILEGES_SYSTEM_CALLS] = "system calls",
	};

	return names[step];
}

const char *privileges_refused(char *name, size_t size)
{
	int number = refused;
	char *found;

	if (number < 0)
		return NULL;
	refused = -1;
	found = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, number);
	if (found)
		(void)snprintf(name, size, "%s", found);
	else
		(void)snprintf(name, size, "%d", number);
	free(found);
	return name;
}
