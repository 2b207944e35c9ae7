/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The wire format: what the kernel side writes to the ring buffer and to the
 * iterators, and what decode.c reads.  Nothing else may live here.
 *
 * All integers are in host byte order, ports and addresses' halves included
 * unless a comment says otherwise.  Times are nanoseconds of CLOCK_BOOTTIME.
 * What is unknown or does not apply is zero.
 */
#ifndef PORTTRACE_WIRE_H
#define PORTTRACE_WIRE_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

#define PT_COMM_LEN 16
/* A path is cut after PT_EXE_ROOM bytes; the rest is room for one more name. */
#define PT_EXE_ROOM 512
#define PT_EXE_LEN (PT_EXE_ROOM + 256)
#define PT_ARGS_LEN 512
#define PT_CGROUP_ROOM 512
#define PT_CGROUP_LEN (PT_CGROUP_ROOM + 256)

enum pt_type {
	PT_BIND = 1,
	PT_LISTEN,
	PT_CONNECT,
	PT_ACCEPT,
	PT_CLOSE, /* of PT_DATAGRAM by PT_RELEASE, unless nobody saw how it ended */
	PT_STATE,
	PT_OPEN,    /* from an iterator: a socket, and one descriptor that holds it */
	PT_PROCESS, /* struct pt_process: news of a process that uses sockets */
	PT_EXIT,    /* struct pt_life */
	PT_FORK,    /* struct pt_life */
	PT_FLOW,    /* PT_DATAGRAM: the first one to or from a remote address */
	PT_RELEASE, /* struct pt_release: the end of a PT_DATAGRAM */
	PT_TYPE_END,
};

/* How the owner of a socket is known; the names are in events.md. */
enum pt_attribution {
	PT_BY_UNKNOWN,
	PT_BY_BIND,
	PT_BY_LISTEN,
	PT_BY_CONNECT,
	PT_BY_ACCEPT,
	PT_BY_INHERIT, /* established, but accept(2) did not hand it out yet: no owner */
	PT_BY_SNAPSHOT,
	PT_BY_KERNEL,  /* a socket of the kernel itself: no pid */
	PT_BY_CLOSE,   /* who closed it; the owner had ended, and others held it too */
	PT_BY_SEND,    /* UDP: who sent through it, and did not bind or connect it */
	PT_BY_RECEIVE, /* likewise */
	PT_ATTRIBUTION_END,
};

enum pt_kind {
	PT_BOUND,
	PT_LISTENER,
	PT_CONNECTION,
	PT_DATAGRAM, /* UDP: all of them, and no other kind is */
	PT_KIND_END,
};

/* Who ended a connection. */
enum pt_side {
	PT_SIDE_NONE,
	PT_LOCAL,
	PT_REMOTE,
	PT_SIDE_END,
};

enum pt_how {
	PT_HOW_NONE,
	PT_FIN,
	PT_RESET,
	PT_TIMEOUT,
	PT_HOW_END,
};

enum pt_flag {
	PT_IPV4 = 1 << 0,    /* the addresses are IPv4-mapped, the traffic is IPv4 */
	PT_PASSIVE = 1 << 1, /* the other end began the connection */
	PT_ACTIVE = 1 << 2,  /* this end began it; neither bit: not known */
	PT_LATE = 1 << 3,    /* told by a later hook, because the kernel skipped the right one */
	PT_V6ONLY = 1 << 4,
	PT_GONE = 1 << 5, /* accept: the connection had ended; close: how and when is not known */
	PT_EPHEMERAL = 1 << 6,  /* local_port lies in its namespace's ip_local_port_range */
	PT_AFTER_LOSS = 1 << 7, /* records before this one were lost */
};

/* What decides whether two sockets may have one port. */
enum pt_share {
	PT_REUSEADDR = 1 << 0, /* SO_REUSEADDR */
	PT_REUSEPORT = 1 << 1, /* SO_REUSEPORT */
	PT_ANY_PORT = 1 << 2,  /* the kernel chose the port, or was to */
	PT_HAD_PORT = 1 << 3,  /* PT_BIND that failed: the socket has a port already */
	PT_RESERVED = 1 << 4,  /* PT_LISTEN: the port is in ip_local_reserved_ports */
};

