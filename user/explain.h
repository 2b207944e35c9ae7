/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Explains the failed bind or listen of a record: asks the ledger who had the port at that
 * moment, and the kernel which processes hold it by descriptors that the ledger never saw.
 * cause.c judges what is gathered here.
 *
 * It reads the ledger only, and knows no hook: who asks the kernel is told by its config.
 */
#ifndef EXPLAIN_H
#define EXPLAIN_H

#include <stdint.h>

#include "cause.h"
#include "ledger.h"

struct explain;

/* What to ask the kernel for. */
enum explain_quest {
	EXPLAIN_DESCRIPTORS, /* every descriptor of sockets with that port */
	EXPLAIN_WAITING,     /* what is left of connections, in TIME_WAIT */
};

struct explain_config {
	struct ledger *ledger;
	struct processes *processes;
	/*
	 * Ask; each answer comes back by explain_found() before this returns.  0 or -errno.
	 * NULL: what the ledger knows must be enough.
	 */
	int (*ask)(void *context, enum explain_quest quest, uint32_t netns, uint16_t port);
	void *context;
};

/* What config points to must outlive it.  NULL: no memory. */
struct explain *explain_new(const struct explain_config *config);
void explain_free(struct explain *explain);

/*
 * Right after the record was applied: set event->why, if it is a bind or listen that failed.
 * It is good until the next call.
 */
void explain_event(struct explain *explain, const struct pt_socket *record, struct event *event,
		   uint64_t boot_to_real);

/* An answer: a PT_OPEN record. */
void explain_found(struct explain *explain, const struct pt_socket *open, uint64_t boot_to_real);

#endif
