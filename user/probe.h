/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The kernel side as user space sees it: load, attach, drain, count.  The only part
 * that knows libbpf.  It says what went wrong on stderr itself, one line each time.
 */
#ifndef PROBE_H
#define PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "porttrace/wire.h"

struct probe;

/* Which hooks may see bind, listen, connect and accept. */
enum probe_way {
	PROBE_BEST,
	PROBE_FUNCTIONS, /* fentry and fexit, or -ENOTSUP */
	PROBE_CALLS,     /* tracepoints of system calls */
};

struct probe_config {
	uint64_t ring_size;    /* bytes, a power of two of at least a page; 0: 8 MiB */
	uint64_t wake_bytes;   /* records that wait before probe_fd() is readable; 0: default */
	bool states;           /* tell each change of state */
	bool ipv4, ipv6;       /* only these; neither: both */
	bool tcp, udp;         /* likewise */
	const uint64_t *ports; /* 65536 bits: only sockets with one of these at either end; or NULL */
	enum probe_way way;
	uint32_t root; /* pid: mark it and its descendants (in_tree); 0: nobody */
};

typedef void (*probe_record)(void *context, const void *data, size_t size);

/*
 * Load the programs.  Records will go to record(context, ...), aligned to 8 bytes.
 * 0; -EPERM: a right is missing; -ENOTSUP: this kernel cannot; other -errno.
 */
int probe_open(struct probe **probe, const struct probe_config *config, probe_record record,
	       void *context);
void probe_free(struct probe *probe);

/* Attach the hooks: from now on everything is seen.  Errors as above. */
int probe_attach(struct probe *probe);

/* Take the hooks off.  What they wrote can still be drained. */
void probe_detach(struct probe *probe);

/* Read the sockets that existed before, as records.  0 or -errno. */
int probe_snapshot(struct probe *probe);

/*
 * Look through all sockets that the kernel side knows: the end of those that are gone,
 * and was missed, is told now.  recall: and tell the others again as PT_OPEN records,
 * after a loss.  The ring is drained.  0 or -errno; -ENOSPC: there was no room to tell all.
 */
int probe_sweep(struct probe *probe, bool recall);

enum probe_find {
	PROBE_DESCRIPTORS, /* every descriptor; about 0.5 us for each one of the machine */
	PROBE_WAITS,       /* TIME_WAIT: state_old says so, duration is what is left, or 0 */
};

/*
 * Find the sockets that have that local port in that namespace, as PT_PROCESS and PT_OPEN
 * records for record(context, ...).  0 or -errno; -EXDEV: PROBE_WAITS in another namespace
 * than our own.
 */
int probe_find(struct probe *probe, enum probe_find what, uint32_t netns, uint16_t port,
	       probe_record record, void *context);

/* Readable when a good part of the ring is full; drain on a timer too. */
int probe_fd(const struct probe *probe);
/* Hand out what waits in the ring.  0 or -errno. */
int probe_drain(struct probe *probe);

/* How much of the ring waits to be drained, 0 to 1. */
double probe_ring_used(const struct probe *probe);

/* The sum over all CPUs.  0 or -errno. */
int probe_counts(const struct probe *probe, struct pt_counts *counts);
/* Runs of hooks that the kernel skipped. */
uint64_t probe_skipped(const struct probe *probe);

/* The names of the hooks in use, with a space between. */
const char *probe_hooks(const struct probe *probe);

struct hooks;
/* The choice that was made, for doctor; the probe's. */
const struct hooks *probe_choice(const struct probe *probe);

#endif
