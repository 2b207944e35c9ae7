/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Every map: key, value, lifetime, and what happens when it is full.
 */
#pragma once

#include "porttrace/wire.h"

/*
 * What is known and what has been told of one socket; see owner.bpf.h.  The facts are a
 * byte each, because a system call's return writes them without the socket's lock.
 */
struct known {
	__u64 cookie; /* 0: not known yet */
	__u64 since;  /* bound, or the present connection began */
	struct pt_who owner;
	struct pt_who creator; /* who bound the port */
	struct pt_who closer;  /* who closed or shut down this end first */
	__u8 attribution;
	__u8 kind;
	__u8 flags;     /* enum pt_flag */
	__u8 first_fin; /* enum pt_side: who sent the first FIN */
	__u32 netns;
	__u16 local_port;
	__u16 remote_port;
	__u8 local_ip[16];
	__u8 remote_ip[16];
	__u32 device; /* see struct pt_socket, for both */
	__u8 share;
	__u16 error;     /* of a connect that failed, as it was told */
	bool connecting; /* this end sent a SYN */
	bool established;
	bool told_bind;
	bool told_listen;
	bool told_connect;
	bool told_accept;
	bool told_close;
	bool reset_here;  /* this end threw the connection away */
	bool left_behind; /* the kernel closed it for a process that had ended */
	bool older;       /* UDP: perhaps older than the tracer, the snapshot tells */
	__u8 state;       /* TCP: that was handled last */
};

/*
 * Sockets by their address.  An entry is made by the first hook that sees the
 * socket in process context (or at its handshake) and goes when the socket is
 * destroyed; probe.c sets the size.  Full: counted in lost_map, the socket's
 * events are told without an owner.
 *
 * Not socket storage: that cannot be reached from a syscall's exit, where all we
 * have is a number of a descriptor and so no pointer that the verifier trusts.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, __u64);
	__type(value, struct known);
} sockets SEC(".maps");

enum call_kind {
	CALL_NONE,
	CALL_BIND,
	CALL_LISTEN,
	CALL_CONNECT,
};

/* A bind, listen or connect that a thread is in. */
struct call {
	__u64 sock; /* 0: only the descriptor is known yet */
	__u64 begin;
	__u64 address; /* of the sockaddr */
	__u64 seen;    /* a cookie, see thread_turn(); 0: none */
	__u32 len;     /* of address */
	__u32 fd;
	__u8 kind;
	__u8 state;       /* listen: of the socket at the beginning */
	bool from_kernel; /* address is the kernel's own copy, not the user's memory */
};

/* With the thread, freed with it (thread.bpf.h).  No memory: as below. */
struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct call);
} calls_of_threads SEC(".maps");

/*
 * On older kernels by thread (pid_tgid), from enter to exit.  Full: counted in lost_map, the
 * call's failure is not told.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, __u64);
	__type(value, struct call);
} calls SEC(".maps");

/* What user space was last told of a process. */
struct told {
	__u64 start;
	__u64 exec_id;
	__u64 cgroups; /* its css_set: another one when it was moved */
	char name[PT_COMM_LEN];
	__u32 uid;
	__u32 spare;
};

/*
 * Processes that use sockets, by tgid, until they exit.  Full: such a process is
 * told of again with each of its events.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536);
	__type(key, __u32);
	__type(value, struct told);
} processes SEC(".maps");

/*
 * With only_tree: processes that descend from the first one, which user space puts here,
 * by tgid until they exit; the value says nothing.  Full: counted in lost_map, the new
 * process and its children are not told.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536);
	__type(key, __u32);
	__type(value, __u8);
} tree SEC(".maps");

/*
 * What a UDP socket has exchanged.  Written by several threads at once: numbers are added
 * atomically, the rest is a word each.  A remote address is known by its tag (udp.bpf.h).
 */
struct datagrams {
	__u64 sent, received;  /* bytes */
	__u64 sends, receives; /* datagrams */
	__u64 to, from; /* tags: the latest in each direction, nothing is to be told of them */
	__u64 first;    /* tag: the first flow, which so needs no entry in flows */
	__u64 id;       /* of its flows; 0: none was told */
	__u32 user;     /* the process that used it last; 0: not looked at yet */
	__u32 waiting;  /* threads in remotes */
	__u32 port; /* the local one when it was looked at; connect(AF_UNSPEC) may take it away */
	__u32 spare;
};

/*
 * By socket, freed with it.  No memory: its datagrams are not counted, which is in lost_map.
 */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct datagrams);
} exchanged SEC(".maps");

/*
 * The same where tracing programs have no socket storage (compat.bpf.h), by the socket's
 * address; its entry goes when the socket does.  probe.c sets the size.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, __u64);
	__type(value, struct datagrams);
} exchanged_old SEC(".maps");

/*
 * Flows that were told, but for the first one of each socket; the value is the socket's
 * address.  User space takes out those of sockets that are gone (sweep_flows).  Full: counted
 * in lost_map, the flow is not told.  No LRU: who forges addresses would get a record for each.
 */
struct flow {
	__u64 id; /* struct datagrams */
	__u64 tag;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536);
	__type(key, struct flow);
	__type(value, __u64);
} flows SEC(".maps");

/* Where a datagram goes to or comes from. */
struct remote {
	__u8 ip[16];
	__u16 port;
	__u16 spare;
	__u32 spare32;
	__u64 tag;
};

struct remote_call {
	__u64 sock;
	struct remote remote;
};

/*
 * A send or receive that a thread (its task_struct) is in, with an address that may be new,
 * until it returns.  Full: counted in lost_map, the flow is told with the next datagram.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 16384);
	__type(key, __u64);
	__type(value, struct remote_call);
} remotes SEC(".maps");

/* All events, on their way to user space; probe.c sets the size. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct pt_counts);
} counts SEC(".maps");

/* The record of a process that an iterator writes: too large for the stack. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct pt_process);
} scratch SEC(".maps");
