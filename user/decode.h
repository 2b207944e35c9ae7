/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Bytes from the kernel to checked records and events.  Trusts nothing: a record
 * that is too short, of an unknown type or with a value outside its enum is refused.
 */
#ifndef DECODE_H
#define DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event.h"
#include "porttrace/wire.h"

/* A checked record: one of the pointers is set, to the caller's own bytes. */
struct record {
	enum pt_type type;
	const struct pt_socket *socket;
	const struct pt_process *process;
	const struct pt_life *life;
};

/* Bytes that a record has by its first byte, the type; 0: there is no such type. */
size_t decode_size(uint8_t type);
/* An event of a socket: struct pt_socket, or what begins with one. */
bool decode_is_socket(uint8_t type);

/* data: aligned to 8 bytes.  0 or -EBADMSG; size may be more than the record. */
int decode_record(struct record *record, const void *data, size_t size);

/*
 * What a socket's record says by itself; processes are left out, that is the
 * ledger's part.  boot_to_real: what clock_boot_to_real() gives.
 */
void decode_event(struct event *event, const struct pt_socket *socket, uint64_t boot_to_real);

/*
 * Turn the names of a process's path round, "/" before each.  path: PT_EXE_LEN + 1
 * bytes.  The length without NUL, 0: there is no path or it was cut.
 */
size_t decode_path(const struct pt_process *process, char *path);

/* The same for its control group, "/" for the root; PT_CGROUP_LEN + 1 bytes.  false: not known. */
bool decode_cgroup(const struct pt_process *process, char *path);

#endif
