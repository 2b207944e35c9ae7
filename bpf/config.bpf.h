/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What user space decides before the programs are loaded.  Constants to the
 * verifier, so a branch that is off costs nothing.  probe.c sets them.
 */
#pragma once

/* The running kernel's, as KERNEL_VERSION() makes it; only compat.bpf.h asks. */
const volatile __u32 kernel_version = 0;

/* Report each change of TCP state. */
const volatile bool tell_states = false;

/* Only sockets of one IP version; 0: both. */
const volatile __u8 only_family = 0;

/*
 * Only sockets with a port of either end in ports, a bit each.  A filter on one
 * end alone must not be applied here: the record of the other end's socket is
 * what names the process behind the remote port.
 */
const volatile bool only_ports = false;
const volatile __u64 ports[65536 / 64] = {};
const volatile __u16 highest_port = 0; /* of them */

/* UDP is of interest. */
const volatile bool see_udp = true;

/* Makes the tags of remote addresses unforgeable. */
const volatile __u64 tag_secret = 0;

/* Only the processes of the map tree, and what they start, are of interest. */
const volatile bool only_tree = false;

/* The numbers of these system calls, of which the ends alone are seen; -1: it is not so. */
const volatile __s32 listen_number = -1;
const volatile __s32 connect_number = -1;

/* Requests of io_uring, a bit for each opcode, that no better hook sees. */
const volatile __u64 uring_opcodes = 0;

/* Nanoseconds between two ticks of the timer, which no helper tells; 0: not known. */
const volatile __u64 tick = 0;

/*
 * Wake the consumer when so many bytes wait, drop socket events above the limit.  With 64 KiB it
 * took 4.8 us for a connection at full rate, so 3.8; a MiB saves little more, and leaves the caches.
 */
const volatile __u64 wake_bytes = 256 * 1024;
const volatile __u64 limit_bytes = 7 * 1024 * 1024;