/*
 * A process: thread group id in the initial pid namespace, and the start of its
 * leader, which tells two processes with the same pid apart.  tgid 0: unknown.
 */
struct pt_who {
	__u64 start;
	__u32 tgid;
} __attribute__((packed, aligned(4)));

/* One event of one socket. */
struct pt_socket {
	__u8 type;
	__u8 attribution;
	__u8 state_old; /* TCP states as in the kernel; state_old of PT_STATE only */
	__u8 state_new;
	__u8 close_by;
	__u8 close_how;
	__u8 kind;
	__u8 flags;
	__u16 local_port;
	__u16 remote_port;
	__u16 error;
	__u8 share; /* enum pt_share */
	__u8 spare8;
	__u32 netns; /* inode number */
	struct pt_who owner;
	__u64 time;
	__u64 sock; /* the socket's address: its identity while it lives */
	__u64 cookie;
	__u8 local_ip[16]; /* network order, IPv4 as ::ffff:a.b.c.d */
	__u8 remote_ip[16];
	union {
		__u64 duration;      /* connect: of the handshake; close: of the socket's life */
		struct {             /* PT_BIND, PT_LISTEN, PT_OPEN */
			__u32 uid;   /* of a socket with PT_REUSEPORT: its user + 1 */
			__u32 limit; /* PT_BIND with EACCES: ip_unprivileged_port_start */
		};
	};
	union {
		struct {
			__u64 sent; /* PT_CLOSE of a connection, PT_RELEASE: payload bytes */
			__u64 received;
		};
		struct {
			struct pt_who creator; /* who bound the port, if not the owner */
			__u32 fd;              /* PT_OPEN: number of the descriptor + 1 */
		};
	};
	struct pt_who actor; /* who caused this event in process context, if known */
	__u32 device;        /* index of the interface that the socket is bound to */
};

/* The end of a UDP socket, with what it has exchanged. */
struct pt_release {
	struct pt_socket socket; /* sent and received: payload bytes */
	__u64 sends;             /* datagrams */
	__u64 receives;
};

struct pt_process {
	__u8 type;
	__u8 exe_cut; /* the path was longer than PT_EXE_ROOM */
	__u16 exe_len;
	__u16 args_len;   /* PT_ARGS_LEN: there may be more */
	__u16 cgroup_len; /* 0 also if it was too long */
	struct pt_who who;
	__u32 uid; /* effective */
	__u64 time;
	struct pt_who parent;
	__u8 exiting; /* it has told its PT_EXIT already */
	__u8 in_tree; /* of the processes that user space asked for */
	__u16 spare16;
	char name[PT_COMM_LEN];
	char parent_name[PT_COMM_LEN];
	/* The path's names from the last to the first, each with its NUL. */
	char exe[PT_EXE_LEN];
	char cgroup[PT_CGROUP_LEN]; /* as exe */
	char args[PT_ARGS_LEN];     /* each with its NUL */
};

/* A process that was told of ended, or began another process. */
struct pt_life {
	__u8 type;
	__u8 spare8[3];
	struct pt_who who;
	__u64 time;
	struct pt_who child; /* PT_FORK */
	__u32 spare32;
};

/* Counters of the kernel side, one set for each CPU. */
struct pt_counts {
	__u64 seen;           /* socket events: in the ring, filtered or lost */
	__u64 filtered;       /* socket events that nobody asked for */
	__u64 lost_ring;      /* socket events that found no room */
	__u64 lost_map;       /* sockets or calls that a full map could not hold */
	__u64 lost_processes; /* other records that found no room */
	__u64 late;           /* of seen: told by a later hook than the right one */
};

_Static_assert(sizeof(struct pt_who) == 12, "wire format");
_Static_assert(sizeof(struct pt_socket) == 128, "wire format");
_Static_assert(sizeof(struct pt_release) == 144, "wire format");
_Static_assert(sizeof(struct pt_process) == 80 + 2 * 768 + PT_ARGS_LEN, "wire format");
_Static_assert(sizeof(struct pt_life) == 40, "wire format");

#endif
