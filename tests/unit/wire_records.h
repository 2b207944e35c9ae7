/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Records as the kernel side writes them, for the tests of what reads them.  Pids
 * are above the highest that Linux gives, so that /proc never knows them.
 */
#ifndef WIRE_RECORDS_H
#define WIRE_RECORDS_H

#include <arpa/inet.h>
#include <string.h>

#include "porttrace/wire.h"

#define WIRE_PID 5000000 /* beyond PID_MAX_LIMIT */
#define WIRE_NETNS 4026531840U

/* Each process began at its pid; 0: nobody. */
static inline struct pt_who wire_who(uint32_t pid)
{
	return (struct pt_who){ .tgid = pid, .start = pid };
}

static inline void wire_ip(__u8 ip[16], const char *text)
{
	memset(ip, 0, 16);
	if (strchr(text, ':')) {
		(void)inet_pton(AF_INET6, text, ip);
		return;
	}
	ip[10] = ip[11] = 0xff;
	(void)inet_pton(AF_INET, text, ip + 12);
}

/* remote NULL: there is no such end, as the kernel has it: any address, port 0. */
static inline struct pt_socket wire_socket(enum pt_type type, uint64_t sock, uint32_t pid,
					   const char *local, uint16_t local_port,
					   const char *remote, uint16_t remote_port)
{
	struct pt_socket record = {
		.type = (__u8)type,
		.kind = PT_CONNECTION,
		.netns = WIRE_NETNS,
		.owner = wire_who(pid),
		.time = 1000,
		.sock = sock,
		.cookie = sock,
		.local_port = local_port,
		.remote_port = remote_port,
	};

	if (!strchr(local, ':'))
		record.flags |= PT_IPV4;
	wire_ip(record.local_ip, local);
	wire_ip(record.remote_ip, remote ? remote : strchr(local, ':') ? "::" : "0.0.0.0");
	return record;
}

/* Of UDP; remote NULL: not connected. */
static inline struct pt_socket wire_datagram(enum pt_type type, uint64_t sock, uint32_t pid,
					     const char *local, uint16_t local_port,
					     const char *remote, uint16_t remote_port)
{
	struct pt_socket record =
		wire_socket(type, sock, pid, local, local_port, remote, remote_port);

	record.kind = PT_DATAGRAM;
	return record;
}

static inline struct pt_socket wire_listen(uint64_t sock, uint32_t pid, const char *local,
					   uint16_t port)
{
	struct pt_socket record = wire_socket(PT_LISTEN, sock, pid, local, port, NULL, 0);

	record.kind = PT_LISTENER;
	record.attribution = PT_BY_LISTEN;
	return record;
}

static inline struct pt_socket wire_connect(uint64_t sock, uint32_t pid, const char *local,
					    uint16_t local_port, const char *remote,
					    uint16_t remote_port)
{
	struct pt_socket record =
		wire_socket(PT_CONNECT, sock, pid, local, local_port, remote, remote_port);

	record.attribution = PT_BY_CONNECT;
	record.flags |= PT_ACTIVE;
	return record;
}

static inline struct pt_socket wire_accept(uint64_t sock, uint32_t pid, const char *local,
					   uint16_t local_port, const char *remote,
					   uint16_t remote_port)
{
	struct pt_socket record =
		wire_socket(PT_ACCEPT, sock, pid, local, local_port, remote, remote_port);

	record.attribution = PT_BY_ACCEPT;
	record.flags |= PT_PASSIVE;
	return record;
}

/* The end of a socket that another record began. */
static inline struct pt_socket wire_close(const struct pt_socket *socket)
{
	struct pt_socket record = *socket;

	record.type = PT_CLOSE;
	record.duration = 500;
	return record;
}

/* path: from the last name to the first, each with its NUL. */
static inline struct pt_process wire_process(uint32_t pid, const char *name, const char *path,
					     size_t path_len)
{
	struct pt_process record = {
		.type = PT_PROCESS,
		.who = wire_who(pid),
		.uid = 12345,
		.parent = wire_who(WIRE_PID - 1),
		.parent_name = "parent",
		.exe_len = (__u16)path_len,
	};

	strncpy(record.name, name, sizeof(record.name) - 1);
	memcpy(record.exe, path, path_len);
	return record;
}

static inline struct pt_life wire_life(enum pt_type type, uint32_t pid, uint64_t time)
{
	return (struct pt_life){ .type = (__u8)type, .who = wire_who(pid), .time = time };
}

#endif
