/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which hooks see what, chosen by what the running kernel grants: the table of them, the
 * choice, and attaching.  Beside probe.c the only part that knows libbpf.
 */
#ifndef HOOKS_H
#define HOOKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bpf_link;
struct bpf_object;

/* What is to be seen. */
enum hook_fact {
	FACT_PROCESSES,
	FACT_CONNECT,
	FACT_ACCEPT,
	FACT_BIND,
	FACT_LISTEN,
	FACT_DATAGRAMS, /* UDP: sends, receives, and the end of a socket */
	FACT_URING, /* the four above, asked for by io_uring, where they are seen by system calls */
	FACT_STATES,
	FACTS,
};

/* How; the best first. */
enum hook_way {
	WAY_TRACEPOINT, /* a tracepoint that every kernel has: there is no choice */
	WAY_FUNCTION,   /* fentry, fexit */
	WAY_CALL,       /* tracepoints of system calls; of UDP, of sockets, and cgroup programs */
	WAY_NONE,       /* it is not seen, or need not be */
	WAYS,
};

#define HOOKS_MAX 64

struct hooks {
	struct bpf_object *object;
	uint32_t kernel; /* as KERNEL_VERSION() makes it */
	bool udp;        /* is of interest */
	enum hook_way ways[FACTS];
	char refusal[160];        /* why fentry and fexit are not used; "": they are */
	bool no_spares;           /* what only helps others can't be attached */
	const char *no_datagrams; /* why FACT_DATAGRAMS is not seen at all; NULL: it is */
	struct bpf_link *links[HOOKS_MAX];
};

/* The running kernel's version, as KERNEL_VERSION() makes it. */
uint32_t hooks_kernel_version(void);

/*
 * For each object that is open and not loaded, before all else: so that who has not all rights
 * can load it.
 */
void hooks_forgo_modules(struct bpf_object *object);

/*
 * Choose for an object that is open and not loaded: programs that are not needed will not
 * be loaded.  functions: fentry and fexit may be used (false after a refusal).  udp: it is of
 * interest.
 */
void hooks_choose(struct hooks *hooks, struct bpf_object *object, bool functions, bool udp);

/*
 * The object is loaded: attach one function's program, because some kernels load what
 * they can't attach.  0, or -errno: choose again, without functions; why is in refusal.
 */
int hooks_try(struct hooks *hooks);

/*
 * Attach the rest in the right order.  0; -errno, and the name of the hook to failed.  A spare one may
 * fail: 0, its name to failed, and no_spares is set.
 */
int hooks_attach(struct hooks *hooks, char *failed, size_t size);
void hooks_detach(struct hooks *hooks);

/* Names of the hooks in use with a space between, of one fact or (FACTS) all, to buffer. */
void hooks_names(const struct hooks *hooks, enum hook_fact fact, char *buffer, size_t size);

/*
 * What the hooks that were chosen do not show, for a person; NULL: nothing.
 */
const char *hooks_missed(const struct hooks *hooks);

/* Programs are among them that may not allocate memory on this kernel. */
bool hooks_need_memory(const struct hooks *hooks);

/* Whether some fact is seen by WAY_FUNCTION. */
bool hooks_use_functions(const struct hooks *hooks);

/* Whether a fact is seen by the end of its system call, not by its beginning. */
bool hooks_see_ends_only(const struct hooks *hooks, enum hook_fact fact);

/* Bits 1 << opcode of what io_uring's own hook has to see. */
uint64_t hooks_uring_opcodes(const struct hooks *hooks);

const char *hooks_fact_name(enum hook_fact fact);
const char *hooks_way_name(enum hook_way way);

#endif
