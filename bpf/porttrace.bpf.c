// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The kernel side, as one object.  To follow a connection: wire.h says what user
 * space gets, tcp.bpf.c what happens in its life, syscalls.bpf.c who asked for it.
 */
#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "udp.bpf.h"

/* clang-format off: the order is that of a connection's life */
#include "tcp.bpf.c"
#include "fexit.bpf.c"
#include "udp.bpf.c"
#include "syscalls.bpf.c"
#include "uring.bpf.c"
#include "process.bpf.c"
#include "snapshot.bpf.c"
#include "sweep.bpf.c"
#include "port.bpf.c"
/* clang-format on */

char LICENSE[] SEC("license") = "Dual BSD/GPL";
